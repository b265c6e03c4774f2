//! One member of one session: the task that owns its link, its media and its desired state.
//!
//! Here is what it knows and the loop that drives it. How a link attaches is in `attach.rs`,
//! what it is told then in `welcome.rs`, what frames mean in `frames.rs`, deadlines in `clock.rs`, the picture in `media.rs`.

mod attach;
mod clock;
mod frames;
mod images;
mod inflow;
mod leaving;
mod media;
mod moderating;
mod notices;
mod relaying;
mod steering;
#[cfg(test)]
mod tests;
mod welcome;

use crate::door::Admission;
use crate::handover::Dossier;
use crate::model::Model;
use crate::rooms::Place;
use crate::studio::Recipe;
use crate::telemetry::{Allowance, Farewell};
use crate::token::{Credential, Grants};
use crate::{Alive, Shared};
use images::{Awaited, Preparing};
use leaving::Leaving;
use media::Media;
use moderating::Asked;
pub(crate) use moderating::{Silenced, Silencing, kind_of, media_kind};
pub(crate) use notices::{Inbox, Notices, Told};
use notices::{News, Noticing};
use offhook_signaling::{
    Attendance, Desired, Ended, Frame, FromClient, FromServer, GoAwayCode, Instance, Join, LeaveCode, Member,
    MemberLeft, Migrate, Reliability, Resume, Role, Strategy,
};
use relaying::Said;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
pub(crate) use steering::Heed;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// Where a member's letters go.
pub(crate) type Mailbox = mpsc::Sender<Mail>;

/// What a member is told, one after the other. What must not be lost however long it does not read is in
/// [`Notices`].
pub(crate) enum Mail {
    /// A socket showed a good first frame; whether it was taken, or is given back by a member
    /// that is just ending.
    Attach(Box<Attach>, oneshot::Sender<Result<(), Box<Attach>>>),
    /// A frame came on a link.
    Frame { link: u64, frame: Box<Frame<FromClient>> },
    /// Somebody is at the door for whom this place is held, however long that takes.
    Hold,
    /// Whoever it was held for is in, or gone.
    GiveUp,
    /// Its director had everybody painted otherwise, or says something to everybody.
    Steer(Option<Arc<str>>),
    /// A socket is gone; `closed` where its client said so in the words of RFC 6455.
    SocketGone { link: u64, closed: bool },
    /// Somebody else did something this member's client should know.
    Say(Box<FromServer>),
    /// The owner of the server ends it.
    End(Box<Ended>),
    /// The owner of the server asks it to move.
    GoAway(Box<Away>),
    /// Another life of this server will be here soon.
    Restart,
    /// What is known of it, for another server.
    Describe(oneshot::Sender<Option<Box<Dossier>>>),
}

/// What a member that is asked to move is told.
#[derive(Clone)]
pub(crate) struct Away {
    pub(crate) target: Option<String>,
    pub(crate) deadline: Duration,
    pub(crate) reason: GoAwayCode,
    pub(crate) strategy: Option<Strategy>,
    /// At the deadline only the link goes: it is to come back here.
    pub(crate) place_is_kept: bool,
}

/// A new link for a member.
pub(crate) struct Attach {
    pub(crate) hello: Hello,
    pub(crate) link: Link,
}

/// The first frame of a link.
pub(crate) enum Hello {
    Join(Box<Join>, Admission),
    Migrate(Box<Migrate>, Admission),
    Resume(Box<Resume>),
}

/// The way out to a socket.
pub(crate) struct Link {
    pub(crate) number: u64,
    pub(crate) out: mpsc::Sender<ToSocket>,
}

/// What a socket is to write.
pub(crate) enum ToSocket {
    Frame(String),
    /// The member is at its end; whose telemetry may follow on the way out.
    Farewell(Box<Farewell>),
    Close(u16),
}

/// How it goes on after a letter.
#[derive(Debug, PartialEq)]
enum Flow {
    On,
    Over(LeaveCode),
}

