//! What a dial is asked to do.

use crate::media::MediaPorts;
use crate::{Desired, Epoch, InstanceId, Revision, Secret};
use std::time::Duration;

/// Which session, as the application names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionRef {
    /// The kind: `studio`, `room`, ….
    pub kind: String,
    /// The id within the kind.
    pub id: String,
}

/// Where a server told us to go, and the one-use ticket that lets us in there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The address to dial in place of the configured one; `None` is the configured one.
    pub url: Option<String>,
    /// Proof of the move. The access token never goes to a target.
    pub ticket: Option<Secret>,
}

/// What the far side wants to see before it lets an instance take its session up again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResumeKey {
    /// The far side's id of the session.
    pub session: String,
    /// The secret of the last `joined` or `resumed`.
    pub secret: Secret,
}

/// How to dial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// A first join. With a key: take over a session that an earlier process held.
    Join {
        /// The key of the session to take over.
        resume: Option<ResumeKey>,
    },
    /// Same session, new socket; with `restart_ice` the media path is made anew as well,
    /// without it the media is not touched.
    Resume {
        /// The key the last link was given.
        key: ResumeKey,
        /// Is the media plane lost too?
        restart_ice: bool,
    },
    /// A new connection of the same instance; the far side replaces the ghost.
    Rejoin {
        /// The key the last link was given, where there is one.
        key: Option<ResumeKey>,
    },
    /// A new connection beside the living one, on another server.
    Migrate {
        /// The key the last link was given, where there is one.
        key: Option<ResumeKey>,
    },
}

/// One dial.
#[derive(Debug)]
pub struct DialRequest {
    /// What to do.
    pub plan: Plan,
    /// The number of this dial; on every report of it.
    pub epoch: Epoch,
    /// The epoch whose living planes are taken over.
    pub inherit: Option<Epoch>,
    /// Who dials; the same for all dials of one session.
    pub instance: InstanceId,
    /// Which session.
    pub session: SessionRef,
    /// Where, if not to the configured address.
    pub target: Option<Target>,
    /// What lets us in; `None` where none was configured.
    pub credential: Option<Secret>,
    /// Lets this instance in after a ring, in the place of the credential; `None` for every other
    /// dial.
    pub join_ticket: Option<Secret>,
    /// The desired state to carry, and its revision.
    pub desired: Desired,
    /// The revision that `desired` is.
    pub revision: Revision,
    /// The model or persona wanted.
    pub model: Option<String>,
    /// Receive only.
    pub viewer: bool,
    /// Wait in the queue, if there is one, rather than be refused.
    pub wait_in_queue: bool,
    /// What is published, and where received frames go.
    pub media: MediaPorts,
    /// Deadlines of the dial's own steps, for the transport's sockets; the lifecycle holds
    /// the deadlines that count.
    pub open_timeout: Duration,
}
