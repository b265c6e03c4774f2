//! The fuzz target of the lifecycle: bytes become a list of operations on one `Machine`, and the rules
//! that can be seen from outside are checked after each. The machine's own suites check the rest.

use offhook_lifecycle::{
    Advice, Answer, Change, Config, CredentialRef, CredentialWhy, Decline, EndReason, Epoch, Event, Fault,
    Gate, Input, JoinErrorKind, JoinWish, LinkFacts, MAX_ITEMS, Machine, MediaWhy, MoveReason, Output, Plane,
    Rejection, ResumeRefusal, Revision, RingEnd, RingRef, RingRefusal, State, StateItem, Step, TargetRef,
    Time, TrackRef,
};
use std::time::Duration;

/// Operations looked at in one input; more only costs time.
const LONGEST: usize = 512;
/// Outputs that one operation may cause at most: more is a machine that spins.
const OUTPUTS: usize = 1_000;
/// Deadlines between a leave and the end, at most.
const LAST_WAKES: usize = 100;

/// Any bytes as a list of operations, twice: the same operations give the same outputs.
pub fn ops_on_machine(data: &[u8]) {
    assert!(run(data) == run(data), "the same operations give the same outputs");
}

/// The states that these operations lead through, in order.
pub fn states_reached(data: &[u8]) -> Vec<State> {
    let state = |output| match output {
        Output::Report(Event::State(state)) => Some(state),
        _ => None,
    };
    run(data).into_iter().filter_map(state).collect()
}

fn run(data: &[u8]) -> Vec<Output> {
    let mut bytes = Bytes(data);
    let mut driver = Driver::new(u64::from(bytes.next()));
    for _ in 0..LONGEST {
        if bytes.0.is_empty() {
            break;
        }
        driver.step(&mut bytes);
    }
    driver.finish()
}

struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    /// The next byte; zeros after the end, so that every list of bytes is a list of operations.
    fn next(&mut self) -> u8 {
        match self.0.split_first() {
            None => 0,
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
        }
    }

    fn flag(&mut self) -> bool {
        self.next() & 1 == 1
    }

    fn of<T: Copy, const N: usize>(&mut self, choices: [T; N]) -> T {
        let index = usize::from(self.next()) % N;
        *choices.get(index).or(choices.first()).expect("no list of choices is empty")
    }

    fn millis(&mut self) -> Duration {
        Duration::from_millis(
            self.of([0, 1, 20, 250, 500, 1_000, 2_000, 5_000, 6_000, 30_000, 120_000, 900_000]),
        )
    }
}

struct Driver {
    machine: Machine,
    now: Time,
    newest: Epoch,
    ended: Option<EndReason>,
    outputs: Vec<Output>,
}

impl Driver {
    fn new(seed: u64) -> Self {
        let config = Config { seed, credential: Some(CredentialRef(1)), ..Config::default() };
        let machine = Machine::new(config);
        Driver { machine, now: Time::ZERO, newest: Epoch(0), ended: None, outputs: Vec::new() }
    }

