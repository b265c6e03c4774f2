//! Every check that a run can make can also fail.
use super::*;
use crate::chaos::plan::Hint;
use crate::chaos::record::{Answer, Asked, AskedToGo, Frame, Muting, Returned, Sent, Shown, Trouble};
use offhook::{CallingState, ConnectionState, EndReason, Ended, Event, MoveReason, Plan as Dial, Who};
use std::time::Duration;

const SECONDS: f64 = 40.0;

fn plan() -> Plan {
    Plan::seeded(1, Duration::from_secs(40))
}

/// A picture every 40 ms, each back after 80 ms, painted as was asked for last; one prompt at 10 s,
/// one fault from 12 to 14 s, told in part of it, and the recovery from it, a move at 25 s, a muted
/// stretch from 30 to 33 s. At 5 s a network is said to be back that was not gone.
fn good() -> Seen {
    let sent = (0..1000).map(|number| Sent { at: f64::from(number) * 0.04, picture: number as usize % 125 });
    let sent: Vec<Sent> = sent.collect();
    let muted = |at: f64| (30.0..33.0).contains(&at);
    let away = |at: f64| (12.0..15.0).contains(&at);
    let returned = sent.iter().filter(|sent| !muted(sent.at) && !away(sent.at)).map(|sent| Returned {
        at: sent.at + 0.08,
        look: Some(if sent.at < 10.01 { 0 } else { 1 }),
        near: vec![sent.picture],
    });
    let states = [
        (0.0, CallingState::Idle),
        (0.0, CallingState::Joining),
        (0.1, CallingState::Joined),
        (12.5, CallingState::Reconnecting),
        (12.6, CallingState::Offline),
        (13.4, CallingState::Reconnecting),
        (14.5, CallingState::Joined),
        (25.01, CallingState::Migrating),
        (25.3, CallingState::Joined),
        (39.0, CallingState::Left),
    ];
    let mut events: Vec<(f64, Event)> =
        states.iter().skip(1).map(|(at, state)| (*at, Event::StateChanged(*state))).collect();
    events.extend([
        (14.0, Event::Attempt(attempt(Dial::Resume { restart_ice: true }, 13.4, 0.55))),
        (14.5, Event::Attempt(attempt(Dial::Resume { restart_ice: true }, 14.05, 0.4))),
        (14.5, recovered()),
        (25.01, Event::MigrationStarted(MoveReason::Rebalance)),
        (25.3, Event::MigrationFinished { moved: true }),
    ]);
    // As they come: of the same moment, the state last.
    events.sort_by(|a, b| {
        let state = |event: &Event| matches!(event, Event::StateChanged(_));
        a.0.total_cmp(&b.0).then(state(&a.1).cmp(&state(&b.1)))
    });
    events.push((39.0, Event::Ended(ended())));
    Seen {
        joined: Some(0.1),
        first_picture: Some(0.2),
        returned: returned.collect(),
        sent,
        prompts: vec![asked(1, 10.0, 10.005)],
        mutings: vec![
            Muting { muted: true, called: 29.99, returned: 30.0 },
            Muting { muted: false, called: 33.0, returned: 33.01 },
        ],
        troubles: vec![
            Trouble { name: "cut".into(), from: 12.0, to: Some(14.0), swallows: true, spread: 0.0 },
            Trouble { name: "move".into(), from: 25.0, to: Some(28.9), swallows: false, spread: 0.0 },
        ],
        asked_to_go: vec![AskedToGo { at: 25.0, until: 28.9, taken: true, trouble: 1 }],
        hints: vec![(5.0, Hint::UpUnasked), (12.6, Hint::Down), (13.4, Hint::Up)],
        frames: (0..1000).map(frame).collect(),
        states: states.to_vec(),
        shown: vec![
            (0.0, shown(CallingState::Joining, ConnectionState::Connecting, 25)),
            (0.1, shown(CallingState::Joined, ConnectionState::Connected, 100)),
            (12.5, shown(CallingState::Reconnecting, ConnectionState::Reconnecting, 100)),
            (39.0, shown(CallingState::Left, ConnectionState::Disconnected, 0)),
        ],
        events,
        events_ended: true,
        most_members: 1,
        packets: (0..800).map(|look| packets(f64::from(look) * 0.05)).collect(),
        calm: Some(SECONDS),
        last_prompt: Some((true, true)),
        leaving: Some((39.0, 39.0001)),
        released: Some(39.1),
        camera_runs: Some(true),
        left_over: Some((0, 0)),
        ..Seen::default()
    }
}

