//! What a link says of the media it sends (R5, R9): when it begins, when it stops, again on the
//! next link, and never after a goodbye. What a server makes of it is tested end to end.

mod native_common;

use native_common::steered::{Order, Steered};
use native_common::*;
use offhook_signaling::{FromClient, FromServer, MediaFault, Relay, encode};
use offhook_transport::{Action, Content, Desired, DialRequest, Event, Muted, Plan, Plane, Revision, Secret};
use offhook_transport_webrtc::native::WebRtc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// A camera that runs while it is told to.
struct Camera {
    on: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Films into these ports, from whose other parts it is taken.
fn film(ports: Ports) -> (Camera, Kept) {
    let Ports { sender, track, gate, remote, video: _ } = ports;
    let on = Arc::new(AtomicBool::new(true));
    let runs = on.clone();
    let task = tokio::spawn(async move {
        let frames = clip();
        let mut pace = interval(Duration::from_millis(40));
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Over and over, from its key frame on.
        for frame in frames.iter().cycle() {
            pace.tick().await;
            if runs.load(Ordering::SeqCst) {
                sender.try_send(frame.clone());
            }
        }
    });
    (Camera { on, task }, Kept { track, gate, remote })
}

/// What is left of the ports of a camera.
struct Kept {
    track: offhook_transport::media::LocalTrack,
    gate: offhook_transport::media::Gate,
    remote: offhook_transport::media::Remote,
}

impl Kept {
    fn on(&self, request: DialRequest) -> DialRequest {
        let media = offhook_transport::media::MediaPorts {
            publish: vec![self.track.clone()],
            sink: Some(self.remote.sink(request.epoch)),
            gate: self.gate.clone(),
        };
        DialRequest { media, ..request }
    }
}

/// `true` for each `sending`, `false` for each `paused`, as the far side heard them.
fn told(far: &Steered) -> Vec<bool> {
    let words = far.heard().into_iter().filter_map(|(_, message)| match message {
        FromClient::Sending(section) => Some((section.mid, true)),
        FromClient::Paused(section) => Some((section.mid, false)),
        _ => None,
    });
    words
        .map(|(mid, sends)| {
            assert_eq!(mid, "0", "there is one section");
            sends
        })
        .collect()
}

/// Reads on until the far side has heard this, and nothing else.
async fn tells(line: &mut Line, far: &Steered, words: &[bool]) {
    let mut look = interval(Duration::from_millis(5));
    let heard = timeout(PATIENCE, async {
        while told(far).len() < words.len() {
            tokio::select! {
                _ = look.tick() => {}
                Some(event) = line.connection.next() => line.said.push(event),
            }
        }
    });
    heard.await.unwrap_or_else(|_| panic!("{:?} of {words:?}; the link said {:?}", told(far), line.said));
    assert_eq!(told(far), words);
}

/// So many seconds, as the link counts them.
async fn seconds(line: &mut Line, count: usize) {
    for _ in 0..count {
        line.until("a second's statistics", |event| matches!(event, Event::Content(Content::Stats(_)))).await;
    }
}

fn key() -> Option<Secret> {
    Some(Secret::new("a.b.c"))
}

/// R5, R9: nothing is announced before it left, and nothing left before the gate was open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sending_is_said_when_frames_leave_and_paused_when_they_do_not() {
    let far = Steered::start().await;
    let (camera, kept) = film(ports());
    kept.gate.mute();
    let mut line = Line::joined(&WebRtc::new(far.hostile.url()), kept.on(join(key()))).await;
    seconds(&mut line, 2).await;
    assert_eq!(told(&far), [] as [bool; 0], "the gate is shut, though the camera runs");
    kept.gate.open();
    tells(&mut line, &far, &[true]).await;
    seconds(&mut line, 4).await;
    assert_eq!(told(&far), [true], "what goes on is no news");

    // The source pauses.
    camera.on.store(false, Ordering::SeqCst);
    tells(&mut line, &far, &[true, false]).await;
    camera.on.store(true, Ordering::SeqCst);
    tells(&mut line, &far, &[true, false, true]).await;

    // The gate is shut by us.
    kept.gate.mute();
    tells(&mut line, &far, &[true, false, true, false]).await;
    kept.gate.open();
    tells(&mut line, &far, &[true, false, true, false, true]).await;

    // The track ends with its camera.
    drop(camera);
    tells(&mut line, &far, &[true, false, true, false, true, false]).await;
    line.connection.close();
    line.finish().await;
}

