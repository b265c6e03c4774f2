//! Moderators, end to end: kick, mute, end for all, each with its result; and everybody whom it
//! concerns knows why (F64, F14).

use crate::far_side::*;
use offhook::transport::media::Kind;
use offhook::{
    CallingState, Client, Clip, EndReason, Event, Events, Join, JoinErrorKind, Joined, ModerateError, Plan,
    Session, SetError, StateItem, WebRtc,
};
use offhook_server::{Grants, Mint, Server};
use std::time::Duration;

fn with(server: &Server, user: &str, grants: Grants) -> Client {
    let credential = server.mint(&Mint::user(user).grants(grants)).expect("its key signs");
    Client::new(WebRtc::new(server.url())).credential(credential.expose().to_owned())
}

fn moderator(server: &Server) -> Client {
    with(server, "ada", Grants::MODERATOR)
}

/// The id of somebody in the roster, as the events tell it.
async fn id_of(events: &mut Events, user: &str) -> String {
    event("the member", events, |event| match event {
        Event::MemberJoined(member) => (member.name == user).then(|| member.id.clone()),
        _ => None,
    })
    .await
}

/// F64, F14, E8: out, with the reason, on every device; and not in again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_kicked_ends_so_on_every_device_and_stays_out() {
    let server = server().await;
    let (ada, bob) = (moderator(&server), client(&server, "bob"));
    let session = joined(&ada, "7").await;
    let mut events = session.events();
    let (phone, desk) = (joined(&bob, "7").await, joined(&bob, "7").await);
    let cid = joined(&client(&server, "cid"), "7").await;
    let member = id_of(&mut events, "bob").await;
    let endings = (phone.ended(), desk.ended());
    soon("the answer", session.kick(&member)).await.expect("it is done");
    let (phone, desk) = soon("the ends", async { tokio::join!(endings.0, endings.1) }).await;
    for left in [&phone, &desk] {
        assert_eq!(left.reason(), EndReason::Kicked);
    }
    let again = soon("the refusal", idle(&bob).join(Join::new())).await.expect_err("kept out");
    assert_eq!(again.kind(), JoinErrorKind::NotPermitted);
    let words = again.to_string();
    assert!(words.contains("removed from this session") && !words.contains("grants"), "{words}");
    // S4: out of this session, and of no other, on the same credential.
    let elsewhere = joined(&bob, "8").await;
    soon("the ack", elsewhere.set_prompt("invert")).await.expect("nobody removed him there");
    drop(elsewhere);
    // The others are not concerned, and the kicked one is gone for good.
    soon("the ack", cid.set_prompt("invert")).await.expect("it is as joined as before");
    event("the news", &mut events, |event| match event {
        Event::MemberLeft(left) => (left.name == "bob").then_some(()),
        _ => None,
    })
    .await;
    let unknown = soon("the refusal", session.kick(&member)).await.expect_err("nobody of that id");
    assert_eq!(unknown, ModerateError::UnknownMember);
    assert!(unknown.to_string().contains("roster"), "the next step: {unknown}");
    drop((session, cid));
    server.shutdown().await;
}

/// F64: one's own name is refused, on this device and another; leaving is another word.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_moderator_who_kicks_or_mutes_himself_is_told_that_it_is_himself() {
    let server = server().await;
    let ada = moderator(&server);
    let session = joined(&ada, "7").await;
    let mut events = session.events();
    let own = id_of(&mut events, "ada").await;
    let other = joined(&ada, "7").await;
    let second = id_of(&mut events, "ada").await;
    assert_ne!(own, second, "two devices");
    for member in [&own, &second] {
        for asked in [session.kick(member), session.mute_member(member, Kind::Video)] {
            let refused = soon("the refusal", asked).await.expect_err("that is oneself");
            assert!(
                refused == ModerateError::Oneself && refused.to_string().contains("leave()"),
                "{refused}"
            );
        }
    }
    soon("the ack", session.set_prompt("invert")).await.expect("it is as joined as before");
    soon("the ack", other.set_prompt("invert")).await.expect("and so is the other");
    drop((session, other));
    server.shutdown().await;
}

/// F64: known from when it was let in, and said at once; nobody is harmed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_no_moderator_is_told_at_once_and_nothing_happens() {
    let server = server().await;
    let (ada, bob) = (client(&server, "ada"), client(&server, "bob"));
    let (session, other) = (joined(&ada, "7").await, joined(&bob, "7").await);
    let mut events = session.events();
    let member = id_of(&mut events, "bob").await;
    let asked = [session.kick(&member), session.mute_member(&member, Kind::Video), session.end_for_all()];
    for asked in asked {
        let refused = soon("the refusal", asked).await.expect_err("no moderator");
        assert!(refused == ModerateError::NotPermitted && refused.to_string().contains("credential"));
    }
    soon("the ack", other.set_prompt("invert")).await.expect("it is as joined as before");
    assert_eq!(server.census().members, 2);
    drop((session, other));
    server.shutdown().await;
}

