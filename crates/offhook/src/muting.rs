//! What of the user's media is silent on this side (F60, R14). A mute is in effect when it is asked for,
//! an unmute when it is known to be in effect over there; one that is refused or taken back leaves what
//! was. What is desired, and what came of it, is the ledger's.

use crate::shared::Notes;
use offhook_transport::media::Kind;

/// Mutes of each kind that a handle asked for and the host did not enter yet.
#[derive(Debug, Default)]
pub(crate) struct Muting {
    audio: usize,
    video: usize,
}

/// The kinds that a change mutes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mutes {
    pub(crate) audio: bool,
    pub(crate) video: bool,
}

impl Muting {
    const fn waiting(&self, kind: Kind) -> bool {
        match kind {
            Kind::Audio => self.audio > 0,
            Kind::Video => self.video > 0,
        }
    }

    /// The host took the change in: the ledger knows of it, or never will.
    pub(crate) const fn entered(&mut self, mutes: Mutes) {
        self.audio = self.audio.saturating_sub(mutes.audio as usize);
        self.video = self.video.saturating_sub(mutes.video as usize);
    }
}

impl Notes {
    /// A change is on its way to the host: what it mutes is silent from here on.
    pub(crate) fn mutes(&mut self, mutes: Mutes) {
        self.muting.audio += usize::from(mutes.audio);
        self.muting.video += usize::from(mutes.video);
        for track in &self.tracks {
            if self.muting.waiting(track.kind()) {
                track.track.set_muted(true);
            }
        }
    }

    /// What is published is as silent as the ledger says, and as a mute on its way to it.
    pub(crate) fn follow(&self, silent: Mutes) {
        for track in &self.tracks {
            let silent = match track.kind() {
                Kind::Audio => silent.audio,
                Kind::Video => silent.video,
            };
            track.track.set_muted(silent || self.muting.waiting(track.kind()));
        }
    }
}

#[cfg(test)]
mod tests;
