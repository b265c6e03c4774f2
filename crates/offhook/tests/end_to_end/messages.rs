//! Messages to some of a session, over real sockets: who hears them, and what is said of one that nobody
//! hears (F63).

use crate::far_side::*;
use futures_util::{FutureExt, StreamExt};
use offhook::{Client, Event, Events, Join, Joined, SendError, Session};
use offhook_server::{Limits, Server};

/// A member that only looks on, and what it hears.
struct Guest {
    client: Client,
    session: Session<Joined>,
    events: Events,
}

async fn guest(server: &Server, user: &str) -> Guest {
    let client = client(server, user);
    let idle = client.session("room", "7");
    let events = idle.events();
    let session = soon("the join", idle.join(Join::new())).await.expect("it is let in");
    Guest { client, session, events }
}

impl Guest {
    /// How the roster names somebody.
    async fn name_of(&mut self, user: &str) -> String {
        let named = |event: &Event| match event {
            Event::MemberJoined(member) if member.name == user => Some(member.id.clone()),
            _ => None,
        };
        event(user, &mut self.events, named).await
    }

    /// The next message.
    async fn hears(&mut self) -> (String, Vec<u8>) {
        let message = |event: &Event| match event {
            Event::Message { from, payload, .. } => Some((from.clone(), payload.to_vec())),
            _ => None,
        };
        event("a message", &mut self.events, message).await
    }

    fn has_heard_nothing(&mut self) {
        while let Some(Some(event)) = self.events.next().now_or_never() {
            assert!(!matches!(event, Event::Message { .. }), "{event:?}");
        }
    }
}

/// F63: of three, the one who is named hears it and the third hears nothing; a name that is nobody's is
/// answered in its type, and then nobody hears it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_three_only_those_who_are_named_hear_a_message() {
    let server = server().await;
    let mut ada = guest(&server, "ada").await;
    let own = ada.name_of("ada").await;
    let mut bob = guest(&server, "bob").await;
    let mut cy = guest(&server, "cy").await;
    let (to_bob, to_cy) = (ada.name_of("bob").await, ada.name_of("cy").await);
    let nobody = "0".repeat(32);
    for (to, members) in [
        (vec![nobody.clone()], vec![nobody.clone()]),
        (vec![to_bob.clone(), nobody.clone()], vec![nobody.clone()]),
        (vec![to_bob.clone(), "bob".into(), "a\nb".into()], vec!["bob".into(), "a\nb".into()]),
    ] {
        let refused = soon("the refusal", ada.session.send_to(to, "chat", "none")).await.expect_err("nobody");
        assert!(!refused.to_string().chars().any(char::is_control), "{refused}");
        assert_eq!(refused, SendError::UnknownMember { members });
    }
    let oneself = soon("the refusal", ada.session.send_to([&own, &to_bob], "chat", "none")).await;
    assert_eq!(oneself, Err(SendError::Oneself));
    soon("the receipt", ada.session.send_to([&to_bob], "chat", "bob")).await.expect("it is taken");
    let both = [&to_bob, &to_cy, &to_bob];
    soon("the receipt", ada.session.send_to(both, "chat", "both")).await.expect("it is taken");
    soon("the receipt", ada.session.send("chat", "all")).await.expect("it is taken");
    for said in ["bob", "both", "all"] {
        assert_eq!(bob.hears().await, (own.clone(), said.as_bytes().to_vec()), "in order, and nothing else");
    }
    for said in ["both", "all"] {
        assert_eq!(cy.hears().await.1, said.as_bytes(), "the third hears nothing of the rest");
    }
    soon("the receipt", bob.session.send_to([&own], "chat", "back")).await.expect("it is taken");
    assert_eq!(ada.hears().await, (to_bob.clone(), b"back".to_vec()));
    cy.has_heard_nothing();
    soon("the release", bob.session.leave().await.released()).await;
    let left =
        |event: &Event| matches!(event, Event::MemberLeft(member) if member.id == to_bob).then_some(());
    event("his leave", &mut ada.events, left).await;
    let late = soon("the refusal", ada.session.send_to([&to_bob], "chat", "late")).await;
    assert_eq!(late, Err(SendError::UnknownMember { members: vec![to_bob] }));
    drop((ada.session, cy.session));
    for client in [ada.client, bob.client, cy.client] {
        client.shutdown().await;
    }
    server.shutdown().await;
}

/// F63, S10: what is beyond what others can be expected to hear goes to nobody and is refused in its type, to all as
/// to one, and the session is as well as before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_others_can_hear_is_refused_to_its_sender() {
    let limits = Limits { message_bytes_per_second: 1, ..Limits::default() };
    let server = Server::builder().limits(limits).start().await.expect("loopback");
    let mut ada = guest(&server, "ada").await;
    let mut bob = guest(&server, "bob").await;
    let to_bob = ada.name_of("bob").await;
    let large = "y".repeat(16 * 1024);
    let mut taken = 0;
    for number in 0..8 {
        let sending = if number % 2 == 0 {
            ada.session.send("chat", large.clone())
        } else {
            ada.session.send_to([&to_bob], "chat", large.clone())
        };
        match soon("the answer", sending).await {
            Ok(()) => {
                taken += 1;
                assert_eq!(bob.hears().await.1, large.as_bytes());
            }
            Err(error) => assert!(matches!(error, SendError::RateLimited { .. }), "{error:?}"),
        }
    }
    assert_eq!(taken, 3, "a frame's worth at once");
    bob.has_heard_nothing();
    soon("the receipt", ada.session.react("ok")).await.expect("the link is there");
    for guest in [ada, bob] {
        drop(guest.session.leave());
        guest.client.shutdown().await;
    }
    server.shutdown().await;
}
