//! Whom a persona listens to, and who goes on talking whatever a moderator says (F55, F64): the
//! client is a bare link, so that nothing on its side keeps a packet back.

use super::native_common::*;
use super::{ask, credential_of};
use offhook_server::Grants;
use offhook_transport::media::{
    Codec, EncodedFrame, Gate, Kind, LocalTrack, MediaPorts, Remote, TrackReceiver, TrackSender, TrackSpec,
    local,
};
use offhook_transport::{Content, DialRequest, Epoch, Event, Moderate, Mood, Plan};
use offhook_transport_webrtc::native::WebRtc;
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

/// 20 ms of digital silence (RFC 6716 section 2.1.9).
const SILENCE: &[u8] = &[0xf8, 0xff, 0xfe];
const TICK: Duration = Duration::from_millis(20);
/// Longer than a persona takes to hear somebody out, to think, and to begin its answer, thrice over.
const LONG_ENOUGH: usize = 120;

/// Who talks, and hears what is said back.
struct Talker {
    line: Line,
    sender: TrackSender,
    track: LocalTrack,
    gate: Gate,
    remote: Remote,
    audio: TrackReceiver,
    pace: Interval,
    ticks: u32,
    /// The words that were said back, by their number, each packet of them.
    back: Vec<u8>,
}

impl Talker {
    async fn joined(transport: &WebRtc, request: DialRequest) -> Self {
        let (sender, track) = local(TrackSpec { codec: Codec::Opus, label: "microphone".into() });
        let gate = Gate::new();
        gate.open();
        let remote = Remote::new();
        let audio = remote.receiver(Kind::Audio);
        let request = DialRequest { media: media(&track, &gate, &remote, request.epoch), ..request };
        remote.switch_to(request.epoch);
        let line = Line::joined(transport, request).await;
        let mut pace = interval(TICK);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { line, sender, track, gate, remote, audio, pace, ticks: 0, back: Vec::new() }
    }

    /// The same instance on another connection, as after a loss.
    async fn rejoined(&mut self, transport: &WebRtc, request: DialRequest) {
        let media = media(&self.track, &self.gate, &self.remote, request.epoch);
        self.remote.switch_to(request.epoch);
        self.line = Line::joined(transport, DialRequest { media, ..request }).await;
    }

    /// Says this packet each 20 ms, until `done` says so.
    async fn says(&mut self, packet: &[u8], what: &str, mut done: impl FnMut(&Self) -> bool) {
        let flow = async {
            while !done(self) {
                let pts = TICK * self.ticks;
                self.ticks += 1;
                let data = packet.to_vec().into();
                self.sender.try_send(EncodedFrame { codec: Codec::Opus, data, pts, key: true });
                loop {
                    tokio::select! {
                        _ = self.pace.tick() => break,
                        event = self.line.connection.next() => self.line.said.extend(event),
                        Some(frame) = self.audio.next() => if frame.data.len() > SILENCE.len() {
                            self.back.push(frame.data[1]);
                        }
                    }
                }
            }
        };
        let said = timeout(PATIENCE, flow).await.is_ok();
        assert!(said, "never: {what}; said back {:?}; the link said {:?}", self.back, self.line.said);
    }

    /// For so many packets.
    async fn says_for(&mut self, packet: &[u8], packets: usize) {
        let until = self.ticks as usize + packets;
        self.says(packet, "the time", |talker| talker.ticks as usize >= until).await;
    }

    /// Is silent until it has had this word said back, and lets the persona come to an end with it.
    async fn hears_back(&mut self, number: u8) {
        let idle = self.moods();
        self.says(SILENCE, "its word said back", |talker| {
            talker.back.contains(&number) && talker.since(idle).contains(&Mood::Idle)
        })
        .await;
    }

    /// How many moods were told until now.
    fn moods(&self) -> usize {
        self.since(0).len()
    }

    /// The moods that were told after so many.
    fn since(&self, moods: usize) -> Vec<Mood> {
        let said = self.line.said.iter().filter_map(|event| match event {
            Event::Content(Content::Conversation(mood)) => Some(*mood),
            _ => None,
        });
        said.skip(moods).collect()
    }

