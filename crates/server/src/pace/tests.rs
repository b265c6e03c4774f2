//! E10: a herd comes back at the pace, whatever it does.
use super::*;
use std::collections::BTreeMap;

/// Each comes when it was told to, a little late as real ones are; gives when each was let in.
fn herd(size: u32, per_second: usize, late: impl Fn(u128) -> Duration) -> (Instant, Vec<Instant>, u32) {
    let pace = Pace::new(per_second);
    let start = Instant::now();
    let mut coming: BTreeMap<(Instant, u128), u32> =
        (0..u128::from(size)).map(|who| ((start, who), 0)).collect();
    let (mut inside, mut most_asked) = (Vec::new(), 0);
    while let Some(((now, who), asked)) = coming.pop_first() {
        most_asked = most_asked.max(asked + 1);
        match pace.knock(Instance(who), now) {
            Ok(()) => inside.push(now),
            Err(wait) => {
                assert!(!wait.is_zero(), "a wait of nothing is no wait");
                coming.insert((now + wait + late(who), who), asked + 1);
            }
        }
    }
    (start, inside, most_asked)
}

#[test]
fn of_a_thousand_at_once_no_second_takes_more_than_a_fifth_and_all_are_in_soon() {
    for late in [0, 7, 93] {
        let (start, inside, asked) = herd(1000, 200, |who| Duration::from_millis(who as u64 % (late + 1)));
        assert_eq!(inside.len(), 1000);
        for window in inside.windows(201) {
            assert!(window[200].duration_since(window[0]) >= SECOND, "201 in one second");
        }
        let last = inside.last().expect("somebody came").duration_since(start);
        assert!(last < Duration::from_secs(8), "the last is in after {last:?}");
        // Well within the ten rejoins that a client's budget has.
        assert!(asked <= 4, "one was sent away {asked} times");
    }
}

#[test]
fn a_turn_is_kept_from_those_who_come_later() {
    let pace = Pace::new(2);
    let now = Instant::now();
    assert!(pace.knock(Instance(1), now).is_ok() && pace.knock(Instance(2), now).is_ok());
    let wait = pace.knock(Instance(3), now).expect_err("two a second");
    assert_eq!(pace.knock(Instance(3), now), Err(wait), "its turn does not move when it asks again");
    let turn = now + wait;
    assert!(pace.knock(Instance(4), turn).is_ok(), "there is room for two");
    assert!(pace.knock(Instance(5), turn).is_err(), "that one is promised");
    assert!(pace.knock(Instance(3), turn).is_ok());
}

#[test]
fn those_who_never_come_back_are_forgotten() {
    let pace = Pace::new(1);
    let now = Instant::now();
    for who in 0..u128::try_from(MOST).expect("small") * 2 {
        let _ = pace.knock(Instance(who), now);
    }
    let turns = || pace.turns.lock().expect("nobody panics here").promised.len();
    assert_eq!(turns(), MOST, "bounded");
    let later = now + Duration::from_secs(10_000);
    assert!(pace.knock(Instance(7), later).is_ok());
    assert_eq!(turns(), 0);
}
