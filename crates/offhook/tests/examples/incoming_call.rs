//! The incoming-call screen: by hand over the scripted transport, and by itself over WebRTC.

use crate::programs::incoming_call::{phone, program};
use crate::screen::{Screen, bounded, within_a_day};
use offhook::Client;
use offhook::mock::MockTransport;
use offhook::transport::{DeclineCode, RefusedCode, RingAction, RingEndCode, SessionRef};
use tokio::sync::mpsc;

fn keys() -> (mpsc::Sender<String>, impl futures_util::Stream<Item = String> + Unpin) {
    let (press, pressed) = mpsc::channel::<String>(8);
    let pressed =
        futures_util::stream::unfold(pressed, |mut pressed| async { Some((pressed.recv().await?, pressed)) });
    (press, Box::pin(pressed))
}

/// F20, F22: accepted, declined, given up by the caller, and left alone.
#[tokio::test(start_paused = true)]
async fn a_call_screen_answers_declines_and_goes_away_by_itself() {
    let (transport, remote) = MockTransport::studio(7);
    let client = Client::new(transport).seed(7);
    let (press, mut pressed) = keys();
    let mut screen = Screen::default();
    let shown = screen.clone();
    let room = SessionRef { kind: "room".into(), id: "7".into() };
    let day = async {
        shown.shows("waiting for calls", 1).await;
        let ring = remote.rings("ada\u{1b}[2J", room.clone());
        shown.shows("rings", 1).await;
        for key in ["?", "a"] {
            press.send(key.to_owned()).await.expect("the phone is on");
        }
        let said = remote.ring_action().await;
        assert!(matches!(&said, RingAction::Accept { ring: taken, .. } if *taken == ring), "{said:?}");
        remote.taken(&ring, "me");
        shown.shows("in the call", 1).await;
        press.send("h".to_owned()).await.expect("the phone is on");
        shown.shows("the call is over", 1).await;

        let ring = remote.rings("grace", room.clone());
        shown.shows("rings", 2).await;
        press.send("b".to_owned()).await.expect("the phone is on");
        assert_eq!(
            remote.ring_action().await,
            RingAction::Decline { ring: ring.clone(), why: DeclineCode::Busy }
        );
        remote.gone(&ring, RingEndCode::Declined);
        shown.shows("no call", 1).await;

        let ring = remote.rings("hedy", room.clone());
        shown.shows("rings", 3).await;
        remote.gone(&ring, RingEndCode::Cancelled);
        shown.shows("no call", 2).await;

        remote.rings("joan", room.clone());
        shown.shows("rings", 4).await;
        drop(press);
    };
    let (ran, ()) =
        within_a_day(async { tokio::join!(phone(&client, &mut pressed, &mut screen), day) }).await;
    ran.expect("presence goes on");
    let expected = [
        "waiting for calls",
        "ada\\u{1b}[2J rings: [a]ccept, [d]ecline, [b]usy, [i]gnore",
        "there is no key \"?\"",
        "in the call: [h]ang up",
        "the call is over: you left; join a fresh session to come back",
        "grace rings: [a]ccept, [d]ecline, [b]usy, [i]gnore",
        "no call: whoever was rung declined; ring again later",
        "hedy rings: [a]ccept, [d]ecline, [b]usy, [i]gnore",
        "no call: cancelled, by you or by whoever rang; ring or join again if that was not meant",
        "joan rings: [a]ccept, [d]ecline, [b]usy, [i]gnore",
    ];
    assert_eq!(screen.lines(), expected);
    assert_eq!(remote.census(), offhook::mock::Census::default(), "nothing is left");
}

/// A user who may not be rung is told so, rather than left waiting.
#[tokio::test(start_paused = true)]
async fn a_call_screen_that_is_refused_says_why() {
    let (transport, remote) = MockTransport::studio(7);
    remote.refuse_presence(Some(RefusedCode::Unauthorized));
    let (_press, mut pressed) = keys();
    let mut screen = Screen::default();
    let refused = within_a_day(phone(&Client::new(transport), &mut pressed, &mut screen)).await;
    let said = refused.expect_err("nobody lets this user in").to_string();
    assert_eq!(said, "presence was refused: your credential was refused; get a fresh one");
    assert_eq!(screen.text(), "");
}

/// F20, F21: two people and a server between them.
#[cfg(feature = "webrtc")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_screen_talks_over_webrtc_and_is_rung_again() {
    let (press, mut pressed) = keys();
    let mut screen = Screen::default();
    let shown = screen.clone();
    let user = async {
        shown.shows("Ada rings", 1).await;
        press.send("a".to_owned()).await.expect("the phone is on");
        shown.shows("in the call", 1).await;
        press.send("h".to_owned()).await.expect("the phone is on");
        shown.shows("the call is over: you left", 1).await;
        shown.shows("Ada rings", 2).await;
        drop(press);
    };
    let (ran, ()) = bounded(async { tokio::join!(program(&[], &mut pressed, &mut screen), user) }).await;
    ran.expect("the server lets both in");
}
