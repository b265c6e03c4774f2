//! Does the far side generate? Sticky, and true over every recovery (F52).

mod rig;

use offhook_lifecycle::Input::*;
use offhook_lifecycle::{Advice, ConnectionState, Event, Fault, LinkFacts, MoveReason, Plane, State};
use rig::{Rig, events};
use std::time::Duration;

/// How a session gets a new link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Resume,
    Rejoin,
    Migrate,
}

const HOWS: [How; 3] = [How::Resume, How::Rejoin, How::Migrate];

/// A live session that generates, or not, and a dial of its under way.
fn under_way(how: How, generating: bool) -> Rig {
    let mut rig = Rig::at(State::Live);
    let epoch = rig.epoch();
    rig.feed(Generation { epoch, running: generating });
    match how {
        How::Resume => drop(rig.lose_both()),
        How::Rejoin => drop(rig.feed(Advised { epoch, plan: Advice::Rejoin })),
        How::Migrate => drop(rig.feed(GoAway { epoch, target: None, why: MoveReason::Rebalance })),
    }
    assert!(rig.dialled() > epoch, "{how:?} dials at once");
    rig
}

/// F52: over a real network the first picture is what proves the new link, and the word that it is
/// made comes along with it.
#[test]
fn what_is_said_of_generation_before_a_link_carries_holds_when_it_does() {
    for how in HOWS {
        for (before, said) in [(false, true), (true, false), (true, true)] {
            let mut rig = under_way(how, before);
            let epoch = rig.dialled();
            rig.feed(Up { epoch, link: LinkFacts::default() });
            assert_eq!(rig.feed(Generation { epoch, running: said }), [], "{how:?}: not in force yet");
            let outputs = rig.carry();
            assert_eq!(rig.state(), State::Live, "{how:?}");
            assert_eq!(rig.machine.snapshot().is_generating(), said, "{how:?} {before} {said}");
            let told = events(&outputs).contains(&Event::Generating(said));
            assert_eq!(told, before != said, "{how:?} {before} {said}: only a change is told");
        }
    }
}

/// F52: where the new link says nothing of it, a resume goes on as it was and everything else begins anew.
#[test]
fn only_a_resume_takes_generation_for_granted() {
    for how in HOWS {
        let mut rig = under_way(how, true);
        rig.carry();
        assert_eq!(rig.machine.snapshot().is_generating(), how == How::Resume, "{how:?}");
    }
}

/// F52: the word of a dial that failed is nothing to the next one.
#[test]
fn a_dial_that_fails_takes_its_word_along() {
    let mut rig = under_way(How::Migrate, false);
    let epoch = rig.dialled();
    rig.feed(Generation { epoch, running: true });
    rig.feed(DialFailed { epoch, fault: Fault::Unreachable });
    assert_eq!(rig.state(), State::Reconnecting);
    if rig.dialled() == rig.epoch() {
        rig.pass_to_dial();
    }
    rig.carry();
    assert!(!rig.machine.snapshot().is_generating());
}

/// F52: the same holds for the join itself.
#[test]
fn a_join_can_be_generating_from_its_first_moment() {
    let mut rig = Rig::at(State::Joining);
    let epoch = rig.dialled();
    rig.feed(Generation { epoch, running: true });
    assert_eq!(rig.machine.snapshot().connection(), ConnectionState::Connecting);
    rig.carry();
    assert_eq!(rig.machine.snapshot().connection(), ConnectionState::Generating);
}

/// F52: while the old link still carries, its own word counts, and the new link's comes with the new link.
#[test]
fn during_a_move_each_link_speaks_for_itself() {
    let mut rig = under_way(How::Migrate, true);
    let (old, new) = (rig.epoch(), rig.dialled());
    rig.feed(Generation { epoch: new, running: true });
    rig.feed(Generation { epoch: old, running: false });
    assert!(!rig.machine.snapshot().is_generating(), "the old one stopped");
    rig.carry();
    assert!(rig.machine.snapshot().is_generating(), "the new one did not");
}

/// F52: sticky: an outage, silence or a mute demotes nothing; the end does.
#[test]
fn generating_is_sticky_over_an_outage_of_one_plane() {
    let mut rig = Rig::at(State::Live);
    let epoch = rig.epoch();
    rig.feed(Generation { epoch, running: true });
    rig.pass_alive(Duration::from_secs(40));
    assert_eq!(rig.machine.snapshot().connection(), ConnectionState::Generating);
    rig.lose(Plane::Media);
    assert!(rig.machine.snapshot().is_generating());
    assert_eq!(rig.machine.snapshot().connection(), ConnectionState::Reconnecting);
    rig.feed(Carried { epoch, plane: Plane::Media });
    assert_eq!(rig.machine.snapshot().connection(), ConnectionState::Generating);
}
