//! One who says more than the others can hear: they stay, and the one is told (S10). How many frames a link
//! may say is `frames.rs`.

use crate::wire::{Member, Wire, builder, server};
use offhook_server::{Limits, Server};
use offhook_signaling::{FromClient, FromServer, Instance, Ping, Relay, RelayRefusal, limits};
use std::collections::BTreeSet;
use tokio::time::Instant;

fn relay(id: u64, to: &[u128], bytes: usize) -> FromClient {
    let to = to.iter().copied().map(Instance).collect();
    let data = serde_json::json!({ "t": "y".repeat(bytes) });
    FromClient::Message(Relay { id, from: None, to, topic: "x".into(), data })
}

/// What came until now of the messages for this one: their ids.
async fn hears(member: &mut Member, ping: u64) -> BTreeSet<u64> {
    let mut heard = BTreeSet::new();
    member.wire.say(&FromClient::Ping(Ping { id: ping })).await;
    let messages = |message: &FromServer| {
        if let FromServer::Message(relay) = message {
            heard.insert(relay.id);
        }
        *message == FromServer::Pong(Ping { id: ping })
    };
    member.wire.next_until(messages).await;
    heard
}

/// What was refused until now of those that this one said: their ids.
async fn is_refused(member: &mut Member, ping: u64) -> BTreeSet<u64> {
    let mut refused = BTreeSet::new();
    member.wire.say(&FromClient::Ping(Ping { id: ping })).await;
    let answers = |message: &FromServer| {
        if let FromServer::NotRelayed(answer) = message {
            assert_eq!(answer.why, RelayRefusal::RateLimited);
            assert!(answer.missing.is_empty() && !answer.text.is_empty(), "{answer:?}");
            refused.insert(answer.id);
        }
        *message == FromServer::Pong(Ping { id: ping })
    };
    member.wire.next_until(answers).await;
    refused
}

async fn two(server: &Server) -> (Member, Member) {
    (Wire::enter(server, "mallory", 1).await, Wire::enter(server, "victim", 2).await)
}

// S10, F63: within its rate of frames, and 15 MB; the hearer has what a line of a megabit bears, and its link.
#[tokio::test]
async fn a_flood_of_large_messages_is_refused_to_its_sender_and_cuts_nobody_off() {
    let server = server().await;
    let (mut mallory, mut victim) = two(&server).await;
    let begun = Instant::now();
    let all: BTreeSet<u64> = (1..=390).collect();
    let (mut refused, mut heard) = (BTreeSet::new(), BTreeSet::new());
    for id in &all {
        // To all, and to one: it makes no difference.
        let to: &[u128] = if id % 2 == 0 { &[2] } else { &[] };
        mallory.wire.say(&relay(*id, to, 40_000)).await;
        // Now and then, so that both are known to be alive however busy the machine is.
        if id % 78 == 0 {
            refused.append(&mut is_refused(&mut mallory, *id).await);
            heard.append(&mut hears(&mut victim, *id).await);
        }
    }
    let seconds = usize::try_from(begun.elapsed().as_secs() + 1).expect("short");
    let most = limits::MESSAGE_BYTES_BURST as usize + seconds * limits::MESSAGE_BYTES_PER_SECOND as usize;
    assert!(heard.len() * 40_000 <= most, "{} heard in {seconds} s", heard.len());
    assert!(heard.len() * 40_000 >= limits::MESSAGE_BYTES_BURST as usize - 40_000, "{} heard", heard.len());
    assert!(refused.is_disjoint(&heard));
    assert_eq!(&refused | &heard, all, "each is answered, or heard");
    assert_eq!(server.fell_behind(), 0);
}

// S10: a frame of the largest kind may be said in any case, and the next is refused.
#[tokio::test]
async fn an_owner_who_wants_little_said_still_lets_one_frame_through() {
    let few = Limits { message_bytes_per_second: 1, ..Limits::default() };
    let server = builder().limits(few).start().await.expect("a port");
    let (mut ada, mut bob) = two(&server).await;
    ada.wire.say(&relay(1, &[], 60_000)).await;
    ada.wire.say(&relay(2, &[2], 8_000)).await;
    assert_eq!(is_refused(&mut ada, 1).await, [2].into());
    assert_eq!(hears(&mut bob, 1).await, [1].into());
}
