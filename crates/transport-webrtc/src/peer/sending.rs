//! Outgoing media of this machine: one pump task takes the frames of a published track,
//! packetises them and passes each packet through the gate.

use super::events::PeerEvent;
use super::gates::Gates;
use super::handler::{Counters, Level, Shared, lock};
use super::leg::Leg;
use super::packetize::Packetizer;
use super::rtp::time_to_ticks;
use super::{Inner, Peer, PeerError};
use bytes::Bytes;
use offhook_transport::media::{Codec, EncodedFrame, GateLevel, Kind, Tap};
use rtc::rtp;
use std::future::poll_fn;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use webrtc::media_stream::track_local::TrackLocal;

/// How often a key frame is asked for while none comes.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// A source that sent nothing for this long has paused.
pub const PAUSE: Duration = Duration::from_secs(2);

/// Media under way to the far side. Dropping it stops it at once and frees the section.
#[derive(Debug)]
pub struct Sending {
    task: AbortHandle,
    mid: String,
    kind: Kind,
    outflow: Arc<Outflow>,
}

/// When the newest frame left.
#[derive(Debug, Default)]
struct Outflow(Mutex<Option<Instant>>);

impl Outflow {
    /// A frame left. True if that is news: none had, or not for the length of a pause.
    fn note(&self) -> bool {
        let now = Instant::now();
        let before = lock(&self.0).replace(now);
        before.is_none_or(|before| now.saturating_duration_since(before) >= PAUSE)
    }
}

impl Sending {
    /// The section it runs on.
    pub fn mid(&self) -> &str {
        &self.mid
    }

    /// Audio or video.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Did its track end, or its peer close?
    pub fn is_over(&self) -> bool {
        self.task.is_finished()
    }

