//! What video the studio wants of a member, and how that is said (F58).

#[cfg(test)]
mod tests;

use offhook_signaling as wire;
use offhook_transport::media::VideoWish;

/// The wish of a studio that works best with `best`, and keeps up with pictures whose shorter side has
/// at most `most` pixels.
pub(crate) fn wanted(best: VideoWish, most: Option<u32>) -> wire::VideoWish {
    let shorter = best.height();
    let (most, limited_by) = match most.filter(|most| *most < shorter) {
        Some(most) => (most, wire::LimitedBy::Cpu),
        None => (shorter, wire::LimitedBy::None),
    };
    // Of the same shape. No product of two sides reaches 2³².
    let side = |side: u32| side * most / shorter;
    wire::VideoWish { width: side(best.width()), height: side(best.height()), fps: best.fps(), limited_by }
}
