//! Who is there, as the others see it.

use crate::wire::{Member, Wire, builder, goodbye, join, pong, server, settled};
use offhook_signaling::{Attendance, FromClient, FromServer, Instance, Join, LeaveCode, Ping, Relay};
use std::sync::Mutex;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

// F63, F10, F11
#[tokio::test]
async fn everybody_sees_who_is_there_who_comes_and_who_goes() {
    let server = server().await;
    let mut ada = Wire::enter(&server, "ada", 1).await;
    let mut bob = Wire::enter(&server, "bob", 2).await;
    let mut names: Vec<_> = bob.joined.snapshot.roster.iter().map(|member| member.user.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["ada", "bob"], "itself included");
    let came = ada.wire.until("Bob", |message| match message {
        FromServer::MemberJoined(change) => Some(change.member),
        _ => None,
    });
    let came = came.await;
    assert_eq!((came.instance, came.user.as_str()), (Instance(2), "bob"));
    bob.wire.say(&crate::wire::goodbye()).await;
    let left = ada.wire.until("Bob's leaving", |message| match message {
        FromServer::MemberLeft(left) => Some(left),
        _ => None,
    });
    let left = left.await;
    assert_eq!((left.instance, left.reason), (Instance(2), LeaveCode::Left));
}

// H1, H2: within 8 s of silence it is away, and lost at the end of its window and two seconds.
#[tokio::test]
async fn a_member_that_falls_silent_is_away_and_then_lost() {
    let server = builder().resume_window(Duration::from_secs(5)).start().await.expect("a port");
    let mut watcher = Wire::enter(&server, "bob", 2).await;
    let ada = Wire::enter(&server, "ada", 1).await;
    let silent = Instant::now();
    ada.wire.lose();
    // The watcher itself must be heard.
    let mut seen = Vec::new();
    while seen.len() < 2 {
        watcher.wire.say(&FromClient::Ping(offhook_signaling::Ping { id: 1 })).await;
        let news = tokio::time::timeout(
            Duration::from_secs(1),
            watcher.wire.until("news of Ada", |message| match message {
                FromServer::MemberUpdated(change) => Some(format!("{:?}", change.member.attendance)),
                FromServer::MemberLeft(left) => Some(format!("{:?}", left.reason)),
                _ => None,
            }),
        );
        if let Ok(news) = news.await {
            seen.push(news);
        }
        assert!(silent.elapsed() < Duration::from_secs(20), "{seen:?}");
    }
    assert_eq!(seen, [format!("{:?}", Attendance::Away), format!("{:?}", LeaveCode::Lost)]);
    assert!(silent.elapsed() < Duration::from_secs(11), "{:?}", silent.elapsed());
}

// F63, bad input: who vanishes in the middle of a message has said nothing; the rest of the session goes
// on, and what was whole before it arrives.
#[tokio::test]
async fn a_member_that_vanishes_in_the_middle_of_a_message_has_not_said_it() {
    let server = builder().resume_window(Duration::ZERO).start().await.expect("a port");
    let mut bob = Wire::enter(&server, "bob", 2).await;
    let mut ada = Wire::enter(&server, "ada", 1).await;
    let message = |id, data: &str| {
        FromClient::Message(Relay { id, from: None, to: Vec::new(), topic: "chat".into(), data: data.into() })
    };
    ada.wire.say(&message(1, "whole")).await;
    let text = ada.wire.frames.frame(&message(2, &"half ".repeat(200))).expect("within the limits");
    // A text frame with a mask of zeros (RFC 6455, 5.2), of which only a part is written.
    let mut bytes = vec![0x81, 0x80 | 126];
    bytes.extend(u16::try_from(text.len()).expect("short").to_be_bytes());
    bytes.extend([0; 4]);
    bytes.extend(&text.as_bytes()[..text.len() / 2]);
    ada.wire.socket.get_mut().write_all(&bytes).await.expect("it is open");
    ada.wire.lose();
    let heard = Mutex::new(Vec::new());
    let gone = bob.wire.until("her being gone", |news| match news {
        FromServer::Message(relay) => {
            heard.lock().expect("no panic inside").push(relay.data);
            None
        }
        FromServer::MemberLeft(left) => Some(left.instance),
        _ => None,
    });
    assert_eq!(gone.await, Instance(1));
    assert_eq!(*heard.lock().expect("no panic inside"), ["whole"]);
    assert_eq!(server.census().members, 1);
}

// F63, H2: a goodbye and the next join on two sockets, sixty times: what is told last of an instance is that
// it is there, while it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_again_while_its_last_place_is_cleared_stays_in_the_roster_of_the_others() {
    let server = server().await;
    let mut ada = Wire::enter(&server, "ada", 1).await;
    let mut bob = Wire::enter(&server, "bob", 2).await;
    let here = server.census().tasks;
    for turn in 2..62 {
        let (mut next, bye) = (Wire::dial(&server).await, goodbye());
        let hello = FromClient::Join(Join { epoch: turn, ..join("bob", 2) });
        let ((), ()) = tokio::join!(bob.wire.say(&bye), next.say(&hello));
        let joined = next.joined().await;
        bob = Member { wire: next, join: bob.join, joined };
        pong(&mut bob, turn).await;
        settled("the last place is cleared", || server.census().tasks == here).await;
        ada.wire.say(&FromClient::Ping(Ping { id: turn })).await;
        let mut told = Vec::new();
        let all_told = |message: &FromServer| {
            match message {
                FromServer::MemberLeft(left) if left.instance == Instance(2) => told.push("left"),
                FromServer::MemberJoined(_) => told.push("joined"),
                _ => {}
            }
            *message == FromServer::Pong(Ping { id: turn })
        };
        ada.wire.next_until(all_told).await;
        assert_ne!(told.last(), Some(&"left"), "turn {turn}: {told:?}");
    }
}
