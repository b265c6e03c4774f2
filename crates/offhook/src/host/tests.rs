//! A sleep that nobody announced (F15), from the clocks to what the far side sees of it; and late
//! timers, which are none. The clocks are the test's, time is virtual.

use crate::clock::{Clocks, Reading};
use crate::mock::{MockDial, MockTransport, Remote, pair};
use crate::transport::Plane;
use crate::{CallingState, Client, EndReason, Join, Joined, Network, Policy, Session, SuspendPolicy};
use futures_util::StreamExt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, advance, sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);

/// A machine that can be sent to sleep: its monotonic clock stands still then, as virtual time does.
struct Machine {
    began: Instant,
    slept: Mutex<Duration>,
}

impl Machine {
    fn suspend_for(&self, length: Duration) {
        *self.slept.lock().unwrap_or_else(PoisonError::into_inner) += length;
    }
}

impl Clocks for Machine {
    fn read(&self) -> Option<Reading> {
        let monotonic = self.began.elapsed();
        let slept = *self.slept.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Reading { boot: monotonic + slept, monotonic })
    }
}

/// A client on a machine that can be sent to sleep.
fn on_a_machine(transport: MockTransport, policy: Policy) -> (Client, Arc<Machine>) {
    let machine = Arc::new(Machine { began: Instant::now(), slept: Mutex::default() });
    let mut client = Client::new(transport).seed(7).policy(policy);
    Arc::make_mut(&mut client.config).clocks = machine.clone();
    (client, machine)
}

async fn by_hand() -> (Client, Arc<Machine>, Remote, Session<Joined>, MockDial) {
    let (transport, remote) = pair();
    let (client, machine) = on_a_machine(transport, Policy::default());
    let joining = client.session("studio", "7").join(Join::new());
    let dial = remote.dial().await;
    dial.accept();
    let session = joining.await.expect("the hand accepts");
    (client, machine, remote, session, dial)
}

async fn in_the_studio(policy: Policy) -> (Client, Arc<Machine>, Remote, Session<Joined>) {
    let (transport, remote) = MockTransport::studio(7);
    let (client, machine) = on_a_machine(transport, policy);
    let session = client.session("studio", "7").join(Join::new()).await.expect("everybody is let in");
    (client, machine, remote, session)
}

async fn until(session: &Session<Joined>, wanted: CallingState) {
    let mut states = session.states();
    let seen = async { while states.next().await.expect("before the end").state() != wanted {} };
    timeout(600 * SECOND, seen).await.expect("in ten minutes");
}

/// How long after `since` the far side is dialled anew, and with which plan.
async fn dialled(remote: &Remote, since: Instant) -> (Duration, crate::transport::Plan) {
    let dial = timeout(600 * SECOND, remote.dial()).await.expect("in ten minutes");
    (since.elapsed(), dial.plan().clone())
}

/// F15: what was silent through a sleep is asked once, and gets two seconds, not six.
#[tokio::test(start_paused = true)]
async fn a_far_side_that_is_silent_after_a_sleep_is_given_up_after_one_probe() {
    let mut found = Vec::new();
    for asleep in [Duration::ZERO, 5 * SECOND] {
        let (_client, machine, remote, _session, dial) = by_hand().await;
        sleep(2 * SECOND + SECOND / 10).await;
        dial.silence(Plane::Signaling);
        let since = Instant::now();
        machine.suspend_for(asleep);
        found.push(dialled(&remote, since).await.0);
    }
    let [awake, slept] = found[..] else { panic!("{found:?}") };
    assert!(awake > 5 * SECOND, "the silence of a machine that was awake: {awake:?}");
    // Up to two until the clocks are compared, two for the probe.
    assert!((2 * SECOND..=4 * SECOND).contains(&slept), "{slept:?}");
}