    fn step(&mut self, bytes: &mut Bytes<'_>) {
        let before = self.machine.state();
        match bytes.next() % 44 {
            0 => self.feed(Input::Join(JoinWish { wait_in_queue: bytes.flag(), returning: bytes.flag() })),
            1 => self.feed(Input::Ring),
            2 => self.feed(Input::Accept),
            3 => {
                let why = bytes.of([Decline::Unwanted, Decline::Busy]);
                self.feed(Input::Decline(why));
            }
            4 => self.feed(Input::Cancel),
            5 => self.feed(Input::Leave),
            6 => self.feed(Input::HandleDropped),
            7 => self.feed(Input::Retry),
            8 => self.set(
                Change::new().prompt(["sepia", "blur", ""][usize::from(bytes.next() % 3)], bytes.flag()),
            ),
            9 => self.set(Change::new().muted(TrackRef(u32::from(bytes.next())), bytes.flag())),
            10 => self.set(Change::new().clear_image()),
            11 => self.machine.withdraw(Revision(u64::from(bytes.next())), self.now),
            12 => {
                let _ = self.machine.track(self.now);
            }
            13 => self.feed(Input::Desired(Revision(u64::from(bytes.next())))),
            14 => self.feed(Input::RingReceived(RingRef(u32::from(bytes.next())))),
            15 => {
                let credential = bytes.flag().then_some(CredentialRef(2));
                self.feed(Input::Accepted(credential));
            }
            16 => {
                let why = bytes.of([
                    RingEnd::Gone,
                    RingEnd::Declined,
                    RingEnd::DeclinedByAll,
                    RingEnd::Cancelled,
                    RingEnd::Busy,
                    RingEnd::Expired,
                    RingEnd::AnsweredElsewhere,
                    RingEnd::Glare { survivor: RingRef(9) },
                    RingEnd::Refused(RingRefusal::UnknownUser),
                ]);
                self.feed(Input::RingEnded(why));
            }
            17 => self.feed(Input::PresenceLost),
            18 => self.feed(Input::NetworkDown),
            19 => {
                let input = bytes.of([Input::NetworkUp, Input::NetworkChanged]);
                self.feed(input);
            }
            20 => self.feed(Input::Suspend),
            21 => self.feed(Input::Unsuspend),
            22 => self.feed(Input::Woke { slept: bytes.millis() }),
            23 => self.feed(Input::Released),
            24 if bytes.next() == 7 => self.feed(Input::HostGone),
            24 | 25 => {
                // Two operations move time: on to the next deadline, and by some span.
                let due = self.machine.poll_timeout();
                self.now = due.map_or(self.now, |due| due.max(self.now));
                self.machine.wake(self.now);
            }
            26 => {
                self.now = self.now.plus(bytes.millis());
                self.machine.wake(self.now);
            }
            _ => {
                let input = self.report(bytes);
                self.feed(input);
            }
        }
        self.drain();
        self.check(before);
    }

    /// A fact about a dial or link.
    fn report(&self, bytes: &mut Bytes<'_>) -> Input {
        let epoch = match bytes.next() % 8 {
            0..=4 => self.newest,
            5 => Epoch(self.newest.0.saturating_sub(1)),
            6 => Epoch(self.newest.0.saturating_sub(2)),
            _ => self.newest.next(),
        };
        let plane = bytes.of([Plane::Signaling, Plane::Media]);
        let fault = |bytes: &mut Bytes<'_>| bytes.of(Fault::ALL);
        match bytes.next() % 20 {
            0 => Input::Progress {
                epoch,
                step: bytes.of([Step::Searching, Step::Preparing, Step::Connecting]),
                queue_position: bytes.flag().then_some(3),
                eta: bytes.flag().then_some(Duration::from_secs(9)),
            },
            1 => Input::Answered { epoch },
            2 => Input::NeedCredential {
                epoch,
                why: bytes.of([CredentialWhy::Missing, CredentialWhy::Expired, CredentialWhy::Refresh]),
            },
            3 => Input::CredentialRefreshed { credential: CredentialRef(u64::from(bytes.next())) },
            4 => Input::CredentialDenied,
            5 => {
                let link = LinkFacts {
                    signaling: bytes.flag() || plane == Plane::Media,
                    media: !bytes.flag(),
                    resume_window: bytes.flag().then(|| bytes.millis()),
                    ice_restart: !bytes.flag(),
                    make_before_break: !bytes.flag(),
                    acks: !bytes.flag(),
                    ..LinkFacts::default()
                };
                Input::Up { epoch, link }
            }
            6 | 7 => Input::Carried { epoch, plane },
            8 => Input::Alive { epoch, plane },
            9 => Input::PathAlive { epoch },
            10 => Input::PlaneLost { epoch, plane, fault: fault(bytes) },
            11 => Input::Refused {
                epoch,
                retry_after: bytes.of([None, Some(Duration::from_millis(3)), Some(Duration::MAX)]),
                why: bytes.of([
                    JoinErrorKind::Busy {
                        retry_after: Some(Duration::from_secs(2)),
                        queue_position: Some(3),
                    },
                    JoinErrorKind::Busy { retry_after: Some(Duration::MAX), queue_position: None },
                    JoinErrorKind::QueueTimedOut,
                    JoinErrorKind::ServerUnreachable,
                    JoinErrorKind::Unauthorized,
                    JoinErrorKind::NotFound,
                    JoinErrorKind::NoSessionToResume,
                    JoinErrorKind::MediaFailed(MediaWhy::FarSide),
                    JoinErrorKind::InitialStateRefused { item: StateItem::Prompt },
                    JoinErrorKind::Rejected { code: Rejection::Restarting },
                    JoinErrorKind::Rejected { code: Rejection::StaleEpoch },
                    JoinErrorKind::Rejected { code: Rejection::Replaced },
                ]),
            },
            12 => Input::DialFailed { epoch, fault: fault(bytes) },
            13 => Input::ResumeRefused {
                epoch,
                why: bytes.of([
                    ResumeRefusal::Gone,
                    ResumeRefusal::ReplayLost,
                    ResumeRefusal::Restarted,
                    ResumeRefusal::BadSecret,
                    ResumeRefusal::Unsupported,
                    ResumeRefusal::Other,
                ]),
            },
            14 => Input::GoAway {
                epoch,
                target: bytes.flag().then_some(TargetRef(4)),
                why: bytes.of([
                    MoveReason::ShuttingDown,
                    MoveReason::Rebalance,
                    MoveReason::SessionCap,
                    MoveReason::Other,
                ]),
            },
            15 => Input::Advised { epoch, plan: bytes.of([Advice::Resume, Advice::Rejoin]) },
            16 => Input::Acked {
                epoch,
                revision: Revision(u64::from(bytes.next() % 8)),
                answer: bytes.of([
                    Answer::Applied,
                    Answer::Refused(StateItem::Prompt),
                    Answer::Refused(StateItem::Other),
                    Answer::Progress,
                ]),
            },
            17 => Input::Generation { epoch, running: bytes.flag() },
            18 => Input::Ended {
                epoch,
                reason: bytes.of([
                    EndReason::Closed,
                    EndReason::Kicked,
                    EndReason::Replaced,
                    EndReason::MaxDuration,
                ]),
            },
            _ => Input::Closed { epoch },
        }
    }

