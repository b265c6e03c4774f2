//! The walk's own proof over the presence machine, and the rows that carry a number.

use super::*;
use crate::{CredentialWhy, Fault};

fn presence() -> Machine {
    Machine::new(Policy::default(), 7, Some(CredentialRef(1)))
}

fn outputs(machine: &mut Machine) -> Vec<Output> {
    std::iter::from_fn(|| machine.poll_output()).collect()
}

fn up(machine: &mut Machine) -> Epoch {
    machine.handle(Input::Want, machine.now);
    let epoch = machine.epoch;
    machine.handle(Input::Opened { epoch, ping: None, silence: None }, machine.now);
    assert_eq!(machine.state(), State::Up);
    outputs(machine);
    epoch
}

#[test]
fn every_place_of_presence_keeps_the_invariants() {
    let mut states = std::collections::BTreeSet::new();
    let found = walk::walk(&mut |before, name, after, outputs| {
        states.insert(after.state);
        let at = || format!("{before:?} --{name}--> {after:?}: {outputs:?}");
        // A state without a way out says why on itself.
        let patient = matches!(after.state, State::Off | State::Offline | State::Refused);
        assert!(patient || after.poll_timeout().is_some(), "no way out: {}", at());
        // At most one link, and it is closed before another is dialled.
        let held = |state| matches!(state, State::Dialling | State::Up);
        let mut open = held(before.state).then_some(before.epoch);
        for output in outputs {
            match *output {
                Output::Dial { epoch, .. } => {
                    assert_eq!(open, None, "two links: {}", at());
                    assert!(epoch > before.epoch, "an epoch twice: {}", at());
                    assert!(after.wanted && after.network_up && !after.asleep, "dialled: {}", at());
                    open = Some(epoch);
                }
                Output::Close { epoch } => {
                    assert_eq!(open.take(), Some(epoch), "closed what is not open: {}", at());
                }
                Output::Ping { epoch } | Output::AskRings { epoch } => {
                    assert_eq!(open, Some(epoch), "spoke into nothing: {}", at());
                }
                Output::AskCredential { .. } | Output::Report(_) => {}
            }
        }
        assert_eq!(open, held(after.state).then_some(after.epoch), "a link is left: {}", at());
        // Whoever looks on is told of each state once.
        let told: Vec<_> = outputs.iter().filter(|output| matches!(output, Output::Report(_))).collect();
        assert!(told.last().is_none_or(|last| **last == Output::Report(after.state)), "{}", at());
        assert_eq!(told.is_empty(), before.state == after.state, "{}", at());
        assert!(after.wanted || after.state == State::Off, "up for nobody: {}", at());
    });
    assert_eq!(states.len(), State::ALL.len(), "every state is reached: {states:?}");
    assert!(found.places > 100, "{} places", found.places);
}

#[test]
fn nothing_is_dialled_before_somebody_wants_it() {
    let mut machine = presence();
    machine.handle(Input::NetworkUp, Time::ZERO);
    machine.handle(Input::CredentialRefreshed(CredentialRef(2)), Time::from_millis(5));
    assert_eq!(outputs(&mut machine), []);
    assert_eq!(machine.poll_timeout(), None);
}

#[test]
fn a_silent_link_is_pinged_then_dropped_and_dialled_again_with_jitter() {
    let mut machine = presence();
    let epoch = up(&mut machine);
    for second in 1..=3 {
        machine.wake(Time::from_millis(second * 2_000));
    }
    let said = outputs(&mut machine);
    assert_eq!(said.iter().filter(|output| **output == Output::Ping { epoch }).count(), 3, "{said:?}");
    assert!(said.ends_with(&[Output::Close { epoch }, Output::Report(State::Waiting)]), "{said:?}");
    let next = machine.poll_timeout().expect("it dials again");
    assert!(next.since(Time::from_millis(6_000)) <= Policy::default().backoff_base);
}

