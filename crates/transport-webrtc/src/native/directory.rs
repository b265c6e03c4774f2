//! Sessions by name without joining them: a socket of its own for each question, no peer
//! connection, no task. What is said on it is in `offhook-signaling`; the words of the traits are
//! in `directory/words.rs`.

mod director;
mod words;

pub use director::{Director, DirectorNews};

use super::address::Address;
use super::budget::Budget;
use super::config::Config;
use super::socket::{self, Heard, Socket};
use super::{NoRuntime, WebRtc, translate};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use offhook_signaling::{FromClient, FromServer, Look, Make, Versions, decode_from_server, encode};
use offhook_transport::{
    Directory, DirectoryError, Fault, FaultKind, Profile, Secret, SessionInfo, SessionNews, SessionRef,
    Watching,
};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep, timeout};

/// How long the socket may take to open.
const OPENING: Duration = Duration::from_secs(5);
/// How long an answer may take.
const ANSWERING: Duration = Duration::from_secs(10);
/// A far side that is watched and says nothing for so long is gone; it asks every ten seconds
/// whether we are there.
const SILENCE: Duration = Duration::from_secs(30);
/// How long the closing of a socket may take.
const CLOSING: Duration = Duration::from_millis(250);

/// What a far side said that has no place here.
#[derive(Debug, thiserror::Error)]
enum Amiss {
    #[error("the far side did not answer within {0:?}; try again")]
    NoAnswer(Duration),
    #[error("the far side said what makes no sense here ({0}); update the older side")]
    Garbled(String),
    #[error("the far side closed the connection before it answered; try again")]
    Closed,
}

#[async_trait]
impl Directory for WebRtc {
    async fn get(
        &self,
        session: &SessionRef,
        credential: Option<&Secret>,
    ) -> Result<SessionInfo, DirectoryError> {
        self.ask(&FromClient::Get(look(session, credential))).await
    }

    async fn get_or_create(
        &self,
        session: &SessionRef,
        credential: Option<&Secret>,
        profile: &Profile,
    ) -> Result<SessionInfo, DirectoryError> {
        self.ask(&FromClient::GetOrCreate(make(session, credential, profile))).await
    }

    async fn create(
        &self,
        session: &SessionRef,
        credential: Option<&Secret>,
        profile: &Profile,
    ) -> Result<SessionInfo, DirectoryError> {
        self.ask(&FromClient::Create(make(session, credential, profile))).await
    }

    fn watch(&self, session: &SessionRef, credential: Option<&Secret>) -> Box<dyn Watching> {
        let question = FromClient::Watch(look(session, credential));
        let state = match written(&question) {
            Ok(question) => State::Start(self.config.clone(), question),
            Err(error) => State::Wrong(error),
        };
        Box::new(Watch::new(state))
    }
}

impl WebRtc {
    async fn ask(&self, question: &FromClient) -> Result<SessionInfo, DirectoryError> {
        let question = written(question)?;
        let mut socket = open(&self.config).await?;
        let answer = timeout(ANSWERING, async {
            if !socket.send(question) {
                return Err(lost(Fault::with(FaultKind::Closed, Amiss::Closed)));
            }
            loop {
                match poll_fn(|cx| socket.poll_next(cx)).await {
                    Heard::Frame(frame) => match read(&frame, &mut socket)? {
                        Some(FromServer::Session(info)) => return Ok(words::info(info)),
                        Some(FromServer::Error(error)) => return Err(words::error(error)),
                        _ => {}
                    },
                    Heard::Closed(_) => return Err(lost(Fault::with(FaultKind::Closed, Amiss::Closed))),
                    Heard::Broken(fault, _) => return Err(lost(fault)),
                }
            }
        });
        let answer = answer
            .await
            .unwrap_or_else(|_| Err(lost(Fault::with(FaultKind::TimedOut, Amiss::NoAnswer(ANSWERING)))));
        socket.close(1000, CLOSING).await;
        answer
    }
}

fn look(session: &SessionRef, credential: Option<&Secret>) -> Look {
    Look {
        versions: Versions::OURS,
        session: translate::session(session),
        credential: credential.map(translate::secret),
    }
}

fn make(session: &SessionRef, credential: Option<&Secret>, profile: &Profile) -> Make {
    let Look { versions, session, credential } = look(session, credential);
    Make { versions, session, credential, profile: words::profile(profile) }
}

/// What no far side would take is not asked.
fn written(question: &FromClient) -> Result<String, DirectoryError> {
    encode(None, 0, question).map_err(|error| {
        let text = error.to_string();
        if text.contains("`credential`") {
            DirectoryError::Unauthorized
        } else {
            DirectoryError::BadRequest(text)
        }
    })
}

async fn open(config: &Config) -> Result<Socket, DirectoryError> {
    if tokio::runtime::Handle::try_current().is_err() {
        return Err(lost(Fault::with(FaultKind::Local, NoRuntime)));
    }
    let address = Address::configured(&config.url, config.plain_ws);
    let address = address.map_err(|error| lost(Fault::with(FaultKind::BadAddress, error)))?;
    socket::open(config, &address, OPENING).await.map_err(lost)
}

const fn lost(fault: Fault) -> DirectoryError {
    DirectoryError::Unreachable(fault)
}

