//! A track in a codec that the server does not take (F41, F60): a join names it; published into a running
//! session it is told once, and the session keeps everything else over every way of coming back.

use crate::far_side::*;
use crate::line::Line;
use crate::rooms::{goes_on, in_room, track};
use crate::ways::{Stage, Way};
use futures_util::{FutureExt, StreamExt};
use offhook::transport::media::{Codec, TrackSpec, local};
use offhook::{Clip, Event, Events, Join, JoinErrorKind, TrackId, Untaken, UntakenTrack};

fn screen() -> UntakenTrack {
    UntakenTrack { label: "screen".into(), codec: Codec::Vp8, why: Untaken::Codec }
}

/// F60: at the door it is said at once, by name, and the place is free again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_with_a_codec_that_the_server_does_not_take_names_the_track() {
    let line = Line::clear().await;
    let (_sender, track) = local(TrackSpec { codec: Codec::Vp8, label: String::new() });
    let join = Join::new().publish(Clip::sample()).publish_as("screen", &track);
    let joining = line.client.session("studio", "7").join(join);
    let error = soon("the refusal", joining).await.expect_err("the server takes H.264 only");
    assert_eq!((error.kind(), error.track()), (JoinErrorKind::TrackNotTaken, Some("screen")));
    assert_eq!(error.untaken(), [screen()]);
    assert!(holds(|| line.server.census().members == 0).await, "its place is free at once");
    line.end().await;
}

/// What was told of tracks since this was asked last; of others that they came or went.
fn told(events: &mut Events) -> (Vec<UntakenTrack>, Vec<TrackId>) {
    let (mut untaken, mut others) = (Vec::new(), Vec::new());
    while let Some(Some(event)) = events.next().now_or_never() {
        match event {
            Event::TrackNotTaken(track) => untaken.push(track),
            Event::TrackAdded(track) | Event::TrackRemoved(track) => others.push(track.id),
            Event::TrackTaken(label) => panic!("the server does not take `{label}`"),
            _ => {}
        }
    }
    (untaken, others)
}

/// F41, F60, F62: over a resume, a rejoin and a move, to her who publishes it and to the others in the room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_codec_that_the_server_does_not_take_costs_a_running_session_nothing_else() {
    for way in Way::ALL {
        let stage = Stage::of(way).await;
        let direct = client(&stage.line.server, "bob");
        let publish = || Join::new().publish(Clip::sample());
        let (ada, mut adas) = in_room(&stage.line.client, publish()).await;
        let (bob, mut bobs) = in_room(&direct, publish()).await;
        let (mut of_bob, mut of_ada) = (track(&ada, &mut adas).await, track(&bob, &mut bobs).await);
        goes_on("bob's picture", &mut of_bob).await;
        let (_sender, vp8) = local(TrackSpec { codec: Codec::Vp8, label: String::new() });
        ada.publish_as("screen", &vp8).expect("it can be published");
        let untaken = event("what is not taken", &mut adas, |event| match event {
            Event::TrackNotTaken(track) => Some(track.clone()),
            Event::LinkLost { .. } => panic!("{way:?}: {event:?}"),
            _ => None,
        });
        assert_eq!(untaken.await, screen(), "{way:?}");
        goes_on("bob's picture beside it", &mut of_bob).await;
        goes_on("ada's picture beside it", &mut of_ada).await;
        stage.happens(&mut [&mut adas, &mut bobs]).await;
        goes_on("bob's picture afterwards", &mut of_bob).await;
        goes_on("ada's picture afterwards", &mut of_ada).await;
        // What is published after it is there.
        ada.publish_as("later", Clip::sample()).expect("it can be published");
        let mut later = track(&bob, &mut bobs).await;
        assert_eq!(later.id().label(), "later", "{way:?}: bob is told of nothing that never comes");
        goes_on("what came later", &mut later).await;
        assert_eq!(told(&mut adas), (vec![], vec![]), "{way:?}: once is enough");
        assert_eq!(told(&mut bobs), (vec![], vec![]), "{way:?}");
        assert_eq!(ada.untaken_tracks(), [screen()]);
        drop((ada.leave(), bob.leave()));
        direct.shutdown().await;
        stage.end().await;
    }
}
