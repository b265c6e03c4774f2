//! A moderator's mute is the server's to enforce: a client that goes on sending sends for nobody (F64).

mod native_common;
#[path = "native_moderation/persona.rs"]
mod persona;

use native_common::*;
use offhook_server::{Grants, Mint, Server};
use offhook_transport::media::{EncodedFrame, Kind};
use offhook_transport::{
    Action, Content, Desired, DialRequest, Epoch, Event, Moderate, Moderation, ModerationRefusal, Muted,
    RefusalItem, Revision, Secret, Verdict,
};
use offhook_transport_webrtc::native::WebRtc;
use std::time::Duration;
use tokio::time::timeout;

fn credential_of(server: &Server, user: &str, grants: Grants) -> Secret {
    server.mint(&Mint::user(user).grants(grants)).expect("a credential")
}

/// Sends frames and reads what the link says and what comes back, until `done` says so. A frame for
/// each 40 ms, as a camera has them.
async fn sending(
    line: &mut Line,
    ports: &mut Ports,
    frames: &[EncodedFrame],
    mut done: impl FnMut(&Line, usize) -> bool,
) {
    let (mut at, mut returned) = (0, 0);
    let flow = async {
        while !done(line, returned) {
            if ports.sender.key_frame_wanted() {
                while !frames[at % frames.len()].key {
                    at += 1;
                }
            }
            let mut frame = frames[at % frames.len()].clone();
            frame.pts = Duration::from_millis(40) * at as u32;
            ports.sender.try_send(frame);
            at += 1;
            let tick = tokio::time::sleep(Duration::from_millis(40));
            tokio::pin!(tick);
            loop {
                tokio::select! {
                    () = &mut tick => break,
                    event = line.connection.next() => line.said.extend(event),
                    Some(_) = ports.video.next() => returned += 1,
                }
            }
        }
    };
    let said = timeout(PATIENCE, flow).await.is_ok();
    assert!(said, "not in time; {returned} came back; {:?}", line.said);
}

fn muted_by(line: &Line) -> Option<(bool, bool)> {
    line.said.iter().rev().find_map(|event| match event {
        Event::Content(Content::Muted { kind: Kind::Video, muted, may_unmute, .. }) => {
            Some((*muted, *may_unmute))
        }
        _ => None,
    })
}

fn paused(line: &Line) -> bool {
    let last = line.said.iter().rev().find_map(|event| match event {
        Event::Content(Content::Track { sending, .. }) => Some(*sending),
        _ => None,
    });
    last == Some(false)
}

fn state(revision: u64, video: bool) -> Action {
    let muted = Muted { audio: false, video };
    Action::Apply { revision: Revision(revision), desired: Desired { muted, ..prompt("sepia") } }
}

async fn ask(line: &mut Line, id: u64, act: Moderate) -> Option<ModerationRefusal> {
    line.connection.act(Action::Moderate(Moderation { id, act })).expect("room");
    let answer = line
        .until(
            "an answer",
            |event| matches!(event, Event::Content(Content::Moderated { id: of, .. }) if *of == id),
        )
        .await;
    let Event::Content(Content::Moderated { refused, .. }) = answer else { panic!("{answer:?}") };
    refused.map(|(why, text)| {
        assert!(!text.is_empty());
        why
    })
}

