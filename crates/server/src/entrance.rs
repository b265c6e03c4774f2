//! The way in, from a good first frame to a member that has the link: straight, or by the queue,
//! and over the loading of what the session needs. Runs in the socket's own task, so that one who
//! goes away while it waits is gone from the line with it.

use crate::assets::{Stage, Wanted};
use crate::config::{LOADING_WORD_EVERY, QUEUE_PING_EVERY, QUEUE_WORD_EVERY};
use crate::handover::Dossier;
use crate::lobby::Knock;
use crate::member::{Attach, Hello, Link, Mail, Mailbox};
use crate::queue::{Lane, Turn, Who};
use crate::rooms::{Newcomer, NoPlace};
use crate::socket::{Bucket, Over, heard, say};
use crate::{Shared, door};
use axum::extract::ws::WebSocket;
use futures_util::StreamExt;
use offhook_signaling::{
    Admitted, Error, ErrorCode, FromClient, FromServer, Instance, Join, Offer, Ping, Progress, Queued,
    Secret, SessionRef, Step,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::error::{SendError, TrySendError};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

/// Members of one instance that may end one after the other while one link wants in.
const ENDING_MEMBERS: usize = 4;
/// How long a goodbye may be behind the join of the same user.
const GOODBYE_WITHIN: Duration = Duration::from_millis(500);
/// The first places in a line hear of every step.
const NEAR: u32 = 8;

/// Why somebody is not in.
pub(crate) enum NotIn {
    /// Here is what it is told.
    Refused(Box<FromServer>),
    /// It went, or said what makes no sense.
    Over(Over),
}

impl From<Box<FromServer>> for NotIn {
    fn from(refusal: Box<FromServer>) -> Self {
        Self::Refused(refusal)
    }
}

fn refuse(code: ErrorCode, text: &str) -> NotIn {
    NotIn::Refused(Box::new(FromServer::Error(Error::new(code, text))))
}

/// Judges a first frame and brings its link to its member.
pub(crate) async fn come_in(
    shared: &Arc<Shared>,
    socket: &mut WebSocket,
    knock: &Knock,
    first: FromClient,
    link: Link,
    called: &str,
) -> Result<Mailbox, NotIn> {
    if shared.is_closing() {
        return Err(door::going_down(shared).into());
    }
    match first {
        FromClient::Join(join) => {
            let admission = door::join(shared, &join)?;
            if let Some(place) = door::better_place(shared, &join) {
                let inside = is_inside(shared, &join, &admission.user).await;
                return Err(door::elsewhere(shared, &join, admission, inside, place).into());
            }
            if let Some(rejoin) = &join.rejoin {
                heard_late(shared, &join.session, join.instance, &rejoin.secret)?;
                shared.pace.knock(join.instance, Instant::now()).map_err(door::too_many_at_once)?;
                shared.take_back(&join.session, join.instance, &admission.user, rejoin)?;
                if rejoin.must_exist && shared.rooms.find(&join.session, join.instance).is_none() {
                    let text = "the session is not here any more; join it anew";
                    return Err(refuse(ErrorCode::NoSessionToResume, text));
                }
            }
            // Whoever came this far has shown a credential: it waits as long as it may, elsewhere.
            knock.admit();
            let (join, held) = reserve(shared, socket, join, &admission.user).await?;
            let ticket = admission.ring_ticket.clone();
            let hello = Hello::Join(Box::new(join), admission);
            let mail = attach(shared, Box::new(Attach { hello, link })).await;
            drop(held);
            let mail = mail?;
            if let Some(ticket) = ticket {
                shared.doormat.use_once(&ticket.jti, ticket.exp, door::now());
                // Given up while it was on its way in?
                let alone = shared.rings.lock().left_alone(&ticket.ring);
                if let Some(alone) = alone {
                    shared.rings.send_away(shared, &alone);
                }
            }
            Ok(mail)
        }
        FromClient::Migrate(migrate) => {
            let admission = door::migrate(shared, &migrate, called)?;
            let hello = Hello::Migrate(Box::new(migrate), admission);
            Ok(attach(shared, Box::new(Attach { hello, link })).await?)
        }
        FromClient::Resume(resume) => {
            let hello = Hello::Resume(Box::new(resume));
            Ok(attach(shared, Box::new(Attach { hello, link })).await?)
        }
        _ => Err(door::not_a_beginning().into()),
    }
}

/// What is known of one that is inside already; nothing of one that is not.
async fn is_inside(shared: &Shared, join: &Join, user: &str) -> Option<Box<Dossier>> {
    let mail = shared.rooms.find(&join.session, join.instance)?;
    crate::handover::describe(&mail).await.filter(|inside| inside.member.user == user)
}

/// A place that is held for somebody who is not in yet; given back when this is dropped.
struct Held(Mailbox);

impl Held {
    async fn hold(mail: Mailbox) -> Self {
        // A member that is just ending is no place; the attaching finds that out.
        let _ = mail.send(Mail::Hold).await;
        Self(mail)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Err(TrySendError::Full(letter)) = self.0.try_send(Mail::GiveUp) {
            let mail = self.0.clone();
            tokio::spawn(async move { mail.send(letter).await });
        }
    }
}

/// A place for a join: at once where there is one, else at the end of a line, if it would wait.
/// What the session needs is loaded when this returns.
async fn reserve(
    shared: &Arc<Shared>,
    socket: &mut WebSocket,
    mut join: Join,
    user: &str,
) -> Result<(Join, Held), NotIn> {
    let mut ear = Ear { socket, bucket: Bucket::new(shared.config.limits.frames_per_second) };
    let mail = match shared.rooms.enter(shared, &newcomer(&join, user), None) {
        Ok(mail) => Held::hold(mail).await,
        Err(NoPlace::Full(lane)) if join.wait_in_queue => {
            // Made for the place it does not have: it is asked for another.
            join.offer = None;
            let held = wait(shared, &mut ear, &join, user, lane, Patience::Queue).await?;
            load(shared, &mut ear, &join).await?;
            let ice_servers = shared.config.ice_servers.clone();
            ear.say(&FromServer::Admitted(Admitted { ice_servers })).await?;
            join.offer = Some(ear.offer(shared).await?);
            // Removed while it waited?
            door::not_kicked(shared, &door::key(&join.session), user)?;
            return Ok((join, held));
        }
        Err(NoPlace::Full(lane)) if !shared.rooms.mailboxes(None, Some(user)).is_empty() => {
            wait(shared, &mut ear, &join, user, lane, Patience::Goodbye).await?
        }
        Err(no_place) => return Err(no_place.refusal(shared).into()),
    };
    load(shared, &mut ear, &join).await?;
    Ok((join, mail))
}

fn newcomer<'a>(join: &'a Join, user: &'a str) -> Newcomer<'a> {
    let returning_to = join.rejoin.as_ref().map(|rejoin| rejoin.session_id.as_str());
    Newcomer { session: &join.session, instance: join.instance, user, returning_to }
}

/// For what somebody waits in the line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// For a place, however long; and is told how far it has come.
    Queue,
    /// For a goodbye that may be behind this very join: whoever hangs up and comes again at once
    /// says the two on two sockets, and they may change places on the way (F13).
    Goodbye,
}

