//! F64, E8.
use super::*;

const LIFE: Duration = Duration::from_secs(600);

fn video_muted() -> Silenced {
    let known = serde_json::json!({ "audio": "off", "video": { "known": offhook_signaling::Instance(1) } });
    serde_json::from_value(known).expect("as it is handed over")
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
    silences.note("room/1", "ada", Silenced::default(), LIFE, now);
    assert!(silences.of("room/1", "ada", now).is_nothing());
    assert!(silences.lock().is_empty(), "what was taken back takes no room");
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
