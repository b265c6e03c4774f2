//! The handles over a fake link: what each future gives, and what each drop wishes. The link holds
//! the real machine; its far side is the test. No runtime.

use offhook_lifecycle::*;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};

struct Shared {
    machine: Machine,
    wishes: Vec<Wish>,
    room: usize,
    waker: Option<Waker>,
    dialled: Epoch,
    goodbyes: usize,
}

/// A link, and the test's hand on what it holds.
#[derive(Clone)]
struct Fake(Arc<Mutex<Shared>>);

impl Fake {
    fn new() -> Self {
        let machine = Machine::new(Config::default());
        let (wishes, dialled) = (Vec::new(), Epoch(0));
        Self(Arc::new(Mutex::new(Shared { machine, wishes, room: 2, waker: None, dialled, goodbyes: 0 })))
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn feed(&self, input: Input) {
        let mut shared = self.lock();
        shared.machine.handle(input, Time::ZERO);
        while let Some(output) = shared.machine.poll_output() {
            match output {
                Output::Dial(dial) => shared.dialled = dial.epoch,
                Output::Goodbye { .. } => shared.goodbyes += 1,
                _ => {}
            }
        }
        if let Some(waker) = shared.waker.take() {
            waker.wake();
        }
    }

    fn carry(&self) {
        let epoch = self.dialled();
        self.feed(Input::Up { epoch, link: LinkFacts::default() });
        self.feed(Input::Carried { epoch, plane: Plane::Signaling });
        self.feed(Input::Carried { epoch, plane: Plane::Media });
    }

    fn refuse(&self, why: JoinErrorKind) {
        let epoch = self.dialled();
        self.feed(Input::Refused { epoch, why, retry_after: None });
    }

    fn state(&self) -> State {
        self.lock().machine.state()
    }

    fn wishes(&self) -> Vec<Wish> {
        self.lock().wishes.clone()
    }

    fn dialled(&self) -> Epoch {
        self.lock().dialled
    }

    fn goodbyes(&self) -> usize {
        self.lock().goodbyes
    }

    fn reason(&self) -> Option<EndReason> {
        self.lock().machine.snapshot().ending().map(|ending| ending.reason)
    }
}

impl Link for Fake {
    type Command = &'static str;

    fn want(&self, wish: Wish) {
        self.lock().wishes.push(wish);
        self.feed(wish.input());
    }

