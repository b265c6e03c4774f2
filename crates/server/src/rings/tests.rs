//! The rules of rings, word by word, without sockets: two devices that speak in the same
//! millisecond, words that cross, and what is forgotten.

use super::*;
use crate::token::Signer;
use offhook_signaling::{FromServer, Gone, Instance, Ring, RingEnd, RingRefusal, SessionRef};
use std::time::Duration;
use tokio::sync::mpsc;

struct Hall {
    book: Book,
    now: Instant,
    signer: Signer,
}

struct Here {
    device: Device,
    heard: mpsc::Receiver<ToDevice>,
    /// Heard beside the answer to an order.
    kept: Vec<FromServer>,
}

impl Here {
    /// Everything that this device was told since the last look.
    fn heard(&mut self) -> Vec<FromServer> {
        let mut all = std::mem::take(&mut self.kept);
        let next = || self.heard.try_recv().ok();
        all.extend(std::iter::from_fn(next).map(|said| match said {
            ToDevice::Say(message) => *message,
            ToDevice::End(error) => FromServer::Error(error),
        }));
        all
    }

    fn rings(&mut self) -> Vec<Ring> {
        let rings = self.heard().into_iter();
        rings.filter_map(|said| if let FromServer::Ring(ring) = said { Some(ring) } else { None }).collect()
    }

    fn gone(&mut self) -> Vec<Gone> {
        let gone = self.heard().into_iter();
        gone.filter_map(|said| if let FromServer::Gone(gone) = said { Some(gone) } else { None }).collect()
    }

    fn ended(&mut self) -> Vec<RingEnd> {
        self.gone().into_iter().map(|gone| gone.why).collect()
    }

    fn tickets(&mut self) -> Vec<String> {
        let said = self.heard().into_iter();
        said.filter_map(|said| match said {
            FromServer::Accepted(accepted) => Some(accepted.join_ticket.expose().to_owned()),
            _ => None,
        })
        .collect()
    }
}

impl Hall {
    fn new() -> Self {
        Self::with(&Limits::default())
    }

    fn with(limits: &Limits) -> Self {
        let signer = Signer::new("a key of this test");
        Self { book: Book::new(limits, "life"), now: Instant::now(), signer }
    }

    fn comes(&mut self, user: &str, number: u128) -> Here {
        self.comes_with(user, number, 1).0
    }

    fn comes_with(&mut self, user: &str, number: u128, epoch: u64) -> (Here, Vec<Ring>) {
        let (out, heard) = mpsc::channel(64);
        let device =
            Device { user: user.into(), instance: Instance(number), epoch, bearer: Bearer::default(), out };
        let rings = self.book.enter(device.clone(), self.now).expect("there is room");
        (Here { device, heard, kept: Vec::new() }, rings)
    }

    /// Rings for ten seconds as this instance; the answer.
    #[allow(clippy::panic_in_result_fn, reason = "the refusal is the answer; a panic is a test that failed")]
    fn rings(&mut self, from: &mut Here, to: &[&str], instance: u128) -> Result<String, RingRefusal> {
        let order = PlaceRing {
            id: 1,
            session: SessionRef { kind: "room".into(), id: "7".into() },
            instance: Instance(instance),
            users: to.iter().map(ToString::to_string).collect(),
            timeout_ms: 10_000,
            name: Some("the caller".into()),
            metadata: None,
        };
        self.book.place(&from.device, order, true, self.now);
        let mut heard = from.heard();
        let answers =
            |said: &FromServer| matches!(said, FromServer::RingPlaced(_) | FromServer::RingRefused(_));
        let answer = heard.remove(heard.iter().position(answers).expect("an order is answered"));
        from.kept = heard;
        match answer {
            FromServer::RingPlaced(placed) => Ok(placed.ring.ring_id),
            FromServer::RingRefused(refused) => Err(refused.why),
            other => panic!("an order is answered, not {other:?}"),
        }
    }

    fn accepts(&mut self, here: &Here, ring: &str, instance: u128) {
        self.book.accept(&here.device, ring, Instance(instance), &self.signer, &[], self.now);
    }

    fn declines(&mut self, here: &Here, ring: &str, why: RingEnd) {
        self.book.decline(&here.device, ring, &why, self.now);
    }
}

