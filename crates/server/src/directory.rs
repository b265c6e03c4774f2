//! Directory links and directors' links: sessions looked at, made, watched and steered by those
//! who are not in them. One socket, one question, the credential in its first frame; nothing is
//! allocated before that was judged (S9). What a session is told in is a level: who reads slowly
//! misses steps and never the state.

use crate::config::WATCHER_PING_EVERY;
use crate::lobby::Knock;
use crate::rooms::{Asked, Steering, Which, not_found};
use crate::socket::{Bucket, Over, close, close_code, heard, say, say_and_close};
use crate::token::Claims;
use crate::{Shared, door};
use axum::extract::ws::WebSocket;
use futures_util::StreamExt;
use offhook_signaling::{
    Conclude, EndCode, Ended, Error, ErrorCode, FromClient, FromServer, Look, Make, Party, Ping, Profile,
    Prompt, Role, SessionGone, SessionInfo, SessionRef, Steer, Steered,
};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Does this first frame begin such a link?
pub(crate) fn is_asked(first: &FromClient) -> bool {
    matches!(
        first,
        FromClient::Get(_)
            | FromClient::GetOrCreate(_)
            | FromClient::Create(_)
            | FromClient::Watch(_)
            | FromClient::Direct(_)
    )
}

/// Runs such a link to its end.
pub(crate) async fn run(shared: Arc<Shared>, mut socket: WebSocket, knock: &Knock, first: FromClient) {
    let answer = match first {
        FromClient::Get(look) => get(&shared, &look),
        FromClient::GetOrCreate(make) => make_one(&shared, make, Asked::GetOrCreate),
        FromClient::Create(make) => make_one(&shared, make, Asked::Create),
        FromClient::Watch(look) => match begin(&shared, &look) {
            Ok(news) => {
                knock.admit();
                return Outside { shared, session: look.session, news }.watch(socket, None).await;
            }
            Err(refusal) => Err(refusal),
        },
        FromClient::Direct(look) => match begin_directing(&shared, &look) {
            Ok((news, seat)) => {
                knock.admit();
                return Outside { shared, session: look.session, news }.watch(socket, Some(seat)).await;
            }
            Err(refusal) => Err(refusal),
        },
        _ => Err(door::not_a_beginning()),
    };
    match answer {
        Ok(info) => {
            let _ = say_info(&mut socket, info).await;
            close(&mut socket, 1000).await;
        }
        Err(refusal) => say_and_close(&mut socket, &refusal, close_code(&refusal)).await,
    }
}

fn open(shared: &Shared) -> Result<(), Box<FromServer>> {
    if shared.is_closing() { Err(door::going_down(shared)) } else { Ok(()) }
}

fn refuse(code: ErrorCode, text: &str) -> Box<FromServer> {
    Box::new(FromServer::Error(Error::new(code, text)))
}

/// May the bearer know of this session? Those on its list, directors, and everybody where it has none.
fn may_look(shared: &Shared, claims: &Claims, session: &SessionRef) -> Result<(), Box<FromServer>> {
    if claims.grants.direct || shared.rooms.role_of(&door::key(session), &claims.sub).is_some() {
        return Ok(());
    }
    Err(refuse(ErrorCode::NotPermitted, "you are not on the list of this session; ask the one who made it"))
}

fn get(shared: &Shared, look: &Look) -> Result<SessionInfo, Box<FromServer>> {
    open(shared)?;
    let claims = door::claims(shared, look.versions, &look.session, look.credential.as_ref())?;
    may_look(shared, &claims, &look.session)?;
    shared.rooms.look(shared, &look.session).ok_or_else(not_found)
}

fn make_one(shared: &Shared, make: Make, asked: Asked) -> Result<SessionInfo, Box<FromServer>> {
    open(shared)?;
    let claims = door::claims(shared, make.versions, &make.session, make.credential.as_ref())?;
    fits(&make.profile)?;
    may_look(shared, &claims, &make.session)?;
    if !claims.grants.create {
        // One that is there already may be found by anybody who may look.
        return match shared.rooms.look(shared, &make.session) {
            Some(info) if asked == Asked::GetOrCreate => Ok(info),
            _ => Err(refuse(
                ErrorCode::NotPermitted,
                "the credential does not allow making sessions; ask for one that does",
            )),
        };
    }
    shared.rooms.make(shared, &make.session, make.profile, asked)
}

