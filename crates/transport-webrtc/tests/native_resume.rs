//! Resume, as the far side sees it and as a bad one answers it (F30, F36, F37; issue 3, bad input).

mod native_common;

use native_common::steered::{Manner, Order, Steered};
use native_common::through::Through;
use native_common::*;
use offhook_netrig::{Direction, Rig};
use offhook_signaling::{FromClient, FromServer, PathReport, Relay, Resume};
use offhook_transport::media::{Codec, TrackSpec, local};
use offhook_transport::{
    Action, Content, DialRequest, Event, FaultKind, Outgoing, Plan, Plane, Secret, Whom,
};
use offhook_transport_webrtc::native::WebRtc;
use std::time::Duration;

/// A link whose socket was closed by the far side, and how it is dialled.
struct Broken {
    far: Steered,
    transport: WebRtc,
    line: Line,
    ports: Ports,
    first: DialRequest,
}

async fn broken() -> Broken {
    broken_on(|transport| transport).await
}

async fn broken_on(fit: impl FnOnce(WebRtc) -> WebRtc) -> Broken {
    let far = Steered::start().await;
    let transport = fit(WebRtc::new(far.hostile.url()));
    let ports = ports();
    let first = join(None);
    let credential = Some(Secret::new("a.b.c"));
    let request = ports.on(DialRequest { credential, instance: first.instance, ..join(None) });
    let mut line = Line::joined(&transport, request).await;
    // Something to replay.
    for _ in 0..3 {
        far.say(FromServer::Message(relay("old news")));
        line.until("a message", |event| matches!(event, Event::Content(Content::Message { .. }))).await;
    }
    far.order(Order::Close);
    line.until("the loss", |event| matches!(event, Event::PlaneLost(Plane::Signaling, _))).await;
    line.said.retain(|event| matches!(event, Event::Up(_)));
    Broken { far, transport, line, ports, first }
}

fn relay(topic: &str) -> Relay {
    Relay { id: 1, from: None, to: Vec::new(), topic: topic.into(), data: serde_json::Value::Null }
}

impl Broken {
    fn resume(&self, restart_ice: bool) -> DialRequest {
        let plan = Plan::Resume { key: self.line.key(), restart_ice };
        self.ports.on(again(plan, 2, &self.first, Some(Secret::new("a.b.c"))))
    }

    fn resumes(&self) -> Vec<Resume> {
        let resumes = self.far.heard().into_iter().filter_map(|(_, message)| match message {
            FromClient::Resume(resume) => Some(resume),
            _ => None,
        });
        resumes.collect()
    }

    /// The media of the old link lived through everything.
    async fn media_lives(&mut self) {
        self.line.until("life", |event| *event == Event::Alive(Plane::Media)).await;
        let lost = |event: &Event| matches!(event, Event::PlaneLost(Plane::Media, _));
        assert!(!self.line.said.iter().any(lost), "{:?}", self.line.said);
    }
}

fn messages(line: &Line) -> Vec<String> {
    let topics = line.said.iter().filter_map(|event| match event {
        Event::Content(Content::Message { topic, .. }) => Some(topic.clone()),
        _ => None,
    });
    topics.collect()
}

fn message(id: u64, topic: &str) -> Action {
    Action::Send(Outgoing {
        id,
        to: Whom::Everybody,
        topic: topic.into(),
        payload: bytes::Bytes::from_static(b"hello"),
    })
}

