//! People in a room over every recovery: pictures and voices on the handles of the beginning, words and
//! reactions, what is muted and by whom, what took another source's place, and who only looks on
//! (F41, F53, F60, F62, F63, F64).

use crate::far_side::*;
use crate::rooms::{goes_on, in_room, track};
use crate::voice::{heard_whole, tone};
use crate::ways::{Stage, Way};
use futures_util::{FutureExt, StreamExt};
use offhook::transport::media::Kind;
use offhook::{Client, Clip, Event, Events, Join, Joined, PublishError, RemoteTrack, Session, WebRtc};
use offhook_media::h264::{Decoder, EncoderOptions, Encoding};
use offhook_server::{Grants, Mint, Server, Signer};
use std::time::Duration;
use tokio::time::timeout;

/// Somebody beside the line, who may do this.
fn beside(server: &Server, user: &str, grants: Grants) -> Client {
    let credential = server.mint(&Mint::user(user).grants(grants)).expect("its key signs");
    Client::new(WebRtc::new(server.url())).credential(credential.expose().to_owned())
}

/// The picture and the voice of the one who publishes both.
async fn both(session: &Session<Joined>, events: &mut Events) -> (RemoteTrack, RemoteTrack) {
    let (one, other) = (track(session, events).await, track(session, events).await);
    if one.kind() == Kind::Video { (one, other) } else { (other, one) }
}

/// Says something to all and shows something, and both come to this listener.
async fn says(who: &Session<Joined>, heard: &mut Events, text: &str) {
    soon("the receipt", who.send("chat", text.to_owned())).await.expect("it is taken");
    soon("the receipt", who.react("\u{1f44f}")).await.expect("it is taken");
    let message = event("the message", heard, |event| match event {
        Event::Message { payload, .. } => Some(payload.to_vec()),
        _ => None,
    });
    assert_eq!(message.await, text.as_bytes());
    event("the reaction", heard, |event| matches!(event, Event::Reaction { .. }).then_some(())).await;
}

// F41, F62, F63, F30, F31, F32
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pictures_voices_and_words_go_on_over_every_recovery() {
    for way in Way::ALL {
        let stage = Stage::of(way).await;
        let direct = client(&stage.line.server, "bob");
        let publish = || Join::new().publish(Clip::sample()).voice();
        let (ada, mut adas) = in_room(&stage.line.client, publish()).await;
        let (bob, mut bobs) = in_room(&direct, publish()).await;
        let (mut her_picture, mut her_voice) = both(&bob, &mut bobs).await;
        let (mut his_picture, mut his_voice) = both(&ada, &mut adas).await;
        heard_whole(&ada, async || her_voice.next().await, "the voice", &tone(440.0)).await;
        says(&ada, &mut bobs, "before").await;
        stage.happens(&mut [&mut adas, &mut bobs]).await;
        goes_on("her picture", &mut her_picture).await;
        goes_on("his picture", &mut his_picture).await;
        heard_whole(&ada, async || her_voice.next().await, "the voice", &tone(660.0)).await;
        heard_whole(&bob, async || his_voice.next().await, "the voice", &tone(880.0)).await;
        says(&ada, &mut bobs, "after").await;
        says(&bob, &mut adas, "and back").await;
        while let Some(Some(event)) = bobs.next().now_or_never() {
            let again = matches!(event, Event::Message { .. } | Event::Reaction { .. });
            assert!(!again, "{way:?}: once, and not {event:?}");
        }
        assert_eq!(stage.there().census().members, 2, "{way:?}");
        drop((ada.leave(), bob.leave()));
        direct.shutdown().await;
        stage.end().await;
    }
}

/// What is told of this kind of a member's tracks being muted.
async fn hears_of(events: &mut Events, muted: bool) {
    let news = event("the news", events, |event| match event {
        Event::TrackMuted(_) => Some(true),
        Event::TrackUnmuted(_) => Some(false),
        _ => None,
    });
    assert_eq!(news.await, muted);
}

// F60, F64, R14: one's own mute of the picture, and a moderator's of the voice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_muted_is_muted_after_every_recovery_until_it_is_taken_back() {
    for way in Way::ALL {
        let stage = Stage::of(way).await;
        let direct = beside(&stage.line.server, "bob", Grants::MODERATOR);
        let (ada, mut adas) = in_room(&stage.line.client, Join::new().publish(Clip::sample()).voice()).await;
        let (bob, mut bobs) = in_room(&direct, Join::new().viewer()).await;
        let (mut picture, mut voice) = both(&bob, &mut bobs).await;
        goes_on("her picture", &mut picture).await;
        soon("the ack", ada.mute(Kind::Video)).await.expect("it is her own");
        hears_of(&mut bobs, true).await;
        let her = picture.id().member().to_owned();
        soon("the answer", bob.mute_member(&her, Kind::Audio)).await.expect("he may");
        hears_of(&mut bobs, true).await;
        stage.happens(&mut [&mut adas, &mut bobs]).await;
        // As joined as before, and what was under way by then has come.
        says(&ada, &mut bobs, "after").await;
        for track in [&mut picture, &mut voice] {
            while track.next().now_or_never().is_some() {}
            let frame = timeout(Duration::from_millis(600), track.next()).await;
            assert!(frame.is_err(), "{way:?}: {frame:?} of a muted track {:?}", track.id());
        }
        soon("the ack", ada.unmute(Kind::Video)).await.expect("it is her own");
        goes_on("her picture", &mut picture).await;
        soon("the ack", ada.unmute(Kind::Audio)).await.expect("her credential lets her");
        heard_whole(&ada, async || voice.next().await, "the voice", &tone(660.0)).await;
        drop((ada.leave(), bob.leave()));
        direct.shutdown().await;
        stage.end().await;
    }
}

