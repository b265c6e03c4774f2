//! The port between the handles and whatever drives the machine. A host implements [`Link`];
//! what it shows is a [`Snapshot`], and only [`Machine`](crate::Machine) makes one.

use crate::{
    AcceptFailure, CallingState, Cause, ConnectionState, Decline, Ending, Epoch, Input, JoinErrorKind,
    JoinWish, Plan, Progress, Revision, State,
};
use std::sync::Arc;
use std::task::{Context, Poll};
use thiserror::Error;

/// The handle's way to the host that drives its machine.
///
/// `Unpin`, so that the futures of this crate need no unsafe code; an `Arc` of shared state is.
pub trait Link: Unpin {
    /// What `Session<Joined>::send` takes. The host's own type: it may carry contents and the
    /// way back for the answer.
    type Command;

    /// Wishes for something. A level, not a queue: it never blocks, never fails, and is heard
    /// even when the queue of commands is full.
    ///
    /// For [`Wish::Leave`] and [`Wish::Drop`] the media gate is closed, and every reader sees
    /// `Left`, before this returns (R4).
    fn want(&self, wish: Wish);

    /// Hands a command to the host's bounded queue, without waiting.
    ///
    /// # Errors
    /// [`Full`] gives the command back.
    fn send(&self, command: Self::Command) -> Result<(), Full<Self::Command>>;

    /// The newest snapshot.
    fn seen(&self) -> Arc<Snapshot>;

    /// Ready with the newest snapshot as soon as its [`serial`](Snapshot::serial) differs from
    /// `seen`; otherwise the task is woken when it may. Values in between may be skipped: all
    /// that must not be missed is in every later snapshot.
    ///
    /// A host that dies has fed `HostGone` to its machine first, so this never hangs.
    fn poll_seen(&mut self, cx: &mut Context<'_>, seen: u64) -> Poll<Arc<Snapshot>>;
}

/// What a handle wishes of its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wish {
    /// Join.
    Join(JoinWish),
    /// Ring the far side.
    Ring,
    /// Accept the ring.
    Accept,
    /// Decline the ring.
    Decline(Decline),
    /// Stop trying.
    Cancel,
    /// Leave.
    Leave,
    /// The handle was dropped.
    Drop,
}

impl Wish {
    /// The input that it is to the machine.
    pub const fn input(self) -> Input {
        match self {
            Self::Join(join) => Input::Join(join),
            Self::Ring => Input::Ring,
            Self::Accept => Input::Accept,
            Self::Decline(why) => Input::Decline(why),
            Self::Cancel => Input::Cancel,
            Self::Leave => Input::Leave,
            Self::Drop => Input::HandleDropped,
        }
    }
}

/// The host's queue of commands has no room; here is the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("too many commands wait to be sent; await the answer of one and send this again")]
pub struct Full<C>(pub C);

/// Everything a reader can know of a session at one moment. Immutable; fields are private, and
/// only [`Machine`](crate::Machine) builds one, so a phase cannot be forged from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    pub(crate) serial: u64,
    pub(crate) state: State,
    pub(crate) generating: bool,
    pub(crate) progress: Progress,
    pub(crate) network_up: bool,
    pub(crate) accepting: bool,
    pub(crate) epoch: Option<Epoch>,
    pub(crate) plan: Option<Plan>,
    pub(crate) desired: Revision,
    pub(crate) acked: Revision,
    pub(crate) joins: u32,
    pub(crate) failed_joins: u32,
    pub(crate) join_error: Option<JoinErrorKind>,
    pub(crate) failed_accepts: u32,
    pub(crate) accept_error: Option<AcceptFailure>,
    pub(crate) last_error: Option<Cause>,
    pub(crate) ending: Option<Ending>,
    pub(crate) released: bool,
}

impl Snapshot {
    /// Rises with every snapshot of this session.
    pub const fn serial(&self) -> u64 {
        self.serial
    }

    /// The machine's leaf.
    pub const fn state(&self) -> State {
        self.state
    }

    /// The ten-state projection.
    pub const fn calling(&self) -> CallingState {
        self.state.calling()
    }

    /// The five-state projection.
    pub const fn connection(&self) -> ConnectionState {
        self.state.connection(self.generating)
    }

    /// Exactly `Connected` or `Generating`.
    pub const fn is_connected(&self) -> bool {
        self.connection().is_connected()
    }

    /// How far the join is.
    pub const fn progress(&self) -> Progress {
        self.progress
    }

    /// Does the far side generate?
    pub const fn is_generating(&self) -> bool {
        self.generating
    }

    /// Is there a network, as far as anybody said?
    pub const fn is_network_up(&self) -> bool {
        self.network_up
    }

    /// Was the far side asked to confirm our accept, and has not answered yet?
    pub const fn is_accepting(&self) -> bool {
        self.accepting
    }

    /// The epoch of the link that last carried.
    pub const fn epoch(&self) -> Option<Epoch> {
        self.epoch
    }

    /// The plan of the dial under way.
    pub const fn plan(&self) -> Option<Plan> {
        self.plan
    }

    /// The revision of the desired state.
    pub const fn desired(&self) -> Revision {
        self.desired
    }

    /// The newest revision known to be in effect at the far side.
    pub const fn acked(&self) -> Revision {
        self.acked
    }

    /// How many joins succeeded: 0 or 1.
    pub const fn joins(&self) -> u32 {
        self.joins
    }

    /// How many joins failed and gave the session back.
    pub const fn failed_joins(&self) -> u32 {
        self.failed_joins
    }

    /// Why the last join failed.
    pub const fn join_error(&self) -> Option<JoinErrorKind> {
        self.join_error
    }

    /// How many accepts failed while the ring went on.
    pub const fn failed_accepts(&self) -> u32 {
        self.failed_accepts
    }

    /// Why the last accept failed.
    pub const fn accept_error(&self) -> Option<AcceptFailure> {
        self.accept_error
    }

    /// What went wrong last: the reason of an outage, or of `failed`.
    pub const fn last_error(&self) -> Option<Cause> {
        self.last_error
    }

    /// How it ended, once it has.
    pub const fn ending(&self) -> Option<Ending> {
        self.ending
    }

    /// Are tasks, sockets and tracks of this session gone?
    pub const fn is_released(&self) -> bool {
        self.released
    }
}
