//! When a lost packet is asked for again (NACK, RFC 4585 §6.2.1). The engine asks for everything that is
//! missing every few milliseconds; what was asked for and cannot have come yet is taken out of that here,
//! so that a far line does not carry the same packet many times. The round trip is learnt on the way: from a
//! packet that was asked for to its coming.

use super::handler::lock;
use rtc::interceptor::{Interceptor, Packet, StreamInfo, TaggedPacket};
use rtc::rtcp::transport_feedbacks::transport_layer_nack::{
    TransportLayerNack, nack_pairs_from_sequence_numbers,
};
use rtc::sansio::Protocol;
use rtc::shared::error::Error;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Between the generator of what goes out and the wire.
pub(super) const SLOT: usize = 6_900;

/// How soon a packet is asked for again at the least.
const AT_LEAST: Duration = Duration::from_millis(20);
/// And at the most.
const AT_MOST: Duration = Duration::from_secs(1);
/// How often at most: what never comes would otherwise be asked for, and sent again, until newer packets
/// push it out of the engine's log, and while nothing new is sent that is for ever.
const MOST: u32 = 10;
/// By so much of it the wait grows with each packet that was asked for again, up to so many times.
const SHARE: u32 = 2;
const MOST_PATIENCE: u32 = 1_000;
/// What is missing for longer is not waited for any more by anybody.
pub(super) const TOO_LATE: Duration = Duration::from_millis(600);

/// From a request for a lost packet to its coming, as measured on one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct RoundTrip(Arc<Mutex<Option<Duration>>>);

impl RoundTrip {
    pub(super) fn get(&self) -> Option<Duration> {
        *lock(&self.0)
    }

    /// Longer is believed at once: to ask too early costs more than to ask too late.
    fn note(&self, sample: Duration) {
        let mut known = lock(&self.0);
        *known = Some(match *known {
            Some(known) if sample <= known => known * 7 / 8 + sample / 8,
            Some(_) | None => sample,
        });
    }
}

/// A lost packet.
#[derive(Clone, Copy, Debug)]
struct Asked {
    times: u32,
    first: Instant,
    last: Instant,
}

/// Takes out of what is asked for what was asked for a moment ago.
#[derive(Debug, Default)]
pub(super) struct Asking {
    /// By stream: what the engine asked for last and did not come yet.
    lost: HashMap<u32, BTreeMap<u16, Asked>>,
    round_trip: RoundTrip,
    /// Packets that were asked for again since the way was last measured.
    patience: u32,
}

impl Asking {
    pub(super) fn new(round_trip: RoundTrip) -> Self {
        Self { lost: HashMap::new(), round_trip, patience: 0 }
    }

    /// After how long a packet that was asked for so often is asked for again. Where nothing is known of the
    /// way, half as often each time.
    fn wait(&self, times: u32) -> Duration {
        let wait = match self.round_trip.get() {
            Some(known) => known + known / 8 + known * self.patience / SHARE,
            None => AT_LEAST.saturating_mul(1 << (times - 1).min(8)),
        };
        wait.clamp(AT_LEAST, AT_MOST)
    }

    /// Of these, all that are missing of a stream, the ones to ask for now.
    fn due(&mut self, ssrc: u32, missing: &[u16], now: Instant) -> Vec<u16> {
        let mut known = self.lost.remove(&ssrc).unwrap_or_default();
        let mut due = Vec::new();
        let mut lost = BTreeMap::new();
        for &number in missing {
            let asked = match known.remove(&number) {
                None => {
                    due.push(number);
                    Asked { times: 1, first: now, last: now }
                }
                Some(asked) => {
                    let is_due = asked.times < MOST
                        && now.saturating_duration_since(asked.first) < TOO_LATE
                        && now.saturating_duration_since(asked.last) >= self.wait(asked.times);
                    if is_due {
                        due.push(number);
                        Asked { times: asked.times + 1, last: now, ..asked }
                    } else {
                        asked
                    }
                }
            };
            lost.insert(number, asked);
        }
        self.lost.insert(ssrc, lost);
        due
    }

    /// A packet came. What was asked for once says how long the way is. What was asked for again does not:
    /// nobody knows which request it answers; the way may have grown, so more time is given until one does (Karn's algorithm, RFC 6298 sections 3 and 5).
    fn came(&mut self, ssrc: u32, number: u16, now: Instant) {
        let Some(asked) = self.lost.get_mut(&ssrc).and_then(|lost| lost.remove(&number)) else { return };
        if asked.times == 1 || self.round_trip.get().is_none() {
            self.round_trip.note(now.saturating_duration_since(asked.first));
            self.patience = 0;
        } else {
            self.patience = (self.patience + 1).min(MOST_PATIENCE);
        }
    }
}

/// [`Asking`] where packets pass.
pub(super) struct PacedRequests {
    asking: Asking,
    inbound: VecDeque<TaggedPacket>,
    outbound: VecDeque<TaggedPacket>,
}

impl PacedRequests {
    pub(super) fn new(round_trip: RoundTrip) -> Self {
        Self { asking: Asking::new(round_trip), inbound: VecDeque::new(), outbound: VecDeque::new() }
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for PacedRequests {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtp(rtp) = &packet.message.packet {
            self.asking.came(rtp.header.ssrc, rtp.header.sequence_number, packet.now);
        }
        self.inbound.push_back(packet);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.inbound.pop_front()
    }

    fn handle_write(&mut self, mut packet: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtcp(all) = &mut packet.message.packet {
            let (asking, now) = (&mut self.asking, packet.now);
            for one in all.iter_mut() {
                let Some(nack) = one.as_any().downcast_ref::<TransportLayerNack>() else { continue };
                let missing: Vec<u16> = nack.nacks.iter().flat_map(|pair| pair.packet_list()).collect();
                let due = asking.due(nack.media_ssrc, &missing, now);
                let nacks = nack_pairs_from_sequence_numbers(&due);
                *one = Box::new(TransportLayerNack { nacks, ..nack.clone() });
            }
            all.retain(|one| {
                one.as_any().downcast_ref::<TransportLayerNack>().is_none_or(|nack| !nack.nacks.is_empty())
            });
            if all.is_empty() {
                return Ok(());
            }
        }
        self.outbound.push_back(packet);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.outbound.pop_front()
    }
}

impl Interceptor for PacedRequests {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, stream: &StreamInfo) {
        self.asking.lost.remove(&stream.ssrc);
    }
}

#[cfg(test)]
mod tests;
