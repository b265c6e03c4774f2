//! Rings that we place.

use super::*;
use crate::common::{nothing_left, tasks};
use offhook::mock::MockTransport;
use offhook::transport::{Capabilities, FaultKind, RefusedCode, RingEndCode, RingRefusedCode};
use offhook::{Direction, EndReason, Join, JoinErrorKind, PresenceState, Ring, RingRefusal};

fn idle(client: &Client) -> Session<offhook::Idle> {
    client.session("room", "7")
}

// F21
#[tokio::test(start_paused = true)]
async fn a_ring_that_is_answered_joins_by_itself() {
    let (client, remote) = by_hand();
    let ring = Ring::to(["ada", "eve"]).name("Me").metadata("now?").timeout(Duration::from_secs(12));
    let ring = idle(&client).ring(ring.join(Join::new().prompt("sepia")));
    assert_eq!(ring.state(), CallingState::Ringing(Direction::Outgoing), "from the moment it was asked for");
    let order = ordered(&remote).await;
    assert_eq!(order.users, ["ada", "eve"]);
    assert_eq!((order.name.as_deref(), order.metadata.as_deref()), (Some("Me"), Some("now?")));
    assert_eq!(order.timeout, Some(Duration::from_secs(12)));
    assert_eq!(order.session, room());
    let id = remote.placed(&order);
    let ticket = remote.taken(&id, "eve");
    // Nobody awaits it yet: it joins all the same.
    let dial = soon(remote.dial()).await;
    assert_eq!(dial.seen().instance, order.instance, "the ticket is for this instance");
    assert_eq!(dial.seen().join_ticket.as_ref(), Some(&ticket));
    assert_eq!(dial.seen().desired.prompt.as_ref().map(|prompt| prompt.text.as_str()), Some("sepia"));
    dial.accept();
    let session = soon(ring.into_future()).await.expect("it is answered");
    assert_eq!(session.state(), CallingState::Joined);
}

// F21, F22
#[tokio::test(start_paused = true)]
async fn what_becomes_of_a_ring_is_its_own_reason_and_gives_the_join_back() {
    let (client, remote) = by_hand();
    for (why, reason) in [
        (RingEndCode::Declined, EndReason::Declined),
        (RingEndCode::DeclinedByAll, EndReason::DeclinedByAll),
        (RingEndCode::Busy, EndReason::Busy),
        (RingEndCode::Expired, EndReason::NotAnswered),
        (RingEndCode::EndedBeforePickup, EndReason::EndedBeforePickup),
    ] {
        let ring = idle(&client).ring(Ring::to(["ada"]).join(Join::new().prompt("sepia")));
        let id = remote.placed(&ordered(&remote).await);
        remote.gone(&id, why);
        let failed = soon(ring.into_future()).await.expect_err("nobody takes it");
        assert_eq!(failed.reason(), reason);
        let (left, join) = failed.into_parts();
        assert_eq!(left.reason(), reason);
        // The same join, for another ring.
        let again = idle(&client).ring(Ring::to(["ada"]).join(join));
        let id = remote.placed(&ordered(&remote).await);
        remote.taken(&id, "ada");
        let dial = soon(remote.dial()).await;
        assert!(dial.seen().desired.prompt.is_some());
        dial.accept();
        drop(soon(again.into_future()).await.expect("this time somebody does"));
    }
}

// F21: design, the drop rules
#[tokio::test(start_paused = true)]
async fn a_ring_that_is_cancelled_left_or_dropped_is_taken_back_once() {
    let (client, remote) = by_hand();
    for (n, reason) in
        [EndReason::Cancelled, EndReason::LeftByUser, EndReason::Dropped].into_iter().enumerate()
    {
        let ring = idle(&client).ring(Ring::to(["ada"]));
        let controls = ring.controls();
        let id = remote.placed(&ordered(&remote).await);
        settled().await;
        let left = match n {
            0 => Some(ring.cancel()),
            1 => Some(ring.leave()),
            _ => {
                drop(ring);
                None
            }
        };
        assert_eq!(said(&remote).await, RingAction::Cancel { ring: id.clone() });
        if let Some(left) = left {
            assert_eq!(soon(left).await.reason(), reason);
        }
        assert_eq!(controls.state(), CallingState::Left);
        remote.gone(&id, RingEndCode::Cancelled);
    }
    settled().await;
    assert_eq!(client.presence(), PresenceState::Off, "nobody rings and nobody listens");
}

