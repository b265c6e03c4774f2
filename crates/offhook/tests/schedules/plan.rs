//! A schedule: what happens, and when, all of it made of the seed.

use offhook::mock::{Faults, Studio};
use offhook::transport::{
    Advice, Capabilities, EndCode, FaultKind, GoAwayReason, Liveness, NetworkFact, Plane, RefusedCode,
};
use std::time::Duration;

/// SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn of(seed: u64) -> Self {
        Self(seed ^ 0x0ff0_0c5c_ed01_e5ee)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn ms(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from))
    }

    fn of_list<T: Copy>(&mut self, list: &[T]) -> T {
        list[usize::try_from(self.below(list.len() as u64)).expect("a place in a list")]
    }
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Op {
    // The user.
    Prompt,
    BadPrompt,
    Mute,
    Unmute,
    Message,
    Retry,
    // The machine around it.
    NetworkDown,
    NetworkUp,
    SystemSays(NetworkFact),
    Suspend,
    Wake,
    // The network.
    Cut,
    Restore,
    Lose(Plane, FaultKind),
    Silence(Plane),
    Speak,
    Stall,
    Unstall,
    Garble,
    Unreachable,
    // The far side.
    GoAway(GoAwayReason, bool),
    Advise(Advice),
    Refuse(RefusedCode, Option<Duration>),
    Restart,
    Refresh,
    CloseLink,
}

impl Op {
    /// The class of trouble it is, for what was reached.
    pub fn class(&self) -> String {
        match self {
            Self::GoAway(why, _) => format!("GoAway({why:?})"),
            Self::Refuse(code, _) => format!("Refuse({code:?})"),
            other => format!("{other:?}"),
        }
    }
}

/// How a schedule ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    Leave,
    LeaveInTrouble,
    Drop,
    Shutdown,
    End(EndCode),
    EndInTrouble(EndCode),
}

impl Finish {
    /// Is the network mended first, and the session looked at once more?
    pub fn heals(self) -> bool {
        !matches!(self, Self::LeaveInTrouble | Self::EndInTrouble(_))
    }
}

#[derive(Debug)]
pub struct Schedule {
    pub studio: Studio,
    pub faults: Faults,
    /// From when on the session is troubled; a join may be, too.
    pub join_in_trouble: bool,
    pub muted: bool,
    pub steps: Vec<(Duration, Op)>,
    pub finish: Finish,
    pub provider: Duration,
}

/// The prompt that the far side does not know.
pub const BAD: &str = "unknown";

impl Schedule {
    pub fn of(seed: u64) -> Self {
        let mut dice = Dice::of(seed);
        let studio = studio(seed, &mut dice);
        let faults = faults(seed, &mut dice);
        let count = 4 + dice.below(14);
        let steps = (0..count).map(|_| (pause(&mut dice), op(&mut dice))).collect();
        let finish = match dice.below(10) {
            0 => Finish::Drop,
            1 => Finish::Shutdown,
            2 => Finish::LeaveInTrouble,
            3 => Finish::EndInTrouble(dice.of_list(&ENDS)),
            4 => Finish::End(dice.of_list(&ENDS)),
            _ => Finish::Leave,
        };
        Self {
            studio,
            faults,
            join_in_trouble: dice.one_in(4),
            muted: dice.one_in(4),
            steps,
            finish,
            provider: dice.ms(0, 7_000),
        }
    }
}

const ENDS: [EndCode; 6] = [
    EndCode::Closed,
    EndCode::Kicked,
    EndCode::Replaced,
    EndCode::MaxDuration,
    EndCode::ServerShutdown,
    EndCode::Unauthorized,
];

fn studio(seed: u64, dice: &mut Dice) -> Studio {
    let prompts: Vec<_> = (0..64).map(|n| n.to_string()).collect();
    let prompts: Vec<_> = prompts.iter().map(String::as_str).collect();
    let mut studio = Studio::seeded(seed)
        .answering_in(dice.ms(1, 250))
        .knowing(&prompts)
        .without_ticks()
        .resume_window(Duration::from_secs(dice.of_list(&[0, 4, 25, 25])));
    if dice.one_in(3) {
        let (ping, silence) = (Duration::from_secs(1), Duration::from_secs(3));
        studio = studio.liveness(Liveness { ping, silence });
    }
    if dice.one_in(4) {
        studio = studio.capable_of(poorer(dice));
    }
    studio
}

