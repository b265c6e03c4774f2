//! One member of one session: the task that owns its link, its media and its desired state.
//!
//! Here is what it knows and the loop that drives it. How a link attaches is in `attach.rs`,
//! what frames mean in `frames.rs`, deadlines in `clock.rs`, the picture in `media.rs`.

mod attach;
mod clock;
mod frames;
mod media;

use crate::door::Admission;
use crate::rooms::Place;
use crate::token::Grants;
use crate::{Alive, Shared};
use media::Media;
use offhook_signaling::{
    Attendance, Ended, Frame, FromClient, FromServer, GoAwayCode, Instance, Join, LeaveCode, Member, Migrate,
    Party, Reliability, Resume, Role,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Where a member's letters go.
pub(crate) type Mailbox = mpsc::Sender<Mail>;

/// What a member is told.
pub(crate) enum Mail {
    /// A socket showed a good first frame.
    Attach(Box<Attach>),
    /// A frame came on a link.
    Frame { link: u64, frame: Box<Frame<FromClient>> },
    /// A socket is gone.
    SocketGone { link: u64 },
    /// Somebody else did something this member's client should know.
    Say(Box<FromServer>),
    /// The owner of the server ends it.
    End(Box<Ended>),
    /// The owner of the server asks it to move.
    GoAway { target: Option<String>, deadline: Duration, reason: GoAwayCode },
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
    credential: (String, u64),
    epoch: u64,
    link: Option<Link>,
    frames: Reliability<FromServer>,
    secret: String,
    /// Good until the first frame on the newest link.
    previous_secret: Option<String>,
    media: Option<Media>,
    applied: Option<u64>,
    generation: Option<Generation>,
    generations: u64,
    heard: Instant,
    pinged: Instant,
    lost: Option<Instant>,
    leaves_at: Option<Instant>,
}

/// A generation under way.
struct Generation {
    number: u64,
    since: Instant,
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

/// Runs a member to its end.
pub(crate) async fn run(shared: Arc<Shared>, place: Place, mut letters: mpsc::Receiver<Mail>, alive: Alive) {
    let now = Instant::now();
    let mut actor = Actor {
        seen: unseen(place.instance),
        shared,
        place,
        grants: Grants::default(),
        credential: (String::new(), 0),
        epoch: 0,
        link: None,
        frames: Reliability::new(),
        secret: String::new(),
        previous_secret: None,
        media: None,
        applied: None,
        generation: None,
        generations: 0,
        heard: now,
        pinged: now,
        lost: Some(now),
        leaves_at: None,
    };
    let why = actor.live(&mut letters).await;
    letters.close();
    actor.shared.rooms.remove(&actor.place);
    actor.finish(why).await;
    // Letters that came too late: a socket that wanted in finds its link closed and dials again.
    while letters.try_recv().is_ok() {}
    drop(alive);
}

impl Actor {
    async fn live(&mut self, letters: &mut mpsc::Receiver<Mail>) -> LeaveCode {
        loop {
            let deadline = self.next_deadline();
            let flow = tokio::select! {
                letter = letters.recv() => match letter {
                    Some(letter) => self.read(letter).await,
                    None => Flow::Over(LeaveCode::Lost),
                },
                happened = media::happened(&mut self.media) => self.media_happened(happened),
                () = tokio::time::sleep_until(deadline) => self.due(),
            };
            if let Flow::Over(why) = flow {
                return why;
            }
        }
    }

    async fn read(&mut self, letter: Mail) -> Flow {
        match letter {
            Mail::Attach(attach) => self.attach(*attach).await,
            Mail::Frame { link, frame } => {
                if self.link.as_ref().is_some_and(|current| current.number == link) {
                    self.frame(*frame).await
                } else {
                    Flow::On
                }
            }
            Mail::SocketGone { link } => {
                if self.link.as_ref().is_some_and(|current| current.number == link) {
                    self.lose_link();
                }
                Flow::On
            }
            Mail::Say(message) => {
                self.say(&message);
                Flow::On
            }
            Mail::End(ended) => {
                let why = if ended.reason == offhook_signaling::EndCode::Kicked {
                    let (credential, exp) = &self.credential;
                    self.shared.doormat.revoke(credential, *exp, crate::door::now());
                    LeaveCode::Kicked
                } else {
                    LeaveCode::Left
                };
                self.end(*ended);
                Flow::Over(why)
            }
            Mail::GoAway { target, deadline, reason } => {
                self.go_away(target, deadline, reason);
                Flow::On
            }
        }
    }

    /// Numbers a message, keeps it for a resume if it is a reliable one, and sends it if there is
    /// a link. A link whose reader is too slow is cut: it may resume and have everything replayed.
    fn say(&mut self, message: &FromServer) {
        match self.frames.frame(message) {
            Ok(text) => self.write(text),
            Err(error) => tracing::warn!(%error, "a message does not fit into a frame and was not sent"),
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

    fn end(&mut self, ended: Ended) {
        self.stop_generation(offhook_signaling::GenerationEnd::Stopped);
        self.say(&FromServer::Ended(ended));
        self.close_link(1000);
    }

    fn close_link(&mut self, code: u16) {
        if let Some(link) = self.link.take() {
            // Dropping the sender closes the socket as well; the code is a courtesy.
            let _ = link.out.try_send(ToSocket::Close(code));
        }
    }

    fn go_away(&mut self, target: Option<String>, deadline: Duration, reason: GoAwayCode) {
        let ticket = target.as_ref().and_then(|target| {
            let instance = self.place.instance.to_string();
            self.shared.signer.ticket(&self.seen.user, &self.grants, &self.place.key, &instance, target).ok()
        });
        self.leaves_at = Some(Instant::now() + deadline);
        self.say(&FromServer::GoAway(offhook_signaling::GoAway {
            target,
            ticket: ticket.map(offhook_signaling::Secret::new),
            deadline_ms: u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX),
            reason,
            strategy: None,
        }));
    }

    /// Lets everything go. Nothing of this member is left when it returns.
    async fn finish(&mut self, why: LeaveCode) {
        self.close_link(1000);
        if let Some(media) = self.media.take() {
            media.close().await;
        }
        if !self.seen.user.is_empty() {
            let left = offhook_signaling::MemberLeft { instance: self.place.instance, reason: why };
            self.shared.rooms.tell(&self.place, None, &FromServer::MemberLeft(left));
        }
    }

    fn show(&mut self, attendance: Attendance) {
        if self.seen.attendance != attendance {
            self.seen.attendance = attendance;
            self.shared.rooms.show(&self.place, self.seen.clone());
            let change = offhook_signaling::MemberChange { member: self.seen.clone() };
            self.shared.rooms.tell(&self.place, None, &FromServer::MemberUpdated(change));
        }
    }

    fn ended_by_user(&self) -> Ended {
        Ended {
            reason: offhook_signaling::EndCode::LeftByUser,
            by: Party::User,
            text: String::new(),
            may_retry: true,
        }
    }
}
