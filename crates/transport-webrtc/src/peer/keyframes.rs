//! Lets the far side's requests for a key frame (PLI, RFC 4585 §6.3.1; FIR, RFC 5104 §4.3.1)
//! through to the sending track. The engine keeps all inbound RTCP to itself otherwise. What else the
//! far side reports is counted on the way, in `reported.rs`.

use super::reported::Reports;
use rtc::interceptor::{Attribute, Interceptor, Packet, StreamInfo, TaggedPacket};
use rtc::rtcp;
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::sansio::Protocol;
use rtc::shared::error::Error;
use std::collections::VecDeque;
use std::time::Instant;

/// The last of the chain: every other interceptor has seen the packet before.
pub(super) const SLOT: usize = 14_000;

/// Marks key-frame requests for delivery and drops all other inbound RTCP, once it is counted.
pub(super) struct KeyFrameRequests {
    inbound: VecDeque<TaggedPacket>,
    outbound: VecDeque<TaggedPacket>,
    reports: Reports,
}

impl KeyFrameRequests {
    pub(super) fn new(reports: Reports) -> Self {
        Self { inbound: VecDeque::new(), outbound: VecDeque::new(), reports }
    }
}

/// Is it a request for a key frame?
pub(super) fn asks_for_key_frame(packet: &dyn rtcp::Packet) -> bool {
    packet.as_any().is::<PictureLossIndication>() || packet.as_any().is::<FullIntraRequest>()
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for KeyFrameRequests {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, mut packet: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtcp(all) = &mut packet.message.packet {
            all.iter().for_each(|one| self.reports.note(one.as_ref()));
            all.retain(|one| asks_for_key_frame(one.as_ref()));
            if all.is_empty() {
                return Ok(());
            }
            packet.message.add(Attribute::DeliverToApplication);
        }
        self.inbound.push_back(packet);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.inbound.pop_front()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.outbound.push_back(packet);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.outbound.pop_front()
    }
}

impl Interceptor for KeyFrameRequests {
    fn bind_local_stream(&mut self, stream: &StreamInfo) {
        self.reports.begin(stream.ssrc);
    }
    fn unbind_local_stream(&mut self, stream: &StreamInfo) {
        self.reports.end(stream.ssrc);
    }
    fn bind_remote_stream(&mut self, _: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}