/// What a frame says; a ping is answered and says nothing.
fn read(frame: &Bytes, socket: &mut Socket) -> Result<Option<FromServer>, DirectoryError> {
    let garbled = |text: String| lost(Fault::with(FaultKind::Protocol, Amiss::Garbled(text)));
    match decode_from_server(frame).map_err(|error| garbled(error.to_string()))?.message {
        FromServer::Ping(ping) => {
            if let Ok(pong) = encode(None, 0, &FromClient::Pong(ping)) {
                // A socket that takes no more is found out by its silence.
                let _ = socket.send(pong);
            }
            Ok(None)
        }
        other => Ok(Some(other)),
    }
}

enum State {
    /// Nobody has polled yet.
    Start(Arc<Config>, String),
    Opening(BoxFuture<'static, Result<Socket, DirectoryError>>),
    Open(Box<Socket>),
    /// It could be seen to be wrong beforehand.
    Wrong(DirectoryError),
    Over,
}

struct Watch {
    state: State,
    silence: Option<Pin<Box<Sleep>>>,
    last: Option<SessionInfo>,
    news: VecDeque<DirectorNews>,
    /// What a director asked for and was not written yet.
    outbox: VecDeque<String>,
    /// What of it may be written, and over when more may.
    budget: Budget,
    earned: Option<Pin<Box<Sleep>>>,
    waker: Option<Waker>,
}

impl Watch {
    fn over(&mut self, with: DirectoryError) -> Poll<Option<Result<DirectorNews, DirectoryError>>> {
        self.state = State::Over;
        Poll::Ready(Some(Err(with)))
    }

    fn seen(&mut self, info: SessionInfo) {
        match &self.last {
            None => self.news.push_back(DirectorNews::Seen(SessionNews::Now(Box::new(info.clone())))),
            Some(last) => self.news.extend(last.changes(&info).into_iter().map(DirectorNews::Seen)),
        }
        self.last = Some(info);
    }

    fn poll_heard(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<DirectorNews, DirectoryError>>> {
        loop {
            if let Some(news) = self.news.pop_front() {
                if news == DirectorNews::Seen(SessionNews::Gone) {
                    self.state = State::Over;
                }
                return Poll::Ready(Some(Ok(news)));
            }
            match &mut self.state {
                State::Start(config, question) => {
                    let (config, question) = (config.clone(), std::mem::take(question));
                    let opening = async move {
                        let mut socket = open(&config).await?;
                        let sent = socket.send(question);
                        sent.then_some(socket)
                            .ok_or_else(|| lost(Fault::with(FaultKind::Closed, Amiss::Closed)))
                    };
                    self.state = State::Opening(opening.boxed());
                }
                State::Opening(opening) => match std::task::ready!(opening.poll_unpin(cx)) {
                    Ok(socket) => {
                        self.state = State::Open(Box::new(socket));
                        self.silence = Some(Box::pin(sleep(ANSWERING)));
                    }
                    Err(error) => return self.over(error),
                },
                State::Open(socket) => {
                    while !self.outbox.is_empty() {
                        if let Some(due) = self.budget.due() {
                            let earned = self.earned.get_or_insert_with(|| Box::pin(sleep(Duration::ZERO)));
                            earned.as_mut().reset(due);
                            if earned.as_mut().poll(cx).is_pending() {
                                break;
                            }
                            continue;
                        }
                        self.budget.spend();
                        let Some(text) = self.outbox.pop_front() else { break };
                        if !socket.send(text) {
                            return self.over(lost(Fault::with(FaultKind::Closed, Amiss::Closed)));
                        }
                    }
                    let Poll::Ready(heard) = socket.poll_next(cx) else {
                        let silent =
                            self.silence.as_mut().is_some_and(|due| due.as_mut().poll(cx).is_ready());
                        if silent {
                            let fault = Fault::with(FaultKind::TimedOut, Amiss::NoAnswer(SILENCE));
                            return self.over(lost(fault));
                        }
                        return Poll::Pending;
                    };
                    if let Some(silence) = &mut self.silence {
                        silence.as_mut().reset(Instant::now() + SILENCE);
                    }
                    let said = match heard {
                        Heard::Frame(frame) => read(&frame, socket),
                        Heard::Closed(_) => Err(lost(Fault::with(FaultKind::Closed, Amiss::Closed))),
                        Heard::Broken(fault, _) => Err(lost(fault)),
                    };
                    match said {
                        Ok(Some(FromServer::Session(info))) => self.seen(words::info(info)),
                        Ok(Some(FromServer::SessionGone(_))) => {
                            self.news.push_back(DirectorNews::Seen(SessionNews::Gone));
                        }
                        Ok(Some(FromServer::Error(error))) => return self.over(words::error(error)),
                        Ok(other) => self.news.extend(other.and_then(director::steered)),
                        Err(error) => return self.over(error),
                    }
                }
                State::Wrong(_) => {
                    let State::Wrong(error) = std::mem::replace(&mut self.state, State::Over) else {
                        continue;
                    };
                    return Poll::Ready(Some(Err(error)));
                }
                State::Over => return Poll::Ready(None),
            }
        }
    }
}

impl Watching for Watch {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<SessionNews, DirectoryError>>> {
        loop {
            match std::task::ready!(self.poll_heard(cx)) {
                Some(Ok(DirectorNews::Seen(news))) => return Poll::Ready(Some(Ok(news))),
                // Nobody steered.
                Some(Ok(DirectorNews::Steered { .. })) => {}
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}
