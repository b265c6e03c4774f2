//! Two peers in one process, joined by strings. No network but loopback.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use offhook_transport::Epoch;
use offhook_transport::media::{
    Codec, EncodedFrame, Gate, Kind, Remote, TrackReceiver, TrackSender, TrackSpec, local,
};
use offhook_transport_webrtc::peer::{
    Certificate, Peer, PeerConfig, PeerEvent, PeerEvents, RemoteCandidate, Sending,
};
use std::time::Duration;
use tokio::time::timeout;

/// Longer than anything here may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub fn certificate() -> Certificate {
    Certificate::generate().expect("this machine has randomness")
}

pub fn open_gate() -> Gate {
    let gate = Gate::new();
    gate.open();
    gate
}

pub fn offerer() -> PeerConfig {
    let mut config = PeerConfig::offerer(certificate()).on_loopback();
    config.gate = open_gate();
    config
}

pub fn answerer() -> PeerConfig {
    let mut config = PeerConfig::answerer(certificate()).on_loopback();
    config.gate = open_gate();
    config
}

/// One end with what it was told.
pub struct End {
    pub peer: Peer,
    pub events: PeerEvents,
    pub seen: Vec<PeerEvent>,
}

impl End {
    pub async fn open(config: PeerConfig) -> Self {
        let (peer, events) = Peer::open(config).await.expect("loopback can be bound");
        Self { peer, events, seen: Vec::new() }
    }

    /// Reads events until one fits; gives it.
    pub async fn until(&mut self, what: &str, fits: impl Fn(&PeerEvent) -> bool) -> PeerEvent {
        self.until_within(PATIENCE, what, fits).await
    }

    pub async fn until_within(
        &mut self,
        time: Duration,
        what: &str,
        fits: impl Fn(&PeerEvent) -> bool,
    ) -> PeerEvent {
        let seen = &mut self.seen;
        let events = &mut self.events;
        let found = timeout(time, async {
            loop {
                let event = events.next().await?;
                seen.push(event.clone());
                if fits(&event) {
                    return Some(event);
                }
            }
        })
        .await;
        match found {
            Ok(Some(event)) => event,
            Ok(None) => panic!("the events ended before {what}; seen: {:?}", self.seen),
            Err(_) => panic!("no {what} within {time:?}; seen: {:?}", self.seen),
        }
    }

    pub async fn connected(&mut self) {
        self.until("connection", |event| *event == PeerEvent::Connected).await;
    }

    pub async fn data_open(&mut self) {
        self.until("open data channel", |event| *event == PeerEvent::DataOpen).await;
    }
}

/// Offer with candidates, answer with candidates: nothing to trickle.
pub async fn negotiate(offerer: &Peer, answerer: &Peer, restart: bool) {
    let offer = offerer.offer(restart).await.expect("an offer");
    let answer = answerer.answer(&offer).await.expect("an answer");
    offerer.accept_answer(&answer).await.expect("the answer fits");
}

/// A connected pair, data channel open on both sides.
pub async fn pair(a: PeerConfig, b: PeerConfig) -> (End, End) {
    let (mut a, mut b) = (End::open(a).await, End::open(b).await);
    negotiate(&a.peer, &b.peer, false).await;
    a.data_open().await;
    b.data_open().await;
    (a, b)
}

/// A pair whose second end receives into a `Remote`.
pub struct Viewer {
    pub remote: Remote,
    pub video: TrackReceiver,
}

pub fn viewer(config: &mut PeerConfig) -> Viewer {
    let remote = Remote::new();
    let epoch = Epoch(1);
    remote.switch_to(epoch);
    config.intake.sink = Some(remote.sink(epoch));
    let video = remote.receiver(Kind::Video);
    Viewer { remote, video }
}

/// Publishes on the first section.
pub async fn publish(peer: &Peer, codec: Codec, gate: Gate) -> (TrackSender, Sending) {
    let (sender, track) = local(TrackSpec { codec, label: "camera".into() });
    let mid = peer
        .sections()
        .await
        .into_iter()
        .find(|section| section.kind == codec.kind() && section.sends)
        .expect("a section to send on")
        .mid;
    let sending = peer.send_track(&mid, track.tap(), gate).await.expect("the section takes it");
    (sender, sending)
}

/// The access units of the sample clip, as Annex B with long start codes.
pub fn clip() -> Vec<EncodedFrame> {
    let stream: &[u8] = include_bytes!("../../../media/assets/bunny-640x360-25fps.h264");
    let mut units: Vec<&[u8]> = Vec::new();
    let mut begin = None;
    let mut at = 0;
    while at + 3 <= stream.len() {
        if stream[at..at + 3] == [0, 0, 1] {
            if let Some(begin) = begin {
                units.push(trim(&stream[begin..at]));
            }
            begin = Some(at + 3);
            at += 3;
        } else {
            at += 1;
        }
    }
    units.push(trim(&stream[begin.expect("a start code")..]));
    let mut frames = Vec::new();
    let (mut data, mut picture, mut key) = (Vec::new(), false, false);
    for unit in units {
        let kind = unit[0] & 0x1f;
        // A picture ends before the next parameter set, message, delimiter or first slice.
        let first_slice = matches!(kind, 1 | 5) && unit.get(1).is_some_and(|byte| byte & 0x80 != 0);
        if picture && (first_slice || matches!(kind, 6..=9)) {
            frames.push(frame(std::mem::take(&mut data), frames.len(), key));
            (picture, key) = (false, false);
        }
        picture |= matches!(kind, 1 | 5);
        key |= kind == 5;
        data.extend_from_slice(&[0, 0, 0, 1]);
        data.extend_from_slice(unit);
    }
    frames.push(frame(data, frames.len(), key));
    frames
}

fn trim(unit: &[u8]) -> &[u8] {
    let end = unit.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    &unit[..end]
}

fn frame(data: Vec<u8>, number: usize, key: bool) -> EncodedFrame {
    EncodedFrame {
        codec: Codec::H264,
        data: data.into(),
        pts: Duration::from_millis(40) * number as u32,
        key,
    }
}

/// A made-up picture: an IDR with parameter sets, or a plain slice.
pub fn picture(number: u32, key: bool, size: usize) -> EncodedFrame {
    let mut data = Vec::new();
    let mut unit = |head: u8, size: usize| {
        data.extend_from_slice(&[0, 0, 0, 1, head]);
        // No zero bytes, so no start code can arise and nothing is trimmed.
        data.extend(
            (0..size).map(|at| ((at as u32).wrapping_mul(31).wrapping_add(number * 7) % 255 + 1) as u8),
        );
    };
    if key {
        unit(0x67, 20);
        unit(0x68, 4);
    }
    unit(if key { 0x65 } else { 0x41 }, size);
    EncodedFrame { codec: Codec::H264, data: data.into(), pts: Duration::from_millis(20) * number, key }
}

/// Trickles everything from one end to the other until the task is dropped.
pub fn as_remote(event: &PeerEvent) -> Option<RemoteCandidate> {
    let PeerEvent::Candidate(one) = event else { return None };
    Some(RemoteCandidate {
        candidate: one.candidate.clone(),
        mid: Some(one.mid.clone()),
        ufrag: Some(one.ufrag.clone()),
    })
}
