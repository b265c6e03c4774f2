//! Facts about a voice, read by hand: time is what its frames say.

use super::*;
use std::pin::pin;

fn sound(packets: usize) -> Sound {
    // CELT, 20 ms, and a byte that tells them apart.
    Sound::from_packets((0..packets).map(|n| Bytes::from(vec![0xf8, n as u8]))).unwrap()
}

fn frame(voice: &mut Voice) -> EncodedFrame {
    match voice.next_frame(false).unwrap() {
        Next::Frame(frame) => frame,
        other => panic!("a voice always has a frame, not {other:?}"),
    }
}

fn look(playing: &mut Playing) -> Option<Played> {
    match pin!(playing).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(played) => Some(played),
        Poll::Pending => None,
    }
}

/// F54: silence in between keeps the stream alive, and a sound is over when its last packet has
/// sounded.
#[test]
fn a_sound_lies_between_silences_and_time_goes_on() {
    let (mut voice, player) = voice();
    assert_eq!(frame(&mut voice).data, SILENCE);
    let mut playing = player.play(sound(2));
    let (one, two) = (frame(&mut voice), frame(&mut voice));
    assert_eq!((&one.data[..], &two.data[..]), (&[0xf8, 0][..], &[0xf8, 1][..]));
    assert_eq!(two.pts, one.pts + Duration::from_millis(20));
    assert_eq!(look(&mut playing), None, "its last packet still sounds");
    assert_eq!(frame(&mut voice).data, SILENCE);
    assert_eq!(look(&mut playing), Some(Played::Whole));
    assert!(!player.is_playing());
    assert_eq!(voice.next_due(), Duration::from_millis(80));
}

/// F54: replacing a clip resolves the first.
#[test]
fn a_sound_gives_way_to_the_next_one() {
    let (mut voice, player) = voice();
    let mut first = player.play(sound(9));
    frame(&mut voice);
    let mut second = player.play(sound(1));
    assert_eq!(look(&mut first), Some(Played::Replaced));
    assert_eq!(&frame(&mut voice).data[..], &[0xf8, 0]);
    assert!(player.stop());
    assert_eq!(look(&mut second), Some(Played::Stopped));
    assert!(!player.stop(), "nothing is being played");
}

/// F54: nothing is left of a voice that is gone.
#[test]
fn a_voice_that_goes_ends_what_it_plays_and_keeps_nothing() {
    let (mut voice, player) = voice();
    let long = sound(100);
    let mut playing = player.play(long.clone());
    frame(&mut voice);
    drop(voice);
    assert_eq!(look(&mut playing), Some(Played::Ended));
    assert_eq!(look(&mut player.play(sound(1))), Some(Played::Ended));
    assert_eq!(Arc::strong_count(&long_packets(&long)), 2, "the sound is the test's alone");
}

fn long_packets(sound: &Sound) -> Arc<[Packet]> {
    sound.shared()
}

#[test]
fn a_voice_that_was_cut_can_be_published_again() {
    let (mut voice, player) = voice();
    let mut playing = player.play(sound(5));
    player.cut();
    assert_eq!(look(&mut playing), Some(Played::Ended));
    assert_eq!(frame(&mut voice).data, SILENCE);
    let mut again = player.play(sound(1));
    frame(&mut voice);
    frame(&mut voice);
    assert_eq!(look(&mut again), Some(Played::Whole));
}

/// Who waits is woken.
#[tokio::test(start_paused = true)]
async fn whoever_waits_for_the_end_hears_of_it() {
    let (mut voice, player) = voice();
    let playing = player.play(sound(1));
    let waiting = tokio::spawn(playing);
    tokio::task::yield_now().await;
    frame(&mut voice);
    frame(&mut voice);
    assert_eq!(waiting.await.unwrap(), Played::Whole);
}

/// F54: held, the voice is silent on the wire, and what is played goes on from where it was.
#[test]
fn a_sound_that_is_held_waits_where_it_is_while_silence_goes_on() {
    let (mut voice, player) = voice();
    let mut playing = player.play(sound(2));
    assert_eq!(&frame(&mut voice).data[..], &[0xf8, 0]);
    player.hold(true);
    for _ in 0..500 {
        assert_eq!(frame(&mut voice).data, SILENCE);
    }
    assert!(player.is_playing() && look(&mut playing).is_none(), "it is not over, however long it takes");
    player.hold(false);
    assert_eq!(&frame(&mut voice).data[..], &[0xf8, 1]);
    assert_eq!(frame(&mut voice).data, SILENCE);
    assert_eq!(look(&mut playing), Some(Played::Whole));
    player.hold(true);
    let mut stopped = player.play(sound(2));
    assert_eq!(frame(&mut voice).data, SILENCE, "what is played while it is held waits as well");
    assert!(player.stop());
    assert_eq!(look(&mut stopped), Some(Played::Stopped));
}
