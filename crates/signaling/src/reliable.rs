//! Exactly-once messages over sockets that die: numbering, cumulative acks, a bounded replay buffer.
//! Pure; both ends use the same core. Sockets, and when to resume, are the transports' business.

use crate::codec::{EncodeError, Frame, Unknowns, encode};
use crate::limits;
use crate::message::Message;
use std::collections::VecDeque;

/// One end of the reliable stream of a session: it outlives sockets, never a rejoin.
///
/// Getters tell where it stands, [`frame`](Self::frame) numbers what goes out, [`receive`](Self::receive)
/// judges what came in, [`replay`](Self::replay) is called once per resumed link. `Out` is what this
/// end sends.
#[derive(Debug, Clone)]
pub struct Reliability<Out> {
    sent: u64,
    acked: u64,
    /// Newest number that fell out of the buffer unacknowledged; 0 is none.
    lost: u64,
    kept: VecDeque<(u64, Out, usize)>,
    kept_bytes: usize,
    seen: u64,
}

/// What to do with a frame that came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// New: deliver it.
    Deliver,
    /// Seen already: drop it, it was delivered.
    Duplicate,
}

/// The far side broke the numbering. Close the link; a resume or rejoin starts afresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReliabilityError {
    /// It acknowledged what was never sent.
    #[error("the far side acknowledged message {claimed} and only {sent} were sent; close the link")]
    AheadOfSent {
        /// What it says it saw.
        claimed: u64,
        /// Newest number given out.
        sent: u64,
    },
    /// Numbers are missing between what was seen and what came.
    #[error("message {got} came where {expected} was due; close the link and resume")]
    Gap {
        /// The number that was due.
        expected: u64,
        /// The number that came.
        got: u64,
    },
}

/// Why a replay is not possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReplayLost {
    /// More was unacknowledged than the buffer holds. Answer `resume_refused{replay_lost}`, or rejoin.
    #[error("messages up to {lost} are no longer kept and the far side saw only {last_seen}; rejoin")]
    Overflow {
        /// Newest message that was dropped.
        lost: u64,
        /// What the far side saw.
        last_seen: u64,
    },
    /// The far side claims more than was sent: a protocol error.
    #[error(transparent)]
    Protocol(#[from] ReliabilityError),
}

impl<Out> Default for Reliability<Out> {
    fn default() -> Self {
        Reliability { sent: 0, acked: 0, lost: 0, kept: VecDeque::new(), kept_bytes: 0, seen: 0 }
    }
}

impl<Out: Message> Reliability<Out> {
    /// A fresh stream, for a session that was just joined or rejoined.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Newest number of the far side's that arrived: the `ack` of every frame, the `last_seen` of a resume.
    #[must_use]
    pub fn last_seen(&self) -> u64 {
        self.seen
    }

    /// Newest number given out.
    #[must_use]
    pub fn last_sent(&self) -> u64 {
        self.sent
    }

    /// Newest number the far side is known to have.
    #[must_use]
    pub fn last_acked(&self) -> u64 {
        self.acked
    }

    /// How many messages wait for an ack.
    #[must_use]
    pub fn unacked(&self) -> u64 {
        self.sent - self.acked
    }

    /// What is kept because the far side is not known to have it, the oldest first.
    pub fn kept(&self) -> impl Iterator<Item = &Out> {
        self.kept.iter().map(|(_, message, _)| message)
    }

    /// Numbers a message where it is reliable, keeps it for a replay, and writes its frame.
    /// Where there is no link just now, drop the text: the replay brings it.
    ///
    /// A full buffer drops its oldest message; the living link does not mind, only a replay from
    /// before it is refused.
    ///
    /// # Errors
    /// [`EncodeError`] where the message breaks a limit; nothing is numbered then.
    pub fn frame(&mut self, message: &Out) -> Result<String, EncodeError> {
        if !message.is_reliable() {
            return encode(None, self.seen, message);
        }
        let seq = self.sent + 1;
        let text = encode(Some(seq), self.seen, message)?;
        self.sent = seq;
        self.kept.push_back((seq, message.clone(), text.len()));
        self.kept_bytes += text.len();
        while self.kept.len() > limits::REPLAY_MESSAGES || self.kept_bytes > limits::REPLAY_BYTES {
            let Some((seq, _, size)) = self.kept.pop_front() else { break };
            self.kept_bytes -= size;
            self.lost = seq;
        }
        Ok(text)
    }

    /// Judges a frame that came in, and takes its ack.
    ///
    /// # Errors
    /// [`ReliabilityError`]: close the link.
    pub fn receive<In>(&mut self, frame: &Frame<In>) -> Result<Receipt, ReliabilityError> {
        self.take_ack(frame.ack)?;
        let Some(seq) = frame.seq else {
            return Ok(Receipt::Deliver);
        };
        if seq <= self.seen {
            return Ok(Receipt::Duplicate);
        }
        if seq != self.seen + 1 {
            return Err(ReliabilityError::Gap { expected: self.seen + 1, got: seq });
        }
        self.seen = seq;
        Ok(Receipt::Deliver)
    }

    /// What to send on a resumed link before anything else reliable: everything above `last_seen`.
    ///
    /// # Errors
    /// [`ReplayLost`]: the stream cannot be continued; rejoin.
    pub fn replay(&mut self, last_seen: u64) -> Result<Vec<Frame<Out>>, ReplayLost> {
        self.take_ack(last_seen)?;
        // Checked against what it says now, not against the newest ack: an end that forgot what it
        // had acknowledged has lost state, and a stream with a hole must not go on.
        if last_seen < self.lost.max(self.acked) {
            return Err(ReplayLost::Overflow { lost: self.lost.max(self.acked), last_seen });
        }
        let frame = |(seq, message, _): &(u64, Out, usize)| Frame {
            seq: Some(*seq),
            ack: self.seen,
            message: message.clone(),
            unknown: Unknowns::default(),
        };
        Ok(self.kept.iter().map(frame).collect())
    }

    fn take_ack(&mut self, ack: u64) -> Result<(), ReliabilityError> {
        if ack > self.sent {
            return Err(ReliabilityError::AheadOfSent { claimed: ack, sent: self.sent });
        }
        self.acked = self.acked.max(ack);
        while let Some((seq, _, size)) = self.kept.front() {
            if *seq > self.acked {
                break;
            }
            self.kept_bytes -= size;
            self.kept.pop_front();
        }
        Ok(())
    }
}

impl<M: Message> Frame<M> {
    /// The frame as text.
    ///
    /// # Errors
    /// [`EncodeError`] where the message breaks a limit.
    pub fn encode(&self) -> Result<String, EncodeError> {
        encode(self.seq, self.ack, &self.message)
    }
}
