//! Rooms over a recovery: a handle of another member's track goes on, whichever of the two was away and
//! however it came back (F41, F62).

use crate::far_side::*;
use crate::line::*;
use crate::moving::DEADLINE;
use futures_util::{FutureExt, StreamExt};
use offhook::{Client, Clip, Event, Events, Join, Joined, Plan, RemoteTrack, Session};
use offhook_server::{Drained, GoAwayCode, Server, Signer};
use std::time::Duration;

pub(crate) async fn in_room(client: &Client, join: Join) -> (Session<Joined>, Events) {
    let idle = client.session("room", "7");
    let events = idle.events();
    (soon("the join", idle.join(join)).await.expect("this user is let in"), events)
}

/// The one track of somebody else.
pub(crate) async fn track(session: &Session<Joined>, events: &mut Events) -> RemoteTrack {
    let added = |event: &Event| match event {
        Event::TrackAdded(track) => Some(track.id.clone()),
        _ => None,
    };
    let id = event("the track", events, added).await;
    session.track(&id).expect("it was just told of")
}

/// New pictures, on the handle of before.
pub(crate) async fn goes_on(what: &str, video: &mut RemoteTrack) {
    while let Some(frame) = video.next().now_or_never() {
        assert!(frame.is_some(), "{what}: it goes on");
    }
    for _ in 0..10 {
        soon(what, video.next()).await.expect("it goes on");
    }
}

/// Waits for the recovery; no track may come or go meanwhile.
async fn recovers(events: &mut Events) -> Plan {
    event("the recovery", events, |event| match event {
        Event::Recovered { plan, .. } => Some(*plan),
        Event::TrackAdded(_) | Event::TrackRemoved(_) => panic!("told again: {event:?}"),
        _ => None,
    })
    .await
}

fn nothing_of_tracks(events: &mut Events) {
    while let Some(Some(event)) = events.next().now_or_never() {
        assert!(!matches!(event, Event::TrackAdded(_) | Event::TrackRemoved(_)), "{event:?}");
    }
}

/// F41, F62: on a server that resumes nothing every loss is a rejoin: a new connection on one side, the
/// same handle, and nothing to be negotiated anew on the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handle_goes_on_over_a_rejoin_of_either_side() {
    let server = Server::builder().resume_window(Duration::ZERO).start().await.expect("loopback");
    let line = Line::to(server).await;
    let direct = client(&line.server, "bob");
    let publish = || Join::new().publish(Clip::sample());
    let (ada, mut adas) = in_room(&line.client, publish()).await;
    let (bob, mut bobs) = in_room(&direct, publish()).await;
    let (mut of_bob, mut of_ada) = (track(&ada, &mut adas).await, track(&bob, &mut bobs).await);
    goes_on("bob's picture", &mut of_bob).await;
    goes_on("ada's picture", &mut of_ada).await;
    for _ in 0..2 {
        line.tcp.reset();
        assert_eq!(recovers(&mut adas).await, Plan::Rejoin);
        goes_on("bob's picture, for her who came back", &mut of_bob).await;
        goes_on("the picture of her who came back", &mut of_ada).await;
    }
    nothing_of_tracks(&mut adas);
    nothing_of_tracks(&mut bobs);
    assert_eq!(line.server.census().members, 2);
    drop((ada.leave(), bob.leave()));
    direct.shutdown().await;
    line.end().await;
}

/// F30, F41: a lost socket alone is not noticed by the pictures; a lost path is, and they come back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handle_goes_on_over_a_resume_with_and_without_its_path() {
    let line = Line::clear().await;
    let direct = client(&line.server, "bob");
    let publish = || Join::new().publish(Clip::sample());
    let (ada, mut adas) = in_room(&line.client, publish()).await;
    let (bob, mut bobs) = in_room(&direct, publish()).await;
    let (mut of_bob, mut of_ada) = (track(&ada, &mut adas).await, track(&bob, &mut bobs).await);
    goes_on("bob's picture", &mut of_bob).await;
    line.tcp.reset();
    assert!(matches!(recovers(&mut adas).await, Plan::Resume { .. }));
    goes_on("bob's picture after a resume", &mut of_bob).await;
    line.net.cut();
    event("the loss", &mut adas, |event| matches!(event, Event::LinkLost { .. }).then_some(())).await;
    line.net.restore().expect("the relays are there");
    recovers(&mut adas).await;
    goes_on("bob's picture after an outage", &mut of_bob).await;
    goes_on("ada's picture after her outage", &mut of_ada).await;
    nothing_of_tracks(&mut bobs);
    drop((ada.leave(), bob.leave()));
    direct.shutdown().await;
    line.end().await;
}

