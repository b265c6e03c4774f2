//! Commands of the user's on the far side: changes of the desired state, and messages. Each is
//! answered exactly once (R15), by the machine or by the far side.

use super::Host;
use super::links::Level;
use crate::change::Change;
use crate::command::{ChangeAnswer, Command, SendAnswer};
use crate::event::Event;
use crate::sources::{Feeder, SourceEnd};
use crate::translate;
use offhook_lifecycle as lifecycle;
use offhook_lifecycle::{CommandId, SetError};
use offhook_transport::media::Kind;
use offhook_transport::{Action, Capability, Moderation, Outgoing, Whom, Words};
use tokio::sync::oneshot;

impl Host {
    pub(super) fn command(&mut self, command: Command) {
        let now = self.clock.now();
        match command {
            Command::Set { change, mutes, answer } => {
                self.set(change, answer);
                self.shared.notes().muting.entered(mutes);
            }
            Command::Withdraw { revision } => self.machine.withdraw(revision, now),
            Command::Send { id, to, topic, payload, answer } => {
                // An earlier far side would show it to everybody, or not understand it.
                let needs = match to {
                    Whom::Everybody => Capability::Messages,
                    Whom::These(_) => Capability::AddressedMessages,
                };
                let action = |id| Action::Send(Outgoing { id, to, topic, payload });
                self.send(id, needs, answer, action);
            }
            Command::React { id, reaction, answer } => {
                self.send(id, Capability::Reactions, answer, |id| {
                    Action::React(Words { id, text: reaction })
                });
            }
            Command::Say { id, text, answer } => {
                if !self.note_text(id, &text) {
                    let _ = answer.send(SendAnswer::LinkFull);
                } else if !self
                    .send(id, Capability::Conversation, answer, |id| Action::Say(Words { id, text }))
                {
                    self.unanswered.forget(id);
                }
            }
            Command::Published { feeder } => self.published(feeder),
            Command::Moderate { id, act, answer } => {
                self.send(id, Capability::Moderate, answer, |id| Action::Moderate(Moderation { id, act }));
            }
            Command::KeepAlive => {
                if let Some(epoch) = self.shared.told.get().epoch() {
                    self.links.set(epoch, Level::StillThere, Action::KeepAlive, now);
                }
            }
        }
        self.settle();
    }

    fn set(&mut self, change: lifecycle::Change, answer: oneshot::Sender<ChangeAnswer>) {
        let refused = match self.lacks(&change) {
            Some(what) => ChangeAnswer::NotSupported(what),
            None => match self.machine.set(self.contents.with_image(change), self.clock.now()) {
                Ok(revision) => {
                    tracing::debug!(parent: &self.span, revision = revision.0, "a change waits for its answer");
                    self.changes.insert(revision, answer);
                    return;
                }
                Err(error) => ChangeAnswer::Refused(error),
            },
        };
        // Nobody listens any more: no loss, the change was not made.
        let _ = answer.send(refused);
    }

    /// What is published is as silent as is desired, and never sends what an unmute only asks for.
    pub(super) fn follow_mutes(&self) {
        self.shared.notes().follow(translate::silent(self.machine.desired()));
    }

    /// What is played waits where nothing of it would arrive (F54). The voice itself lives on: what shows that
    /// a path carries again may be the answer to it (R5).
    pub(super) fn hold_voice(&self) {
        if let Some(voice) = &self.shared.notes().voice {
            voice.hold(!self.machine.sends());
        }
    }

    /// The list stands from here on, whatever links there are: every later dial has it (F60).
    fn published(&mut self, feeder: Option<Feeder>) {
        let tracks = self.shared.notes().tracks.clone();
        self.follow_mutes();
        if let Some(feeder) = feeder {
            let run = feeder.run(self.shared.sources.clone(), self.ends.0.clone());
            self.feeders.spawn(tracing::Instrument::instrument(run, self.span.clone()));
        }
        self.join.tracks = tracks;
        self.forget_untaken();
        self.fit_tracks();
        let list = || Action::Publish(self.join.tracks.iter().map(|track| track.track.clone()).collect());
        self.links.set_on_all(Level::Published, list, self.clock.now());
    }

    /// Told where the track is still published: what was unpublished meanwhile is no news.
    pub(super) fn source_ended(&mut self, end: SourceEnd) {
        let SourceEnd { track, error } = end;
        if self.shared.notes().tracks.iter().any(|known| known.track == track) {
            let label = track.spec().label.clone();
            self.tell(Event::SourceEnded { label, error });
        }
    }

    /// A moderator muted a kind of what is sent: from here on that is what is desired, so that it holds
    /// over every recovery, until the user says otherwise.
    pub(super) fn muted_by_moderator(&mut self, kind: Kind) {
        let change = translate::change(Change::new().muted(kind, true));
        if let Err(error) = self.machine.set(change, self.clock.now()) {
            tracing::debug!(parent: &self.span, %error, "a moderator's mute is not carried on");
        }
        self.settle();
    }

    /// What of a change this session cannot do.
    fn lacks(&self, change: &lifecycle::Change) -> Option<&'static str> {
        let can = self.contents.capabilities?;
        change.entries().iter().find_map(|entry| match entry {
            lifecycle::Entry::Prompt(_) if !can.has(Capability::Prompt) => Some("a prompt"),
            lifecycle::Entry::Image(_) if !can.has(Capability::Image) => Some("an image"),
            lifecycle::Entry::Prompt(_)
            | lifecycle::Entry::Image(_)
            | lifecycle::Entry::Muted(..)
            | lifecycle::Entry::Published(..)
            | lifecycle::Entry::Subscribed(..) => None,
        })
    }

    /// False where it is refused at once.
    fn send(
        &mut self,
        id: CommandId,
        what: Capability,
        answer: oneshot::Sender<SendAnswer>,
        action: impl FnOnce(u64) -> Action,
    ) -> bool {
        let can = self.contents.capabilities.is_none_or(|can| can.has(what));
        let now = self.clock.now();
        let epoch = self.shared.told.get().epoch();
        let pace = if what == Capability::Moderate { &mut self.moderation } else { &mut self.pace };
        let refused = match (can, epoch) {
            (false, _) => SendAnswer::NotSupported,
            (true, None) if self.machine.state().is_over() => SendAnswer::Refused(SetError::Over),
            (true, None) => SendAnswer::Away,
            (true, Some(epoch)) if self.links.is_full(epoch) => SendAnswer::LinkFull,
            (true, Some(_)) if !pace.take(now) => SendAnswer::RateLimited,
            (true, Some(epoch)) => match self.machine.track_as(id, now) {
                Err(error) => SendAnswer::Refused(error),
                Ok(id) => {
                    self.messages.insert(id, answer);
                    self.links.act(epoch, action(id.0));
                    return true;
                }
            },
        };
        let _ = answer.send(refused);
        false
    }
}
