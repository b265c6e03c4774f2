//! A whole session over real sockets: join, prompt, media, a lost socket and its resume, leave.

mod native_common;

use native_common::steered::{Manner, Steered};
use native_common::*;
use offhook_netrig::Rig;
use offhook_transport::{Action, Content, Epoch, Event, Plan, Plane, RefusalItem, Revision, Secret, Verdict};
use offhook_transport_webrtc::native::WebRtc;
use std::time::Duration;
use tokio::time::timeout;

fn acked(revision: u64) -> Event {
    Event::Acked { revision: Revision(revision), verdict: Verdict::Applied }
}

// F01, F30, F51
#[tokio::test]
async fn a_session_joins_prompts_and_leaves() {
    let server = server().await;
    let transport = WebRtc::new(server.url());
    let ports = ports();
    let mut request = ports.on(join(Some(credential(&server))));
    request.desired = prompt("sepia");
    request.revision = Revision(3);
    let mut line = Line::joined(&transport, request).await;
    assert!(line.said(&Event::Answered));
    assert!(!line.up().resumed);
    assert_eq!(line.up().roster.len(), 1);
    if !line.said(&acked(3)) {
        line.until("the ack of the join's state", |event| *event == acked(3)).await;
    }
    let apply = Action::Apply { revision: Revision(4), desired: prompt("posterize") };
    line.connection.act(apply).expect("room");
    line.until("an ack", |event| *event == acked(4)).await;
    let apply = Action::Apply { revision: Revision(5), desired: prompt("make it sing") };
    line.connection.act(apply).expect("room");
    line.until("a refusal", |event| {
        matches!(event, Event::Acked { revision: Revision(5), verdict: Verdict::Refused { item: RefusalItem::Prompt, text } } if !text.is_empty())
    })
    .await;
    line.connection.act(Action::Goodbye).expect("room");
    line.finish().await;
    assert_eq!(server.census().members, 0, "the far side heard the goodbye");
    assert!(!ports.sender.is_tapped());
    server.shutdown().await;
}

/// Sends the clip in real time until the returned picture came `enough` times.
async fn until_returned(
    line: &mut Line,
    ports: &mut Ports,
    frames: &[offhook_transport::media::EncodedFrame],
    at: &mut usize,
    enough: usize,
) {
    let mut seen = 0;
    let flow = async {
        while seen < enough {
            let wanted = ports.sender.key_frame_wanted();
            if wanted {
                while !frames[*at % frames.len()].key {
                    *at += 1;
                }
            }
            let mut frame = frames[*at % frames.len()].clone();
            frame.pts = Duration::from_millis(40) * *at as u32;
            ports.sender.try_send(frame);
            *at += 1;
            if timeout(Duration::from_millis(20), ports.video.next()).await.is_ok() {
                seen += 1;
            }
        }
    };
    let polled = async {
        loop {
            if let Some(event) = line.connection.next().await {
                line.said.push(event);
            } else {
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        done = timeout(PATIENCE, flow) => assert!(done.is_ok(), "only {seen} frames came back; {:?}", line.said),
        () = polled => {}
    }
}

// F30, F31: signaling lost while media lives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_socket_costs_no_media_and_is_resumed() {
    let server = server().await;
    let rig = Rig::new(7);
    let relay = rig.tcp(server.address()).await.expect("a relay");
    let transport = WebRtc::new(server.url()).via(relay.addr());
    let mut ports = ports();
    let first = ports.on(join(Some(credential(&server))));
    let begun = join(None);
    let same = offhook_transport::DialRequest { instance: first.instance, ..begun };
    let mut old = Line::joined(&transport, first).await;
    ports.remote.switch_to(Epoch(1));
    let frames = clip();
    let mut at = 0;
    until_returned(&mut old, &mut ports, &frames, &mut at, 5).await;

    rig.reset_tcp();
    old.until("the loss", |event| matches!(event, Event::PlaneLost(Plane::Signaling, _))).await;
    // The wish outlives the socket: it is sent again by the resume.
    let apply = Action::Apply { revision: Revision(9), desired: prompt("invert") };
    old.connection.act(apply).expect("room");
    until_returned(&mut old, &mut ports, &frames, &mut at, 5).await;

    let plan = Plan::Resume { key: old.key(), restart_ice: false };
    let mut new = Line::dial(&transport, ports.on(again(plan, 2, &same, None)));
    new.carried().await;
    assert!(new.up().resumed);
    assert_ne!(new.key().secret, old.key().secret, "the key was rotated");
    if !new.said(&acked(9)) {
        new.until("the ack of what was said into the dead socket", |event| *event == acked(9)).await;
    }
    ports.remote.switch_to(Epoch(2));
    old.connection.close();
    old.finish().await;
    until_returned(&mut new, &mut ports, &frames, &mut at, 5).await;
    for line in [&old, &new] {
        assert!(
            !line.said.iter().any(|event| matches!(event, Event::PlaneLost(Plane::Media, _))),
            "{:?}",
            line.said
        );
    }
    new.until("statistics", |event| matches!(event, Event::Content(Content::Stats(_)))).await;
    new.connection.act(Action::Goodbye).expect("room");
    new.finish().await;
    assert_eq!(server.census().members, 0);
    server.shutdown().await;
}

// F70, R4: nothing is measured any more once the session was left, also while a far side that does not
// answer the goodbye is waited for. The next measurement would be due within that wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_measured_after_the_goodbye() {
    let far = Steered::start().await;
    far.behave(Manner::Lingering);
    let ports = ports();
    let request = ports.on(join(Some(Secret::new("a.b.c"))));
    let mut line = Line::joined(&WebRtc::new(far.hostile.url()), request).await;
    let is_stats = |event: &Event| matches!(event, Event::Content(Content::Stats(_)));
    line.until("a second's statistics", is_stats).await;
    let quiet = async { line.until("the next statistics", is_stats).await };
    assert!(timeout(Duration::from_millis(700), quiet).await.is_err(), "one a second");
    line.connection.act(Action::Goodbye).expect("room");
    let before = line.said.len();
    line.finish().await;
    assert!(!line.said[before..].iter().any(is_stats), "{:?}", &line.said[before..]);
}
