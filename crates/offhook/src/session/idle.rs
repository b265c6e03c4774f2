//! What a session that is not joined can do: join, or be given up.

use super::{Leaving, Session};
use crate::client::SessionBuilder;
use crate::join::Join;
use crate::joining::Joining;
use offhook_lifecycle::{Idle, JoinErrorKind};
use offhook_transport::Transport;

impl Session<Idle> {
    /// The short form for one session on one transport. With several, make a
    /// [`Client`](crate::Client).
    pub fn builder(transport: impl Transport) -> SessionBuilder {
        SessionBuilder::new(transport)
    }

    /// Joins. Acts when called; the future only waits.
    ///
    /// What can be seen to be impossible (a publication by a viewer, something that the
    /// transport cannot do, no runtime) fails before any I/O.
    pub fn join(self, join: Join) -> Joining {
        let shared = self.shared().clone();
        let impossible = match tokio::runtime::Handle::try_current() {
            Err(_) => Some(JoinErrorKind::NoRuntime),
            Ok(_) => join.check(shared.capabilities).err(),
        };
        let (data, kept) = join.begin();
        if let Some(kind) = impossible {
            return Joining::refused(self, kind, kept);
        }
        let wish = data.wish();
        shared.notes().join = Some(data);
        Joining::running(shared, self.inner.join(wish), kept)
    }

    /// Ends it before it began. Nothing goes on the wire.
    pub fn leave(self) -> Leaving {
        Leaving::new(self.inner.leave())
    }
}
