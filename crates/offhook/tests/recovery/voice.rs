//! A voice over a recovery: the handle goes on, and what waited goes on where it was (F41, F54).

use crate::far_side::*;
use crate::line::*;
use offhook::{Event, Join, Played, Sound};
use offhook_server::Server;
use std::time::Duration;

fn tone(seconds: usize) -> Sound {
    let samples: Vec<f32> =
        (0..seconds * 48_000).map(|n| (n as f32 / 48_000.0 * 2_764.6).sin() / 2.0).collect();
    Sound::from_samples(&samples, 48_000, 1).expect("a tone can be encoded")
}

/// F41, F54: after a rejoin the voice is published again and heard on the same handle.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_voice_goes_on_after_a_rejoin() {
    let server = Server::builder().resume_window(Duration::from_secs(1)).start().await.expect("loopback");
    let line = Line::to(server).await;
    let session =
        soon("the join", line.client.session("studio", "7").join(Join::new().model("echo").voice()))
            .await
            .expect("it is let in");
    let mut heard = session.remote_audio().await.expect("it has media");
    let mut events = session.events();
    soon("the first silence", heard.next()).await.expect("the persona is never silent on the wire");
    line.net.cut();
    assert!(holds(|| line.server.census().members == 0).await, "the place is gone");
    let sound = tone(1);
    let playing = session.play_audio(sound.clone()).expect("it has a voice");
    line.net.restore().expect("the relays are there");
    event("the recovery", &mut events, |event| matches!(event, Event::Recovered { .. }).then_some(())).await;
    assert_eq!(soon("its end", playing).await, Played::Whole, "it waited, or played unheard");
    let again = session.play_audio(sound.clone()).expect("it has a voice");
    assert_eq!(soon("its end", again).await, Played::Whole);
    let last = &sound.packets()[sound.packets().len() - 1].data;
    loop {
        let frame = soon("sound", heard.next()).await.expect("the session goes on");
        if frame.data == *last {
            break;
        }
    }
    drop(session.leave());
    line.end().await;
}
