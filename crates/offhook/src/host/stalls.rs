//! Pictures that stand still (F71): a section that the far side says it sends on, and whose frames
//! do not come. Judged from the statistics, once a second; decides nothing about the session.

use offhook_lifecycle::{Epoch, Time};
use offhook_transport::Stats;
use offhook_transport::media::Kind;
use std::collections::BTreeMap;
use std::time::Duration;

/// Fewer than half a frame a second: none for more than two seconds. With statistics once a second
/// that is seen at the third without a frame; a far side that pauses has said so by then.
const STALLED: Duration = Duration::from_millis(2_500);

/// Sections that are watched. More than the wire allows in a description are nobody's.
const SECTIONS: usize = 64;

/// The sections of pictures that are due, each with what is known of its frames.
#[derive(Debug, Default)]
pub(super) struct Stalls(BTreeMap<String, Section>);

#[derive(Debug)]
struct Section {
    /// The link on which the far side said that it sends.
    epoch: Epoch,
    frames: Option<u64>,
    /// When a frame was last seen to have come, or one became due.
    fresh: Time,
    stalled: bool,
}

/// What listeners are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stall {
    Began { mid: String },
    Ended { mid: String, after: Duration },
}

impl Stalls {
    /// The far side says that it sends on a section, or that it does not any more: nothing is due
    /// then, and what stood still does not count as such from here on.
    pub(super) fn says(
        &mut self,
        epoch: Epoch,
        mid: &str,
        kind: Kind,
        sending: bool,
        now: Time,
    ) -> Option<Stall> {
        if kind != Kind::Video {
            return None;
        }
        if !sending {
            return self.0.remove(mid).and_then(|section| section.end(mid, now));
        }
        if let Some(section) = self.0.get_mut(mid) {
            // Said again on another link, whose frames are counted anew. What stands still goes on
            // to do so until a frame comes.
            if section.epoch != epoch {
                (section.epoch, section.frames) = (epoch, None);
            }
        } else if self.0.len() < SECTIONS {
            self.0.insert(mid.to_owned(), Section { epoch, frames: None, fresh: now, stalled: false });
        }
        None
    }

    /// What a link measured. Nothing begins to stand still unless the session is `live`: an outage
    /// is told otherwise, and frames are missed from its end on.
    pub(super) fn measured(&mut self, epoch: Epoch, stats: &Stats, live: bool, now: Time) -> Vec<Stall> {
        let mut news = Vec::new();
        for (mid, section) in &mut self.0 {
            if epoch < section.epoch {
                continue;
            }
            let inbound = stats.streams.iter().find(|stream| stream.inbound && stream.mid == *mid);
            let frames = inbound.map_or(0, |stream| stream.frames);
            let came = section.frames.replace(frames).map_or(frames > 0, |before| before != frames);
            if came {
                news.extend(section.end(mid, now));
                (section.fresh, section.stalled) = (now, false);
            } else if !live && !section.stalled {
                section.fresh = now;
            } else if !section.stalled && now.since(section.fresh) >= STALLED {
                section.stalled = true;
                news.push(Stall::Began { mid: mid.clone() });
            }
        }
        news
    }

    /// Does any picture stand still?
    pub(super) fn any(&self) -> bool {
        self.0.values().any(|section| section.stalled)
    }

    /// The session goes on on another link: what was only ever promised on an older one is not due.
    pub(super) fn moved_to(&mut self, epoch: Epoch, now: Time) -> Vec<Stall> {
        let mut news = Vec::new();
        self.0.retain(|mid, section| {
            let stays = section.epoch >= epoch;
            if !stays {
                news.extend(section.end(mid, now));
            }
            stays
        });
        news
    }
}

impl Section {
    fn end(&self, mid: &str, now: Time) -> Option<Stall> {
        self.stalled.then(|| Stall::Ended { mid: mid.to_owned(), after: now.since(self.fresh) })
    }
}

#[cfg(test)]
mod tests;
