//! Messages to other members, reactions and words: how they go out, and what is said of one that does
//! not. Who gets them is the far side's affair; what their payload looks like on the wire, `payload.rs`'s.

use super::driver::{Driver, Flow};
use super::payload;
use offhook_signaling::{FromClient, Instance, Relay};
use offhook_transport::{Content, Event, Outgoing, Unsent, Whom};

impl Driver {
    pub(super) fn relay(&mut self, message: Outgoing) -> Flow {
        let Outgoing { id, to, topic, payload } = message;
        let to_some = to != Whom::Everybody;
        let to = match to {
            Whom::Everybody => Vec::new(),
            Whom::These(members) => members,
        };
        // On the wire nobody means everybody.
        if to_some && to.is_empty() {
            let text = "it is for nobody; name members of the roster".to_owned();
            self.unsent(id, Unsent::UnknownMember, Vec::new(), text);
            return Flow::On;
        }
        let named: Vec<_> = to.iter().map(|member| member.parse::<Instance>()).collect();
        let strangers: Vec<String> =
            to.iter().zip(&named).filter(|(_, named)| named.is_err()).map(|(name, _)| name.clone()).collect();
        if !strangers.is_empty() {
            let text = "that is no name of a member; take one from the roster".to_owned();
            self.unsent(id, Unsent::UnknownMember, strangers, text);
            return Flow::On;
        }
        let to: Vec<_> = named.into_iter().flatten().collect();
        let relay = Relay { id, from: None, to, topic, data: payload::to_wire(&payload) };
        let message = FromClient::Message(relay);
        // What goes to some has an answer of its own: whether they are there the ack does not say.
        if to_some { self.post(id, &message, None) } else { self.post(id, &message, Some(id)) }
    }

    /// A reliable message that is answered under this number: by the ack of its frame where that is
    /// the receipt, otherwise by what the far side says.
    pub(super) fn post(&mut self, id: u64, message: &FromClient, receipt: Option<u64>) -> Flow {
        let Some(lane) = self.lane.clone() else { return Flow::On };
        match lane.post(self.request.epoch, message, receipt) {
            Ok(text) => match self.write_posted(&lane, text) {
                // Any answer brings the ack.
                Flow::On => self.ping(),
                Flow::Over => Flow::Over,
            },
            Err(error) => {
                tracing::warn!(%error, "a message does not fit the protocol and is not sent");
                self.unsent(id, Unsent::Unsayable, Vec::new(), error.to_string());
                Flow::On
            }
        }
    }

    pub(super) fn unsent(&mut self, id: u64, why: Unsent, members: Vec<String>, text: String) {
        self.out.say(Event::Content(Content::Unsent { id, why, members, text }));
    }
}