// F26, and two devices in the same millisecond: the book's order decides.
#[test]
fn of_two_devices_that_accept_at_once_the_first_has_it_and_the_other_hears_of_it() {
    let mut hall = Hall::new();
    let (mut ada, mut phone, mut desk) = (hall.comes("ada", 1), hall.comes("bob", 2), hall.comes("bob", 3));
    let ring = hall.rings(&mut ada, &["bob"], 10).expect("bob is here");
    assert_eq!((phone.rings().len(), desk.rings().len()), (1, 1));
    hall.accepts(&phone, &ring, 20);
    hall.accepts(&desk, &ring, 30);
    assert_eq!(phone.tickets().len(), 1);
    // Once when it was taken, once for its own accept that came too late.
    assert_eq!(desk.ended(), [RingEnd::AnsweredElsewhere, RingEnd::AnsweredElsewhere]);
    assert_eq!(ada.tickets().len(), 1);
    assert_eq!(hall.book.count().0, 0);
}

#[test]
fn a_ticket_is_of_its_ring_its_user_and_its_instance() {
    let mut hall = Hall::new();
    let (mut ada, mut bob) = (hall.comes("ada", 1), hall.comes("bob", 2));
    let ring = hall.rings(&mut ada, &["bob"], 10).expect("bob is here");
    hall.accepts(&bob, &ring, 20);
    for (tickets, user, instance) in [(ada.tickets(), "ada", 10), (bob.tickets(), "bob", 20)] {
        let ticket = hall.signer.check_ring_ticket(&tickets[0]).expect("it is ours");
        assert_eq!((ticket.sub.as_str(), ticket.pass.ring.as_str()), (user, ring.as_str()));
        assert_eq!(ticket.pass.instance, Instance(instance).to_string());
        assert_eq!(ticket.pass.session, "room/7");
        assert!(hall.signer.check(&tickets[0]).is_err(), "a ticket is no credential");
        assert!(hall.signer.check_ticket(&tickets[0]).is_err(), "and none to another server");
    }
}

// F25: said again, the accept is answered again, and with the same ticket.
#[test]
fn an_accept_whose_answer_was_lost_is_answered_again() {
    let mut hall = Hall::new();
    let (mut ada, mut bob) = (hall.comes("ada", 1), hall.comes("bob", 2));
    let ring = hall.rings(&mut ada, &["bob"], 10).expect("bob is here");
    hall.accepts(&bob, &ring, 20);
    let first = bob.tickets();
    hall.accepts(&bob, &ring, 20);
    assert_eq!(bob.tickets(), first);
    hall.book.ask(&ada.device, &ring, hall.now);
    assert_eq!(ada.tickets().len(), 2, "the word, and the answer to the question");
    hall.accepts(&bob, &ring, 21);
    assert_eq!(bob.ended(), [RingEnd::AnsweredElsewhere], "another instance did not take it");
}

// F22
#[test]
fn accept_and_cancel_that_cross_are_decided_by_the_order_they_came_in() {
    let mut hall = Hall::new();
    let (mut ada, mut bob) = (hall.comes("ada", 1), hall.comes("bob", 2));
    let ring = hall.rings(&mut ada, &["bob"], 10).expect("bob is here");
    hall.book.cancel(&ada.device, &ring, &RingEnd::Cancelled, hall.now);
    hall.accepts(&bob, &ring, 20);
    assert_eq!(bob.ended(), [RingEnd::Cancelled, RingEnd::Cancelled]);
    assert_eq!(ada.ended(), [RingEnd::Cancelled]);

    let ring = hall.rings(&mut ada, &["bob"], 11).expect("bob is here");
    hall.accepts(&bob, &ring, 21);
    assert_eq!(hall.book.left_alone(&ring), None);
    let alone = hall.book.cancel(&ada.device, &ring, &RingEnd::Cancelled, hall.now);
    assert_eq!(alone.as_ref().map(|alone| alone.callee), Some(Instance(21)), "who took it waits for nobody");
    assert_eq!(hall.book.left_alone(&ring), alone);
    assert_eq!(
        hall.book.cancel(&bob.device, &ring, &RingEnd::Cancelled, hall.now),
        None,
        "not his to give up"
    );
    assert_eq!(bob.tickets().len(), 1);
    let said = ada.heard();
    assert!(matches!(said[..], [FromServer::Accepted(_), FromServer::Gone(_)]), "{said:?}");
}