/// F32, F41: a room that is drained is the same room elsewhere, and every handle goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_handles_of_a_room_go_on_over_a_drain() {
    let signer = Signer::random().expect("randomness");
    let first = Server::builder().signer(signer.clone()).start().await.expect("loopback");
    let second = Server::builder().signer(signer).start().await.expect("loopback");
    let (one, other) = (client(&first, "ada"), client(&first, "bob"));
    let publish = || Join::new().publish(Clip::sample());
    let (ada, mut adas) = in_room(&one, publish()).await;
    let (bob, mut bobs) = in_room(&other, publish()).await;
    let (mut of_bob, mut of_ada) = (track(&ada, &mut adas).await, track(&bob, &mut bobs).await);
    goes_on("bob's picture", &mut of_bob).await;
    goes_on("ada's picture", &mut of_ada).await;
    let drained = first.drain(&second.url(), DEADLINE, GoAwayCode::ShuttingDown).await;
    assert_eq!(drained.expect("a server of the same key"), Drained { moved: 2, stayed: 0 });
    for events in [&mut adas, &mut bobs] {
        let moved = event("the move", events, |event| match event {
            Event::MigrationFinished { moved } => Some(*moved),
            Event::TrackAdded(_) | Event::TrackRemoved(_) => panic!("told again: {event:?}"),
            _ => None,
        });
        assert!(moved.await, "it fell back to a rejoin");
    }
    goes_on("bob's picture after the drain", &mut of_bob).await;
    goes_on("ada's picture after the drain", &mut of_ada).await;
    nothing_of_tracks(&mut adas);
    nothing_of_tracks(&mut bobs);
    assert_eq!(second.census().members, 2);
    drop((ada.leave(), bob.leave()));
    one.shutdown().await;
    other.shutdown().await;
    first.shutdown().await;
    second.shutdown().await;
}

/// F62, F63, bad input: whoever vanishes, in the middle of a picture and without a word, is gone when nobody
/// waits for them any more; those who are left go on seeing each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_vanishes_without_a_word_stops_nobody_else() {
    let server = Server::builder().resume_window(Duration::ZERO).start().await.expect("loopback");
    let line = Line::to(server).await;
    let (one, other) = (client(&line.server, "bob"), client(&line.server, "cy"));
    let (cy, _) = in_room(&other, Join::new().publish(Clip::sample())).await;
    let (bob, mut bobs) = in_room(&one, Join::new().viewer()).await;
    let mut of_cy = track(&bob, &mut bobs).await;
    let (_ada, _adas) = in_room(&line.client, Join::new().publish(Clip::sample())).await;
    let mut of_ada = track(&bob, &mut bobs).await;
    goes_on("ada's picture", &mut of_ada).await;
    line.net.cut();
    let id = of_ada.id().clone();
    let removed = |event: &Event| matches!(event, Event::TrackRemoved(track) if track.id == id).then_some(());
    event("the end of her track", &mut bobs, removed).await;
    soon("the end of the handle", async { while of_ada.next().await.is_some() {} }).await;
    goes_on("cy's picture", &mut of_cy).await;
    let paused = |event: &Event| matches!(event, Event::LinkLost { .. }).then_some(());
    while let Some(Some(event)) = bobs.next().now_or_never() {
        assert_eq!(paused(&event), None, "what she does not send any more is not missed: {event:?}");
    }
    drop((bob.leave(), cy.leave()));
    one.shutdown().await;
    other.shutdown().await;
    line.net.restore().expect("the relays are there");
    line.end().await;
}

/// F41, F60: a track that is published while the session is away is there when it is back, beside those
/// of before, whichever way it came back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_published_in_an_outage_is_there_after_it() {
    for window in [Duration::ZERO, Duration::from_secs(25)] {
        let server = Server::builder().resume_window(window).start().await.expect("loopback");
        let line = Line::to(server).await;
        let direct = client(&line.server, "bob");
        let (bob, mut bobs) = in_room(&direct, Join::new().viewer()).await;
        let (ada, mut adas) = in_room(&line.client, Join::new().publish(Clip::sample())).await;
        let mut camera = track(&bob, &mut bobs).await;
        goes_on("the camera", &mut camera).await;
        line.tcp.control().refuse(true).expect("the relay is there");
        line.tcp.reset();
        event("the loss", &mut adas, |event| matches!(event, Event::LinkLost { .. }).then_some(())).await;
        ada.publish_as("screen", Clip::sample()).expect("the wish stands");
        line.tcp.control().refuse(false).expect("the relay is there");
        recovers(&mut adas).await;
        let mut screen = track(&bob, &mut bobs).await;
        assert_eq!(screen.id().label(), "screen");
        goes_on("the screen", &mut screen).await;
        goes_on("the camera", &mut camera).await;
        drop((ada.leave(), bob.leave()));
        direct.shutdown().await;
        line.end().await;
    }
}