// A7, J7: a far side that was told nothing of a ring is told nothing of its end.
#[tokio::test(start_paused = true)]
async fn a_ring_given_up_before_presence_is_there_is_never_placed() {
    let before = tasks();
    let (client, remote) = by_hand();
    remote.stall_presence(true);
    let ring = idle(&client).ring(Ring::to(["ada"]));
    soon(remote.presence_dial()).await;
    settled().await;
    assert_eq!(soon(ring.cancel()).await.reason(), EndReason::Cancelled);
    remote.stall_presence(false);
    settled().await;
    assert_eq!(remote.ring_log(), [], "zero words");
    nothing_left(&remote, before).await;
    assert_eq!(remote.census().presences, 0, "presence is not kept for nobody");
}

// A7: given up after the order went out and before it had a name
#[tokio::test(start_paused = true)]
async fn a_ring_given_up_before_it_had_a_name_is_taken_back_as_soon_as_it_has_one() {
    let (client, remote) = by_hand();
    let ring = idle(&client).ring(Ring::to(["ada"]));
    let order = ordered(&remote).await;
    assert_eq!(soon(ring.cancel()).await.reason(), EndReason::Cancelled);
    settled().await;
    assert_eq!(words(&remote).len(), 1);
    let id = remote.placed(&order);
    assert_eq!(said(&remote).await, RingAction::Cancel { ring: id });
}

// B15: the words around the start of a ring, in every order.
#[tokio::test(start_paused = true)]
async fn an_answer_that_overtakes_the_word_that_names_the_ring_is_not_lost() {
    let (client, remote) = by_hand();
    for (n, answered) in [true, false].into_iter().enumerate() {
        let ring = idle(&client).ring(Ring::to(["ada"]));
        let order = ordered(&remote).await;
        let id = RingId(format!("early-{n}"));
        if answered {
            remote.taken(&id, "ada");
        } else {
            remote.gone(&id, RingEndCode::Declined);
        }
        settled().await;
        assert_eq!(ring.state(), CallingState::Ringing(Direction::Outgoing));
        remote.placed_as(&order, &id);
        if answered {
            soon(remote.dial()).await.accept();
            drop(soon(ring.into_future()).await.expect("it was answered"));
        } else {
            let failed = soon(ring.into_future()).await.expect_err("it was declined");
            assert_eq!(failed.reason(), EndReason::Declined);
        }
    }
}

// F22: one deadline on this side, too
#[tokio::test(start_paused = true)]
async fn a_far_side_that_never_answers_is_given_up_at_the_rings_own_deadline() {
    let (client, remote) = by_hand();
    let ring = idle(&client).ring(Ring::to(["ada"]).timeout(Duration::from_secs(9)));
    let began = remote.now();
    let id = remote.placed(&ordered(&remote).await);
    let failed = soon(ring.into_future()).await.expect_err("nobody answers");
    assert_eq!(failed.reason(), EndReason::NotAnswered);
    assert_eq!(remote.now().saturating_sub(began).as_secs(), 9);
    // Whoever was rung missed it; nobody took it back.
    assert_eq!(said(&remote).await, RingAction::Expire { ring: id });
}

// F22: no deadline at all, when that was asked for
#[tokio::test(start_paused = true)]
async fn a_ring_for_ever_rings_until_somebody_ends_it() {
    let (client, remote) = by_hand();
    let ring = idle(&client).ring(Ring::to(["ada"]).timeout(Duration::ZERO));
    let order = ordered(&remote).await;
    assert_eq!(order.timeout, None);
    remote.placed(&order);
    tokio::time::advance(Duration::from_secs(7_200)).await;
    settled().await;
    assert_eq!(ring.state(), CallingState::Ringing(Direction::Outgoing));
}