/// One stream until the move at 25 s, another from there.
fn frame(number: u32) -> Frame {
    let stream = if number < 630 { number } else { number - 630 };
    let (at, pts) = (f64::from(number) * 0.04 + 0.08, f64::from(stream) * 0.04);
    Frame { at, pts, key: stream == 0, bytes: 4_000, hash: number.into() }
}

fn attempt(plan: Dial, began: f64, took: f64) -> offhook::Attempt {
    let failed = took > 0.5;
    offhook::Attempt {
        epoch: offhook::Epoch(2),
        plan,
        step: offhook::Step::Connecting,
        began: Duration::from_secs_f64(began),
        took: Duration::from_secs_f64(took),
        phases: offhook::Phases::default(),
        error: failed.then_some(offhook::Cause::Fault(offhook::Fault::TimedOut)),
    }
}

fn recovered() -> Event {
    let plan = Dial::Resume { restart_ice: true };
    Event::Recovered { plan, after: Duration::from_secs(2), media_interrupted: Duration::from_secs(3) }
}

fn ended() -> Ended {
    Ended { session: None, reason: EndReason::LeftByUser, who: Who::User, may_retry: false }
}

fn asked(look: usize, at: f64, acked: f64) -> Asked {
    Asked { look, at, answered: Some((acked, Answer::Applied)) }
}

fn shown(calling: CallingState, connection: ConnectionState, percent: u8) -> Shown {
    Shown { calling, connection, percent }
}

/// Forty a second while the camera is on, none while it is muted.
fn packets(at: f64) -> (f64, u64) {
    let muted = (at - 30.0).clamp(0.0, 3.0);
    (at, ((at - muted) * 40.0) as u64)
}

fn verdict(seen: &Seen, what: &str) -> (Held, String) {
    let all = judge(&plan(), seen);
    let found = all.iter().find(|verdict| verdict.what.contains(what)).expect("a check is called so");
    (found.held, found.seen.clone())
}

/// The change breaks this check.
fn breaks(what: &str, change: impl FnOnce(&mut Seen)) {
    let mut seen = good();
    change(&mut seen);
    let (held, said) = verdict(&seen, what);
    assert_eq!(held, Held::No, "{what}: {said}");
}

#[test]
fn a_good_run_holds_in_every_check() {
    for verdict in judge(&plan(), &good()).iter().take(CHECKS.len()) {
        assert_eq!(verdict.held, Held::Yes, "{verdict:?}");
    }
}

#[test]
fn a_run_that_saw_nothing_holds_in_none() {
    for verdict in judge(&plan(), &Seen::default()) {
        let trivial = ["legal", "agree", "transition", "progress", "one recovery", "no listener"];
        let trivial = trivial.iter().any(|word| verdict.what.contains(word));
        assert!(trivial || verdict.held == Held::NotChecked || verdict.held == Held::No, "{verdict:?}");
    }
}

#[test]
fn an_old_look_after_the_acknowledgement_is_a_lost_prompt() {
    breaks("no acknowledged prompt was lost", |seen| {
        let late = seen.returned.iter_mut().find(|picture| picture.at > 20.0).expect("there are some");
        late.look = Some(0);
    });
    // Asked for, acknowledged, overtaken, and back again.
    breaks("no acknowledged prompt was lost", |seen| {
        seen.prompts.push(asked(2, 20.0, 20.005));
        seen.returned
            .iter_mut()
            .filter(|picture| picture.at > 20.05)
            .for_each(|picture| picture.look = Some(2));
        let late = seen.returned.iter_mut().find(|picture| picture.at > 25.0).expect("there are some");
        late.look = Some(1);
    });
}

#[test]
fn a_look_nobody_asked_for_is_a_broken_rule() {
    breaks("no acknowledged prompt was lost", |seen| {
        seen.returned[5].look = Some(3);
    });
}

#[test]
fn a_picture_on_its_way_when_the_prompt_was_acknowledged_may_be_old() {
    let mut seen = good();
    // Sent at 9.96 s, before the acknowledgement; back after it.
    let early = seen.returned.iter().position(|picture| picture.at > 10.03).expect("there are some");
    assert_eq!(seen.returned[early].look, Some(0));
    // One that cannot be told from a picture sent before it is not judged against it either.
    let after = seen.returned.iter_mut().find(|picture| picture.at > 10.2).expect("there are some");
    after.look = Some(0);
    after.near.push(248 % 125);
    assert_eq!(verdict(&seen, "no acknowledged prompt was lost").0, Held::Yes);
}

#[test]
fn a_picture_from_a_muted_stretch_is_heard() {
    breaks("no picture of a muted camera", |seen| {
        let sent = seen.sent.iter().find(|sent| sent.at > 31.0).copied().expect("there are some");
        seen.returned.push(Returned { at: sent.at + 0.1, look: None, near: vec![sent.picture] });
    });
}

