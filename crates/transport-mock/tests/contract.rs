//! Whatever is done to a link, and however bad its network, the contract of `Connection` holds;
//! and the same seed does the same again. Failing cases go to the top-level folder of seeds.

use offhook_transport::media::{Codec, EncodedFrame, Gate, MediaPorts, Remote as Inbound, TrackSpec, local};
use offhook_transport::{
    Action, Connection, Desired, DialRequest, EndCode, Epoch, Event, GoAwayHint, GoAwayReason, Outgoing,
    Plan, Plane, Prompt, RefusedCode, ResumeKey, Revision, Secret, Transport,
};
use offhook_transport_mock::{Census, Faults, MockTransport, Published, Remote, Studio, a_join, pair};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, TestRunner};
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::sync::Mutex;
use std::task::Poll;
use std::time::Duration;

#[derive(Clone, Debug)]
enum Op {
    Join,
    Resume {
        restart_ice: bool,
        wrong_secret: bool,
    },
    Rejoin,
    Migrate,
    Poll(usize),
    /// Polls everything for three seconds: a join is through by then, or will not be.
    Settle,
    Act(usize, u8),
    Close(usize),
    Drop(usize),
    Pass(u64),
    FrameOut(bool),
    FrameIn(bool),
    Cut,
    Restore,
    GoAway,
    Silence(bool),
    Kick,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        2 => Just(Op::Join),
        2 => (any::<bool>(), prop::bool::weighted(0.2))
            .prop_map(|(restart_ice, wrong_secret)| Op::Resume { restart_ice, wrong_secret }),
        1 => Just(Op::Rejoin),
        1 => Just(Op::Migrate),
        12 => (0..4_usize).prop_map(Op::Poll),
        5 => Just(Op::Settle),
        4 => ((0..4_usize), (0..6_u8)).prop_map(|(link, action)| Op::Act(link, action)),
        1 => (0..4_usize).prop_map(Op::Close),
        1 => (0..4_usize).prop_map(Op::Drop),
        8 => (0..4_000_u64).prop_map(Op::Pass),
        2 => any::<bool>().prop_map(Op::FrameOut),
        2 => any::<bool>().prop_map(Op::FrameIn),
        1 => Just(Op::Cut),
        2 => Just(Op::Restore),
        1 => Just(Op::GoAway),
        1 => any::<bool>().prop_map(Op::Silence),
        1 => Just(Op::Kick),
    ]
}

#[derive(Clone, Debug)]
struct Case {
    ops: Vec<Op>,
    seed: u64,
    loss_ms: u64,
    delay_ms: u64,
    chance: f64,
    refuse: u32,
    queue: u32,
    window: u64,
}

fn case() -> impl Strategy<Value = Case> {
    let numbers = (any::<u64>(), 100..60_000_u64, 0..500_u64, 0.0..0.5_f64, 0..3_u32, 0..3_u32, 0..30_u64);
    (vec(op(), 1..80), numbers).prop_map(|(ops, (seed, loss_ms, delay_ms, chance, refuse, queue, window))| {
        Case { ops, seed, loss_ms, delay_ms, chance, refuse, queue, window }
    })
}

struct Link {
    connection: Option<Box<dyn Connection>>,
    epoch: Epoch,
    said: Vec<Event>,
    /// How much was said when the host closed it.
    closed_at: Option<usize>,
    over: bool,
}

impl Link {
    /// Reads all that is there.
    async fn poll(&mut self) {
        let (said, over) = (&mut self.said, &mut self.over);
        let Some(connection) = &mut self.connection else { return };
        poll_fn(|cx| {
            for _ in 0..10_000 {
                match connection.poll_next(cx) {
                    Poll::Ready(Some(event)) => said.push(event),
                    Poll::Ready(None) => {
                        *over = true;
                        return Poll::Ready(());
                    }
                    Poll::Pending => return Poll::Ready(()),
                }
            }
            panic!("a link that never comes to rest");
        })
        .await;
    }

    fn key(&self) -> Option<ResumeKey> {
        self.said.iter().find_map(|event| match event {
            Event::Up(up) => up.key.clone(),
            _ => None,
        })
    }

