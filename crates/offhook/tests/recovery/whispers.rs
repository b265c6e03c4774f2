//! Messages to some, over a recovery of the one who is named and of the one who names (F63): a name in
//! the roster stays the same, and who is away for a moment has it when they are back.

use crate::far_side::*;
use crate::line::*;
use crate::moving::DEADLINE;
use futures_util::{FutureExt, StreamExt};
use offhook::{Client, Event, Events, Join, Joined, Plan, SendError, Session};
use offhook_server::{Drained, GoAwayCode, Server, Signer};
use std::time::Duration;

struct Guest {
    session: Session<Joined>,
    events: Events,
}

async fn guest(client: &Client) -> Guest {
    let idle = client.session("room", "7");
    let events = idle.events();
    let session = soon("the join", idle.join(Join::new())).await.expect("it is let in");
    Guest { session, events }
}

impl Guest {
    async fn name_of(&mut self, user: &str) -> String {
        let named = |event: &Event| match event {
            Event::MemberJoined(member) if member.name == user => Some(member.id.clone()),
            _ => None,
        };
        event(user, &mut self.events, named).await
    }

    async fn says(&self, to: &str, words: &str) {
        let receipt = self.session.send_to([to], "chat", words.to_owned());
        soon("the receipt", receipt).await.unwrap_or_else(|error| panic!("{words}: {error}"));
    }

    /// The next message is this one.
    async fn hears(&mut self, words: &str) {
        let message = |event: &Event| match event {
            Event::Message { payload, .. } => Some(payload.to_vec()),
            _ => None,
        };
        let heard = event(words, &mut self.events, message).await;
        assert_eq!(String::from_utf8_lossy(&heard), words);
    }

    async fn until(&mut self, what: &str, fits: impl Fn(&Event) -> bool) {
        event(what, &mut self.events, |event| fits(event).then_some(())).await;
    }

    async fn recovers(&mut self) -> Plan {
        let plan = |event: &Event| match event {
            Event::Recovered { plan, .. } => Some(*plan),
            _ => None,
        };
        event("the recovery", &mut self.events, plan).await
    }

    fn has_heard_nothing(&mut self) {
        while let Some(Some(event)) = self.events.next().now_or_never() {
            assert!(!matches!(event, Event::Message { .. }), "{event:?}");
        }
    }
}

/// F63, R15: while she is away, one is said to her and one by her; both arrive once, and only there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_to_some_is_not_lost_by_a_resume_of_either_end() {
    let line = Line::clear().await;
    let (one, other) = (client(&line.server, "bob"), client(&line.server, "cy"));
    let mut ada = guest(&line.client).await;
    let (mut bob, mut cy) = (guest(&one).await, guest(&other).await);
    let (to_bob, to_ada) = (ada.name_of("bob").await, bob.name_of("ada").await);
    line.tcp.cut();
    ada.until("the loss", |event| matches!(event, Event::LinkLost { .. })).await;
    let hers = ada.session.send_to([&to_bob], "chat", "from away");
    bob.says(&to_ada, "to away").await;
    line.tcp.restore().expect("the same port");
    assert!(matches!(ada.recovers().await, Plan::Resume { .. }));
    soon("the receipt", hers).await.expect("it is taken");
    bob.hears("from away").await;
    bob.says(&to_ada, "after").await;
    ada.says(&to_bob, "after, too").await;
    bob.hears("after, too").await;
    // Told by the resume: the events before it were read above.
    cy.has_heard_nothing();
    drop((ada.session.leave(), bob.session.leave(), cy.session.leave()));
    one.shutdown().await;
    other.shutdown().await;
    line.end().await;
}

/// F63: after a rejoin she is the same to the others; what was on its way is not known to have arrived.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_is_good_after_a_rejoin_of_either_end() {
    let server = Server::builder().resume_window(Duration::ZERO).start().await.expect("loopback");
    let line = Line::to(server).await;
    let (one, other) = (client(&line.server, "bob"), client(&line.server, "cy"));
    let mut ada = guest(&line.client).await;
    let (mut bob, mut cy) = (guest(&one).await, guest(&other).await);
    let (to_bob, to_ada) = (ada.name_of("bob").await, bob.name_of("ada").await);
    for round in 0..2 {
        line.tcp.control().refuse(true).expect("the relay is there");
        line.tcp.reset();
        ada.until("the loss", |event| matches!(event, Event::LinkLost { .. })).await;
        let lost = ada.session.send_to([&to_bob], "chat", "lost");
        line.tcp.control().refuse(false).expect("the relay is there");
        assert_eq!(ada.recovers().await, Plan::Rejoin);
        assert_eq!(soon("its end", lost).await, Err(SendError::Unknown), "never silently said again");
        bob.says(&to_ada, &format!("to her, {round}")).await;
        ada.hears(&format!("to her, {round}")).await;
        ada.says(&to_bob, &format!("from her, {round}")).await;
        bob.hears(&format!("from her, {round}")).await;
    }
    cy.has_heard_nothing();
    drop((ada.session.leave(), bob.session.leave(), cy.session.leave()));
    one.shutdown().await;
    other.shutdown().await;
    line.end().await;
}

/// F63, F32: a room that is drained is the same room elsewhere, and its members have the same names.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_is_good_after_a_drain() {
    let signer = Signer::random().expect("randomness");
    let first = Server::builder().signer(signer.clone()).start().await.expect("loopback");
    let second = Server::builder().signer(signer).start().await.expect("loopback");
    let clients = ["ada", "bob", "cy"].map(|user| client(&first, user));
    let mut ada = guest(&clients[0]).await;
    let (mut bob, mut cy) = (guest(&clients[1]).await, guest(&clients[2]).await);
    let (to_bob, to_ada) = (ada.name_of("bob").await, bob.name_of("ada").await);
    ada.says(&to_bob, "before").await;
    bob.hears("before").await;
    let drained = first.drain(&second.url(), DEADLINE, GoAwayCode::ShuttingDown).await;
    assert_eq!(drained.expect("a server of the same key"), Drained { moved: 3, stayed: 0 });
    for guest in [&mut ada, &mut bob, &mut cy] {
        guest.until("the move", |event| matches!(event, Event::MigrationFinished { moved: true })).await;
    }
    ada.says(&to_bob, "from her").await;
    bob.hears("from her").await;
    bob.says(&to_ada, "to her").await;
    ada.hears("to her").await;
    cy.has_heard_nothing();
    drop((ada.session.leave(), bob.session.leave(), cy.session.leave()));
    for client in clients {
        client.shutdown().await;
    }
    first.shutdown().await;
    second.shutdown().await;
}
