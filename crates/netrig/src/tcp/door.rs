//! The listening port of a TCP relay, which can be closed and opened again without ever being lost to anybody else.
//! Everything takes effect before the call returns, so that a dial made afterwards sees it.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    runtime::Handle,
    sync::watch,
};

use crate::{RigError, relay::Line};

/// Connections that the system may hold for us.
const BACKLOG: u32 = 1024;

pub(super) struct Door {
    addr: SocketAddr,
    runtime: Handle,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    listener: Option<TcpListener>,
    /// Bound to the same port but never listening: the system refuses dials for it, yet gives the port to nobody.
    #[expect(dead_code, reason = "held for its port alone")]
    anchor: Option<TcpSocket>,
    /// The accepting task, when it waits.
    waiter: Option<Waker>,
    shut: bool,
}

/// How many resets and closes had been ordered when a connection was picked up: only later ones concern it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Birth {
    pub(super) resets: u64,
    pub(super) closes: u64,
}

impl Door {
    pub(super) fn open(ip: IpAddr, runtime: &Handle) -> io::Result<Self> {
        let first = bind(SocketAddr::new(ip, 0))?;
        let addr = first.local_addr()?;
        // Must be bound before anything listens: afterwards the system would refuse it. Systems that refuse it anyway
        // (all but Linux) do without, and risk the port while it is refused.
        let anchor = bind(addr).ok();
        let _entered = runtime.enter();
        let listener = first.listen(BACKLOG)?;
        let inner = Inner { listener: Some(listener), anchor, ..Inner::default() };
        Ok(Self { addr, runtime: runtime.clone(), inner: Mutex::new(inner) })
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Stops listening. Connections not yet picked up are reset by the system.
    pub(super) fn refuse(&self) {
        self.lock().listener = None;
    }

    /// Listens again, if it does not.
    pub(super) fn admit(&self) -> Result<(), RigError> {
        let mut inner = self.lock();
        if inner.shut {
            return Err(RigError::Closed { addr: self.addr });
        }
        if inner.listener.is_none() {
            let _entered = self.runtime.enter();
            let listener = bind(self.addr).and_then(|socket| socket.listen(BACKLOG));
            inner.listener = Some(listener.map_err(|source| RigError::Listen { addr: self.addr, source })?);
            inner.wake();
        }
        Ok(())
    }

    /// Gives the port back for good.
    pub(super) fn shut(&self) {
        *self.lock() = Inner { shut: true, ..Inner::default() };
    }

    /// Takes out the connections that wait to be picked up, after `order` has run. No connection is picked up between
    /// the two, so each one either is returned here or knows by its [`Birth`] on which side of the order it is.
    pub(super) fn drain(&self, order: impl FnOnce()) -> Vec<TcpStream> {
        let mut inner = self.lock();
        order();
        let Some(listener) = inner.listener.take() else { return Vec::new() };
        let _entered = self.runtime.enter();
        // Asks the system itself: tokio answers from what its driver has heard so far, which may be less.
        let Ok(listener) = listener.into_std() else { return Vec::new() };
        let mut waiting = Vec::new();
        for _ in 0..=BACKLOG {
            let Ok((stream, _)) = listener.accept() else { break };
            waiting.extend(stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream)));
        }
        // Fails only when the runtime is going down, and the relay with it; then nothing is left to accept.
        inner.listener = TcpListener::from_std(listener).ok();
        inner.wake();
        waiting
    }

    /// The next connection. Waits while refusing.
    pub(super) async fn accept(
        &self,
        line: &watch::Sender<Line>,
    ) -> io::Result<(TcpStream, SocketAddr, Birth)> {
        std::future::poll_fn(|cx| {
            let mut inner = self.lock();
            let birth = {
                let line = line.borrow();
                Birth { resets: line.resets, closes: line.closes }
            };
            let polled = match &inner.listener {
                Some(listener) => listener.poll_accept(cx),
                None => Poll::Pending,
            };
            if polled.is_pending() {
                // `drain` and `admit` replace the listener under us, so the reactor's own promise is not enough.
                inner.waiter = Some(cx.waker().clone());
            }
            polled.map_ok(|(stream, peer)| (stream, peer, birth))
        })
        .await
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn wake(&mut self) {
        if let Some(waiter) = self.waiter.take() {
            waiter.wake();
        }
    }
}

/// A socket bound to `addr` that shares it with sockets of ours that do not listen.
fn bind(addr: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // On Windows the option means that anybody may take the port over; there it is not needed for what we do.
    if cfg!(unix) {
        socket.set_reuseaddr(true)?;
    }
    socket.bind(addr)?;
    Ok(socket)
}
