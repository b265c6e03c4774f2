//! A connection under test, polled as a host polls it, with everything it said written down.

use super::{Miss, Rig, Stage, broken};
use crate::{Action, Connection, DialRequest, Event, Plane, Transport, Up};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tokio::time::timeout;

/// The bound of a goodbye or a close, and what a loaded machine may add to it.
pub(super) const CLOSING: Duration = Duration::from_millis(1000 + 1000);

pub(super) struct Driven {
    connection: Box<dyn Connection>,
    pub(super) said: Vec<Event>,
    over: bool,
}

impl Driven {
    pub(super) fn dial(transport: &dyn Transport, request: DialRequest) -> Self {
        Self { connection: transport.dial(request), said: Vec::new(), over: false }
    }

    /// Joins and waits until every plane that the transport has carries.
    pub(super) async fn join(rig: &dyn Rig, stage: &Stage, request: DialRequest) -> Result<Self, Miss> {
        let mut link = Self::dial(&*stage.transport, request);
        link.carry(rig, &*stage.transport).await?;
        Ok(link)
    }

    /// Waits until every plane that the transport has carries, from here on.
    pub(super) async fn carry(&mut self, rig: &dyn Rig, transport: &dyn Transport) -> Result<(), Miss> {
        for plane in [Plane::Signaling, Plane::Media] {
            if transport.capabilities().has_plane(plane) {
                self.until(rig, "every plane to carry", |said| said.contains(&Event::Carried(plane))).await?;
            }
        }
        Ok(())
    }

    /// Waits for the next report; `None` after the last.
    pub(super) async fn next(&mut self) -> Option<Event> {
        let event = self.connection.next().await;
        self.write_down(&event);
        event
    }

    fn write_down(&mut self, event: &Option<Event>) {
        match event {
            Some(event) => self.said.push(event.clone()),
            None => self.over = true,
        }
    }

    /// Polls until what was said, from the first report on, is enough.
    pub(super) async fn until(
        &mut self,
        rig: &dyn Rig,
        what: &str,
        enough: impl Fn(&[Event]) -> bool,
    ) -> Result<(), Miss> {
        let waited = timeout(rig.patience(), async {
            while !enough(&self.said) {
                if self.next().await.is_none() {
                    return false;
                }
            }
            true
        })
        .await;
        match waited {
            Ok(true) => Ok(()),
            Ok(false) => broken(format!("the link closed while waiting for {what}; it said {:?}", self.said)),
            Err(_) => broken(format!(
                "waited {:?} in vain for {what}; the link said {:?}",
                rig.patience(),
                self.said
            )),
        }
    }

    /// Polls until the report after this point fits.
    pub(super) async fn until_new(
        &mut self,
        rig: &dyn Rig,
        what: &str,
        fits: impl Fn(&Event) -> bool,
    ) -> Result<Event, Miss> {
        let from = self.said.len();
        self.until(rig, what, |said| said[from..].iter().any(&fits)).await?;
        let found = self.said[from..].iter().find(|event| fits(event));
        found.cloned().map_or_else(|| broken(format!("{what} was lost")), Ok)
    }

    /// Goes on polling until the future is ready.
    pub(super) async fn during<F: Future>(&mut self, work: F) -> F::Output {
        let mut work = pin!(work);
        poll_fn(|cx| {
            if let Poll::Ready(output) = work.as_mut().poll(cx) {
                return Poll::Ready(output);
            }
            while !self.over {
                match self.connection.poll_next(cx) {
                    Poll::Ready(event) => self.write_down(&event),
                    Poll::Pending => break,
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Polls for this long.
    pub(super) async fn watch(&mut self, time: Duration) {
        self.during(tokio::time::sleep(time)).await;
    }

    pub(super) fn act(&mut self, action: Action) -> Result<(), Action> {
        self.connection.act(action).map_err(|full| full.0)
    }

    /// An action that must find room.
    pub(super) fn ask(&mut self, action: Action) -> Result<(), Miss> {
        self.act(action).or_else(|action| broken(format!("there was no room for one {action:?}")))
    }

    pub(super) fn close(&mut self) {
        self.connection.close();
    }

    /// Reads to the end: `Closed` within its bound, then nothing.
    pub(super) async fn finish(&mut self) -> Result<(), Miss> {
        let to_the_end = async { while self.next().await.is_some() {} };
        if timeout(CLOSING, to_the_end).await.is_err() {
            return broken(format!("no end within a second; the link said {:?}", self.said));
        }
        self.ended_well().await
    }

    /// After the end: exactly one `Closed`, the last, and `None` for ever.
    pub(super) async fn ended_well(&mut self) -> Result<(), Miss> {
        let closed = self.said.iter().filter(|event| **event == Event::Closed).count();
        if closed != 1 || self.said.last() != Some(&Event::Closed) {
            return broken(format!("Closed must come once and last; the link said {:?}", self.said));
        }
        for _ in 0..3 {
            let more = poll_fn(|cx| Poll::Ready(self.connection.poll_next(cx))).await;
            if more != Poll::Ready(None) {
                return broken(format!("after Closed the link said {more:?}"));
            }
        }
        Ok(())
    }

    pub(super) fn up(&self) -> Option<&Up> {
        self.said.iter().find_map(|event| match event {
            Event::Up(up) => Some(&**up),
            _ => None,
        })
    }

    pub(super) fn count(&self, fits: impl Fn(&Event) -> bool) -> usize {
        self.said.iter().filter(|event| fits(event)).count()
    }

    pub(super) fn has_said(&self, fits: impl Fn(&Event) -> bool) -> bool {
        self.said.iter().any(fits)
    }

    /// No report fits.
    pub(super) fn never_said(&self, what: &str, fits: impl Fn(&Event) -> bool) -> Result<(), Miss> {
        if self.has_said(fits) {
            return broken(format!("{what}; the link said {:?}", self.said));
        }
        Ok(())
    }
}
