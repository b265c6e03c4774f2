//! Messages to all and to some, over the scripted far side: who hears them, and what is said of one that
//! nobody hears (F63, R15).

use crate::common::*;
use futures_util::{FutureExt, StreamExt};
use offhook::mock::MockDial;
use offhook::transport::{
    Action, Capability, FaultKind, GoAwayHint, GoAwayReason, Outgoing, Plane, ResumeRefusal, Unsent, Whom,
};
use offhook::{
    BadName, CallingState, Client, Event, Events, Join, Joined, ModerateError, SendError, Session,
};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// The next message that the client sends.
async fn sent(dial: &MockDial) -> Outgoing {
    loop {
        let action = dial.action().await.expect("the link is open");
        if let Action::Send(message) = &*action {
            return message.clone();
        }
    }
}

/// F63: what is named is named on the wire, and each way in which nobody hears it has its type.
#[tokio::test(start_paused = true)]
async fn a_message_to_some_names_them_and_ends_once_with_what_the_far_side_says() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let sending = session.send_to(["bob", "cy"], "chat", "hello");
    let message = sent(&dial).await;
    assert_eq!(message.to, Whom::These(vec!["bob".into(), "cy".into()]));
    assert_eq!((&*message.topic, &*message.payload), ("chat", &b"hello"[..]));
    dial.take(message.id);
    assert_eq!(sending.await, Ok(()));
    let sending = session.send("chat", "all");
    let message = sent(&dial).await;
    assert_eq!(message.to, Whom::Everybody);
    dial.take(message.id);
    assert_eq!(sending.await, Ok(()));
    let gone = SendError::UnknownMember { members: vec!["cy".into()] };
    for (why, error) in [
        (Unsent::UnknownMember, gone),
        (Unsent::Oneself, SendError::Oneself),
        (Unsent::Busy, SendError::Full),
        (Unsent::RateLimited, SendError::RateLimited { per_second: 50 }),
        (Unsent::Unsayable, SendError::Refused { text: "not so".into() }),
        (Unsent::NotSupported, SendError::NotSupported),
        (Unsent::Other, SendError::Refused { text: "not so".into() }),
    ] {
        let sending = session.send_to(["cy"], "chat", "hello");
        let message = sent(&dial).await;
        dial.refuse_message(message.id, why, &["cy"], "not so");
        let refused = sending.await.expect_err("refused");
        assert!(refused.to_string().contains([',', ';']), "with the next step: {refused}");
        assert_eq!(refused, error);
    }
    assert_eq!(session.send_to(["bob"], "chat", "hello").await, Err(SendError::TimedOut));
    drop(session.leave());
}

/// F63: who awaits nothing knows by the number which message an event is of.
#[tokio::test(start_paused = true)]
async fn an_event_of_a_message_names_it_by_the_number_that_sending_it_gave() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let mut events = session.events();
    let refused = session.send("chat", vec![0; Outgoing::PAYLOAD + 1]);
    assert_eq!(refused.id(), None, "it never went anywhere");
    let moderating = session.kick("bob");
    let mut sending =
        [session.send("chat", "one"), session.react("\u{1f44f}"), session.send_to(["bob"], "chat", "three")];
    let ids = sending.each_ref().map(|sending| sending.id().expect("it is on its way"));
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    // As the far side sees them, too; and in another order.
    let first = sent(&dial).await;
    let third = sent(&dial).await;
    assert_eq!([first.id, third.id], [ids[0], ids[2]]);
    dial.take(third.id);
    dial.take(first.id);
    let mut told = Vec::new();
    while told.len() < 4 {
        match events.next().await.expect("the session goes on") {
            Event::MessageTaken { id } => told.push((id, true)),
            Event::MessageUnanswered { id, .. } => told.push((id, false)),
            _ => {}
        }
    }
    told.retain(|(id, _)| ids.contains(id));
    assert_eq!(told, [(ids[2], true), (ids[0], true), (ids[1], false)]);
    assert_eq!((&mut sending[0]).await, Ok(()));
    assert_eq!(sending[0].id(), Some(ids[0]), "also when it was awaited");
    drop((moderating, session.leave()));
}

