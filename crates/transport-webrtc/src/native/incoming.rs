//! A frame of the far side: read, numbered, judged by its place, and given to the room that
//! knows it: before we are in, `joining.rs`; afterwards, `messages.rs`; offers and answers are
//! in `negotiating.rs`.

mod joining;
mod messages;
mod negotiating;

use super::driver::{Driver, Flow, Stage};
use super::lane::Lane;
use super::moderating::is_of_a_message;
use super::nodes::Health;
use super::socket::Heard;
use super::translate;
use offhook_signaling as wire;
use offhook_signaling::{Frame, FromClient, FromServer, Receipt, decode_from_server};
use offhook_transport::{Content, Event, Fault, FaultKind, Plane};
use tokio::time::Instant;

/// What the far side did that cannot be gone on with.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProtocolFault {
    #[error("`{0}` has no place here; update the older side")]
    OutOfPlace(String),
    #[error("the far side resumed another dial than this one; it is dialled again")]
    WrongEpoch,
    #[error("the far side did not answer in time; check that it is the right server, and its load")]
    NoAnswer,
    #[error("the far side hung up without an ending (code {0:?}); it is dialled again")]
    HungUp(Option<u16>),
    #[error("the far side refuses to go on: {0}")]
    Error(String),
}

impl Driver {
    pub(super) async fn heard(&mut self, heard: Heard) -> Flow {
        match heard {
            Heard::Frame(bytes) => self.frame(&bytes).await,
            Heard::Closed(code) => {
                let kind = if code == Some(1012) { FaultKind::ServerRestart } else { FaultKind::Closed };
                self.drop_socket(1000).await;
                self.lose_signaling(Fault::with(kind, ProtocolFault::HungUp(code)))
            }
            Heard::Broken(fault, code) => {
                match code {
                    Some(code) => self.drop_socket(code).await,
                    None => self.socket = None,
                }
                self.lose_signaling(fault)
            }
        }
    }

    /// Closes the socket with a code that says why, and reports the loss.
    async fn break_off(&mut self, code: u16, fault: Fault) -> Flow {
        tracing::debug!(code, %fault, "the far side broke the protocol");
        self.drop_socket(code).await;
        self.lose_signaling(fault)
    }

    async fn frame(&mut self, bytes: &[u8]) -> Flow {
        let frame = match decode_from_server(bytes) {
            Ok(frame) => frame,
            Err(error) => {
                let code = error.close_code();
                return self.break_off(code, Fault::with(FaultKind::Protocol, error)).await;
            }
        };
        let Some(lane) = self.lane.clone() else { return Flow::On };
        if lane.state().is_left_behind(self.request.epoch) {
            return Flow::On;
        }
        let received = lane.state().frames.receive(&frame);
        let receipt = match received {
            Ok(receipt) => receipt,
            Err(error) => return self.break_off(1002, Fault::with(FaultKind::Protocol, error)).await,
        };
        if frame.unknown.count() > 0 {
            tracing::debug!(count = frame.unknown.count(), "words of a later version");
        }
        if !std::mem::replace(&mut self.answered, true) {
            self.out.say(Event::Answered);
        }
        self.answer_due = None;
        self.heard_at = Some(Instant::now());
        if self.stage == Stage::Up {
            self.out.alive(Plane::Signaling);
            if !std::mem::replace(&mut self.signaling_proven, true) {
                self.out.say(Event::Carried(Plane::Signaling));
                self.is_whole();
            }
        }
        let acked = lane.state().acked_messages();
        // What arrived and was not taken is acknowledged as well, which is no receipt.
        let refused = match &frame.message {
            FromServer::NotTaken(not_taken) => Some(not_taken.id),
            FromServer::NotRelayed(refused) => Some(refused.id),
            FromServer::Unsupported(unsupported) if is_of_a_message(unsupported) => Some(unsupported.id),
            _ => None,
        };
        acked
            .into_iter()
            .filter(|id| Some(*id) != refused)
            .for_each(|id| self.out.say(Event::Content(Content::Sent { id })));
        if receipt == Receipt::Duplicate {
            return Flow::On;
        }
        match self.stage {
            Stage::Leaving => match frame.message {
                FromServer::Ended(_) => Flow::Over,
                _ => Flow::On,
            },
            // Said before it could know that the path is well again: what is true of it is said again.
            Stage::Up if is_stale_fault(&lane, &frame) => Flow::On,
            Stage::Up => match self.message(&lane, frame.message).await {
                Flow::On if std::mem::take(&mut self.restart_when_heard) => self.restart_heard(&lane).await,
                flow => flow,
            },
            Stage::Opening | Stage::Asking | Stage::Queued => self.answer_to_us(&lane, frame.message).await,
        }
    }

    async fn out_of_place(&mut self, message: &FromServer) -> Flow {
        let what = wire::Message::kind(message).escape_debug().to_string();
        let fault = Fault::with(FaultKind::Protocol, ProtocolFault::OutOfPlace(what));
        self.break_off(1002, fault).await
    }

    fn unknown(&mut self, unknown: wire::UnknownMessage) -> Flow {
        self.unknown_messages += 1;
        tracing::debug!(count = self.unknown_messages, "a message of a later version");
        let answer = unknown.id.map(|id| {
            let what = unknown.kind.clone();
            FromClient::Unsupported(wire::NotKnown { id, what })
        });
        self.content(Content::Other(unknown.kind));
        answer.map_or(Flow::On, |answer| self.send(&answer))
    }

    fn ended(&mut self, ended: &wire::Ended) -> Flow {
        self.health = Health::default();
        self.ended = true;
        self.fail(Event::Ended {
            code: translate::ended(&ended.reason),
            text: ended.text.clone(),
            may_retry: ended.may_retry,
        })
    }
}

/// A fault of media, said by a far side that had not heard yet that media carries again.
fn is_stale_fault(lane: &Lane, frame: &Frame<FromServer>) -> bool {
    matches!(frame.message, FromServer::MediaFault(_)) && frame.ack < lane.state().told
}
