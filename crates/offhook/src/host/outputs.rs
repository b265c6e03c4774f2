//! What the machine asks for, done: each output at once, in order, and without waiting.

use super::Host;
use super::links::Level;
use crate::translate;
use offhook_lifecycle::{Dial, Gate, Output, Plan};
use offhook_transport::media::MediaPorts;
use offhook_transport::{Action, DialRequest};

impl Host {
    pub(super) fn execute(&mut self, output: Output) {
        match output {
            Output::Dial(dial) => self.dial(dial),
            Output::Ping { epoch } => self.links.act(epoch, Action::Ping),
            Output::RestartIce { epoch } => self.links.act(epoch, Action::RestartIce),
            Output::AskCredential { epoch: _, why } => self.ask_provider(why),
            Output::Credential { epoch, credential } => {
                if let Some(secret) = self.contents.find_credential(credential) {
                    self.links.act(epoch, Action::Credential(secret));
                }
            }
            Output::Ring(verb) => self.say(verb),
            Output::Apply { epoch, revision } => {
                let desired = translate::desired(self.machine.desired());
                let revision = translate::outward_revision(revision);
                let apply = Action::Apply { revision, desired };
                self.links.set(epoch, Level::Desired, apply, self.clock.now());
            }
            Output::Gate { epoch, gate } => {
                tracing::debug!(parent: &self.span, link = epoch.0, ?gate, "a gate");
                self.links.set_gate(epoch, translate::gate_level(gate));
                if gate == Gate::Open {
                    // From the first link that may send on, the sources run.
                    self.shared.sources.open();
                }
            }
            Output::Switch { to } => self.shared.remote.switch_to(translate::outward_epoch(to)),
            Output::Goodbye { epoch, reason } => {
                tracing::debug!(parent: &self.span, reason = reason.code(), "goodbye");
                let last = self.last_telemetry(epoch);
                self.links.goodbye(epoch, last);
            }
            Output::Close { epoch } => {
                // Ended by the far side there is no goodbye, and this is the time for it.
                if self.machine.state().is_over()
                    && let Some(last) = self.last_telemetry(epoch)
                {
                    self.links.act(epoch, last);
                }
                self.links.close(epoch);
                self.shared.forget_gate(epoch);
            }
            Output::Report(event) => self.report(event),
        }
    }

    fn dial(&mut self, dial: Dial) {
        let epoch = translate::outward_epoch(dial.epoch);
        let gate = self.shared.gate(dial.epoch);
        let plan = translate::outward_plan(dial.plan, self.contents.key.clone(), self.contents.returning);
        tracing::debug!(parent: &self.span, dial = dial.epoch.0, plan = dial.plan.code(), "dialling");
        if dial.plan == Plan::Migrate {
            self.contents.moving = Some(dial.epoch);
        }
        let request = DialRequest {
            plan,
            epoch,
            inherit: dial.inherit.map(translate::outward_epoch),
            instance: self.instance,
            session: self.shared.identity.name.clone(),
            target: dial.target.and_then(|target| self.contents.find_target(target)),
            // The access token never goes to a server that another one named (design §6).
            credential: match dial.target {
                Some(_) => None,
                None => dial.credential.and_then(|credential| self.contents.find_credential(credential)),
            },
            join_ticket: match (dial.target, dial.plan) {
                (None, Plan::Join) => self.ticket.clone(),
                _ => None,
            },
            desired: translate::desired(self.machine.desired()),
            revision: translate::outward_revision(dial.revision),
            model: self.join.model.clone(),
            viewer: self.join.viewer,
            wait_in_queue: dial.wait_in_queue,
            media: MediaPorts {
                publish: self.join.tracks.iter().map(|track| track.track.clone()).collect(),
                sink: Some(self.shared.remote.sink(epoch)),
                gate: gate.clone(),
            },
            open_timeout: self.config.policy.signaling_open,
        };
        let connection = self.span.in_scope(|| self.config.transport.dial(request));
        self.links.add(dial.epoch, connection, gate);
    }
}