/// Pictures of this track until five in a row have this width.
async fn is_wide(picture: &mut RemoteTrack, width: u32) {
    let mut decoder = Decoder::new().expect("a decoder");
    let mut seen = 0;
    picture.want_key_frame();
    while seen < 5 {
        let frame = soon("a picture", picture.next()).await.expect("the handle goes on");
        // Before the key frame nothing can be decoded.
        let Ok(Some(shown)) = decoder.decode_frame(&frame) else { continue };
        seen = if shown.width() == width { seen + 1 } else { 0 };
    }
}

// F60: what took a source's place stays in it, and what was unpublished stays away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_published_stays_as_it_is_over_every_recovery() {
    for way in Way::ALL {
        let stage = Stage::of(way).await;
        let direct = client(&stage.line.server, "bob");
        let join = Join::new().publish_as("camera", Clip::sample()).publish_as("screen", Clip::sample());
        let (ada, mut adas) = in_room(&stage.line.client, join).await;
        let (bob, mut bobs) = in_room(&direct, Join::new().viewer()).await;
        let (one, other) = (track(&bob, &mut bobs).await, track(&bob, &mut bobs).await);
        let (mut camera, mut screen) = if one.id().label() == "camera" { (one, other) } else { (other, one) };
        is_wide(&mut camera, 640).await;
        let pattern = Encoding::pattern(320, 240, EncoderOptions::default()).expect("it can be encoded");
        ada.replace("camera", pattern).expect("of the same codec");
        is_wide(&mut camera, 320).await;
        ada.unpublish("screen").expect("it is there");
        stage.happens(&mut [&mut adas, &mut bobs]).await;
        is_wide(&mut camera, 320).await;
        soon("the end of the screen", async { while screen.next().await.is_some() {} }).await;
        assert_eq!(bob.remote_tracks().len(), 1, "{way:?}");
        drop((ada.leave(), bob.leave()));
        direct.shutdown().await;
        stage.end().await;
    }
}

// F53, F41: a viewer's own link is lost, or moved: she sees on, and still sends nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_sees_on_over_every_recovery_and_sends_nothing() {
    for way in Way::ALL {
        let stage = Stage::of(way).await;
        let direct = client(&stage.line.server, "bob");
        let (bob, mut bobs) = in_room(&direct, Join::new().publish(Clip::sample())).await;
        let (ada, mut adas) = in_room(&stage.line.client, Join::new().viewer()).await;
        let mut picture = track(&ada, &mut adas).await;
        goes_on("his picture", &mut picture).await;
        stage.happens(&mut [&mut adas, &mut bobs]).await;
        goes_on("his picture", &mut picture).await;
        assert!(matches!(ada.publish(Clip::sample()), Err(PublishError::NotPermitted)));
        assert!(bob.remote_tracks().is_empty(), "{way:?}");
        drop((ada.leave(), bob.leave()));
        direct.shutdown().await;
        stage.end().await;
    }
}

// F63, F10: who is silent is shown as away, and as there when she is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_lost_her_line_is_away_until_she_is_back() {
    let stage = Stage::of(Way::Resume).await;
    let direct = client(&stage.line.server, "bob");
    let (ada, mut adas) = in_room(&stage.line.client, Join::new().publish(Clip::sample())).await;
    let (bob, mut bobs) = in_room(&direct, Join::new().viewer()).await;
    let attends = async |events: &mut Events| {
        event("news of her", events, |event| match event {
            Event::MemberUpdated(member) => (member.name == "ada").then_some(!member.away),
            Event::MemberLeft(member) => panic!("gone: {member:?}"),
            _ => None,
        })
        .await
    };
    stage.line.net.cut();
    assert!(!attends(&mut bobs).await);
    stage.line.net.restore().expect("the relays are there");
    event("the recovery", &mut adas, |event| matches!(event, Event::Recovered { .. }).then_some(())).await;
    assert!(attends(&mut bobs).await);
    drop((ada.leave(), bob.leave()));
    direct.shutdown().await;
    stage.end().await;
}

// F41, F62, F63: of two whose server is restarted one is back first. The other has not left, and each goes
// on with the picture of the other on the handle of the beginning.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pictures_go_on_over_a_restart_of_the_server() {
    let signer = Signer::random().expect("randomness");
    let first = Server::builder().signer(signer.clone()).start().await.expect("loopback");
    let (ada, bob) = (client(&first, "ada"), client(&first, "bob"));
    let publish = || Join::new().publish(Clip::sample());
    let (ada, mut adas) = in_room(&ada, publish()).await;
    let (bob, mut bobs) = in_room(&bob, publish()).await;
    let mut her_picture = track(&bob, &mut bobs).await;
    let mut his_picture = track(&ada, &mut adas).await;
    let address = first.address();
    soon("the restart", first.shutdown_for_restart()).await;
    let again = Server::builder().signer(signer).bind(address.to_string()).start().await;
    let second = again.expect("the address is free again");
    for (events, picture) in [(&mut adas, &mut his_picture), (&mut bobs, &mut her_picture)] {
        event("the recovery", events, |event| matches!(event, Event::Recovered { .. }).then_some(())).await;
        goes_on("the picture of the other", picture).await;
        while let Some(Some(event)) = events.next().now_or_never() {
            let goes = matches!(event, Event::MemberLeft(_) | Event::TrackRemoved(_));
            assert!(!goes, "nobody left: {event:?}");
        }
    }
    drop((ada.leave(), bob.leave()));
    second.shutdown().await;
}
