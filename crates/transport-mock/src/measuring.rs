//! What the client's links count, and the statistics that come of it once a second.

use crate::Studio;
use crate::link::{Happening, LinkId, MediaPlane};
use crate::world::Inner;
use offhook_transport::media::{EncodedFrame, Kind};
use offhook_transport::{Content, Event, Stats, StreamStats};
use std::time::Duration;
use tokio::time::Instant;

impl Inner {
    /// What the client's link counted; of links that share a media plane the newest says it.
    pub(crate) fn measure(&mut self, id: LinkId, now: Instant) -> Option<Event> {
        let round_trip = self.studio.as_ref().map_or(Duration::ZERO, Studio::pace);
        let link = self.links.get_mut(&id)?;
        link.plan(now + Duration::from_secs(1), Happening::Measure);
        let plane = self.planes.get(&link.media)?;
        let ours = plane.holders.iter().max() == Some(&id);
        ours.then(|| Event::Content(Content::Stats(Box::new(plane.stats(round_trip)))))
    }
}

impl MediaPlane {
    /// A frame passed, one way or the other: a packet of its own, as this far side has them.
    pub(crate) fn count(&mut self, frame: &EncodedFrame, inbound: bool) {
        let kind = frame.codec.kind();
        let known = self.counted.iter().position(|one| (one.kind, one.inbound) == (kind, inbound));
        let at = known.unwrap_or_else(|| {
            self.counted.push(unused(kind, inbound));
            self.counted.len() - 1
        });
        let stream = &mut self.counted[at];
        stream.packets += 1;
        stream.frames += 1;
        stream.bytes += frame.data.len() as u64;
    }

    /// What was counted until now, over a path with this round trip.
    pub(crate) fn stats(&self, round_trip: Duration) -> Stats {
        let bytes = |inbound| {
            self.counted.iter().filter(|one| one.inbound == inbound).map(|one| one.bytes).sum::<u64>()
        };
        Stats {
            round_trip_time: Some(round_trip),
            bytes_sent: bytes(false),
            bytes_received: bytes(true),
            streams: self.counted.clone(),
        }
    }
}

/// One section a kind, both ways.
fn unused(kind: Kind, inbound: bool) -> StreamStats {
    let mid = match kind {
        Kind::Audio => "audio",
        Kind::Video => "video",
    };
    StreamStats {
        mid: mid.into(),
        kind,
        inbound,
        packets: 0,
        bytes: 0,
        packets_lost: 0,
        jitter: inbound.then_some(Duration::ZERO),
        frames: 0,
        nack_count: 0,
        pli_count: 0,
    }
}