    /// What it was told last about its mute.
    fn muted(&self) -> Option<bool> {
        self.line.said.iter().rev().find_map(|event| match event {
            Event::Content(Content::Muted { kind: Kind::Audio, muted, .. }) => Some(*muted),
            _ => None,
        })
    }
}

fn media(track: &LocalTrack, gate: &Gate, remote: &Remote, epoch: Epoch) -> MediaPorts {
    MediaPorts { publish: vec![track.clone()], sink: Some(remote.sink(epoch)), gate: gate.clone() }
}

/// 20 ms of sound that is told apart by its number.
fn word(number: u8) -> Vec<u8> {
    [&[0xf8, number][..], &[7; 40][..]].concat()
}

// F64, F55: from the mute on the persona hears nothing, says nothing of it back and does not turn to
// the one who speaks, over a rejoin as well; let unmute, it hears again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_persona_is_deaf_to_a_muted_client_that_talks_on() {
    let server = server().await;
    let transport = WebRtc::new(server.url());
    let persona = |user, grants| DialRequest {
        model: Some("echo".into()),
        ..join(Some(credential_of(&server, user, grants)))
    };
    let ada = DialRequest { viewer: true, ..persona("ada", Grants::MODERATOR) };
    let mut ada = Line::joined(&transport, ada).await;
    let first = persona("bob", Grants::default());
    let (instance, session) = (first.instance, first.session.clone());
    let mut bob = Talker::joined(&transport, first).await;
    let mute = |muted| Moderate::Mute { member: instance.to_string(), kind: Kind::Audio, muted };

    // The counter-check: what it says is heard, and said back.
    bob.says_for(&word(1), 15).await;
    bob.hears_back(1).await;

    // Muted in the middle of a word, which it goes on with.
    let before = bob.moods();
    bob.says(&word(2), "heard", |bob| bob.since(before).contains(&Mood::UserSpeaking)).await;
    assert_eq!(ask(&mut ada, 1, mute(true)).await, None);
    bob.says(&word(2), "told of its mute", |bob| bob.muted() == Some(true)).await;
    let before = bob.moods();
    bob.says_for(&word(3), LONG_ENOUGH).await;
    // And a new word after a silence.
    bob.says_for(SILENCE, 10).await;
    bob.says_for(&word(3), LONG_ENOUGH).await;
    bob.says_for(SILENCE, LONG_ENOUGH).await;
    assert!(!bob.back.contains(&3), "a muted member was said back: {:?}", bob.back);
    assert!(!bob.since(before).contains(&Mood::UserSpeaking), "{:?}", bob.since(before));
    assert_eq!(bob.since(before).last(), Some(&Mood::Idle), "what came before the mute is over");

    // On a fresh connection somebody else's mute holds still.
    let again = DialRequest {
        plan: Plan::Rejoin { key: Some(bob.line.key()) },
        epoch: Epoch(2),
        instance,
        session,
        ..persona("bob", Grants::default())
    };
    bob.rejoined(&transport, again).await;
    bob.says(&word(4), "told of it again", |bob| bob.muted() == Some(true)).await;
    bob.says_for(&word(4), LONG_ENOUGH).await;
    bob.says_for(SILENCE, LONG_ENOUGH).await;
    assert!(!bob.back.contains(&4), "a muted member was said back: {:?}", bob.back);
    assert!(bob.since(0).iter().all(|mood| *mood == Mood::Idle), "it did nothing on this link");

    // Let unmute. It was never muted by its own wish, so that it is heard at once.
    assert_eq!(ask(&mut ada, 2, mute(false)).await, None);
    bob.says(SILENCE, "let unmute", |bob| bob.muted() == Some(false)).await;
    bob.says(&word(5), "heard", |bob| bob.since(0).contains(&Mood::UserSpeaking)).await;
    bob.hears_back(5).await;
    assert!(bob.back.iter().all(|number| [1, 2, 5].contains(number)), "{:?}", bob.back);

    for mut line in [bob.line, ada] {
        line.connection.act(offhook_transport::Action::Goodbye).expect("room");
        line.finish().await;
    }
    server.shutdown().await;
}
