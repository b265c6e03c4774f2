//! Epochs and the at most two links that are valid: the current one and the dial under way.
//! Here is the one place where the stale is told from the valid.

use super::Core;
use super::planes::Planes;
use super::timers::Timer;
use crate::phases::Pace;
use crate::{
    Answer, Attempt, Cause, Dial, Epoch, Event, Gate, Input, JoinErrorKind, LinkFacts, Output, Plan, Plane,
    Revision, Step, TargetRef, Time,
};
use std::time::Duration;

/// The link that last carried.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) epoch: Epoch,
    pub(crate) facts: LinkFacts,
    /// Planes judged lost; nothing is heard from them save a hint.
    pub(crate) lost: Planes,
    /// Is its media being made anew over its living signaling?
    pub(crate) restarting: bool,
    pub(crate) gate: Gate,
}

impl Line {
    pub(crate) fn lives(&self, plane: Plane) -> bool {
        Planes::of(&self.facts).has(plane) && !self.lost.has(plane)
    }
}

/// The dial under way.
#[derive(Clone, Debug)]
pub(crate) struct Standby {
    pub(crate) epoch: Epoch,
    pub(crate) plan: Plan,
    pub(crate) target: Option<TargetRef>,
    pub(crate) began: Time,
    pub(crate) pace: Pace,
    pub(crate) answered: bool,
    pub(crate) up: bool,
    pub(crate) facts: LinkFacts,
    pub(crate) carried: Planes,
    /// What the dial carried, or what was applied on it since.
    pub(crate) revision: Revision,
    /// Did the far side ack all of it? Only then does it count as carrying, and may media flow.
    pub(crate) acked: bool,
    pub(crate) gate: Gate,
    /// Does the far side generate on it, where it said so yet? In force once the dial carries (F52).
    pub(crate) generating: Option<bool>,
}

impl Standby {
    /// R5, R14: both planes, less those that the transport lacks, and the ledger acked.
    fn is_complete(&self) -> bool {
        self.up && self.acked && self.carried.covers(Planes::of(&self.facts))
    }
}

/// Why a dial ended that another one replaced.
pub(crate) const REPLACED: Cause = Cause::Refusal(JoinErrorKind::Cancelled);

impl Core {
    /// The stale check. Leaving and giving a join up empty both places.
    pub(crate) fn admits(&self, epoch: Epoch) -> bool {
        self.is_current(epoch) || self.is_standby(epoch)
    }

    pub(crate) fn is_current(&self, epoch: Epoch) -> bool {
        self.current.as_ref().is_some_and(|line| line.epoch == epoch)
    }

    pub(crate) fn current_epoch(&self) -> Option<Epoch> {
        self.current.as_ref().map(|line| line.epoch)
    }

    pub(crate) fn is_standby(&self, epoch: Epoch) -> bool {
        self.standby.as_ref().is_some_and(|standby| standby.epoch == epoch)
    }

    /// Is this fact to be listened to: of a valid epoch, and not of a plane judged lost?
    #[inline]
    pub(crate) fn hears(&self, input: &Input) -> bool {
        let Some(epoch) = input.epoch() else { return true };
        if self.is_standby(epoch) {
            return true;
        }
        let Some(line) = self.current.as_ref().filter(|line| line.epoch == epoch) else { return false };
        match *input {
            Input::Alive { plane, .. } => line.lives(plane),
            Input::Carried { plane, .. } | Input::PlaneLost { plane, .. } => {
                line.lives(plane) || (line.restarting && plane == Plane::Media)
            }
            _ => true,
        }
    }

    /// Dials anew; a dial under way is replaced.
    pub(crate) fn dial(&mut self, plan: Plan) {
        self.drop_standby(REPLACED);
        self.epoch = self.epoch.next();
        let epoch = self.epoch;
        let inherited = match plan {
            Plan::Resume { .. } => self.current.as_ref(),
            Plan::Join | Plan::Rejoin | Plan::Migrate => None,
        };
        let inherit = inherited.map(|line| line.epoch);
        // A plane that lives on under the old epoch needs no new proof.
        let carried = match inherited {
            Some(line) if line.lives(Plane::Media) => Planes::NONE.with(Plane::Media),
            _ => Planes::NONE,
        };
        let facts = inherited.map_or_else(LinkFacts::default, |line| line.facts);
        // What lives on also goes on: the new link may send as far as the old one could.
        let gate = match inherited {
            Some(line) if line.lives(Plane::Media) => line.gate,
            _ => Gate::Muted,
        };
        let target = self.target_of(plan);
        let revision = self.intent.revision();
        self.standby = Some(Standby {
            epoch,
            plan,
            target,
            began: self.now,
            pace: Pace::begin(self.now),
            answered: false,
            up: false,
            facts,
            carried,
            revision,
            acked: !plan.carries_state() || self.intent.is_empty(),
            gate: Gate::Muted,
            generating: None,
        });
        self.timers.clear(Timer::Backoff);
        self.dial_left = None;
        self.timers.set(Timer::Dial, self.now.plus(self.policy.signaling_open));
        self.touch();
        self.outputs.push_back(Output::Dial(Dial {
            epoch,
            plan,
            inherit,
            target,
            credential: self.credential,
            revision,
            wait_in_queue: self.join.wait_in_queue,
        }));
        self.gate_standby(gate);
    }