    fn feed(&mut self, input: Input) {
        self.machine.handle(input, self.now);
    }

    fn set(&mut self, change: Change) {
        // A full or closed ledger refuses; that is an answer, not a finding.
        let _ = self.machine.set(change, self.now);
        assert!(self.machine.desired().entries().count() <= MAX_ITEMS, "R16: the ledger is bounded");
    }

    fn drain(&mut self) {
        for count in 0.. {
            let Some(output) = self.machine.poll_output() else { break };
            assert!(count < OUTPUTS, "one operation causes outputs without end");
            if self.ended.is_some() {
                assert!(!matches!(output, Output::Report(_)), "R3: {output:?} after Ended");
                assert!(!matches!(output, Output::Dial(_)), "R4: a dial after Ended");
            }
            match output {
                Output::Dial(dial) => {
                    assert!(dial.epoch > self.newest, "{dial:?}: epochs rise, and are never reused");
                    assert!(dial.inherit.is_none_or(|old| old < dial.epoch), "{dial:?}");
                    self.newest = dial.epoch;
                }
                Output::Gate { gate: Gate::Open, .. } => {
                    assert!(self.ended.is_none(), "R4: a gate opened after Ended");
                }
                Output::Report(Event::Ended(ending)) => self.ended = Some(ending.reason),
                _ => {}
            }
            self.outputs.push(output);
        }
    }

    fn check(&mut self, before: State) {
        let state = self.machine.state();
        let snapshot = self.machine.snapshot();
        assert_eq!(snapshot.state(), state, "readers see the leaf the machine is in");
        assert_eq!(state.is_over(), self.ended.is_some(), "R3: Ended comes with leaving, and only then");
        assert!(!before.is_over() || state.is_over(), "R1: {before} came back as {state}");
        assert!(before != State::Left || state == State::Left, "R1: Left absorbs");
        if let (Some(told), Some(shown)) = (self.ended, snapshot.ending()) {
            assert_eq!(told, shown.reason, "R1: the reason is written once");
        }
        let timeout = self.machine.poll_timeout();
        match state {
            State::Joining
            | State::Migrating
            | State::Reconnecting
            | State::Offline
            | State::Leaving
            | State::Ringing(_) => assert!(timeout.is_some(), "{state} has no deadline"),
            State::Left => assert_eq!(timeout, None, "Left waits for nothing"),
            State::Idle | State::Live | State::Failed => {}
        }
        // A deadline that stays in the past would make a driver spin.
        self.machine.wake(self.now);
        let due = self.machine.poll_timeout();
        assert!(due.is_none_or(|due| due > self.now), "a deadline stays in the past: {due:?}");
        self.drain();
    }

