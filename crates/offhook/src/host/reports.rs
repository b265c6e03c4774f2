//! What listeners are told, in the order that is promised: an error that ends the session just
//! before its ending, the ending last. Also what is written down for the summary.

use super::Host;
use super::showing::is_live;
use super::stalls::Stall;
use crate::command::{ChangeAnswer, SendAnswer};
use crate::event::{ChangeOutcome, Ended, ErrorReport, Event};
use crate::translate::Uploaded;
use offhook_lifecycle as lifecycle;
use offhook_lifecycle::{CallingState, CommandId, Epoch, Input, Outcome, Plan, Plane, Revision, Time};
use offhook_transport::media::VideoWanted;
use offhook_transport::{Content, Happened};
use std::time::Duration;

/// Media that was not heard of for less than this was not interrupted: life is reported ten
/// times a second at most, and each report may be late.
const INTERRUPTION: Duration = Duration::from_millis(500);

/// What has to be remembered between two reports.
#[derive(Debug, Default)]
pub(super) struct Reporter {
    /// An error waits for the next report: it is final only if that is the ending.
    held: Option<ErrorReport>,
    last_state: Option<CallingState>,
    media: MediaLife,
    /// The image that was told of last, and how much of it, in percent.
    upload: Option<(Revision, u64)>,
    /// What video is wanted, as far as listeners were told.
    pub(super) video: Option<VideoWanted>,
}

/// The longest silence of media within an outage, as heard here.
#[derive(Debug, Default)]
struct MediaLife {
    last: Option<Time>,
    longest: Duration,
    counting: bool,
}

impl MediaLife {
    fn heard(&mut self, now: Time) {
        if let (true, Some(last)) = (self.counting, self.last) {
            self.longest = self.longest.max(now.since(last));
        }
        self.last = Some(now);
    }

    fn take(&mut self) -> Duration {
        self.counting = false;
        let longest = std::mem::take(&mut self.longest);
        if longest < INTERRUPTION { Duration::ZERO } else { longest }
    }
}

impl Reporter {
    /// Does this state show as another one than the last?
    pub(super) fn is_news(&self, state: lifecycle::State) -> bool {
        self.last_state != Some(state.calling())
    }
}

impl Host {
    /// Notes that media was heard of.
    pub(super) fn media_life(&mut self, input: &Input) {
        match input {
            Input::Alive { plane: Plane::Media, .. } | Input::Carried { plane: Plane::Media, .. } => {
                self.reporter.media.heard(self.clock.now());
            }
            Input::PlaneLost { plane: Plane::Media, .. } => self.reporter.media.counting = true,
            _ => {}
        }
    }

    pub(super) fn report(&mut self, event: lifecycle::Event) {
        use lifecycle::Event as E;
        let now = self.clock.now();
        self.sample_report(&event);
        match event {
            E::State(state) => {
                tracing::info!(parent: &self.span, state = state.name(), "state");
                self.on_state(state, now);
            }
            E::Progress(progress) => self.tell(Event::Progress(progress)),
            E::Attempt(attempt) => {
                let error = attempt.error.map(|cause| cause.code());
                tracing::debug!(
                    parent: &self.span, dial = attempt.epoch.0, plan = attempt.plan.code(),
                    took = ?attempt.took, phases = ?attempt.phases, error, "a dial is over"
                );
                self.shared.notes().attempt(attempt);
                self.tell(Event::Attempt(attempt));
            }
            E::JoinFailed(kind) => {
                self.join_failed();
                self.tell(Event::JoinFailed(kind));
            }
            E::AcceptFailed(why) => {
                self.desk.accept_failed(self.instance);
                self.join_failed();
                self.tell(Event::AcceptFailed(why));
            }
            E::PlaneLost { plane, fault } => {
                tracing::info!(parent: &self.span, ?plane, fault = fault.code(), "a plane was lost");
                if plane == Plane::Media {
                    self.reporter.media.counting = true;
                }
                self.tell(Event::LinkLost { plane, fault });
            }
            E::Recovered { plan, after } => {
                let media_interrupted = self.reporter.media.take();
                let mut notes = self.shared.notes();
                notes.tally.recoveries += 1;
                notes.tally.away += after;
                drop(notes);
                self.sample(Happened::Recovered { plan: plan.code(), after, media_interrupted });
                self.tell(Event::Recovered { plan, after, media_interrupted });
                if matches!(plan, Plan::Rejoin | Plan::Migrate) {
                    self.media_moved();
                }
            }
            E::MigrationStarted(why) => self.tell(Event::MigrationStarted(why)),
            E::MigrationFinished { moved } => {
                self.shared.notes().tally.migrations += u32::from(moved);
                self.tell(Event::MigrationFinished { moved });
                if moved {
                    self.media_moved();
                }
            }
            E::Change { revision, outcome } => self.on_change(revision, outcome),
            E::Command { command, outcome } => {
                self.unanswered.forget(command);
                if let Some(answer) = self.messages.remove(&command) {
                    let _ = answer.send(SendAnswer::Unanswered(outcome));
                }
                self.tell(Event::MessageUnanswered { id: command.0, outcome });
            }
            // Told with the far side's own words, when its report passes by as content; but nobody
            // says the end of one whose link another took the place of.
            E::Generating(true) => {}
            E::Generating(false) => self.generation_over(),
            E::Error(cause) => {
                self.flush_reports();
                let text = self.contents.last_text.clone();
                tracing::warn!(parent: &self.span, code = cause.code(), "{cause}");
                self.reporter.held = Some(ErrorReport { session: self.facts.session.clone(), cause, text });
            }
            E::Ended(ending) => self.on_end(ending, now),
        }
    }