async fn muting(grants: Grants, may_unmute: bool) {
    let server = server().await;
    let transport = WebRtc::new(server.url());
    let moderator = credential_of(&server, "ada", Grants::MODERATOR);
    let mut ada = Line::joined(&transport, DialRequest { viewer: true, ..join(Some(moderator)) }).await;
    let mut ports = ports();
    let mut request = ports.on(join(Some(credential_of(&server, "bob", grants))));
    request.desired = prompt("sepia");
    request.revision = Revision(1);
    let member = request.instance.to_string();
    let mut bob = Line::joined(&transport, request).await;
    ports.remote.switch_to(Epoch(1));
    let frames = clip();
    sending(&mut bob, &mut ports, &frames, |_, returned| returned >= 5).await;

    let mute = |muted| Moderate::Mute { member: member.clone(), kind: Kind::Video, muted };
    assert_eq!(ask(&mut ada, 1, mute(true)).await, None);
    // It does not do as it is told, and goes on sending: nothing comes back, and nothing is due.
    sending(&mut bob, &mut ports, &frames, |line, _| muted_by(line).is_some() && paused(line)).await;
    assert_eq!(muted_by(&bob), Some((true, may_unmute)));
    let mut meanwhile = 0;
    let mut sent = 0;
    sending(&mut bob, &mut ports, &frames, |_, returned| {
        sent += 1;
        meanwhile = returned;
        sent > 25
    })
    .await;
    assert_eq!(meanwhile, 0, "what a muted member sends goes nowhere");
    // A state that was under way when it was muted undoes nothing.
    bob.connection.act(state(2, false)).expect("room");
    bob.until("the ack", |event| acked(event, 2)).await;
    sent = 0;
    sending(&mut bob, &mut ports, &frames, |_, returned| {
        sent += 1;
        meanwhile = returned;
        sent > 10
    })
    .await;
    assert_eq!(meanwhile, 0, "it had not said that it knows");

    // It says that it is muted, and then that it is not.
    bob.connection.act(state(3, true)).expect("room");
    bob.until("the ack", |event| acked(event, 3)).await;
    bob.connection.act(state(4, false)).expect("room");
    if !may_unmute {
        let refused = |event: &Event| match event {
            Event::Acked { revision, verdict: Verdict::Refused { item, text } } => {
                assert_eq!((*revision, *item), (Revision(4), RefusalItem::Muted));
                assert!(text.contains("moderator"), "{text}");
                true
            }
            _ => false,
        };
        bob.until("the refusal", refused).await;
        assert_eq!(ask(&mut ada, 2, mute(false)).await, None);
        sending(&mut bob, &mut ports, &frames, |line, _| muted_by(line) == Some((false, false))).await;
        bob.connection.act(state(5, false)).expect("room");
    }
    sending(&mut bob, &mut ports, &frames, |_, returned| returned >= 5).await;

    bob.connection.act(Action::Goodbye).expect("room");
    bob.finish().await;
    assert_eq!(ask(&mut ada, 3, mute(true)).await, Some(ModerationRefusal::UnknownMember));
    ada.connection.act(Action::Goodbye).expect("room");
    ada.finish().await;
    server.shutdown().await;
}

fn acked(event: &Event, revision: u64) -> bool {
    *event == Event::Acked { revision: Revision(revision), verdict: Verdict::Applied }
}

// F64
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_muted_client_sends_all_the_same_goes_nowhere_until_it_unmutes() {
    muting(Grants::default(), true).await;
}

// F64
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_unmute_is_refused_until_a_moderator_lets_it() {
    muting(Grants { unmute: false, ..Grants::default() }, false).await;
}

// F64, R19
#[tokio::test]
async fn a_request_that_names_nobody_is_answered_here_or_there() {
    let server = server().await;
    let transport = WebRtc::new(server.url());
    let ada = join(Some(credential_of(&server, "ada", Grants::MODERATOR)));
    let own = ada.instance.to_string();
    let mut line = Line::joined(&transport, ada).await;
    for (id, member, why) in [
        (1, "nobody", ModerationRefusal::UnknownMember),
        (2, "00000000000000000000000000000000", ModerationRefusal::UnknownMember),
        (3, &*"x".repeat(10_000), ModerationRefusal::UnknownMember),
        (4, &*own, ModerationRefusal::Oneself),
    ] {
        assert_eq!(ask(&mut line, id, Moderate::Kick { member: member.into() }).await, Some(why));
    }
    line.connection.act(Action::Goodbye).expect("room");
    line.finish().await;
    let mut bob = Line::joined(&transport, join(Some(credential(&server)))).await;
    assert_eq!(ask(&mut bob, 5, Moderate::EndForAll).await, Some(ModerationRefusal::NotPermitted));
    bob.connection.act(Action::Goodbye).expect("room");
    bob.finish().await;
    server.shutdown().await;
}
