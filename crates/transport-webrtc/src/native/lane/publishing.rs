//! Which section each published track is sent on, and which are free for the next: what was offered, what
//! an answer granted, what was taken back. What is published is said by the host.

use super::Lane;
use crate::peer::{Direction, PeerError, SectionSpec};
use offhook_transport::media::{KeyWishes, Kind, LocalTrack, MediaPorts};

impl Lane {
    /// Sends each published track on a section of its kind, in the order of publication.
    pub(in crate::native) async fn publish(&self, ports: &MediaPorts) -> Result<(), PeerError> {
        let taken = self.mids();
        let mut sections: Vec<_> = self.peer.sections().await;
        sections.retain(|section| section.sends && !taken.contains(&section.mid));
        for track in &ports.publish {
            let label = track.spec().label.clone();
            let kind = track.spec().kind();
            if self.mid_of(&label).is_some() || !self.state().named.contains(&label) {
                continue;
            }
            let Some(at) = sections.iter().position(|section| section.kind == kind) else {
                return Err(PeerError::NoSuchSection(label));
            };
            let section = sections.remove(at);
            let sending = self.peer.send_track(&section.mid, track.tap(), self.peer.gates().clone()).await?;
            self.state().sendings.push((label, sending));
        }
        Ok(())
    }

    /// Takes back what is not among these any more: nothing more of it is sent, and its section is
    /// free. True if there was anything.
    pub(in crate::native) fn unpublish(&self, tracks: &[LocalTrack]) -> bool {
        let mut state = self.state();
        let kept = |label: &String| tracks.iter().any(|track| track.spec().label == *label);
        let gone: Vec<_> = state.offered.iter().filter(|label| !kept(label)).cloned().collect();
        for label in &gone {
            state.offered.remove(label);
            if let Some(at) = state.sendings.iter().position(|(of, _)| of == label) {
                let (_, sending) = state.sendings.remove(at);
                state.spare.push(sending.kind());
            }
        }
        !gone.is_empty()
    }

    /// Finds a section for each of these tracks that was not there at the last offer, which the next
    /// one must tell of: a free one, or one more. True if there were any.
    pub(in crate::native) async fn make_room(&self, tracks: &[LocalTrack]) -> Result<bool, PeerError> {
        let mut grown = false;
        for track in tracks {
            let kind = track.spec().kind();
            let free = {
                let mut state = self.state();
                // Once for each, whatever the far side made of it.
                if !state.offered.insert(track.spec().label.clone()) {
                    continue;
                }
                let free = state.spare.iter().position(|spare| *spare == kind);
                free.map(|at| state.spare.remove(at))
            };
            grown = true;
            if free.is_none() {
                self.peer.add_section(SectionSpec { kind, direction: Direction::SendRecv }).await?;
            }
        }
        Ok(grown)
    }

    /// Is there anything that the newest offer does not say: a section that no answer was given to, or
    /// a track that came or went since?
    pub(in crate::native) fn lags(&self, tracks: &[LocalTrack]) -> bool {
        let state = self.state();
        let named = |track: &LocalTrack| state.named.contains(&track.spec().label);
        state.grown || state.named.len() != tracks.len() || !tracks.iter().all(named)
    }

    /// The sections that something of ours is sent on.
    pub(in crate::native) fn mids(&self) -> Vec<String> {
        self.state().sendings.iter().map(|(_, sending)| sending.mid().to_owned()).collect()
    }

    /// The section a published track is sent on.
    pub(in crate::native) fn mid_of(&self, label: &str) -> Option<String> {
        let state = self.state();
        let sending = state.sendings.iter().find(|(of, _)| of == label)?;
        Some(sending.1.mid().to_owned())
    }

    /// Takes nothing more from the application, at once.
    pub(in crate::native) fn stop_sending(&self) {
        self.state().sendings.clear();
    }

    /// Asks for a key frame on every section that brings video, or on those that bring these tracks.
    pub(in crate::native) fn want_key_frames(&self, wishes: &KeyWishes) {
        let mids: Vec<String> = if wishes.all {
            let state = self.state();
            let video = state.kinds.iter().filter(|(_, kind)| **kind == Kind::Video);
            video.map(|(mid, _)| mid.clone()).collect()
        } else {
            wishes.tracks.iter().filter_map(|track| self.sinks.mid_of(track)).collect()
        };
        mids.iter().for_each(|mid| self.peer.request_key_frame(mid));
    }
}