/// F36: what was said into the dead socket arrives once and in order, what arrived before is not
/// said again, and the resume shows the secret and no credential.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resume_says_only_what_was_not_heard() {
    let mut broken = broken().await;
    for (id, topic) in [(1, "one"), (2, "two")] {
        broken.line.connection.act(message(id, topic)).expect("room");
    }
    let mut new = Line::dial(&broken.transport, broken.resume(false));
    new.carried().await;
    new.connection.act(message(3, "three")).expect("room");
    new.until("the receipt", |event| *event == Event::Content(Content::Sent { id: 3 })).await;
    let heard = broken.far.heard();
    let mut numbers: Vec<u64> = heard.iter().filter_map(|(seq, _)| *seq).collect();
    let count = numbers.len();
    numbers.dedup();
    assert_eq!(numbers.len(), count, "nothing twice: {heard:?}");
    assert!(numbers.is_sorted());
    let topics: Vec<_> = heard
        .iter()
        .filter_map(|(_, message)| match message {
            FromClient::Message(relay) => Some(relay.topic.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(topics, ["one", "two", "three"]);
    let resumes = broken.resumes();
    assert_eq!(resumes.len(), 1);
    assert_eq!(resumes[0].secret.expose(), "0001");
    assert!(resumes[0].offer.is_none(), "media lives: no restart");
    assert_eq!(new.key().secret.expose(), "0002", "the key was rotated");
    new.until("life", |event| *event == Event::Alive(Plane::Media)).await;
    assert!(!new.said.iter().any(|event| matches!(event, Event::PlaneLost(..))), "{:?}", new.said);
}

/// F36, C11 (openai/openai-agents-js#582): a far side that says everything again is heard once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_that_were_seen_are_dropped() {
    let broken = broken().await;
    broken.far.behave(Manner::Replaying);
    let mut new = Line::dial(&broken.transport, broken.resume(false));
    new.carried().await;
    broken.far.say(FromServer::Message(relay("fresh")));
    new.until(
        "the fresh one",
        |event| matches!(event, Event::Content(Content::Message { topic, .. }) if topic == "fresh"),
    )
    .await;
    assert_eq!(messages(&new), ["fresh"], "{:?}", new.said);
    let replayed = broken.far.said().iter().filter(|text| text.contains("old news")).count();
    assert_eq!(replayed, 3, "there was something to replay");
}

/// Both planes: the restart rides in the resume, and one round mends both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_rides_in_the_resume() {
    let broken = broken().await;
    let mut new = Line::dial(&broken.transport, broken.resume(true));
    new.carried().await;
    assert!(broken.resumes()[0].offer.is_some());
    let offers = broken.far.heard().into_iter().filter(|(_, said)| matches!(said, FromClient::Offer(_)));
    assert_eq!(offers.count(), 0, "no further one was needed");
}

/// A track published since the join gets its section in the resume, and flows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resume_picks_up_a_track_that_was_published_since() {
    let broken = broken().await;
    let (second, track) = local(TrackSpec { codec: Codec::H264, label: "screen".into() });
    let mut request = broken.resume(false);
    request.media.publish.push(track);
    let mut new = Line::dial(&broken.transport, request);
    new.carried().await;
    let offer = broken.resumes()[0].offer.clone().expect("it needs a section");
    let labels: Vec<_> = offer.tracks.iter().map(|track| track.track.as_str()).collect();
    assert_eq!(labels, ["camera", "screen"], "in the order of publication");
    assert!(offer.tracks.iter().all(|track| track.mid.is_some()), "{:?}", offer.tracks);
    assert!(second.is_tapped(), "it is being sent");
}