// F22: the caller's clock began before the server's, and its deadline is the first to be over
#[test]
fn a_ring_that_the_caller_gives_up_for_its_time_was_not_answered() {
    let mut hall = Hall::new();
    let (mut ada, mut bob) = (hall.comes("ada", 1), hall.comes("bob", 2));
    for (instance, why, told) in [
        (10, RingEnd::Expired, RingEnd::Expired),
        (11, RingEnd::Cancelled, RingEnd::Cancelled),
        (12, RingEnd::AnsweredElsewhere, RingEnd::Cancelled),
    ] {
        let ring = hall.rings(&mut ada, &["bob"], instance).expect("bob is here");
        hall.book.cancel(&ada.device, &ring, &why, hall.now);
        assert_eq!((ada.ended(), bob.ended()), (vec![told.clone()], vec![told]));
    }
}

// F22
#[test]
fn one_who_declines_declines_for_all_devices_and_all_who_decline_end_it() {
    let mut hall = Hall::new();
    let (mut ada, mut bob, mut bobs) = (hall.comes("ada", 1), hall.comes("bob", 2), hall.comes("bob", 3));
    let mut eve = hall.comes("eve", 4);
    let ring = hall.rings(&mut ada, &["bob", "eve"], 10).expect("they are here");
    hall.declines(&bob, &ring, RingEnd::Declined);
    assert_eq!((bob.ended(), bobs.ended()), (vec![RingEnd::Declined], vec![RingEnd::Declined]));
    assert_eq!(ada.ended(), [], "eve may still come");
    hall.declines(&bob, &ring, RingEnd::Busy);
    assert_eq!(bob.ended(), [RingEnd::Declined], "declined twice is declined once");
    hall.accepts(&bob, &ring, 20);
    assert_eq!(bob.ended(), [RingEnd::Declined], "and is not taken back");
    hall.declines(&eve, &ring, RingEnd::Busy);
    assert_eq!(ada.ended(), [RingEnd::DeclinedByAll]);
    assert_eq!(eve.ended(), [RingEnd::Busy]);

    let ring = hall.rings(&mut ada, &["bob"], 11).expect("bob is here");
    hall.declines(&bob, &ring, RingEnd::Declined);
    assert_eq!(ada.ended(), [RingEnd::Declined], "one alone is not all");
    let ring = hall.rings(&mut ada, &["bob"], 12).expect("bob is here");
    hall.declines(&bob, &ring, RingEnd::Busy);
    assert_eq!(ada.ended(), [RingEnd::Busy]);
}

// F24
#[test]
fn of_two_who_ring_each_other_the_higher_id_goes_on_and_both_hear_the_same() {
    for round in 0..32 {
        let mut hall = Hall::new();
        let (mut ada, mut bob) = (hall.comes("ada", 1), hall.comes("bob", 2));
        let first = hall.rings(&mut ada, &["bob"], 10).expect("bob is here");
        let second = hall.rings(&mut bob, &["ada"], 20).expect("ada is here");
        let survivor = first.clone().max(second.clone());
        let loser = first.min(second);
        for heard in [ada.gone(), bob.gone()] {
            let told: Vec<_> = heard.iter().map(|gone| (&gone.ring_id, gone.survivor.as_ref())).collect();
            // Who never saw the loser ring has nothing to be told of it.
            assert!(told.iter().all(|told| *told == (&loser, Some(&survivor))), "{round}: {told:?}");
            assert!(heard.iter().all(|gone| gone.why == RingEnd::Glare));
        }
        assert_eq!(hall.book.count().0, 1);
        assert!(hall.book.due(&survivor).is_some());
    }
}