/// Waits in the line until there is a place.
async fn wait(
    shared: &Arc<Shared>,
    ear: &mut Ear<'_>,
    join: &Join,
    user: &str,
    mut lane: Lane,
    patience: Patience,
) -> Result<Held, NotIn> {
    let key = door::key(&join.session);
    let who = Who { key: key.clone(), user: user.to_owned(), instance: join.instance, epoch: join.epoch };
    let turn = shared.queue.enter(lane.clone(), who).map_err(|error| Box::new(FromServer::Error(*error)))?;
    let mut line = InLine { shared, key, turn };
    shared.rooms.line_changed(&line.key);
    let end = Instant::now()
        + match patience {
            Patience::Queue => shared.config.limits.queue_wait,
            Patience::Goodbye => GOODBYE_WITHIN.min(shared.config.limits.queue_wait),
        };
    let mut ping = Instant::now() + QUEUE_PING_EVERY;
    let (mut said, mut next_word, mut tried) = (None, Instant::now(), None);
    loop {
        let told = line.turn.look();
        if let Some(refusal) = told.refused {
            return Err(NotIn::Refused(refusal));
        }
        let chance = Some((told.position, told.tries));
        let entered = if std::mem::replace(&mut tried, chance) == chance {
            Err(NoPlace::Full(lane.clone()))
        } else {
            // Where it is somebody else's turn, it is told so.
            shared.rooms.enter(shared, &newcomer(join, user), Some(&line.turn))
        };
        match entered {
            Ok(mail) => return Ok(Held::hold(mail).await),
            Err(NoPlace::Full(other)) if other != lane => {
                line.turn.move_to(other.clone());
                lane = other;
                tried = None;
                continue;
            }
            Err(NoPlace::Full(_)) => {}
            Err(NoPlace::Refused(refusal)) => return Err(NotIn::Refused(refusal)),
        }
        let news = patience == Patience::Queue && said != Some(told.position);
        if news && (told.position < NEAR || said.is_none() || next_word <= Instant::now()) {
            ear.say(&FromServer::Queued(Queued { position: told.position, eta: None })).await?;
            said = Some(told.position);
            next_word = Instant::now() + QUEUE_WORD_EVERY;
            continue;
        }
        let due = if news { ping.min(end).min(next_word) } else { ping.min(end) };
        tokio::select! {
            () = line.turn.changed() => {}
            frame = ear.hear() => { frame?; }
            () = sleep_until(due) => {
                let now = Instant::now();
                if now >= end && patience == Patience::Goodbye {
                    // Not counted among those who wait.
                    drop(line);
                    return Err(NoPlace::Full(lane).refusal(shared).into());
                }
                if now >= end {
                    return Err(refuse(ErrorCode::QueueTimedOut, "no place came free in time; try again later"));
                }
                if now >= ping {
                    ping = now + QUEUE_PING_EVERY;
                    ear.say(&FromServer::Ping(Ping { id: 0 })).await?;
                }
            }
        }
    }
}

