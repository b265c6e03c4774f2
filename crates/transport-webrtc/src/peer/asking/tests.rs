//! RFC 4585 §6.2.1: what is asked for on lines of many lengths and losses.

use super::*;

const STREAM: u32 = 7;
const TICK: Duration = Duration::from_millis(20);

/// SplitMix64 (Steele, Lea, Flood 2014), in hundredths.
fn unlucky(state: &mut u64, hundredths: u64) -> bool {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) % 100 < hundredths
}

/// What came of the packets of a stream.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    lost: u32,
    asked: u32,
    came: u32,
}

/// Five packets every 20 ms, of which so many in a hundred are lost, as are answers; requests are not.
fn line(asking: &mut Asking, begun: Instant, round_trip: Duration, loss: u64, ticks: u32) -> Outcome {
    let (mut dice, mut outcome) = (42, Outcome::default());
    let mut missing: BTreeMap<u16, Instant> = BTreeMap::new();
    let mut on_its_way: Vec<(Instant, u16)> = Vec::new();
    let mut number = 0_u16;
    for tick in 0..ticks {
        let now = begun + TICK * tick;
        on_its_way.sort();
        let (arrived, later) = on_its_way.into_iter().partition(|(at, _)| *at <= now);
        on_its_way = later;
        for (at, number) in arrived {
            if missing.remove(&number).is_some() {
                outcome.came += 1;
            }
            asking.came(STREAM, number, at);
        }
        for _ in 0..5 {
            number = number.wrapping_add(1);
            if unlucky(&mut dice, loss) {
                outcome.lost += 1;
                missing.insert(number, now);
            }
        }
        // Out of the engine's log.
        missing.retain(|_, since| now.saturating_duration_since(*since) < Duration::from_secs(2));
        let all: Vec<u16> = missing.keys().copied().collect();
        for number in asking.due(STREAM, &all, now) {
            outcome.asked += 1;
            if !unlucky(&mut dice, loss) {
                on_its_way.push((now + round_trip, number));
            }
        }
    }
    outcome
}

#[test]
fn on_a_good_line_each_lost_packet_is_asked_for_once_however_long_the_line_is() {
    for round_trip in [1, 5, 30, 100, 250, 400] {
        let round_trip = Duration::from_millis(round_trip);
        let mut asking = Asking::default();
        // What is not lost again comes with the first answer.
        let learning = line(&mut asking, Instant::now(), round_trip, 1, 500);
        let known = asking.round_trip.get().expect("packets came");
        assert!(
            known >= round_trip && known < round_trip + 2 * TICK,
            "{round_trip:?} is taken for {known:?}"
        );
        let outcome = line(&mut asking, Instant::now() + AT_MOST * 60, round_trip, 2, 5_000);
        assert!(outcome.came * 100 >= outcome.lost * 97, "{round_trip:?}: {outcome:?}, after {learning:?}");
        assert!(outcome.asked * 100 <= outcome.lost * 106, "{round_trip:?}: {outcome:?}");
    }
}

#[test]
fn on_a_far_and_lossy_line_it_is_asked_for_about_as_often_as_answers_are_lost() {
    let mut asking = Asking::default();
    let outcome = line(&mut asking, Instant::now(), Duration::from_millis(200), 30, 10_000);
    // One in 0.7 comes: 1.43 requests each, were the last of them waited for for ever.
    assert!(outcome.asked * 100 <= outcome.lost * 150, "{outcome:?}");
    assert!(outcome.came * 100 >= outcome.lost * 90, "{outcome:?}");
}

#[test]
fn a_line_that_grows_is_found_to_be_longer_and_one_that_shrinks_to_be_shorter() {
    let (mut asking, begun) = (Asking::default(), Instant::now());
    line(&mut asking, begun, Duration::from_millis(30), 3, 500);
    for (round, round_trip) in [(1, 350), (2, 40)] {
        let round_trip = Duration::from_millis(round_trip);
        line(&mut asking, begun + AT_MOST * 100 * round, round_trip, 3, 2_000);
        let known = asking.round_trip.get().expect("packets came");
        assert!(known * 5 > round_trip * 4 && known < round_trip + 3 * TICK, "{round_trip:?}: {known:?}");
    }
}

#[test]
fn what_never_comes_is_asked_for_a_few_times_and_takes_no_room_when_it_is_given_up() {
    let (mut asking, begun) = (Asking::default(), Instant::now());
    let times = (0..500).filter(|tick| !asking.due(STREAM, &[1], begun + TICK * *tick).is_empty()).count();
    assert!((3..=MOST as usize).contains(&times), "{times}");
    assert!(asking.due(STREAM, &[2], begun + AT_MOST * 60) == [2]);
    assert_eq!(asking.lost[&STREAM].len(), 1, "what the engine does not miss any more is forgotten");
}
