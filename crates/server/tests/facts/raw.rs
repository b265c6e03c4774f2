//! A client that writes its RTP packets itself: what an encoder that died, a process that hangs or a
//! liar would send. Its socket keeps itself alive and is listened to all the time.

use crate::wire::{Member, PATIENCE, Wire, join, pong};
use offhook_media::h264::{Encoder, EncoderOptions};
use offhook_media::{I420, Pattern};
use offhook_server::Server;
use offhook_signaling::{FromClient, FromServer, Join, MediaKind, MidRef, Offer, Ping, Sdp, Track};
use offhook_transport::media::{Codec, EncodedFrame, Gate};
use offhook_transport_webrtc::peer::{
    Certificate, Intake, KeyFrameRequests, Peer, PeerConfig, PeerEvent, PeerEvents, RtpOut, RtpPacket,
};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, timeout};

/// The longest payload, and in how many packets at least what is no parameter set goes, however
/// little it is.
const PAYLOAD: usize = 300;
const PACKETS: usize = 4;
/// Parameter sets are shorter.
const SMALL: usize = 40;
/// Between two pictures, in ticks of the clock of video (RFC 6184 section 8.1).
const PICTURE: u32 = 3_600;

/// One member and its media.
pub(crate) struct Raw {
    pub(crate) peer: Peer,
    /// What came in, put together.
    pub(crate) received: mpsc::Receiver<EncodedFrame>,
    _events: PeerEvents,
    out: RtpOut,
    keys: KeyFrameRequests,
    said: Arc<Mutex<Vec<FromServer>>>,
    listening: JoinHandle<()>,
    pace: Interval,
    encoder: Encoder,
    pattern: Pattern,
    number: u64,
    sequence: u16,
    timestamp: u32,
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

fn track() -> Track {
    let mid = Some("0".into());
    Track {
        track: "camera".into(),
        kind: MediaKind::Video,
        mid,
        codec: None,
        width: None,
        height: None,
        muted: false,
    }
}

impl Raw {
    /// Comes in with one section of video, and says that it sends on it if it `publishes`.
    pub(crate) async fn enters(
        server: &Server,
        model: &str,
        user: &str,
        instance: u128,
        publishes: bool,
    ) -> Self {
        let certificate = Certificate::generate().expect("this machine has randomness");
        let config = PeerConfig::offerer(certificate).on_loopback();
        Self::enters_with(config, server, model, user, instance, publishes).await
    }

    /// The same, and asks for key frames as often as it is told to.
    pub(crate) async fn enters_greedy(server: &Server, user: &str, instance: u128) -> Self {
        let certificate = Certificate::generate().expect("this machine has randomness");
        let mut config = PeerConfig::offerer(certificate).on_loopback();
        config.key_frame_every = Duration::ZERO;
        Self::enters_with(config, server, "room", user, instance, false).await
    }

    async fn enters_with(
        mut config: PeerConfig,
        server: &Server,
        model: &str,
        user: &str,
        instance: u128,
        publishes: bool,
    ) -> Self {
        let gate = Gate::new();
        gate.open();
        config.gate = gate;
        let (into, received) = mpsc::channel(1024);
        config.intake = Intake {
            frames: Some(Arc::new(move |_, frame| {
                into.try_send(frame.clone()).expect("no test receives that much unread");
            })),
            ..Intake::default()
        };
        let (peer, mut events) = Peer::open(config).await.expect("loopback can be bound");
        let sdp = Sdp::new(peer.offer(false).await.expect("an offer"));
        let tracks = if publishes { vec![track()] } else { Vec::new() };
        let offer = Some(Offer { negotiation_id: 1, sdp, tracks });
        let join = Join { offer, model: Some(model.into()), ..join(user, instance) };
        let mut member = Wire::enter_with(server, join).await;
        let answer = member.joined.answer.as_ref().expect("an answer to the offer");
        peer.accept_answer(answer.sdp.as_str()).await.expect("it fits");
        let connected =
            async { while events.next().await.expect("the peer lives") != PeerEvent::Connected {} };
        timeout(PATIENCE, connected).await.expect("in time");
        if publishes {
            member.wire.say(&FromClient::Sending(MidRef { mid: "0".into() })).await;
        }
        // What it publishes is known to whoever comes after this.
        pong(&mut member, 1_000).await;
        let out = peer.rtp_out("0").await.expect("a section to send on");
        assert!(out.prepare(Codec::H264).await);
        let said = Arc::<Mutex<Vec<FromServer>>>::default();
        let listening = tokio::spawn(listen(member, said.clone()));
        let mut pace = interval(Duration::from_millis(40));
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            keys: out.key_frame_requests(),
            peer,
            received,
            _events: events,
            out,
            said,
            listening,
            pace,
            encoder: Encoder::new(EncoderOptions::default()).expect("the encoder is built in"),
            pattern: Pattern::new(320, 240).expect("a size that can be"),
            number: 0,
            sequence: 7,
            timestamp: 0,
        }
    }

