//! Every reason to end, provoked for real over real sockets (one over the scripted transport), and
//! the order in which each is told: states, then the error if it is one, then the ending, then
//! nothing; and all is released (F11, F14, F18; R3). The list does not compile while one is missing.
//! How each is provoked is in `endings/ways.rs`.

mod ways;

use crate::far_side::*;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use offhook::{AnySession, CallingState, Cause, Client, Controls, EndReason, Event, Phase, Session, Who};
use offhook_server::Server;
use tokio::task::JoinHandle;

/// Whoever listens to a session from before it does anything.
pub(crate) struct Told {
    controls: Controls,
    events: JoinHandle<Vec<Event>>,
    twin: JoinHandle<Vec<Event>>,
    states: JoinHandle<Vec<CallingState>>,
}

impl Told {
    pub(crate) fn of<P: Phase>(session: &Session<P>) -> Self {
        let (events, twin, states) = (session.events(), session.events(), session.states());
        Self {
            controls: session.controls(),
            events: tokio::spawn(events.collect()),
            twin: tokio::spawn(twin.collect()),
            states: tokio::spawn(states.map(|seen| seen.state()).collect()),
        }
    }
}

/// A session that is over, and what is still there of the scene.
pub(crate) struct Over {
    pub(crate) told: Told,
    /// The handle, where the ending left one: held on to, as an application may.
    pub(crate) held: Option<AnySession>,
    pub(crate) clients: Vec<Client>,
    pub(crate) server: Option<Server>,
}

/// One way to each reason. The same words make the list and a match without a wildcard.
macro_rules! provoked {
    ($($reason:pat => $way:expr,)*) => {
        /// Breaks the build for a reason that the list does not have.
        const fn is_listed(reason: EndReason) {
            match reason { $($reason => {})* }
        }

        type Way = (&'static str, fn(EndReason) -> bool, BoxFuture<'static, Over>);

        fn all() -> Vec<Way> {
            vec![$((stringify!($reason), |reason| matches!(reason, $reason), Box::pin($way))),*]
        }
    };
}

use offhook_server::EndCode as Code;

provoked! {
    EndReason::LeftByUser => ways::left(),
    EndReason::Dropped => ways::dropped(),
    EndReason::Closed => ways::ended(Code::Closed),
    EndReason::EndedForAll => ways::ended(Code::EndedForAll),
    EndReason::Declined => ways::declined(),
    EndReason::DeclinedByAll => ways::declined_by_all(),
    EndReason::Cancelled => ways::cancelled(),
    EndReason::EndedBeforePickup => ways::ended_before_pickup(),
    EndReason::Busy => ways::busy(),
    EndReason::NotAnswered => ways::not_answered(),
    EndReason::AnsweredElsewhere => ways::answered_elsewhere(),
    EndReason::JoinFailed(_) => ways::joined_with_what_is_refused(),
    EndReason::Kicked => ways::ended(Code::Kicked),
    EndReason::Replaced => ways::replaced(),
    EndReason::IdleTimeout => ways::ended(Code::IdleTimeout),
    EndReason::MediaIdle => ways::ended(Code::MediaIdle),
    EndReason::MaxDuration => ways::too_long(),
    EndReason::ConversationEnded => ways::ended(Code::ConversationEnded),
    EndReason::ControlLost => ways::director_gone(),
    EndReason::ServerRotation => ways::ended(Code::ServerRotation),
    EndReason::ServerShutdown => ways::server_gone(),
    EndReason::OutOfCredit => ways::ended(Code::OutOfCredit),
    EndReason::Moderated => ways::ended(Code::Moderated),
    EndReason::Unauthorized => ways::ended(Code::Unauthorized),
    EndReason::Unsupported => ways::ended(Code::Unsupported),
    EndReason::NetworkLost => ways::network_gone(),
    EndReason::MediaLost => ways::media_gone(),
    EndReason::Suspended => ways::suspended(),
    EndReason::Glare { .. } => ways::glare(),
    EndReason::RingRefused(_) => ways::ring_to_oneself(),
    EndReason::ProtocolError => ways::ended(Code::ProtocolError),
    EndReason::HostGone => ways::runtime_gone(),
}

/// Tasks of this runtime that are alive.
fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

