//! What the studio looks at, and the persona listens to, of one who sends several tracks of a kind: of
//! pictures the first that is published and sent, of sound all that is not muted. One picture is painted, and
//! two in one decoder are none (F60).

use offhook_signaling::{MediaKind, Track};
use offhook_transport::media::EncodedFrame;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Shared with the place where frames come in.
#[derive(Debug, Default)]
pub(super) struct Attention {
    state: Mutex<State>,
    /// Somebody is looked at from whom no key frame has come.
    wish: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// What is published, as far as it says in which section.
    published: Vec<Published>,
    muted: Vec<String>,
    /// Sections of which their sender says that nothing comes.
    paused: BTreeSet<String>,
    /// The section that is looked at; of one who does not say what is published, the first that comes.
    looked_at: Option<String>,
    began: bool,
}

#[derive(Debug)]
struct Published {
    label: String,
    mid: String,
    is_video: bool,
}

impl Attention {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This is published, and of these labels nothing is to be looked at or heard.
    pub(super) fn publish(&self, tracks: &[Track], muted: &[String]) {
        let mut state = self.lock();
        let named = tracks.iter().filter_map(|track| {
            let (label, is_video) = (track.track.clone(), track.kind == MediaKind::Video);
            track.mid.clone().map(|mid| Published { label, mid, is_video })
        });
        let published: Vec<Published> = named.collect();
        state.paused.retain(|mid| published.iter().any(|track| track.mid == *mid));
        state.published = published;
        state.muted = muted.to_vec();
        self.look(state);
    }

    pub(super) fn mute(&self, muted: &[String]) {
        let mut state = self.lock();
        state.muted = muted.to_vec();
        self.look(state);
    }

    /// Its sender says that something comes in this section, or that nothing does.
    pub(super) fn pause(&self, mid: &str, paused: bool) {
        let mut state = self.lock();
        if paused && state.published.iter().any(|track| track.mid == mid) {
            state.paused.insert(mid.to_owned());
        } else {
            state.paused.remove(mid);
        }
        self.look(state);
    }

    /// Looks at another one where that is due, from its next key frame on.
    fn look(&self, mut state: MutexGuard<'_, State>) {
        let videos = || state.published.iter().filter(|track| track.is_video);
        let is_there = |mid: &String| videos().any(|track| track.mid == *mid);
        let first =
            videos().find(|track| !state.muted.contains(&track.label) && !state.paused.contains(&track.mid));
        let of_now = state.looked_at.clone().filter(|mid| videos().next().is_none() || is_there(mid));
        // Where none is sent it stays as it is, and begins again with a key frame.
        let next = first.map(|track| track.mid.clone()).or(of_now);
        if next != state.looked_at {
            state.looked_at = next;
            state.began = false;
            self.wish.notify_one();
        }
    }

    /// Is this frame one to look at?
    pub(super) fn sees(&self, mid: &str, frame: &EncodedFrame) -> bool {
        let mut state = self.lock();
        if state.looked_at.is_none() && !state.published.iter().any(|track| track.is_video) {
            state.looked_at = Some(mid.to_owned());
        }
        if state.looked_at.as_deref() != Some(mid) {
            return false;
        }
        state.began |= frame.key;
        if !state.began {
            self.wish.notify_one();
        }
        state.began
    }

    /// Is what comes in this section to be heard?
    pub(super) fn hears(&self, mid: &str) -> bool {
        let state = self.lock();
        let of = state.published.iter().find(|track| track.mid == mid);
        of.is_none_or(|track| !state.muted.contains(&track.label))
    }

    /// The section of which a key frame is wanted, each time that one is.
    ///
    /// # Cancel safety
    /// No wish is lost.
    pub(super) async fn wished(&self) -> Option<String> {
        self.wish.notified().await;
        self.looked_at()
    }

    pub(super) fn looked_at(&self) -> Option<String> {
        self.lock().looked_at.clone()
    }
}

#[cfg(test)]
mod tests;