    fn keeps_the_contract(&self) {
        let said = &self.said;
        let closed = said.iter().position(|event| *event == Event::Closed);
        if let Some(closed) = closed {
            assert_eq!(closed, said.len() - 1, "Closed is the last, and once: {said:?}");
        }
        assert!(!self.over || closed.is_some(), "the end without Closed: {said:?}");
        let terminal = |event: &Event| {
            matches!(
                event,
                Event::Refused { .. } | Event::DialFailed(_) | Event::ResumeRefused(_) | Event::Ended { .. }
            )
        };
        if let Some(end) = said.iter().position(terminal) {
            let after = &said[end + 1..];
            assert!(after.is_empty() || after == [Event::Closed], "after an end only Closed: {said:?}");
        }
        if let Some(at) = self.closed_at {
            let after = &said[at..];
            assert!(after.is_empty() || after == [Event::Closed], "after a close only Closed: {said:?}");
        }
        let up = said.iter().position(|event| matches!(event, Event::Up(_)));
        for plane in [Plane::Signaling, Plane::Media] {
            let carried = said.iter().position(|event| *event == Event::Carried(plane));
            assert!(carried.is_none() || up < carried, "proof before Up: {said:?}");
            let mut lost = false;
            for event in said {
                match event {
                    Event::Carried(which) if *which == plane => lost = false,
                    Event::PlaneLost(which, _) if *which == plane => {
                        assert!(!lost, "a plane lost twice: {said:?}");
                        lost = true;
                    }
                    _ => {}
                }
            }
        }
    }
}

fn frame(n: u8, key: bool) -> EncodedFrame {
    EncodedFrame { codec: Codec::H264, data: vec![n].into(), pts: Duration::ZERO, key }
}

fn action(kind: u8, n: u64) -> Action {
    match kind {
        0 => Action::Apply {
            revision: Revision(n),
            desired: Desired {
                prompt: Some(Prompt { text: "sepia".into(), enhance: false }),
                ..Desired::default()
            },
        },
        1 => Action::Credential(Secret::new("fresh")),
        2 => Action::RestartIce,
        3 => Action::Send(Outgoing {
            id: n,
            to: offhook_transport::Whom::Everybody,
            topic: "t".into(),
            payload: vec![1].into(),
        }),
        4 => Action::Goodbye,
        _ => Action::Ping,
    }
}

type Trace = (Vec<Vec<Event>>, Vec<Published>, Duration);

/// Plays the case; panics where the contract is broken.
async fn play(case: &Case) -> Trace {
    let (transport, remote) = pair();
    let window = Duration::from_secs(case.window);
    remote.auto(Studio::seeded(case.seed).queue(case.queue).resume_window(window).without_ticks());
    remote.faults(
        Faults::seeded(case.seed)
            .loss(Plane::Signaling, Duration::from_millis(case.loss_ms))
            .loss(Plane::Media, Duration::from_millis(case.loss_ms * 2))
            .delay(Duration::ZERO..Duration::from_millis(case.delay_ms))
            .unreachable(case.chance / 2.0)
            .refuse(case.refuse, RefusedCode::RateLimited, None)
            .duplicate(case.chance)
            .reorder(case.chance),
    );
    let (sender, track) = local(TrackSpec { codec: Codec::H264, label: "camera".into() });
    let (gate, inbound) = (Gate::new(), Inbound::new());
    gate.open();
    let mut links: Vec<Link> = Vec::new();
    for (n, op) in (1..).zip(&case.ops) {
        apply(op, n, &transport, &remote, &mut links, |epoch| {
            inbound.switch_to(epoch);
            let sink = Some(inbound.sink(epoch));
            MediaPorts { publish: vec![track.clone()], sink, gate: gate.clone() }
        })
        .await;
        if let Op::FrameOut(key) = op {
            sender.try_send(frame(n as u8, *key));
        }
        links.iter().for_each(Link::keeps_the_contract);
    }
    let published = remote.frames();
    let now = remote.now();
    for link in &mut links {
        link.connection = None;
    }
    assert_eq!(remote.census(), Census::default(), "something was left behind");
    assert!(!sender.is_tapped(), "a dropped link still takes the track");
    (links.into_iter().map(|link| link.said).collect(), published, now)
}

