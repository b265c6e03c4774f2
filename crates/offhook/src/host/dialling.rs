//! The dial under way, as spans: one for the dial and inside it one for each of its steps, so that a
//! subscriber which times spans sees where the time of a join or a recovery goes (F73). How long
//! each took is counted by the machine, and told with the attempt.

use super::Host;
use offhook_lifecycle::{Epoch, Plan, Step};
use tracing::Span;

/// The spans of the dial under way. They close when they are dropped.
#[derive(Debug)]
pub(super) struct Dialling {
    epoch: Epoch,
    step: Step,
    // Closed in this order: the inner one first.
    phase: Span,
    dial: Span,
}

impl Dialling {
    fn begin(parent: &Span, (epoch, plan, step): (Epoch, Plan, Step)) -> Self {
        let dial = tracing::info_span!(parent: parent, "dial", dial = epoch.0, plan = plan.code());
        Self { epoch, step, phase: phase(&dial, step), dial }
    }
}

/// The name of a span is fixed where it is written.
fn phase(dial: &Span, step: Step) -> Span {
    match step {
        Step::Searching => tracing::info_span!(parent: dial, "searching"),
        Step::Preparing => tracing::info_span!(parent: dial, "preparing"),
        Step::Connecting => tracing::info_span!(parent: dial, "connecting"),
    }
}

impl Host {
    /// Opens and closes the spans by how far the dial is.
    pub(super) fn follow_dial(&mut self) {
        let Some(now) = self.machine.dialling() else {
            self.dialling = None;
            return;
        };
        match self.dialling.as_mut().filter(|known| known.epoch == now.0) {
            Some(known) if known.step != now.2 => {
                known.step = now.2;
                known.phase = phase(&known.dial, now.2);
            }
            Some(_) => {}
            None => {
                self.dialling = None;
                self.dialling = Some(Dialling::begin(&self.span, now));
            }
        }
    }
}