/// What the codec's limits do not say.
fn fits(profile: &Profile) -> Result<(), Box<FromServer>> {
    let bad = |text: &str| Err(refuse(ErrorCode::BadRequest, text));
    let mut names = HashSet::new();
    if !profile.metadata.iter().all(|entry| names.insert(entry.name.as_str())) {
        return bad("a word of the metadata stands twice; name each once");
    }
    let mut users = HashSet::new();
    if !profile.members.iter().all(|invited| users.insert(invited.user.as_str())) {
        return bad("a member stands twice on the list; name each once");
    }
    if !profile.members.iter().all(|invited| matches!(invited.role, Role::Participant | Role::Viewer)) {
        return bad("a member is invited as participant or as viewer; a director needs no place on the list");
    }
    if profile.settings.max_members == Some(0) {
        return bad("a session that takes nobody is none; leave max_members out, or say at least 1");
    }
    Ok(())
}

fn begin(shared: &Shared, look: &Look) -> Result<watch::Receiver<u64>, Box<FromServer>> {
    open(shared)?;
    let claims = door::claims(shared, look.versions, &look.session, look.credential.as_ref())?;
    may_look(shared, &claims, &look.session)?;
    shared.rooms.watch(shared, &look.session)
}

fn begin_directing(
    shared: &Arc<Shared>,
    look: &Look,
) -> Result<(watch::Receiver<u64>, Seat), Box<FromServer>> {
    open(shared)?;
    let claims = door::claims(shared, look.versions, &look.session, look.credential.as_ref())?;
    if !claims.grants.direct {
        return Err(refuse(
            ErrorCode::NotPermitted,
            "the credential is no director's; ask for one that may direct",
        ));
    }
    let news = shared.rooms.watch(shared, &look.session)?;
    let key = door::key(&look.session);
    let which = shared.rooms.director_came(&key).ok_or_else(not_found)?;
    Ok((news, Seat { shared: shared.clone(), key, which }))
}

/// A director's seat. When it is left and was the last one that was taken, the session has the
/// server's grace to get another, and then ends.
struct Seat {
    shared: Arc<Shared>,
    key: String,
    which: Which,
}

impl Seat {
    /// Not where its session is over, and another has its name.
    fn is_good(&self) -> bool {
        self.shared.rooms.is_still(&self.key, self.which)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let was_its_own = self.shared.rooms.director_went(&self.key, self.which);
        // Where everybody is sent elsewhere, so is the director, and no session ends for that here.
        if was_its_own && !self.shared.is_closing() && self.shared.emptied_to().is_none() {
            await_director(&self.shared, &self.key);
        }
    }
}

/// A session that needs a director and has none gets the server's grace to find one, and then ends.
/// Of any other this means nothing.
pub(crate) fn await_director(shared: &Arc<Shared>, key: &str) {
    if !shared.rooms.misses_director(key) {
        return;
    }
    let grace = shared.config.director_grace;
    let runtime = shared.runtime.clone();
    let (shared, key) = (Arc::downgrade(shared), key.to_owned());
    runtime.spawn(async move {
        tokio::time::sleep(grace).await;
        let Some(shared) = shared.upgrade() else { return };
        // Meanwhile emptied: it goes on elsewhere, and is ended there if need be.
        if shared.emptied_to().is_some() {
            return;
        }
        // A later director that went again has a grace of its own, later.
        if shared.rooms.undirected_for(&key).is_some_and(|time| time >= grace) {
            tracing::info!("a session ends: its director is gone");
            end_all(&shared, &key, EndCode::ControlLost, "the director of this session is gone").await;
        }
    });
}

async fn end_all(shared: &Shared, key: &str, reason: EndCode, text: &str) {
    let ended = Ended { reason, by: Party::Director, text: text.to_owned(), may_retry: true };
    shared.end_members(Some(key), None, &ended).await;
}

/// Somebody who looks on.
struct Outside {
    shared: Arc<Shared>,
    session: SessionRef,
    news: watch::Receiver<u64>,
}