#[test]
fn a_late_timer_is_no_silence_until_a_probe_was_not_answered() {
    let mut machine = presence();
    let epoch = up(&mut machine);
    machine.wake(Time::from_millis(60_000));
    assert_eq!(machine.state(), State::Up, "the process was asleep, not the link");
    machine.handle(Input::Heard { epoch, ring: false }, Time::from_millis(60_100));
    assert_eq!(machine.state(), State::Up);
    machine.wake(Time::from_millis(120_000));
    machine.wake(Time::from_millis(122_100));
    assert_eq!(machine.state(), State::Waiting, "the probe was not answered");
}

// F25
#[test]
fn rings_that_stand_are_asked_about_after_silence_about_them_and_only_then() {
    let mut machine = presence();
    let epoch = up(&mut machine);
    let asked = |machine: &mut Machine| outputs(machine).contains(&Output::AskRings { epoch });
    let beat = |machine: &mut Machine, millis, ring| {
        machine.handle(Input::Heard { epoch, ring }, Time::from_millis(millis));
    };
    beat(&mut machine, 1_900, false);
    machine.wake(Time::from_millis(3_000));
    assert!(!asked(&mut machine), "nothing stands");
    machine.handle(Input::Rings(true), Time::from_millis(3_000));
    beat(&mut machine, 6_000, true);
    beat(&mut machine, 10_900, false);
    assert!(!asked(&mut machine), "a ring was heard of at 6 s");
    beat(&mut machine, 11_000, false);
    assert!(asked(&mut machine), "pings are no news about a ring");
    machine.handle(Input::Rings(false), Time::from_millis(12_000));
    beat(&mut machine, 17_000, false);
    assert!(!asked(&mut machine));
}

#[test]
fn a_second_expired_credential_in_one_outage_is_final_until_somebody_wants_it_again() {
    let mut machine = presence();
    machine.handle(Input::Want, Time::ZERO);
    let need = |machine: &mut Machine| {
        let epoch = machine.epoch;
        machine.handle(Input::NeedCredential { epoch, why: CredentialWhy::Expired }, machine.now);
    };
    need(&mut machine);
    assert_eq!(machine.state(), State::Asking);
    machine.handle(Input::CredentialRefreshed(CredentialRef(2)), Time::from_millis(10));
    let dialled = outputs(&mut machine);
    assert!(dialled.iter().any(|o| matches!(o, Output::Dial { credential: Some(CredentialRef(2)), .. })));
    need(&mut machine);
    assert_eq!(machine.state(), State::Refused);
    assert_eq!(machine.refusal(), Some(JoinErrorKind::Unauthorized));
    assert_eq!(machine.poll_timeout(), None);
    machine.handle(Input::Want, Time::from_millis(20));
    assert_eq!(machine.state(), State::Dialling);
}

// E10
#[test]
fn the_clients_of_a_restarted_server_come_back_spread_out() {
    let mut waits = Vec::new();
    for seed in 0..200 {
        let mut machine = Machine::new(Policy::default(), seed * 7_919, None);
        let epoch = up(&mut machine);
        machine.handle(Input::Lost { epoch, fault: Fault::ServerRestart }, Time::ZERO);
        waits.push(machine.poll_timeout().expect("it comes back").elapsed());
    }
    assert!(waits.iter().any(|wait| *wait < Duration::from_secs(1)));
    assert!(waits.iter().any(|wait| *wait > Duration::from_secs(7)));
    assert!(waits.iter().all(|wait| *wait <= Policy::default().restart_spread));
}

#[test]
fn a_network_that_comes_and_goes_grants_one_dial_at_once_in_ten_seconds() {
    let mut machine = presence();
    up(&mut machine);
    let mut dials = 0;
    for second in 0..9 {
        machine.handle(Input::NetworkDown, Time::from_millis(second * 1_000));
        assert_eq!(machine.state(), State::Offline);
        outputs(&mut machine);
        machine.handle(Input::NetworkUp, Time::from_millis(second * 1_000 + 1));
        dials += outputs(&mut machine).iter().filter(|o| matches!(o, Output::Dial { .. })).count();
    }
    assert_eq!(dials, 1);
    assert_eq!(machine.state(), State::Waiting, "the others wait their turn");
}