    /// An error that nothing followed did not end the session.
    pub(super) fn flush_reports(&mut self) {
        if let Some(error) = self.reporter.held.take() {
            self.shared.events.send(&Event::Error(error));
        }
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.flush_reports();
        self.shared.events.send(&event);
    }

    fn on_state(&mut self, state: lifecycle::State, now: Time) {
        let calling = state.calling();
        if !self.reporter.is_news(state) {
            return;
        }
        self.reporter.last_state = Some(calling);
        {
            let mut notes = self.shared.notes();
            if calling == CallingState::Joined && notes.tally.joined_at.is_none() {
                notes.tally.joined_at = Some(now);
                drop(notes);
                self.desk.joined(self.instance);
            }
        }
        if !self.reporter.media.counting
            && matches!(calling, CallingState::Reconnecting | CallingState::Offline)
        {
            self.reporter.media.counting = true;
        }
        self.shared.tell_state(state);
        self.tell(Event::StateChanged(calling));
    }

    fn on_change(&mut self, revision: Revision, outcome: Outcome) {
        let outcome = match outcome {
            Outcome::Applied => ChangeOutcome::Applied,
            Outcome::Superseded => ChangeOutcome::Superseded,
            Outcome::Refused(item) => ChangeOutcome::Refused { item, text: self.contents.refusal(revision) },
            Outcome::Ended => ChangeOutcome::Ended,
            Outcome::Unconfirmed => ChangeOutcome::Unconfirmed,
            Outcome::Withdrawn => ChangeOutcome::Withdrawn,
        };
        if let Some(answer) = self.changes.remove(&revision) {
            // Nobody may be waiting any more; the event below tells the listeners all the same.
            let _ = answer.send(ChangeAnswer::Result(revision, outcome.clone()));
        }
        self.tell(Event::Change { revision, outcome });
    }

    /// An image gets on. Told when another percent of it has arrived, so that a large one does not
    /// push everything else out of a listener's queue.
    pub(super) fn tell_upload(&mut self, uploaded: Uploaded) {
        let Uploaded { revision, received, total } = uploaded;
        let percent = received.saturating_mul(100) / total.max(1);
        if self.reporter.upload.is_some_and(|(of, told)| of == revision && told >= percent) {
            return;
        }
        self.reporter.upload = Some((revision, percent));
        self.tell(Event::Uploading { revision, received, total });
    }

    /// The session is as it was before: what the join brought along goes back with it.
    fn join_failed(&mut self) {
        self.feeders.abort_all();
        self.provider = None;
        let last = self.contents.last_text.take();
        let text = self.initial.and_then(|initial| self.contents.refusal_of(initial)).or(last);
        if let Some(initial) = self.initial.take() {
            self.machine.withdraw(initial, self.clock.now());
        }
        self.join = crate::join::JoinData::default();
        let mut notes = self.shared.notes();
        notes.tracks.clear();
        notes.voice = None;
        notes.text = text;
        notes.known = std::mem::take(&mut self.contents.last_known);
        notes.fault = self.contents.last_fault.take();
    }

    fn on_end(&mut self, ending: lifecycle::Ending, now: Time) {
        let session = self.facts.session.clone();
        tracing::info!(parent: &self.span, reason = ending.reason.code(), who = ?ending.who, "ended");
        {
            let mut notes = self.shared.notes();
            notes.tally.ended_at = Some(now);
            notes.text = self.contents.last_text.clone().or(notes.ring_text.take());
            notes.known = std::mem::take(&mut self.contents.last_known);
            notes.fault = self.contents.last_fault.take();
        }
        self.desk.over(&self.config, self.instance);
        let error = self.reporter.held.take().map(Event::Error);
        let may_retry = ending.may_retry();
        let ended = Ended { session, reason: ending.reason, who: ending.who, may_retry };
        self.shared.events.finish(error.into_iter().chain([Event::Ended(ended)]));
    }

