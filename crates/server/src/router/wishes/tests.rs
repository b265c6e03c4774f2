//! How soon an honest receiver has its key frame, and how many a greedy one has.

use super::*;

/// How long a key frame takes to be there after it was asked for.
const ON_ITS_WAY: Duration = Duration::from_millis(150);

/// A receiver that wishes at these times, and a publisher that does as asked: when each key frame was asked for.
fn asked(wishes_at: impl IntoIterator<Item = u64>) -> Vec<u64> {
    let start = Instant::now();
    let (mut wishes, mut keys, mut free) = (Wishes::new(start), Vec::<Instant>::new(), start);
    for at in wishes_at {
        let at = start + Duration::from_millis(at);
        // What comes while one waits is that one.
        if at < free {
            continue;
        }
        let due = wishes.due(at);
        let key = keys.iter().rev().map(|asked| *asked + ON_ITS_WAY).find(|key| *key <= due);
        if wishes.grant(at, key, due) {
            keys.push(due);
        }
        free = due;
    }
    keys.iter().map(|key| u64::try_from(key.duration_since(start).as_millis()).expect("short")).collect()
}

// F62, S10
#[test]
fn a_receiver_that_wishes_for_ever_has_one_every_two_seconds() {
    let asked = asked((0..60_000).step_by(100));
    assert!(asked.len() <= 6 + 30, "{asked:?}");
    let late: Vec<_> = asked.iter().filter(|at| **at >= 30_000).collect();
    assert!(late.windows(2).all(|pair| pair[1] - pair[0] >= 2_000), "{late:?}");
}

// F62, R19
#[test]
fn a_receiver_that_loses_something_now_and_then_is_helped_at_once() {
    let losses = [0, 2_000, 4_000, 10_000, 10_700, 11_400, 12_100, 20_000];
    assert_eq!(asked(losses), losses);
}

// F62
#[test]
fn a_wish_that_is_said_again_while_its_key_frame_is_on_its_way_costs_nothing() {
    // Each loss is said every 50 ms until its key frame is there.
    let losses = [0, 2_000, 4_000, 6_000, 8_000, 10_000, 12_000, 14_000];
    let said = losses.iter().flat_map(|at| [*at, at + 50, at + 100]);
    assert_eq!(asked(said), losses);
}