/// A place in a line that those who look on are told of, also when it is given up.
struct InLine<'a> {
    shared: &'a Arc<Shared>,
    key: String,
    turn: Turn,
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        self.turn.give_up();
        self.shared.rooms.line_changed(&self.key);
    }
}

/// Waits until what the session needs is loaded.
async fn load(shared: &Arc<Shared>, ear: &mut Ear<'_>, join: &Join) -> Result<(), NotIn> {
    let wanted = Wanted { key: door::key(&join.session), model: join.model.clone() };
    let Some(mut load) = shared.rooms.assets(shared, &wanted) else { return Ok(()) };
    let end = Instant::now() + shared.config.limits.loading;
    loop {
        let Stage { text, percent, over } = load.borrow_and_update().clone();
        match over {
            Some(Ok(())) => return Ok(()),
            Some(Err(failed)) => return Err(refuse(ErrorCode::Unavailable, &failed.to_string())),
            None => {}
        }
        ear.say(&FromServer::Progress(Progress { step: Step::Preparing, text, percent })).await?;
        let word = Instant::now() + LOADING_WORD_EVERY;
        loop {
            tokio::select! {
                // The loader has its word in before it goes, so the channel is never found closed.
                changed = load.changed() => {
                    if changed.is_err() {
                        return Err(refuse(ErrorCode::Unavailable, "the loading was given up; try again"));
                    }
                    break;
                }
                frame = ear.hear() => { frame?; }
                () = sleep_until(word.min(end)) => {
                    if Instant::now() >= end {
                        let text = "what this session needs was not loaded in time; try again later";
                        return Err(refuse(ErrorCode::Unavailable, text));
                    }
                    break;
                }
            }
        }
    }
}

/// A socket whose client waits.
struct Ear<'a> {
    socket: &'a mut WebSocket,
    bucket: Bucket,
}

