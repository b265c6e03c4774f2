//! A script of faults: what happens to the network, when, and for how long. A value, made by hand or from a seed
//! (`profile`); nothing here waits or touches a network. Carrying it out on a rig is in `run`.

mod profile;
mod run;
#[cfg(test)]
mod tests;

use std::{fmt, time::Duration};

pub use profile::{Kind, Profile};
pub use run::Applied;

use crate::Direction;

/// One thing that goes wrong with a network.
///
/// A rig knows TCP and UDP, not what they carry. For WebRTC read *TCP* as signaling and *UDP* as media.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// TCP connections are reset and new ones refused; datagrams pass. Signaling dead, media alive.
    CutTcp,
    /// Datagrams are dropped, both ways; TCP goes on. Media dead, signaling alive.
    CutUdp,
    /// Both at once: the server dies, the line is unplugged.
    Cut,
    /// Everything is swallowed and nobody says so, in one way or both.
    BlackHole(Direction),
    /// The NAT forgets its mappings: datagrams reach the upstream from new ports. A moment, not a time.
    Rebind,
    /// Open TCP connections are reset; new ones are accepted. A moment, not a time.
    Reset,
    /// New TCP connections are refused; open ones go on.
    Refuse,
    /// The line carries no more than so much, in either way.
    Rate {
        /// Headers included; see [`Conditions::rate`](crate::Conditions::rate).
        bytes_per_second: u64,
    },
    /// The line loses packets, in either way.
    Loss {
        /// As a fraction; see [`Conditions::loss`](crate::Conditions::loss).
        probability: f64,
    },
    /// The line becomes this long.
    Delay {
        /// Of every packet, in either way; see [`Conditions::delay`](crate::Conditions::delay).
        one_way: Duration,
    },
}

impl Fault {
    /// What kind of fault it is, its numbers left out.
    pub fn kind(&self) -> Kind {
        match self {
            Self::CutTcp => Kind::CutTcp,
            Self::CutUdp => Kind::CutUdp,
            Self::Cut => Kind::Cut,
            Self::BlackHole(Direction::Both) => Kind::BlackHole,
            Self::BlackHole(Direction::Up) => Kind::BlackHoleUp,
            Self::BlackHole(Direction::Down) => Kind::BlackHoleDown,
            Self::Rebind => Kind::Rebind,
            Self::Reset => Kind::Reset,
            Self::Refuse => Kind::Refuse,
            Self::Rate { .. } => Kind::Rate,
            Self::Loss { .. } => Kind::Loss,
            Self::Delay { .. } => Kind::Delay,
        }
    }

    /// Whether it is over as soon as it has happened, so that nothing has to end it.
    pub fn is_momentary(&self) -> bool {
        self.kind().is_momentary()
    }
}

/// For people: `cut-udp`, `loss of 8.0 %`.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.kind().name();
        match self {
            Self::Rate { bytes_per_second } => write!(f, "{name} of {bytes_per_second} B/s"),
            Self::Loss { probability } => write!(f, "{name} of {:.1} %", probability * 100.0),
            Self::Delay { one_way } => write!(f, "{name} of {} ms each way", one_way.as_millis()),
            Self::CutTcp
            | Self::CutUdp
            | Self::Cut
            | Self::BlackHole(_)
            | Self::Rebind
            | Self::Reset
            | Self::Refuse => f.write_str(name),
        }
    }
}

/// One fault of a schedule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// When it begins, from the start of the schedule.
    pub at: Duration,
    /// What happens.
    pub fault: Fault,
    /// How long it stays. Zero for a momentary fault.
    pub lasting: Duration,
}

impl Step {
    /// When the network is whole again.
    pub fn end(&self) -> Duration {
        self.at.saturating_add(self.lasting)
    }
}

