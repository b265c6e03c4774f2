//! Commands of the user's on the far side: changes of the desired state, and messages. Each is
//! answered exactly once (R15), by the machine or by the far side.

use super::Host;
use crate::change::Change;
use crate::command::{ChangeAnswer, Command, SendAnswer};
use crate::sources::{Feeder, Track};
use crate::translate;
use offhook_lifecycle as lifecycle;
use offhook_lifecycle::SetError;
use offhook_transport::media::Kind;
use offhook_transport::{Action, Capability, Moderation, Outgoing, Whom, Words};
use tokio::sync::oneshot;

impl Host {
    pub(super) fn command(&mut self, command: Command) {
        let now = self.clock.now();
        match command {
            Command::Set { change, answer } => {
                if let Some(what) = self.lacks(&change) {
                    // Nobody listens any more: no loss, the change was not made.
                    let _ = answer.send(ChangeAnswer::NotSupported(what));
                    return;
                }
                match self.machine.set(self.contents.with_image(change), now) {
                    Ok(revision) => {
                        self.changes.insert(revision, answer);
                    }
                    Err(error) => {
                        let _ = answer.send(ChangeAnswer::Refused(error));
                    }
                }
            }
            Command::Withdraw { revision } => self.machine.withdraw(revision, now),
            Command::Send { to, topic, payload, answer } => {
                // An earlier far side would show it to everybody, or not understand it.
                let needs = match to {
                    Whom::Everybody => Capability::Messages,
                    Whom::These(_) => Capability::AddressedMessages,
                };
                let action = |id| Action::Send(Outgoing { id, to, topic, payload });
                self.send(needs, answer, action);
            }
            Command::React { reaction, answer } => {
                self.send(Capability::Reactions, answer, |id| Action::React(Words { id, text: reaction }));
            }
            Command::Say { text, answer } => {
                self.send(Capability::Conversation, answer, |id| Action::Say(Words { id, text }));
            }
            Command::Published { feeder } => self.published(feeder),
            Command::Moderate { act, answer } => {
                self.send(Capability::Moderate, answer, |id| Action::Moderate(Moderation { id, act }));
            }
            Command::KeepAlive => {
                if let Some(epoch) = self.shared.told.get().epoch() {
                    self.links.act(epoch, Action::KeepAlive);
                }
            }
        }
        self.settle();
    }

    /// The list stands from here on, whatever links there are: every later dial has it (F60).
    fn published(&mut self, feeder: Option<Feeder>) {
        let tracks = self.shared.notes().tracks.clone();
        let known = |track: &Track| self.join.tracks.iter().any(|known| known.track == track.track);
        let muted = translate::desired(self.machine.desired()).muted;
        for track in tracks.iter().filter(|track| !known(track)) {
            let muted = match track.kind() {
                Kind::Audio => muted.audio,
                Kind::Video => muted.video,
            };
            track.track.set_muted(muted);
        }
        if let Some(feeder) = feeder {
            self.spawn(feeder);
        }
        self.join.tracks = tracks;
        self.fit_tracks();
        self.links.act_on_all(|| {
            Action::Publish(self.join.tracks.iter().map(|track| track.track.clone()).collect())
        });
    }

    /// A moderator muted a kind of what is sent: from here on that is what is desired, so that it holds
    /// over every recovery, until the user says otherwise.
    pub(super) fn muted_by_moderator(&mut self, kind: Kind) {
        self.shared.mute(kind, true);
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

    fn send(
        &mut self,
        what: Capability,
        answer: oneshot::Sender<SendAnswer>,
        action: impl FnOnce(u64) -> Action,
    ) {
        let can = self.contents.capabilities.is_none_or(|can| can.has(what));
        let epoch = self.shared.told.get().epoch();
        let refused = match (can, epoch) {
            (false, _) => SendAnswer::NotSupported,
            (true, None) if self.machine.state().is_over() => SendAnswer::Refused(SetError::Over),
            (true, None) => SendAnswer::Away,
            (true, Some(epoch)) if self.links.is_full(epoch) => SendAnswer::LinkFull,
            // A moderator's requests are few, and not to wait behind a flood of reactions.
            (true, Some(_)) if what != Capability::Moderate && !self.pace.take(self.clock.now()) => {
                SendAnswer::RateLimited
            }
            (true, Some(epoch)) => match self.machine.track(self.clock.now()) {
                Err(error) => SendAnswer::Refused(error),
                Ok(id) => {
                    self.messages.insert(id, answer);
                    self.links.act(epoch, action(id.0));
                    return;
                }
            },
        };
        let _ = answer.send(refused);
    }
}