// F24: glare, with us as the loser and as the survivor
#[tokio::test(start_paused = true)]
async fn in_glare_the_survivor_comes_out_of_incoming_and_the_loser_ends_with_its_name() {
    let (client, remote) = by_hand();
    let client = client.decline_when_busy();
    let mut rings = client.incoming();
    soon(client.present()).await.expect("the far side lets it in");
    let ours = idle(&client).ring(Ring::to(["ada"]));
    let order = ordered(&remote).await;
    // Theirs is here before ours has a name; the option to be busy does not kill it.
    let theirs = remote.rings("ada", room());
    let their_ring = next(&mut rings).await;
    let id = remote.placed(&order);
    remote.glare(&id, &theirs);
    let failed = soon(ours.into_future()).await.expect_err("theirs goes on");
    assert!(matches!(failed.reason(), EndReason::Glare { .. }), "{:?}", failed.reason());
    assert_eq!(their_ring.state(), CallingState::Ringing(Direction::Incoming));
    let accepting = their_ring.accept(Join::new());
    assert!(matches!(said(&remote).await, RingAction::Accept { ring, .. } if ring == theirs));
    remote.taken(&theirs, "me");
    soon(remote.dial()).await.accept();
    let session = soon(accepting).await.expect("theirs is taken");
    let left = soon(session.leave()).await;
    drop(left);

    let ours = idle(&client).ring(Ring::to(["eve"]));
    let order = ordered(&remote).await;
    let id = remote.placed(&order);
    let theirs = remote.rings("eve", room());
    let their_ring = next(&mut rings).await;
    remote.glare(&theirs, &id);
    shows(&their_ring.controls(), CallingState::Left).await;
    assert!(matches!(soon(their_ring.leave()).await.reason(), EndReason::Glare { .. }));
    assert_eq!(ours.state(), CallingState::Ringing(Direction::Outgoing), "ours goes on");
}

// Bad input: oneself, nobody, unknown; and what costs no word at all
#[tokio::test(start_paused = true)]
async fn a_ring_that_is_refused_ends_with_a_typed_reason_and_the_next_step() {
    let (client, remote) = by_hand();
    for (code, why) in [
        (RingRefusedCode::Oneself, RingRefusal::Oneself),
        (RingRefusedCode::UnknownUser, RingRefusal::UnknownUser),
        (RingRefusedCode::TooMany, RingRefusal::TooMany),
        (RingRefusedCode::RateLimited, RingRefusal::RateLimited),
        (RingRefusedCode::NotPermitted, RingRefusal::NotPermitted),
        (RingRefusedCode::Other, RingRefusal::Other),
    ] {
        let ring = idle(&client).ring(Ring::to(["ada"]));
        remote.refuse_ring(&ordered(&remote).await, code);
        let failed = soon(ring.into_future()).await.expect_err("it is refused");
        assert_eq!(failed.reason(), EndReason::RingRefused(why));
        assert_eq!(failed.text().as_deref(), Some("not here"));
        assert!(failed.to_string().contains(why.advice()), "{failed}");
    }
    let said = remote.ring_log().len();
    let nobody: [&str; 0] = [];
    for (ring, why) in [
        (Ring::to(nobody), RingRefusal::Nobody),
        (Ring::to(["ada"]).metadata("x".repeat(513)), RingRefusal::Other),
        (
            Ring::to(["ada"]).join(Join::new().wait_in_queue(Duration::from_secs(1))),
            RingRefusal::NotSupported,
        ),
    ] {
        let failed = soon(idle(&client).ring(ring).into_future()).await.expect_err("it cannot be placed");
        assert_eq!(failed.reason(), EndReason::RingRefused(why));
    }
    assert_eq!(remote.ring_log().len(), said, "nothing was said");
}

#[tokio::test(start_paused = true)]
async fn a_transport_without_rings_says_so_before_any_io() {
    let (transport, remote) = offhook::mock::pair();
    let transport: MockTransport = transport.capable_of(Capabilities::NONE);
    let client = Client::new(transport);
    let failed = soon(idle(&client).ring(Ring::to(["ada"])).into_future()).await;
    let reason = failed.expect_err("there is no presence").reason();
    assert_eq!(reason, EndReason::RingRefused(RingRefusal::NotSupported));
    assert_eq!(remote.census().presences, 0);
}