    /// Did a frame leave within the length of a [`PAUSE`]?
    pub fn flows(&self) -> bool {
        let newest = *lock(&self.outflow.0);
        !self.is_over() && newest.is_some_and(|newest| newest.elapsed() < PAUSE)
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Peer {
    /// Sends a published track on a section, from its next key frame on once the peer is
    /// connected. One task takes the frames; each packet passes `gate` on its own. What
    /// cannot be sent now is dropped, never kept.
    ///
    /// # Errors
    /// [`PeerError::NoSuchSection`] if the section does not exist, is not ours to send on,
    /// or already has a source; [`PeerError::NoCommonCodec`].
    pub async fn send_track(
        &self,
        mid: &str,
        tap: Tap,
        gate: impl Into<Gates>,
    ) -> Result<Sending, PeerError> {
        let claim = self.claim(mid).await?;
        let codec = tap.spec().codec;
        if claim.0.payload_type(&self.inner.shared, codec).await.is_none() {
            return Err(PeerError::NoCommonCodec { mid: mid.to_owned(), codec: name(codec) });
        }
        let counters = self.inner.shared.counters(mid, false);
        let outflow = Arc::<Outflow>::default();
        let (shared, noted) = (self.inner.shared.clone(), outflow.clone());
        let told = PeerEvent::FrameOut { mid: mid.to_owned() };
        let frame_out = move || {
            if noted.note() {
                shared.events.fact(told.clone());
            }
        };
        let pump = pump(claim, self.inner.shared.clone(), counters, tap, gate.into(), frame_out);
        let task = self.inner.spawn(pump).ok_or(PeerError::Closed)?;
        Ok(Sending { task, mid: mid.to_owned(), kind: codec.kind(), outflow })
    }

    pub(super) async fn claim(&self, mid: &str) -> Result<Claim, PeerError> {
        self.inner.ensure_open()?;
        let none = || PeerError::NoSuchSection(mid.to_owned());
        let leg = self.inner.leg(mid).await.ok_or_else(none)?;
        if leg.taken.swap(true, Ordering::AcqRel) {
            return Err(none());
        }
        Ok(Claim(leg))
    }
}

impl Inner {
    pub(super) async fn leg(&self, mid: &str) -> Option<Arc<Leg>> {
        let legs = lock(&self.legs).clone();
        for leg in legs {
            if leg.mid().await.as_deref() == Some(mid) {
                return Some(leg);
            }
        }
        None
    }
}

/// The right to send on a leg.
pub(super) struct Claim(pub(super) Arc<Leg>);

impl Drop for Claim {
    fn drop(&mut self) {
        self.0.taken.store(false, Ordering::Release);
    }
}

async fn pump(
    claim: Claim,
    shared: Arc<Shared>,
    counters: Arc<Counters>,
    mut tap: Tap,
    gate: Gates,
    frame_out: impl Fn(),
) {
    let leg = &claim.0;
    let codec = tap.spec().codec;
    let mut level = shared.level.subscribe();
    let mut packetizer = Packetizer::new(codec);
    let mut packets = Vec::new();
    let mut clock = SendClock { base: None };
    // Nothing before a key frame can be decoded over there.
    let mut await_key = codec.kind() == Kind::Video;
    let mut asked: Option<Instant> = None;
    loop {
        let frame = tokio::select! {
            () = leg.key_wanted.notified() => {
                counters.key_requests.fetch_add(1, Ordering::Relaxed);
                tap.want_key_frame();
                continue;
            }
            changed = level.changed() => {
                if changed.is_err() { return }
                let Level { ice, dtls, .. } = *level.borrow_and_update();
                if ice && dtls {
                    tap.want_key_frame();
                }
                continue;
            }
            frame = tap.next() => frame,
        };
        let Some(frame) = frame else { return };
        if !shared.may_send() || gate.level() != GateLevel::Open {
            await_key = codec.kind() == Kind::Video;
            continue;
        }
        if await_key && !frame.key {
            if asked.is_none_or(|at| at.elapsed() >= ASK_AGAIN) {
                asked = Some(Instant::now());
                tap.want_key_frame();
            }
            continue;
        }
        await_key = false;
        let Some(payload_type) = leg.payload_type(&shared, codec).await else { continue };
        let timestamp = clock.timestamp(leg, &frame);
        packets.clear();
        packetizer.packetize(&frame.data, &mut packets);
        let last = packets.len().saturating_sub(1);
        for (place, payload) in packets.drain(..).enumerate() {
            let header = leg.header(payload_type, timestamp, place == last && codec.kind() == Kind::Video);
            if !write(leg, header, payload, &gate).await {
                await_key = codec.kind() == Kind::Video;
                break;
            }
        }
        if !await_key {
            counters.frames.fetch_add(1, Ordering::Relaxed);
            frame_out();
        }
    }
}

/// Hands one packet to the engine, inside the gate: while the engine has no room the gate is
/// not held, and a gate that shut meanwhile keeps the packet here.
async fn write(leg: &Leg, header: rtp::Header, payload: Bytes, gate: &Gates) -> bool {
    let mut sending = leg.track.write_rtp(rtp::Packet { header, payload });
    poll_fn(|cx| match gate.pass(|| sending.as_mut().poll(cx)) {
        None => Poll::Ready(false),
        Some(Poll::Pending) => Poll::Pending,
        Some(Poll::Ready(sent)) => Poll::Ready(sent.is_ok()),
    })
    .await
}

/// From media time to the leg's timestamps; a source that starts over goes on here.
struct SendClock {
    /// The media time of the first frame and the timestamp it got. Never moved while media
    /// time goes forward, so that rounding does not add up.
    base: Option<(Duration, u32)>,
}

impl SendClock {
    fn timestamp(&mut self, leg: &Leg, frame: &EncodedFrame) -> u32 {
        let rate = frame.codec.clock_rate();
        let since = self.base.and_then(|(pts, at)| Some((frame.pts.checked_sub(pts)?, at)));
        match since {
            Some((elapsed, at)) => at.wrapping_add(time_to_ticks(elapsed, rate)),
            None => {
                let at = leg.next_timestamp(rate);
                self.base = Some((frame.pts, at));
                at
            }
        }
    }
}

fn name(codec: Codec) -> &'static str {
    match codec {
        Codec::H264 => "H.264",
        Codec::Vp8 => "VP8",
        Codec::Opus => "Opus",
        _ => "this codec",
    }
}
