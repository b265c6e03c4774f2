//! A session in whatever phase, as one value: for struct fields and user interfaces.

use crate::controls::Controls;
use crate::joining::Joining;
use crate::session::{Leaving, Session};
use crate::view::View;
use offhook_lifecycle::{CallingState, Idle, Incoming, Joined, Left, Outgoing, Ringing};

/// A session in one of its phases. Exhaustive: a phase that is added breaks the builds that
/// match on all of them.
///
/// # Drop
/// As the phase in it.
#[derive(Debug)]
pub enum AnySession {
    /// Not joined.
    Idle(Session<Idle>),
    /// Somebody rings.
    Incoming(Session<Ringing<Incoming>>),
    /// We ring somebody.
    Outgoing(Session<Ringing<Outgoing>>),
    /// Joined.
    Joined(Session<Joined>),
    /// Over.
    Left(Session<Left>),
}

impl AnySession {
    /// The ten-state view.
    pub fn state(&self) -> CallingState {
        self.view().state()
    }

    /// Everything a reader can know now.
    pub fn view(&self) -> View {
        match self {
            Self::Idle(session) => session.view(),
            Self::Incoming(session) => session.view(),
            Self::Outgoing(session) => session.view(),
            Self::Joined(session) => session.view(),
            Self::Left(session) => session.view(),
        }
    }

    /// The weak handle.
    pub fn controls(&self) -> Controls {
        match self {
            Self::Idle(session) => session.controls(),
            Self::Incoming(session) => session.controls(),
            Self::Outgoing(session) => session.controls(),
            Self::Joined(session) => session.controls(),
            Self::Left(session) => session.controls(),
        }
    }

    /// The joined session in it, to command.
    pub const fn joined(&self) -> Option<&Session<Joined>> {
        match self {
            Self::Joined(session) => Some(session),
            Self::Idle(_) | Self::Incoming(_) | Self::Outgoing(_) | Self::Left(_) => None,
        }
    }

    /// Leaves, from every phase.
    ///
    /// # Errors
    /// A session that is over already is given back.
    pub fn leave(self) -> Result<Leaving, Session<Left>> {
        match self {
            Self::Idle(session) => Ok(session.leave()),
            Self::Incoming(session) => Ok(session.leave()),
            Self::Outgoing(session) => Ok(session.leave()),
            Self::Joined(session) => Ok(session.leave()),
            Self::Left(session) => Err(session),
        }
    }

    /// Joins, if it is idle.
    ///
    /// # Errors
    /// A session in another phase is given back.
    pub fn join(self, join: crate::Join) -> Result<Joining, Self> {
        match self {
            Self::Idle(session) => Ok(session.join(join)),
            other => Err(other),
        }
    }
}

impl From<Session<Idle>> for AnySession {
    fn from(session: Session<Idle>) -> Self {
        Self::Idle(session)
    }
}

impl From<Session<Ringing<Incoming>>> for AnySession {
    fn from(session: Session<Ringing<Incoming>>) -> Self {
        Self::Incoming(session)
    }
}

impl From<Session<Ringing<Outgoing>>> for AnySession {
    fn from(session: Session<Ringing<Outgoing>>) -> Self {
        Self::Outgoing(session)
    }
}

impl From<Session<Joined>> for AnySession {
    fn from(session: Session<Joined>) -> Self {
        Self::Joined(session)
    }
}

impl From<Session<Left>> for AnySession {
    fn from(session: Session<Left>) -> Self {
        Self::Left(session)
    }
}

impl From<crate::Back> for AnySession {
    fn from(back: crate::Back) -> Self {
        match back {
            crate::Back::Idle(session) => Self::Idle(session),
            crate::Back::Left(session) => Self::Left(session),
        }
    }
}