struct Actor {
    shared: Arc<Shared>,
    place: Place,
    seen: Member,
    grants: Grants,
    /// The name and end of what it came in with.
    credential: Credential,
    /// When a fresh one is asked for; none where it has no end or that was done.
    ask_credential: Option<Instant>,
    epoch: u64,
    link: Option<Link>,
    /// Did its client say anything since it was let in, or show what it was given then? Then it
    /// knows that it was.
    confirmed: bool,
    frames: Reliability<FromServer>,
    /// Handed over, and on no link here yet: what is said to it nobody has seen.
    expected: bool,
    /// Was something lost that its client should have been told? Then a resume has gaps, and is refused.
    replay_lost: bool,
    secret: String,
    /// Good until the first frame on the newest link.
    previous_secret: Option<String>,
    /// From before the newest rejoin: good for another rejoin until the first frame on the newest
    /// link, but for no resume, since the media it was of is gone.
    rejoin_secret: Option<String>,
    media: Option<Media>,
    /// Whom it is joined with.
    model: Model,
    desired: Desired,
    applied: Option<u64>,
    /// What is painted of its own making, once something is applied.
    recipe: Recipe,
    /// How far it does as its director says.
    heed: Heed,
    /// A state whose image is not here yet.
    awaited: Option<Awaited>,
    preparing: Preparing,
    /// What a moderator muted of it.
    silenced: Silenced,
    /// What it did as a moderator that is not in effect yet.
    asked: Asked,
    noticing: Noticing,
    generation: Option<Generation>,
    generations: u64,
    /// What all of them used, but for what flows now.
    generated: Duration,
    heard: Instant,
    /// When the user last did something.
    interacted: Instant,
    /// Is its user speaking, and heard?
    hears_speech: bool,
    pinged: Instant,
    /// What it said to the others lately.
    said: Said,
    /// How much telemetry it may still send.
    telemetry: Allowance,
    /// When a client that came back is told of a fault that its path had before, if it still has.
    fault_due: Option<Instant>,
    lost: Option<Instant>,
    /// How many at the door this place is held for.
    holds: u32,
    leaves: Option<Leaving>,
    /// When its time is up.
    expires: Option<Instant>,
}

/// A generation under way.
struct Generation {
    number: u64,
    /// Since when pictures go out; none while nothing is generated.
    flows: Option<Instant>,
    ticked: Instant,
}

/// What the roster holds before a member's first frame was judged: nothing to show yet.
pub(crate) fn unseen(instance: Instance) -> Member {
    Member {
        instance,
        user: String::new(),
        name: None,
        role: Role::Participant,
        attendance: Attendance::Present,
        tracks: Vec::new(),
    }
}

/// What the roster holds of somebody that another server sends: not here yet.
pub(crate) fn awaited(member: &Member) -> Member {
    Member { attendance: Attendance::Away, ..member.clone() }
}

/// Runs a member to its end: one that just came, or one that another server sends and that is
/// awaited.
pub(crate) async fn run(
    shared: Arc<Shared>,
    place: Place,
    awaited: Option<(Dossier, Duration)>,
    (mut letters, notices): (mpsc::Receiver<Mail>, Inbox),
    alive: Alive,
) {
    let mut actor = Actor::new(shared, place, notices);
    if let Some((dossier, within)) = awaited {
        actor.expect(dossier, within);
    }
    let why = actor.live(&mut letters).await;
    if why == LeaveCode::Lost {
        // Before its mailbox is closed: who ends the session finds the one or the other.
        actor.leave_a_relic();
    }
    letters.close();
    if why == LeaveCode::Lost {
        actor.shared.rooms.remember(&actor.place.key, actor.place.instance, actor.heed.clone());
    }
    actor.shared.rooms.remove(&actor.shared, &actor.place, actor.farewell(why.clone()));
    while let Ok(letter) = letters.try_recv() {
        match letter {
            // Who wants in at this very moment is no part of this end.
            Mail::Attach(attach, taken) => {
                let _ = taken.send(Err(attach));
            }
            // Unread, and meant for what is kept as well.
            Mail::End(ended) if why == LeaveCode::Lost => {
                actor.shared.end_relics(Some(&actor.place.key), Some(&actor.seen.user), &ended);
            }
            _ => {}
        }
    }
    actor.finish(why).await;
    drop(alive);
}

impl Actor {
    fn new(shared: Arc<Shared>, place: Place, notices: Inbox) -> Self {
        let now = Instant::now();
        Self {
            seen: unseen(place.instance),
            said: Said::nothing(shared.config.limits.message_bytes_per_second, now),
            telemetry: Allowance::full(shared.config.limits.telemetry_per_minute, now),
            shared,
            place,
            grants: Grants::default(),
            credential: Credential::default(),
            ask_credential: None,
            epoch: 0,
            link: None,
            confirmed: false,
            frames: Reliability::new(),
            expected: false,
            replay_lost: false,
            secret: String::new(),
            previous_secret: None,
            rejoin_secret: None,
            media: None,
            model: Model::default(),
            desired: Desired::default(),
            applied: None,
            recipe: Recipe::default(),
            heed: Heed::default(),
            awaited: None,
            preparing: None,
            silenced: Silenced::default(),
            asked: Asked::default(),
            noticing: notices.0,
            generation: None,
            generations: 0,
            generated: Duration::ZERO,
            heard: now,
            interacted: now,
            hears_speech: false,
            pinged: now,
            fault_due: None,
            lost: Some(now),
            holds: 0,
            leaves: None,
            expires: None,
        }
    }

