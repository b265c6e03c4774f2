//! Which track is looked at, and which is heard.

use super::*;
use offhook_transport::media::Codec;
use std::time::Duration;

fn frame(key: bool) -> EncodedFrame {
    EncodedFrame { codec: Codec::H264, data: vec![1].into(), pts: Duration::ZERO, key }
}

fn track(label: &str, kind: MediaKind, mid: &str) -> Track {
    Track {
        track: label.into(),
        kind,
        mid: Some(mid.into()),
        codec: None,
        width: None,
        height: None,
        muted: false,
    }
}

fn two_pictures() -> [Track; 2] {
    [track("camera", MediaKind::Video, "0"), track("screen", MediaKind::Video, "1")]
}

/// Which of two sections is looked at, by a key frame of each.
fn looks_at(attention: &Attention) -> Vec<&'static str> {
    ["0", "1"].into_iter().filter(|mid| attention.sees(mid, &frame(true))).collect()
}

// F60
#[test]
fn of_several_pictures_the_first_is_looked_at_that_is_sent() {
    let attention = Attention::default();
    attention.publish(&two_pictures(), &[]);
    assert_eq!(looks_at(&attention), ["0"]);
    attention.mute(&["camera".into()]);
    assert_eq!(looks_at(&attention), ["1"], "the first is muted");
    attention.mute(&[]);
    assert_eq!(looks_at(&attention), ["0"], "and is back");
    attention.pause("0", true);
    assert_eq!(looks_at(&attention), ["1"], "nothing comes of the first");
    attention.pause("1", true);
    assert_eq!(looks_at(&attention), ["1"], "nor of the second: what comes is late");
    attention.pause("0", false);
    assert_eq!(looks_at(&attention), ["0"]);
    attention.pause("1", false);
    attention.publish(&two_pictures()[1..], &[]);
    assert_eq!(looks_at(&attention), ["1"], "the first is unpublished");
}

// F60
#[test]
fn whatever_is_looked_at_begins_with_a_key_frame_which_is_asked_for() {
    use futures_util::FutureExt;
    let attention = Attention::default();
    attention.publish(&two_pictures(), &[]);
    assert_eq!(attention.wished().now_or_never(), Some(Some("0".into())));
    assert!(!attention.sees("0", &frame(false)));
    assert_eq!(attention.wished().now_or_never(), Some(Some("0".into())), "and asked for again");
    assert!(attention.sees("0", &frame(true)));
    assert!(attention.sees("0", &frame(false)));
    assert_eq!(attention.wished().now_or_never(), None);
    attention.mute(&["camera".into()]);
    assert_eq!(attention.wished().now_or_never(), Some(Some("1".into())));
    assert!(!attention.sees("1", &frame(false)), "of another stream");
    assert!(attention.sees("1", &frame(true)));
}

#[test]
fn of_whoever_does_not_say_what_is_what_the_first_that_comes_is_looked_at() {
    let attention = Attention::default();
    assert!(!attention.sees("5", &frame(false)));
    assert!(attention.sees("5", &frame(true)));
    assert!(!attention.sees("6", &frame(true)));
    attention.publish(&[track("microphone", MediaKind::Audio, "7")], &[]);
    assert!(attention.sees("5", &frame(false)), "a voice beside it is no picture");
    assert!(!attention.sees("6", &frame(true)));
}

// F60, R14
#[test]
fn of_several_sounds_all_are_heard_but_the_muted() {
    let attention = Attention::default();
    assert!(attention.hears("0"));
    let sounds = [track("voice", MediaKind::Audio, "0"), track("microphone", MediaKind::Audio, "1")];
    attention.publish(&sounds, &["microphone".into()]);
    assert!(attention.hears("0") && !attention.hears("1"));
    attention.mute(&["voice".into()]);
    assert!(!attention.hears("0") && attention.hears("1"));
}
