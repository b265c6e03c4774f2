//! A seeded bad network for tests: relays for TCP and UDP on loopback, and hosts in network namespaces.
//!
//! Real-time software is easy on a good network and is judged on a bad one. This crate is the bad one: put a relay
//! between two real programs, and make the line slow, lossy, narrow, or dead, by calls from the test. It needs no
//! privileges, no kernel modules and no network, so it runs wherever the tests run.
//!
//! ```
//! use offhook_netrig::{Conditions, Direction, Rig};
//! use std::time::Duration;
//! use tokio::{io::{AsyncReadExt, AsyncWriteExt}, net::{TcpListener, TcpStream}};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = TcpListener::bind("127.0.0.1:0").await?;
//!
//! let rig = Rig::new(7);                                  // everything random follows from this seed
//! let relay = rig.tcp(server.local_addr()?).await?;       // clients dial relay.addr() instead of the server
//! relay.set(Direction::Both, Conditions::clear().delay(Duration::from_millis(25)));
//!
//! let mut client = TcpStream::connect(relay.addr()).await?;
//! let (mut accepted, _) = server.accept().await?;
//! client.write_all(b"hello").await?;
//! let mut text = [0; 5];
//! accepted.read_exact(&mut text).await?;                  // 25 ms later
//!
//! rig.cut();                                              // open connections reset, new ones refused, datagrams dropped
//! assert!(client.read(&mut text).await.is_err());
//! assert!(TcpStream::connect(relay.addr()).await.is_err());
//!
//! rig.restore()?;                                         // the same address works again
//! let _client = TcpStream::connect(relay.addr()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Which call for which trouble
//!
//! | what happens to the user | call |
//! |---|---|
//! | a slow, shaky or narrow line | [`Control::set`] with [`Conditions`] (delay, jitter, loss, duplicates, reordering, rate, queue), per direction |
//! | the server dies, the line is unplugged | [`Rig::cut`], or [`Control::cut`] for one relay |
//! | a middlebox kills the connection | [`TcpControl::reset`] (RST), [`TcpControl::close`] (FIN) |
//! | the server is being restarted | [`TcpControl::refuse`] |
//! | the Wi-Fi is gone and nobody says so | [`Rig::black_hole`], [`Control::black_hole`] |
//! | only one way works | the same with [`Direction::Up`] or [`Direction::Down`] |
//! | media dead, signaling alive | [`Rig::drop_udp`] |
//! | a NAT forgets its mapping | [`UdpControl::rebind`], [`Rig::rebind_udp`] |
//! | one trouble after another | [`Schedule`], by hand or from a seed |
//! | and then it is over | [`Rig::restore`], [`Control::restore`] |
//!
//! [`Control::stats`] says what has happened, [`Control::wait_for`] waits until it has, so that a test never sleeps to
//! win a race. Settings take effect on what the relay reads or hands on after the call; refusal, reset and close reach
//! every connection dialled before the call and none dialled after it.
//!
//! # What a relay does to TCP
//!
//! A relay is two TCP connections and a queue between them, so it cannot drop a segment of either; it does what the
//! loss of one looks like from above. A *lost* segment, and with it everything behind, comes late by a retransmission
//! ([`Conditions::retransmission`]). A *black hole* stalls: what is sent into it arrives after the restore. A dial
//! succeeds at once, for the client's system shakes hands with the relay; the round trip that a handshake would take is
//! added before the first byte passes, and an upstream that is not there shows as a reset. Half-closes, closes and
//! resets by either end pass through, after the bytes before them.
//!
//! # WebRTC through a relay
//!
//! Media finds its own way, by the addresses in ICE candidates. To lead it through the rig, make a UDP relay for each
//! candidate of the server that passes by ([`Rig::udp`] with the candidate's address; relays are cheap) and hand the
//! client [`Control::addr`] in its place; withhold the client's own candidates from the server. Then:
//!
//! - to the client the server *is* at the relay's address: its checks go there, and answers come from there;
//! - to the server the client is a peer-reflexive candidate at [`Flow::seen_as`], a socket of the relay for this client
//!   alone, and what the server sends there reaches the client;
//! - [`UdpControl::rebind`] moves that socket to another port, as a NAT does.
//!
//! # Seeds
//!
//! [`fate`] is a pure function: the n-th packet of a flow in one direction always has the same fate under the same
//! seed and conditions, whatever the machine and its mood, and [`Control::key`] tells a test beforehand what it will
//! be. For UDP the n-th packet is the n-th datagram. For TCP it is the n-th read of at most 1,460 bytes, which is the
//! same from run to run for messages that wait for each other, and only nearly so for a stream under full load.
//!
//! # Limits
//!
//! Time is real: tokio's timer has a grain of one millisecond, and delays are never shorter than asked but may be
//! longer on a busy machine. Do not use the rig under tokio's paused clock, which runs ahead of real sockets. All
//! queues are bounded, as is the number of flows ([`RigBuilder::max_flows`]). One task carries all datagrams of a UDP
//! relay, and one task each TCP connection.
//!
//! # Real hosts
//!
//! With the feature `namespaces`, as root on Linux, there are also hosts with networks of their own: links that go down,
//! a laptop that switches from one network to the next. See the module `namespaces`.
#![forbid(unsafe_code)]

mod conditions;
mod error;
mod fate;
mod lane;
#[cfg(all(feature = "namespaces", target_os = "linux"))]
pub mod namespaces;
mod relay;
mod rig;
mod schedule;
mod stats;
mod tcp;
#[cfg(test)]
mod testing;
mod udp;

pub use conditions::{Conditions, Direction, Way, Ways};
pub use error::RigError;
pub use fate::{Fate, FlowKey, fate};
pub use relay::{Control, Flow, Protocol, Relay};
pub use rig::{Rig, RigBuilder};
pub use schedule::{Applied, Change, Fault, Kind, Profile, Schedule, Step};
pub use stats::{Stats, Tally};
pub use tcp::{Tcp, TcpControl, TcpRelay};
pub use udp::{Udp, UdpControl, UdpRelay};

/// The pages for readers, run as tests.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../README.md")]
    mod readme {}
    #[doc = include_str!("../GUIDE.md")]
    mod guide {}
}
