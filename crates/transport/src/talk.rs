//! A connection that is one future: the shortest way to a transport of one's own. What the
//! contract of [`Connection`] asks for at its edges (nothing before the first poll, actions that
//! never wait, one [`Event::Closed`] and then nothing) is here; the talking is the future's.

#[cfg(test)]
mod tests;

use crate::{Action, Connection, Event, Full};
use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Actions, and reports, that wait at most.
const QUEUE: usize = 64;

/// Makes a connection of a future that talks with the far side.
///
/// `talk` gets what is [`Asked`] of it and a way to [`Report`]. What its future yields is the last
/// report: how the dial failed, or how the link ended; `None` where nothing more is to be said.
/// [`Event::Closed`] follows by itself.
///
/// The connection polls the future and nothing else does: nothing happens before the first poll,
/// nothing is spawned.
///
/// # Drop
/// Dropping or closing the connection drops the future, wherever it is, and what it holds: its
/// socket is closed, and nothing more is reported.
pub fn talk<F>(talk: impl FnOnce(Asked, Report) -> F) -> Box<dyn Connection>
where
    F: Future<Output = Option<Event>> + Send + 'static,
{
    let desk = Arc::new(Mutex::new(Desk::default()));
    let talk = talk(Asked { desk: desk.clone() }, Report { desk: desk.clone() });
    Box::new(Talk { desk, talk: Some(Box::pin(talk)), closed: false })
}

/// What the host asks for, in order.
pub struct Asked {
    desk: Arc<Mutex<Desk>>,
}

impl Asked {
    /// The next action; waits for ever where none comes.
    ///
    /// # Cancel safety
    /// No action is lost.
    pub async fn next(&mut self) -> Action {
        poll_fn(|cx| {
            let mut desk = lock(&self.desk);
            match desk.asked.pop_front() {
                Some(action) => Poll::Ready(action),
                None => {
                    desk.waits = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

/// The way to report. Cloning shares it.
#[derive(Clone)]
pub struct Report {
    desk: Arc<Mutex<Desk>>,
}

impl Report {
    /// Reports something. Waits while nobody reads what was reported before.
    ///
    /// # Cancel safety
    /// What was not reported yet is not, and nothing else is lost.
    pub async fn say(&self, event: Event) {
        let mut event = Some(event);
        poll_fn(|_| {
            let mut desk = lock(&self.desk);
            // The future is polled again once there is room, and not before.
            if desk.reports.len() >= QUEUE {
                return Poll::Pending;
            }
            desk.reports.extend(event.take());
            Poll::Ready(())
        })
        .await;
    }
}

#[derive(Default)]
struct Desk {
    asked: VecDeque<Action>,
    reports: VecDeque<Event>,
    /// Who waits for an action.
    waits: Option<Waker>,
}

struct Talk {
    desk: Arc<Mutex<Desk>>,
    talk: Option<Pin<Box<dyn Future<Output = Option<Event>> + Send>>>,
    closed: bool,
}

impl Connection for Talk {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        if let Some(report) = lock(&self.desk).reports.pop_front() {
            return Poll::Ready(Some(report));
        }
        let last = match self.talk.as_mut().map(|talk| talk.as_mut().poll(cx)) {
            Some(Poll::Ready(last)) => last,
            Some(Poll::Pending) => {
                return lock(&self.desk)
                    .reports
                    .pop_front()
                    .map_or(Poll::Pending, |report| Poll::Ready(Some(report)));
            }
            None => None,
        };
        self.talk = None;
        let mut desk = lock(&self.desk);
        desk.reports.extend(last);
        let report = desk.reports.pop_front();
        Poll::Ready(report.or_else(|| (!std::mem::replace(&mut self.closed, true)).then_some(Event::Closed)))
    }

    fn act(&mut self, action: Action) -> Result<(), Full> {
        // After the end an action is taken and ignored.
        if self.talk.is_none() {
            return Ok(());
        }
        let mut desk = lock(&self.desk);
        if desk.asked.len() >= QUEUE {
            return Err(Full(action));
        }
        desk.asked.push_back(action);
        if let Some(waits) = desk.waits.take() {
            waits.wake();
        }
        Ok(())
    }

    fn close(&mut self) {
        self.talk = None;
        // What was not read yet is of no interest any more.
        lock(&self.desk).reports.clear();
    }
}

fn lock(desk: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asked")
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Report")
    }
}
