//! What a session that is not joined can do: join, ring, or be given up.

use super::{Leaving, Session};
use crate::client::SessionBuilder;
use crate::join::Join;
use crate::joining::Joining;
use crate::ring::Ring;
use crate::shared::RingData;
use offhook_lifecycle::{Idle, JoinErrorKind, Outgoing, RingRefusal, Ringing};
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

    /// Rings somebody into this session. Acts when called: it rings, and it joins by itself as soon as
    /// somebody accepts, whether the handle is awaited or not (F21).
    ///
    /// What becomes of it is in the handle: await it for the joined session. A ring that cannot be
    /// placed ends `Left` with `EndReason::RingRefused`.
    pub fn ring(self, ring: Ring) -> Session<Ringing<Outgoing>> {
        let shared = self.shared().clone();
        let Ring { users, timeout, name, metadata, join } = ring;
        let impossible = join.fits_a_ring(shared.capabilities).err().map(|kind| match kind {
            JoinErrorKind::NotPermitted => RingRefusal::NotPermitted,
            JoinErrorKind::NotSupported => RingRefusal::NotSupported,
            _ => RingRefusal::Other,
        });
        let (data, kept) = join.begin();
        let mut notes = shared.notes();
        notes.join = Some(data);
        notes.kept = Some(kept);
        notes.ring = Some(RingData { users, timeout, name, metadata, impossible });
        drop(notes);
        Session::wrap(self.inner.ring())
    }

    /// Ends it before it began. Nothing goes on the wire.
    pub fn leave(self) -> Leaving {
        Leaving::new(self.inner.leave())
    }
}
