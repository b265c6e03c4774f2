//! Keeps a real-time WebRTC session on the line: it dials, joins, recovers, migrates, leaves,
//! and never lies about which of these it is doing.
//!
//! ```
//! # #[cfg(all(feature = "mock", feature = "h264"))]
//! # mod run {
//! use futures_util::StreamExt;
//! use offhook::{Client, Clip, Join};
//!
//! # fn show(_: offhook::Picture) {}
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # pub async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (transport, _remote) = offhook::mock::MockTransport::studio(7);
//! # let token = "a token";
//! # #[cfg(any())]
//! let transport = WebRtc::new("wss://media.example/session");
//! let client = Client::new(transport).credential(token);
//! let idle = client.session("studio", "7");                       // Session<Idle>: no I/O yet
//!
//! # #[cfg(any())]
//! let clip = Clip::open("me.h264")?;
//! # let clip = Clip::sample();
//! let joining = idle.join(Join::new().model("studio").prompt("sepia").publish(clip));
//! tokio::spawn(joining.progress().for_each(|step| async move { println!("{step}") }));
//! let session = joining.await?;                                    // Session<Joined>
//! session.set_prompt("posterize").await?;                          // applied by the far side, or why not
//!
//! # #[cfg(any())]
//! let mut video = session.remote_video().await?.decoded().take(250);
//! # let mut video = session.remote_video().await?.decoded().take(0);
//! while let Some(frame) = video.next().await { show(frame); }      // goes on over every recovery
//!
//! let left = session.leave().await;                                // without .await it is a hang-up
//! println!("{} after {:?}", left.reason(), left.summary().duration);
//! // left.set_prompt("too late");                                  // does not compile
//! # Ok(())
//! # }
//! # }
//! # #[cfg(all(feature = "mock", feature = "h264"))]
//! # fn main() { run::main().unwrap() }
//! ```
//!
//! # Which transport
//!
//! | transport | feature | for |
//! |---|---|---|
//! | `WebRtc` | `webrtc` (default) | the native protocol: the reference server, or a far side that speaks it |
//! | `mock::MockTransport` | `mock` | tests of your application: a scripted far side, seeded faults, virtual time |
//! | anything `impl Transport` | | a far side of your own; `offhook-transport` has the traits and the suite to pass |
//!
//! # Which handle
//!
//! * [`Client`]: one user on one transport; makes sessions.
//! * [`Session`]: the linear handle. What its phase does not allow does not compile.
//! * [`IncomingRings`], [`Ring`]: those who ring, and whom to ring.
//! * [`Joining`], [`Leaving`], [`Setting`], [`Sending`]: what was begun; awaiting only waits.
//! * [`Controls`]: weak and cloneable; looks, leaves, reports the network and suspends.
//! * [`AnySession`]: whatever phase, as one value.
//!
//! # What is promised
//!
//! * `leave` works from every state, at once: when it returns nothing of the user's is read or
//!   sent any more. `released().await` says when everything is gone.
//! * What was asked for last (prompt, image, mute) is what a recovered session has.
//! * Exactly one [`Event::Ended`], always the last; an error that caused it comes just before.
//! * Every queue is bounded: a slow listener is told what it missed, a flood is refused.
//! * Dropping any handle or future, anywhere, leaks nothing and hangs nobody.
//!
//! # What is not there yet
//!
//! A suspend that nobody announces is seen on Linux only; elsewhere say it with
//! [`Controls::woken`]. A network that is gone, back or another one is seen everywhere, at once
//! on Linux and within a second elsewhere.
#![forbid(unsafe_code)]

mod any;
mod broadcast;
mod change;
mod client;
mod clock;
mod command;
mod contents;
mod controls;
mod credential;
mod desk;
mod error;
mod event;
mod events;
mod host;
mod incoming;
mod join;
mod joining;
mod level;
mod link;
mod muting;
mod quality;
mod remote;
mod ring;
mod session;
mod shared;
mod sources;
mod telemetry;
mod token;
mod track;
mod translate;
mod video;
mod view;

pub use any::AnySession;
pub use change::{Change, Unfit};
pub use client::{Client, SessionBuilder};
pub use controls::{Controls, Network};
pub use credential::{CredentialRequest, ProviderError, Purpose};
pub use error::{
    BadName, BuildError, JoinError, ModerateError, PlayError, PresenceError, PublishError, SendError,
    SetError, TrackError,
};
pub use event::{ChangeOutcome, Ended, ErrorReport, Event};
pub use events::{Events, ProgressStream, StateSeen, States, Watch};
pub use incoming::IncomingRings;
pub use join::{Join, LeftOut};
pub use joining::{Back, Joining};
pub use quality::{Grade, Limit, Quality};
pub use remote::RemoteWatch;
pub use ring::{Caller, Ring};
pub use session::{
    AcceptError, Accepting, Answering, EndedFuture, Leaving, Moderating, RingBack, RingError, Sending,
    Session, Setting, Summary,
};
pub use token::{BadToken, ResumeToken};
pub use track::{RemoteTrack, TrackInfo};
pub use video::RemoteVideo;
pub use view::{Loading, View};

pub use offhook_lifecycle::presence::State as PresenceState;
pub use offhook_lifecycle::{
    AcceptFailure, Attempt, BadTrack, CallingState, Cause, Class, ConnectionState, Decline, Direction,
    EndReason, Ending, Epoch, Fault, Idle, Incoming, JoinErrorKind, Joined, Left, MediaLack, MediaWhy,
    MoveReason, Outgoing, Phase, Phases, Plan, Plane, Policy, Progress, Rejection, Revision, RingRef,
    RingRefusal, Ringing, StateItem, Step, SuspendPolicy, Unanswered, Who,
};
pub use offhook_media as media;
#[cfg(feature = "h264")]
pub use offhook_media::Decoded as Picture;
#[cfg(feature = "window")]
pub use offhook_media::Window;
#[cfg(feature = "camera")]
pub use offhook_media::{Camera, CameraOptions};
pub use offhook_media::{
    Clip, DeviceError, Lack, Lacking, Mirror, Mirrored, MirroredExt, Opened, PassedOver, Pattern, Preferred,
    Publication, Source, SourceTrack,
};
#[cfg(feature = "audio")]
pub use offhook_media::{Microphone, Speaker};
pub use offhook_media::{Played, Playing, Sound, SoundError};
pub use offhook_transport as transport;
pub use offhook_transport::media::{EncodedFrame, Kind, LimitedBy, TrackId, VideoWanted, VideoWish};
pub use offhook_transport::{
    Attendee, Capabilities, Capability, DirectoryError, Invited, InvitedAs, Member, Mood, Profile,
    SessionInfo, SessionNews, Settings, Stats, Transport, Untaken, UntakenTrack,
};

/// The scripted transport: the far side is a hand that a test holds.
#[cfg(feature = "mock")]
pub use offhook_transport_mock as mock;

/// The real transport.
#[cfg(feature = "webrtc")]
pub use offhook_transport_webrtc::native::WebRtc;

/// What goes with [`WebRtc`]: ICE servers, the hook that leads media through a test rig, and a
/// director's seat for an application's backend.
#[cfg(feature = "webrtc")]
pub mod webrtc {
    pub use offhook_transport_webrtc::native::{Director, DirectorNews, WebRtc};
    pub use offhook_transport_webrtc::peer::{IceServer, UdpMap};
}

/// The README's example compiles.
#[cfg(all(doctest, feature = "webrtc", feature = "h264"))]
#[doc = include_str!("../../../README.md")]
struct Readme;
