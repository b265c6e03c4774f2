//! A session that generates does so after every recovery, and its state says it (F52). The word of it
//! comes with the first picture, which over a move is what proves the new link: whichever is first.

use crate::far_side::*;
use crate::line::*;
use crate::moving::DEADLINE;
use offhook::{ConnectionState, Event, Plan};
use offhook_netrig::{Conditions, Direction};
use offhook_server::{GoAwayCode, Server, Signer};
use std::time::Duration;

impl Observed {
    /// It is generating, and stays so while pictures come.
    async fn generates(&mut self, after: &str) {
        let is = || self.session.connection_state() == ConnectionState::Generating;
        assert!(holds(is).await, "{after}: {:?}, {:#?}", self.session.connection_state(), self.told());
        self.pictures(10).await;
        assert_eq!(self.session.connection_state(), ConnectionState::Generating, "{after}");
    }

    /// Waits for a recovery after the first `past` things.
    async fn recovers_after(&mut self, past: usize) -> Plan {
        let fits = |event: &Event| match event {
            Event::Recovered { plan, .. } => Some(*plan),
            _ => None,
        };
        self.tells("the recovery", past, fits).await.1
    }
}

/// F52: a resume of the socket alone, and one with the path made anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_generates_after_a_resume_with_and_without_its_path() {
    let line = Line::clear().await;
    let mut session = line.joined().await;
    session.generates("the join").await;
    let past = session.told().len();
    line.tcp.reset();
    assert!(matches!(session.recovers_after(past).await, Plan::Resume { .. }));
    session.generates("a resume").await;
    let past = session.told().len();
    line.net.cut();
    session.tells("the loss", past, |event| matches!(event, Event::LinkLost { .. }).then_some(())).await;
    line.net.restore().expect("the relays are there");
    session.recovers_after(past).await;
    session.generates("an outage").await;
    line.end().await;
}

/// F52: a rejoin begins it anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_generates_after_a_rejoin() {
    let server = Server::builder().resume_window(Duration::ZERO).start().await.expect("loopback");
    let line = Line::to(server).await;
    let mut session = line.joined().await;
    for _ in 0..2 {
        session.generates("before").await;
        let past = session.told().len();
        line.tcp.reset();
        assert_eq!(session.recovers_after(past).await, Plan::Rejoin);
        session.generates("a rejoin").await;
    }
    line.end().await;
}

/// F52, F32: over a move, and a second one back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_generates_after_a_move_and_after_a_drain() {
    let signer = Signer::random().expect("randomness");
    let first = Server::builder().signer(signer.clone()).start().await.expect("loopback");
    let second = Server::builder().signer(signer).start().await.expect("loopback");
    let line = Line::to(first).await;
    let mut session = line.joined().await;
    session.generates("the join").await;
    // Pictures are longer on the way than words: the word is there first, and is not to be lost.
    line.net.set(Direction::Down, Conditions::clear().delay(Duration::from_millis(150)));
    line.tcp.set(Direction::Down, Conditions::clear());
    let past = session.told().len();
    line.server.go_away(None, Some(&second.url()), DEADLINE, GoAwayCode::Rebalance).await;
    assert!(session.moved(past).await, "{:#?}", session.told());
    session.generates("a move").await;
    let past = session.told().len();
    second.drain(&line.server.url(), DEADLINE, GoAwayCode::ShuttingDown).await.expect("of the same key");
    assert!(session.moved(past).await, "{:#?}", session.told());
    session.generates("a drain").await;
    line.end().await;
    second.shutdown().await;
}