#[tokio::test(start_paused = true)]
async fn a_ring_whose_presence_is_refused_for_good_ends_with_the_reason() {
    let (client, remote) = by_hand();
    remote.refuse_presence(Some(RefusedCode::Unauthorized));
    let ring = idle(&client).ring(Ring::to(["ada"]));
    let failed = soon(ring.into_future()).await.expect_err("nobody hears it");
    assert_eq!(failed.reason(), EndReason::RingRefused(RingRefusal::Unauthorized));
    // Another wish dials again: the credential may be another one by now.
    remote.refuse_presence(None);
    let ring = idle(&client).ring(Ring::to(["ada"]));
    remote.placed(&ordered(&remote).await);
    assert_eq!(ring.state(), CallingState::Ringing(Direction::Outgoing));
}

#[test]
fn a_ring_without_a_runtime_is_over_at_once_and_hangs_nobody() {
    let (client, _remote) = by_hand();
    let ring = idle(&client).ring(Ring::to(["ada"]));
    assert_eq!(ring.state(), CallingState::Left);
    assert_eq!(ring.view().ending().map(|ending| ending.reason), Some(EndReason::HostGone));
}

// F21: the join after the answer fails
#[tokio::test(start_paused = true)]
async fn a_ring_whose_join_fails_ends_with_why_and_never_rings_again() {
    let (client, remote) = by_hand();
    let ring = idle(&client).ring(Ring::to(["ada"]));
    let id = remote.placed(&ordered(&remote).await);
    remote.taken(&id, "ada");
    soon(remote.dial()).await.refuse(RefusedCode::NotPermitted);
    let failed = soon(ring.into_future()).await.expect_err("it is refused");
    assert_eq!(failed.reason(), EndReason::JoinFailed(JoinErrorKind::NotPermitted));
}

// F22: whoever answered is told that nobody comes, however the join after the answer was given up
#[tokio::test(start_paused = true)]
async fn a_ring_that_is_given_up_after_it_was_answered_says_so_once() {
    let (client, remote) = by_hand();
    for way in 0..4 {
        let ring = idle(&client).ring(Ring::to(["ada"]));
        let controls = ring.controls();
        let id = remote.placed(&ordered(&remote).await);
        settled().await;
        if way == 0 {
            // The answer and the cancel cross; the answer is heard first.
            remote.taken(&id, "ada");
            drop(ring.cancel());
            assert_eq!(said(&remote).await, RingAction::Cancel { ring: id.clone() });
        } else {
            remote.taken(&id, "ada");
            let dial = soon(remote.dial()).await;
            match way {
                1 => drop(ring.cancel()),
                2 => drop(ring),
                _ => dial.refuse(RefusedCode::NotPermitted),
            }
            assert_eq!(said(&remote).await, RingAction::Cancel { ring: id.clone() });
        }
        assert_eq!(controls.state(), CallingState::Left);
        remote.gone(&id, RingEndCode::AnsweredElsewhere);
        settled().await;
    }
    assert_eq!(words(&remote).iter().filter(|word| matches!(word, RingAction::Cancel { .. })).count(), 4);
    assert_eq!(client.presence(), PresenceState::Off, "nothing more is to be said");
    // One that led into the session is not taken back when that is left.
    let ring = idle(&client).ring(Ring::to(["ada"]));
    let id = remote.placed(&ordered(&remote).await);
    remote.taken(&id, "ada");
    soon(remote.dial()).await.accept();
    drop(soon(ring.into_future()).await.expect("it is answered"));
    settled().await;
    assert_eq!(words(&remote).iter().filter(|word| matches!(word, RingAction::Cancel { .. })).count(), 4);
}

// F21: presence lost between order and answer; the same instance is the same ring
#[tokio::test(start_paused = true)]
async fn an_order_whose_answer_was_lost_is_said_again_under_the_same_instance() {
    let (client, remote) = by_hand();
    let ring = idle(&client).ring(Ring::to(["ada"]));
    let first = ordered(&remote).await;
    remote.drop_presence(FaultKind::Closed);
    let second = ordered(&remote).await;
    assert_eq!((first.instance, first.id), (second.instance, second.id));
    let id = remote.placed(&second);
    remote.taken(&id, "ada");
    soon(remote.dial()).await.accept();
    drop(soon(ring.into_future()).await.expect("it is answered"));
}