impl Ear<'_> {
    async fn say(&mut self, message: &FromServer) -> Result<(), NotIn> {
        if say(self.socket, message).await { Ok(()) } else { Err(NotIn::Over(Over::Lost)) }
    }

    /// Something its client says while it waits: a sign of life, or that it goes.
    async fn hear(&mut self) -> Result<Option<Offer>, NotIn> {
        let frame = self.socket.next().await;
        if !self.bucket.take() {
            return Err(refuse(ErrorCode::RateLimited, "too many frames a second; slow down"));
        }
        let Some(frame) = heard(frame).map_err(NotIn::Over)? else { return Ok(None) };
        match frame.message {
            FromClient::Ping(ping) => self.say(&FromServer::Pong(ping)).await?,
            FromClient::Goodbye(_) => return Err(NotIn::Over(Over::Closed)),
            FromClient::Offer(offer) => return Ok(Some(offer)),
            FromClient::Join(_) | FromClient::Resume(_) | FromClient::Migrate(_) => {
                let text = "a link is begun once; open another socket for another dial";
                return Err(refuse(ErrorCode::ProtocolError, text));
            }
            // What belongs to the offer that was discarded, or means nothing yet.
            _ => {}
        }
        Ok(None)
    }

    /// The offer that it was asked for.
    async fn offer(&mut self, shared: &Shared) -> Result<Offer, NotIn> {
        let end = Instant::now() + shared.config.limits.first_frame;
        loop {
            tokio::select! {
                heard = self.hear() => if let Some(offer) = heard? { return Ok(offer) },
                () = sleep_until(end) => {
                    return Err(refuse(ErrorCode::TooSlow, "no offer came in time; join again"));
                }
            }
        }
    }
}

/// Gives a link to its member. One that ends at this very moment gives it back: then the next one
/// is made, or there is none to resume (A22).
async fn attach(shared: &Arc<Shared>, mut attach: Box<Attach>) -> Result<Mailbox, Box<FromServer>> {
    for _ in 0..ENDING_MEMBERS {
        not_ended(shared, &attach.hello)?;
        let mail = mailbox(shared, &attach.hello)?;
        let (taken, is_taken) = oneshot::channel();
        let given_back = match mail.send(Mail::Attach(attach, taken)).await {
            Ok(()) => match is_taken.await {
                Ok(Ok(())) => return Ok(mail),
                Ok(Err(attach)) => Some(attach),
                Err(_) => None,
            },
            Err(SendError(Mail::Attach(attach, _))) => Some(attach),
            Err(SendError(_)) => None,
        };
        let Some(again) = given_back else { break };
        attach = again;
    }
    let text = "the session just ended; join anew";
    Err(Box::new(FromServer::Error(Error::new(ErrorCode::Unavailable, text))))
}

/// Where the member of a link is reached; made if there is none yet and it may be.
fn mailbox(shared: &Arc<Shared>, hello: &Hello) -> Result<Mailbox, Box<FromServer>> {
    let entered = match hello {
        Hello::Join(join, admission) => shared.rooms.enter(shared, &newcomer(join, &admission.user), None),
        Hello::Migrate(migrate, admission) => {
            let known = admission.pass.as_ref().map(|pass| pass.session_id.as_str());
            let (session, instance, user) = (&migrate.session, migrate.instance, admission.user.as_str());
            shared.rooms.enter(shared, &Newcomer { session, instance, user, returning_to: known }, None)
        }
        Hello::Resume(resume) => {
            let found = shared.rooms.find(&resume.session, resume.instance);
            return found.ok_or_else(|| door::nothing_to_resume(shared, resume));
        }
    };
    entered.map_err(|no_place| no_place.refusal(shared))
}

/// Whoever goes on with a membership hears of its end, if it has one: also of one that it comes to while
/// its member is just ending.
fn not_ended(shared: &Shared, hello: &Hello) -> Result<(), Box<FromServer>> {
    match hello {
        Hello::Join(join, _) => match &join.rejoin {
            Some(rejoin) => heard_late(shared, &join.session, join.instance, &rejoin.secret),
            None => Ok(()),
        },
        Hello::Resume(resume) => heard_late(shared, &resume.session, resume.instance, &resume.secret),
        Hello::Migrate(migrate, admission) => {
            let Some(pass) = &admission.pass else { return Ok(()) };
            let whose = (admission.user.as_str(), pass.session_id.as_str());
            match shared.endings.of_ticket(&pass.session, migrate.instance, whose, Instant::now()) {
                Some(ended) => Err(Box::new(FromServer::Ended(ended))),
                None => Ok(()),
            }
        }
    }
}

/// An ending that was said into a dead link is said again to the one it was for.
fn heard_late(
    shared: &Shared,
    session: &SessionRef,
    instance: Instance,
    secret: &Secret,
) -> Result<(), Box<FromServer>> {
    match shared.endings.find(&door::key(session), instance, secret.expose(), Instant::now()) {
        Some(ended) => Err(Box::new(FromServer::Ended(ended))),
        None => Ok(()),
    }
}
