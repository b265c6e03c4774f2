//! What a transport's test provides: far sides of a known behaviour, and hands on them.
//!
//! Nothing here supposes that the far side is in this process or that time is virtual. A rig
//! over a real server on loopback implements the same two traits with a relay for the cuts.

use crate::media::EncodedFrame;
use crate::{DialRequest, EndCode, GoAwayHint, Plane, PresenceRequest, RefusedCode, Transport};
use async_trait::async_trait;
use std::time::Duration;

/// Makes stages for the checks: each check asks for its own, fresh ones.
#[async_trait]
pub trait Rig: Send + Sync {
    /// A far side that behaves so, and a transport that dials it.
    ///
    /// # Errors
    /// [`NotSupported`] where this rig has no such far side: the check is then reported as
    /// skipped, with the reason.
    async fn stage(&self, behaviour: Behaviour) -> Result<Stage, NotSupported>;

    /// How long anything may take that has no bound of its own. Generous: it is only ever
    /// used up by a transport that breaks a rule.
    fn patience(&self) -> Duration {
        Duration::from_secs(10)
    }

    /// How long to watch before "nothing happened" is believed.
    fn settle(&self) -> Duration {
        Duration::from_millis(200)
    }

    /// How many polls of a join are tried as the place to abandon it.
    fn abandoned_polls(&self) -> usize {
        64
    }

    /// A prompt that the far side applies.
    fn known_prompt(&self) -> &str {
        "sepia"
    }

    /// A prompt that the far side refuses; `None` if it takes any.
    fn unknown_prompt(&self) -> Option<&str> {
        None
    }
}

/// A transport and the far side that it dials.
pub struct Stage {
    /// What is under test.
    pub transport: Box<dyn Transport>,
    /// Its far side.
    pub far: Box<dyn FarSide>,
}

/// A hand on one far side. A method that is not implemented is not supported, and the checks
/// that need it are skipped.
#[async_trait]
pub trait FarSide: Send + Sync {
    /// A first join that an accepting far side lets in: session, credential, instance, epoch 1.
    /// The checks set plan, epoch, desired state and media. Two calls name one instance.
    fn a_join(&self) -> DialRequest;

    /// A first presence of a user, which an accepting far side lets in: device, credential, epoch 1.
    fn a_presence(&self) -> Result<PresenceRequest, NotSupported> {
        Err(NotSupported("presence".into()))
    }

    /// Breaks a plane for good or until [`restore`](FarSide::restore), in a way that the client
    /// can notice: a reset socket, packets that no longer pass.
    async fn cut(&self, plane: Plane) -> Result<(), NotSupported> {
        Err(NotSupported(format!("cutting the {plane:?} plane")))
    }

    /// Ends all cuts. New dials and new paths work again.
    async fn restore(&self) -> Result<(), NotSupported> {
        Err(NotSupported("restoring a cut plane".into()))
    }

    /// Ends the session of the client.
    async fn end(&self, code: EndCode) -> Result<(), NotSupported> {
        Err(NotSupported(format!("ending the session as {code}")))
    }

    /// Asks the client to move.
    async fn go_away(&self, hint: GoAwayHint) -> Result<(), NotSupported> {
        let _ = hint;
        Err(NotSupported("asking the client to move".into()))
    }

    /// Sends a frame to the client on every media plane that carries.
    async fn send_frame(&self, frame: EncodedFrame) -> Result<(), NotSupported> {
        let _ = frame;
        Err(NotSupported("sending frames to the client".into()))
    }

    /// The frames that reached the far side since the last call, in the order they came. They
    /// may be framed anew (start codes); the checks find them by a mark in their payload.
    async fn published(&self) -> Result<Vec<EncodedFrame>, NotSupported> {
        Err(NotSupported("looking at the frames that reached the far side".into()))
    }

    /// Named counts of all that a connection may hold, here and over there: connections,
    /// sockets, tasks, members, tapped tracks. The checks ask only that they come back to what
    /// they were, within the rig's patience: a far side that keeps the place of a lost link
    /// needs a resume window shorter than that.
    async fn census(&self) -> Result<Vec<(&'static str, u64)>, NotSupported> {
        Err(NotSupported("a census".into()))
    }
}

/// How a far side behaves towards whoever dials it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Lets everybody in, acks, answers pings, keeps a resume window.
    Accepting,
    /// Refuses every dial with this code.
    Refusing(RefusedCode),
    /// Takes the socket and never says a word.
    Silent,
    /// Is not there at all.
    Unreachable,
    /// Answers the dial with something that is no message.
    Hostile(Hostility),
    /// Closes the socket at this step of the join, without an ending.
    ClosingAt(Step),
    /// As `Accepting`, but each answer comes late by this much.
    Late(Duration),
}

/// Ways to break the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hostility {
    /// Bytes that are no message.
    Garbage,
    /// A message that breaks off.
    Truncated,
    /// More than a frame may hold.
    Oversize,
    /// A good message that has no place in a join, before the one that is due.
    OutOfOrder,
}

impl Hostility {
    /// Every way.
    pub const ALL: &[Self] = &[Self::Garbage, Self::Truncated, Self::Oversize, Self::OutOfOrder];
}

/// Steps of a join at which a far side may go away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The socket is open, nothing was said.
    Opened,
    /// It answered, and did not let us in.
    Answered,
    /// It let us in; media is still under way.
    Admitted,
}

impl Step {
    /// Every step.
    pub const ALL: &[Self] = &[Self::Opened, Self::Answered, Self::Admitted];
}

/// This rig cannot do that; names what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this rig does not support {0}")]
pub struct NotSupported(pub String);
