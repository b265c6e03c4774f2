//! F64, E8.
use super::*;

const LIFE: Duration = Duration::from_secs(600);

fn video_muted() -> Silenced {
    muted(false, true)
}

fn muted(audio: bool, video: bool) -> Silenced {
    let known = |muted: bool| match muted {
        true => serde_json::json!({ "known": offhook_signaling::Instance(1) }),
        false => serde_json::json!("off"),
    };
    let silenced = serde_json::json!({ "audio": known(audio), "video": known(video) });
    serde_json::from_value(silenced).expect("as it is handed over")
}

#[test]
fn a_mute_is_of_one_user_of_one_session_until_its_end_or_its_taking_back() {
    let (silences, now) = (Silences::default(), Instant::now());
    let muted = video_muted();
    silences.note("room/1", "ada", muted, LIFE, now);
    assert_eq!(silences.of("room/1", "ada", now), muted);
    for (session, user) in [("room/2", "ada"), ("room/1", "bob")] {
        assert!(silences.of(session, user, now).is_nothing());
    }
    assert!(silences.of("room/1", "ada", now + LIFE).is_nothing());
    silences.note("room/1", "ada", muted, LIFE, now);
    silences.lift("room/1", "ada", Kind::Video);
    assert!(silences.of("room/1", "ada", now).is_nothing());
    assert!(silences.lock().is_empty(), "what was taken back takes no room");
}

#[test]
fn what_one_device_has_muted_is_neither_forgotten_nor_cut_short_by_another() {
    let (silences, now) = (Silences::default(), Instant::now());
    silences.note("room/1", "ada", video_muted(), LIFE, now);
    silences.note("room/1", "ada", Silenced::default(), LIFE, now);
    assert_eq!(silences.of("room/1", "ada", now), video_muted(), "a device that nobody muted left");
    silences.note("room/1", "ada", muted(true, false), LIFE / 2, now);
    assert_eq!(
        silences.of("room/1", "ada", now + LIFE / 2),
        muted(true, true),
        "each kind, as long as noted"
    );
    silences.lift("room/1", "ada", Kind::Audio);
    assert_eq!(silences.of("room/1", "ada", now), video_muted());
    silences.note("room/1", "ada", muted(true, false), LIFE, now + LIFE);
    assert_eq!(
        silences.of("room/1", "ada", now + LIFE),
        muted(true, false),
        "what is over is not kept alive"
    );
}

#[test]
fn the_list_is_bounded_and_forgets_the_one_that_is_over_first() {
    let (silences, now) = (Silences::default(), Instant::now());
    let muted = video_muted();
    silences.note("room/1", "first", muted, LIFE, now);
    for number in 0..MOST {
        silences.note("room/1", &number.to_string(), muted, LIFE + Duration::from_secs(1), now);
    }
    assert_eq!(silences.lock().len(), MOST);
    assert!(silences.of("room/1", "first", now).is_nothing());
    assert_eq!(silences.of("room/1", "0", now), muted);
}
