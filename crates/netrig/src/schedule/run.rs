//! A schedule carried out on a rig, in real time.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::{Change, Fault, Schedule};
use crate::{Conditions, Direction, Rig, RigError, Way, Ways};

/// What a running schedule has just done.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Applied {
    /// What it did.
    pub change: Change,
    /// When the schedule has it, from the start of the run.
    pub planned: Duration,
    /// When it was done, from the start of the run: later than planned by the timer's millisecond, and by what a busy
    /// machine adds.
    pub at: Duration,
}

impl Schedule {
    /// Carries the schedule out on a rig, and calls `applied` after each change. Returns at the end of the schedule's
    /// length, with the rig whole.
    ///
    /// A fault that alters conditions (rate, loss, delay) alters one of them for all relays and leaves the others; when
    /// it ends, relays have the rig's conditions from before it ([`Rig::conditions`]). Any other fault ends by
    /// [`Rig::restore`]. So give other orders to the rig between faults only, and leave relays to it.
    ///
    /// ```
    /// use offhook_netrig::{Change, Fault, Rig, Schedule};
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), offhook_netrig::RigError> {
    /// let rig = Rig::new(7);
    /// let ms = Duration::from_millis;
    /// let schedule = Schedule::new().clear(ms(5)).fault(Fault::Cut, ms(10)).clear(ms(5));
    ///
    /// let mut log = Vec::new();
    /// schedule.run(&rig, |applied| log.push(applied.change)).await?;
    /// let cut = Fault::Cut;
    /// assert_eq!(log, [Change::Began { number: 0, fault: cut }, Change::Ended { number: 0, fault: cut }]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// What [`Rig::restore`] says at the end of a fault. The schedule stops there.
    ///
    /// # Cancel safety
    /// Dropping the future ends the fault in force.
    pub async fn run(&self, rig: &Rig, mut applied: impl FnMut(&Applied)) -> Result<(), RigError> {
        let began = Instant::now();
        let mut in_force = None;
        for (planned, change) in self.changes() {
            sleep_until(began + planned).await;
            match change {
                Change::Began { fault, .. } => in_force = Some(InForce::begin(rig, fault)),
                Change::Ended { .. } => {
                    if let Some(fault) = in_force.take() {
                        fault.end()?;
                    }
                }
            }
            applied(&Applied { change, planned, at: began.elapsed() });
        }
        sleep_until(began + self.length).await;
        Ok(())
    }
}

/// A fault that has begun; dropping it ends it.
struct InForce<'a> {
    rig: &'a Rig,
    fault: Fault,
    /// The rig's conditions from before.
    before: Ways<Conditions>,
    over: bool,
}

impl<'a> InForce<'a> {
    fn begin(rig: &'a Rig, fault: Fault) -> Self {
        let before = rig.conditions();
        let alter = |change: &dyn Fn(Conditions) -> Conditions| {
            for way in [Way::Up, Way::Down] {
                rig.set(Direction::from(way), change(*before.of(way)));
            }
        };
        match fault {
            Fault::CutTcp => {
                rig.refuse_tcp();
                rig.reset_tcp();
            }
            Fault::CutUdp => rig.drop_udp(),
            Fault::Cut => rig.cut(),
            Fault::BlackHole(direction) => rig.black_hole(direction),
            Fault::Rebind => rig.rebind_udp(),
            Fault::Reset => rig.reset_tcp(),
            Fault::Refuse => rig.refuse_tcp(),
            Fault::Rate { bytes_per_second } => alter(&|line| line.rate(bytes_per_second)),
            Fault::Loss { probability } => alter(&|line| line.loss(probability)),
            Fault::Delay { one_way } => alter(&|line| line.delay(one_way)),
        }
        // A momentary fault is over: nothing is left to end.
        Self { rig, fault, before, over: fault.is_momentary() }
    }

    fn end(mut self) -> Result<(), RigError> {
        self.lift()
    }

    fn lift(&mut self) -> Result<(), RigError> {
        if std::mem::replace(&mut self.over, true) {
            return Ok(());
        }
        match self.fault {
            Fault::Rate { .. } | Fault::Loss { .. } | Fault::Delay { .. } => {
                for way in [Way::Up, Way::Down] {
                    self.rig.set(Direction::from(way), *self.before.of(way));
                }
                Ok(())
            }
            Fault::CutTcp
            | Fault::CutUdp
            | Fault::Cut
            | Fault::BlackHole(_)
            | Fault::Rebind
            | Fault::Reset
            | Fault::Refuse => self.rig.restore(),
        }
    }
}

impl Drop for InForce<'_> {
    fn drop(&mut self) {
        // Nobody is left to tell; a relay whose port is lost tells its clients by refusing them.
        let _ = self.lift();
    }
}
