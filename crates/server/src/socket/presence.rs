//! One presence link: what its device says goes to the book of rings, what the book says goes out.
//! There is no resume: a link that is lost begins anew with a snapshot.

use super::{Bucket, CLOSING, OUTBOX, close, close_code, heard, say_and_close};
use crate::Shared;
use crate::config::{AWAY_AFTER, PING_EVERY};
use crate::door;
use crate::lobby::Knock;
use crate::rings::{Device, ToDevice};
use axum::extract::ws::{Message, WebSocket};
use futures_util::StreamExt;
use offhook_signaling::{
    Error, ErrorCode, Frame, FromClient, FromServer, Liveness, Presence, Present, Receipt, Reliability,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

/// A device that says nothing for so long is gone, whatever its socket says.
const SILENT: Duration = AWAY_AFTER.saturating_mul(2);

/// How it goes on after a frame.
enum Flow {
    On,
    Over,
}

struct Link {
    socket: WebSocket,
    frames: Reliability<FromServer>,
    device: Device,
    bucket: Bucket,
}

/// Runs a presence link to its end.
pub(super) async fn run(
    shared: &Arc<Shared>,
    mut socket: WebSocket,
    first: Frame<FromClient>,
    knock: Arc<Knock>,
) {
    let FromClient::Presence(hello) = &first.message else { return };
    let (out, outbox) = mpsc::channel(OUTBOX);
    let (device, present) = match enter(shared, hello, out) {
        Ok(entered) => entered,
        Err(refusal) => return say_and_close(&mut socket, &refusal, close_code(&refusal)).await,
    };
    knock.admit();
    drop(knock);
    let bucket = Bucket::new(shared.config.limits.frames_per_second);
    let mut link = Link { socket, frames: Reliability::new(), device, bucket };
    tracing::debug!(device = %link.device.instance, "a presence link is up");
    if link.frames.receive(&first).is_ok() && link.say(&FromServer::Present(present)).await {
        link.pump(shared, outbox).await;
    }
    shared.rings.lock().leave(&link.device, Instant::now());
}

fn enter(
    shared: &Shared,
    hello: &Presence,
    out: mpsc::Sender<ToDevice>,
) -> Result<(Device, Present), door::Refusal> {
    if shared.is_closing() || shared.emptied_to().is_some() {
        return Err(door::going_down(shared));
    }
    let (user, bearer, version) = door::presence(shared, hello)?;
    let device = Device { user, instance: hello.instance, epoch: hello.epoch, bearer, out };
    let rings = shared.rings.lock().enter(device.clone(), Instant::now());
    let rings = rings.map_err(|why| door::no_room(shared, why))?;
    let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let liveness = Liveness { ping_ms: millis(PING_EVERY), silence_ms: millis(AWAY_AFTER) };
    Ok((device, Present { version, liveness, rings, ice_servers: shared.config.ice_servers.clone() }))
}

impl Link {
    async fn pump(&mut self, shared: &Arc<Shared>, mut outbox: mpsc::Receiver<ToDevice>) {
        let mut silent_at = Instant::now() + SILENT;
        loop {
            tokio::select! {
                out = outbox.recv() => match out {
                    Some(ToDevice::Say(message)) => {
                        if !self.say(&message).await {
                            return;
                        }
                    }
                    Some(ToDevice::End(error)) => {
                        let words = FromServer::Error(error);
                        return say_and_close(&mut self.socket, &words, close_code(&words)).await;
                    }
                    // A newer link of the device is there, or this one did not read.
                    None => return close(&mut self.socket, 1000).await,
                },
                frame = self.socket.next() => {
                    if !self.bucket.take() {
                        let error = Error::new(ErrorCode::RateLimited, "too many frames a second; slow down");
                        return say_and_close(&mut self.socket, &FromServer::Error(error), 1008).await;
                    }
                    silent_at = Instant::now() + SILENT;
                    match heard(frame) {
                        Ok(Some(frame)) => {
                            if let Flow::Over = self.take(shared, frame).await {
                                return;
                            }
                        }
                        Ok(None) => {}
                        Err(over) => return over.answer(&mut self.socket).await,
                    }
                }
                () = sleep_until(silent_at) => {
                    let error = Error::new(ErrorCode::TooSlow, "nothing was heard for too long; dial again");
                    return say_and_close(&mut self.socket, &FromServer::Error(error), 1001).await;
                }
            }
        }
    }

    async fn take(&mut self, shared: &Arc<Shared>, frame: Frame<FromClient>) -> Flow {
        match self.frames.receive(&frame) {
            Ok(Receipt::Deliver) => {}
            Ok(Receipt::Duplicate) => return Flow::On,
            Err(error) => return self.breaks_off(&error.to_string()).await,
        }
        let (device, now) = (&self.device, Instant::now());
        match frame.message {
            FromClient::Ring(order) => shared.rings.place(shared, device, order),
            FromClient::Accept(accept) => {
                let ice = &shared.config.ice_servers;
                let mut book = shared.rings.lock();
                book.accept(device, &accept.ring_id, accept.instance, &shared.signer, ice, now);
            }
            FromClient::Decline(decline) => {
                shared.rings.lock().decline(device, &decline.ring_id, &decline.reason, now);
            }
            FromClient::CancelRing(ring) => {
                let alone = shared.rings.lock().cancel(device, &ring.ring_id, &ring.reason, now);
                if let Some(alone) = alone {
                    shared.rings.send_away(shared, &alone);
                }
            }
            FromClient::RingState(ring) => shared.rings.lock().ask(device, &ring.ring_id, now),
            FromClient::Ping(ping) => return self.answer(&FromServer::Pong(ping)).await,
            FromClient::Pong(_) | FromClient::Unsupported(_) => {}
            FromClient::Goodbye(_) => {
                close(&mut self.socket, 1000).await;
                return Flow::Over;
            }
            FromClient::Other(unknown) => {
                if let Some(answer) = unknown.answer() {
                    return self.answer(&FromServer::Unsupported(answer)).await;
                }
            }
            FromClient::Join(_)
            | FromClient::Resume(_)
            | FromClient::Migrate(_)
            | FromClient::Presence(_)
            | FromClient::Get(_)
            | FromClient::GetOrCreate(_)
            | FromClient::Create(_)
            | FromClient::Watch(_)
            | FromClient::Direct(_)
            | FromClient::Steer(_)
            | FromClient::Conclude(_)
            | FromClient::Offer(_)
            | FromClient::Candidate(_)
            | FromClient::EndOfCandidates(_)
            | FromClient::Sending(_)
            | FromClient::Paused(_)
            | FromClient::Apply(_)
            | FromClient::ImageChunk(_)
            | FromClient::Message(_)
            | FromClient::Reaction(_)
            | FromClient::Say(_)
            | FromClient::Kick(_)
            | FromClient::MuteMember(_)
            | FromClient::EndForAll(_)
            | FromClient::KeepAlive(_)
            | FromClient::Telemetry(_)
            | FromClient::Credential(_) => {
                return self.breaks_off("this is a presence link; say it on the link of a session").await;
            }
        }
        Flow::On
    }

    async fn answer(&mut self, message: &FromServer) -> Flow {
        if self.say(message).await { Flow::On } else { Flow::Over }
    }

    async fn breaks_off(&mut self, why: &str) -> Flow {
        let error = FromServer::Error(Error::new(ErrorCode::ProtocolError, why));
        say_and_close(&mut self.socket, &error, 1002).await;
        Flow::Over
    }

    /// False if the socket takes nothing any more.
    async fn say(&mut self, message: &FromServer) -> bool {
        let text = match self.frames.frame(message) {
            Ok(text) => text,
            Err(error) => {
                // What came in within its limits goes out within them.
                tracing::error!(%error, "a word about a ring could not be written");
                return false;
            }
        };
        matches!(timeout(CLOSING * 10, self.socket.send(Message::Text(text.into()))).await, Ok(Ok(())))
    }
}
