//! What is said once and in order, when one link of a session takes another's place (F63, R15): what the
//! older one was told to say and did not come to, it leaves to the lane before it is gone, and until then
//! the newer one holds back what it was told. The desired state needs none of it: the newest counts.

use super::driver::{Driver, Flow, Stage};
use super::lane::Lane;
use offhook_transport::{Action, Epoch};
use std::collections::VecDeque;
use std::sync::Weak;

/// Words that are held back at most; the host is told of a full queue long before.
const HELD: usize = 64;

/// The links that may still have something to say on a lane, and whether the host holds them.
#[derive(Debug, Default)]
pub(super) struct Speakers(Vec<(Epoch, Weak<()>)>);

impl Speakers {
    pub(super) fn enter(&mut self, epoch: Epoch, held: &Weak<()>) {
        if !self.0.iter().any(|(of, _)| *of == epoch) {
            self.0.push((epoch, held.clone()));
        }
    }

    fn leave(&mut self, epoch: Epoch) {
        self.0.retain(|(of, _)| *of != epoch);
    }

    /// Is an older link closed by the host, and not yet at its end? One that is still held is told
    /// nothing more, and says what it was told in its own time.
    fn has_leaving(&self, older_than: Epoch) -> bool {
        self.0.iter().any(|(of, held)| *of < older_than && held.strong_count() == 0)
    }
}

fn is_said_once(action: &Action) -> bool {
    match action {
        Action::Send(_) | Action::React(_) | Action::Say(_) | Action::Moderate(_) => true,
        Action::Apply { .. }
        | Action::Credential(_)
        | Action::Ping
        | Action::RestartIce
        | Action::Publish(_)
        | Action::KeepAlive
        | Action::Telemetry(_)
        | Action::Goodbye => false,
    }
}

impl Driver {
    /// What the host asks for, when it is this link's turn to say it.
    pub(super) async fn act_in_turn(&mut self, action: Action) -> Flow {
        if is_said_once(&action) && self.held.len() < HELD && self.is_waited_for() {
            self.held.push_back(action);
            return Flow::On;
        }
        // Nothing overtakes what is held back, a goodbye least of all.
        if (is_said_once(&action) || action == Action::Goodbye) && self.say(true).await == Flow::Over {
            return Flow::Over;
        }
        self.act(action).await
    }

    /// Something was posted on the lane, or a link of it is gone.
    pub(super) async fn posted(&mut self) -> Flow {
        let Some(lane) = self.lane.clone() else { return Flow::On };
        if lane.state().owner != self.request.epoch {
            // Meant for whoever speaks by now.
            lane.wake_speaker();
            return Flow::On;
        }
        match self.write_posted(&lane, None) {
            Flow::On => self.say(false).await,
            Flow::Over => Flow::Over,
        }
    }

    /// Says what was held back, once nobody is waited for any more, or `now`.
    async fn say(&mut self, now: bool) -> Flow {
        if !now && self.is_waited_for() {
            return Flow::On;
        }
        for action in std::mem::take(&mut self.held) {
            if self.act(action).await == Flow::Over {
                return Flow::Over;
            }
        }
        Flow::On
    }

    /// Has an older link of the lane still something to say?
    fn is_waited_for(&self) -> bool {
        self.lane.as_ref().is_some_and(|lane| lane.state().speakers.has_leaving(self.request.epoch))
    }

    /// What this link was told to say, and did not come to before it was closed: whichever link speaks
    /// for the lane by now says it. Where none does, the session is over, or goes on over another lane,
    /// and what became of the words is unknown (R15).
    pub(super) async fn leave_words(&mut self) {
        let Some(lane) = self.lane.clone() else { return };
        let goes_on = |lane: &Lane| lane.state().owner != self.request.epoch;
        if self.stage == Stage::Up && goes_on(&lane) {
            self.actions.close();
            let mut words: VecDeque<_> = std::mem::take(&mut self.held);
            while let Ok(action) = self.actions.try_recv() {
                words.push_back(action);
            }
            for action in words.into_iter().filter(is_said_once) {
                self.act(action).await;
            }
        }
        lane.state().speakers.leave(self.request.epoch);
        lane.wake_speaker();
    }
}
