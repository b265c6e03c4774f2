//! The TCP relay: its task that accepts, and the faults that only TCP has. The listening port is in `door`, one
//! connection in `pipe`.

mod door;
mod half;
mod pipe;
#[cfg(test)]
mod tests;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{net::TcpStream, runtime::Handle, task::JoinSet};

use crate::{
    Control, Relay, RigError, Ways,
    lane::Link,
    relay::{Plan, Protocol, Shared, sealed::Sealed},
};

use door::{Birth, Door};

/// A relay for TCP connections.
pub type TcpRelay = Relay<Tcp>;

/// A handle to a TCP relay.
pub type TcpControl = Control<Tcp>;

/// Marks relays and controls for TCP.
pub struct Tcp {
    door: Door,
    links: Mutex<Ways<Link>>,
}

impl Tcp {
    pub(crate) fn refuse(&self) {
        self.door.refuse();
    }

    fn links(&self) -> MutexGuard<'_, Ways<Link>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sealed for Tcp {}

impl Protocol for Tcp {
    const NAME: &'static str = "tcp";

    fn restore(&self) -> Result<(), RigError> {
        self.door.admit()
    }

    fn close(&self) {
        self.door.shut();
    }
}

impl TcpControl {
    /// Resets every open connection: both ends read a reset (RST), and what was in the relay is lost. Connections
    /// that a client believes open but that the relay had not picked up are included; those dialled after this
    /// returns are not.
    pub fn reset(&self) {
        let waiting =
            self.shared.protocol.door.drain(|| self.shared.line.send_modify(|line| line.resets += 1));
        for stream in waiting {
            abort(&stream);
        }
    }

    /// Closes every open connection politely: both ends read the end of the stream (FIN), and what was in the relay
    /// is lost. Connections dialled after this returns are not touched.
    pub fn close(&self) {
        // Those not yet picked up are closed by being dropped here.
        drop(self.shared.protocol.door.drain(|| self.shared.line.send_modify(|line| line.closes += 1)));
    }

    /// From the moment that `refuse(true)` returns, the system refuses new connections to the relay's address; open
    /// ones go on. Where the system allows it (Linux), the port stays reserved meanwhile, so that nothing else on the
    /// machine can take it. `refuse(false)` listens again on the same port.
    ///
    /// # Errors
    /// Only `refuse(false)` fails: [`RigError::Listen`] if the port cannot be taken back, [`RigError::Closed`] if the
    /// relay is gone.
    pub fn refuse(&self, refuse: bool) -> Result<(), RigError> {
        if refuse {
            self.shared.protocol.door.refuse();
            Ok(())
        } else {
            self.shared.protocol.door.admit()
        }
    }

    /// Cuts the line as a crashed server looks like: new connections are refused, open ones reset. For a line that is
    /// silently dead see [`Control::black_hole`]. [`Control::restore`] ends it.
    pub fn cut(&self) {
        self.shared.protocol.door.refuse();
        self.reset();
    }
}

/// Makes a TCP relay and starts its task. `refusing` makes it with its door closed.
pub(crate) fn start(
    plan: Plan,
    bind: IpAddr,
    refusing: bool,
    runtime: &Handle,
) -> Result<(TcpRelay, Arc<Shared<Tcp>>), RigError> {
    let door = Door::open(bind, runtime).map_err(|source| RigError::Bind { ip: bind, source })?;
    if refusing {
        door.refuse();
    }
    let addr = door.addr();
    let shared = Shared::new(plan, addr, Tcp { door, links: Mutex::default() });
    let task = runtime.spawn(accept(Arc::clone(&shared)));
    Ok((Relay::new(Arc::clone(&shared), task), shared))
}

/// Accepts until the relay is closed; the pipes live and die with this task.
async fn accept(shared: Arc<Shared<Tcp>>) {
    let mut pipes = JoinSet::new();
    let mut number = 0;
    loop {
        tokio::select! {
            biased;
            () = shared.closed() => break,
            Some(_) = pipes.join_next(), if !pipes.is_empty() => {}
            accepted = shared.protocol.door.accept(&shared.line) => match accepted {
                Ok((stream, peer, birth)) => {
                    if pipes.len() >= shared.max_flows {
                        shared.count(|stats| stats.turned_away += 1);
                        abort(&stream);
                    } else {
                        pipes.spawn(pipe::run(Arc::clone(&shared), stream, peer, birth, number));
                        number += 1;
                    }
                }
                // A connection gone before it was accepted, or no descriptors left: neither may become a hot loop.
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            },
        }
    }
    pipes.shutdown().await;
}

/// Makes the coming drop of this stream a reset. If the system refuses, the drop is a close, which is all we can do.
fn abort(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}

/// Dials the upstream.
async fn dial(upstream: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(upstream).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The bytes of one segment's content: Ethernet's 1,500 without the headers of IP and TCP.
const SEGMENT: usize = 1_460;
/// The headers that the rate and the queue count for each segment.
const HEADERS: usize = 40;

/// What travels through a TCP lane.
enum Segment {
    Data(Vec<u8>),
    /// The end of the stream.
    Fin,
    /// The connection broke at its source.
    Rst,
}

/// How a half of a connection, or the whole, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The stream was carried to its end.
    Finished,
    /// The source broke, or the rig was told to reset.
    Reset,
    /// The destination broke: nothing can be handed on any more.
    Broken,
    /// The rig was told to close.
    Closed,
    /// The upstream could not be dialled.
    Unreachable,
}
