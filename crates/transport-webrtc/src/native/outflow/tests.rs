//! What is said of our own media, and how often.
use super::*;

fn told(outflow: &mut Outflow, flows: bool) -> Vec<(String, bool)> {
    outflow.tell([("0".to_owned(), flows)])
}

#[test]
fn a_section_is_told_of_when_it_begins_and_when_it_stops_and_never_twice() {
    let mut outflow = Outflow::default();
    assert!(told(&mut outflow, false).is_empty(), "nothing was ever sent, so nothing has paused");
    for _ in 0..3 {
        assert_eq!(told(&mut outflow, true), [("0".to_owned(), true)]);
        assert!(told(&mut outflow, true).is_empty());
        assert_eq!(told(&mut outflow, false), [("0".to_owned(), false)]);
        assert!(told(&mut outflow, false).is_empty());
    }
}

#[test]
fn another_link_says_once_more_what_holds() {
    let mut outflow = Outflow::default();
    told(&mut outflow, true);
    outflow.say_again();
    assert_eq!(told(&mut outflow, true), [("0".to_owned(), true)]);
    assert!(told(&mut outflow, true).is_empty());
    // What was said of old and does not hold any more is taken back.
    outflow.say_again();
    assert_eq!(told(&mut outflow, false), [("0".to_owned(), false)]);
    // What had paused is nothing to take back.
    outflow.say_again();
    assert!(told(&mut outflow, false).is_empty());
    assert_eq!(told(&mut outflow, true), [("0".to_owned(), true)]);
}
