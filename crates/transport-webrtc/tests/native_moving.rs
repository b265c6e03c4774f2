//! Dials to where a server sends us, and late copies of our own: who is shown what (S14, I-group;
//! issue 3, bad input). The move itself is tested where the machine is.

mod native_common;

use futures_util::{SinkExt, StreamExt};
use native_common::hostile::{Guest, Hostile};
use native_common::*;
use offhook_transport::{
    Action, DialRequest, Epoch, Event, FaultKind, Plan, Plane, ResumeKey, Secret, Target,
};
use offhook_transport_webrtc::native::WebRtc;
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

const TOKEN: &str = "the-access.token-itself.signed";
const RESUME: &str = "0123456789abcdef";

fn a_move(url: &str, ticket: Option<&str>) -> DialRequest {
    let key = ResumeKey { session: "s1".into(), secret: Secret::new(RESUME) };
    DialRequest {
        plan: Plan::Migrate { key: Some(key) },
        epoch: Epoch(2),
        target: Some(Target { url: Some(url.into()), ticket: ticket.map(Secret::new) }),
        ..join(Some(Secret::new(TOKEN)))
    }
}

/// A target sees the ticket that was made for it, and neither the token nor the secret; with no
/// ticket it sees nothing at all. It is dialled where it is, not through the way to our own server.
#[tokio::test]
async fn a_target_is_shown_its_ticket_and_nothing_else() {
    for ticket in [Some("ticket-of-the-move"), None] {
        let (told, mut heard) = mpsc::channel(4);
        let target = Hostile::serve(move |mut guest: Guest| {
            let told = told.clone();
            async move {
                if let Some(first) = guest.hear().await {
                    let _ = told.send(first).await;
                }
                guest.close().await;
            }
        })
        .await;
        let nobody = "127.0.0.1:1".parse().expect("an address");
        let transport = WebRtc::new("ws://127.0.0.1:1/session").via(nobody);
        let mut line = Line::dial(&transport, a_move(&target.url(), ticket));
        line.until("the end", |event| matches!(event, Event::DialFailed(_))).await;
        let first = timeout(PATIENCE, heard.recv()).await.expect("in time").expect("a first frame");
        assert!(!first.contains(TOKEN), "the access token went to a target");
        assert!(!first.contains(RESUME), "the resume secret went to a target");
        if let Some(ticket) = ticket {
            assert!(first.contains(ticket) && first.contains(r#""type":"migrate""#), "{first}");
        }
        line.finish().await;
    }
}

/// S14: judged before anything is resolved or dialled.
#[tokio::test]
async fn a_target_in_our_own_network_or_of_a_weaker_kind_is_not_dialled() {
    for target in [
        "ws://media.example/session",
        "http://media.example/session",
        "wss://192.168.1.1/session",
        "wss://10.0.0.1/session",
        "wss://127.0.0.1/session",
        "wss://[::1]/session",
        "wss://169.254.169.254/latest/meta-data",
        "wss://localhost/session",
        "wss://user:word@media.example/session",
    ] {
        let transport = WebRtc::new("wss://media.example/session");
        let mut line = Line::dial(&transport, a_move(target, Some("ticket")));
        let failed = line.until("no", |event| matches!(event, Event::DialFailed(_))).await;
        let bad = matches!(&failed, Event::DialFailed(fault) if fault.kind == FaultKind::BadAddress);
        assert!(bad, "{target}: {failed:?}");
        line.finish().await;
    }
}

/// Our own join, abandoned, arrives once more when a newer one is inside: it is refused, and costs
/// the newer one nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_copy_of_an_abandoned_join_changes_nothing() {
    let server = server().await;
    let copy = Arc::<Mutex<Option<String>>>::default();
    let (keep, seen) = (copy.clone(), Arc::new(tokio::sync::Notify::new()));
    let tell = seen.clone();
    // It swallows the join, as a line does that goes dead under it.
    let swallower = Hostile::serve(move |mut guest: Guest| {
        let (keep, tell) = (keep.clone(), tell.clone());
        async move {
            if let Some(first) = guest.hear().await {
                *keep.lock().expect("nobody panics with it") = Some(first);
                tell.notify_one();
            }
            while guest.hear().await.is_some() {}
        }
    })
    .await;
    let first = join(Some(credential(&server)));
    let second = DialRequest { epoch: Epoch(2), instance: first.instance, ..join(first.credential.clone()) };
    let mut abandoned = Line::dial(&WebRtc::new(swallower.url()), first);
    timeout(PATIENCE, async {
        tokio::select! {
            () = seen.notified() => {}
            () = async { while abandoned.connection.next().await.is_some() {} } => {}
        }
    })
    .await
    .expect("it was sent");
    abandoned.connection.close();
    abandoned.finish().await;
    let mut line = Line::joined(&WebRtc::new(server.url()), second).await;

    let text = copy.lock().expect("nobody panics with it").take().expect("it was kept");
    let (mut socket, _) = tokio_tungstenite::connect_async(server.url()).await.expect("it is open");
    socket.send(Message::text(text)).await.expect("it is sent");
    let answered = timeout(PATIENCE, async {
        while let Some(Ok(message)) = socket.next().await {
            if let Message::Text(text) = message {
                return text.as_str().to_owned();
            }
        }
        String::new()
    });
    let answer = answered.await.expect("in time");
    assert!(answer.contains("stale_epoch"), "{answer}");
    line.said.clear();
    line.connection.act(Action::Ping).expect("room");
    line.until("life", |event| *event == Event::Alive(Plane::Signaling)).await;
    assert!(!line.said.iter().any(|event| matches!(event, Event::PlaneLost(..) | Event::Ended { .. })));
    assert_eq!(server.census().members, 1);
    line.connection.act(Action::Goodbye).expect("room");
    line.finish().await;
    server.shutdown().await;
}
