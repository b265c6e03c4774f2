//! A voice over an outage: the handle goes on, and what is played after it is heard whole (F41, F54). Over
//! the other ways to come back it is heard in `conversation.rs` and `people.rs`.

use crate::far_side::*;
use crate::line::*;
use offhook::{EncodedFrame, Event, Join, Joined, Played, Session, Sound};
use offhook_server::Server;
use std::f32::consts::TAU;
use std::time::Duration;
use tokio::time::timeout;

/// Half a second of this many waves a second.
pub(crate) fn tone(pitch: f32) -> Sound {
    let wave = |n: u16| (f32::from(n) / 48_000.0 * pitch * TAU).sin() / 2.0;
    let samples: Vec<f32> = (0..24_000).map(wave).collect();
    Sound::from_samples(&samples, 48_000, 1).expect("a tone can be encoded")
}

/// How often a sound is played that is not heard whole. Media is perishable: what a machine that stands
/// still for a moment does not take in time is dropped, and played anew here.
const TRIES: usize = 4;

/// How long a sound of half a second may be on its way there and back.
const THERE_AND_BACK: Duration = Duration::from_secs(10);

/// Plays a sound to its end, and hears all of it in what comes next, in order.
pub(crate) async fn heard_whole(
    who: &Session<Joined>,
    mut next: impl AsyncFnMut() -> Option<EncodedFrame>,
    what: &str,
    sound: &Sound,
) {
    for _ in 0..TRIES {
        let playing = who.play_audio(sound.clone()).expect("it has a voice");
        let mut due = sound.packets().iter().map(|packet| &packet.data).peekable();
        let heard = timeout(THERE_AND_BACK, async {
            while let Some(wanted) = due.peek() {
                let frame = next().await.expect("the handle goes on");
                if frame.data == **wanted {
                    due.next();
                }
            }
        });
        let heard = heard.await;
        assert_eq!(soon("its end", playing).await, Played::Whole);
        if heard.is_ok() {
            return;
        }
    }
    panic!("{what} was not heard whole in {TRIES} tries");
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
    let playing = session.play_audio(tone(440.0)).expect("it has a voice");
    line.net.restore().expect("the relays are there");
    event("the recovery", &mut events, |event| matches!(event, Event::Recovered { .. }).then_some(())).await;
    assert_eq!(soon("its end", playing).await, Played::Whole);
    heard_whole(&session, async || heard.next().await, "the sound after the rejoin", &tone(880.0)).await;
    drop(session.leave());
    line.end().await;
}

/// F54: a sound is not over while nobody can hear it, and its end is heard when it can be again. A network that
/// goes is noticed on media after some seconds; the sound is longer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sound_waits_for_a_network_that_is_gone_and_its_end_is_heard() {
    let server = Server::builder().start().await.expect("loopback");
    let line = Line::to(server).await;
    let session =
        soon("the join", line.client.session("studio", "7").join(Join::new().model("echo").voice()))
            .await
            .expect("it is let in");
    let mut heard = session.remote_audio().await.expect("it has media");
    let mut events = session.events();
    soon("the first silence", heard.next()).await.expect("the persona is never silent on the wire");
    // More than a persona takes for silence.
    let packets = 500_u16;
    let sound = Sound::from_packets((0..packets).map(|n| {
        let [high, low] = n.to_be_bytes();
        vec![0xf8, high, low, 7, 7, 7, 7, 7, 7, 7].into()
    }));
    let sound = sound.expect("it is Opus");
    let last = sound.packets().last().expect("it has some").data.clone();
    let began = tokio::time::Instant::now();
    let mut playing = session.play_audio(sound).expect("it has a voice");
    line.net.cut();
    let lost = |event: &Event| matches!(event, Event::LinkLost { plane: offhook::Plane::Media, .. });
    event("the loss of media", &mut events, |event| lost(event).then_some(())).await;
    assert!(began.elapsed() < Duration::from_secs(10), "noticed while the sound still had something to play");
    // Well after it would have been over.
    let over = timeout(Duration::from_secs(12).saturating_sub(began.elapsed()), &mut playing).await;
    assert!(over.is_err(), "{over:?} in the state {:?}", session.state());
    line.net.restore().expect("the relays are there");
    event("the recovery", &mut events, |event| matches!(event, Event::Recovered { .. }).then_some(())).await;
    let end = async { while heard.next().await.expect("the handle goes on").data != last {} };
    soon("its last packet", end).await;
    assert_eq!(soon("its end", playing).await, Played::Whole);
    drop(session.leave());
    line.end().await;
}
