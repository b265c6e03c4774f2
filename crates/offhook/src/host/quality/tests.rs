//! When a link counts as good and when not, and that it does not flap (F72).

use super::{BETTER, Beside, Judge, WARM_UP, WORSE};
use crate::quality::{Grade, Limit, Quality};
use offhook_lifecycle::Epoch;
use offhook_transport::media::Kind;
use offhook_transport::{Stats, StreamStats};
use std::time::Duration;

const LINK: Epoch = Epoch(1);
const NEXT: Epoch = Epoch(2);

/// What a second is like.
#[derive(Clone, Copy, Default)]
struct Second {
    /// Of a hundred packets in.
    lost_in: u64,
    /// Of a hundred packets out.
    lost_out: u64,
    round_trip: u64,
    jitter: u64,
    beside: Beside,
}

/// A link as it counts on, judged second by second.
#[derive(Default)]
struct Line {
    judge: Judge,
    seconds: u64,
    lost: [u64; 2],
}

fn stream(inbound: bool, packets: u64, lost: u64, jitter: Option<u64>) -> StreamStats {
    StreamStats {
        mid: "0".into(),
        kind: Kind::Video,
        inbound,
        packets,
        bytes: packets,
        packets_lost: i64::try_from(lost).expect("few"),
        jitter: jitter.map(Duration::from_millis),
        frames: packets,
        nack_count: 0,
        pli_count: 0,
    }
}

impl Line {
    /// One more second. What is told, if anything is.
    fn second_on(&mut self, epoch: Epoch, second: Second) -> Option<Quality> {
        self.seconds += 1;
        self.lost[0] += second.lost_in;
        self.lost[1] += second.lost_out;
        let sent = self.seconds * 100;
        let stats = Stats {
            round_trip_time: Some(Duration::from_millis(second.round_trip)),
            bytes_sent: sent,
            bytes_received: sent,
            streams: vec![
                stream(true, sent - self.lost[0], self.lost[0], Some(second.jitter)),
                stream(false, sent, self.lost[1], None),
            ],
        };
        self.judge.measured(epoch, &stats, second.beside).then(|| self.judge.shown().expect("just told"))
    }

    fn second(&mut self, second: Second) -> Option<Quality> {
        self.second_on(LINK, second)
    }

    /// So many seconds of this. What was told in which of them, from 1 on.
    fn seconds(&mut self, count: u32, second: Second) -> Vec<(u32, Quality)> {
        (1..=count).filter_map(|at| Some((at, self.second(second)?))).collect()
    }

    /// A line that is known to be good.
    fn good() -> Self {
        let mut line = Self::default();
        assert_eq!(line.seconds(WARM_UP, Second::default()), [(WARM_UP, Quality::GOOD)]);
        line
    }
}

fn limited(grade: Grade, limit: Limit) -> Quality {
    Quality { grade, limited_by: Some(limit) }
}

fn round_trip(millis: u64) -> Second {
    Second { round_trip: millis, ..Second::default() }
}

fn jitter(millis: u64) -> Second {
    Second { jitter: millis, ..Second::default() }
}

// F72
#[test]
fn nothing_is_said_before_a_link_is_warm_and_a_blip_at_its_end_counts_for_nothing() {
    let mut line = Line::default();
    assert_eq!(line.seconds(WARM_UP - 1, Second::default()), []);
    assert_eq!(line.judge.shown(), None);
    assert_eq!(line.second(round_trip(900)), Some(Quality::GOOD), "the second before was good");
}

// F72
#[test]
fn each_figure_has_its_grades_and_names_itself() {
    let rows = [
        (round_trip(300), Quality::GOOD),
        (round_trip(301), limited(Grade::Fair, Limit::RoundTrip)),
        (round_trip(800), limited(Grade::Poor, Limit::RoundTrip)),
        (round_trip(801), limited(Grade::Critical, Limit::RoundTrip)),
        (jitter(50), Quality::GOOD),
        (jitter(51), limited(Grade::Fair, Limit::Jitter)),
        (jitter(200), limited(Grade::Poor, Limit::Jitter)),
        (Second { lost_in: 1, ..Second::default() }, Quality::GOOD),
        (Second { lost_in: 3, ..Second::default() }, limited(Grade::Fair, Limit::Loss)),
        (Second { lost_out: 10, ..Second::default() }, limited(Grade::Poor, Limit::Loss)),
        (Second { lost_out: 11, ..Second::default() }, limited(Grade::Critical, Limit::Loss)),
        (
            Second { beside: Beside { still: true, limited: true }, ..Second::default() },
            limited(Grade::Critical, Limit::Picture),
        ),
        (
            Second { beside: Beside { still: false, limited: true }, ..Second::default() },
            limited(Grade::Fair, Limit::FarSide),
        ),
        // The one that does the most harm.
        (Second { lost_in: 3, jitter: 150, ..Second::default() }, limited(Grade::Poor, Limit::Jitter)),
    ];
    for (second, wanted) in rows {
        let told = Line::default().seconds(WARM_UP, second);
        assert_eq!(told, [(WARM_UP, wanted)]);
    }
}

