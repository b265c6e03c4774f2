//! A machine on a bench: brought to a state by its shortest honest path, fed, and read.
#![allow(dead_code, unreachable_pub, reason = "every test file uses its own part of the rig")]

use offhook_lifecycle::*;
use std::time::Duration;

pub struct Rig {
    pub machine: Machine,
    pub now: Time,
}

impl Rig {
    pub fn new() -> Self {
        Self::with(Policy::default())
    }

    pub fn with(policy: Policy) -> Self {
        let credential = Some(CredentialRef(1));
        let machine = Machine::new(Config { policy, seed: 7, credential, epoch: Epoch(0) });
        Self { machine, now: Time::ZERO }
    }

    /// With its own jitter.
    pub fn seeded(seed: u64) -> Self {
        let config = Config { seed, ..Config::default() };
        Self { machine: Machine::new(config), now: Time::ZERO }
    }

    /// Brought to `state` by what brings a session there.
    pub fn at(state: State) -> Self {
        let mut rig = Self::new();
        rig.bring(state);
        rig
    }

    pub fn bring(&mut self, state: State) {
        match state {
            State::Idle => {}
            State::Ringing(Direction::Incoming) => drop(self.feed(Input::RingReceived(RingRef(1)))),
            State::Ringing(Direction::Outgoing) => drop(self.feed(Input::Ring)),
            State::Joining => drop(self.feed(Input::Join(JoinWish::default()))),
            State::Live => {
                self.bring(State::Joining);
                self.carry();
            }
            State::Migrating => {
                self.bring(State::Live);
                let epoch = self.epoch();
                self.feed(Input::GoAway { epoch, target: Some(TargetRef(9)), why: MoveReason::Rebalance });
            }
            State::Reconnecting => {
                self.bring(State::Live);
                self.lose(Plane::Signaling);
            }
            State::Offline => {
                self.bring(State::Live);
                self.feed(Input::NetworkDown);
            }
            State::Failed => {
                self.bring(State::Offline);
                self.pass(Duration::from_secs(121));
            }
            State::Leaving => {
                self.bring(State::Live);
                self.feed(Input::Leave);
            }
            State::Left => {
                self.bring(State::Leaving);
                self.feed(Input::Released);
            }
        }
        assert_eq!(self.machine.state(), state, "the rig did not get there");
    }

    /// The dial under way is let in and carries.
    pub fn carry(&mut self) -> Vec<Output> {
        let epoch = self.dialled();
        let revision = self.machine.desired().revision();
        let mut outputs = self.feed(Input::Up { epoch, link: LinkFacts::default() });
        if revision > Revision(0) {
            outputs.extend(self.feed(Input::Acked { epoch, revision, answer: Answer::Applied }));
        }
        for plane in [Plane::Signaling, Plane::Media] {
            if self.machine.admits(epoch) && self.machine.state() != State::Live {
                outputs.extend(self.feed(Input::Carried { epoch, plane }));
            }
        }
        outputs
    }

    pub fn feed(&mut self, input: Input) -> Vec<Output> {
        self.machine.handle(input, self.now);
        self.drain()
    }

    pub fn lose(&mut self, plane: Plane) -> Vec<Output> {
        let epoch = self.epoch();
        self.feed(Input::PlaneLost { epoch, plane, fault: Fault::Closed })
    }

    /// Both planes, so that the outage's dial is the second loss's.
    pub fn lose_both(&mut self) -> Vec<Output> {
        let mut outputs = self.lose(Plane::Media);
        outputs.extend(self.lose(Plane::Signaling));
        outputs
    }

    pub fn fail_dial(&mut self) -> Vec<Output> {
        let epoch = self.dialled();
        self.feed(Input::DialFailed { epoch, fault: Fault::Unreachable })
    }

    /// Time passes, deadline by deadline.
    pub fn pass(&mut self, span: Duration) -> Vec<Output> {
        let until = self.now.plus(span);
        let mut outputs = Vec::new();
        while let Some(at) = self.machine.poll_timeout().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.machine.wake(self.now);
            outputs.extend(self.drain());
        }
        self.now = until;
        outputs
    }

    /// As [`pass`](Self::pass), with life on both planes of the current link twice a second.
    pub fn pass_alive(&mut self, span: Duration) -> Vec<Output> {
        let until = self.now.plus(span);
        let mut outputs = Vec::new();
        while self.now < until && self.machine.state() == State::Live {
            outputs.extend(self.pass(Duration::from_millis(500)));
            let epoch = self.epoch();
            for plane in [Plane::Signaling, Plane::Media] {
                outputs.extend(self.feed(Input::Alive { epoch, plane }));
            }
        }
        outputs
    }

    /// Time passes until the next dial, and no further.
    pub fn pass_to_dial(&mut self) -> Dial {
        for _ in 0..50 {
            let at = self.machine.poll_timeout().expect("something is due");
            self.now = self.now.max(at);
            self.machine.wake(self.now);
            if let Some(dial) = dials(&self.drain()).first() {
                return *dial;
            }
        }
        panic!("no dial came; the machine is {}", self.machine.state());
    }

    /// Time passes until the next dial, or until it is not reconnecting any more.
    pub fn pass_to_dial_or_change(&mut self) {
        while self.state() == State::Reconnecting {
            let at = self.machine.poll_timeout().expect("reconnecting has a deadline");
            self.now = self.now.max(at);
            self.machine.wake(self.now);
            if !dials(&self.drain()).is_empty() {
                return;
            }
        }
    }

    pub fn set(&mut self, text: &str) -> (Revision, Vec<Output>) {
        let revision = self.machine.set(Change::new().prompt(text, false), self.now).expect("room");
        (revision, self.drain())
    }

    /// The epoch of the current link.
    pub fn epoch(&mut self) -> Epoch {
        self.machine.snapshot().epoch().expect("a link")
    }

    /// The epoch of the dial under way: the newest valid one.
    pub fn dialled(&mut self) -> Epoch {
        (0..500).rev().map(Epoch).find(|epoch| self.machine.admits(*epoch)).expect("a dial")
    }

    pub fn state(&self) -> State {
        self.machine.state()
    }

    fn drain(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.machine.poll_output()).collect()
    }
}

pub fn dials(outputs: &[Output]) -> Vec<Dial> {
    outputs
        .iter()
        .filter_map(|output| match output {
            Output::Dial(dial) => Some(*dial),
            _ => None,
        })
        .collect()
}

pub fn events(outputs: &[Output]) -> Vec<Event> {
    outputs
        .iter()
        .filter_map(|output| match output {
            Output::Report(event) => Some(*event),
            _ => None,
        })
        .collect()
}

/// Given a state, feed an input (its epoch is that of the current link), expect a state.
#[track_caller]
pub fn check(given: State, input: impl FnOnce(Epoch) -> Input, expected: State) -> Vec<Output> {
    let mut rig = Rig::at(given);
    let epoch = rig.machine.snapshot().epoch().unwrap_or_else(|| match given {
        State::Joining => rig.dialled(),
        _ => Epoch(0),
    });
    let outputs = rig.feed(input(epoch));
    assert_eq!(rig.state(), expected, "from {given}: {outputs:?}");
    outputs
}