async fn apply(
    op: &Op,
    n: u32,
    transport: &MockTransport,
    remote: &Remote,
    links: &mut Vec<Link>,
    ports: impl Fn(Epoch) -> MediaPorts,
) {
    let last = links.last();
    let key = links.iter().rev().find_map(Link::key);
    let plan = match op {
        Op::Join => Some(Plan::Join { resume: None }),
        Op::Rejoin => Some(Plan::Rejoin { key }),
        Op::Migrate => Some(Plan::Migrate { key }),
        Op::Resume { restart_ice, wrong_secret } => key.map(|key| {
            let secret = if *wrong_secret { Secret::new("wrong") } else { key.secret };
            Plan::Resume { key: ResumeKey { secret, ..key }, restart_ice: *restart_ice }
        }),
        _ => None,
    };
    if let Some(plan) = plan {
        let (epoch, inherit) = (Epoch(n), last.map(|link| link.epoch));
        let request = DialRequest {
            plan,
            epoch,
            inherit,
            wait_in_queue: n.is_multiple_of(2),
            media: ports(epoch),
            ..a_join()
        };
        let connection = Some(transport.dial(request));
        links.push(Link { connection, epoch, said: Vec::new(), closed_at: None, over: false });
    }
    // The newest four are within reach.
    let reach = |from: usize, links: &[Link]| links.len().checked_sub(1 + from);
    match op {
        Op::Poll(link) => {
            if let Some(at) = reach(*link, links) {
                links[at].poll().await;
            }
        }
        Op::Settle => {
            for _ in 0..6 {
                for link in links.iter_mut() {
                    link.poll().await;
                }
                tokio::time::advance(Duration::from_millis(500)).await;
            }
        }
        Op::Act(link, kind) => {
            if let Some(at) = reach(*link, links)
                && let Some(connection) = &mut links[at].connection
            {
                let _ = connection.act(action(*kind, n.into()));
            }
        }
        Op::Close(link) => {
            if let Some(at) = reach(*link, links)
                && let Some(connection) = &mut links[at].connection
            {
                connection.close();
                links[at].closed_at = links[at].closed_at.or(Some(links[at].said.len()));
            }
        }
        Op::Drop(link) => {
            if let Some(at) = reach(*link, links) {
                links[at].connection = None;
            }
        }
        Op::Pass(millis) => tokio::time::advance(Duration::from_millis(*millis)).await,
        Op::FrameIn(key) => {
            remote.send_frame(&frame(n as u8, *key));
        }
        Op::Cut => remote.cut(),
        Op::Restore => remote.restore(),
        Op::GoAway => {
            let reason = GoAwayReason::Rebalance;
            remote.go_away(GoAwayHint { url: None, ticket: None, deadline: None, reason });
        }
        Op::Silence(silent) => {
            if let Some(dial) = remote.newest() {
                if *silent { dial.silence(Plane::Signaling) } else { dial.speak(Plane::Signaling) }
            }
        }
        Op::Kick => remote.end(EndCode::Kicked),
        _ => {}
    }
}

fn played(case: &Case) -> Trace {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime of one thread needs nothing that could be missing");
    runtime.block_on(play(case))
}

fn kind_of(event: &Event) -> &'static str {
    match event {
        Event::Progress(_) => "Progress",
        Event::Answered => "Answered",
        Event::Up(_) => "Up",
        Event::Carried(_) => "Carried",
        Event::Alive(_) => "Alive",
        Event::PathAlive => "PathAlive",
        Event::PlaneLost(Plane::Signaling, _) => "SignalingLost",
        Event::PlaneLost(Plane::Media, _) => "MediaLost",
        Event::Refused { .. } => "Refused",
        Event::DialFailed(_) => "DialFailed",
        Event::ResumeRefused(_) => "ResumeRefused",
        Event::GoAway(_) => "GoAway",
        Event::Acked { .. } => "Acked",
        Event::Content(_) => "Content",
        Event::Ended { .. } => "Ended",
        Event::Closed => "Closed",
        Event::CredentialRefreshed { .. } => "CredentialRefreshed",
        // Only a hand, or a studio that wants credentials, says these.
        Event::NeedCredential(_) | Event::ResumeKey(_) | Event::Advised(_) => "not from this studio",
    }
}

/// What the random runs must reach, or they prove nothing about it.
const MUST_REACH: &[&str] = &[
    "Progress",
    "Answered",
    "Up",
    "Carried",
    "Alive",
    "PathAlive",
    "SignalingLost",
    "MediaLost",
    "Refused",
    "DialFailed",
    "ResumeRefused",
    "GoAway",
    "Acked",
    "Content",
    "Ended",
    "Closed",
    "CredentialRefreshed",
];

#[test]
fn whatever_happens_the_contract_holds_and_the_same_seed_does_the_same() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../proptest-regressions/transport-mock-contract.txt");
    let mut runner = TestRunner::new(Config {
        cases: 256,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(path))),
        ..Config::default()
    });
    let reached = Mutex::new(BTreeSet::new());
    let frames = Mutex::new(0);
    let run = runner.run(&case(), |case| {
        let first = played(&case);
        let again = played(&case);
        prop_assert_eq!(&first, &again, "the same seed did something else");
        reached.lock().expect("no case panicked").extend(first.0.iter().flatten().map(kind_of));
        *frames.lock().expect("no case panicked") += first.1.len();
        Ok(())
    });
    if let Err(failure) = run {
        panic!("{failure}");
    }
    let reached = reached.into_inner().expect("no case panicked");
    let missed: Vec<_> = MUST_REACH.iter().filter(|kind| !reached.contains(**kind)).collect();
    assert!(missed.is_empty(), "the random runs never saw {missed:?}");
    assert!(frames.into_inner().expect("no case panicked") > 0, "no random run let a frame out");
}