/// A far side that answers a resume so gets no link, and the media goes on.
async fn answered_badly(manner: Manner, kind: FaultKind) {
    let mut broken = broken().await;
    broken.far.behave(manner);
    let mut request = broken.resume(false);
    if kind == FaultKind::TimedOut {
        request.open_timeout = Duration::from_millis(300);
    }
    let mut new = Line::dial(&broken.transport, request);
    let failed = new.until("no", |event| matches!(event, Event::DialFailed(_))).await;
    assert!(matches!(&failed, Event::DialFailed(fault) if fault.kind == kind), "{manner:?}: {failed:?}");
    new.finish().await;
    assert!(!new.said.iter().any(|event| matches!(event, Event::Up(_) | Event::Carried(_))));
    broken.media_lives().await;
    // And an honest one is resumed with the same key afterwards.
    broken.far.behave(Manner::Honest);
    let plan = Plan::Resume { key: broken.line.key(), restart_ice: false };
    let request =
        DialRequest { inherit: Some(offhook_transport::Epoch(1)), ..again(plan, 3, &broken.first, None) };
    let mut third = Line::dial(&broken.transport, broken.ports.on(request));
    third.carried().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resume_of_another_dial_is_none() {
    answered_badly(Manner::OfAnotherDial, FaultKind::Protocol).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_far_side_that_has_seen_the_future_is_not_believed() {
    answered_badly(Manner::SeenTheFuture, FaultKind::Protocol).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_word_on_a_resumed_link_is_resumed() {
    answered_badly(Manner::BesideThePoint, FaultKind::Protocol).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_far_side_that_takes_the_socket_and_says_nothing_is_given_up() {
    answered_badly(Manner::Silent, FaultKind::TimedOut).await;
}

/// A restart that is not answered costs the media plane, and not the link.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resume_without_its_answer_is_lost_media() {
    let broken = broken().await;
    broken.far.behave(Manner::WithoutAnswer);
    let mut new = Line::dial(&broken.transport, broken.resume(true));
    let lost = new.until("the loss", |event| matches!(event, Event::PlaneLost(..))).await;
    assert!(matches!(&lost, Event::PlaneLost(Plane::Media, fault) if fault.kind == FaultKind::Protocol));
    new.until("proof", |event| *event == Event::Carried(Plane::Signaling)).await;
}

/// A dial was given up in a hole that the restart it offered came through, and only the answer was
/// lost (`heard`); or the restart was lost as well. The next dial finds its path whole again.
async fn whole_again(heard: bool) -> (Broken, Line) {
    let through = Through::new(Rig::new(5));
    let mut broken = broken_on(|transport| transport.udp_map(through.clone())).await;
    through.net.black_hole(Direction::Both);
    broken.far.behave(if heard { Manner::Unheard } else { Manner::Silent });
    let mut given_up = Line::dial(&broken.transport, broken.resume(true));
    tokio::select! {
        () = broken.far.hears("the resume", |message| matches!(message, FromClient::Resume(_))) => {}
        _ = given_up.until("an answer", |event| matches!(event, Event::Up(_))) => panic!("nothing was said"),
    }
    drop(given_up);
    broken.line.until("the silence", |event| matches!(event, Event::PlaneLost(Plane::Media, _))).await;
    through.net.restore().expect("the relays live");
    broken.line.until("life", |event| *event == Event::PathAlive).await;
    broken.far.behave(Manner::Honest);
    let plan = Plan::Resume { key: broken.line.key(), restart_ice: true };
    let third = again(plan, 3, &broken.first, Some(Secret::new("a.b.c")));
    let third = broken.ports.on(DialRequest { inherit: broken.resume(true).inherit, ..third });
    let mut new = Line::dial(&broken.transport, third);
    new.carried().await;
    assert!(!new.said.iter().any(|event| matches!(event, Event::PlaneLost(..))), "{:?}", new.said);
    let offered: Vec<_> =
        broken.resumes().iter().map(|resume| (resume.offer.is_some(), resume.path)).collect();
    let path = PathReport { negotiation_id: 1, answers: true };
    assert_eq!(offered, [(true, None), (true, Some(path))]);
    (broken, new)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_whose_answer_was_lost_is_made_again_with_the_next_resume() {
    let (broken, mut new) = whole_again(true).await;
    assert_eq!(broken.far.settled(), Some(3), "it was on a path of its own");
    new.until("life", |event| *event == Event::Alive(Plane::Media)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_that_answers_again_is_not_made_anew_for_a_restart_that_never_arrived() {
    let (broken, mut new) = whole_again(false).await;
    assert_eq!(broken.far.settled(), Some(1), "the offer was spare, and left unanswered");
    new.until("life", |event| *event == Event::Alive(Plane::Media)).await;
}
