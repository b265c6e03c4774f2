//! What a session that is not joined can do: be looked at and made on the far side, join, ring, or
//! be given up.

use super::{Leaving, Session};
use crate::client::SessionBuilder;
use crate::join::Join;
use crate::joining::Joining;
use crate::remote::{self, RemoteWatch};
use crate::ring::Ring;
use crate::shared::RingData;
use offhook_lifecycle::{Idle, JoinErrorKind, Outgoing, RingRefusal, Ringing};
use offhook_transport::{DirectoryError, Profile, SessionInfo, Transport};

impl Session<Idle> {
    /// The short form for one session on one transport. With several, make a
    /// [`Client`](crate::Client).
    pub fn builder(transport: impl Transport) -> SessionBuilder {
        SessionBuilder::new(transport)
    }

    /// Loads what the far side knows of this session, without joining it (F01).
    ///
    /// # Errors
    /// [`DirectoryError::NotFound`] where there is none, and as the others say;
    /// [`DirectoryError::NotSupported`] on a transport that has no such list.
    ///
    /// # Cancel safety
    /// Dropped, it leaves nothing behind.
    pub async fn get(&self) -> Result<SessionInfo, DirectoryError> {
        remote::ask(self.shared(), &remote::Question::Get).await
    }

    /// Loads it, or makes it first (F01). Two at once get the same one, as the first made it.
    ///
    /// ```
    /// # #[cfg(feature = "mock")] #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use offhook::{Client, Profile};
    /// # let (transport, _remote) = offhook::mock::MockTransport::studio(7);
    ///
    /// let idle = Client::new(transport).session("studio", "7");
    /// let lesson = idle.get_or_create(Profile::new().metadata("title", "Monday").max_members(8)).await?;
    /// assert_eq!((lesson.made, lesson.present), (true, 0));
    /// # Ok(()) }
    /// # #[cfg(not(feature = "mock"))] fn main() {}
    /// ```
    ///
    /// # Errors
    /// As [`get`](Self::get), and [`DirectoryError::BadRequest`] for what no far side would take.
    ///
    /// # Cancel safety
    /// Dropped, it may have been made all the same; asking again finds it.
    pub async fn get_or_create(&self, profile: Profile) -> Result<SessionInfo, DirectoryError> {
        remote::ask(self.shared(), &remote::Question::GetOrCreate(profile)).await
    }

    /// Makes it (F01).
    ///
    /// # Errors
    /// As [`get_or_create`](Self::get_or_create), and [`DirectoryError::AlreadyExists`].
    ///
    /// # Cancel safety
    /// As [`get_or_create`](Self::get_or_create).
    pub async fn create(&self, profile: Profile) -> Result<SessionInfo, DirectoryError> {
        remote::ask(self.shared(), &remote::Question::Create(profile)).await
    }

    /// Watches the session on the far side without joining it (F01): how it stands, then who comes
    /// and goes, and what is said of it. Does nothing until polled; outlives this handle.
    pub fn watch_remote(&self) -> RemoteWatch {
        RemoteWatch::new(self.shared().clone())
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