    fn send(&self, command: &'static str) -> Result<(), Full<&'static str>> {
        let mut shared = self.lock();
        shared.room = shared.room.checked_sub(1).ok_or(Full(command))?;
        Ok(())
    }

    fn seen(&self) -> Arc<Snapshot> {
        self.lock().machine.snapshot()
    }

    fn poll_seen(&mut self, cx: &mut Context<'_>, seen: u64) -> Poll<Arc<Snapshot>> {
        let mut shared = self.lock();
        let newest = shared.machine.snapshot();
        if newest.serial() != seen {
            return Poll::Ready(newest);
        }
        shared.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// Counts how often it is woken.
#[derive(Default)]
struct Woken(Mutex<usize>);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        *self.0.lock().expect("nobody panics while counting") += 1;
    }
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[track_caller]
fn ready<F: Future>(future: F) -> F::Output {
    match poll(pin!(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits for something"),
    }
}

fn idle(link: &Fake) -> Session<Idle, Fake> {
    Session::idle(link.clone()).unwrap_or_else(|_| panic!("the session is not idle"))
}

fn joined(link: &Fake) -> Session<Joined, Fake> {
    let joining = idle(link).join(JoinWish::default());
    link.carry();
    ready(joining).expect("it carried")
}

fn incoming(link: &Fake) -> Session<Ringing<Incoming>, Fake> {
    link.feed(Input::RingReceived(RingRef(1)));
    Session::incoming(link.clone()).unwrap_or_else(|_| panic!("nothing rings"))
}

#[test]
fn a_join_acts_when_called_and_is_joined_when_it_carries() {
    let link = Fake::new();
    let mut joining = pin!(idle(&link).join(JoinWish::default()));
    assert_eq!(link.state(), State::Joining, "before anybody polled it");
    assert!(poll(joining.as_mut()).is_pending());
    link.carry();
    let Poll::Ready(Ok(session)) = poll(joining.as_mut()) else { panic!("it carried") };
    assert_eq!(session.seen().calling(), CallingState::Joined);
    assert_eq!(link.wishes(), [Wish::Join(JoinWish::default())], "nothing was dropped on the way");
}

/// B11 (https://github.com/pipecat-ai/pipecat-client-web-transports/pull/214): a waiter is woken
/// by levels, so nothing hangs on an event that came while nobody looked.
#[test]
fn a_pending_join_is_woken_by_what_it_waits_for() {
    let link = Fake::new();
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let mut joining = pin!(idle(&link).join(JoinWish::default()));
    assert!(joining.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    link.carry();
    assert!(*woken.0.lock().expect("not poisoned") >= 1);
}

/// F09: a refused join gives the session back, and it can be joined again.
#[test]
fn a_refused_join_gives_the_session_back() {
    let link = Fake::new();
    let joining = idle(&link).join(JoinWish::default());
    link.refuse(JoinErrorKind::Unauthorized);
    let failed = ready(joining).expect_err("it was refused");
    assert_eq!(failed.kind, JoinErrorKind::Unauthorized);
    let Back::Idle(idle) = failed.back else { panic!("the session is given back") };
    let joining = idle.join(JoinWish::default());
    link.carry();
    assert!(ready(joining).is_ok(), "an old failure is not told twice");
}

/// F04, A4 (https://github.com/GetStream/stream-video-js/issues/1618): whenever a pending join is
/// dropped, it ends as cancelled, and what comes later changes nothing.
#[test]
fn a_join_dropped_at_any_poll_ends_cancelled() {
    for polls in 0..6 {
        let link = Fake::new();
        let mut joining = Box::pin(idle(&link).join(JoinWish::default()));
        let epoch = link.dialled();
        let facts = [
            Input::Answered { epoch },
            Input::Up { epoch, link: LinkFacts::default() },
            Input::Carried { epoch, plane: Plane::Signaling },
        ];
        for at in 0..polls {
            assert!(poll(joining.as_mut()).is_pending());
            if let Some(fact) = facts.get(at) {
                link.feed(*fact);
            }
        }
        drop(joining);
        assert_eq!(link.reason(), Some(EndReason::Cancelled), "after {polls} polls");
        link.carry();
        assert!(link.state().is_over());
        assert_eq!(link.wishes().last(), Some(&Wish::Drop));
    }
}

/// A join that carried, whose handle nobody ever took: dropping it leaves.
#[test]
fn a_join_dropped_after_it_carried_leaves() {
    let link = Fake::new();
    let joining = idle(&link).join(JoinWish::default());
    link.carry();
    drop(joining);
    assert_eq!((link.reason(), link.goodbyes()), (Some(EndReason::Dropped), 1));
}

/// R6: cancel needs no network and gives back what is left.
#[test]
fn a_cancelled_join_gives_back_what_is_left() {
    let link = Fake::new();
    let cancelled = ready(idle(&link).join(JoinWish::default()).cancel());
    let Back::Idle(idle) = cancelled else { panic!("a join from idle gives idle back") };
    let joining = idle.join(JoinWish::default());
    link.carry();
    let Back::Left(left) = ready(joining.cancel()) else { panic!("it had carried") };
    assert_eq!(left.ending().reason, EndReason::Cancelled);
}

#[test]
fn a_cancel_that_is_dropped_ends_the_session() {
    let link = Fake::new();
    drop(idle(&link).join(JoinWish::default()).cancel());
    assert_eq!(link.reason(), Some(EndReason::Dropped));
}

#[test]
fn a_join_whose_session_is_left_elsewhere_ends_typed() {
    let link = Fake::new();
    let joining = idle(&link).join(JoinWish::default());
    link.feed(Input::Leave);
    let failed = ready(joining).expect_err("it was left");
    assert_eq!(failed.kind, JoinErrorKind::Cancelled);
    assert!(matches!(failed.back, Back::Left(_)));
}

/// B18 (https://github.com/livekit/agents/issues/5035): a waiter is tied to its session.
#[test]
fn a_host_that_dies_ends_every_wait() {
    let link = Fake::new();
    let joining = idle(&link).join(JoinWish::default());
    link.feed(Input::HostGone);
    assert_eq!(ready(joining).expect_err("nobody is there").kind, JoinErrorKind::HostGone);
    let link = Fake::new();
    let mut ended = pin!(joined(&link).ended());
    assert!(poll(ended.as_mut()).is_pending());
    link.feed(Input::HostGone);
    assert!(matches!(poll(ended), Poll::Ready(left) if left.ending().reason == EndReason::HostGone));
}

/// R2: a leave is done when it is called; awaiting it gives the reason. (Leaving twice, and
/// commands afterwards, do not compile: `tests/ui`.)
#[test]
fn a_leave_is_done_when_it_is_called() {
    let link = Fake::new();
    let leaving = joined(&link).leave();
    assert_eq!(leaving.link().seen().calling(), CallingState::Left);
    let mut left = ready(leaving);
    assert_eq!(left.ending().reason, EndReason::LeftByUser);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(left.poll_released(&mut cx).is_pending());
    link.feed(Input::Released);
    assert!(left.poll_released(&mut cx).is_ready());
    drop(left);
    assert_eq!(
        link.wishes(),
        [Wish::Join(JoinWish::default()), Wish::Leave],
        "a left session wishes nothing"
    );
}

#[test]
fn a_leave_that_is_dropped_stands() {
    let link = Fake::new();
    drop(joined(&link).leave());
    assert_eq!(link.reason(), Some(EndReason::LeftByUser));
    assert_eq!(link.wishes().last(), Some(&Wish::Leave));
}

/// "The handle stays valid and `leave` then yields that same reason."
#[test]
fn a_leave_after_the_far_side_ended_it_yields_that_reason() {
    let link = Fake::new();
    let session = joined(&link);
    let epoch = link.dialled();
    link.feed(Input::Ended { epoch, reason: EndReason::Kicked });
    assert_eq!(ready(session.leave()).ending().reason, EndReason::Kicked);
}

#[test]
fn ended_waits_for_the_ending_and_dropping_it_leaves() {
    let link = Fake::new();
    let mut ended = pin!(joined(&link).ended());
    assert!(poll(ended.as_mut()).is_pending());
    let epoch = link.dialled();
    link.feed(Input::PlaneLost { epoch, plane: Plane::Media, fault: Fault::Silent });
    assert!(poll(ended.as_mut()).is_pending(), "an outage is no ending");
    link.feed(Input::Ended { epoch, reason: EndReason::MaxDuration });
    assert!(matches!(poll(ended), Poll::Ready(left) if left.ending().reason == EndReason::MaxDuration));
    let link = Fake::new();
    drop(joined(&link).ended());
    assert_eq!(link.reason(), Some(EndReason::Dropped));
}

#[test]
fn dropping_each_phase_wishes_the_same_and_ends_as_the_phase_says() {
    let link = Fake::new();
    drop(idle(&link));
    assert_eq!((link.wishes(), link.reason()), (vec![Wish::Drop], Some(EndReason::Dropped)));
    let link = Fake::new();
    drop(idle(&link).ring());
    assert_eq!((link.wishes(), link.reason()), (vec![Wish::Ring, Wish::Drop], Some(EndReason::Dropped)));
    let link = Fake::new();
    drop(incoming(&link));
    assert_eq!((link.wishes(), link.reason()), (vec![Wish::Drop], Some(EndReason::Dropped)));
    let link = Fake::new();
    drop(joined(&link));
    assert_eq!((link.goodbyes(), link.reason()), (1, Some(EndReason::Dropped)));
}

/// Also while a panic unwinds, also from another thread.
#[test]
fn a_session_dropped_by_a_panic_on_another_thread_leaves() {
    let link = Fake::new();
    let session = joined(&link);
    let panicked = std::thread::spawn(move || {
        let _held = session;
        std::panic::resume_unwind(Box::new("the user's own mistake"));
    });
    assert!(panicked.join().is_err());
    assert_eq!((link.reason(), link.goodbyes()), (Some(EndReason::Dropped), 1));
}

/// F25: an accept that fails before the far side confirmed it gives the ring back; after, `Left`.
#[test]
fn an_accept_gives_the_ring_back_until_it_was_confirmed() {
    let link = Fake::new();
    let accepting = incoming(&link).accept();
    link.feed(Input::PresenceLost);
    let failed = ready(accepting).expect_err("nobody confirmed it");
    let RingBack::Ringing(ring) = failed.back else { panic!("the ring goes on") };
    let accepting = ring.accept();
    link.feed(Input::Accepted(None));
    link.refuse(JoinErrorKind::NotFound);
    let failed = ready(accepting).expect_err("it was refused");
    assert_eq!(failed.kind, JoinErrorKind::NotFound);
    assert!(matches!(failed.back, RingBack::Left(_)));
}

#[test]
fn an_accept_that_carries_is_joined() {
    let link = Fake::new();
    let accepting = incoming(&link).accept();
    link.feed(Input::Accepted(None));
    link.carry();
    assert!(ready(accepting).is_ok());
}

#[test]
fn a_ring_that_is_answered_is_joined_and_one_that_is_declined_is_left() {
    let link = Fake::new();
    let answered = idle(&link).ring().answered();
    link.feed(Input::Accepted(None));
    link.carry();
    assert!(ready(answered).is_ok());
    let link = Fake::new();
    let answered = idle(&link).ring().answered();
    link.feed(Input::RingEnded(RingEnd::Declined));
    assert_eq!(ready(answered).expect_err("declined").back.ending().reason, EndReason::Declined);
    let link = Fake::new();
    let left = ready(incoming(&link).decline(Decline::Busy));
    assert_eq!(left.ending().reason, EndReason::Declined);
}

/// R16: the way of commands is bounded, and a command that finds no room is given back.
#[test]
fn a_command_that_finds_no_room_is_given_back() {
    let link = Fake::new();
    let session = joined(&link);
    assert_eq!(session.send("one"), Ok(()));
    assert_eq!(session.send("two"), Ok(()));
    assert_eq!(session.send("three"), Err(Full("three")));
}

#[test]
fn a_handle_is_minted_only_from_a_snapshot_of_its_phase() {
    let link = Fake::new();
    assert!(Session::incoming(link.clone()).is_err(), "nothing rings");
    link.feed(Input::Join(JoinWish::default()));
    assert!(Session::idle(link.clone()).is_err(), "it joins");
    assert_eq!(link.wishes(), [], "a link given back is not left");
}
