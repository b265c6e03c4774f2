//! The steps of a dial, timed (F73).

use super::*;

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn at(count: u64) -> Time {
    Time::after(ms(count))
}

// F73
#[test]
fn each_step_takes_what_passed_on_it_and_together_they_are_the_whole() {
    let mut pace = Pace::begin(at(100));
    pace.reach(Step::Preparing, at(130));
    pace.reach(Step::Preparing, at(140));
    pace.reach(Step::Searching, at(150));
    assert_eq!(pace.step(), Step::Preparing, "nobody goes back");
    pace.reach(Step::Connecting, at(200));
    let phases = pace.until(at(275));
    assert_eq!(phases, Phases { searching: ms(30), preparing: ms(70), connecting: ms(75) });
    assert_eq!(phases.total(), ms(175));
}

// F73
#[test]
fn a_step_that_was_not_come_to_took_no_time() {
    let mut pace = Pace::begin(at(0));
    assert_eq!(pace.until(at(20)), Phases { searching: ms(20), ..Phases::default() });
    pace.reach(Step::Connecting, at(50));
    assert_eq!(pace.until(at(50)), Phases { searching: ms(50), ..Phases::default() });
}
