//! A mute that its member may not undo is undone by nothing but a moderator: no image that was awaited, no
//! other device, no leaving and coming again (F64).

use crate::images::{file, send, set, with_image};
use crate::moderation::{answer, camera, mute, muted_by, with};
use crate::wire::{Member, Wire, desired, goodbye, pong, server, settled};
use offhook_server::{Grants, Server};
use offhook_signaling::{Desired, FromServer, Item, Join, RefusalCode, Refused};

fn bob(instance: u128) -> Join {
    let grants = Grants { unmute: false, ..Grants::default() };
    Join { tracks: vec![camera()], ..with("bob", instance, grants) }
}

async fn leaves(server: &Server, member: &mut Member, left: usize) {
    member.wire.say(&goodbye()).await;
    member.wire.rest().await;
    settled("he is gone", || server.census().members == left).await;
}

fn is_muted(member: &Member) -> bool {
    let roster = &member.joined.snapshot.roster;
    let own = roster.iter().find(|other| other.instance == member.join.instance).expect("himself");
    own.tracks[0].muted
}

// F64, F51: what waited for its image is judged when it is there, not when it was asked for.
#[tokio::test]
async fn an_image_that_comes_after_the_mute_does_not_undo_it() {
    let server = server().await;
    let mut ada = Wire::enter_with(&server, with("ada", 1, Grants::MODERATOR)).await;
    let muted = Desired { muted: vec!["camera".into()], ..desired(1, None) };
    let mut bob_here = Wire::enter_with(&server, Join { desired: muted.clone(), ..bob(2) }).await;
    // A state that unmutes, and waits; nothing keeps him from it yet.
    let picture = file([9, 9, 9]);
    bob_here.wire.say(&set(1, with_image(2, None, &picture))).await;
    pong(&mut bob_here, 1).await;
    ada.wire.say(&mute(1, 2, true)).await;
    assert_eq!(answer(&mut ada, 1).await, Ok(()));
    assert!(!muted_by(&mut bob_here).await.may_unmute);
    send(&mut bob_here, &picture).await;
    let refused = bob_here.wire.until("the answer", |message| match message {
        FromServer::Acked(acked) => panic!("it unmutes: {acked:?}"),
        FromServer::Refused(refused) => Some(refused),
        _ => None,
    });
    let Refused { revision, id, item, code, .. } = refused.await;
    assert_eq!((revision, id, item, code), (2, Some(1), Item::Muted, RefusalCode::NotPermitted));
    // With the mute the same image is as good as any, and is here by now.
    let with_mute = Desired { muted: muted.muted, ..with_image(3, None, &picture) };
    bob_here.wire.say(&set(2, with_mute)).await;
    let acked = bob_here.wire.until("the ack", |message| match message {
        FromServer::Acked(acked) => Some(acked),
        FromServer::Refused(refused) => panic!("{refused:?}"),
        _ => None,
    });
    assert_eq!((acked.await.revision), 3);
    leaves(&server, &mut bob_here, 1).await;
    assert!(is_muted(&Wire::enter_with(&server, bob(3)).await), "muted as before");
}

// F64: it is of the person, and another device of his that nobody muted does not take it back.
#[tokio::test]
async fn another_device_that_leaves_last_does_not_undo_it() {
    let server = server().await;
    let mut ada = Wire::enter_with(&server, with("ada", 1, Grants::MODERATOR)).await;
    let room = |instance| Join { model: Some("room".into()), ..bob(instance) };
    let mut other = Wire::enter_with(&server, room(2)).await;
    let mut muted = Wire::enter_with(&server, room(3)).await;
    ada.wire.say(&mute(1, 3, true)).await;
    assert_eq!(answer(&mut ada, 1).await, Ok(()));
    leaves(&server, &mut muted, 2).await;
    leaves(&server, &mut other, 1).await;
    // What its member does at its end is done with it.
    settled("nothing of him runs", || server.census().tasks == 2).await;
    let mut again = Wire::enter_with(&server, room(4)).await;
    assert!(is_muted(&again), "he may not undo it");
    // A moderator may.
    ada.wire.say(&mute(2, 4, false)).await;
    assert_eq!(answer(&mut ada, 2).await, Ok(()));
    leaves(&server, &mut again, 1).await;
    assert!(!is_muted(&Wire::enter_with(&server, room(5)).await), "it was taken back");
}