/// A far side that lacks something.
fn poorer(dice: &mut Dice) -> Capabilities {
    use offhook::transport::{Capability as C, MigrationStyle as M};
    let all = [C::SignalingPlane, C::MediaPlane, C::Rejoin, C::Prompt, C::Publish, C::Messages, C::Acks];
    let some = all.into_iter().fold(Capabilities::NONE, Capabilities::with);
    match dice.below(3) {
        0 => some.with(C::Resume).migrating(M::BreakBeforeMake),
        1 => some.with(C::IceRestart).migrating(M::MakeBeforeBreak),
        _ => some.with(C::Resume).with(C::IceRestart).migrating(M::BreakBeforeMake),
    }
}

fn faults(seed: u64, dice: &mut Dice) -> Faults {
    let mut faults = Faults::seeded(seed);
    if dice.one_in(2) {
        faults = faults.delay(Duration::ZERO..dice.ms(1, 400));
    }
    if dice.one_in(3) {
        faults = faults.duplicate(0.3);
    }
    if dice.one_in(3) {
        faults = faults.reorder(0.3);
    }
    if dice.one_in(4) {
        faults = faults.loss(Plane::Signaling, dice.ms(1_000, 20_000)).at_most(4);
    }
    if dice.one_in(4) {
        faults = faults.loss(Plane::Media, dice.ms(1_000, 20_000)).at_most(4);
    }
    if dice.one_in(6) {
        faults = faults.unreachable(0.3);
    }
    faults
}

fn pause(dice: &mut Dice) -> Duration {
    match dice.below(8) {
        0 => Duration::ZERO,
        1 | 2 => dice.ms(1, 100),
        3..=5 => dice.ms(100, 2_000),
        6 => dice.ms(2_000, 8_000),
        _ => dice.ms(8_000, 40_000),
    }
}

fn op(dice: &mut Dice) -> Op {
    const KINDS: [FaultKind; 5] = [
        FaultKind::Closed,
        FaultKind::TimedOut,
        FaultKind::ServerRestart,
        FaultKind::MediaFault,
        FaultKind::ClosedByPeer,
    ];
    const CODES: [RefusedCode; 6] = [
        RefusedCode::Busy,
        RefusedCode::RateLimited,
        RefusedCode::Restarting,
        RefusedCode::Internal,
        RefusedCode::Expired,
        RefusedCode::MediaFailed,
    ];
    const WHYS: [GoAwayReason; 3] =
        [GoAwayReason::ShuttingDown, GoAwayReason::Rebalance, GoAwayReason::SessionCap];
    let plane = if dice.one_in(2) { Plane::Signaling } else { Plane::Media };
    match dice.below(50) {
        0..=9 => Op::Prompt,
        10 => Op::BadPrompt,
        11..=13 => Op::Mute,
        14..=16 => Op::Unmute,
        17 => Op::Message,
        18 => Op::Retry,
        19 => Op::NetworkDown,
        20 => Op::SystemSays(NetworkFact::Down),
        21 | 22 => Op::NetworkUp,
        23 => Op::SystemSays(if dice.one_in(2) { NetworkFact::Up } else { NetworkFact::Changed }),
        24 => Op::Suspend,
        25 => Op::Wake,
        26..=28 => Op::Cut,
        29..=32 => Op::Restore,
        33..=35 => Op::Lose(plane, dice.of_list(&KINDS)),
        36 => Op::Silence(plane),
        37 => Op::Speak,
        38 => Op::Stall,
        39 => Op::Unstall,
        40 => Op::Garble,
        41 => Op::Unreachable,
        42 | 43 => Op::GoAway(dice.of_list(&WHYS), dice.one_in(2)),
        44 => Op::Advise(if dice.one_in(2) { Advice::Resume } else { Advice::Rejoin }),
        45 | 46 => {
            let retry_after = dice.one_in(2).then(|| dice.ms(100, 4_000));
            Op::Refuse(dice.of_list(&CODES), retry_after)
        }
        47 => Op::Restart,
        48 => Op::Refresh,
        _ => Op::CloseLink,
    }
}