    /// Closes the dial under way and says how it went.
    pub(crate) fn drop_standby(&mut self, error: Cause) {
        if let Some(standby) = self.standby.take() {
            self.report_attempt(&standby, Some(error));
            self.outputs.push_back(Output::Close { epoch: standby.epoch });
            self.touch();
        }
        self.advised = None;
        self.timers.clear(Timer::Dial);
        self.dial_left = None;
    }

    pub(crate) fn dial_answered(&mut self) {
        let Some(standby) = &mut self.standby else { return };
        if standby.answered {
            return;
        }
        standby.answered = true;
        let (now, plan) = (self.now, standby.plan);
        if self.timers.is_set(Timer::Dial) {
            self.timers.set(Timer::Dial, now.plus(self.policy.join_response));
        }
        // A move beside a living link is no recovery: hops bound it (R13).
        if plan == Plan::Rejoin {
            self.outage.rejoins.note(now);
        }
    }

    pub(crate) fn dial_up(&mut self, facts: LinkFacts) {
        self.dial_answered();
        let Some(standby) = &mut self.standby else { return };
        standby.up = true;
        standby.facts = facts;
        standby.pace.reach(Step::Connecting, self.now);
        standby.acked |= !facts.acks;
        let (epoch, revision, gate, acked) = (standby.epoch, standby.revision, standby.gate, standby.acked);
        let carries_state = standby.plan.carries_state();
        self.dial_left = None;
        self.timers.set(Timer::Dial, self.now.plus(self.policy.media_path));
        if acked && gate < Gate::Open {
            self.open_standby();
        }
        // What was wished for since the dial began, or was lost with the old signaling. That the old
        // link acked it meanwhile is nothing to a far side that was told of the state by this dial.
        let newest = self.intent.revision();
        let told = if carries_state { revision } else { self.intent.acked() };
        if newest > told {
            self.apply_on(epoch, newest);
        }
        self.touch();
    }

    /// Takes a proof in. True when the dial is complete.
    pub(crate) fn dial_carried(&mut self, plane: Plane) -> bool {
        self.dial_answered();
        let Some(standby) = &mut self.standby else { return false };
        standby.carried = standby.carried.with(plane);
        standby.is_complete()
    }

    /// Is the dial under way so old, and without any answer, that a fresh one would do better?
    pub(crate) fn is_dial_stale(&self) -> bool {
        self.standby.as_ref().is_some_and(|s| !s.answered && self.now.since(s.began) > self.policy.stale_dial)
    }

    pub(crate) fn dialling(&self) -> Option<(Epoch, Plan, Step)> {
        self.standby.as_ref().map(|standby| (standby.epoch, standby.plan, standby.pace.step()))
    }

    /// Was the dial under way let in?
    pub(crate) fn is_dial_up(&self) -> bool {
        self.standby.as_ref().is_some_and(|standby| standby.up)
    }

    pub(crate) fn is_dial_complete(&self) -> bool {
        self.standby.as_ref().is_some_and(Standby::is_complete)
    }

    /// The far side began or ended generating. Said on the dial under way it is kept until that
    /// carries: a first picture may be what proves it, and the word of it comes along.
    pub(crate) fn generates(&mut self, epoch: Epoch, running: bool) {
        match self.standby.as_mut().filter(|standby| standby.epoch == epoch) {
            Some(standby) => standby.generating = Some(running),
            None => self.set_generating(running),
        }
    }

    /// The ledger that this dial carried, or one applied since, was acked.
    pub(crate) fn dial_acked(&mut self, epoch: Epoch, revision: Revision) {
        let Some(standby) = self.standby.as_mut().filter(|standby| standby.epoch == epoch) else { return };
        if standby.acked || revision < standby.revision {
            return;
        }
        standby.acked = true;
        self.open_standby();
    }

    /// The dial carries: it is the current link, and the old one goes.
    pub(crate) fn promote(&mut self) {
        let Some(standby) = self.standby.take() else { return };
        self.report_attempt(&standby, None);
        let epoch = standby.epoch;
        let old = self.current.replace(Line {
            epoch,
            facts: standby.facts,
            lost: Planes::NONE,
            restarting: false,
            gate: standby.gate,
        });
        self.home = standby.target;
        self.outputs.push_back(Output::Switch { to: epoch });
        // What a resume says nothing of goes on; anything else begins anew.
        match (standby.generating, standby.plan) {
            (Some(running), _) => self.set_generating(running),
            (None, Plan::Resume { .. }) => {}
            (None, Plan::Join | Plan::Rejoin | Plan::Migrate) => self.set_generating(false),
        }
        if let Some(old) = old {
            self.outputs.push_back(Output::Close { epoch: old.epoch });
        }
        // What waits for an answer went out on a link that says nothing any more (R15).
        if matches!(standby.plan, Plan::Rejoin | Plan::Migrate) {
            self.lose_commands();
        }
        self.timers.clear(Timer::Dial);
        self.touch();
    }

