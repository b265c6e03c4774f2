//! A moderator's desk on the terminal, over WebRTC in a room of its own.

use crate::programs::moderate_room::program;
use crate::screen::{Screen, bounded};
use tokio::sync::mpsc;

/// F64: each request ends with what came of it; who is kicked goes, and the end is everybody's.
#[cfg(feature = "webrtc")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_is_moderated_from_the_terminal() {
    let (typed, lines) = mpsc::channel::<String>(8);
    let unfold = futures_util::stream::unfold;
    let mut lines = Box::pin(unfold(lines, |mut lines| async { Some((lines.recv().await?, lines)) }));
    let mut screen = Screen::default();
    let shown = screen.clone();
    let moderating = async {
        for who in ["ada came", "bob came", "you came"] {
            shown.shows(who, 1).await;
        }
        for (line, answer) in [
            ("mute ada", "mute: done"),
            ("let ada", "let: done"),
            ("kick nobody", "kick: there is no such member"),
            ("kick you", "kick: that is yourself"),
            ("dance", "mute NAME, let NAME, kick NAME, or end"),
            ("kick bob", "kick: done"),
        ] {
            typed.send(line.to_owned()).await.expect("it reads");
            shown.shows(answer, 1).await;
        }
        shown.shows("bob went", 1).await;
        typed.send("end".to_owned()).await.expect("it reads");
        shown.shows("over: ", 1).await;
    };
    let (moderated, ()) =
        bounded(async { tokio::join!(program(None, &mut lines, &mut screen), moderating) }).await;
    moderated.expect("the room is there");
    let text = screen.text();
    assert!(text.contains("end: done"), "{text}");
    assert!(text.lines().last().is_some_and(|last| last.contains("for everybody")), "{text}");
    assert!(!text.contains("ada went") || text.find("end: done") < text.find("ada went"), "{text}");
}
