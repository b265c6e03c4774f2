//! The reliable stream under every pattern of cuts: each message once, in order (F7, F36, S15).
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, too, stop at the first surprise

use offhook_signaling::{
    Frame, FromClient, FromServer, MidRef, Ping, Receipt, Relay, Reliability, ReliabilityError, ReplayLost,
    Unknowns, decode_from_client, decode_from_server, limits,
};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

fn message(id: u64) -> FromClient {
    let data = serde_json::Value::Null;
    FromClient::Message(Relay { id, from: None, to: Vec::new(), topic: "t".to_owned(), data })
}

fn id_of(frame: &Frame<FromClient>) -> u64 {
    match &frame.message {
        FromClient::Message(relay) => relay.id,
        other => panic!("{other:?}"),
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// The client sends; the frame is on the socket.
    Send,
    /// So many frames of the client's arrive.
    Arrive(usize),
    /// The server says something that carries its ack; it arrives at once.
    Ack,
    /// The socket dies with everything on it; both ends resume.
    Cut,
    /// An old frame of the client's is heard again.
    Echo(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Send),
        3 => (1usize..5).prop_map(Step::Arrive),
        2 => Just(Step::Ack),
        1 => Just(Step::Cut),
        1 => any::<usize>().prop_map(Step::Echo),
    ]
}

fn config() -> ProptestConfig {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../proptest-regressions/signaling-reliable.txt");
    ProptestConfig {
        cases: 512,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(path))),
        ..ProptestConfig::default()
    }
}

fn deliver(server: &mut Reliability<FromServer>, text: &str, got: &mut Vec<u64>) {
    let frame = decode_from_client(text).unwrap();
    if server.receive(&frame).unwrap() == Receipt::Deliver {
        got.push(id_of(&frame));
    }
}

proptest! {
    #![proptest_config(config())]

    /// F7 (livekit/client-sdk-js#1546): kill the link after any frame, nothing is lost or doubled.
    #[test]
    fn every_message_arrives_once_and_in_order_under_any_cuts(steps in prop::collection::vec(step(), 0..200)) {
        let mut client = Reliability::<FromClient>::new();
        let mut server = Reliability::<FromServer>::new();
        let mut wire: Vec<String> = Vec::new();
        let mut past: Vec<String> = Vec::new();
        let (mut sent, mut got) = (0u64, Vec::new());
        for step in steps.into_iter().chain([Step::Cut, Step::Arrive(usize::MAX)]) {
            match step {
                Step::Send => {
                    sent += 1;
                    wire.push(client.frame(&message(sent)).unwrap());
                }
                Step::Arrive(n) => {
                    for text in wire.drain(..n.min(wire.len())) {
                        deliver(&mut server, &text, &mut got);
                        past.push(text);
                    }
                }
                Step::Ack => {
                    let text = server.frame(&FromServer::Ping(Ping { id: 1 })).unwrap();
                    client.receive(&decode_from_server(text).unwrap()).unwrap();
                }
                Step::Cut => {
                    wire.clear();
                    let replay = client.replay(server.last_seen()).unwrap();
                    wire.extend(replay.iter().map(|frame| frame.encode().unwrap()));
                }
                Step::Echo(which) if !past.is_empty() => {
                    let text = past[which % past.len()].clone();
                    deliver(&mut server, &text, &mut got);
                }
                Step::Echo(_) => {}
            }
        }
        prop_assert_eq!(got, (1..=sent).collect::<Vec<_>>());
    }

    /// Hostile numbers end in a typed error or are taken, never in a panic or in a step back.
    #[test]
    fn any_envelope_numbers_are_judged_and_nothing_runs_backwards(
        frames in prop::collection::vec((prop::option::of(0..12u64), 0..12u64), 0..60)
    ) {
        let mut end = Reliability::<FromClient>::new();
        for id in 0..5 {
            end.frame(&message(id)).unwrap();
        }
        let (mut seen, mut acked) = (0, 0);
        for (seq, ack) in frames {
            let unknown = Unknowns::default();
            let frame = Frame { seq, ack, message: FromServer::Ping(Ping { id: 1 }), unknown };
            let verdict = end.receive(&frame);
            if ack > 5 {
                prop_assert_eq!(verdict, Err(ReliabilityError::AheadOfSent { claimed: ack, sent: 5 }));
            }
            prop_assert!(end.last_seen() >= seen && end.last_acked() >= acked);
            prop_assert!(end.last_seen() <= seen + 1);
            (seen, acked) = (end.last_seen(), end.last_acked());
        }
    }
}

