//! Moderation on the wire: who may, whom it concerns, and that a mute outlives every link (F64).

use crate::wire::{Member, Wire, builder, credential, desired, empty, join, migrate, refusal_of, server};
use futures_util::SinkExt;
use offhook_server::{GoAwayCode, Grants, Mint};
use offhook_signaling::{
    Desired, EndCode, EndForAll, ErrorCode, Feature, FromClient, FromServer, Instance, Join, Kick, MediaKind,
    ModerationRefusal, MuteMember, MutedBy, Party, Track,
};
use std::time::Duration;

pub(crate) fn with(user: &str, instance: u128, grants: Grants) -> Join {
    Join { credential: Some(credential(&Mint::user(user).grants(grants))), ..join(user, instance) }
}

pub(crate) fn camera() -> Track {
    Track {
        track: "camera".into(),
        kind: MediaKind::Video,
        mid: None,
        width: None,
        height: None,
        codec: None,
        muted: false,
    }
}

pub(crate) fn mute(id: u64, instance: u128, muted: bool) -> FromClient {
    let member = Instance(instance);
    FromClient::MuteMember(MuteMember { id, member, kind: MediaKind::Video, muted })
}

pub(crate) async fn answer(member: &mut Member, id: u64) -> Result<(), ModerationRefusal> {
    member
        .wire
        .until("an answer", |message| match message {
            FromServer::Moderated(done) if done.id == id => Some(Ok(())),
            FromServer::NotModerated(refused) if refused.id == id => {
                assert!(!refused.text.is_empty());
                Some(Err(refused.why))
            }
            _ => None,
        })
        .await
}

pub(crate) async fn muted_by(member: &mut Member) -> MutedBy {
    member
        .wire
        .until("muted_by", |message| match message {
            FromServer::MutedBy(muted) => Some(muted),
            _ => None,
        })
        .await
}

// F64
#[tokio::test]
async fn the_feature_is_granted_to_moderators_and_each_request_is_judged() {
    let server = server().await;
    let mut ada = Wire::enter_with(&server, with("ada", 1, Grants::MODERATOR)).await;
    let mut bob = Wire::enter(&server, "bob", 2).await;
    assert!(ada.joined.capabilities.features.contains(&Feature::Moderation));
    assert!(!bob.joined.capabilities.features.contains(&Feature::Moderation));
    for (id, request) in [
        (1, FromClient::Kick(Kick { id: 1, member: Instance(1) })),
        (2, mute(2, 1, true)),
        (3, FromClient::EndForAll(EndForAll { id: 3 })),
    ] {
        bob.wire.say(&request).await;
        assert_eq!(answer(&mut bob, id).await, Err(ModerationRefusal::NotPermitted));
    }
    let other = MediaKind::Other("smell".into());
    let smell = FromClient::MuteMember(MuteMember { id: 4, member: Instance(2), kind: other, muted: true });
    for (id, request, why) in [
        (4, smell, ModerationRefusal::NotSupported),
        (5, mute(5, 7, true), ModerationRefusal::UnknownMember),
        (6, mute(6, 1, true), ModerationRefusal::Oneself),
    ] {
        ada.wire.say(&request).await;
        assert_eq!(answer(&mut ada, id).await, Err(why));
    }
    ada.wire.say(&FromClient::Kick(Kick { id: 7, member: Instance(2) })).await;
    assert_eq!(answer(&mut ada, 7).await, Ok(()));
    let (said, _) = bob.wire.rest().await;
    let Some(FromServer::Ended(ended)) = said.last() else { panic!("{said:?}") };
    assert_eq!((&ended.reason, &ended.by, ended.may_retry), (&EndCode::Kicked, &Party::Member, false));
    let (error, _) = refusal_of(&server, &FromClient::Join(join("bob", 3))).await;
    assert_eq!(error.code, ErrorCode::NotPermitted);
    ada.wire.say(&FromClient::EndForAll(EndForAll { id: 8 })).await;
    assert_eq!(answer(&mut ada, 8).await, Ok(()));
    let (said, _) = ada.wire.rest().await;
    assert!(
        matches!(said.last(), Some(FromServer::Ended(ended)) if ended.reason == EndCode::EndedForAll),
        "{said:?}"
    );
    empty(&server).await;
}