/// A mute is told with the wish that asks for it, not when its silence is noticed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mute_is_a_pause_at_once() {
    let far = Steered::start().await;
    let (_camera, kept) = film(ports());
    let mut line = Line::joined(&WebRtc::new(far.hostile.url()), kept.on(join(key()))).await;
    tells(&mut line, &far, &[true]).await;
    kept.track.set_muted(true);
    let muted = Desired { muted: Muted { video: true, ..Muted::default() }, ..Desired::default() };
    line.connection.act(Action::Apply { revision: Revision(1), desired: muted }).expect("room");
    tells(&mut line, &far, &[true, false]).await;
    let heard = far.heard();
    let apply = heard.iter().position(|(_, message)| matches!(message, FromClient::Apply(_)));
    let apply = apply.expect("it was asked for");
    let paused = heard.iter().position(|(_, message)| matches!(message, FromClient::Paused(_)));
    // Sooner where the link looked in the moment between the mute and the wish.
    assert!(paused.is_some_and(|paused| paused <= apply + 1), "{heard:?}");
    kept.track.set_muted(false);
    tells(&mut line, &far, &[true, false, true]).await;
    line.connection.close();
    line.finish().await;
}

/// R6, R8: media that carries again is told, and a fault that was said before that was heard is of
/// the outage that is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_from_before_the_far_side_knew_is_none() {
    let far = Steered::start().await;
    let (_camera, kept) = film(ports());
    let mut line = Line::joined(&WebRtc::new(far.hostile.url()), kept.on(join(key()))).await;
    tells(&mut line, &far, &[true]).await;
    let fault = |negotiation_id| {
        FromServer::MediaFault(MediaFault { negotiation_id, text: Some("nothing comes in".into()) })
    };
    far.say(fault(1));
    let loss = |event: &Event| matches!(event, Event::PlaneLost(Plane::Media, _));
    line.until("the loss", loss).await;
    line.said.clear();
    line.connection.act(Action::RestartIce).expect("room");
    line.until("proof", |event| *event == Event::Carried(Plane::Media)).await;
    tells(&mut line, &far, &[true, true]).await;
    let newest = far.heard().iter().filter_map(|(seq, _)| *seq).max().expect("sending is numbered");
    far.order(Order::Verbatim(encode(None, newest - 1, &fault(2)).expect("a good message")));
    line.said.clear();
    let data = serde_json::Value::Null;
    far.say(FromServer::Message(Relay { id: 1, from: None, to: Vec::new(), topic: "after it".into(), data }));
    line.until("what was said next", |event| matches!(event, Event::Content(Content::Message { .. }))).await;
    assert!(!line.said.iter().any(loss), "it did not know: {:?}", line.said);
    // Who knows, and says so all the same, is believed.
    far.say(fault(2));
    line.until("the loss", loss).await;
    line.connection.close();
    line.finish().await;
}

/// R5: what was said on a socket that died is said again on the next one, and so on a new
/// connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resume_and_a_rejoin_say_again_what_is_sent() {
    let far = Steered::start().await;
    let transport = WebRtc::new(far.hostile.url());
    let (_camera, kept) = film(ports());
    let first = join(None);
    let request = DialRequest { instance: first.instance, ..join(key()) };
    let mut line = Line::joined(&transport, kept.on(request)).await;
    tells(&mut line, &far, &[true]).await;
    far.order(Order::Close);
    line.until("the loss", |event| matches!(event, Event::PlaneLost(Plane::Signaling, _))).await;
    let plan = Plan::Resume { key: line.key(), restart_ice: false };
    let mut new = Line::joined(&transport, kept.on(again(plan, 2, &first, key()))).await;
    tells(&mut new, &far, &[true, true]).await;
    line.connection.close();
    line.finish().await;

    let plan = Plan::Rejoin { key: Some(new.key()) };
    let rejoin = DialRequest { inherit: None, ..again(plan, 3, &first, key()) };
    let mut newest = Line::joined(&transport, kept.on(rejoin)).await;
    tells(&mut newest, &far, &[true, true, true]).await;
    new.connection.close();
    new.finish().await;
    newest.connection.close();
    newest.finish().await;
}

/// R4: a goodbye is the last word.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_said_of_media_after_a_goodbye() {
    let far = Steered::start().await;
    let (_camera, kept) = film(ports());
    let mut line = Line::joined(&WebRtc::new(far.hostile.url()), kept.on(join(key()))).await;
    tells(&mut line, &far, &[true]).await;
    kept.gate.close();
    line.connection.act(Action::Goodbye).expect("room");
    line.finish().await;
    far.hears("the goodbye", |message| matches!(message, FromClient::Goodbye(_))).await;
    let heard = far.heard();
    assert!(matches!(heard.last(), Some((_, FromClient::Goodbye(_)))), "{heard:?}");
    // A pause where the link looked in the moment between the gate and the goodbye; nothing after it.
    assert!(matches!(told(&far)[..], [true] | [true, false]), "{heard:?}");
}
