//! What a member publishes and mutes, to whoever is behind its connection; and what it is asked and told where
//! that is nobody but the others.

use super::{Behind, Media};
use offhook_signaling::{NeedSections, Ping, Track, Waiting};
use tokio::time::Instant;

/// Marks a ping that asks whether an answer was taken; other pings are numbered below.
const SETTLED: u64 = 1 << 52;

impl Media {
    /// What it publishes, for whoever is behind it, and what of it is muted.
    pub(in crate::member) async fn publish(&mut self, offered: &[Track], muted: &[String]) {
        self.attention.publish(offered, muted);
        if let Behind::Room(forwarding) = &mut self.behind {
            let sections = self.peer.sections().await;
            forwarding.publish(&self.peer, &sections, offered, muted);
        }
    }

    /// Nothing of these tracks goes to anybody when this has returned.
    pub(in crate::member) fn mute(&self, muted: &[String]) {
        self.attention.mute(muted);
        if let Behind::Room(forwarding) = &self.behind {
            forwarding.mute(muted);
        }
    }

    /// What to ask its client in order to know that it took the newest answer: frames are read one after
    /// another, so it says `pong` once it has. None where nothing waits for that.
    pub(in crate::member) fn settling(&self) -> Option<Ping> {
        let Behind::Room(forwarding) = &self.behind else { return None };
        forwarding.is_unsettled().then_some(Ping { id: SETTLED | self.negotiation })
    }

    /// Its client answered a ping; if it was that one, what waited for it begins.
    pub(in crate::member) fn answered_ping(&mut self, id: u64) {
        if let Behind::Room(forwarding) = &mut self.behind
            && id == SETTLED | self.negotiation
        {
            forwarding.settled();
        }
    }

    /// Its client says that something comes in this section from here on, or that nothing does.
    pub(in crate::member) fn pauses(&mut self, mid: String, paused: bool) {
        self.attention.pause(&mid, paused);
        if paused {
            self.inflow.paused(&mid);
        } else {
            self.inflow.sending(mid, Instant::now());
        }
    }

    /// What its client has to offer before there is any answer.
    pub(in crate::member) fn ask(&mut self) -> NeedSections {
        let need = match &mut self.behind {
            Behind::Room(forwarding) => forwarding.need(),
            Behind::Studio(_) | Behind::Echo(_) => None,
        };
        need.unwrap_or(NeedSections { audio: 0, video: 0 })
    }

    /// Which tracks of the others have no place with it, to be told on being let in.
    pub(in crate::member) fn without(&mut self) -> Vec<Waiting> {
        match &mut self.behind {
            Behind::Room(forwarding) => forwarding.without(),
            Behind::Studio(_) | Behind::Echo(_) => Vec::new(),
        }
    }

    /// Its client came back on another socket: what it was asked for may be lost.
    pub(in crate::member) fn ask_again(&mut self) {
        if let Behind::Room(forwarding) = &mut self.behind {
            forwarding.ask_again();
        }
    }
}
