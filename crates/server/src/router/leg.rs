//! The way out of one track to one receiver: one section of its connection. What the connection has
//! no room for is dropped and counted here, never kept, so that nobody waits for a slow one.

use super::Track;
use super::wishes::Wishes;
use offhook_transport::media::{Codec, Kind};
use offhook_transport_webrtc::peer::{PAUSE, Peer, PeerError, RtpOut, RtpPacket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

/// What became of a packet on one leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passed {
    /// It went out.
    Sent,
    /// There is no path yet, or no room.
    Dropped,
    /// Nothing can be shown before a key frame.
    LacksKey,
}

/// One section that is forwarded to.
pub(crate) struct Leg {
    pub(crate) mid: String,
    pub(crate) kind: Kind,
    out: Mutex<Out>,
    /// Told when something begins to flow here, or stops.
    news: Arc<Notify>,
    /// Passes the receiver's wishes for key frames on.
    asking: Option<AbortHandle>,
    /// Packets of all legs of this server that were dropped while there was a path.
    dropped: Arc<AtomicU64>,
}

struct Out {
    rtp: RtpOut,
    track: Weak<Track>,
    awaits_key: bool,
    /// When the newest packet went out; none before the first and after a pause.
    newest: Option<Instant>,
    /// When the newest key frame began to go out.
    key: Option<Instant>,
}

impl Leg {
    /// A leg on this section, on which nothing flows yet.
    ///
    /// # Errors
    /// As [`Peer::rtp_out`].
    pub(crate) async fn open(
        peer: &Peer,
        mid: String,
        codec: Codec,
        news: Arc<Notify>,
        dropped: Arc<AtomicU64>,
    ) -> Result<Arc<Self>, PeerError> {
        let kind = codec.kind();
        let rtp = peer.rtp_out(&mid).await?;
        rtp.prepare(codec).await;
        let requests = rtp.key_frame_requests();
        let out = Out { rtp, track: Weak::new(), awaits_key: kind == Kind::Video, newest: None, key: None };
        Ok(Arc::new_cyclic(|leg: &Weak<Self>| {
            let leg = leg.clone();
            let asking = async move {
                let mut wishes = Wishes::new(Instant::now());
                loop {
                    requests.next().await;
                    let wished = Instant::now();
                    sleep_until(wishes.due(wished)).await;
                    let Some(leg) = leg.upgrade() else { return };
                    let (track, key) = {
                        let out = leg.lock();
                        (out.track.upgrade(), out.key)
                    };
                    if let Some(track) = track.filter(|_| wishes.grant(wished, key, Instant::now())) {
                        track.want_key();
                    }
                }
            };
            let asking = (kind == Kind::Video).then(|| tokio::spawn(asking).abort_handle());
            Self { mid, kind, out: Mutex::new(out), news, asking, dropped }
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Out> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another track goes out here from now on.
    pub(super) fn begin(&self, track: Weak<Track>) {
        let mut out = self.lock();
        out.track = track;
        out.newest = None;
        out.awaits_key = self.kind == Kind::Video;
        out.rtp.change_source();
    }

    /// The same track, from another connection.
    pub(super) fn change_source(&self) {
        let mut out = self.lock();
        out.awaits_key = self.kind == Kind::Video;
        out.rtp.change_source();
    }

    /// Nothing is to be expected here until something flows again.
    pub(super) fn pause(&self) {
        let mut out = self.lock();
        out.awaits_key = self.kind == Kind::Video;
        let flowed = out.newest.take().is_some();
        drop(out);
        if flowed {
            self.news.notify_one();
        }
    }

    pub(super) fn forward(&self, packet: &RtpPacket, begins: bool) -> Passed {
        let mut out = self.lock();
        if !out.rtp.is_ready() {
            return Passed::Dropped;
        }
        if out.awaits_key && !begins {
            return Passed::LacksKey;
        }
        if !out.rtp.try_forward(packet) {
            drop(out);
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return Passed::Dropped;
        }
        out.awaits_key = false;
        let now = Instant::now();
        let before = out.newest.replace(now);
        if begins {
            out.key = Some(now);
        }
        drop(out);
        if before.is_none_or(|before| now.saturating_duration_since(before) >= PAUSE) {
            self.news.notify_one();
        }
        Passed::Sent
    }

    /// Until when something counts as flowing here, if it does now.
    pub(crate) fn flows_until(&self, now: Instant) -> Option<Instant> {
        let until = self.lock().newest? + PAUSE;
        (until > now).then_some(until)
    }
}

impl Drop for Leg {
    fn drop(&mut self) {
        if let Some(asking) = &self.asking {
            asking.abort();
        }
    }
}
