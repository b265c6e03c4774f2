//! What a transport may know of the network that this machine is on. Optional: a transport that
//! learns of it reports changes; what they mean for a session is decided elsewhere.

use std::future::poll_fn;
use std::task::{Context, Poll};

/// What became of the network, as far as the way to the far side goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NetworkFact {
    /// There was no way to the far side, and now there is one.
    Up,
    /// There is no way to the far side any more.
    Down,
    /// There is one, and it is another one than before: what was made over the old one is lost.
    Changed,
}

/// Reports changes of the network, for one session; see
/// [`Transport::watch_network`](crate::Transport::watch_network).
///
/// # Contract
/// - Nothing happens before the first poll.
/// - Changes are reported and nothing else: how things stand when the watch begins is where it
///   starts from, and a state that comes back before anybody asked was no change.
/// - What concerns other ways than the one to the session's far side is not reported: an
///   interface of no use to it may come and go.
/// - `None` says that nothing more will be learned; then it yields `None` for ever. The session
///   goes on, and finds a lost network by its silence.
/// - Dropping it lets go of all that it holds within a second.
///
/// # Cancel safety
/// `poll_next` may be abandoned at any time; no change is lost.
pub trait NetworkWatch: Send + 'static {
    /// The next change.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<NetworkFact>>;
}

impl dyn NetworkWatch {
    /// [`poll_next`](NetworkWatch::poll_next) as a future.
    ///
    /// # Cancel safety
    /// Safe to drop and call again.
    pub async fn next(&mut self) -> Option<NetworkFact> {
        poll_fn(|cx| self.poll_next(cx)).await
    }
}
