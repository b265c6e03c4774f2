//! The pure session lifecycle: one machine, typestate handles over it, and the ports a host
//! implements. No I/O, no clock, no runtime. What drives it lives in the facade `offhook`; what
//! it dials with lives in `offhook-transport`.
//!
//! # Which one when
//! * [`Machine`]: feed it [`Input`]s and [`Time`], drain [`Output`]s, sleep until
//!   [`poll_timeout`](Machine::poll_timeout). It is the specification of a session's life.
//! * [`Session`]: the linear handle over a [`Link`]; what a phase does not allow does not compile.
//! * [`Snapshot`]: what any reader sees; [`Ledger`]: what the user last asked for.
//! * [`presence::Machine`]: the standing connection over which rings come and go.
//! * [`Policy`]: every number, with its unit and its why.
#![forbid(unsafe_code)]

mod core;
mod ids;
mod input;
mod intent;
mod link;
mod machine;
mod output;
mod phases;
mod policy;
pub mod presence;
mod reason;
mod run;
pub mod session;
mod state;
mod time;
#[cfg(any(test, feature = "walk"))]
pub mod walk;

pub use ids::{CommandId, CredentialRef, Epoch, Revision, RingRef, TargetRef, TrackRef};
pub use input::{
    Advice, Answer, CredentialWhy, Decline, Input, JoinWish, LinkFacts, MoveReason, ResumeRefusal, RingEnd,
    RingRefusal,
};
pub use intent::{Change, Entry, Image, Item, Ledger, MAX_ITEMS, MAX_PENDING, Prompt, SetError};
pub use link::{Full, Link, Snapshot, Wish};
pub use output::{
    AcceptFailure, Attempt, Cause, Dial, Event, Gate, Outcome, Output, Plan, RingVerb, Unanswered,
};
pub use phases::Phases;
pub use policy::{Policy, SuspendPolicy};
pub use reason::{
    BadTrack, Class, EndReason, Ending, Fault, JoinErrorKind, MediaLack, MediaWhy, Plane, Rejection,
    StateItem, Step, Who,
};
pub use run::{Config, Machine};
pub use session::{
    Back, Idle, Incoming, Joined, Joining, Leaving, Left, Outgoing, Phase, RingBack, Ringing, Session,
};
pub use state::{CallingState, ConnectionState, Direction, Progress, State};
pub use time::Time;
