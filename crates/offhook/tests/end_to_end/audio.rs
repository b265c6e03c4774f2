//! Sound played into a session, and the echo persona that says it again (F54, F55).

use crate::far_side::*;
use futures_util::FutureExt;
use offhook::transport::media::{Kind, TrackReceiver};
use offhook::{Client, Join, Joined, PlayError, Played, Session, Sound};

/// A tone, so many tenths of a second long; another number is another tone.
fn tone(tenths: u32, number: u32) -> Sound {
    let samples: Vec<f32> = (0..tenths * 4_800)
        .map(|n| (n as f32 / 48_000.0 * 220.0 * (number + 1) as f32 * std::f32::consts::TAU).sin() / 2.0)
        .collect();
    Sound::from_samples(&samples, 48_000, 1).expect("a tone can be encoded")
}

async fn with_voice(client: &Client) -> (Session<Joined>, TrackReceiver) {
    let join = Join::new().model("echo").voice();
    let session = soon("the join", client.session("studio", "7").join(join)).await.expect("it is let in");
    let heard = session.remote_audio().await.expect("it has media");
    (session, heard)
}

/// What is heard of these packets, in order, silence left out, until all of them were or the
/// others are.
async fn hear(heard: &mut TrackReceiver, sound: &Sound) -> usize {
    let whole = async {
        let mut right = 0;
        while right < sound.packets().len() {
            let frame = heard.next().await.expect("the session goes on");
            match frame.data == sound.packets()[right].data {
                true => right += 1,
                false if frame.data.len() > 8 => panic!("packet {right} is another one"),
                false => {}
            }
        }
        right
    };
    soon("the whole sound", whole).await
}

/// F54, F55: what is played arrives whole and in order, without a camera, and the persona says
/// it again packet by packet; playing resolves when it has sounded.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_played_is_heard_out_and_said_again() {
    let server = server().await;
    let client = client(&server, "ada");
    let (session, mut heard) = with_voice(&client).await;
    for number in 0..2 {
        let sound = tone(6, number);
        let playing = session.play_audio(sound.clone()).expect("it has a voice");
        assert_eq!(soon("its end", playing).await, Played::Whole);
        assert_eq!(hear(&mut heard, &sound).await, 30, "on the same handle");
    }
    drop(session.leave());
    client.shutdown().await;
    server.shutdown().await;
}

/// F54: one sound at a time; leaving cuts it, at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sound_is_replaced_stopped_and_cut_by_leaving() {
    let server = server().await;
    let client = client(&server, "ada");
    let (session, _heard) = with_voice(&client).await;
    let first = session.play_audio(tone(50, 0)).expect("it has a voice");
    let second = session.play_audio(tone(50, 1)).expect("it has a voice");
    assert_eq!(first.now_or_never(), Some(Played::Replaced));
    assert!(session.stop_audio());
    assert_eq!(second.now_or_never(), Some(Played::Stopped));
    let third = session.play_audio(tone(50, 2)).expect("it has a voice");
    let leaving = session.leave();
    assert_eq!(third.now_or_never(), Some(Played::Ended), "when leave returned");
    soon("the release", leaving.await.released()).await;
    client.shutdown().await;
    server.shutdown().await;
}

/// F54, F60: what is played while muted is not heard, and is over all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_muted_voice_is_not_heard() {
    let server = server().await;
    let client = client(&server, "ada");
    let (session, mut heard) = with_voice(&client).await;
    soon("the ack", session.mute(Kind::Audio)).await.expect("sound can be muted");
    let unheard = session.play_audio(tone(5, 0)).expect("it has a voice");
    assert_eq!(soon("its end", unheard).await, Played::Whole);
    soon("the ack", session.unmute(Kind::Audio)).await.expect("and heard again");
    let sound = tone(5, 1);
    let playing = session.play_audio(sound.clone()).expect("it has a voice");
    assert_eq!(soon("its end", playing).await, Played::Whole);
    assert_eq!(hear(&mut heard, &sound).await, 25, "and nothing else is said again");
    drop(session.leave());
    client.shutdown().await;
    server.shutdown().await;
}

/// F54: what is played into a voice that is taken away ends there and then, and nothing more is played.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_voice_that_was_unpublished_or_replaced_plays_nothing_more() {
    let server = server().await;
    let client = client(&server, "ada");
    for replaced in [false, true] {
        let (session, mut heard) = with_voice(&client).await;
        let sound = tone(3, 0);
        let whole = session.play_audio(sound.clone()).expect("it has a voice");
        assert_eq!(soon("its end", whole).await, Played::Whole);
        hear(&mut heard, &sound).await;
        let playing = session.play_audio(tone(600, 1)).expect("it has a voice");
        let back = if replaced {
            session.replace("voice", offhook_media::voice().0).expect("it is sound")
        } else {
            session.unpublish("voice").expect("it is published")
        };
        assert_eq!(playing.now_or_never(), Some(Played::Ended));
        assert!(back.is_some(), "kept, which keeps nothing playing");
        assert_eq!(session.play_audio(tone(3, 2)).expect_err("there is none"), PlayError::NoVoice);
        drop(session.leave());
    }
    client.shutdown().await;
    server.shutdown().await;
}

/// F54: a session without a voice says so, with the next step; the persona paints nothing (F58).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_without_a_voice_and_a_persona_without_a_brush_say_so() {
    let server = server().await;
    let client = client(&server, "ada");
    let session = joined(&client, "7").await;
    let error = session.play_audio(tone(1, 0)).expect_err("it has none");
    assert_eq!(error, PlayError::NoVoice);
    assert!(error.to_string().contains("Join::voice()"), "{error}");
    drop(session.leave());
    let painted = client.session("studio", "8").join(Join::new().model("echo").voice().prompt("sepia"));
    let failed = soon("the refusal", painted).await.expect_err("nobody paints there");
    assert!(failed.to_string().contains("echo persona"), "{failed}");
    client.shutdown().await;
    server.shutdown().await;
}

// F54, F60: a microphone beside a voice. What is played is said again as it was, and in no more than its time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_voice_is_heard_whole_beside_a_microphone() {
    let server = server().await;
    let client = client(&server, "ada");
    let (quiet, _player) = offhook_media::voice();
    let join = Join::new().model("echo").publish_as("microphone", quiet).voice();
    let session = soon("the join", client.session("studio", "7").join(join)).await.expect("it is let in");
    let mut heard = session.remote_audio().await.expect("it has media");
    let sound = tone(6, 0);
    let played = session.play_audio(sound.clone()).expect("it has a voice");
    soon("its end", played).await;
    // From its first packet on each is the next one, with nothing in between.
    let mut next = async || soon("a packet", heard.next()).await.expect("it goes on").data;
    while next().await != sound.packets()[0].data {}
    for packet in &sound.packets()[1..] {
        assert_eq!(next().await, packet.data);
    }
    drop(session.leave());
    client.shutdown().await;
    server.shutdown().await;
}