    async fn live(&mut self, letters: &mut mpsc::Receiver<Mail>) -> LeaveCode {
        loop {
            let deadline = self.next_deadline();
            let flow = tokio::select! {
                letter = letters.recv() => match letter {
                    Some(letter) => self.read(letter).await,
                    None => Flow::Over(LeaveCode::Lost),
                },
                news = self.noticing.next() => {
                    self.notices(&news);
                    Flow::On
                }
                (id, outcome) = self.asked.next() => {
                    self.is_moderated(id, outcome);
                    Flow::On
                }
                happened = media::happened(&mut self.media) => self.media_happened(happened),
                prepared = images::prepared(&mut self.preparing) => {
                    self.image_prepared(prepared);
                    Flow::On
                }
                () = tokio::time::sleep_until(deadline) => self.due(),
            };
            if let Flow::Over(why) = flow {
                return why;
            }
        }
    }

    async fn read(&mut self, letter: Mail) -> Flow {
        match letter {
            Mail::Attach(attach, taken) => {
                let _ = taken.send(Ok(()));
                self.attach(*attach).await
            }
            Mail::Hold => {
                self.holds += 1;
                Flow::On
            }
            Mail::GiveUp => {
                self.holds = self.holds.saturating_sub(1);
                if self.epoch == 0 && self.holds == 0 { Flow::Over(LeaveCode::Left) } else { Flow::On }
            }
            Mail::Steer(words) => {
                self.steered(words.as_deref());
                Flow::On
            }
            Mail::Frame { link, frame } => {
                if self.link.as_ref().is_some_and(|current| current.number == link) {
                    self.frame(*frame).await
                } else {
                    Flow::On
                }
            }
            Mail::SocketGone { link, closed } => {
                if self.link.as_ref().is_some_and(|current| current.number == link) {
                    if closed && !self.confirmed {
                        // Given up before it knew that it was in: it holds no secret to resume
                        // with, so there is nobody to wait for.
                        return Flow::Over(LeaveCode::Left);
                    }
                    self.lose_link();
                }
                Flow::On
            }
            Mail::Say(message) => {
                self.say(&message);
                Flow::On
            }
            Mail::End(ended) => self.end_by_owner(*ended),
            Mail::GoAway(away) => {
                self.go_away(*away);
                Flow::On
            }
            Mail::Restart => self.restart(),
            Mail::Describe(tell) => {
                let _ = tell.send(self.describe().map(Box::new));
                Flow::On
            }
        }
    }

    /// What is told by level.
    fn notices(&mut self, news: &News) {
        for silencing in news.silence.iter().flatten() {
            self.silence(silencing);
        }
        self.noticing.heeds(news);
        if news.missed && self.epoch > 0 {
            self.has_missed();
        }
    }

    /// Somebody said something that it had no room for. Its client is not left with a gap that it
    /// knows nothing of: the link is cut, and one that comes back is told all there is to know anew.
    fn has_missed(&mut self) {
        tracing::info!("a member that fell behind is to come in anew");
        self.shared.rooms.fell_behind.fetch_add(1, Ordering::Relaxed);
        self.replay_lost = true;
        self.close_link(1013);
        self.lose_link();
        // Its director may have been the one.
        self.repaint();
    }

    /// Numbers a message, keeps it for a resume if it is a reliable one, and sends it if there is
    /// a link. A link whose reader is too slow is cut: it may resume and have everything replayed.
    fn say(&mut self, message: &FromServer) {
        self.can_say(message);
    }

    /// The same. False where it does not fit into a frame.
    fn can_say(&mut self, message: &FromServer) -> bool {
        let frame = self.frames.frame(message);
        match frame {
            Ok(text) => {
                self.write(text);
                true
            }
            Err(error) => {
                tracing::warn!(%error, "a message does not fit into a frame and was not sent");
                false
            }
        }
    }

    fn write(&mut self, text: String) {
        let full = self.link.as_ref().is_some_and(|link| link.out.try_send(ToSocket::Frame(text)).is_err());
        if full {
            self.lose_link();
        }
    }

    fn lose_link(&mut self) {
        self.link = None;
        self.lost.get_or_insert_with(Instant::now);
    }

    fn close_link(&mut self, code: u16) {
        if let Some(link) = self.link.take() {
            // Dropping the sender closes the socket as well; the code is a courtesy.
            let _ = link.out.try_send(ToSocket::Close(code));
        }
    }

    /// Lets everything go. Nothing of this member is left when it returns.
    async fn finish(&mut self, why: LeaveCode) {
        if why != LeaveCode::Moved {
            self.note_silence();
        }
        self.close_link(1000);
        if let Some(media) = self.media.take() {
            media.close().await;
        }
    }

    /// What the others are told of its end. In a house that closes everybody goes: they hear of their own.
    fn farewell(&self, why: LeaveCode) -> Option<MemberLeft> {
        let is_told = !self.seen.user.is_empty() && !self.shared.is_closing();
        is_told.then_some(MemberLeft { instance: self.place.instance, reason: why })
    }

    fn show(&mut self, attendance: Attendance) {
        if self.seen.attendance != attendance {
            self.seen.attendance = attendance;
            self.shared.rooms.show(&self.place, self.seen.clone());
            let change = offhook_signaling::MemberChange { member: self.seen.clone() };
            self.shared.rooms.tell(&self.place, None, &FromServer::MemberUpdated(change));
        }
    }
}