// F72
#[test]
fn it_gets_worse_after_two_seconds_and_better_after_five_and_one_second_alone_says_nothing() {
    let mut line = Line::good();
    assert_eq!(line.second(jitter(300)), None);
    assert_eq!(line.seconds(3, Second::default()), []);
    let fair = limited(Grade::Fair, Limit::Jitter);
    assert_eq!(line.second(jitter(300)), None);
    assert_eq!(line.second(jitter(80)), Some(fair), "what both seconds bear out, and no worse");
    assert_eq!(line.seconds(BETTER - 1, Second::default()), []);
    assert_eq!(line.second(jitter(80)), None, "it begins anew");
    assert_eq!(line.seconds(BETTER, Second::default()), [(BETTER, Quality::GOOD)]);
    let poor = limited(Grade::Poor, Limit::Jitter);
    assert_eq!(line.seconds(WORSE, jitter(150)), [(WORSE, poor)]);
    assert_eq!(line.second(Second::default()), None);
    assert_eq!(line.seconds(BETTER - 1, jitter(80)), [(BETTER - 1, fair)], "the worst of the better ones");
}

// F72
#[test]
fn a_line_that_swings_every_second_is_told_of_once() {
    let mut line = Line::good();
    let mut told = Vec::new();
    for at in 0..120 {
        told.extend(line.second(jitter(if at % 3 == 0 { 20 } else { 150 })));
    }
    assert_eq!(told, [limited(Grade::Poor, Limit::Jitter)]);
}

// F72
#[test]
fn a_check_that_was_lost_and_sent_again_is_no_long_way() {
    let mut line = Line::good();
    for at in 0..30 {
        assert_eq!(line.second(round_trip(if at % 3 == 0 { 20 } else { 520 })), None);
    }
    assert_eq!(line.seconds(4, round_trip(520)), [(2, limited(Grade::Poor, Limit::RoundTrip))]);
}

// F72
#[test]
fn losses_are_of_five_seconds_and_are_forgotten_after_them() {
    let mut line = Line::good();
    assert_eq!(line.second(Second { lost_in: 40, ..Second::default() }), None);
    // 8 % of five seconds, for as long as they are among them.
    let poor = limited(Grade::Poor, Limit::Loss);
    assert_eq!(line.seconds(4, Second::default()), [(1, poor)]);
    assert_eq!(line.seconds(BETTER, Second::default()), [(BETTER, Quality::GOOD)]);
}

// F72
#[test]
fn what_limits_it_is_renamed_when_something_else_does_for_long() {
    let mut line = Line::good();
    line.seconds(WORSE, jitter(150));
    let lossy = Second { lost_in: 8, ..Second::default() };
    assert_eq!(line.seconds(10, lossy).pop().map(|(_, last)| last), Some(limited(Grade::Poor, Limit::Loss)));
}

// F72
#[test]
fn a_link_in_another_s_place_has_its_warm_up_and_the_old_one_has_no_say() {
    let mut line = Line::good();
    assert_eq!(line.second_on(NEXT, round_trip(900)), None);
    assert_eq!(line.second_on(LINK, round_trip(900)), None, "it is being left");
    let told: Vec<_> =
        (2..=WARM_UP).filter_map(|at| Some((at, line.second_on(NEXT, round_trip(900))?))).collect();
    assert_eq!(told, [(WARM_UP, limited(Grade::Critical, Limit::RoundTrip))]);
}

// F72
#[test]
fn an_outage_makes_it_unknown_and_what_was_lost_in_it_counts_for_nothing() {
    let mut line = Line::good();
    line.judge.forget();
    assert_eq!(line.judge.shown(), None);
    assert_eq!(line.second(Second { lost_in: 90, ..Second::default() }), None, "the second that it ended in");
    assert_eq!(line.seconds(WARM_UP - 1, Second::default()), [(WARM_UP - 1, Quality::GOOD)]);
}