/// F63, bad input: what no wire can carry is refused at once, in its type, and nothing is sent.
#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_said_is_refused_before_it_goes_anywhere() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let many: Vec<String> = (0..1_000).map(|n| n.to_string()).collect();
    let large = || vec![0; Outgoing::PAYLOAD + 1];
    let control = |at| SendError::BadTopic(BadName::Control { at });
    let long = SendError::BadTopic(BadName::TooLong { limit: 128 });
    for (sending, error) in [
        (session.send("a\nb", "x"), control(1)),
        (session.send("\u{9b}m", "x"), control(0)),
        (session.send("x".repeat(129), "x"), long),
        (session.send("chat", large()), SendError::TooLarge { limit: Outgoing::PAYLOAD }),
        (session.send_to(["bob"], "chat", large()), SendError::TooLarge { limit: Outgoing::PAYLOAD }),
        (session.send_to(["bob"], "\0", "x"), control(0)),
        (session.send_to(Vec::<String>::new(), "chat", "x"), SendError::NoMembers),
        (session.send_to(&many, "chat", "x"), SendError::TooManyMembers { limit: Outgoing::MEMBERS }),
    ] {
        let refused = sending.now_or_never().expect("at once").expect_err("it cannot be said");
        assert!(!refused.to_string().chars().any(char::is_control), "{refused}");
        assert_eq!(refused, error);
    }
    let fits = session.send_to(&many[..Outgoing::MEMBERS], "x".repeat(128), vec![0; Outgoing::PAYLOAD]);
    let message = sent(&dial).await;
    let Whom::These(members) = &message.to else { panic!("{message:?}") };
    assert_eq!(members.len(), Outgoing::MEMBERS, "the first that was sent at all");
    dial.take(message.id);
    assert_eq!(fits.await, Ok(()));
    drop(session.leave());
}

/// R15: it may have arrived, and is not said again by itself: after a rejoin, and after a move as well.
#[tokio::test(start_paused = true)]
async fn a_message_whose_link_is_replaced_before_its_receipt_ends_unknown_at_once() {
    for moves in [false, true] {
        let (client, remote) = by_hand();
        let (session, dial) = joined(&client, &remote).await;
        let sending = session.send_to(["bob"], "chat", "hello");
        sent(&dial).await;
        let next = if moves {
            dial.go_away(GoAwayHint {
                url: None,
                ticket: None,
                deadline: Some(30 * SECOND),
                reason: GoAwayReason::Rebalance,
            });
            remote.dial().await
        } else {
            dial.lose(Plane::Signaling, FaultKind::Closed);
            remote.dial().await.refuse_resume(ResumeRefusal::Gone);
            remote.dial().await
        };
        next.accept();
        let answered = tokio::time::timeout(SECOND, sending).await.expect("not after the command's 15 s");
        assert_eq!(answered, Err(SendError::Unknown), "moves: {moves}");
        let again = session.send_to(["bob"], "chat", "again");
        let message = sent(&next).await;
        assert_eq!(&*message.payload, b"again", "the first is not sent again");
        next.take(message.id);
        assert_eq!(again.await, Ok(()));
        drop(session.leave());
    }
}

/// A joined session on the far side that behaves by itself, with its name in the roster.
async fn member(client: &Client) -> (Session<Joined>, Events, String) {
    let idle = idle(client);
    let mut events = idle.events();
    let session = idle.join(Join::new()).await.expect("the studio lets everybody in");
    let own = |event: &Event| match event {
        Event::MemberJoined(member) => Some(member.id.clone()),
        _ => None,
    };
    let name = event(&mut events, own).await;
    (session, events, name)
}

/// What was heard until now.
fn heard(events: &mut Events) -> Vec<String> {
    let mut said = Vec::new();
    while let Some(Some(event)) = events.next().now_or_never() {
        if let Event::Message { payload, .. } = event {
            said.push(String::from_utf8(payload.to_vec()).expect("text"));
        }
    }
    said
}

