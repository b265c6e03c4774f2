//! Properties of the presence machine over random lives: what must hold at exact times, which the
//! walk, whose deadlines fire in any order, cannot say.

use offhook_lifecycle::presence::{Input, Machine, Output, State};
use offhook_lifecycle::{CredentialRef, CredentialWhy, Epoch, Fault, JoinErrorKind, Policy, Time};
use proptest::prelude::*;
use proptest::test_runner::{Config as Runner, FileFailurePersistence};
use std::time::Duration;

const REGRESSIONS: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../proptest-regressions/lifecycle-presence.txt");

fn runner() -> Runner {
    Runner {
        cases: 128,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(REGRESSIONS))),
        ..Runner::default()
    }
}

/// One turn of a life: so much time passes, then this happens to the newest dial, or one before it.
fn turns() -> impl Strategy<Value = Vec<(u16, u8, bool)>> {
    prop::collection::vec((0..20_000_u16, 0..18_u8, prop::bool::weighted(0.1)), 1..80)
}

fn input(what: u8, epoch: Epoch) -> Input {
    match what {
        0 | 1 => Input::Want,
        2 => Input::Unwant,
        3 => Input::Rings(true),
        4 => Input::Rings(false),
        5..=7 => Input::Opened { epoch, ping: None, silence: None },
        8 => Input::Heard { epoch, ring: true },
        9 => Input::Lost { epoch, fault: Fault::Closed },
        10 => Input::Refused { epoch, why: JoinErrorKind::Unauthorized, retry_after: None },
        11 => Input::NeedCredential { epoch, why: CredentialWhy::Expired },
        12 => Input::CredentialRefreshed(CredentialRef(2)),
        13 => Input::NetworkDown,
        14 => Input::NetworkUp,
        15 => Input::Suspend,
        16 => Input::Unsuspend,
        _ => Input::Woke,
    }
}

proptest! {
    #![proptest_config(runner())]

    /// A far side that is gone is found gone: the link is up for no longer than its silence after
    /// the last sign of life, unless the process itself was asleep (R9).
    #[test]
    fn a_link_never_outlives_its_silence(turns in turns(), seed: u64) {
        let policy = Policy::default();
        let longest = policy.silence + policy.probe;
        let mut machine = Machine::new(policy, seed, None);
        let (mut now, mut newest, mut heard) = (Time::ZERO, Epoch::default(), Time::ZERO);
        for (pause, what, stale) in turns {
            let until = now.plus(Duration::from_millis(u64::from(pause)));
            // On time: nothing is late, so no silence is forgiven.
            while let Some(due) = machine.poll_timeout().filter(|due| *due <= until) {
                machine.wake(due);
                prop_assert!(machine.state() != State::Up || due.since(heard) <= longest, "{machine:?} at {due:?}");
            }
            now = until;
            let epoch = if stale { Epoch(newest.0.saturating_sub(1)) } else { newest };
            let input = input(what, epoch);
            machine.handle(input, now);
            if matches!(input, Input::Opened { .. } | Input::Heard { .. } | Input::Woke) && !stale {
                heard = now;
            }
            while let Some(output) = machine.poll_output() {
                if let Output::Dial { epoch, .. } = output {
                    newest = epoch;
                }
            }
        }
    }

    /// However a far side refuses, closes or stays silent, it is dialled a bounded number of times:
    /// once for each wish, credential and return of the network, and otherwise behind a backoff.
    #[test]
    fn dials_are_as_many_as_their_causes_at_most(turns in turns(), seed: u64) {
        let mut machine = Machine::new(Policy::default(), seed, None);
        let (mut now, mut newest) = (Time::ZERO, Epoch::default());
        let (mut causes, mut dials) = (0_u32, 0_u32);
        for (pause, what, stale) in turns {
            let until = now.plus(Duration::from_millis(u64::from(pause)));
            while let Some(due) = machine.poll_timeout().filter(|due| *due <= until) {
                // Only the end of a wait may dial, and a wait is one for each dial that went wrong.
                let waiting = machine.state() == State::Waiting;
                machine.wake(due);
                causes += u32::from(waiting && machine.state() == State::Dialling);
            }
            now = until;
            let epoch = if stale { Epoch(newest.0.saturating_sub(1)) } else { newest };
            let input = input(what, epoch);
            causes += u32::from(matches!(
                input,
                Input::Want | Input::CredentialRefreshed(_) | Input::NetworkUp | Input::Unsuspend | Input::Woke
            ));
            machine.handle(input, now);
            while let Some(output) = machine.poll_output() {
                if let Output::Dial { epoch, .. } = output {
                    prop_assert!(epoch > newest);
                    newest = epoch;
                    dials += 1;
                }
            }
            prop_assert!(dials <= causes, "{dials} dials of {causes} causes: {machine:?}");
        }
    }
}