#[test]
fn a_gap_is_a_protocol_error_and_a_duplicate_is_dropped() {
    let mut end = Reliability::<FromClient>::new();
    let frame = |seq| Frame {
        seq: Some(seq),
        ack: 0,
        message: FromServer::Sending(MidRef { mid: "0".to_owned() }),
        unknown: Unknowns::default(),
    };
    assert_eq!(end.receive(&frame(1)), Ok(Receipt::Deliver));
    assert_eq!(end.receive(&frame(1)), Ok(Receipt::Duplicate));
    assert_eq!(end.receive(&frame(3)), Err(ReliabilityError::Gap { expected: 2, got: 3 }));
    assert_eq!(end.last_seen(), 1);
}

#[test]
fn a_last_seen_beyond_what_was_sent_is_a_protocol_error() {
    let mut end = Reliability::<FromClient>::new();
    end.frame(&message(1)).unwrap();
    let error = ReliabilityError::AheadOfSent { claimed: 2, sent: 1 };
    assert_eq!(end.replay(2), Err(ReplayLost::Protocol(error)));
}

#[test]
fn a_full_buffer_refuses_the_replay_it_cannot_serve_and_serves_the_one_it_can() {
    let mut end = Reliability::<FromClient>::new();
    for id in 1..=300 {
        end.frame(&message(id)).unwrap();
    }
    assert_eq!(end.replay(43), Err(ReplayLost::Overflow { lost: 44, last_seen: 43 }));
    let replay = end.replay(44).unwrap();
    assert_eq!(replay.len(), limits::REPLAY_MESSAGES);
    assert_eq!(replay.first().and_then(|f| f.seq), Some(45));
}

#[test]
fn the_buffer_is_bounded_in_bytes_as_well() {
    let mut end = Reliability::<FromClient>::new();
    let data = serde_json::Value::String("x".repeat(60_000));
    for id in 1..=6 {
        let relay = Relay { id, from: None, to: Vec::new(), topic: "t".to_owned(), data: data.clone() };
        end.frame(&FromClient::Message(relay)).unwrap();
    }
    assert_eq!(end.replay(1), Err(ReplayLost::Overflow { lost: 2, last_seen: 1 }));
    assert_eq!(end.replay(2).unwrap().len(), 4);
}

#[test]
fn an_end_that_forgot_what_it_acknowledged_is_not_continued() {
    let mut end = Reliability::<FromClient>::new();
    for id in 1..=3 {
        end.frame(&message(id)).unwrap();
    }
    end.replay(3).unwrap();
    assert!(matches!(end.replay(1), Err(ReplayLost::Overflow { .. })));
}

#[test]
fn plain_messages_are_neither_numbered_nor_kept() {
    let mut end = Reliability::<FromClient>::new();
    let text = end.frame(&FromClient::Ping(Ping { id: 1 })).unwrap();
    assert_eq!(decode_from_client(text).unwrap().seq, None);
    assert_eq!((end.last_sent(), end.replay(0).unwrap().len()), (0, 0));
}

#[test]
fn a_message_that_breaks_a_limit_takes_no_number() {
    let mut end = Reliability::<FromClient>::new();
    assert!(end.frame(&FromClient::Sending(MidRef { mid: String::new() })).is_err());
    assert_eq!(end.last_sent(), 0);
}

/// F8 (https://github.com/livekit/client-sdk-android/pull/921): what cannot be sent says so and takes no
/// number; what is sent again, as often as it has to be, is byte for byte what was sent.
#[test]
fn what_is_sent_again_is_the_same_and_a_failed_send_is_no_success() {
    let mut end = Reliability::<FromClient>::new();
    let said: Vec<_> = (1..=3).map(|id| end.frame(&message(id)).unwrap()).collect();
    assert!(end.frame(&FromClient::Sending(MidRef { mid: String::new() })).is_err());
    for _ in 0..2 {
        let again: Vec<_> = end.replay(0).unwrap().iter().map(|frame| frame.encode().unwrap()).collect();
        assert_eq!(again, said);
    }
    assert_eq!(end.last_sent(), 3);
}
