//! E8.
use super::*;

const LIFE: Duration = Duration::from_secs(600);

#[test]
fn a_kick_is_for_one_user_of_one_session_and_has_an_end() {
    let (kicks, now) = (Kicks::default(), Instant::now());
    kicks.keep_out("studio/1", "ada", LIFE, now);
    assert!(kicks.keeps_out("studio/1", "ada", now));
    assert!(!kicks.keeps_out("studio/2", "ada", now) && !kicks.keeps_out("studio/1", "bob", now));
    assert_eq!(kicks.all(now), [("studio/1".to_owned(), "ada".to_owned(), LIFE)]);
    // A shorter one does not shorten it.
    kicks.keep_out("studio/1", "ada", Duration::ZERO, now);
    assert!(kicks.keeps_out("studio/1", "ada", now + LIFE - Duration::from_millis(1)));
    assert!(!kicks.keeps_out("studio/1", "ada", now + LIFE));
    assert!(kicks.lock().is_empty(), "what is over takes no room");
}

#[test]
fn the_list_is_bounded_and_forgets_the_one_that_is_over_first() {
    let (kicks, now) = (Kicks::default(), Instant::now());
    kicks.keep_out("studio/1", "first", LIFE, now);
    for number in 0..MOST {
        kicks.keep_out("studio/1", &number.to_string(), LIFE + Duration::from_secs(1), now);
    }
    assert_eq!(kicks.lock().len(), MOST);
    assert!(!kicks.keeps_out("studio/1", "first", now) && kicks.keeps_out("studio/1", "0", now));
}