/// F63: three in a session of the far side that behaves by itself.
#[tokio::test(start_paused = true)]
async fn of_three_only_those_who_are_named_hear_a_message() {
    let (client, remote) = studio();
    let (ada, mut adas, own) = member(&client).await;
    let (bob, mut bobs, to_bob) = member(&client).await;
    let (_cy, mut cys, to_cy) = member(&client).await;
    assert_eq!(ada.send("chat", "all").await, Ok(()));
    assert_eq!(ada.send_to([&to_bob], "chat", "bob").await, Ok(()));
    assert_eq!(ada.send_to([&to_bob, &to_cy, &to_bob], "chat", "both").await, Ok(()));
    assert_eq!(bob.send_to([&own], "chat", "back").await, Ok(()));
    let nobody = "0".repeat(32);
    let unknown = SendError::UnknownMember { members: vec![nobody.clone()] };
    assert_eq!(ada.send_to([&to_bob, &nobody], "chat", "none").await, Err(unknown));
    assert_eq!(ada.send_to([&own, &to_bob], "chat", "none").await, Err(SendError::Oneself));
    tokio::time::sleep(SECOND).await;
    assert_eq!(heard(&mut bobs), ["all", "bob", "both"]);
    assert_eq!(heard(&mut cys), ["all", "both"], "the third hears nothing of the rest");
    assert_eq!(heard(&mut adas), ["back"]);
    // A name stays the same over every recovery; who is away for a moment has it when they are back.
    let mut states = bob.states();
    for outage in [3 * SECOND, 40 * SECOND] {
        remote.cut();
        until(&mut states, CallingState::Reconnecting).await;
        tokio::time::sleep(outage).await;
        remote.restore();
        until(&mut states, CallingState::Joined).await;
        tokio::time::sleep(10 * SECOND).await;
        assert_eq!(ada.send_to([&to_bob], "chat", "after").await, Ok(()), "{outage:?}");
        tokio::time::sleep(SECOND).await;
        assert_eq!((heard(&mut bobs), heard(&mut cys)), (vec!["after".to_owned()], vec![]), "{outage:?}");
    }
    drop(bob.leave());
    tokio::time::sleep(SECOND).await;
    let gone = SendError::UnknownMember { members: vec![to_bob.clone()] };
    assert_eq!(ada.send_to([&to_bob], "chat", "late").await, Err(gone), "who left is not there");
    drop(ada.leave());
}

/// R15: what is asked of the far side where there is no link, and none on the way, is
/// answered at once and truly: the session is not over, and can come back.
#[tokio::test(start_paused = true)]
async fn in_a_session_that_gave_up_recovering_a_message_is_away_and_not_ended() {
    let (client, remote) = studio();
    let (session, _events, _) = member(&client).await;
    let mut states = session.states();
    remote.cut();
    until(&mut states, CallingState::ReconnectingFailed).await;
    let at_once = |sending: offhook::Sending| sending.now_or_never();
    assert!(at_once(session.send("chat", "x")).is_none(), "the host has the say");
    for sending in [session.send("chat", "x"), session.send_to(["bob"], "chat", "x"), session.react("x")] {
        let answered = tokio::time::timeout(SECOND, sending).await.expect("at once");
        assert_eq!(answered, Err(SendError::Away));
    }
    let away = tokio::time::timeout(SECOND, session.kick("bob")).await.expect("at once");
    assert_eq!(away, Err(ModerateError::Away));
    assert_eq!(session.state(), CallingState::ReconnectingFailed, "nothing of that ended it");
    remote.restore();
    session.controls().retry();
    until(&mut states, CallingState::Joined).await;
    assert_eq!(session.send("chat", "x").await, Ok(()));
    drop(session.leave());
}

/// F63: a far side that knows messages to all alone is not asked to show one to some: it would show it to
/// everybody.
#[tokio::test(start_paused = true)]
async fn what_a_far_side_cannot_send_to_some_is_not_sent_to_all() {
    let (client, remote) = by_hand();
    let joining = idle(&client).join(Join::new());
    let dial = remote.dial().await;
    let mut up = dial.a_welcome();
    up.capabilities = up.capabilities.without(Capability::AddressedMessages);
    dial.answer();
    dial.up(up);
    dial.carried(Plane::Signaling);
    dial.ack(dial.seen().revision);
    dial.carried(Plane::Media);
    let session = joining.await.expect("accepted");
    assert_eq!(session.send_to(["bob"], "chat", "hello").await, Err(SendError::NotSupported));
    let sending = session.send("chat", "all");
    let message = sent(&dial).await;
    assert_eq!((&message.to, &*message.payload), (&Whom::Everybody, &b"all"[..]));
    dial.take(message.id);
    assert_eq!(sending.await, Ok(()));
    drop(session.leave());
}
