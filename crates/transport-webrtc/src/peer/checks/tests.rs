//! The pacing, on times that are given.

use super::*;

fn place(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], port))
}

#[test]
fn a_place_that_does_not_answer_is_asked_seldom_after_a_while() {
    let mut state = State::default();
    let begin = Instant::now();
    let sent = |state: &mut State, from: u64, to: u64| {
        (from..to).step_by(20).filter(|at| state.asks(place(1), begin + Duration::from_millis(*at))).count()
    };
    assert_eq!(sent(&mut state, 0, 1_000), 50, "every tick at first");
    let late = sent(&mut state, 1_000, 11_000);
    assert!((90..=101).contains(&late), "ten a second afterwards, not {late} in ten");
}

#[test]
fn an_answer_makes_a_place_worth_asking_again() {
    let checks = Checks::default();
    let begin = Instant::now();
    for at in [0, 1_100] {
        assert!(checks.lock().asks(place(1), begin + Duration::from_millis(at)));
    }
    let soon = begin + Duration::from_millis(1_120);
    assert!(!checks.lock().asks(place(1), soon));
    assert!(checks.lock().asks(place(2), soon), "another place has its own time");
    let mut answer = vec![1, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
    answer.resize(20, 0);
    checks.came(&answer[..7], place(1));
    assert!(!checks.lock().asks(place(1), soon), "a broken answer is none");
    checks.came(&answer, place(1));
    assert!(checks.lock().asks(place(1), soon));
}

#[test]
fn only_so_many_places_are_remembered() {
    let mut state = State::default();
    let now = Instant::now();
    for port in 0..1_000 {
        assert!(state.asks(place(port), now));
    }
    assert_eq!(state.asked.len(), PLACES);
}