/// F64, F14: everybody, the moderator with them; each knows why, and the request is answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_ended_for_all_ends_so_for_each() {
    let server = server().await;
    let session = joined(&moderator(&server), "7").await;
    let bob = joined(&client(&server, "bob"), "7").await;
    let elsewhere = joined(&client(&server, "cid"), "8").await;
    let bobs = bob.ended();
    soon("the answer", session.end_for_all()).await.expect("it is done");
    let (adas, bobs) = soon("the ends", async { tokio::join!(session.ended(), bobs) }).await;
    assert_eq!((adas.reason(), bobs.reason()), (EndReason::EndedForAll, EndReason::EndedForAll));
    assert!(holds(|| server.census().members == 1).await, "{:?}", server.census());
    soon("the ack", elsewhere.set_prompt("invert")).await.expect("another session is not concerned");
    drop(elsewhere);
    server.shutdown().await;
}

/// Waits until bob hears of a moderator's mute, or of its end.
async fn told(events: &mut Events) -> (bool, bool) {
    event("the news", events, |event| match event {
        Event::MutedByModerator { kind: Kind::Video, muted, may_unmute, .. } => Some((*muted, *may_unmute)),
        _ => None,
    })
    .await
}

async fn pictures(session: &Session<Joined>) {
    let mut video = session.remote_video().await.expect("it has media");
    for _ in 0..5 {
        soon("a picture", video.next()).await.expect("the session goes on");
    }
}

/// F64, F60, R14: told, muted here as well, and muted still after a rejoin; until he unmutes himself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_muted_member_knows_it_and_stays_muted_over_a_rejoin_until_he_unmutes() {
    let server = Server::builder().resume_window(Duration::ZERO).start().await.expect("loopback");
    let net = offhook_netrig::Rig::new(7);
    let tcp = net.tcp(server.address()).await.expect("loopback has a free port");
    let credential = server.mint(&Mint::user("bob")).expect("its key signs");
    let bob =
        Client::new(WebRtc::new(server.url()).via(tcp.addr())).credential(credential.expose().to_owned());
    let ada = joined(&moderator(&server), "7").await;
    let mut adas = ada.events();
    let (clip, watcher) = Watched::new();
    let session = idle(&bob).join(Join::new().prompt("sepia").publish(clip));
    let session = soon("the join", session).await.expect("the server is there");
    let mut events = session.events();
    pictures(&session).await;
    let member = id_of(&mut adas, "bob").await;
    soon("the answer", ada.mute_member(&member, Kind::Video)).await.expect("it is done");
    assert_eq!(told(&mut events).await, (true, true));

    // Made anew, it begins muted.
    tcp.reset();
    event("the rejoin", &mut events, |event| match event {
        Event::Recovered { plan, .. } => {
            assert_eq!(*plan, Plan::Rejoin);
            Some(())
        }
        _ => None,
    })
    .await;
    assert_eq!(session.state(), CallingState::Joined);
    let mut video = session.remote_video().await.expect("it has media");
    let reads = watcher.reads();
    let silent = tokio::time::timeout(Duration::from_secs(1), video.next()).await;
    assert!(silent.is_err(), "a picture of somebody who is muted came back");
    assert!(watcher.is_alive() && watcher.reads() >= reads, "the camera is the user's own");
    soon("the ack", session.unmute(Kind::Video)).await.expect("he may");
    pictures(&session).await;
    drop((session, ada));
    server.shutdown().await;
}

/// F64: his credential does not let him, and then a moderator does; who never unmutes him herself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_unmute_himself_waits_for_a_moderator() {
    let server = server().await;
    let ada = joined(&moderator(&server), "7").await;
    let mut adas = ada.events();
    let bob = with(&server, "bob", Grants { unmute: false, ..Grants::default() });
    let session = soon("the join", idle(&bob).join(Join::new().publish(Clip::sample()))).await;
    let session = session.expect("the server is there");
    let mut events = session.events();
    pictures(&session).await;
    let member = id_of(&mut adas, "bob").await;
    soon("the answer", ada.mute_member(&member, Kind::Video)).await.expect("it is done");
    assert_eq!(told(&mut events).await, (true, false));
    // A prompt is none of it.
    soon("the ack", session.set_prompt("invert")).await.expect("he may prompt");
    let refused = soon("the refusal", session.unmute(Kind::Video)).await;
    assert!(matches!(&refused, Err(SetError::Refused { item: StateItem::Muted, .. })), "{refused:?}");
    assert_eq!(sent(&mut events).await, 0, "what was refused is not done on this side either");
    soon("the answer", ada.let_unmute(&member, Kind::Video)).await.expect("it is done");
    assert_eq!(told(&mut events).await, (false, false));
    soon("the ack", session.unmute(Kind::Video)).await.expect("now he may");
    pictures(&session).await;
    drop((session, ada));
    server.shutdown().await;
}