    /// What the server said until now.
    pub(crate) fn said(&self) -> Vec<FromServer> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The next picture, encoded, when it is due; and what it looks like.
    pub(crate) async fn films(&mut self, key: bool) -> (EncodedFrame, I420) {
        loop {
            self.pace.tick().await;
            self.number += 1;
            if key {
                self.encoder.force_key_frame();
            }
            let picture = self.pattern.frame(self.number);
            let pts = Duration::from_millis(40 * self.number);
            // The encoder may leave one out to hold its rate.
            if let Some(frame) = self.encoder.encode(&picture, pts).expect("it encodes") {
                return (frame, picture);
            }
        }
    }

    /// Writes these payloads as the packets of one picture; `whole` says that the last is its last.
    pub(crate) async fn writes(&mut self, payloads: &[Vec<u8>], whole: bool) {
        self.timestamp = self.timestamp.wrapping_add(PICTURE);
        for (place, payload) in payloads.iter().enumerate() {
            self.sequence = self.sequence.wrapping_add(1);
            let packet = RtpPacket {
                codec: Codec::H264,
                sequence: self.sequence,
                timestamp: self.timestamp,
                marker: whole && place + 1 == payloads.len(),
                ssrc: 1,
                payload: payload.clone().into(),
            };
            assert!(self.out.forward(&packet).await, "there is a path, and room");
        }
    }

    /// Films and sends whole pictures, each of which is given, until a key frame is asked for.
    pub(crate) async fn until_asked(&mut self, sent: &mut Vec<Shot>) {
        let until = Instant::now() + PATIENCE;
        while !self.is_asked().await {
            assert!(Instant::now() < until, "no key frame was asked for");
            let shot = self.shoots(false).await;
            sent.push(shot);
        }
    }

    /// Was a key frame asked for since that was asked last?
    pub(crate) async fn is_asked(&self) -> bool {
        timeout(Duration::ZERO, self.keys.next()).await.is_ok()
    }

    /// Waits until the next picture is due.
    pub(crate) async fn due(&mut self) {
        self.pace.tick().await;
    }

    /// Forgets what was asked for until now.
    pub(crate) async fn forgets(&self) {
        while self.is_asked().await {}
    }

    /// Films and sends one whole picture.
    pub(crate) async fn shoots(&mut self, key: bool) -> Shot {
        let (frame, picture) = self.films(key).await;
        self.writes(&payloads(&frame), true).await;
        Shot { frame, picture, at: self.timestamp }
    }

    /// Is it inside, with a path, and was nothing of an end said to it?
    pub(crate) fn stays_on(&self) -> bool {
        let ended = |message: &FromServer| matches!(message, FromServer::Ended(_) | FromServer::Error(_));
        !self.listening.is_finished() && self.peer.is_connected() && !self.said().iter().any(ended)
    }
}

/// A picture that was sent whole.
pub(crate) struct Shot {
    pub(crate) frame: EncodedFrame,
    pub(crate) picture: I420,
    /// Its RTP timestamp.
    pub(crate) at: u32,
}

/// The payloads of a picture (RFC 6184 sections 5.6 and 5.8).
pub(crate) fn payloads(frame: &EncodedFrame) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for unit in units(&frame.data) {
        if unit.len() <= SMALL {
            all.push(unit.to_vec());
            continue;
        }
        let parts: Vec<_> = unit[1..].chunks(PAYLOAD.min(unit.len() / PACKETS)).collect();
        for (place, part) in parts.iter().enumerate() {
            let (start, end) = (place == 0, place + 1 == parts.len());
            let head =
                [(unit[0] & 0xe0) | 28, (u8::from(start) << 7) | (u8::from(end) << 6) | unit[0] & 0x1f];
            all.push([&head[..], part].concat());
        }
    }
    all
}

fn units(stream: &[u8]) -> Vec<&[u8]> {
    let code = |at: &usize| stream[*at..].starts_with(&[0, 0, 0, 1]);
    let starts: Vec<_> = (0..stream.len()).filter(code).collect();
    let ends = starts.iter().skip(1).copied().chain([stream.len()]);
    starts.iter().zip(ends).map(|(start, end)| &stream[start + 4..end]).collect()
}

/// Hears everything, and gives a sign of life each second; ends with the socket.
async fn listen(mut member: Member, said: Arc<Mutex<Vec<FromServer>>>) {
    let mut life = interval(Duration::from_secs(1));
    let mut id = 0;
    loop {
        tokio::select! {
            message = member.wire.next() => match message {
                Ok(FromServer::Pong(_)) => {}
                Ok(message) => said.lock().unwrap_or_else(PoisonError::into_inner).push(message),
                Err(_) => return,
            },
            _ = life.tick() => {
                id += 1;
                member.wire.say(&FromClient::Ping(Ping { id })).await;
            }
        }
    }
}
