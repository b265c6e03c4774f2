//! What the far side is told of our own media: `sending` once frames leave on a section, `paused`
//! once they do not. Only so can it know what is missing (R9), for whether media arrives nobody
//! sees but the one it is sent to. What comes in is in `media.rs`.

use super::driver::{Driver, Flow, Stage};
use offhook_signaling::{FromClient, MidRef};
use offhook_transport::media::GateLevel;
use std::collections::BTreeMap;

/// What was said of each section on which anything ever left.
#[derive(Debug, Default)]
pub(super) struct Outflow {
    said: BTreeMap<String, bool>,
    /// Another link speaks now: what holds is said once more.
    again: bool,
}

impl Outflow {
    /// Whether to say `sending` (true) or `paused` of a section that flows or does not.
    fn news(&self, mid: &str, flows: bool) -> Option<bool> {
        match (self.said.get(mid), flows) {
            (Some(true), true) if !self.again => None,
            (_, true) => Some(true),
            (Some(true), false) => Some(false),
            (Some(false) | None, false) => None,
        }
    }

    /// Said on a link of old, and to be said on the new one.
    pub(super) fn say_again(&mut self) {
        self.again = true;
    }

    /// What is news of these sections, and is known from here on.
    fn tell(&mut self, sections: impl IntoIterator<Item = (String, bool)>) -> Vec<(String, bool)> {
        let told: Vec<_> =
            sections.into_iter().filter(|(mid, flows)| self.news(mid, *flows).is_some()).collect();
        self.said.extend(told.iter().cloned());
        self.again = false;
        told
    }
}

impl Driver {
    /// Tells what is news of our own media. Nothing leaves through a gate that is not open, nor of
    /// a track that is muted: that is said at once, and the rest when nothing left for a while. Where too
    /// much was said already it is said with the next second's statistics.
    pub(super) fn tell_outflow(&mut self) -> Flow {
        let Some(lane) = self.lane.clone().filter(|_| self.stage == Stage::Up) else { return Flow::On };
        if !self.budget.has_left() {
            return Flow::On;
        }
        let open = lane.peer.gates().level() == GateLevel::Open;
        let news = {
            let mut state = lane.state();
            if state.owner != self.request.epoch {
                return Flow::On;
            }
            let muted = |label: &str| {
                self.published().iter().any(|track| track.spec().label == label && track.is_muted())
            };
            let sections: Vec<_> = state
                .sendings
                .iter()
                .map(|(label, sending)| (sending.mid().to_owned(), open && sending.flows() && !muted(label)))
                .collect();
            state.outflow.tell(sections)
        };
        for (mid, sends) in news {
            let section = MidRef { mid };
            let said = if sends { FromClient::Sending(section) } else { FromClient::Paused(section) };
            if self.send(&said) == Flow::Over {
                return Flow::Over;
            }
        }
        Flow::On
    }
}

#[cfg(test)]
mod tests;
