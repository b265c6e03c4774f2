//! Who may hear an ending late, and for how long.
use super::*;
use offhook_signaling::{EndCode, Party};
use std::time::Duration;

fn ending(until: Instant) -> Ending {
    let ended = Ended { reason: EndCode::Kicked, by: Party::Server, text: String::new(), may_retry: false };
    let (user, session_id) = ("ada".to_owned(), "s-1".to_owned());
    Ending { user, session_id, secrets: vec!["new".into(), "old".into()], ended, until }
}

#[test]
fn an_ending_is_told_to_the_holder_of_the_secret_while_it_may_resume() {
    let (endings, now) = (Endings::default(), Instant::now());
    let until = now + Duration::from_secs(25);
    endings.keep("studio/1", Instance(1), ending(until), now);
    for secret in ["new", "old"] {
        let told = endings.find("studio/1", Instance(1), secret, now).expect("told");
        assert_eq!(told.reason, EndCode::Kicked);
    }
    assert!(endings.find("studio/1", Instance(1), "guess", now).is_none());
    assert!(endings.find("studio/1", Instance(2), "new", now).is_none());
    assert!(endings.find("studio/1", Instance(1), "new", until).is_none());
    assert!(endings.0.lock().expect("nobody panics here").is_empty());
}

#[test]
fn the_endings_are_bounded() {
    let (endings, now) = (Endings::default(), Instant::now());
    for number in 0..MOST as u128 + 10 {
        let until = now + Duration::from_secs(25) + Duration::from_millis(number as u64);
        endings.keep("studio/1", Instance(number), ending(until), now);
    }
    assert_eq!(endings.0.lock().expect("nobody panics here").len(), MOST);
    assert!(endings.find("studio/1", Instance(0), "new", now).is_none());
    assert!(endings.find("studio/1", Instance(1000), "new", now).is_some());
}

// S4, F32
#[test]
fn an_ending_is_told_to_the_bearer_of_a_ticket_to_what_was_ended_until_a_new_join() {
    let (endings, now) = (Endings::default(), Instant::now());
    endings.keep("studio/1", Instance(1), ending(now + Duration::from_secs(62)), now);
    let told = |whose| endings.of_ticket("studio/1", Instance(1), whose, now).map(|ended| ended.reason);
    assert_eq!(told(("ada", "s-1")), Some(EndCode::Kicked));
    // Another user who says the same instance, and another session of the same name.
    assert_eq!((told(("eve", "s-1")), told(("ada", "s-2")), told(("ada", ""))), (None, None, None));
    endings.forget("studio/1", Instance(1));
    assert_eq!(told(("ada", "s-1")), None);
}