impl Outside {
    async fn watch(mut self, mut socket: WebSocket, seat: Option<Seat>) {
        let mut bucket = Bucket::new(self.shared.config.limits.frames_per_second);
        let mut cut = self.shared.cut.subscribe();
        let (mut ping, mut heard_at) = (Instant::now() + WATCHER_PING_EVERY, Instant::now());
        let mut shown = None;
        loop {
            let info = self.shared.rooms.look(&self.shared, &self.session);
            let Some(info) = info.filter(|_| !self.is_emptied()) else {
                return self.take_leave(&mut socket).await;
            };
            // The age is no news.
            let seen = SessionInfo { age_ms: 0, ..info.clone() };
            if shown.as_ref() != Some(&seen) {
                if !say_info(&mut socket, info).await {
                    return;
                }
                shown = Some(seen);
            }
            tokio::select! {
                changed = self.news.changed() => {
                    if changed.is_err() {
                        return self.take_leave(&mut socket).await;
                    }
                }
                frame = socket.next() => {
                    if !bucket.take() {
                        let error = Error::new(ErrorCode::RateLimited, "too many frames a second; slow down");
                        return say_and_close(&mut socket, &FromServer::Error(error), 1008).await;
                    }
                    heard_at = Instant::now();
                    match heard(frame) {
                        Ok(Some(frame)) => match self.message(frame.message, seat.as_ref().filter(|seat| seat.is_good())).await {
                            Ok(Some(answer)) => if !say(&mut socket, &answer).await { return },
                            Ok(None) => {}
                            Err(over) => return over.answer(&mut socket).await,
                        },
                        Ok(None) => {}
                        Err(over) => return over.answer(&mut socket).await,
                    }
                }
                () = sleep_until(ping) => {
                    if heard_at + WATCHER_PING_EVERY.saturating_mul(3) <= Instant::now() {
                        return close(&mut socket, 1001).await;
                    }
                    ping = Instant::now() + WATCHER_PING_EVERY;
                    if !say(&mut socket, &FromServer::Ping(Ping { id: 0 })).await {
                        return;
                    }
                }
                _ = cut.changed() => return,
            }
        }
    }

    fn is_emptied(&self) -> bool {
        self.shared.is_closing() || self.shared.emptied_to().is_some()
    }

    async fn take_leave(&self, socket: &mut WebSocket) {
        if self.is_emptied() {
            return say_and_close(socket, &door::going_down(&self.shared), 1012).await;
        }
        let gone = SessionGone { session: self.session.clone() };
        say_and_close(socket, &FromServer::SessionGone(gone), 1000).await;
    }

    /// Something that was said on the link, and its answer.
    async fn message(&self, message: FromClient, seat: Option<&Seat>) -> Result<Option<FromServer>, Over> {
        match message {
            FromClient::Ping(ping) => Ok(Some(FromServer::Pong(ping))),
            FromClient::Goodbye(_) => Err(Over::Closed),
            FromClient::Steer(steer) => Ok(Some(match seat {
                Some(seat) => FromServer::Steered(self.steer(&seat.key, steer)),
                None => no_director(steer.id),
            })),
            FromClient::Conclude(Conclude { text }) => {
                if let Some(seat) = seat {
                    end_all(&self.shared, &seat.key, EndCode::ConversationEnded, &text).await;
                }
                Ok(None)
            }
            FromClient::Other(other) => Ok(other.answer().map(FromServer::Unsupported)),
            // Nothing of a session is said here.
            _ => Ok(None),
        }
    }

    fn steer(&self, key: &str, steer: Steer) -> Steered {
        let read = |prompt: Prompt| {
            let recipe = self.shared.config.limits.read_prompt(&prompt.text)?;
            Ok::<_, String>((prompt.text, recipe))
        };
        let prompt = match steer.prompt.map(read).transpose() {
            Ok(prompt) => prompt,
            Err(refused) => return Steered { id: steer.id, members: 0, refused: Some(refused) },
        };
        let steering = Steering { prompt, words: steer.text };
        Steered { id: steer.id, members: self.shared.rooms.steer(key, steering), refused: None }
    }
}

fn no_director(id: u64) -> FromServer {
    let refused = Some("only a director steers; open a link with `direct`".to_owned());
    FromServer::Steered(Steered { id, members: 0, refused })
}

/// Names too long for a frame together are left out: the count is right in any case.
async fn say_info(socket: &mut WebSocket, info: SessionInfo) -> bool {
    let whole = FromServer::Session(info);
    if offhook_signaling::encode(None, 0, &whole).is_ok() {
        return say(socket, &whole).await;
    }
    let FromServer::Session(info) = whole else { return false };
    say(socket, &FromServer::Session(SessionInfo { attendees: Vec::new(), ..info })).await
}

/// How long the longest grace may be: a wish for more is one for ever, which a session that needs
/// its director should not have.
pub(crate) const LONGEST_GRACE: Duration = Duration::from_secs(600);
