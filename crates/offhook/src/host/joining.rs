//! How a join begins: what it brings along goes into the ledger, the machine and the sources.

use super::{Host, machine_config};
use crate::join::JoinData;
use crate::translate;
use offhook_lifecycle::Machine;

impl Host {
    /// The contents of a join enter the ledger before the wish is dispatched.
    pub(super) fn begin_join(&mut self) {
        let Some(mut join) = self.shared.notes().join.take() else { return };
        if !self.begun && (join.wait.is_some() || join.resume.is_some()) {
            self.remake(&join);
        }
        self.contents.returning = join.resume.is_some();
        if let Some(token) = join.resume.as_ref().filter(|_| self.begun) {
            // Another session's token finds no session of this instance, rather than none at all.
            self.contents.key = Some(token.key.clone());
        }
        let sources = self.shared.sources.clone();
        for feeder in join.feeders.drain(..) {
            let run = feeder.run(sources.clone(), self.ends.0.clone());
            self.feeders.spawn(tracing::Instrument::instrument(run, self.span.clone()));
        }
        let initial = std::mem::take(&mut join.initial);
        let mut notes = self.shared.notes();
        notes.tracks = join.tracks.clone();
        notes.untaken.clear();
        notes.viewer = join.viewer;
        notes.voice = join.voice.clone();
        drop(notes);
        self.join = join;
        self.fit_tracks();
        if !initial.is_empty() {
            let now = self.clock.now();
            let initial = self.contents.with_image(translate::change(initial));
            self.initial = self.machine.set(initial, now).ok();
            self.settle();
        }
    }

    /// A machine that has done nothing yet is made anew with what only the join knows.
    fn remake(&mut self, join: &JoinData) {
        let mut policy = self.config.policy.clone();
        if let Some(most) = join.wait.and_then(|wait| wait.most) {
            policy.queue = most;
        }
        let credential = self.config.credentials.fixed.clone().map(|secret| self.contents.credential(secret));
        let mut config = machine_config(&self.config, policy, credential);
        if let Some(token) = &join.resume {
            config.epoch = token.epoch;
            self.instance = token.instance;
            self.contents.key = Some(token.key.clone());
        }
        self.machine = Machine::new(config);
    }
}
