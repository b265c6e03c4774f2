//! What the far side and the path do to the media, and what the link says of it: once, as what it
//! is, and nothing of the other plane. The machine's answer is tested where the machine is.

mod native_common;

use native_common::steered::{Order, Steered};
use native_common::through::Through;
use native_common::*;
use offhook_netrig::{Direction, Rig};
use offhook_signaling::{FromServer, MediaFault, MidRef};
use offhook_transport::media::Kind;
use offhook_transport::{Action, Content, Event, FaultKind, Plane, Secret};
use offhook_transport_webrtc::native::WebRtc;
use std::sync::Arc;
use std::time::Instant;

fn lost(line: &Line, of: Plane) -> Vec<FaultKind> {
    let faults = line.said.iter().filter_map(|event| match event {
        Event::PlaneLost(plane, fault) if *plane == of => Some(fault.kind),
        _ => None,
    });
    faults.collect()
}

async fn loses_media(line: &mut Line) {
    line.until("the loss of the media", |event| matches!(event, Event::PlaneLost(Plane::Media, _))).await;
}

async fn media_carries_again(line: &mut Line) {
    line.said.retain(|event| *event != Event::Carried(Plane::Media));
    line.connection.act(Action::RestartIce).expect("room");
    line.until("proof", |event| *event == Event::Carried(Plane::Media)).await;
}

fn media_fault(negotiation_id: u64) -> FromServer {
    FromServer::MediaFault(MediaFault { negotiation_id, text: Some("nothing comes in".into()) })
}

/// Answers that all came before this one.
async fn heard_all(line: &mut Line) {
    line.said.retain(|event| *event != Event::Alive(Plane::Signaling));
    line.connection.act(Action::Ping).expect("room");
    line.until("an answer", |event| *event == Event::Alive(Plane::Signaling)).await;
}

/// R8, R9: said again and again it is one loss; said of a path that is no more, it is none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_media_fault_is_one_loss_and_an_old_one_is_none() {
    let far = Steered::start().await;
    let mut line = Line::joined(&WebRtc::new(far.hostile.url()), join(Some(Secret::new("a.b.c")))).await;
    for _ in 0..3 {
        far.say(media_fault(1));
    }
    loses_media(&mut line).await;
    heard_all(&mut line).await;
    assert_eq!(lost(&line, Plane::Media), [FaultKind::MediaFault]);
    media_carries_again(&mut line).await;
    line.said.clear();
    far.say(media_fault(1));
    heard_all(&mut line).await;
    assert_eq!(lost(&line, Plane::Media), [], "the restart has the number 2");
    // A far side that says so for ever has a new loss for each path, and no more.
    for number in 2..6 {
        far.say(media_fault(number));
        loses_media(&mut line).await;
        media_carries_again(&mut line).await;
        assert_eq!(lost(&line, Plane::Media).len(), number as usize - 1);
    }
    assert_eq!(lost(&line, Plane::Signaling), []);
    line.connection.close();
    line.finish().await;
}

/// The peer closes its transport: that is seen on the data channel, at once, if its alert arrives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_transport_is_a_loss_of_the_media_alone() {
    let far = Steered::start().await;
    let mut line = Line::joined(&WebRtc::new(far.hostile.url()), join(Some(Secret::new("a.b.c")))).await;
    let begin = Instant::now();
    far.order(Order::HangUp);
    loses_media(&mut line).await;
    println!("a closed transport was seen after {:?}", begin.elapsed());
    heard_all(&mut line).await;
    // Its alert is one datagram that nobody acknowledges: where that is lost, the silence tells.
    let faults = lost(&line, Plane::Media);
    assert!(matches!(faults[..], [FaultKind::ClosedByPeer | FaultKind::IceSilent]), "{faults:?}");
    assert_eq!(lost(&line, Plane::Signaling), []);
    assert!(!line.said.iter().any(|event| matches!(event, Event::Ended { .. })));
    line.connection.close();
    line.finish().await;
}

/// R9: every check is answered, and what is due does not come. Then only what comes is proof (R5).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn media_that_is_due_and_does_not_come_is_lost() {
    let far = Steered::start().await;
    let ports = ports();
    let request = ports.on(join(Some(Secret::new("a.b.c"))));
    let mut line = Line::joined(&WebRtc::new(far.hostile.url()), request).await;
    let section = MidRef { mid: "0".into() };
    far.say(FromServer::Sending(section.clone()));
    let begins = Content::Track { mid: "0".into(), kind: Kind::Video, sending: true };
    line.until("word of the sending", |event| *event == Event::Content(begins.clone())).await;
    let begin = Instant::now();
    loses_media(&mut line).await;
    println!("due and silent media was noticed after {:?}", begin.elapsed());
    assert_eq!(lost(&line, Plane::Media), [FaultKind::MediaSilent]);
    assert_eq!(lost(&line, Plane::Signaling), []);

    // A path that works is not enough now.
    line.said.retain(|event| *event != Event::Carried(Plane::Media));
    line.connection.act(Action::RestartIce).expect("room");
    for _ in 0..3 {
        line.until("a second's statistics", |event| matches!(event, Event::Content(Content::Stats(_)))).await;
    }
    assert!(!line.said(&Event::Carried(Plane::Media)), "{:?}", line.said);
    // But what is not sent is not due.
    far.say(FromServer::Paused(section));
    line.until("proof", |event| *event == Event::Carried(Plane::Media)).await;
    line.connection.close();
    line.finish().await;
}

