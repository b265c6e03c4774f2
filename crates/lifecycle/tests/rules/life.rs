//! Random lives for the rules: a list of operations, played against a machine under a clock, with
//! everything that was said written down. What is true of one moment goes with it.

#![allow(unreachable_pub, reason = "a module of one test binary")]

use offhook_lifecycle::*;
use proptest::prelude::*;
use proptest::test_runner::{Config as Runner, FileFailurePersistence};
use std::time::Duration;

/// Failing seeds of every rule land here.
const REGRESSIONS: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../proptest-regressions/lifecycle-rules.txt");

pub fn runner() -> Runner {
    Runner {
        cases: 128,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(REGRESSIONS))),
        ..Runner::default()
    }
}

/// Whom a report is about.
#[derive(Clone, Copy, Debug)]
pub enum About {
    Current,
    Dial,
    Stale,
}

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
pub enum Op {
    Wish(Input),
    Fact(About, Input),
    /// The dial under way is let in, acked and carries.
    Carry,
    Set(u8),
    Withdraw,
    Track,
    Pass(Duration),
}

/// One operation and what came of it.
#[derive(Clone, Debug)]
pub struct Moment {
    pub op: Op,
    pub at: Time,
    pub before: State,
    pub after: State,
    pub outputs: Vec<Output>,
    /// The epoch that the operation spoke of, and whether it was valid then.
    pub epoch: Option<(Epoch, bool)>,
}

#[derive(Clone, Debug)]
pub struct Life {
    pub machine: Machine,
    pub moments: Vec<Moment>,
    pub now: Time,
    dialled: Epoch,
}

const NO_EPOCH: Epoch = Epoch(0);

fn wish() -> impl Strategy<Value = Input> {
    prop_oneof![
        8 => Just(Input::Join(JoinWish::default())),
        2 => Just(Input::Join(JoinWish { wait_in_queue: true, returning: false })),
        1 => Just(Input::Ring),
        1 => Just(Input::RingReceived(RingRef(1))),
        2 => Just(Input::Accept),
        2 => Just(Input::Accepted(None)),
        1 => Just(Input::PresenceLost),
        3 => Just(Input::Retry),
        3 => Just(Input::NetworkDown),
        4 => Just(Input::NetworkUp),
        1 => Just(Input::Suspend),
        2 => Just(Input::Unsuspend),
        1 => (0..60_u64).prop_map(|s| Input::Woke { slept: Duration::from_secs(s) }),
        2 => Just(Input::CredentialRefreshed { credential: CredentialRef(3) }),
        1 => Just(Input::CredentialDenied),
        1 => Just(Input::Cancel),
        1 => Just(Input::Released),
    ]
}

fn plane() -> impl Strategy<Value = Plane> {
    prop_oneof![Just(Plane::Signaling), Just(Plane::Media)]
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::Closed),
        Just(Fault::Silent),
        Just(Fault::IceFailed),
        Just(Fault::ClosedByPeer),
        Just(Fault::ServerRestart),
        Just(Fault::Unreachable)
    ]
}

fn fact() -> impl Strategy<Value = Input> {
    let epoch = NO_EPOCH;
    prop_oneof![
        6 => (plane(), fault()).prop_map(move |(plane, fault)| Input::PlaneLost { epoch, plane, fault }),
        4 => plane().prop_map(move |plane| Input::Carried { epoch, plane }),
        4 => plane().prop_map(move |plane| Input::Alive { epoch, plane }),
        3 => Just(Input::Up { epoch, link: LinkFacts::default() }),
        2 => Just(Input::Answered { epoch }),
        2 => Just(Input::PathAlive { epoch }),
        2 => fault().prop_map(move |fault| Input::DialFailed { epoch, fault }),
        2 => Just(Input::ResumeRefused { epoch, why: ResumeRefusal::Gone }),
        1 => Just(Input::ResumeRefused { epoch, why: ResumeRefusal::Restarted }),
        2 => Just(Input::GoAway { epoch, target: Some(TargetRef(5)), why: MoveReason::Rebalance }),
        1 => Just(Input::Advised { epoch, plan: Advice::Rejoin }),
        1 => Just(Input::Advised { epoch, plan: Advice::Resume }),
        1 => Just(Input::Refused { epoch, why: JoinErrorKind::Unauthorized, retry_after: None }),
        2 => Just(Input::Refused { epoch, why: JoinErrorKind::Rejected { code: Rejection::Internal }, retry_after: None }),
        1 => Just(Input::Refused { epoch, why: JoinErrorKind::Busy { retry_after: None, queue_position: None }, retry_after: None }),
        1 => Just(Input::NeedCredential { epoch, why: CredentialWhy::Expired }),
        1 => any::<bool>().prop_map(move |running| Input::Generation { epoch, running }),
        1 => Just(Input::Closed { epoch }),
        1 => Just(Input::Ended { epoch, reason: EndReason::Kicked }),
        3 => (0..9_u64).prop_map(move |r| Input::Acked { epoch, revision: Revision(r), answer: Answer::Applied }),
        1 => (0..9_u64).prop_map(move |r| Input::Acked {
            epoch, revision: Revision(r), answer: Answer::Refused(StateItem::Prompt)
        }),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => wish().prop_map(Op::Wish),
        10 => (prop_oneof![3 => Just(About::Current), 3 => Just(About::Dial), 1 => Just(About::Stale)], fact())
            .prop_map(|(about, input)| Op::Fact(about, input)),
        7 => Just(Op::Carry),
        2 => any::<u8>().prop_map(Op::Set),
        1 => Just(Op::Withdraw),
        1 => Just(Op::Track),
        6 => (0..3_000_u64).prop_map(|ms| Op::Pass(Duration::from_millis(ms))),
        1 => (0..200_u64).prop_map(|s| Op::Pass(Duration::from_secs(s))),
    ]
}

