//! What a member says to the others: to all of them, or to some. Who it is from the server says; that it
//! arrives is the receivers' own frames' affair. Named ones get it all or none of them does.

use super::Actor;
use crate::rooms::Untold;
use offhook_signaling::{FromServer, Instance, NotRelayed, Relay, RelayRefusal, Relayed};

impl Actor {
    pub(super) fn relay(&mut self, mut relay: Relay) {
        self.interacts();
        relay.from = Some(self.place.instance);
        if relay.to.is_empty() {
            self.shared.rooms.tell(&self.place, None, &FromServer::Message(relay));
            return;
        }
        let id = relay.id;
        // Whom else it is for is nobody's to know.
        let mut to = std::mem::take(&mut relay.to);
        to.sort_unstable();
        to.dedup();
        if to.contains(&self.place.instance) {
            let text = "that is yourself; name the others";
            return self.not_relayed(id, RelayRefusal::Oneself, Vec::new(), text);
        }
        match self.shared.rooms.tell_these(&self.place, &to, &FromServer::Message(relay)) {
            Ok(()) => self.say(&FromServer::Relayed(Relayed { id })),
            Err(Untold::Gone(gone)) => {
                let text = "somebody it is for is not in the session; look at the roster";
                self.not_relayed(id, RelayRefusal::UnknownMember, gone, text);
            }
            Err(Untold::Busy(busy)) => {
                let text = "somebody it is for does not keep up with what is said; say it again later";
                self.not_relayed(id, RelayRefusal::Busy, busy, text);
            }
        }
    }

    fn not_relayed(&mut self, id: u64, why: RelayRefusal, missing: Vec<Instance>, text: &str) {
        self.say(&FromServer::NotRelayed(NotRelayed { id, why, missing, text: text.to_owned() }));
    }
}
