//! The native transport against the embedded server: dials, and links that write down what
//! they said. Real sockets, loopback only.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

pub mod hostile;
pub mod mirror;
pub mod steered;
pub mod through;

use offhook_server::{Mint, Server};
use offhook_transport::media::{
    Codec, EncodedFrame, Gate, Kind, LocalTrack, MediaPorts, Remote, TrackReceiver, TrackSender, TrackSpec,
    local,
};
use offhook_transport::{
    Connection, Desired, DialRequest, Epoch, Event, InstanceId, Plan, Plane, Prompt, ResumeKey, Revision,
    Secret, SessionRef, Transport, Up,
};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::timeout;

/// Longer than anything here may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

static INSTANCES: AtomicU64 = AtomicU64::new(1);

pub async fn server() -> Server {
    Server::builder().start().await.expect("loopback can be bound")
}

pub fn credential(server: &Server) -> Secret {
    server.mint(&Mint::user("ada")).expect("a credential")
}

/// A fresh instance for each session.
pub fn instance() -> InstanceId {
    let number = INSTANCES.fetch_add(1, Ordering::Relaxed);
    let mut id = [7; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    InstanceId(id)
}

pub fn join(credential: Option<Secret>) -> DialRequest {
    DialRequest {
        plan: Plan::Join { resume: None },
        epoch: Epoch(1),
        inherit: None,
        instance: instance(),
        session: SessionRef { kind: "studio".into(), id: "7".into() },
        target: None,
        credential,
        join_ticket: None,
        desired: Desired::default(),
        revision: Revision(0),
        model: Some("studio".into()),
        viewer: false,
        wait_in_queue: false,
        media: MediaPorts::default(),
        open_timeout: Duration::from_secs(5),
    }
}

pub fn prompt(text: &str) -> Desired {
    Desired { prompt: Some(Prompt { text: text.into(), enhance: false }), ..Desired::default() }
}

/// The next dial of the same session.
pub fn again(plan: Plan, epoch: u32, first: &DialRequest, credential: Option<Secret>) -> DialRequest {
    DialRequest {
        plan,
        epoch: Epoch(epoch),
        inherit: Some(Epoch(epoch - 1)),
        instance: first.instance,
        session: first.session.clone(),
        ..join(credential)
    }
}

/// A link and what it said.
pub struct Line {
    pub connection: Box<dyn Connection>,
    pub said: Vec<Event>,
}

impl Line {
    pub fn dial(transport: &dyn Transport, request: DialRequest) -> Self {
        Self { connection: transport.dial(request), said: Vec::new() }
    }

    /// Reads until a report fits, and gives it.
    pub async fn until(&mut self, what: &str, fits: impl Fn(&Event) -> bool) -> Event {
        let found = timeout(PATIENCE, async {
            while let Some(event) = self.connection.next().await {
                self.said.push(event.clone());
                if fits(&event) {
                    return Some(event);
                }
            }
            None
        })
        .await;
        match found {
            Ok(Some(event)) => event,
            Ok(None) => panic!("the link ended before {what}; it said {:?}", self.said),
            Err(_) => panic!("no {what} within {PATIENCE:?}; the link said {:?}", self.said),
        }
    }

    /// Until every plane carries.
    pub async fn carried(&mut self) {
        for plane in [Plane::Signaling, Plane::Media] {
            if !self.said.contains(&Event::Carried(plane)) {
                self.until("proof of a plane", |event| *event == Event::Carried(plane)).await;
            }
        }
    }

    pub async fn joined(transport: &dyn Transport, request: DialRequest) -> Self {
        let mut line = Self::dial(transport, request);
        line.carried().await;
        line
    }

    /// Reads to the end, which must come soon.
    pub async fn finish(&mut self) {
        let end = timeout(Duration::from_secs(2), async {
            while let Some(event) = self.connection.next().await {
                self.said.push(event);
            }
        });
        end.await.unwrap_or_else(|_| panic!("no end within a second; the link said {:?}", self.said));
        assert_eq!(self.said.last(), Some(&Event::Closed), "{:?}", self.said);
    }

    pub fn up(&self) -> &Up {
        let up = self.said.iter().find_map(|event| match event {
            Event::Up(up) => Some(&**up),
            _ => None,
        });
        up.expect("it was let in")
    }

    pub fn key(&self) -> ResumeKey {
        self.up().key.clone().expect("a session that can be resumed has a key")
    }

    pub fn said(&self, event: &Event) -> bool {
        self.said.contains(event)
    }
}

/// One published track and one receiver.
pub struct Ports {
    pub sender: TrackSender,
    pub track: LocalTrack,
    pub gate: Gate,
    pub remote: Remote,
    pub video: TrackReceiver,
}

pub fn ports() -> Ports {
    let (sender, track) = local(TrackSpec { codec: Codec::H264, label: "camera".into() });
    let gate = Gate::new();
    gate.open();
    let remote = Remote::new();
    let video = remote.receiver(Kind::Video);
    Ports { sender, track, gate, remote, video }
}

impl Ports {
    pub fn on(&self, request: DialRequest) -> DialRequest {
        let media = MediaPorts {
            publish: vec![self.track.clone()],
            sink: Some(self.remote.sink(request.epoch)),
            gate: self.gate.clone(),
        };
        DialRequest { media, ..request }
    }
}

/// The real clip, so that the studio has something to paint.
pub fn clip() -> Vec<EncodedFrame> {
    let stream: &[u8] = include_bytes!("../../../media/assets/bunny-640x360-25fps.h264");
    let starts: Vec<usize> = (0..stream.len() - 3).filter(|at| stream[*at..*at + 3] == [0, 0, 1]).collect();
    let ends = starts.iter().skip(1).copied().chain([stream.len()]);
    let (mut frames, mut data, mut picture, mut key) = (Vec::new(), Vec::new(), false, false);
    let mut push = |data: &mut Vec<u8>, key: bool| {
        let pts = Duration::from_millis(40) * frames.len() as u32;
        frames.push(EncodedFrame { codec: Codec::H264, data: std::mem::take(data).into(), pts, key });
    };
    for (start, end) in starts.iter().copied().zip(ends) {
        let mut unit = &stream[start + 3..end];
        while let [rest @ .., 0] = unit {
            unit = rest;
        }
        let kind = unit[0] & 0x1f;
        let first_slice = matches!(kind, 1 | 5) && unit.get(1).is_some_and(|byte| byte & 0x80 != 0);
        if picture && (first_slice || matches!(kind, 6..=9)) {
            push(&mut data, key);
            (picture, key) = (false, false);
        }
        picture |= matches!(kind, 1 | 5);
        key |= kind == 5;
        data.extend_from_slice(&[0, 0, 0, 1]);
        data.extend_from_slice(unit);
    }
    push(&mut data, key);
    frames
}
