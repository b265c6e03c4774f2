//! The native signaling protocol: wire messages, codec, reliability and limits. Pure: no socket, no
//! clock, no runtime. `docs/protocol.md`, generated from here, is the same thing in prose; the
//! sockets are in `offhook-transport-webrtc` (client) and `offhook-server`.
//!
//! | you want to | start at |
//! |---|---|
//! | read a frame | [`decode_from_server`], [`decode_from_client`] |
//! | write a frame | [`encode`], or [`Reliability::frame`] for numbered messages |
//! | survive a lost socket | [`Reliability`] |
//! | agree on a version | [`Versions::negotiate`] |
//! | judge what the far side sent before using it | [`sdp`], [`address`] |
//!
//! ```
//! use offhook_signaling::{FromClient, FromServer, Ping, decode_from_client, encode};
//!
//! let text = encode(None, 7, &FromServer::Ping(Ping { id: 1 })).unwrap();
//! assert_eq!(text, r#"{"type":"ping","ack":7,"id":1}"#);
//! let frame = decode_from_client(br#"{"type":"pong","ack":3,"id":1,"from_the_future":true}"#).unwrap();
//! assert_eq!(frame.message, FromClient::Pong(Ping { id: 1 }));
//! assert_eq!(frame.unknown.count(), 1);
//! ```
#![forbid(unsafe_code)]
// Everything here reads what somebody else wrote: nothing may be able to panic (R19, G7).
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod address;
mod client;
mod codec;
mod codes;
mod directory;
pub mod docs;
mod early;
pub mod examples;
pub mod limits;
mod message;
mod moderation;
mod parts;
mod reliable;
pub mod sdp;
mod server;
mod telemetry;
mod text;
mod version;
mod video;

pub use client::*;
pub use codec::{
    DecodeError, EncodeError, FieldFault, Frame, Unknowns, decode, decode_from_client, decode_from_server,
    encode,
};
pub use codes::*;
pub use directory::*;
pub use early::{EARLY_BYTES, EARLY_HEADER, EARLY_TAKEN, early};
pub use message::{Message, UnknownMessage};
pub use moderation::*;
pub use parts::*;
pub use reliable::{Receipt, Reliability, ReliabilityError, ReplayLost};
pub use server::*;
pub use telemetry::*;
pub use text::{Instance, NotAnInstance, Sdp, Secret};
pub use version::{EmptyRange, NoCommonVersion, VERSION, Versions};
pub use video::VideoWish;
