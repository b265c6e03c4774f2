//! What an Opus packet says of itself (RFC 6716 section 3).

use std::time::Duration;

/// 20 ms of silence: one CELT frame of a single bit's worth.
pub(crate) const SILENCE: &[u8] = &[0xf8, 0xff, 0xfe];
/// How long that is.
pub(crate) const SILENCE_LASTS: Duration = Duration::from_millis(20);

/// No packet is longer.
const LONGEST: Duration = Duration::from_millis(120);

/// How long a packet sounds; `None` if it is none.
pub(crate) fn lasts(packet: &[u8]) -> Option<Duration> {
    let toc = *packet.first()?;
    let config = usize::from(toc >> 3);
    let micros = match config {
        // SILK alone.
        0..12 => [10_000, 20_000, 40_000, 60_000][config % 4],
        // Both.
        12..16 => [10_000, 20_000][config % 2],
        // CELT alone.
        _ => [2_500, 5_000, 10_000, 20_000][config % 4],
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(packet.get(1)? & 0x3f),
    };
    let lasts = Duration::from_micros(micros) * frames;
    (!lasts.is_zero() && lasts <= LONGEST).then_some(lasts)
}
