//! What a giving end does that takes its time.

use super::*;
use crate::token::Signer;
use offhook_signaling::{Attendance, Instance, Role, Settings};
use std::future::Future;

fn dossier() -> Box<Dossier> {
    let member = Member {
        instance: Instance(1),
        user: "ada".into(),
        name: None,
        role: Role::Participant,
        attendance: Attendance::Present,
        tracks: Vec::new(),
    };
    Box::new(Dossier {
        session: "studio/1".into(),
        session_id: "s-1".into(),
        member,
        grants: Grants::default(),
        credential: Credential::default(),
        epoch: 1,
        secrets: vec!["secret".into()],
        desired: Desired::default(),
        generations: 0,
        generated_ms: 0,
        model: Model::default(),
        silenced: Silenced::default(),
        expires_in_ms: None,
        directed: None,
        heed: Heed::default(),
    })
}

/// Nobody is in it any more.
fn empty(server: &crate::Server) -> impl Future<Output = ()> {
    let shared = server.shared().clone();
    async move {
        let mut look = tokio::time::interval(Duration::from_millis(20));
        while shared.rooms.count() != (0, 0) {
            look.tick().await;
        }
    }
}

// F59, F32: nobody is told to go before all are handed over, and that may take longer than the grace.
#[tokio::test]
async fn a_director_is_missed_from_when_all_was_handed_over() {
    let grace = Duration::from_millis(200);
    let builder =
        || crate::Server::builder().bind("127.0.0.1:0").signer(Signer::new("a key for two".repeat(4)));
    let old = builder().start().await.expect("a port");
    let new = builder().director_grace(grace).start().await.expect("a port");
    let mut peer = Peer::dial(old.shared(), &new.url()).await.expect("a server of the same key");
    let settings = Settings { director_required: true, max_members: None };
    let profile = Profile { settings, ..Profile::default() };
    let record = Record { session_id: "s-1".into(), profile, directed: None };
    peer.hand_over_record("studio/1", record).await.expect("it is taken");
    assert!(peer.hand_over(dossier(), Duration::from_secs(30)).await.expect("an answer"));
    let ended = timeout(grace * 4, empty(&new)).await;
    assert!(ended.is_err(), "it ended before anybody was told to go there");
    drop(peer);
    timeout(Duration::from_secs(30), empty(&new)).await.expect("missed from here on");
}

// F32, S10: one that cannot be said stays where it is, and the channel goes on.
#[tokio::test]
async fn a_member_that_is_too_large_for_the_channel_stays_and_the_next_is_taken() {
    let builder =
        || crate::Server::builder().bind("127.0.0.1:0").signer(Signer::new("a key for two".repeat(4)));
    let (old, new) = (builder().start().await.expect("a port"), builder().start().await.expect("a port"));
    let mut peer = Peer::dial(old.shared(), &new.url()).await.expect("a server of the same key");
    let named = |instance: u128, bytes: usize| {
        let mut large = dossier();
        large.member.instance = Instance(instance);
        large.secrets.push("x".repeat(bytes));
        large
    };
    let within = Duration::from_secs(30);
    let sizes = [(1, MOST_BYTES, false), (2, HELLO_BYTES, true), (3, MOST_BYTES - HELLO_BYTES, true)];
    for (instance, bytes, taken) in sizes {
        let answer = peer.hand_over(named(instance, bytes), within).await.expect("the channel is there");
        assert_eq!(answer, taken, "of {bytes} bytes");
    }
    assert_eq!(new.shared().rooms.count(), (1, 2));
}

// S7, S8: what comes before the key was shown is short, or is not read.
#[tokio::test]
async fn a_hello_that_is_too_long_is_none() {
    let signer = Signer::new("a key for two".repeat(4));
    let builder = || crate::Server::builder().bind("127.0.0.1:0").signer(signer.clone());
    let (old, new) = (builder().start().await.expect("a port"), builder().start().await.expect("a port"));
    let url = channel(&new.url()).expect("it is here");
    for (padding, opens) in [(0, true), (HELLO_BYTES, false)] {
        let (mut socket, _) = tokio_tungstenite::connect_async(&url).await.expect("it listens");
        let (voucher, _) =
            old.shared().signer.vouch(&old.shared().life, Some(&new.url()), None).expect("a key");
        let hello = written(&Give::Hello { voucher }).expect("JSON") + &" ".repeat(padding);
        socket.send(Message::text(hello)).await.expect("it is open");
        let answer = timeout(ANSWER_WITHIN, socket.next()).await.expect("in time");
        assert_eq!(matches!(answer, Some(Ok(Message::Text(_)))), opens, "{padding}: {answer:?}");
    }
}