#[test]
fn nobody_loses_a_ring_to_several_because_one_of_them_rings_back() {
    let mut hall = Hall::new();
    let (mut ada, mut bob, _eve) = (hall.comes("ada", 1), hall.comes("bob", 2), hall.comes("eve", 3));
    hall.rings(&mut ada, &["bob", "eve"], 10).expect("they are here");
    hall.rings(&mut bob, &["ada"], 20).expect("ada is here");
    assert_eq!(hall.book.count().0, 2);
}

#[test]
fn what_cannot_be_rung_is_refused_with_its_reason() {
    let limits = Limits { rings_of_a_user: 2, rings_per_minute: 4, ..Limits::default() };
    let mut hall = Hall::with(&limits);
    let (mut ada, _bob) = (hall.comes("ada", 1), hall.comes("bob", 2));
    assert_eq!(hall.rings(&mut ada, &[], 10), Err(RingRefusal::Nobody));
    assert_eq!(hall.rings(&mut ada, &["ada"], 10), Err(RingRefusal::Oneself));
    assert_eq!(hall.rings(&mut ada, &["bob", "ada"], 10), Err(RingRefusal::Oneself));
    assert_eq!(hall.rings(&mut ada, &["nobody-like-that"], 10), Err(RingRefusal::UnknownUser));
    assert_eq!(hall.rings(&mut ada, &["a", "b", "c"], 10), Err(RingRefusal::TooMany));
    let first = hall.rings(&mut ada, &["bob"], 10).expect("bob is here");
    hall.rings(&mut ada, &["bob"], 11).expect("two are allowed");
    assert_eq!(hall.rings(&mut ada, &["bob"], 12), Err(RingRefusal::TooMany));
    hall.book.cancel(&ada.device, &first, &RingEnd::Cancelled, hall.now);
    ada.heard();
    for instance in 13..15 {
        let ring = hall.rings(&mut ada, &["bob"], instance).expect("there is room again");
        hall.book.cancel(&ada.device, &ring, &RingEnd::Cancelled, hall.now);
        ada.heard();
    }
    assert_eq!(hall.rings(&mut ada, &["bob"], 15), Err(RingRefusal::RateLimited));
    hall.now += Duration::from_secs(60);
    assert!(hall.rings(&mut ada, &["bob"], 15).is_ok(), "a minute later");
}

#[test]
fn nobody_takes_or_hears_of_a_ring_that_is_not_theirs() {
    let mut hall = Hall::new();
    let (mut ada, _bob, mut eve) = (hall.comes("ada", 1), hall.comes("bob", 2), hall.comes("eve", 3));
    let ring = hall.rings(&mut ada, &["bob"], 10).expect("bob is here");
    hall.accepts(&eve, &ring, 30);
    hall.declines(&eve, &ring, RingEnd::Declined);
    hall.book.cancel(&eve.device, &ring, &RingEnd::Cancelled, hall.now);
    hall.book.ask(&eve.device, &ring, hall.now);
    assert_eq!(eve.ended(), vec![RingEnd::Unknown; 4]);
    assert_eq!(ada.heard(), []);
    assert_eq!(hall.book.count().0, 1, "it rings on");
}

// F25: a device that comes back is shown what stands, and asks about the rest.
#[test]
fn who_comes_back_is_shown_what_stands_for_this_device() {
    let mut hall = Hall::new();
    let (mut ada, bob) = (hall.comes("ada", 1), hall.comes("bob", 2));
    let ring = hall.rings(&mut ada, &["bob"], 10).expect("bob is here");
    hall.book.leave(&bob.device, hall.now);
    hall.now += Duration::from_secs(4);
    let (mut bob, standing) = hall.comes_with("bob", 2, 2);
    assert_eq!((standing[0].ring_id.as_str(), standing[0].expires_in_ms), (ring.as_str(), 6_000));
    assert_eq!(standing[0].instance, None);
    let (ada_again, standing) = hall.comes_with("ada", 1, 2);
    assert_eq!(standing[0].instance, Some(Instance(10)), "our own, by the instance that placed it");
    assert_eq!(hall.comes_with("ada", 9, 1).1, [], "another device of the caller's did not place it");
    hall.now += Duration::from_secs(6);
    hall.book.lapse(&ring, hall.now);
    assert_eq!(bob.ended(), [RingEnd::Expired]);
    hall.book.ask(&ada_again.device, &ring, hall.now);
    hall.now += Duration::from_secs(3_600);
    let other = hall.rings(&mut bob, &["ada"], 20).expect("ada is here");
    hall.book.cancel(&bob.device, &other, &RingEnd::Cancelled, hall.now);
    hall.book.ask(&ada_again.device, &ring, hall.now);
    let mut ada_again = ada_again;
    let heard = ada_again.ended();
    assert!(heard.ends_with(&[RingEnd::Unknown]), "an hour later it is forgotten: {heard:?}");
    assert!(heard.starts_with(&[RingEnd::Expired, RingEnd::Expired]), "{heard:?}");
}

