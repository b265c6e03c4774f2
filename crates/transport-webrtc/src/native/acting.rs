//! What the host asks for.

use super::driver::{Driver, Flow, Stage};
use super::telemetry;
use super::translate;
use offhook_signaling::{Apply, FromClient, Goodbye, GoodbyeCode, KeepAlive, Reaction, Say};
use offhook_transport::media::LocalTrack;
use offhook_transport::{Action, Desired, Event, RefusalItem, Revision, Verdict, Words};

impl Driver {
    pub(super) async fn act(&mut self, action: Action) -> Flow {
        if self.stage == Stage::Leaving {
            return Flow::On;
        }
        match action {
            Action::Apply { revision, desired } => self.apply(revision, &desired),
            Action::Credential(credential) => {
                // Without a socket the next dial shows it.
                if self.socket.is_none() || self.stage == Stage::Opening {
                    return Flow::On;
                }
                let credential = translate::secret(&credential);
                self.send(&FromClient::Credential(offhook_signaling::Credential { credential }))
            }
            Action::Ping if self.stage == Stage::Up => self.ping(),
            Action::Ping => Flow::On,
            Action::RestartIce => self.restart_ice().await,
            Action::Publish(tracks) => self.publish(tracks).await,
            Action::Send(message) => self.relay(message),
            Action::React(Words { id, text }) => {
                self.post(id, &FromClient::Reaction(Reaction { from: None, reaction: text }), Some(id))
            }
            Action::Say(Words { id, text }) => {
                self.post(id, &FromClient::Say(Say { id, words: text }), Some(id))
            }
            Action::Moderate(moderation) => self.moderate(moderation),
            Action::KeepAlive if self.stage == Stage::Up => self.send(&FromClient::KeepAlive(KeepAlive {})),
            Action::KeepAlive => Flow::On,
            // Without a socket it is lost, as it is where it does not arrive.
            Action::Telemetry(batch) if self.stage == Stage::Up => {
                self.send(&FromClient::Telemetry(telemetry::to_wire(&batch)))
            }
            Action::Telemetry(_) => Flow::On,
            Action::Goodbye => self.goodbye(),
        }
    }

    fn apply(&mut self, revision: Revision, desired: &Desired) -> Flow {
        let Some(lane) = self.lane.clone() else { return Flow::On };
        self.uploads.revision = revision;
        self.image_wanted(desired.image.as_ref().and_then(Option::as_ref));
        let wire = translate::desired(desired, revision, self.published());
        let id = {
            let mut state = lane.state();
            state.image = desired.image.clone().flatten();
            state.next_command()
        };
        match lane.post(self.request.epoch, &FromClient::Apply(Apply { id, desired: wire }), None) {
            Ok(text) => match self.write_posted(&lane, text) {
                // A mute holds already.
                Flow::On => self.tell_outflow(),
                Flow::Over => Flow::Over,
            },
            // It breaks a limit of the protocol, so no far side would take it.
            Err(error) => {
                let verdict = Verdict::Refused { item: RefusalItem::Prompt, text: error.to_string() };
                self.out.say(Event::Acked { revision, verdict });
                Flow::On
            }
        }
    }

    /// What is published is another list from here on. Before we are let in nothing can be offered:
    /// then it is once we are. Nor is it on a link without a socket, whose successor has the list.
    async fn publish(&mut self, tracks: Vec<LocalTrack>) -> Flow {
        if self.request.viewer {
            return Flow::On;
        }
        self.request.media.publish = tracks;
        self.publish_wanted = true;
        if self.stage == Stage::Up && self.socket.is_some() { self.offer_published().await } else { Flow::On }
    }

    /// Offers what is published by now, where that is not what was offered last.
    pub(super) async fn offer_published(&mut self) -> Flow {
        let Some(lane) = self.lane.clone().filter(|_| std::mem::take(&mut self.publish_wanted)) else {
            return Flow::On;
        };
        let published = lane.offerable(self.published());
        self.tell_untaken(&lane);
        let dropped = lane.unpublish(&published);
        match lane.make_room(&published).await {
            Ok(grown) => {
                lane.state().grown |= grown || dropped;
                if self.tell_outflow() == Flow::Over {
                    return Flow::Over;
                }
                if lane.lags(&published) { self.negotiate(false).await } else { Flow::On }
            }
            Err(error) => {
                tracing::warn!(%error, "a track finds no section and is not sent on this link");
                Flow::On
            }
        }
    }

    fn goodbye(&mut self) -> Flow {
        let said = self.stage != Stage::Opening && self.socket.is_some();
        let reason = if self.stage == Stage::Up { GoodbyeCode::LeftByUser } else { GoodbyeCode::Cancelled };
        self.connecting = None;
        self.start_leaving();
        if self.upgrading.is_some() {
            // The frame that went along may have been taken: it is said once that is known.
            return Flow::On;
        }
        if !said {
            return Flow::Over;
        }
        self.send(&FromClient::Goodbye(Goodbye { reason }))
    }
}
