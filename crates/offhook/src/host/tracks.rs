//! The tracks of the other members, as listeners are told of them: from the roster, and compared with
//! what was known, so that a recovery tells no track twice and takes none away that is still published
//! (F41, F62). Frames go past here.

use super::Host;
use crate::event::Event;
use crate::track::TrackInfo;
use offhook_transport::media::TrackId;
use offhook_transport::{Capability, Member};
use std::collections::BTreeSet;

/// Tracks of others that are known at once. Beyond it none is told of until others are gone.
const TRACKS: usize = 1024;

impl Host {
    /// What came, changed or went of what a member publishes.
    pub(super) fn tell_tracks(&mut self, member: &Member) {
        let forwards = self.contents.capabilities.is_some_and(|can| can.has(Capability::Forwarding));
        if !forwards || member.id == self.instance.to_string() {
            return;
        }
        let mut published = BTreeSet::new();
        for track in &member.tracks {
            let id = TrackId::new(&member.id, &track.label);
            if !published.insert(id.clone()) {
                continue;
            }
            let now = TrackInfo { id, kind: track.kind, muted: track.muted, waits: track.waits };
            self.tell_track(now);
        }
        self.tell_removed(|id| id.member() == member.id && !published.contains(id));
    }

    /// Whoever is not there any more has no tracks.
    pub(super) fn tell_tracks_gone(&mut self, member: &str) {
        self.tell_removed(|id| id.member() == member);
    }

    fn tell_track(&mut self, now: TrackInfo) {
        let known = self.shared.notes().remote_tracks.get(&now.id).cloned();
        match known {
            Some(known) if known.kind != now.kind => self.tell_removed(|id| *id == now.id),
            Some(known) if known == now => return,
            Some(known) => {
                let (id, muted, waits) = (now.id.clone(), now.muted, now.waits);
                self.shared.notes().remote_tracks.insert(id.clone(), now);
                if known.muted != muted {
                    let id = id.clone();
                    self.tell(if muted { Event::TrackMuted(id) } else { Event::TrackUnmuted(id) });
                }
                if known.waits != waits {
                    self.tell(if waits { Event::TrackWaits(id) } else { Event::TrackComes(id) });
                }
                return;
            }
            None => {}
        }
        let mut notes = self.shared.notes();
        if notes.remote_tracks.len() >= TRACKS {
            drop(notes);
            tracing::warn!(parent: &self.span, most = TRACKS, "there are more tracks than are told of");
            return;
        }
        notes.remote_tracks.insert(now.id.clone(), now.clone());
        drop(notes);
        self.tell(Event::TrackAdded(now));
    }

    fn tell_removed(&mut self, gone: impl Fn(&TrackId) -> bool) {
        let removed: Vec<_> = {
            let mut notes = self.shared.notes();
            notes.remote_tracks.extract_if(.., |id, _| gone(id)).map(|(_, track)| track).collect()
        };
        for track in removed {
            self.shared.remote.end_track(&track.id);
            self.tell(Event::TrackRemoved(track));
        }
    }
}
