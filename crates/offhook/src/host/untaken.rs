//! Published tracks that the far side does not take, as listeners are told of them: compared with what
//! was known, so that a recovery tells none twice (F41, F60). The session goes on without them; a join
//! does not, which the transport says with its refusal.

use super::Host;
use crate::event::Event;
use crate::sources::Track;
use offhook_transport::UntakenTrack;

impl Host {
    /// What the newest link sends nothing of, from here on.
    pub(super) fn tell_untaken(&mut self, now: Vec<UntakenTrack>) {
        let (news, taken) = {
            let mut notes = self.shared.notes();
            let mut untaken: Vec<UntakenTrack> = Vec::new();
            for track in now {
                // One that was taken back meanwhile is of no interest, nor is what never was published.
                if is_published(&notes.tracks, &track) && !untaken.contains(&track) {
                    untaken.push(track);
                }
            }
            let known = std::mem::replace(&mut notes.untaken, untaken);
            let news: Vec<_> =
                notes.untaken.iter().filter(|track| !is_among(track, &known)).cloned().collect();
            let is_back =
                |track: &UntakenTrack| is_published(&notes.tracks, track) && !is_among(track, &notes.untaken);
            let taken: Vec<_> = known.into_iter().filter(is_back).collect();
            (news, taken)
        };
        for track in news {
            tracing::warn!(
                parent: &self.span, label = track.label, codec = ?track.codec, why = ?track.why,
                "the far side does not take a track"
            );
            self.tell(Event::TrackNotTaken(track));
        }
        for track in taken {
            self.tell(Event::TrackTaken(track.label));
        }
    }

    /// What is not published any more is not missed either, and is told of anew if it is published again.
    pub(super) fn forget_untaken(&self) {
        let mut notes = self.shared.notes();
        let mut untaken = std::mem::take(&mut notes.untaken);
        untaken.retain(|track| is_published(&notes.tracks, track));
        notes.untaken = untaken;
    }
}

fn is_published(tracks: &[Track], untaken: &UntakenTrack) -> bool {
    let is_it = |track: &Track| {
        track.track.spec().label == untaken.label && track.track.spec().codec == untaken.codec
    };
    tracks.iter().any(is_it)
}

/// Whatever the reason is by now.
fn is_among(track: &UntakenTrack, others: &[UntakenTrack]) -> bool {
    others.iter().any(|other| other.label == track.label && other.codec == track.codec)
}