    /// Leaving always works, from wherever the operations led.
    fn finish(mut self) -> Vec<Output> {
        self.feed(Input::Leave);
        self.drain();
        assert!(self.machine.state().is_over(), "R2: leave was refused");
        for _ in 0..LAST_WAKES {
            let Some(due) = self.machine.poll_timeout() else { break };
            self.now = due;
            self.machine.wake(due);
            self.drain();
        }
        assert_eq!(self.machine.state(), State::Left, "R4: leaving is bounded");
        let endings = |output: &&Output| matches!(output, Output::Report(Event::Ended(_)));
        assert_eq!(self.outputs.iter().filter(endings).count(), 1, "R3: exactly one Ended");
        self.outputs
    }
}

/// A seed: its file name, its bytes.
pub type Seed = (&'static str, Vec<u8>);

/// The lives that every session knows, as operations.
pub fn seeds() -> Vec<Seed> {
    const REPORT: u8 = 27;
    let join = [0u8, 0, 0, 0];
    let up = [REPORT, 0, 1, 5, 0, 0, 0, 0, 0, 0];
    let carried = [REPORT, 0, 0, 6, REPORT, 0, 1, 6];
    let lost = |plane: u8| vec![REPORT, 0, plane, 10, 0];
    let live = [&join[..], &up, &carried].concat();
    let with = |tail: &[u8]| [&live[..], tail].concat();
    vec![
        ("leave_at_once", vec![0, 5]),
        ("join_and_leave", with(&[5, 25, 23])),
        ("join_cancelled", [&join[..], &[4]].concat()),
        ("join_times_out", [&join[..], &[25; 40]].concat()),
        ("join_refused", [&join[..], &[REPORT, 0, 0, 11, 4]].concat()),
        ("queue", [&[0u8, 0, 1, 0][..], &[REPORT, 0, 0, 0, 0, 1, 1], &[26, 9], &up, &carried].concat()),
        ("signaling_lost", with(&[&lost(0)[..], &[25], &up, &carried].concat())),
        ("media_lost", with(&[&lost(1)[..], &[25], &carried].concat())),
        (
            "both_lost_rejoin",
            with(&[&lost(0)[..], &lost(1), &[25, REPORT, 0, 0, 13, 0, 25], &up, &carried].concat()),
        ),
        ("never_comes_back", with(&[&lost(0)[..], &[25; 60]].concat())),
        ("offline_and_back", with(&[18, 26, 7, 19, 25])),
        ("offline_too_long", with(&[18, 26, 10, 25, 7])),
        ("go_away", with(&[&[REPORT, 0, 0, 14, 1, 1][..], &up, &carried, &[25]].concat())),
        ("prompt_acked", with(&[8, 0, 0, REPORT, 0, 0, 16, 1, 0])),
        ("prompt_refused", with(&[8, 0, 0, REPORT, 0, 0, 16, 1, 1, 8, 1, 1, 25])),
        ("ring_out", vec![0, 1, 15, 0, 5]),
        ("ring_in_accept", vec![0, 14, 3, 2, 15, 1, 25, 5]),
        ("ring_in_decline", vec![0, 14, 3, 3, 1]),
        ("ring_expires", vec![0, 14, 3, 25, 25]),
        ("sleep_and_wake", with(&[20, 26, 9, 21, 22, 9, 25])),
        ("credential", with(&[REPORT, 0, 0, 2, 1, REPORT, 0, 0, 3, 9, 25])),
        ("kicked", with(&[REPORT, 0, 0, 18, 1, 25, 5])),
        ("host_gone", with(&[24, 7])),
        ("dropped_while_joining", [&join[..], &[6, 25]].concat()),
    ]
}