/// What happens in one life, beginning with a join so that most of it is worth looking at.
pub fn ops() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(op(), 1..80).prop_map(|mut ops| {
        ops.insert(0, Op::Wish(Input::Join(JoinWish::default())));
        ops.insert(1, Op::Carry);
        ops
    })
}

/// The same, from the very beginning.
pub fn any_ops() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(op(), 1..60)
}

impl Life {
    pub fn of(seed: u64, ops: &[Op]) -> Self {
        Self::with(Policy::default(), seed, ops)
    }

    pub fn with(policy: Policy, seed: u64, ops: &[Op]) -> Self {
        let machine = Machine::new(Config { policy, seed, ..Config::default() });
        let mut life = Self { machine, moments: Vec::new(), now: Time::ZERO, dialled: Epoch(0) };
        ops.iter().for_each(|op| life.play(*op));
        life
    }

    pub fn play(&mut self, op: Op) {
        match op {
            Op::Wish(input) => self.feed(op, input),
            Op::Fact(about, input) => {
                let epoch = match about {
                    About::Current => self.machine.snapshot().epoch().unwrap_or(self.dialled),
                    About::Dial => self.dialled,
                    About::Stale => Epoch(self.dialled.0.saturating_sub(3)),
                };
                self.feed(op, under(input, epoch));
            }
            Op::Carry => {
                let (epoch, revision) = (self.dialled, self.machine.desired().revision());
                self.feed(op, Input::Up { epoch, link: LinkFacts::default() });
                self.feed(op, Input::Acked { epoch, revision, answer: Answer::Applied });
                for plane in [Plane::Signaling, Plane::Media] {
                    self.feed(op, Input::Carried { epoch, plane });
                }
            }
            Op::Set(n) => {
                let before = self.machine.state();
                let _full = self.machine.set(Change::new().prompt(n.to_string(), false), self.now);
                self.note(op, before, None);
            }
            Op::Withdraw => {
                let before = self.machine.state();
                let revision = self.machine.desired().revision();
                self.machine.withdraw(revision, self.now);
                self.note(op, before, None);
            }
            Op::Track => {
                let before = self.machine.state();
                let _full = self.machine.track(self.now);
                self.note(op, before, None);
            }
            Op::Pass(span) => {
                let until = self.now.plus(span);
                while let Some(at) = self.machine.poll_timeout().filter(|at| *at <= until) {
                    self.now = self.now.max(at);
                    let before = self.machine.state();
                    self.machine.wake(self.now);
                    self.note(op, before, None);
                }
                self.now = until;
            }
        }
    }

    pub fn feed(&mut self, op: Op, input: Input) {
        let before = self.machine.state();
        let epoch = input.epoch().map(|epoch| (epoch, self.machine.admits(epoch)));
        self.machine.handle(input, self.now);
        self.note(op, before, epoch);
    }

    fn note(&mut self, op: Op, before: State, epoch: Option<(Epoch, bool)>) {
        let outputs: Vec<_> = std::iter::from_fn(|| self.machine.poll_output()).collect();
        if let Some(dial) = super::rig::dials(&outputs).last() {
            self.dialled = dial.epoch;
        }
        self.moments.push(Moment { op, at: self.now, before, after: self.machine.state(), outputs, epoch });
    }

    pub fn outputs(&self) -> impl Iterator<Item = &Output> {
        self.moments.iter().flat_map(|moment| &moment.outputs)
    }

    pub fn events(&self) -> Vec<Event> {
        self.moments.iter().flat_map(|moment| super::rig::events(&moment.outputs)).collect()
    }
}

/// The fact under this epoch.
fn under(mut input: Input, to: Epoch) -> Input {
    match &mut input {
        Input::Progress { epoch, .. }
        | Input::Answered { epoch }
        | Input::NeedCredential { epoch, .. }
        | Input::Up { epoch, .. }
        | Input::Carried { epoch, .. }
        | Input::Alive { epoch, .. }
        | Input::PathAlive { epoch }
        | Input::PlaneLost { epoch, .. }
        | Input::Refused { epoch, .. }
        | Input::DialFailed { epoch, .. }
        | Input::ResumeRefused { epoch, .. }
        | Input::GoAway { epoch, .. }
        | Input::Advised { epoch, .. }
        | Input::Acked { epoch, .. }
        | Input::Replied { epoch, .. }
        | Input::Generation { epoch, .. }
        | Input::Ended { epoch, .. }
        | Input::Closed { epoch } => *epoch = to,
        _ => {}
    }
    input
}
