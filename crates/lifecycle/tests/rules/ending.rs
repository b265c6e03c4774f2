//! R1–R4, R6, R12: how a session ends, and how a join does.

use super::life::{Life, Op, any_ops, ops, runner};
use offhook_lifecycle::*;
use proptest::prelude::*;
use std::time::Duration;

proptest! {
    #![proptest_config(runner())]

    /// R1: `Left` absorbs, and the first cause stands.
    #[test]
    fn r01_left_absorbs_and_the_first_cause_wins(ops in ops(), after in any_ops(), seed: u64) {
        let mut life = Life::of(seed, &ops);
        life.feed(Op::Pass(Duration::ZERO), Input::Leave);
        let ending = life.machine.snapshot().ending();
        prop_assert!(ending.is_some());
        life.play(Op::Pass(Duration::from_secs(2)));
        prop_assert_eq!(life.machine.state(), State::Left);
        let told = life.moments.len();
        after.iter().for_each(|op| life.play(*op));
        prop_assert!(life.moments[told..].iter().all(|m| m.outputs.is_empty() && m.after == State::Left));
        prop_assert_eq!(life.machine.snapshot().ending(), ending);
        prop_assert_eq!(life.machine.poll_timeout(), None);
    }

    /// R2: from every place, also twice, at once and without the network.
    #[test]
    fn r02_leave_is_valid_everywhere_and_waits_for_nothing(ops in any_ops(), seed: u64) {
        let mut life = Life::of(seed, &ops);
        life.feed(Op::Pass(Duration::ZERO), Input::Leave);
        prop_assert!(life.machine.state().is_over());
        let ending = life.machine.snapshot().ending();
        life.feed(Op::Pass(Duration::ZERO), Input::Leave);
        prop_assert_eq!(life.machine.snapshot().ending(), ending);
    }

    /// R3: one `Ended`, last; an `Error` just before it exactly when an error caused it.
    #[test]
    fn r03_one_ending_last_with_its_error_just_before(ops in ops(), seed: u64) {
        let mut life = Life::of(seed, &ops);
        life.feed(Op::Pass(Duration::ZERO), Input::HandleDropped);
        life.play(Op::Pass(Duration::from_secs(2)));
        let events = life.events();
        let endings = events.iter().filter(|event| matches!(event, Event::Ended(_))).count();
        prop_assert_eq!(endings, 1);
        let errors = events.iter().filter(|event| matches!(event, Event::Error(_))).count();
        let [.., before, Event::Ended(ending)] = events[..] else { panic!("not last: {events:?}") };
        prop_assert_eq!(matches!(before, Event::Error(_)), ending.reason.is_error());
        prop_assert_eq!(errors, usize::from(ending.reason.is_error()));
    }

    /// R4, the machine's share: every gate is shut before any goodbye, nothing opens afterwards,
    /// and within a second whatever was open is closed. That sources are not read and nothing is
    /// sent when `leave()` returns is proved in the facade over the mock.
    #[test]
    fn r04_gates_shut_before_the_goodbye_and_all_is_closed_within_a_second(ops in ops(), seed: u64) {
        let mut life = Life::of(seed, &ops);
        prop_assume!(!life.machine.state().is_over());
        let mut gates = std::collections::BTreeMap::new();
        let mut links = std::collections::BTreeSet::new();
        life.feed(Op::Pass(Duration::ZERO), Input::Leave);
        let moments = life.moments.len();
        life.play(Op::Pass(Duration::from_secs(1)));
        for (index, moment) in life.moments.iter().enumerate() {
            for output in &moment.outputs {
                match *output {
                    Output::Dial(dial) => {
                        gates.insert(dial.epoch, Gate::Muted);
                        links.insert(dial.epoch);
                    }
                    Output::Gate { epoch, gate } => drop(gates.insert(epoch, gate)),
                    Output::Goodbye { epoch, .. } => {
                        prop_assert_eq!(index, moments - 1);
                        prop_assert_eq!(gates.get(&epoch), Some(&Gate::Closed), "a goodbye before the gate");
                    }
                    Output::Close { epoch } => {
                        links.remove(&epoch);
                        gates.remove(&epoch);
                    }
                    _ => {}
                }
            }
        }
        prop_assert!(links.is_empty(), "still open: {:?}", links);
        prop_assert_eq!(life.machine.state(), State::Left);
    }

    /// R6: a join that is cancelled says so: never success, never silence, and no dial afterwards.
    #[test]
    fn r06_a_cancelled_join_says_so_and_dials_no_more(ops in any_ops(), seed: u64) {
        let mut life = Life::of(seed, &[Op::Wish(Input::Join(JoinWish::default()))]);
        for op in &ops {
            let mut further = life.clone();
            further.play(*op);
            // Whatever may happen to a join while it goes on.
            if further.machine.state() == State::Joining {
                life = further;
            }
        }
        let told = life.moments.len();
        let failed = life.machine.snapshot().failed_joins();
        life.feed(Op::Pass(Duration::ZERO), Input::Cancel);
        let seen = life.machine.snapshot();
        match seen.state() {
            State::Idle => {
                prop_assert_eq!(seen.failed_joins(), failed + 1);
                prop_assert_eq!(seen.join_error(), Some(JoinErrorKind::Cancelled));
            }
            _ => prop_assert_eq!(seen.ending().map(|ending| ending.reason), Some(EndReason::Cancelled)),
        }
        life.play(Op::Carry);
        life.play(Op::Pass(Duration::from_secs(100)));
        prop_assert_eq!(life.machine.snapshot().joins(), 0);
        let dials = life.moments[told..].iter().flat_map(|m| super::rig::dials(&m.outputs)).count();
        prop_assert_eq!(dials, 0);
    }

    /// R12: what is fatal stops at once, what is busy is honoured, what is transient is retried.
    #[test]
    fn r12_refusals_are_classed_by_their_type(seed: u64, wait in any::<bool>(), after in 1..600_u64) {
        let retry_after = Some(Duration::from_secs(after));
        let mut life = Life::of(seed, &[]);
        let refuse = |life: &mut Life, why| {
            life.feed(Op::Pass(Duration::ZERO), Input::Join(JoinWish { wait_in_queue: wait, returning: false }));
            let epoch = super::rig::dials(&life.moments[life.moments.len() - 1].outputs)[0].epoch;
            life.feed(Op::Pass(Duration::ZERO), Input::Refused { epoch, why, retry_after: None });
        };
        for why in [JoinErrorKind::Unauthorized, JoinErrorKind::NotFound, JoinErrorKind::NotSupported] {
            refuse(&mut life, why);
            prop_assert_eq!((life.machine.state(), life.machine.snapshot().join_error()), (State::Idle, Some(why)));
        }
        let busy = JoinErrorKind::Busy { retry_after, queue_position: Some(3) };
        refuse(&mut life, busy);
        if wait {
            let left = Duration::from_millis(after.min(599) * 1_000 - 1);
            let told = life.moments.len();
            life.play(Op::Pass(left));
            let dials = |life: &Life| {
                life.moments[told..].iter().flat_map(|m| super::rig::dials(&m.outputs)).count()
            };
            prop_assert_eq!(dials(&life), 0, "before `retry_after`");
            if after < 600 {
                life.play(Op::Pass(Duration::from_millis(1)));
                prop_assert_eq!(dials(&life), 1);
            }
        } else {
            prop_assert_eq!(life.machine.snapshot().join_error(), Some(busy));
            refuse(&mut life, JoinErrorKind::Rejected { code: Rejection::Internal });
            prop_assert_eq!(life.machine.state(), State::Joining);
        }
    }
}