/// F11, F14, F18.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_reason_to_end_can_be_provoked_and_is_told_in_order_once_and_leaves_nothing() {
    let all = all();
    assert_eq!(all.len(), EndReason::ALL.len(), "a reason is missing in `ALL`");
    for (name, is_it, way) in all {
        let before = tasks();
        let Over { told, held, clients, server } = soon(name, way).await;
        let reason = in_order(name, told).await;
        is_listed(reason);
        assert!(is_it(reason), "{name}: {reason:?}");
        // Released though a handle is still held: whoever holds one holds nothing else.
        for client in &clients {
            soon("the shutdown", client.shutdown()).await;
            assert!(client.sessions().is_empty(), "{name}: {:?}", client.sessions());
        }
        if let Some(server) = server {
            let empty = holds(|| {
                let census = server.census();
                (census.members, census.rings, census.presences) == (0, 0, 0)
            });
            assert!(empty.await, "{name}: {:?}", server.census());
            server.shutdown().await;
        }
        assert!(holds(|| tasks() <= before).await, "{name}: {} tasks are left", tasks() - before);
        drop(held);
    }
}

/// Was it this side that left?
fn ended_here(reason: EndReason) -> bool {
    reason.who() == Who::User
}

/// The contract, of whatever ending.
async fn in_order(name: &str, told: Told) -> EndReason {
    let Told { controls, events, twin, states } = told;
    let (events, twin, states) = soon(name, async { (events.await, twin.await, states.await) }).await;
    let (events, twin, states) =
        (events.expect("no panic"), twin.expect("no panic"), states.expect("no panic"));
    let Some(Event::Ended(ended)) = events.last() else { panic!("{name}: the last is {:?}", events.last()) };
    let reason = ended.reason;
    assert_eq!(
        events.iter().filter(|event| matches!(event, Event::Ended(_))).count(),
        1,
        "{name}: {events:?}"
    );
    assert_eq!((ended.who, ended.may_retry), (reason.who(), reason.is_retryable()), "{name}");

    // The error that ends a session comes just before its ending, and of none else is there one.
    let errors: Vec<_> = events.iter().filter(|event| matches!(event, Event::Error(_))).collect();
    if reason.is_error() {
        let Some(Event::Error(error)) = events.iter().rev().nth(1) else { panic!("{name}: {events:?}") };
        assert_eq!(error.session, ended.session, "{name}");
        assert!(
            !error.code().is_empty() && error.cause != Cause::End(EndReason::LeftByUser),
            "{name}: {error:?}"
        );
    } else {
        assert!(errors.is_empty(), "{name}: somebody wanted it: {events:?}");
    }

    // `Left` is the last state, and is shown once; what was shown before it is what was told.
    assert_eq!(states.last(), Some(&CallingState::Left), "{name}: {states:?}");
    assert_eq!(states.iter().filter(|state| **state == CallingState::Left).count(), 1, "{name}: {states:?}");
    let mut shown = states.iter().filter(|state| **state != CallingState::Left);
    for event in &events {
        if let Event::StateChanged(state) = event {
            let found = *state == CallingState::Left || shown.any(|shown| shown == state);
            assert!(found, "{name}: {state:?} was told and not shown in this order: {states:?}");
        }
    }

    // Another listener was told the same, and one that comes late is told nothing.
    let but_measurements = |events: &[Event]| -> Vec<Event> {
        events.iter().filter(|event| !matches!(event, Event::Stats(_))).cloned().collect()
    };
    let (events, twin) = (but_measurements(&events), but_measurements(&twin));
    if ended_here(reason) {
        // A leave cuts off what a listener had not read yet, and each reads at its own pace; up to
        // there, and at the end, they were told the same.
        let from = events.iter().position(|event| Some(event) == twin.first());
        let same = |from: usize| {
            let both = events[from..].iter().zip(&twin);
            both.take((events.len() - from).min(twin.len()).saturating_sub(2))
                .all(|(one, other)| one == other)
        };
        assert!(from.is_none_or(same), "{name}: {events:?} and {twin:?}");
        assert_eq!(events.last(), twin.last(), "{name}");
    } else {
        assert!(events.ends_with(&twin), "{name}: {events:?} and {twin:?}");
    }
    assert_eq!(controls.state(), CallingState::Left, "{name}");
    if let Some(mut late) = controls.events() {
        assert_eq!(soon("the end of a late listener", late.next()).await, None, "{name}");
    }
    reason
}