#[test]
fn a_ring_placed_again_by_its_instance_is_the_same_ring() {
    let mut hall = Hall::new();
    let (mut ada, mut bob) = (hall.comes("ada", 1), hall.comes("bob", 2));
    let ring = hall.rings(&mut ada, &["bob"], 10).expect("bob is here");
    assert_eq!(hall.rings(&mut ada, &["bob"], 10), Ok(ring.clone()));
    assert_eq!(bob.rings().len(), 1, "it rings once");
    hall.accepts(&bob, &ring, 20);
    ada.heard();
    let order = |hall: &mut Hall, ada: &mut Here| {
        hall.rings(ada, &["bob"], 10).expect("it is the ring that was taken")
    };
    assert_eq!(order(&mut hall, &mut ada), ring);
    assert_eq!(hall.book.count().0, 0);
}

#[test]
fn a_ring_whose_callers_device_does_not_come_back_is_given_up() {
    let mut hall = Hall::new();
    let (mut ada, mut bob) = (hall.comes("ada", 1), hall.comes("bob", 2));
    let order = PlaceRing {
        id: 1,
        session: SessionRef { kind: "room".into(), id: "7".into() },
        instance: Instance(10),
        users: vec!["bob".into()],
        timeout_ms: 0,
        name: None,
        metadata: None,
    };
    let (ring, _) = hall.book.place(&ada.device, order, true, hall.now).expect("bob is here");
    assert_eq!(hall.book.due(&ring), Some(None), "for ever");
    ada.heard();
    hall.book.leave(&ada.device, hall.now);
    let due = hall.book.due(&ring).flatten().expect("not without its caller");
    let (_again, standing) = hall.comes_with("ada", 1, 2);
    assert_eq!(standing.len(), 1);
    assert_eq!(hall.book.due(&ring), Some(None), "the caller is back");
    let newest = hall.comes_with("ada", 1, 3).0.device;
    hall.book.leave(&newest, hall.now);
    bob.heard();
    hall.book.lapse(&ring, due + Duration::from_secs(60));
    assert_eq!(bob.ended(), [RingEnd::Cancelled]);
}

#[test]
fn a_device_that_does_not_read_is_cut_and_loses_nothing_that_stands() {
    let mut hall = Hall::with(&Limits { rings_of_a_user: 16, rings_per_minute: 1_000, ..Limits::default() });
    let (mut ada, bob) = (hall.comes("ada", 1), hall.comes("bob", 2));
    for instance in 0..70 {
        let ring = hall.rings(&mut ada, &["bob"], instance).expect("bob is known, there or not");
        if instance < 65 {
            hall.book.cancel(&ada.device, &ring, &RingEnd::Cancelled, hall.now);
        }
        ada.heard();
    }
    assert_eq!(hall.book.count().1, 1, "bob's device was cut");
    drop(bob);
    assert_eq!(hall.comes_with("bob", 2, 2).1.len(), 5, "what stands is shown when it is back");
}

#[test]
fn a_session_that_ends_ends_its_rings_and_no_others() {
    let mut hall = Hall::new();
    let (mut ada, mut bob) = (hall.comes("ada", 1), hall.comes("bob", 2));
    hall.rings(&mut ada, &["bob"], 10).expect("bob is here");
    assert_eq!(hall.book.end_session("room/8", hall.now), 0);
    assert_eq!(hall.book.end_session("room/7", hall.now), 1);
    assert_eq!(ada.ended(), [RingEnd::EndedBeforePickup]);
    assert_eq!(bob.ended(), [RingEnd::EndedBeforePickup]);
}
