//! A scripted transport: the far side is a hand you hold, time is virtual, faults are seeded.
//!
//! [`pair`] gives a [`MockTransport`] for the program under test and a [`Remote`] for the
//! test. The remote sees every dial as a [`MockDial`] and decides, report by report, what the
//! program is told. [`MockTransport::studio`] gives a far side that behaves by itself
//! instead: it lets everybody in, acks what it is asked, returns each published frame tagged
//! with the prompt in force ([`repainted_with`]), answers pings, and honours a resume window.
//! [`Faults`] make its network a bad one, the same for the same seed.
//!
//! Nothing is spawned and nothing waits in real time: all work is done in the polls of the
//! connection and in the calls of the remote, and delays are `tokio::time` delays, so that a
//! test with a paused clock runs an hour's outage in a millisecond.
//!
//! ```
//! use offhook_transport::{Event, Plane, Transport};
//! use offhook_transport_mock::{Faults, MockTransport, a_join};
//! use std::time::Duration;
//!
//! /// The application: what its screen says while the link lives or does not.
//! fn banner(event: &Event) -> Option<&'static str> {
//!     match event {
//!         Event::Carried(Plane::Media) => Some("live"),
//!         Event::PlaneLost(Plane::Media, _) => Some("your picture is frozen"),
//!         Event::PathAlive => Some("the network is back"),
//!         Event::Ended { .. } => Some("over"),
//!         _ => None,
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! // Three lines: a far side, a network that loses the media once, a link.
//! let (transport, remote) = MockTransport::studio(7);
//! remote.faults(Faults::seeded(7).loss(Plane::Media, Duration::from_secs(60)).at_most(1));
//! let mut link = transport.dial(a_join());
//!
//! let mut shown = Vec::new();
//! while let Some(event) = link.next().await {
//!     shown.extend(banner(&event));
//!     match event {
//!         Event::PlaneLost(Plane::Media, _) => remote.cut(),
//!         Event::PlaneLost(Plane::Signaling, _) => remote.restore(),
//!         Event::PathAlive => remote.kick("enough for today"),
//!         _ => {}
//!     }
//! }
//! assert_eq!(shown, ["live", "your picture is frozen", "the network is back", "over"]);
//! assert!(remote.now() > Duration::from_secs(30), "half a minute of virtual time at least");
//! assert_eq!(remote.open_connections(), 0);
//! # }
//! ```
#![forbid(unsafe_code)]

mod bell;
mod connection;
mod dial;
mod directory;
mod far;
mod faults;
mod link;
mod log;
mod machine;
mod measuring;
mod moderating;
mod relaying;
mod remote;
mod seed;
mod studio;
mod transport;
mod uploading;
mod world;

pub use dial::{DialSeen, MockDial};
pub use faults::Faults;
pub use log::{Published, Seen, What};
pub use remote::{Census, Remote};
pub use studio::{Studio, image_in, repainted_with};
pub use transport::{MockTransport, a_join, pair};
