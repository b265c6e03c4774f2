//! A roster that no frame has room for: whoever comes in sees everybody all the same, and nobody can make
//! themselves so large that others do not come in. Who is there in small rooms is `roster.rs`.

use crate::wire::{Member, PATIENCE, Wire, builder, goodbye, join, refusal_of, server, settled};
use offhook_server::{IceServer, Limits, Server};
use offhook_signaling::{
    ErrorCode, FromClient, FromServer, Instance, Join, MediaKind, Offer, SessionSnapshot, Track, limits,
};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

fn track(label: String) -> Track {
    let kind = MediaKind::Video;
    Track { track: label, kind, mid: None, codec: None, width: None, height: None, muted: false }
}

/// As many tracks as a list has, under the longest names made of this character.
fn most_tracks(of: char) -> Vec<Track> {
    (0..limits::LIST)
        .map(|n| track(format!("{n:03}{}", String::from(of).repeat(limits::ID_BYTES - 3))))
        .collect()
}

fn publishing(user: &str, instance: u128, tracks: Vec<Track>) -> Join {
    Join { tracks, model: Some("room".into()), ..join(user, instance) }
}

/// Everybody of a snapshot, those included who are said after it.
async fn everybody(wire: &mut Wire, snapshot: &SessionSnapshot) -> BTreeSet<Instance> {
    let mut there: BTreeSet<_> = snapshot.roster.iter().map(|member| member.instance).collect();
    let mut named: BTreeSet<_> = snapshot.to_follow.iter().copied().collect();
    assert!(there.is_disjoint(&named), "nobody is there twice");
    while !named.is_empty() {
        let came = wire.until("those who are still to be said", |message| match message {
            FromServer::MemberJoined(change) => Some(change.member),
            _ => None,
        });
        let came = came.await;
        assert!(!came.user.is_empty() && !came.tracks.is_empty(), "the whole of {came:?}");
        named.remove(&came.instance);
        there.insert(came.instance);
    }
    there
}

/// So many members with tracks under long names, who read nothing.
async fn crowd(server: &Server, many: u128, tracks: &[Track]) -> Vec<Member> {
    let mut members = Vec::new();
    for instance in 1..=many {
        members.push(Wire::enter_with(server, publishing("crowd", instance, tracks.to_vec())).await);
    }
    members
}

// F63, S10: seven members with all the names they may have take more than a frame.
#[tokio::test]
async fn whoever_joins_or_resumes_sees_everybody_whatever_their_tracks_are_called() {
    let server = server().await;
    let crowd = crowd(&server, 12, &most_tracks('x')).await;
    let mut ada = Wire::dial(&server).await;
    let hello = publishing("ada", 99, vec![track("camera".into())]);
    ada.say(&FromClient::Join(hello.clone())).await;
    let joined = timeout(PATIENCE, ada.joined()).await.expect("she hears that she is in");
    assert!(!joined.snapshot.to_follow.is_empty(), "one frame has no room for all");
    assert_eq!(joined.snapshot.roster[0].instance, Instance(99), "herself first");
    let all: BTreeSet<_> = (1..=12).chain([99]).map(Instance).collect();
    assert_eq!(everybody(&mut ada, &joined.snapshot).await, all);
    let mut ada = Member { wire: ada, join: hello, joined };
    crate::wire::pong(&mut ada, 1).await;
    let resume = ada.resume(2, &ada.joined.resume_secret);
    let frames = ada.wire.lose();
    let mut back = Wire::dial(&server).await;
    back.frames = frames;
    back.say(&FromClient::Resume(resume)).await;
    let resumed = back.until("resumed", |message| match message {
        FromServer::Resumed(resumed) => Some(resumed),
        _ => None,
    });
    let resumed = resumed.await;
    assert_eq!(everybody(&mut back, &resumed.snapshot).await, all);
    drop(crowd);
}

// F63: what the protocol says of a roster holds, and so does its end.
#[tokio::test]
async fn a_roster_has_as_many_members_as_is_promised_and_no_more() {
    let most = limits::ROSTER as u128;
    let limits = Limits { members: 1000, ..Limits::default() };
    // The first of them say nothing for as long as the others take to come.
    let server = builder().limits(limits).resume_window(Duration::from_secs(600));
    let server = server.start().await.expect("a port");
    let mut crowd = crowd(&server, most - 1, &[track("camera".into())]).await;
    let last = publishing("last", most, vec![track("camera".into())]);
    let mut last = Wire::enter_with(&server, last).await;
    let there = everybody(&mut last.wire, &last.joined.snapshot).await;
    assert_eq!(there, (1..=most).map(Instance).collect());
    let (error, _) = refusal_of(&server, &FromClient::Join(publishing("late", most + 1, Vec::new()))).await;
    assert_eq!(error.code, ErrorCode::Busy);
    crowd.clear();
    last.wire.say(&goodbye()).await;
}

// S10: the longest names fit, and what does not is refused in words, whenever it comes.
#[tokio::test]
async fn more_tracks_than_a_frame_can_show_are_refused_and_change_nothing() {
    let server = server().await;
    let too_large = most_tracks('"');
    let (error, close) =
        refusal_of(&server, &FromClient::Join(publishing("mallory", 1, too_large.clone()))).await;
    assert_eq!((error.code, close), (ErrorCode::BadRequest, CloseCode::Policy));
    assert!(error.text.contains("tracks"), "{}", error.text);
    let mut bob = Wire::enter_with(&server, publishing("bob", 2, vec![track("camera".into())])).await;
    let mut ada = Wire::enter(&server, "ada", 3).await;
    let sdp = offhook_signaling::Sdp::new(offhook_signaling::examples::SDP);
    bob.wire.say(&FromClient::Offer(Offer { negotiation_id: 1, sdp, tracks: too_large })).await;
    let (said, close) = bob.wire.rest().await;
    let refused = |message: &FromServer| matches!(message, FromServer::Error(error) if error.code == ErrorCode::BadRequest);
    assert!(said.iter().any(refused), "{said:?}");
    assert_eq!(close, Some(CloseCode::Policy));
    let shown = ada.joined.snapshot.roster.iter().find(|member| member.user == "bob").expect("he is there");
    assert_eq!(shown.tracks[0].track, "camera");
    crate::wire::pong(&mut ada, 1).await;
    assert_eq!(server.census().members, 2, "his place is kept");
}

// S10: whoever cannot be told that they are in is told that, and is not in.
#[tokio::test]
async fn a_welcome_that_fits_no_frame_is_a_refusal() {
    let url = |n: usize| format!("stun:{n}.{}.test", "x".repeat(limits::URL_BYTES - 20));
    let servers = (0..limits::ICE_SERVERS).map(|_| IceServer {
        urls: (0..limits::ICE_SERVERS).map(url).collect(),
        username: None,
        credential: None,
    });
    let server = builder().ice_servers(servers).start().await.expect("a port");
    let mut ada = Wire::dial(&server).await;
    ada.say(&FromClient::Join(join("ada", 1))).await;
    let (said, close) = ada.rest().await;
    let Some(FromServer::Error(error)) = said.last() else { panic!("a refusal was due: {said:?}") };
    assert_eq!((&error.code, close), (&ErrorCode::Unavailable, Some(CloseCode::Error)));
    settled("she is not in", || server.census().members == 0).await;
}