// F64, F32, R14: told again on every link that begins without it, also on another server.
#[tokio::test]
async fn a_mute_outlives_a_rejoin_and_a_drain_until_its_member_undoes_it() {
    let (old, new) = (builder().start().await.expect("a port"), server().await);
    let mut ada = Wire::enter_with(&old, with("ada", 1, Grants::MODERATOR)).await;
    let camera = Join { tracks: vec![camera()], ..join("bob", 2) };
    let mut bob = Wire::enter_with(&old, camera.clone()).await;
    ada.wire.say(&mute(1, 2, true)).await;
    assert_eq!(answer(&mut ada, 1).await, Ok(()));
    let told = MutedBy { moderator: Instance(1), kind: MediaKind::Video, muted: true, may_unmute: true };
    assert_eq!(muted_by(&mut bob).await, told);

    let mut bob = Wire::enter_with(&old, Join { epoch: 2, ..camera.clone() }).await;
    assert_eq!(muted_by(&mut bob).await, told, "its state did not have it");
    let drained = old.drain(&new.url(), Duration::from_secs(30), GoAwayCode::ShuttingDown).await;
    assert_eq!(drained.expect("a server of the same key").moved, 2);
    let ticket = bob
        .wire
        .until("go_away", |message| match message {
            FromServer::GoAway(go_away) => go_away.ticket,
            _ => None,
        })
        .await;
    let mut moving = migrate(&bob, &ticket);
    (moving.epoch, moving.tracks) = (3, camera.tracks.clone());
    let mut wire = Wire::dial(&new).await;
    wire.say(&FromClient::Migrate(moving)).await;
    let joined = wire.joined().await;
    let mut bob = Member { wire, join: camera.clone(), joined };
    assert_eq!(muted_by(&mut bob).await, told, "and the other server knows");

    // He has it, and then undoes it: from then on a link that begins without it is as it says.
    let muted = Desired { muted: vec!["camera".into()], ..desired(7, None) };
    for (id, desired) in [(1, muted), (2, desired(8, None))] {
        bob.wire.say(&FromClient::Apply(offhook_signaling::Apply { id, desired })).await;
        bob.wire
            .until("the ack", |message| match message {
                FromServer::Acked(acked) => (acked.id == Some(id)).then_some(()),
                _ => None,
            })
            .await;
    }
    let mut bob = Wire::enter_with(&new, Join { epoch: 5, desired: desired(9, None), ..camera }).await;
    bob.wire.say(&FromClient::Ping(offhook_signaling::Ping { id: 1 })).await;
    bob.wire
        .until("the pong", |message| match message {
            FromServer::MutedBy(muted) => panic!("it was undone: {muted:?}"),
            FromServer::Pong(_) => Some(()),
            _ => None,
        })
        .await;
    drop((ada, bob));
    old.shutdown().await;
    new.shutdown().await;
}

// F64: what was asked for last is what is so, however fast it follows what was asked before; and
// `moderated` is said when it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mutes_and_their_taking_back_keep_their_order() {
    // Less at once than waits for a reader who is slow.
    const AT_ONCE: u64 = 40;
    let server = builder().start().await.expect("a port");
    let mut ada = Wire::enter_with(&server, with("ada", 1, Grants::MODERATOR)).await;
    let mut bob = Wire::enter_with(&server, Join { tracks: vec![camera()], ..join("bob", 2) }).await;
    for round in 0..10 {
        for number in 0..AT_ONCE {
            let request = mute(round * AT_ONCE + number, 2, number % 2 == 0);
            let text = ada.wire.frames.frame(&request).expect("within the limits");
            ada.wire.socket.feed(text.into()).await.expect("the socket is open");
        }
        ada.wire.socket.flush().await.expect("the socket is open");
        for _ in 0..AT_ONCE {
            let done = ada.wire.until("an answer", |message| match message {
                FromServer::Moderated(_) => Some(()),
                FromServer::NotModerated(refused) => panic!("{refused:?}"),
                _ => None,
            });
            done.await;
        }
        // All of it is in effect by now, so nothing of it comes after the pong.
        let ping = offhook_signaling::Ping { id: round };
        bob.wire.say(&FromClient::Ping(ping)).await;
        let mut last = None;
        let pong = bob.wire.next_until(|message| match message {
            FromServer::MutedBy(muted) => {
                last = Some(muted.muted);
                false
            }
            message => *message == FromServer::Pong(ping),
        });
        pong.await;
        assert_eq!(last, Some(false), "the last was to let him unmute");
    }
}