#[test]
fn a_single_packet_in_a_muted_stretch_is_heard() {
    breaks("nothing of a muted camera", |seen| {
        for (_, packets) in seen.packets.iter_mut().filter(|(at, _)| *at > 31.5) {
            *packets += 1;
        }
    });
}

#[test]
fn changes_that_end_twice_or_never_are_seen() {
    breaks("every change ended exactly once", |seen| seen.unanswered = 1);
    breaks("every change ended exactly once", |seen| seen.prompts[0].answered = None);
    breaks("every change ended exactly once", |seen| {
        let applied = offhook::ChangeOutcome::Applied;
        let change = Event::Change { revision: offhook::Revision(3), outcome: applied };
        seen.events.splice(1..1, [(10.0, change.clone()), (10.1, change)]);
    });
    breaks("after the faults", |seen| seen.last_prompt = Some((true, false)));
}

#[test]
fn states_out_of_the_table_are_seen() {
    // Whatever the machine learns, nobody is joined who never began to join.
    breaks("every transition", |seen| {
        seen.states.remove(1);
    });
    breaks("agree", |seen| seen.shown[1].1.connection = ConnectionState::Reconnecting);
    breaks("progress", |seen| seen.shown[1].1.percent = 0);
    breaks("every Reconnecting", |seen| seen.states.truncate(4));
    breaks("every Reconnecting", |seen| seen.states[6].1 = CallingState::Joining);
    breaks("Left was the last", |seen| seen.states.push((39.1, CallingState::Joined)));
}

#[test]
fn recoveries_told_twice_or_not_at_all_are_seen() {
    breaks("one Recovered", |seen| {
        let after = seen.events.iter().position(|(at, _)| *at > 14.5).expect("there are some");
        seen.events.insert(after, (14.6, recovered()));
    });
    breaks("one Recovered", |seen| {
        seen.events.retain(|(_, event)| !matches!(event, Event::Recovered { .. }));
    });
}

#[test]
fn dials_at_once_and_plans_that_go_back_are_seen() {
    breaks("no two dials", |seen| {
        seen.events.insert(5, (14.2, Event::Attempt(attempt(Dial::Rejoin, 13.2, 1.0))));
    });
    breaks("escalated", |seen| {
        seen.events.insert(3, (12.9, Event::Attempt(attempt(Dial::Rejoin, 12.3, 0.6))));
    });
}

#[test]
fn a_recovery_too_late_is_seen() {
    breaks("it carried again", |seen| seen.states[6].0 = 24.5);
    breaks("pictures came again", |seen| {
        seen.returned.retain(|picture| picture.at < 12.0);
    });
    breaks("this member twice", |seen| seen.most_members = 2);
}

#[test]
fn a_server_that_restarted_gives_its_members_time_to_come_back() {
    let late = |spread| {
        let mut seen = good();
        seen.troubles[0].spread = spread;
        // The move comes too early for such a long wait to be judged.
        seen.troubles.truncate(1);
        seen.states[6].0 = 24.5;
        verdict(&seen, "it carried again").0
    };
    assert_eq!((late(0.0), late(8.0)), (Held::No, Held::Yes));
}

#[test]
fn a_fault_soon_after_another_began_a_new_outage() {
    let mut seen = good();
    seen.states[6].0 = 24.5;
    seen.troubles.push(Trouble {
        name: "cut".into(),
        from: 20.0,
        to: Some(20.5),
        swallows: true,
        spread: 0.0,
    });
    let (held, said) = verdict(&seen, "it carried again");
    assert_eq!(held, Held::Yes, "{said}");
}

#[test]
fn dials_while_offline_and_a_return_that_is_not_heard_are_seen() {
    breaks("offline nothing was dialled", |seen| {
        seen.states[4].0 = 10.0;
        seen.events.insert(5, (12.7, Event::Attempt(attempt(Dial::Rejoin, 13.2, 1.0))));
    });
    breaks("offline nothing was dialled", |seen| seen.states[5].0 = 14.2);
    breaks("nobody waited for", |seen| seen.states.insert(3, (5.1, CallingState::Reconnecting)));
}

#[test]
fn moves_that_do_not_end_or_are_not_shown_are_seen() {
    let moves = "every move that began";
    breaks(moves, |seen| {
        seen.events.retain(|(_, event)| !matches!(event, Event::MigrationFinished { .. }));
    });
    breaks(moves, |seen| seen.events.insert(9, (25.2, Event::MigrationStarted(MoveReason::Rebalance))));
    breaks(moves, |seen| {
        seen.events.retain(|(_, event)| *event != Event::StateChanged(CallingState::Migrating));
    });
}