/// Pictures that leave within a second, after what was under way by now.
async fn sent(events: &mut Events) -> u64 {
    let mut measured = Vec::new();
    while measured.len() < 3 {
        let stats = event("statistics", events, |event| match event {
            Event::Stats(stats) => Some(stats.clone()),
            _ => None,
        });
        measured.push(stats.await);
    }
    let delta = measured[2].since(&measured[1]);
    delta.streams.iter().filter(|one| !one.inbound && one.kind == Kind::Video).map(|one| one.frames).sum()
}

/// F64, F60, R14: a mute of a kind holds for what is published of it later; and his own unmute ends it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kind_that_is_not_published_yet_is_muted_when_it_is() {
    let server = server().await;
    let bob = client(&server, "bob");
    let ada = soon("the join", moderator(&server).session("room", "7").join(Join::new())).await;
    let ada = ada.expect("she is let in");
    let mut adas = ada.events();
    let session = soon("the join", bob.session("room", "7").join(Join::new())).await.expect("so is he");
    let mut events = session.events();
    let member = id_of(&mut adas, "bob").await;
    soon("the answer", ada.mute_member(&member, Kind::Video)).await.expect("it is done");
    assert_eq!(told(&mut events).await, (true, true));
    // What he desires has the mute before there is a camera.
    soon("the ack", session.set(offhook::Change::new().muted(Kind::Audio, true)))
        .await
        .expect("it is his own");
    session.publish(Clip::sample()).expect("he may");
    let added = event("the camera", &mut adas, |event| match event {
        Event::TrackAdded(track) => Some(track.clone()),
        _ => None,
    })
    .await;
    assert!(added.muted, "she sees that nothing comes of it: {added:?}");
    assert_eq!(sent(&mut events).await, 0);
    soon("the ack", session.unmute(Kind::Video)).await.expect("he may");
    event("the news", &mut adas, |event| (*event == Event::TrackUnmuted(added.id.clone())).then_some(()))
        .await;
    let mut camera = ada.track(&added.id).expect("it is there");
    for _ in 0..5 {
        soon("a picture", camera.next()).await.expect("it is published");
    }
    drop((session, ada));
    bob.shutdown().await;
    server.shutdown().await;
}

/// F64: what is not his to undo is not undone by leaving and coming again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_unmute_himself_is_muted_when_he_comes_again() {
    let server = server().await;
    let ada = joined(&moderator(&server), "7").await;
    let mut adas = ada.events();
    let bob = with(&server, "bob", Grants { unmute: false, ..Grants::default() });
    let join = || Join::new().publish(Clip::sample());
    let session = soon("the join", idle(&bob).join(join())).await.expect("he is let in");
    pictures(&session).await;
    let member = id_of(&mut adas, "bob").await;
    let mut events = session.events();
    soon("the answer", ada.mute_member(&member, Kind::Video)).await.expect("it is done");
    assert_eq!(told(&mut events).await, (true, false));
    soon("the release", soon("the leave", session.leave()).await.released()).await;
    let again = idle(&bob);
    let mut events = again.events();
    let session = soon("the join", again.join(join())).await.expect("he is let in");
    assert_eq!(told(&mut events).await, (true, false), "as before");
    let refused = soon("the refusal", session.unmute(Kind::Video)).await;
    assert!(matches!(&refused, Err(SetError::Refused { item: StateItem::Muted, .. })), "{refused:?}");
    assert_eq!(sent(&mut events).await, 0);
    // Taken back, it is for good.
    let member = id_of(&mut adas, "bob").await;
    soon("the answer", ada.let_unmute(&member, Kind::Video)).await.expect("it is done");
    assert_eq!(told(&mut events).await, (false, false));
    soon("the release", soon("the leave", session.leave()).await.released()).await;
    let session = soon("the join", idle(&bob).join(join())).await.expect("he is let in");
    pictures(&session).await;
    drop((session, ada));
    bob.shutdown().await;
    server.shutdown().await;
}