/// A script of faults, one after another: at most one is in force at any time.
///
/// ```
/// use offhook_netrig::{Profile, Schedule};
/// use std::time::Duration;
///
/// let minute = Duration::from_secs(60);
/// let schedule = Schedule::seeded(7, minute, &Profile::default());
/// assert_eq!(schedule, Schedule::seeded(7, minute, &Profile::default()));   // the same seed, the same schedule
/// assert!(schedule.steps().iter().all(|step| step.end() <= minute));
/// println!("{schedule}");                                                    // a line for each fault
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Schedule {
    seed: Option<u64>,
    length: Duration,
    steps: Vec<Step>,
}

impl Schedule {
    /// A script of one's own; it begins empty.
    ///
    /// ```
    /// use offhook_netrig::{Direction, Fault, Schedule};
    /// use std::time::Duration;
    ///
    /// let second = Duration::from_secs(1);
    /// let schedule = Schedule::new()
    ///     .clear(5 * second)
    ///     .fault(Fault::BlackHole(Direction::Both), 10 * second)
    ///     .clear(second)
    ///     .fault(Fault::Rebind, Duration::ZERO)
    ///     .clear(5 * second);
    /// assert_eq!(schedule.length(), 21 * second);
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes on with so much time without a fault.
    #[must_use]
    pub fn clear(mut self, time: Duration) -> Self {
        self.length = self.length.saturating_add(time);
        self
    }

    /// Goes on with a fault. A momentary one takes no time, whatever `lasting` says.
    #[must_use]
    pub fn fault(mut self, fault: Fault, lasting: Duration) -> Self {
        let lasting = if fault.is_momentary() { Duration::ZERO } else { lasting };
        self.steps.push(Step { at: self.length, fault, lasting });
        self.clear(lasting)
    }

    /// A script drawn from a seed: the same seed, length and profile give the same schedule on every machine.
    /// [`Profile`] says what can happen, how often, and how long.
    #[must_use]
    pub fn seeded(seed: u64, length: Duration, profile: &Profile) -> Self {
        Self { seed: Some(seed), length, steps: profile::draw(seed, length, profile) }
    }

    /// The seed it was drawn from. Print it when a run fails.
    pub fn seed(&self) -> Option<u64> {
        self.seed
    }

    /// How long it runs, the clear time at its end included.
    pub fn length(&self) -> Duration {
        self.length
    }

    /// The faults in order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The same as beginnings and ends, in order of time: for those who carry a schedule out on a network of their
    /// own. Each fault that is not momentary ends before the next begins.
    pub fn changes(&self) -> impl Iterator<Item = (Duration, Change)> + '_ {
        self.steps.iter().enumerate().flat_map(|(number, step)| {
            let Step { at, fault, .. } = *step;
            let end = (!fault.is_momentary()).then(|| (step.end(), Change::Ended { number, fault }));
            std::iter::once((at, Change::Began { number, fault })).chain(end)
        })
    }

    /// How much of this schedule's time a fault is in force.
    pub fn faulty(&self) -> Duration {
        self.steps.iter().fold(Duration::ZERO, |sum, step| sum.saturating_add(step.lasting))
    }
}

/// One line for each fault: when, what, how long.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Step { at, fault, lasting } in &self.steps {
            write!(f, "{:>9.3} s  {fault}", at.as_secs_f64())?;
            if !lasting.is_zero() {
                write!(f, " for {:.3} s", lasting.as_secs_f64())?;
            }
            writeln!(f)?;
        }
        write!(f, "{:>9.3} s  end", self.length.as_secs_f64())
    }
}

/// What a schedule does to the network at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// A fault begins. All there is to say of a momentary one.
    Began {
        /// Its place in [`Schedule::steps`].
        number: usize,
        /// What happens.
        fault: Fault,
    },
    /// The fault is over, the network is whole again.
    Ended {
        /// Its place in [`Schedule::steps`].
        number: usize,
        /// What had happened.
        fault: Fault,
    },
}

impl Change {
    /// The fault that begins or ends.
    pub fn fault(&self) -> &Fault {
        match self {
            Self::Began { fault, .. } | Self::Ended { fault, .. } => fault,
        }
    }
}