/// The counter-check: nothing is due that the far side does not send.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn media_that_is_paused_is_not_missed() {
    let far = Steered::start().await;
    let ports = ports();
    let request = ports.on(join(Some(Secret::new("a.b.c"))));
    let mut line = Line::joined(&WebRtc::new(far.hostile.url()), request).await;
    far.say(FromServer::Sending(MidRef { mid: "0".into() }));
    far.say(FromServer::Paused(MidRef { mid: "0".into() }));
    for _ in 0..7 {
        line.until("a second's statistics", |event| matches!(event, Event::Content(Content::Stats(_)))).await;
    }
    assert_eq!(lost(&line, Plane::Media), []);
    line.connection.close();
    line.finish().await;
}

/// E3: the checks are not answered, and when they are again, that is told at once: whoever waits
/// with a dial need not wait longer. While nothing answers it is never told; it may be after a moment
/// in which this process did not run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_that_answers_again_is_news() {
    for direction in [Direction::Up, Direction::Down, Direction::Both] {
        let far = Steered::start().await;
        let map = Through::new(Rig::new(7));
        let transport = WebRtc::new(far.hostile.url()).udp_map(map.clone());
        let mut line = Line::joined(&transport, join(Some(Secret::new("a.b.c")))).await;
        for _ in 0..3 {
            line.until("life", |event| *event == Event::Alive(Plane::Media)).await;
        }
        let begin = Instant::now();
        map.net.black_hole(direction);
        loses_media(&mut line).await;
        println!("silence told after {:?}", begin.elapsed());
        assert_eq!(lost(&line, Plane::Media), [FaultKind::IceSilent]);
        let answered = line.said.iter().rposition(|event| *event == Event::Alive(Plane::Media));
        let since = &line.said[answered.expect("there was life")..];
        assert!(!since.contains(&Event::PathAlive), "{:?}", line.said);
        let back = Instant::now();
        map.net.restore().expect("the relay is there");
        line.until("life of the lost path", |event| *event == Event::PathAlive).await;
        println!("life told after {:?}", back.elapsed());
        assert_eq!(lost(&line, Plane::Signaling), []);
        line.connection.close();
        line.finish().await;
    }
}

/// E16 (algesten/str0m#486), B23 (openai/openai-agents-js#1363): a path that is gone for a moment, and
/// back within its grace, was not lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_that_flaps_within_its_grace_is_no_loss() {
    let far = Steered::start().await;
    let map = Through::new(Rig::new(7));
    let transport = WebRtc::new(far.hostile.url()).udp_map(map.clone());
    let mut line = Line::joined(&transport, join(Some(Secret::new("a.b.c")))).await;
    for _ in 0..3 {
        let before = map.cut();
        let begin = Instant::now();
        map.net.black_hole(Direction::Both);
        for _ in 0..2 {
            line.until("a second", |event| matches!(event, Event::Content(Content::Stats(_)))).await;
        }
        map.net.restore().expect("the relay is there");
        line.said.retain(|event| *event != Event::Alive(Plane::Media));
        line.until("life", |event| *event == Event::Alive(Plane::Media)).await;
        assert!(map.cut() > before, "the path was gone");
        println!("gone for {:?}", begin.elapsed());
    }
    assert_eq!(lost(&line, Plane::Media), []);
    assert_eq!(lost(&line, Plane::Signaling), []);
    line.connection.close();
    line.finish().await;
}

/// A23 (livekit/rust-sdks#203): an offer is out and nobody answers it; a goodbye waits for none of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leave_is_bounded_while_a_negotiation_hangs() {
    use native_common::hostile::{Guest, Hostile, JOINED};
    let offered = Arc::new(tokio::sync::Notify::new());
    let far = {
        let offered = offered.clone();
        Hostile::serve(move |mut guest: Guest| {
            let offered = offered.clone();
            async move {
                guest.hear().await;
                guest.say(JOINED).await;
                guest.say(r#"{"type":"need_sections","ack":0,"audio":0,"video":2}"#).await;
                while let Some(frame) = guest.hear().await {
                    if frame.contains(r#""type":"offer""#) {
                        offered.notify_one();
                    }
                }
            }
        })
        .await
    };
    let ports = ports();
    let request = ports.on(join(Some(Secret::new("a.b.c"))));
    let mut line = Line::dial(&WebRtc::new(far.url()), request);
    line.until("the join", |event| matches!(event, Event::Up(_))).await;
    let waited = tokio::time::timeout(PATIENCE, async {
        tokio::select! {
            () = offered.notified() => {}
            () = async { while line.connection.next().await.is_some() {} } => {}
        }
    });
    waited.await.expect("it is offered");
    ports.gate.close();
    line.connection.act(Action::Goodbye).expect("room");
    line.finish().await;
}
