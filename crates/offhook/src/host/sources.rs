//! What feeds the published tracks, as tasks of the host: begun with their track, and begun again when a
//! source was spent, so that another one can take its place (F60, F61). Whose a source is, and how it is
//! swapped, is in `crate::sources`.

use super::Host;
use crate::event::Event;
use crate::sources::{Feeder, Rested};

impl Host {
    /// Lets a feeder run until its source gives no more, or the session is over.
    pub(super) fn spawn(&mut self, feeder: Feeder) {
        let run = feeder.run(self.shared.sources.clone());
        self.feeders.spawn(tracing::Instrument::instrument(run, self.span.clone()));
    }

    /// A feeder stopped. While its track is published it waits for another source, and listeners are told,
    /// unless there is another one already.
    pub(super) fn fed(&mut self, fed: Option<Rested>) {
        let Some(Rested { feeder, slot, why }) = fed else { return };
        let label = {
            let notes = self.shared.notes();
            let track = notes.tracks.iter().find(|track| track.is_fed_from(&slot));
            track.map(|track| track.label().to_owned())
        };
        // What was unpublished, or brought along by a join that failed, ends with its feeder.
        let Some(label) = label.filter(|_| !self.machine.state().is_over()) else { return };
        if slot.is_spent() {
            tracing::info!(parent: &self.span, track = %label, why = why.code(), "a source gives no more");
            self.tell(Event::SourceEnded { label, why });
        }
        self.spawn(feeder);
    }
}
