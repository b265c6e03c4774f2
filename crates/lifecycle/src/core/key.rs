//! What makes two machines the same to the walk: every field is named here by destructuring, so
//! a new one must be classed before anything compiles. Deadlines become "is it pending" (the
//! walk fires them in every order), times yes/no answers, epochs their place, counters stop.

use super::Core;
use super::joining::{Join, JoinOrigin};
use super::lines::{Line, Standby};
use super::liveness::Excused;
use super::outage::{Outage, Recovery};
use super::timers::Timer;
use crate::{Direction, Gate, LinkFacts, Plan, State};

/// A machine's place in the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    bytes: [u8; 72],
    len: usize,
}

impl Key {
    fn push(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    fn bits<const N: usize>(&mut self, bits: [bool; N]) {
        const { assert!(N <= 8) };
        self.push(bits.iter().rev().fold(0, |all, bit| all << 1 | u8::from(*bit)));
    }

    /// A count that stops at `most`.
    fn count(&mut self, count: usize, most: usize) {
        self.push(u8::try_from(count.min(most)).unwrap_or(u8::MAX));
    }
}

impl Core {
    pub(crate) fn key(&self) -> Key {
        let Self {
            policy,
            now,
            late: _,  // only during a dispatch
            slept: _, // only during a dispatch
            state,
            jitter: _, // moves deadlines, not their being
            timers,
            epoch: _, // relative: see current and standby
            current,
            standby,
            join,
            outage,
            hint,
            hops,
            home,
            credential: _, // read by the host alone
            asking,
            refreshed,
            advised,
            excused,
            dial_left,
            upload_at,
            accepting,
            moving,
            network_up,
            said_down,
            network_granted,
            suspended,
            generating,
            intent,
            commands,
            progress: _,   // shown, and read by no handler
            last_error: _, // likewise
            ending,
            end_told,
            departing,
            released,
            joins,
            failed_joins: _, // a count for handles; no handler reads it
            join_error: _,
            failed_accepts: _,
            accept_error: _,
            outputs,
            ignored: _,
            stale: _,
            visible: _, // whether a snapshot was taken
            seen: _,
        } = self;
        assert!(outputs.is_empty(), "the walk drains after every step");
        let mut key = Key { bytes: [0; 72], len: 0 };
        key.push(state_rank(*state));
        let pending = Timer::ALL.map(|timer| timers.is_set(timer));
        for eight in pending.chunks(8) {
            key.push(eight.iter().fold(0, |all, bit| all << 1 | u8::from(*bit)));
        }
        line_key(&mut key, current.as_ref());
        standby_key(&mut key, standby.as_ref(), self);
        // A room counts where its state reads it; entering the state makes it anew.
        if *state == State::Joining {
            join_key(&mut key, join, policy.join_attempts, policy.ice_failures);
        }
        if state.is_joined() {
            outage_key(&mut key, outage, self);
        }
        key.count(hops.count(*now, policy.hop_span), usize::from(policy.hops));
        key.bits([
            hint.is_some(),
            home.is_some() && outage.dials.is_multiple_of(2),
            *asking,
            *refreshed,
            advised.is_some(),
            dial_left.is_some(),
            upload_at.is_some(),
        ]);
        key.bits([
            *accepting,
            *moving,
            *network_up,
            *said_down,
            network_granted.is_some_and(|at| now.since(at) < policy.network_grant),
            *suspended,
            *generating,
        ]);
        key.bits([
            *excused == Excused::No,
            matches!(excused, Excused::Often(crate::Plane::Signaling, _)),
            excused.is_enough(policy.stalls),
        ]);
        key.count((intent.revision().0 - intent.acked().0) as usize, 2);
        key.count(intent.pending().iter().filter(|pending| !pending.unconfirmed).count(), 1);
        key.count(intent.pending().iter().filter(|pending| pending.unconfirmed).count(), 1);
        key.count(intent.depth(), 2);
        key.count(commands.waiting(), 1);
        key.bits([
            ending.is_some(),
            ending.is_some_and(|ending| ending.reason.is_error()),
            *end_told,
            *released,
            *joins > 0,
            departing[0].is_some(),
            departing[1].is_some(),
        ]);
        key
    }
}

const fn state_rank(state: State) -> u8 {
    match state {
        State::Idle => 0,
        State::Ringing(Direction::Incoming) => 1,
        State::Ringing(Direction::Outgoing) => 2,
        State::Joining => 3,
        State::Live => 4,
        State::Migrating => 5,
        State::Reconnecting => 6,
        State::Offline => 7,
        State::Failed => 8,
        State::Leaving => 9,
        State::Left => 10,
    }
}

fn facts_key(key: &mut Key, facts: &LinkFacts) {
    let LinkFacts { signaling, media, resume_window, ice_restart, make_before_break, ping, silence, acks } =
        *facts;
    key.bits([
        signaling,
        media,
        resume_window.is_some_and(|window| window.is_zero()),
        ice_restart,
        make_before_break,
        ping.is_some(),
        silence.is_some(),
        acks,
    ]);
}

const fn gate_rank(gate: Gate) -> u8 {
    match gate {
        Gate::Closed => 1,
        Gate::Muted => 2,
        Gate::Open => 3,
    }
}

fn line_key(key: &mut Key, line: Option<&Line>) {
    let Some(Line { epoch: _, facts, lost, restarting, gate }) = line else {
        key.push(0);
        return;
    };
    key.push(gate_rank(*gate) | lost.bits() << 2 | u8::from(*restarting) << 4);
    facts_key(key, facts);
}

fn standby_key(key: &mut Key, standby: Option<&Standby>, core: &Core) {
    let Some(Standby {
        epoch: _,
        plan,
        target,
        began,
        pace: _, // only reported
        answered,
        up,
        facts,
        carried,
        revision,
        acked,
        gate,
        generating,
    }) = standby
    else {
        key.push(0);
        return;
    };
    let plan = match plan {
        Plan::Join => 0,
        Plan::Resume { restart_ice: false } => 1,
        Plan::Resume { restart_ice: true } => 2,
        Plan::Rejoin => 3,
        Plan::Migrate => 4,
    };
    key.push(gate_rank(*gate) | carried.bits() << 2 | plan << 4);
    key.bits([
        target.is_some(),
        !*answered && core.now.since(*began) > core.policy.stale_dial,
        *answered,
        *up,
        *acked,
        *revision < core.intent.revision(),
        *generating == Some(true),
        *generating == Some(false),
    ]);
    facts_key(key, facts);
}

fn join_key(key: &mut Key, join: &Join, attempts: u8, ice: u8) {
    let Join { origin, wait_in_queue, returning, attempt, step, ice_failures, queued, left } = join;
    key.bits([*origin == JoinOrigin::Ring, *wait_in_queue, *returning, *queued, left.is_some()]);
    key.count(usize::from(*attempt), usize::from(attempts));
    key.count(usize::from(*ice_failures), usize::from(ice));
    key.push(*step as u8);
}

fn outage_key(key: &mut Key, outage: &Outage, core: &Core) {
    let Outage {
        active,
        began: _, // only reported
        plan,
        wait: _, // taken on entry
        told,
        resume_until,
        restarted,
        media_only,
        granted,
        target_refused,
        away_since: _, // set exactly while reconnecting
        away_used,
        tries,
        dials,
        resumed_at,
        short_resumes,
        rejoins,
    } = outage;
    let (now, policy) = (core.now, &core.policy);
    key.bits([
        *active,
        *plan == Recovery::Rejoin,
        *active && *resume_until <= now,
        *restarted,
        *media_only,
        *granted,
        *active && *target_refused,
        *told && core.timers.is_set(Timer::Backoff),
    ]);
    key.bits([
        *away_used >= policy.away,
        resumed_at.is_some_and(|at| now.since(at) < policy.short_resume),
        *dials > 0,
    ]);
    key.count(usize::from(*tries), usize::from(policy.resume_tries));
    key.count(short_resumes.count(now, policy.short_resume_span), usize::from(policy.short_resumes));
    key.count(rejoins.count(now, policy.rejoin_span), usize::from(policy.rejoins));
}