#[test]
fn a_move_that_fails_for_no_reason_or_was_away_meanwhile_is_seen() {
    let works = "a move to a server that takes it";
    breaks(works, |seen| {
        for (_, event) in &mut seen.events {
            if let Event::MigrationFinished { moved } = event {
                *moved = false;
            }
        }
    });
    breaks(works, |seen| seen.events.retain(|(_, event)| !matches!(event, Event::MigrationStarted(_))));
    breaks(works, |seen| seen.states.insert(8, (25.1, CallingState::Reconnecting)));
    // With something else wrong it may fail.
    let mut seen = good();
    seen.events.retain(|(_, event)| !matches!(event, Event::MigrationStarted(_)));
    seen.troubles[0].to = Some(19.0);
    assert_eq!(verdict(&seen, works).0, Held::NotChecked);
}

#[test]
fn a_stream_that_begins_in_the_middle_and_a_frame_that_comes_again_are_seen() {
    breaks("began with a key frame", |seen| seen.frames[630].key = false);
    breaks("no frame came twice", |seen| seen.frames[640].hash = seen.frames[635].hash);
    // Another stream that begins with the same picture is no copy.
    let mut seen = good();
    seen.frames[630].hash = seen.frames[620].hash;
    assert_eq!(verdict(&seen, "no frame came twice").0, Held::Yes);
    // So it is where the stream before had but that one picture; and without another it is a copy.
    let again = |seen: &mut Seen| {
        let first = seen.frames[630];
        seen.frames.truncate(631);
        seen.frames.push(Frame { at: first.at + 1.0, ..first });
        first.at + 0.5
    };
    breaks("no frame came twice", |seen| {
        again(seen);
    });
    let mut seen = good();
    let moved = again(&mut seen);
    seen.events.insert(0, (moved, Event::Attempt(attempt(Dial::Migrate, moved - 0.1, 0.1))));
    assert_eq!(verdict(&seen, "no frame came twice").0, Held::Yes);
    // Long ago the clip looked just the same.
    let mut seen = good();
    seen.frames[600].hash = seen.frames[20].hash;
    assert_eq!(verdict(&seen, "no frame came twice").0, Held::Yes);
}

#[test]
fn an_ending_out_of_order_is_seen() {
    breaks("exactly one Ended", |seen| seen.events.push((39.0, Event::Ended(ended()))));
    breaks("exactly one Ended", |seen| {
        seen.events.push((39.1, Event::StateChanged(CallingState::Left)));
    });
    breaks("exactly one Ended", |seen| seen.events_ended = false);
    breaks("released within", |seen| seen.released = Some(41.0));
    breaks("released within", |seen| seen.released = None);
    breaks("the borrowed camera", |seen| seen.camera_runs = Some(false));
    breaks("no task and no socket", |seen| seen.left_over = Some((1, 0)));
    breaks("was joined", |seen| seen.not_joined = Some("no".into()));
    breaks("no listener", |seen| seen.states_missed = 1);
}

#[test]
fn a_picture_lost_in_a_hole_may_come_after_it() {
    let mut seen = good();
    // Sent at 9.2 s and lost on its way back, asked for and sent again at 14 s. The clip has the same
    // picture at 14.2 s, when it was muted.
    let mutings = [(true, 11.99), (false, 14.9)].map(|(muted, called)| Muting {
        muted,
        called,
        returned: called + 0.01,
    });
    seen.mutings.splice(0..0, mutings);
    let again = Returned { at: 14.6, look: None, near: vec![355 % 125] };
    seen.returned.push(again);
    assert_eq!(verdict(&seen, "no picture of a muted camera").0, Held::Yes);
    // Without the hole it could not be that old.
    seen.troubles[0].swallows = false;
    assert_eq!(verdict(&seen, "no picture of a muted camera").0, Held::No);
}

#[test]
fn a_picture_lost_to_a_nat_that_rebound_may_come_when_that_is_mended() {
    let mut seen = good();
    seen.troubles.truncate(1);
    seen.troubles[0].to = Some(12.0);
    // Sent at 9.6 s, before the prompt was acknowledged, and asked for and sent again at 14.5 s; the
    // clip has the same picture at 14.6 s.
    let old = seen.returned.iter().position(|picture| picture.at > 14.8).expect("there are some");
    let again = Returned { at: 14.7, look: Some(0), near: vec![240 % 125] };
    seen.returned.insert(old, again);
    assert_eq!(verdict(&seen, "no acknowledged prompt was lost").0, Held::Yes);
    seen.troubles[0].swallows = false;
    assert_eq!(verdict(&seen, "no acknowledged prompt was lost").0, Held::No);
}
