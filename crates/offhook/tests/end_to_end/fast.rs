//! An application that asks for more than the server takes of frames, over real WebRTC against the embedded
//! server (F50, F56, F60; S10): no link is lost over it, every change ends, and the last of them is in
//! effect.

use crate::far_side::*;
use futures_util::{FutureExt, StreamExt};
use offhook::transport::media::{Codec, TrackSpec, local};
use offhook::webrtc::DirectorNews;
use offhook::{CallingState, Clip, DirectoryError, Event, Events, Join, Kind, Profile, SetError, WebRtc};
use offhook_server::{Grants, Mint};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// So many times in a second, as evenly as this machine can.
const TIMES: u32 = 1_000;

fn every_millisecond() -> tokio::time::Interval {
    let mut pace = interval(Duration::from_secs(1) / TIMES);
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    pace
}

/// Nothing was lost until now, and so nothing recovered.
fn nothing_was_lost(events: &mut Events) {
    while let Some(Some(event)) = events.next().now_or_never() {
        let lost = matches!(
            event,
            Event::LinkLost { .. } | Event::StateChanged(CallingState::Reconnecting) | Event::Error(_)
        );
        assert!(!lost, "{event:?}");
    }
}

/// F50: as a slider does that follows a finger, and none of it awaited.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_prompts_in_a_second_lose_no_link_and_the_last_is_in_effect() {
    let server = server().await;
    let client = client(&server, "ada");
    let session = joined(&client, "7").await;
    let mut events = session.events();
    let mut pace = every_millisecond();
    let mut settings = Vec::new();
    for n in 0..TIMES {
        pace.tick().await;
        settings.push(session.set_prompt(if n % 2 == 0 { "invert" } else { "sepia" }));
        nothing_was_lost(&mut events);
    }
    let last = session.set_prompt("greyscale");
    soon("the last answer", last).await.expect("it is in effect");
    for setting in settings {
        match soon("an answer", setting).await {
            Ok(_) | Err(SetError::Superseded) => {}
            Err(other) => panic!("{other}"),
        }
    }
    nothing_was_lost(&mut events);
    let mut pictures = session.remote_video().await.expect("it has media").decoded();
    // Those that were under way when it came into effect are of before.
    let grey = async {
        loop {
            let frame = pictures.next().await.expect("the session goes on");
            if frame.picture.u().iter().chain(frame.picture.v()).all(|chroma| chroma.abs_diff(128) <= 6) {
                return;
            }
        }
    };
    soon("a picture without colour", grey).await;
    nothing_was_lost(&mut events);
    drop(session.leave());
    client.shutdown().await;
    server.shutdown().await;
}

/// F56, F60: mute toggles, tracks that come and go, and a user who moves a mouse, all at once; twice as
/// long as the server's burst could hide.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn toggles_tracks_and_a_moving_mouse_lose_no_link_and_the_last_level_counts() {
    let server = server().await;
    let client = client(&server, "ada");
    let session = joined(&client, "7").await;
    let mut events = session.events();
    let (_sender, track) = local(TrackSpec { codec: Codec::H264, label: String::new() });
    let mut pace = every_millisecond();
    let began = Instant::now();
    let (mut n, mut published) = (0_u32, false);
    while n < 10 * TIMES {
        pace.tick().await;
        n += 1;
        // What is refused here is refused to the application, in a word, and not by the far side.
        drop(if n % 2 == 0 { session.mute(Kind::Video) } else { session.unmute(Kind::Video) });
        session.keep_alive().ok();
        if n % 3 == 0 {
            let done = if published {
                session.unpublish("screen").is_ok()
            } else {
                session.publish_as("screen", &track).is_ok()
            };
            published ^= done;
        }
        nothing_was_lost(&mut events);
    }
    assert!(began.elapsed() >= Duration::from_secs(9));
    soon("the last answer", session.unmute(Kind::Video)).await.expect("it is in effect");
    let mut video = session.remote_video().await.expect("it has media");
    soon("pictures", async {
        for _ in 0..10 {
            video.next().await.expect("the session goes on");
        }
    })
    .await;
    nothing_was_lost(&mut events);
    drop(session.leave());
    client.shutdown().await;
    server.shutdown().await;
}

/// F59: a director's seat is not lost over it either.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_director_whose_prompt_follows_a_slider_keeps_the_seat() {
    let server = server().await;
    let ada = client(&server, "ada");
    ada.session("studio", "7").get_or_create(Profile::new()).await.expect("made");
    let seat = server.mint(&Mint::user("backend").grants(Grants::DIRECTOR)).expect("its key signs");
    let mut director = WebRtc::new(server.url()).director("studio", "7", Some(&seat));
    let mut pace = every_millisecond();
    let (mut asked, mut answered, mut busy) = (0_u64, 0_u64, 0_u64);
    let all = async {
        while asked < u64::from(TIMES) || answered < asked {
            tokio::select! {
                _ = pace.tick(), if asked + busy < u64::from(TIMES) => {
                    match director.steer(asked, Some("sepia"), None) {
                        Ok(()) => asked += 1,
                        Err(DirectoryError::Busy { .. }) => busy += 1,
                        Err(error) => panic!("{error}"),
                    }
                }
                news = director.next() => match news {
                    Some(Ok(DirectorNews::Steered { .. })) => answered += 1,
                    Some(Ok(_)) => {}
                    Some(Err(error)) => panic!("the seat is lost after {answered} of {asked}: {error}"),
                    None => panic!("the seat is lost"),
                },
            }
            if asked + busy >= u64::from(TIMES) && answered == asked {
                break;
            }
        }
    };
    soon("every answer", all).await;
    assert!(asked > 300, "{asked} went out, {busy} found no room");
    ada.shutdown().await;
    server.shutdown().await;
}

/// F60: with as many tracks as there can be, each toggle is news of each of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn toggles_of_as_many_tracks_as_there_can_be_lose_no_link() {
    let server = server().await;
    let client = client(&server, "ada");
    let mut join = Join::new();
    let tracks: Vec<_> =
        (0..24).map(|_| local(TrackSpec { codec: Codec::Opus, label: String::new() })).collect();
    for (_, track) in &tracks {
        join = join.publish(track);
    }
    let idle = client.session("room", "7");
    let mut events = idle.events();
    let session = soon("the join", idle.join(join.publish(Clip::sample()))).await.expect("it is let in");
    let sender = |n: u32| {
        for (sender, _) in &tracks {
            sender.try_send(offhook::EncodedFrame {
                codec: Codec::Opus,
                data: vec![0xf8, 0xff, 0xfe].into(),
                pts: Duration::from_millis(20) * n,
                key: true,
            });
        }
    };
    let mut pace = interval(Duration::from_millis(20));
    for n in 0..400 {
        pace.tick().await;
        sender(n);
        drop(if n % 2 == 0 { session.mute(Kind::Audio) } else { session.unmute(Kind::Audio) });
        nothing_was_lost(&mut events);
    }
    soon("the last answer", session.unmute(Kind::Audio)).await.expect("it is in effect");
    nothing_was_lost(&mut events);
    drop(session.leave());
    client.shutdown().await;
    server.shutdown().await;
}