/// F15: a link that lived through the sleep goes on.
#[tokio::test(start_paused = true)]
async fn a_link_that_answers_after_a_sleep_is_kept() {
    let (_client, machine, remote, session) = in_the_studio(Policy::default()).await;
    let dialled_once = remote.newest().expect("it is open").epoch();
    for _ in 0..10 {
        machine.suspend_for(20 * SECOND);
        sleep(10 * SECOND).await;
        assert_eq!(session.state(), CallingState::Joined);
    }
    assert_eq!(remote.newest().expect("it is open").epoch(), dialled_once, "nothing was dialled");
}

/// F15, R7: the far side has given the place away meanwhile.
#[tokio::test(start_paused = true)]
async fn a_sleep_past_the_resume_window_is_a_rejoin() {
    let (_client, machine, remote, session, _dial) = by_hand().await;
    let since = Instant::now();
    machine.suspend_for(600 * SECOND);
    let (after, plan) = dialled(&remote, since).await;
    assert!(matches!(plan, crate::transport::Plan::Rejoin { .. }), "{plan:?}");
    assert!(after <= 2 * SECOND, "{after:?}");
    assert_eq!(session.state(), CallingState::Reconnecting);
}

/// F15: a suspend nobody announced follows the same policy as an announced one.
#[tokio::test(start_paused = true)]
async fn a_sleep_ends_a_session_whose_policy_is_to_leave() {
    let policy = Policy { suspend: SuspendPolicy::Leave, ..Policy::default() };
    let (_client, machine, _remote, session) = in_the_studio(policy).await;
    machine.suspend_for(3 * SECOND);
    let left = timeout(60 * SECOND, session.ended()).await.expect("it is over");
    assert_eq!(left.reason(), EndReason::Suspended);
}

/// F15, R10: what the machine slept through counts for how long it was without a network.
#[tokio::test(start_paused = true)]
async fn a_sleep_counts_for_the_time_without_a_network() {
    let (_client, machine, remote, session) = in_the_studio(Policy::default()).await;
    session.controls().network(Network::Down);
    until(&session, CallingState::Offline).await;
    let since = Instant::now();
    machine.suspend_for(121 * SECOND);
    until(&session, CallingState::ReconnectingFailed).await;
    assert!(since.elapsed() <= 2 * SECOND, "{:?}", since.elapsed());
    // And the network that is there on waking recovers it, by a rejoin.
    remote.network(crate::transport::NetworkFact::Up);
    until(&session, CallingState::Joined).await;
    let plan = remote.newest().expect("it is open").plan().clone();
    assert!(matches!(plan, crate::transport::Plan::Rejoin { .. }), "{plan:?}");
}

/// E13: the process was stopped and the clocks agree: a stall. One that is answered afterwards
/// changes nothing.
#[tokio::test(start_paused = true)]
async fn timers_that_are_a_minute_late_are_no_sleep_and_no_loss() {
    let (_client, _machine, remote, session) = in_the_studio(Policy::default()).await;
    let epoch = remote.newest().expect("it is open").epoch();
    for _ in 0..5 {
        advance(60 * SECOND).await;
        sleep(10 * SECOND).await;
        assert_eq!(session.state(), CallingState::Joined);
    }
    assert_eq!(remote.newest().expect("it is open").epoch(), epoch, "nothing was dialled");
}

/// E13: and one that is not answered is a loss after one probe, by a resume: nobody slept.
#[tokio::test(start_paused = true)]
async fn a_far_side_that_is_silent_after_a_stall_is_given_up_after_one_probe() {
    let (_client, _machine, remote, _session, dial) = by_hand().await;
    dial.silence(Plane::Signaling);
    dial.silence(Plane::Media);
    advance(20 * SECOND).await;
    let since = Instant::now();
    let (after, plan) = dialled(&remote, since).await;
    assert!((SECOND..=3 * SECOND).contains(&after), "{after:?}");
    assert!(matches!(plan, crate::transport::Plan::Resume { .. }), "{plan:?}");
}
