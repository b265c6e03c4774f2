//! Hosts, networks and NATs of a test's own: network namespaces joined by a network in this process. Linux, root.
//!
//! A relay stands between two programs on one machine, and neither program sees its own network change. Here they do:
//! a [`Host`] is a network namespace with interfaces, addresses and routes of its own. Links go down and up, a laptop
//! moves from one network to the next, a NAT forgets, and between them lies a line with [`Conditions`](crate::Conditions).
//! The kernel's own delay (`tc netem`) is not used: packets pass through this process, by TAP devices.
//!
//! ```no_run
//! use offhook_netrig::{Conditions, Direction, namespaces::{Access, Lab}};
//! use std::time::Duration;
//! use tokio::net::UdpSocket;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let lab = match Lab::new(7) {
//!     Ok(lab) => lab,
//!     Err(unavailable) => {
//!         eprintln!("skipped: {unavailable}");
//!         return Ok(());
//!     }
//! };
//! let (centre, wifi, mobile) =
//!     (lab.network(Access::Open)?, lab.network(Access::Nat)?, lab.network(Access::Nat)?);
//! wifi.set(Direction::Both, Conditions::clear().delay(Duration::from_millis(25)).loss(0.02));
//!
//! let (server, laptop) = (lab.host("server")?, lab.host("laptop")?);
//! let eth = server.plug(&centre)?;
//! let wlan = laptop.plug(&wifi)?;
//!
//! let at = (eth.address(), 9_000);
//! let echo = server.run(async move || {
//!     let socket = UdpSocket::bind(at).await?;
//!     let mut text = [0; 64];
//!     loop {
//!         let (len, from) = socket.recv_from(&mut text).await?;
//!         socket.send_to(&text[..len], from).await?;
//!     }
//!     #[allow(unreachable_code)]
//!     std::io::Result::Ok(())
//! })?;
//! let call = laptop.run(async move || {
//!     let socket = UdpSocket::bind("0.0.0.0:0").await?;
//!     socket.send_to(b"over the Wi-Fi", at).await?;      // 2 % of these are lost: try again in a real test
//!     socket.recv_from(&mut [0; 64]).await
//! })?;
//! call.await??;
//!
//! let _modem = laptop.plug(&mobile)?;                    // the laptop switches networks
//! wlan.unplug()?;
//! # drop(echo);
//! # Ok(())
//! # }
//! ```
//!
//! # What it touches
//!
//! Nothing outside the namespaces that it makes: no interface, address, route or file of the machine. The namespaces
//! have no names; they are held by threads and devices of this process alone, so that they vanish with it however it
//! ends. Everything else is removed by dropping it, also when a test panics.
//!
//! # Limits
//!
//! IPv4 only. A NAT translates TCP and UDP, whole packets only, and its mappings last until [`Network::rebind`].
//! The router sends no ICMP: what cannot be delivered is dropped and counted. Needs the command `ip` (iproute2).

mod driver;
mod fabric;
mod host;
mod lab;
mod nat;
mod packet;
#[cfg(test)]
mod testing;

use std::io;

pub use host::{Host, Running};
pub use lab::{Access, Interface, Lab, Network};

/// Why there can be no lab on this machine. Each text ends with the next step; print it and skip the test.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unavailable {
    /// The system gives this process no network namespace.
    #[error(
        "no network namespace ({source}); run as root, in a container with the capabilities NET_ADMIN and SYS_ADMIN"
    )]
    NotPermitted {
        /// The system's answer.
        source: io::Error,
    },
    /// The command `ip` cannot be run.
    #[error("the command `ip` cannot be run ({source}); install iproute2")]
    NoIp {
        /// The system's answer.
        source: io::Error,
    },
    /// There are no TAP devices.
    #[error("no TAP device ({source}); load the module `tun`, or give the container /dev/net/tun")]
    NoTap {
        /// The system's answer.
        source: io::Error,
    },
    /// The system refuses something that any process may have.
    #[error("the system refuses a thread or a runtime ({source}); free some of its resources")]
    System {
        /// The system's answer.
        source: io::Error,
    },
}

/// What can go wrong in a lab once it stands. Each text ends with the next step.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// The command `ip` did not do as it was told.
    #[error("`ip {order}` on {host}: {said}; look at the host's state with `Host::ip_addr`")]
    Refused {
        /// Its arguments.
        order: String,
        /// The host.
        host: String,
        /// Its words.
        said: String,
    },
    /// A program could not be started.
    #[error("`{program}` cannot be run: {source}; install it, or give its whole path")]
    Program {
        /// The program.
        program: String,
        /// The system's answer.
        source: io::Error,
    },
    /// The system gives no interface.
    #[error("no TAP device: {source}; drop interfaces that are no longer needed")]
    Device {
        /// The system's answer.
        source: io::Error,
    },
    /// The system gives no thread or runtime.
    #[error("no thread for a future: {source}; let others end first")]
    Thread {
        /// The system's answer.
        source: io::Error,
    },
    /// Numbers are out.
    #[error("all {most} {what} are in use or used up; make a new lab")]
    Full {
        /// Of what.
        what: &'static str,
        /// How many there are.
        most: usize,
    },
    /// The host has been dropped, or what ran on it was cancelled.
    #[error("the host {host} is gone; keep it for as long as anything runs on it")]
    HostGone {
        /// Its name.
        host: String,
    },
}
