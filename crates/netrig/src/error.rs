//! What can go wrong when a relay is made or re-opened. Faults of the relayed traffic are not errors: they are counted in `Stats`.

use std::{io, net::SocketAddr};

/// Why a relay could not be made, changed or waited for. Each text ends with the next step.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RigError {
    /// There is no tokio runtime on this thread, so nothing could be spawned.
    #[error("no tokio runtime here; make relays inside one, with its I/O and time drivers enabled")]
    NoRuntime,
    /// The relay's own address could not be bound.
    #[error(
        "cannot bind a relay to {ip}: {source}; choose an address of this machine with `RigBuilder::bind`"
    )]
    Bind {
        /// The address asked for; the port is always chosen by the system.
        ip: std::net::IpAddr,
        /// The system's answer.
        source: io::Error,
    },
    /// The port of a refusing TCP relay could not be listened on again.
    #[error("cannot listen on {addr} again: {source}; make a new relay and hand out its address")]
    Listen {
        /// The relay's address.
        addr: SocketAddr,
        /// The system's answer.
        source: io::Error,
    },
    /// The relay behind this control was dropped or shut down.
    #[error("the relay at {addr} is gone; keep the relay alive for as long as its control is used")]
    Closed {
        /// The address that the relay had.
        addr: SocketAddr,
    },
}