    /// Data that passes by: admitted, counted as life already, told as it is.
    pub(super) fn tell_content(&mut self, epoch: Epoch, content: Content) {
        let event = match content {
            Content::Message { from, topic, payload } => Event::Message { from, topic, payload },
            Content::Reaction { from, reaction } => Event::Reaction { from, reaction },
            Content::Conversation(mood) => Event::Conversation(mood),
            Content::Said { answers, .. } if self.unanswered.is_late(epoch, &answers) => return,
            Content::Said { text, answers } => {
                self.answered(&answers);
                if text.is_empty() {
                    return;
                }
                Event::Said(text)
            }
            Content::Sent { id } if self.unanswered.taken(id) => return self.say_due(),
            Content::Sent { id } => {
                if let Some(answer) = self.messages.remove(&CommandId(id)) {
                    let _ = answer.send(SendAnswer::Taken);
                }
                Event::MessageTaken { id }
            }
            Content::Unsent { id, why, members, text } => {
                // The answer of the one who sent it; nobody else was to hear of it.
                if let Some(answer) = self.messages.remove(&CommandId(id)) {
                    let _ = answer.send(SendAnswer::Unsent { why, members, text: text.into() });
                }
                return;
            }
            Content::NotTaken { id } if self.unanswered.refused(id) => return,
            Content::NotTaken { id } => {
                if let Some(answer) = self.messages.remove(&CommandId(id)) {
                    let _ = answer.send(SendAnswer::LinkFull);
                }
                return;
            }
            Content::Moderated { id, refused } => {
                // The answer of the one who asked; listeners are told of what it changes.
                if let Some(answer) = self.messages.remove(&CommandId(id)) {
                    let _ = answer.send(match refused {
                        None => SendAnswer::Taken,
                        Some((why, text)) => SendAnswer::NotModerated(why, text.into()),
                    });
                }
                return;
            }
            Content::Muted { by, kind, muted, may_unmute } => {
                if muted {
                    self.muted_by_moderator(kind);
                }
                Event::MutedByModerator { by, kind, muted, may_unmute }
            }
            // Of a link that is being left: the one that takes its place has said what holds there.
            Content::VideoWanted(_) if epoch < self.contents.of => return,
            Content::VideoWanted(wanted) => {
                self.contents.video = Some(wanted);
                self.show();
                return self.tell_video();
            }
            Content::Untaken(_) if epoch < self.contents.of => return,
            Content::Untaken(tracks) => return self.tell_untaken(tracks),
            Content::Member(_) if epoch < self.contents.of => return,
            Content::Member(change) => return self.tell_member(change),
            Content::Generation(generation) => return self.tell_generation(epoch, generation),
            Content::Track { mid, kind, sending } => {
                let stall = self.stalls.says(epoch, &mid, kind, sending, self.clock.now());
                self.tell_stalls(stall);
                Event::RemoteTrack { mid, kind, sending }
            }
            Content::Stats(stats) => {
                self.sample_stats(&stats);
                let live = is_live(self.machine.state());
                let stalls = self.stalls.measured(epoch, &stats, live, self.clock.now());
                self.tell_stalls(stalls);
                self.tell(Event::Stats(stats.clone()));
                return self.tell_quality(epoch, &stats);
            }
            Content::Other(name) => {
                tracing::debug!(parent: &self.span, name, "a message of an unknown type");
                Event::Unknown(name)
            }
        };
        self.tell(event);
    }

    fn tell_stalls(&mut self, stalls: impl IntoIterator<Item = Stall>) {
        for stall in stalls {
            // Which picture is the far side's word, and none of the codes that telemetry is made of.
            self.sample(match &stall {
                Stall::Began { .. } => Happened::PictureStalled,
                Stall::Ended { after, .. } => Happened::PictureResumed { after: *after },
            });
            self.tell(match stall {
                Stall::Began { mid } => Event::PictureStalled { mid },
                Stall::Ended { mid, after } => Event::PictureResumed { mid, after },
            });
        }
    }

    /// The session goes on on the newest link, with its media made anew, and whoever is behind it.
    fn media_moved(&mut self) {
        if let Some(epoch) = self.machine.snapshot().epoch() {
            let stalls = self.stalls.moved_to(epoch, self.clock.now());
            self.tell_stalls(stalls);
            self.say_again(epoch);
        }
    }
}
