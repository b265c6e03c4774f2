//! Frames that can be told apart after any packetisation, and the tracks they run on.

use super::{FarSide, Miss, Rig, broken};
use crate::media::{Codec, EncodedFrame, Gate, Kind, LocalTrack, MediaPorts, Remote, TrackReceiver};
use crate::media::{TrackSender, TrackSpec, local};
use crate::{DialRequest, Epoch};
use std::time::Duration;

#[cfg(test)]
mod tests;

/// Opens a mark; four bytes follow, each with its top bit set, so that no start code arises.
const MARK: &[u8] = b"offhook-mark:";
/// Between two frames: 50 a second.
pub(super) const BEAT: Duration = Duration::from_millis(20);

/// An H.264 access unit (Annex B) that bears the number: with parameter sets if it is a key
/// frame, and every fifth too large for one packet.
pub fn marked(n: u32, key: bool) -> EncodedFrame {
    let mut data = Vec::new();
    if key {
        data.extend_from_slice(&[0, 0, 0, 1, 0x67, 0x42, 0xe0, 0x1f, 0xda, 0x02, 0x80, 0xf6, 0x40]);
        data.extend_from_slice(&[0, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80]);
    }
    data.extend_from_slice(&[0, 0, 0, 1, if key { 0x65 } else { 0x41 }]);
    data.extend_from_slice(MARK);
    data.extend((0..4).rev().map(|at| 0x80 | (n >> (7 * at)) as u8));
    data.resize(data.len() + if n.is_multiple_of(5) { 3000 } else { 100 }, 0x5a);
    EncodedFrame { codec: Codec::H264, data: data.into(), pts: BEAT * n, key }
}

/// The number a frame bears.
pub fn mark_of(frame: &EncodedFrame) -> Option<u32> {
    let at = frame.data.windows(MARK.len()).position(|window| window == MARK)? + MARK.len();
    let digits = frame.data.get(at..at + 4)?;
    Some(digits.iter().fold(0, |n, digit| (n << 7) | u32::from(digit & 0x7f)))
}

/// One published video track, one gate, one receiver: the media of a session under test.
pub(super) struct Media {
    pub(super) sender: TrackSender,
    track: LocalTrack,
    pub(super) gate: Gate,
    pub(super) inbound: Remote,
    pub(super) receiver: TrackReceiver,
    next: u32,
}

impl Media {
    pub(super) fn new() -> Self {
        let (sender, track) = local(TrackSpec { codec: Codec::H264, label: "camera".into() });
        let inbound = Remote::new();
        let receiver = inbound.receiver(Kind::Video);
        Self { sender, track, gate: Gate::new(), inbound, receiver, next: 1 }
    }

    /// The media with its gate open.
    pub(super) fn open() -> Self {
        let media = Self::new();
        media.gate.open();
        media
    }

    /// The request with this media in it.
    pub(super) fn on(&self, request: DialRequest) -> DialRequest {
        let ports = MediaPorts {
            publish: vec![self.track.clone()],
            sink: Some(self.inbound.sink(request.epoch)),
            gate: self.gate.clone(),
        };
        DialRequest { media: ports, ..request }
    }

    pub(super) fn switch_to(&self, epoch: Epoch) {
        self.inbound.switch_to(epoch);
    }

    /// The next frame of the picture: a key frame first, when asked, and every tenth.
    pub(super) fn next_frame(&mut self) -> EncodedFrame {
        let key = self.sender.key_frame_wanted() || self.next % 10 == 1;
        let frame = marked(self.next, key);
        self.next += 1;
        frame
    }

    /// Sends this many frames, one each beat; gives the mark of the last.
    pub(super) async fn send(&mut self, frames: u32) -> u32 {
        for _ in 0..frames {
            let frame = self.next_frame();
            self.sender.try_send(frame);
            tokio::time::sleep(BEAT).await;
        }
        self.next - 1
    }

    /// Sends until the far side has seen `enough` frames that were sent from now on.
    pub(super) async fn send_until_seen(
        &mut self,
        rig: &dyn Rig,
        far: &dyn FarSide,
        enough: usize,
    ) -> Result<Vec<u32>, Miss> {
        let from = self.next;
        let mut seen: Vec<u32> = Vec::new();
        let flow = async {
            loop {
                self.send(1).await;
                let marks = far.published().await?;
                seen.extend(marks.iter().filter_map(mark_of).filter(|mark| *mark >= from));
                if seen.len() >= enough {
                    return Ok::<_, Miss>(());
                }
            }
        };
        match tokio::time::timeout(rig.patience(), flow).await {
            Ok(Ok(())) => Ok(seen),
            Ok(Err(miss)) => Err(miss),
            Err(_) => broken(format!("only the frames {seen:?} reached the far side, from {from} on")),
        }
    }
}

/// Marks must rise: no frame twice, none out of order.
pub(super) fn in_order(marks: &[u32]) -> Result<(), Miss> {
    if marks.windows(2).all(|pair| pair[0] < pair[1]) {
        return Ok(());
    }
    broken(format!("frames came twice or out of order: {marks:?}"))
}
