//! Which section each published track is sent on, and which are free for the next: what was offered, what
//! an answer granted or did not take, what was taken back. What is published is said by the host.

use super::{Lane, State};
use crate::peer::{Direction, PeerError, Section, SectionSpec};
use offhook_transport::media::{KeyWishes, Kind, LocalTrack, MediaPorts};
use offhook_transport::{Untaken, UntakenTrack};

impl Lane {
    /// Sends each track that the newest offer names on the section that it was named with, as far as the
    /// answer to it takes that (RFC 3264 §6): what the answer does not take costs nothing else.
    pub(in crate::native) async fn publish(&self, ports: &MediaPorts, answer: &str) -> Result<(), PeerError> {
        let taken = crate::peer::described(answer);
        for track in &ports.publish {
            let spec = track.spec();
            if self.mid_of(&spec.label).is_some() {
                continue;
            }
            let mid = {
                let mut state = self.state();
                let Some(mid) = state.named.get(&spec.label).cloned() else { continue };
                if mid.is_none() && !state.offered.contains_key(&spec.label) {
                    // Published after the sections of this offer were made: the next one has room for it.
                    state.named.remove(&spec.label);
                    continue;
                }
                mid
            };
            let fits = |section: &&Section| Some(&section.mid) == mid.as_ref() && section.kind == spec.kind();
            let section = taken.iter().find(fits).filter(|section| section.receives);
            let sent = match section {
                None => Err(Untaken::Section),
                Some(section) if !section.codecs.contains(&spec.codec) => Err(Untaken::Codec),
                Some(section) => {
                    match self.peer.send_track(&section.mid, track.tap(), self.peer.gates().clone()).await {
                        Ok(sending) => Ok(sending),
                        Err(PeerError::NoCommonCodec { .. }) => Err(Untaken::Codec),
                        Err(PeerError::NoSuchSection(_)) => Err(Untaken::Section),
                        Err(other) => return Err(other),
                    }
                }
            };
            let mut state = self.state();
            match sent {
                Ok(sending) => state.sendings.push((spec.label.clone(), sending)),
                Err(why) => {
                    tracing::debug!(codec = ?spec.codec, ?why, "a track is not taken");
                    state.offered.remove(&spec.label);
                    let untaken = UntakenTrack { label: spec.label.clone(), codec: spec.codec, why };
                    state.untaken.push(untaken);
                }
            }
        }
        self.count_spare(&taken);
        Ok(())
    }

    /// Free for the next track is every section that the answer grants and nothing is sent on: that of a track
    /// which was taken back before it was answered as well. Not one that is refused; nor one that a track was
    /// given since, which counts with the next answer if that had no need of it.
    fn count_spare(&self, taken: &[Section]) {
        let mut state = self.state();
        let sends_on = |mid: &str| state.sendings.iter().any(|(_, sending)| sending.mid() == mid);
        let free = taken.iter().filter(|section| section.receives && !sends_on(&section.mid));
        let mut spare: Vec<_> = free.map(|section| section.kind).collect();
        for (label, track) in &state.offered {
            let waits = !state.sendings.iter().any(|(of, _)| of == label);
            let given = |kind: &Kind| waits && *kind == track.spec().kind();
            if let Some(at) = spare.iter().position(given) {
                spare.swap_remove(at);
            }
        }
        state.spare = spare;
    }

    /// The newest offer was never said: what it alone would have had sent is not, and their sections are free.
    pub(in crate::native) fn forget_unsaid(&self) {
        let mut state = self.state();
        let State { offered, sendings, named, untaken, spare, .. } = &mut *state;
        offered.retain(|label, track| {
            let unsaid = named.contains_key(label) && !sendings.iter().any(|(of, _)| of == label);
            if unsaid {
                named.remove(label);
                let codec = track.spec().codec;
                untaken.push(UntakenTrack { label: label.clone(), codec, why: Untaken::Section });
                spare.push(track.spec().kind());
            }
            !unsaid
        });
    }

    /// Those of these tracks that are to be offered: all but those that the far side does not take. One
    /// that is not published any more is forgotten.
    pub(in crate::native) fn offerable(&self, tracks: &[LocalTrack]) -> Vec<LocalTrack> {
        let mut state = self.state();
        let is = |track: &LocalTrack, untaken: &UntakenTrack| {
            track.spec().label == untaken.label && track.spec().codec == untaken.codec
        };
        state.untaken.retain(|untaken| tracks.iter().any(|track| is(track, untaken)));
        let offered = |track: &&LocalTrack| !state.untaken.iter().any(|untaken| is(track, untaken));
        tracks.iter().filter(offered).cloned().collect()
    }

    /// Takes back what is not among these any more: nothing more of it is sent, and its section is
    /// free. One of the same name is another track, and is offered anew. True if there was anything.
    pub(in crate::native) fn unpublish(&self, tracks: &[LocalTrack]) -> bool {
        let mut state = self.state();
        let offered = state.offered.iter();
        let gone: Vec<_> =
            offered.filter(|(_, of)| !tracks.contains(of)).map(|(label, _)| label.clone()).collect();
        for label in &gone {
            state.offered.remove(label);
            if tracks.iter().any(|track| track.spec().label == *label) {
                state.named.remove(label);
            }
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
                let label = &track.spec().label;
                if state.offered.contains_key(label) {
                    continue;
                }
                state.offered.insert(label.clone(), track.clone());
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
        let named = |track: &LocalTrack| state.named.contains_key(&track.spec().label);
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
