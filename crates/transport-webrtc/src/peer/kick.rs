//! The runtime a peer's engine runs on: tokio's, with four things added from outside.
//!
//! 1. Its `sleep` also ends when the peer is *kicked*. The engine flushes what it has to
//!    send only when its timer fires, and neither a new remote candidate nor a selected pair
//!    makes it fire: without kicks a join wastes one or two check intervals.
//! 2. Its sockets pass outgoing media through the session's gate, so that nothing the engine
//!    still has in its queues leaves the machine once the gate is shut.
//! 3. Its sockets pace connectivity checks and can say the last one again, see `checks`.
//! 4. It tells when the engine's driver ended by itself, also by a panic, and when the
//!    engine refuses the far side's DTLS handshake, which shows in no state of the engine.

use super::checks::Checks;
use super::gates::Gates;
use futures_util::FutureExt;
use std::fmt;
use std::future::Future;
use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::Notify;
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, RecvMeta, Runtime,
    TokioRuntime, Transmit,
};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One per peer: a permit that ends the driver's next, or present, sleep.
#[derive(Debug, Default)]
pub(super) struct Kick {
    wake: Notify,
    /// Once closing, sleeps are plain again: the engine bounds its farewell by one.
    closing: AtomicBool,
    ended: Notify,
    refused: Notify,
    /// The checks that pass this peer's sockets.
    pub(super) checks: Checks,
}

impl Kick {
    /// Makes the driver look at its timers now.
    pub(super) fn kick(&self) {
        self.wake.notify_one();
    }

    pub(super) fn begin_close(&self) {
        self.closing.store(true, Ordering::Release);
    }

    /// Ready when our side refused the far side's handshake.
    pub(super) async fn handshake_refused(&self) {
        self.refused.notified().await;
    }

    /// Ready when the driver ended.
    pub(super) async fn driver_ended(&self) {
        self.ended.notified().await;
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct KickRuntime {
    tokio: TokioRuntime,
    kick: Arc<Kick>,
    gates: Gates,
    driver_spawned: AtomicBool,
}

impl KickRuntime {
    pub(super) fn new(kick: Arc<Kick>, gates: Gates) -> Self {
        Self { tokio: TokioRuntime, kick, gates, driver_spawned: AtomicBool::new(false) }
    }
}

impl Runtime for KickRuntime {
    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) -> Box<dyn JoinHandle> {
        // The engine's first task is its driver; the others are helpers of no consequence.
        if self.driver_spawned.swap(true, Ordering::AcqRel) {
            return self.tokio.spawn(future);
        }
        let kick = self.kick.clone();
        self.tokio.spawn(Box::pin(async move {
            if AssertUnwindSafe(future).catch_unwind().await.is_err() {
                tracing::error!("the peer connection's driver panicked");
            }
            kick.ended.notify_one();
        }))
    }

    fn wrap_udp_socket(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let inner = self.tokio.wrap_udp_socket(socket)?;
        Ok(Arc::new(GatedSocket { inner, gates: self.gates.clone(), kick: self.kick.clone() }))
    }

    fn wrap_tcp_listener(&self, listener: std::net::TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        self.tokio.wrap_tcp_listener(listener)
    }

    fn connect_tcp<'a>(&'a self, remote: SocketAddr) -> Boxed<'a, io::Result<Arc<dyn AsyncTcpStream>>> {
        self.tokio.connect_tcp(remote)
    }

    fn resolve_host<'a>(&'a self, host: &'a str) -> Boxed<'a, io::Result<Vec<SocketAddr>>> {
        self.tokio.resolve_host(host)
    }

    fn sleep(&self, duration: Duration) -> Boxed<'static, ()> {
        if self.kick.closing.load(Ordering::Acquire) {
            return self.tokio.sleep(duration);
        }
        let kick = self.kick.clone();
        Box::pin(async move {
            tokio::select! {
                () = tokio::time::sleep(duration) => {}
                () = kick.wake.notified() => {}
            }
        })
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        self.tokio.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        self.tokio.block_on(future);
    }

    fn yield_now(&self) -> Boxed<'static, ()> {
        self.tokio.yield_now()
    }

    fn name(&self) -> &'static str {
        "tokio, kicked"
    }
}

/// A socket whose outgoing media passes the gate.
struct GatedSocket {
    inner: Arc<dyn AsyncUdpSocket>,
    gates: Gates,
    kick: Arc<Kick>,
}

impl fmt::Debug for GatedSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GatedSocket")
    }
}

impl AsyncUdpSocket for GatedSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        if !holds_media(transmit.contents, transmit.segment_size) {
            if !self.kick.checks.may_send(transmit, &self.inner) {
                return Poll::Ready(Ok(transmit.contents.len()));
            }
            if is_refusal(transmit.contents) {
                self.kick.refused.notify_one();
            }
            return self.inner.poll_send(cx, transmit);
        }
        // A held packet is told as sent: media is not kept for later.
        self.gates
            .pass(|| self.inner.poll_send(cx, transmit))
            .unwrap_or(Poll::Ready(Ok(transmit.contents.len())))
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let came = ready!(self.inner.poll_recv(cx, bufs, meta))?;
        for (contents, meta) in bufs.iter().zip(meta.iter()).take(came) {
            self.kick.checks.came(contents.get(..meta.len).unwrap_or_default(), meta.addr);
        }
        Poll::Ready(Ok(came))
    }

    fn max_gso_segments(&self) -> usize {
        self.inner.max_gso_segments()
    }

    fn max_gro_segments(&self) -> usize {
        self.inner.max_gro_segments()
    }
}

/// Is any of these datagrams RTP, plain or in TURN channel data?
fn holds_media(contents: &[u8], segment: Option<usize>) -> bool {
    let segment = segment.filter(|size| *size > 0).unwrap_or(contents.len().max(1));
    contents.chunks(segment).any(|datagram| match datagram {
        [64..=79, _, _, _, inner @ ..] => is_rtp(inner),
        _ => is_rtp(datagram),
    })
}

/// RFC 7983 §7 tells RTP and RTCP from the rest by the first byte, RFC 5761 §4 RTP from RTCP
/// by the second.
fn is_rtp(datagram: &[u8]) -> bool {
    matches!(datagram, [128..=191, second, ..] if !(192..=223).contains(second))
}

/// A fatal alert in clear, so before the handshake was done (RFC 6347 §4.1, RFC 5246 §7.2).
/// Only our own are looked at: anybody could send us one.
fn is_refusal(datagram: &[u8]) -> bool {
    matches!(datagram, [21, 254, _, 0, 0, _, _, _, _, _, _, 0, 2, 2, ..])
}

#[cfg(test)]
mod tests;
