//! F63: who is told what, and who is not.

use super::*;
use crate::member::Inbox;
use offhook_signaling::{Profile, Relay};
use tokio::sync::mpsc;

const ADA: Instance = Instance(1);
const BOB: Instance = Instance(2);
const CY: Instance = Instance(3);

fn place(instance: Instance) -> Place {
    Place { key: "room/7".into(), session_id: "7".into(), instance, actor: 1, anew: false }
}

/// Somebody's letters, while they have them read.
type Post = (mpsc::Receiver<Mail>, Inbox);

fn inside() -> (Rooms, Post, Post) {
    let rooms = Rooms::default();
    let mut room = Room::new("7".into(), Profile::default(), false);
    let mut seat = |instance| {
        let seen = Member { user: "somebody".into(), ..member::unseen(instance) };
        room.seat(&place(instance), seen).1
    };
    let (bob, cy) = (seat(BOB), seat(CY));
    rooms.lock().insert("room/7".into(), room);
    (rooms, bob, cy)
}

fn said() -> FromServer {
    let (topic, data) = ("chat".to_owned(), serde_json::json!("hello"));
    FromServer::Message(Relay { id: 1, from: Some(ADA), to: Vec::new(), topic, data })
}

#[test]
fn what_is_for_some_goes_to_all_of_them_or_to_nobody() {
    let (rooms, mut bob, mut cy) = inside();
    let tell = |to: &[Instance]| rooms.tell_these(&place(ADA), to, &said());
    assert_eq!(tell(&[BOB, CY]), Ok(()));
    assert!(bob.0.try_recv().is_ok() && cy.0.try_recv().is_ok());
    assert_eq!(tell(&[BOB, Instance(9)]), Err(Untold::Gone(vec![Instance(9)])));
    // Until there is no room for one of them.
    for _ in 0..MAILBOX {
        assert_eq!(tell(&[CY]), Ok(()));
    }
    assert_eq!(tell(&[BOB, CY]), Err(Untold::Busy(vec![CY])));
    assert_eq!(
        tell(&[BOB, CY, Instance(9)]),
        Err(Untold::Gone(vec![Instance(9)])),
        "for good, and not later"
    );
    assert!(bob.0.try_recv().is_err(), "nothing of what went to nobody");
    drop(cy);
    assert_eq!(tell(&[BOB, CY]), Err(Untold::Gone(vec![CY])), "just leaving");
}
