//! What a host asks for that the protocol cannot say: it is answered, and nothing waits behind it
//! (F60, F63, R15).

mod native_common;

use native_common::steered::Steered;
use native_common::*;
use offhook_transport::media::{Codec, TrackSpec, local};
use offhook_transport::{
    Action, Content, Event, Outgoing, Revision, Secret, Unsent, Untaken, UntakenTrack, Verdict, Whom, Words,
};
use offhook_transport_webrtc::native::WebRtc;
use std::time::Duration;

fn message(id: u64, to: &[&str], topic: &str) -> Action {
    let to = match to {
        [] => Whom::Everybody,
        some => Whom::These(some.iter().map(ToString::to_string).collect()),
    };
    Action::Send(Outgoing { id, to, topic: topic.into(), payload: bytes::Bytes::from_static(b"hello") })
}

// F63, R15: a host that does not look at what it sends has an answer all the same.
#[tokio::test]
async fn a_message_that_cannot_be_said_is_answered_and_the_next_one_goes_out() {
    let server = server().await;
    let transport = WebRtc::new(server.url());
    let mut line = Line::joined(&transport, join(Some(credential(&server)))).await;
    for (id, action, wanted) in [
        (1, message(1, &[], "a\nb"), Unsent::Unsayable),
        (2, message(2, &[], &"x".repeat(200)), Unsent::Unsayable),
        (3, Action::React(Words { id: 3, text: "x".repeat(65) }), Unsent::Unsayable),
        (4, Action::Say(Words { id: 4, text: String::new() }), Unsent::Unsayable),
        (5, message(5, &["nobody", "a\nb"], "chat"), Unsent::UnknownMember),
        (6, message(6, &["00000000000000000000000000000000"], "chat"), Unsent::UnknownMember),
    ] {
        line.connection.act(action).expect("room");
        let fits =
            |event: &Event| matches!(event, Event::Content(Content::Unsent { id: of, .. }) if *of == id);
        let answer = line.until("an answer", fits).await;
        let Event::Content(Content::Unsent { why, members, text, .. }) = answer else { panic!("{answer:?}") };
        assert_eq!(why, wanted, "{id}: {text}");
        assert!(!text.is_empty(), "{id}");
        assert_eq!(members.is_empty(), wanted != Unsent::UnknownMember, "{id}: {members:?}");
    }
    line.connection.act(message(7, &[], "chat")).expect("room");
    line.until("the receipt", |event| *event == Event::Content(Content::Sent { id: 7 })).await;
    line.connection.act(Action::Goodbye).expect("room");
    line.finish().await;
    server.shutdown().await;
}

// F60: an offer that no far side will ever see is not one that the next waits for.
#[tokio::test]
async fn an_offer_that_cannot_be_said_is_taken_back_and_the_next_one_is_answered() {
    let server = server().await;
    let transport = WebRtc::new(server.url());
    let ports = ports();
    let mut line = Line::joined(&transport, ports.on(join(Some(credential(&server))))).await;
    let (_, bad) = local(TrackSpec { codec: Codec::H264, label: "a\nb".into() });
    let (sender, good) = local(TrackSpec { codec: Codec::H264, label: "screen".into() });
    line.connection.act(Action::Publish(vec![ports.track.clone(), bad])).expect("room");
    line.connection.act(Action::Publish(vec![ports.track.clone(), good])).expect("room");
    // The sections are settled when what is offered is sent.
    let mut look = tokio::time::interval(Duration::from_millis(5));
    let sent = async {
        while !sender.is_tapped() {
            look.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), sent).await.expect("the second offer is answered");
    let desired = prompt("sepia");
    line.connection.act(Action::Apply { revision: Revision(1), desired }).expect("room");
    let acked = Event::Acked { revision: Revision(1), verdict: Verdict::Applied };
    line.until("the ack", |event| *event == acked).await;
    assert!(!line.said.iter().any(|event| matches!(event, Event::PlaneLost(..))), "{:?}", line.said);
    line.connection.act(Action::Goodbye).expect("room");
    line.finish().await;
    server.shutdown().await;
}

// F60: whose offer is never said is not sent, which is told; what is published without it is offered as ever.
#[tokio::test]
async fn a_track_whose_offer_cannot_be_said_is_told_as_not_taken() {
    let server = server().await;
    let transport = WebRtc::new(server.url());
    let ports = ports();
    let mut line = Line::joined(&transport, ports.on(join(Some(credential(&server))))).await;
    let (_, bad) = local(TrackSpec { codec: Codec::H264, label: "a\nb".into() });
    line.connection.act(Action::Publish(vec![ports.track.clone(), bad.clone()])).expect("room");
    let told = |event: &Event| matches!(event, Event::Content(Content::Untaken(_)));
    let Event::Content(Content::Untaken(untaken)) = line.until("what is not sent", told).await else {
        panic!("{:?}", line.said)
    };
    let expected = UntakenTrack { label: "a\nb".into(), codec: Codec::H264, why: Untaken::Section };
    assert_eq!(untaken, [expected]);
    let (sender, good) = local(TrackSpec { codec: Codec::H264, label: "screen".into() });
    line.connection.act(Action::Publish(vec![ports.track.clone(), bad, good])).expect("room");
    let mut look = tokio::time::interval(Duration::from_millis(5));
    let sent = async {
        while !sender.is_tapped() {
            look.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), sent).await.expect("the next offer is without it");
    line.connection.act(Action::Goodbye).expect("room");
    line.finish().await;
    server.shutdown().await;
}

// F55, F63, R15: what a far side of an earlier version does not know is acknowledged as a frame, which is
// no receipt.
#[tokio::test]
async fn words_that_the_far_side_does_not_know_are_not_taken() {
    let far = Steered::start().await;
    let mut line = Line::joined(&WebRtc::new(far.hostile.url()), join(Some(Secret::new("a.b.c")))).await;
    line.connection.act(Action::Say(Words { id: 9, text: "hello".into() })).expect("room");
    let of_it = |event: &Event| {
        matches!(event, Event::Content(Content::Unsent { id: 9, .. } | Content::Sent { id: 9 }))
    };
    let answer = line.until("an answer", of_it).await;
    assert!(
        matches!(answer, Event::Content(Content::Unsent { why: Unsent::NotSupported, .. })),
        "{answer:?}"
    );
    line.connection.act(Action::Goodbye).expect("room");
    line.finish().await;
}