    /// Forgets the current link.
    pub(crate) fn drop_current(&mut self) {
        if let Some(line) = self.current.take() {
            self.outputs.push_back(Output::Close { epoch: line.epoch });
            self.touch();
        }
    }

    /// Sends the desired state on a link that is up.
    pub(crate) fn apply_on(&mut self, epoch: Epoch, revision: Revision) {
        if let Some(standby) = self.standby.as_mut().filter(|standby| standby.epoch == epoch) {
            standby.revision = revision;
        }
        self.outputs.push_back(Output::Apply { epoch, revision });
    }

    /// Sets the gate of the current link.
    pub(crate) fn gate_current(&mut self, gate: Gate) {
        if let Some(line) = self.current.as_mut().filter(|line| line.gate != gate) {
            line.gate = gate;
            self.outputs.push_back(Output::Gate { epoch: line.epoch, gate });
        }
    }

    /// Does what goes out arrive, as far as is known: is the current link's gate open, and its media path
    /// not lost? What was lost and is being made anew carries when that is proven.
    pub(crate) fn sends(&self) -> bool {
        let sends = |line: &Line| line.gate == Gate::Open && !line.lost.has(Plane::Media);
        self.current.as_ref().is_some_and(sends)
    }

    /// Sets the gate of the dial under way.
    pub(crate) fn gate_standby(&mut self, gate: Gate) {
        if let Some(standby) = self.standby.as_mut().filter(|standby| standby.gate != gate) {
            standby.gate = gate;
            self.outputs.push_back(Output::Gate { epoch: standby.epoch, gate });
        }
    }

    /// R14: nothing but silence goes out before the far side has acked the mute levels.
    fn open_standby(&mut self) {
        if !self.suspended {
            self.gate_standby(Gate::Open);
        }
    }

    /// The dial's own deadline waits for somebody else.
    pub(crate) fn pause_dial(&mut self) {
        if let Some(at) = self.timers.get(Timer::Dial) {
            self.dial_left = Some(at.since(self.now));
            self.timers.clear(Timer::Dial);
        }
    }

    pub(crate) fn resume_dial(&mut self) {
        if let Some(left) = self.dial_left.take() {
            self.timers.set(Timer::Dial, self.now.plus(left));
        }
    }

    /// Another chunk of an image arrived: it moves, so no clock may end it (R14).
    pub(crate) fn upload_moved(&mut self, epoch: Epoch, answer: Answer) {
        if answer != Answer::Progress || !self.is_standby(epoch) {
            return;
        }
        let since = self.upload_at.replace(self.now).map_or(Duration::ZERO, |last| self.now.since(last));
        if self.timers.is_set(Timer::Dial) {
            self.timers.set(Timer::Dial, self.now.plus(self.policy.media_path));
        }
        for timer in [Timer::Join, Timer::Away] {
            if let Some(at) = self.timers.get(timer) {
                self.timers.set(timer, at.plus(since));
            }
        }
        if let Some(began) = &mut self.outage.away_since {
            *began = began.plus(since);
        }
    }

    pub(crate) fn report_attempt(&mut self, standby: &Standby, error: Option<Cause>) {
        self.report(Event::Attempt(Attempt {
            epoch: standby.epoch,
            plan: standby.plan,
            step: standby.pace.step(),
            began: standby.began.elapsed(),
            took: self.now.since(standby.began),
            phases: standby.pace.until(self.now),
            error,
        }));
    }

    /// Does this no end nothing but the dial under way? A server that another one named is shown a
    /// ticket and never the credential, so that a ticket which is used, too old or of another key
    /// says nothing of the user; and one that never held the session has no say in whether it goes
    /// on. It is not asked again; but where the session's own server sends it there once more, what
    /// is said there the second time is the end, so that nobody who was kicked is sent to and fro.
    pub(crate) fn is_no_of_a_target(&mut self, why: JoinErrorKind) -> bool {
        let shown_a_ticket = self.standby.as_ref().filter(|it| !matches!(it.plan, Plan::Resume { .. }));
        let Some(target) = shown_a_ticket.and_then(|standby| standby.target) else { return false };
        let is_home = self.home == Some(target);
        if why == JoinErrorKind::Unauthorized {
            if is_home {
                self.home = None;
            }
            return true;
        }
        !is_home && !std::mem::replace(&mut self.outage.target_refused, true)
    }

    /// Where a dial goes. A remembered hint first; a resume only where the session lives; a
    /// rejoin by turns to that server and to the configured address, so that a sick one is not
    /// asked for ever (E4).
    fn target_of(&mut self, plan: Plan) -> Option<TargetRef> {
        match plan {
            Plan::Resume { .. } => self.home,
            Plan::Join | Plan::Rejoin | Plan::Migrate => match self.hint.take() {
                Some(hint) => {
                    self.hops.note(self.now);
                    hint.target
                }
                None if self.outage.dials.is_multiple_of(2) => self.home,
                None => None,
            },
        }
    }
}
