//! A small window that puts late packets back into order, and says when to stop waiting.

use super::depacketize::starts_key;
use super::rtp::{RtpPacket, Sequence};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// Packets that wait for an earlier one.
const WINDOW: usize = 128;
/// A hole before a key frame is not worth waiting for; a mere swap of packets is.
const KEY_WAIT: Duration = Duration::from_millis(20);
/// What is missing after so long without any packet is from before a mute or an outage. Sent again now it
/// would be a picture of then: it is not waited for.
const PAUSE: Duration = Duration::from_secs(1);
/// A jump this far is another stream, not a loss.
const RESTART: i64 = 3000;

/// What comes out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The next packet in order.
    Packet(RtpPacket),
    /// Packets are lost for good before the next one.
    Gap,
}

/// The window of one stream.
#[derive(Debug)]
pub(super) struct Reorder {
    wait: Duration,
    sequence: Sequence,
    next: Option<i64>,
    held: BTreeMap<i64, RtpPacket>,
    /// When the newest packet came.
    came: Option<Instant>,
    /// When the hole at the front is given up.
    give_up: Option<Instant>,
    gap: bool,
}

impl Reorder {
    pub(super) fn new(wait: Duration) -> Self {
        Self {
            wait,
            sequence: Sequence::default(),
            next: None,
            held: BTreeMap::new(),
            came: None,
            give_up: None,
            gap: false,
        }
    }

    /// Waits so long for what is missing from here on.
    pub(super) const fn wait(&mut self, wait: Duration) {
        self.wait = wait;
    }

    /// Takes one packet in the order of arrival.
    pub(super) fn push(&mut self, packet: RtpPacket, now: Instant) {
        let number = self.sequence.extend(packet.sequence);
        let next = *self.next.get_or_insert(number);
        if (number - next).abs() > RESTART {
            self.sequence = Sequence::default();
            let number = self.sequence.extend(packet.sequence);
            self.held.clear();
            self.next = Some(number);
            self.gap = true;
            self.held.insert(number, packet);
            return;
        }
        if number < next {
            return; // Late or twice.
        }
        let paused =
            self.came.replace(now).is_some_and(|before| now.saturating_duration_since(before) >= PAUSE);
        if number != next && paused && self.held.is_empty() {
            self.next = Some(number);
            self.gap = true;
        } else if number != next {
            let wait =
                if starts_key(packet.codec, &packet.payload) { KEY_WAIT.min(self.wait) } else { self.wait };
            let at = now + wait;
            self.give_up = Some(self.give_up.map_or(at, |earlier| earlier.min(at)));
        }
        self.held.insert(number, packet);
        if self.held.len() > WINDOW {
            self.skip();
        }
    }

    /// Whatever can be given now.
    pub(super) fn pop(&mut self, now: Instant) -> Option<Step> {
        if self.give_up.is_some_and(|at| now >= at) {
            self.skip();
        }
        if std::mem::take(&mut self.gap) {
            return Some(Step::Gap);
        }
        let next = self.next?;
        let Some(packet) = self.held.remove(&next) else {
            // Something is held behind a hole, or nothing is held at all.
            self.give_up = match self.held.is_empty() {
                true => None,
                false => Some(self.give_up.unwrap_or(now + self.wait)),
            };
            return None;
        };
        self.next = Some(next + 1);
        self.give_up = None;
        Some(Step::Packet(packet))
    }

    /// When to call [`pop`](Reorder::pop) again even if nothing comes in.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.give_up
    }

    fn skip(&mut self) {
        self.give_up = None;
        if let Some((first, _)) = self.held.first_key_value()
            && self.next != Some(*first)
        {
            self.next = Some(*first);
            self.gap = true;
        }
    }
}

#[cfg(test)]
mod tests;
