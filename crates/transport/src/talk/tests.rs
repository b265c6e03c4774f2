//! Facts about a connection that is a future.

use super::*;
use crate::{Fault, FaultKind, Plane};
use futures_util::FutureExt;
use std::sync::atomic::{AtomicBool, Ordering};

fn next(connection: &mut dyn Connection) -> Option<Option<Event>> {
    poll_fn(|cx| connection.poll_next(cx)).now_or_never()
}

fn failed() -> Event {
    Event::DialFailed(Fault::new(FaultKind::Unreachable))
}

#[test]
fn nothing_happens_before_the_first_poll_and_the_end_is_said_once() {
    let begun = Arc::new(AtomicBool::new(false));
    let saw = begun.clone();
    let mut connection = talk(|_, report| async move {
        saw.store(true, Ordering::Relaxed);
        report.say(Event::Answered).await;
        report.say(Event::PathAlive).await;
        Some(failed())
    });
    assert!(!begun.load(Ordering::Relaxed));
    for expected in [Event::Answered, Event::PathAlive, failed(), Event::Closed] {
        assert_eq!(next(&mut *connection), Some(Some(expected)));
    }
    for _ in 0..3 {
        assert_eq!(next(&mut *connection), Some(None));
    }
    assert!(connection.act(Action::Ping).is_ok(), "after the end an action is taken and ignored");
}

#[test]
fn actions_arrive_in_order_and_too_many_are_given_back() {
    let mut connection = talk(|mut asked, report| async move {
        loop {
            match asked.next().await {
                Action::Ping => report.say(Event::Alive(Plane::Signaling)).await,
                Action::RestartIce => report.say(Event::PathAlive).await,
                _ => return None,
            }
        }
    });
    connection.act(Action::Ping).unwrap();
    connection.act(Action::RestartIce).unwrap();
    assert_eq!(next(&mut *connection), Some(Some(Event::Alive(Plane::Signaling))));
    assert_eq!(next(&mut *connection), Some(Some(Event::PathAlive)));
    assert_eq!(next(&mut *connection), None, "it waits");
    for _ in 0..QUEUE {
        connection.act(Action::Ping).unwrap();
    }
    assert!(matches!(connection.act(Action::Goodbye), Err(Full(Action::Goodbye))));
    for _ in 0..QUEUE {
        assert_eq!(next(&mut *connection), Some(Some(Event::Alive(Plane::Signaling))));
    }
    connection.act(Action::Goodbye).unwrap();
    assert_eq!(next(&mut *connection), Some(Some(Event::Closed)));
}

/// More is not said than is read.
#[test]
fn a_talk_that_says_more_than_is_read_waits() {
    let said = Arc::new(Mutex::new(0));
    let count = said.clone();
    let mut connection = talk(|_, report| async move {
        loop {
            report.say(Event::PathAlive).await;
            *count.lock().unwrap() += 1;
        }
    });
    for read in 0..1_000 {
        assert_eq!(next(&mut *connection), Some(Some(Event::PathAlive)));
        assert!(*said.lock().unwrap() <= read + 1 + QUEUE);
    }
}

#[test]
fn close_drops_the_talk_and_says_closed_alone() {
    struct Socket(Arc<AtomicBool>);
    impl Drop for Socket {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let dropped = Arc::new(AtomicBool::new(false));
    let socket = Socket(dropped.clone());
    let mut connection = talk(|mut asked, report| async move {
        let _socket = socket;
        report.say(Event::Answered).await;
        report.say(Event::PathAlive).await;
        asked.next().await;
        None
    });
    assert_eq!(next(&mut *connection), Some(Some(Event::Answered)));
    connection.close();
    assert!(dropped.load(Ordering::Relaxed));
    assert_eq!(next(&mut *connection), Some(Some(Event::Closed)));
    assert_eq!(next(&mut *connection), Some(None));
}
