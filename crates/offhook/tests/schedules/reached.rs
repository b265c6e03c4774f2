//! What the schedules met. A run that never met something proved nothing about it.

use offhook::mock::What;
use offhook::transport::{Action, Plan};
use offhook::{CallingState, Event};
use std::collections::BTreeMap;
use std::fmt;

#[derive(Default)]
pub struct Reached(BTreeMap<String, u64>);

impl Reached {
    pub fn note(&mut self, what: impl Into<String>) {
        *self.0.entry(what.into()).or_default() += 1;
    }

    pub fn merge(&mut self, other: Self) {
        for (what, count) in other.0 {
            *self.0.entry(what).or_default() += count;
        }
    }

    pub fn state(&mut self, state: CallingState) {
        self.note(format!("state {state}"));
    }

    pub fn event(&mut self, event: &Event) {
        match event {
            Event::StateChanged(state) => self.state(*state),
            Event::Recovered { plan, .. } => self.note(format!("recovered by {}", plan.code())),
            Event::Change { outcome, .. } => {
                let debug = format!("{outcome:?}");
                let word = debug.split([' ', '{']).next().unwrap_or_default();
                self.note(format!("change {word}"));
            }
            Event::MigrationFinished { moved } => self.note(format!("migration moved: {moved}")),
            Event::Ended(ended) => self.note(format!("ended {}", ended.reason.code())),
            Event::LinkLost { plane, fault } => self.note(format!("lost {plane:?} {}", fault.code())),
            Event::Attempt(attempt) if attempt.error.is_some_and(|e| e.code() == "no_session_to_resume") => {
                self.note("resume refused");
            }
            _ => {}
        }
    }

    pub fn seen(&mut self, what: &What) {
        match what {
            What::Dial(dial) => self.note(match dial.plan {
                Plan::Join { .. } => "dial join",
                Plan::Resume { restart_ice: false, .. } => "dial resume",
                Plan::Resume { restart_ice: true, .. } => "dial resume with restart",
                Plan::Rejoin { .. } => "dial rejoin",
                Plan::Migrate { .. } => "dial migrate",
            }),
            What::Action(action) if **action == Action::RestartIce => self.note("ice restart"),
            What::Lost(_) => self.note("an action lost on the way"),
            What::Action(_) | What::Closed => {}
        }
    }

    /// What must be met, and was not.
    pub fn missing(&self) -> Vec<String> {
        let wanted = WANTED.lines().map(str::trim).filter(|line| !line.is_empty());
        wanted.filter(|what| !self.0.contains_key(*what)).map(str::to_owned).collect()
    }
}

impl fmt::Debug for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

const WANTED: &str = "
    state Joining
    state Joined
    state Migrating
    state Reconnecting
    state Offline
    state ReconnectingFailed
    state Left
    dial join
    dial resume
    dial resume with restart
    dial rejoin
    dial migrate
    ice restart
    recovered by resume
    recovered by rejoin
    migration moved: true
    migration moved: false
    change Applied
    change Superseded
    change Refused
    change Unconfirmed
    change Ended
    lost Signaling closed
    lost Signaling silent
    lost Signaling server_restart
    lost Signaling unreachable
    lost Media unreachable
    lost Signaling protocol
    lost Media silent
    lost Media media_fault
    lost Media closed_by_peer
    ended left_by_user
    ended dropped
    ended closed
    ended kicked
    ended replaced
    ended unauthorized
    ended network_lost
    an action lost on the way
    op Prompt
    op BadPrompt
    op Mute
    op Unmute
    op Message
    op Retry
    op NetworkDown
    op NetworkUp
    op SystemSays(Down)
    op SystemSays(Up)
    op SystemSays(Changed)
    op Suspend
    op Wake
    op Cut
    op Restore
    op Lose(Signaling, Closed)
    op Lose(Signaling, TimedOut)
    op Lose(Signaling, ServerRestart)
    op Lose(Media, Closed)
    op Lose(Media, MediaFault)
    op Lose(Media, ClosedByPeer)
    op Silence(Signaling)
    op Silence(Media)
    op Speak
    op Stall
    op Unstall
    op Garble
    op Unreachable
    op GoAway(ShuttingDown)
    op GoAway(Rebalance)
    op GoAway(SessionCap)
    op Advise(Resume)
    op Advise(Rejoin)
    op Refuse(Busy)
    op Refuse(RateLimited)
    op Refuse(Restarting)
    op Refuse(Internal)
    op Refuse(Expired)
    op Refuse(MediaFailed)
    op Restart
    op Refresh
    op CloseLink
    frame returned
    frame kept back by mute
    a join that failed
    healed by retry
    resume refused
";
