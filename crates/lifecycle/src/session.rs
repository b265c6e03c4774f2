//! The linear token: which phase a session is in, as a type. The only file that mints one, and
//! only from a snapshot. User-facing methods are the facade's; here are phase changes and the
//! way of a command.

mod futures;
mod phase;

pub use futures::{Back, Cancelling, Ended, Joining, Leaving, NotJoined, RingBack};
pub use phase::{Idle, Incoming, Joined, Left, Origin, Outgoing, Phase, RingDirection, Ringing, Since};

use crate::{Decline, Direction, Ending, Full, JoinWish, Link, Snapshot, State, Wish};
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A session in phase `P`, over the link `L`.
///
/// Linear: it is not `Clone`, every phase change takes it by value, and the compiler refuses
/// what the phase does not allow. What the network can revoke is not promised by the phase: it
/// is read from [`seen`](Self::seen).
///
/// # Drop
/// Wishes [`Wish::Drop`]: `Idle`, nothing on the wire; `Outgoing`, the ring is cancelled;
/// `Incoming`, it stops ringing here and is not declined; `Joined`, it leaves; `Left`, nothing.
#[must_use = "dropping a session leaves it"]
pub struct Session<P: Phase, L: Link> {
    token: Token<L>,
    data: P::Data,
}

/// The link, and the duty to tell it when nobody holds it any more.
struct Token<L: Link> {
    link: Option<L>,
    /// Is there anything left to end?
    lives: bool,
}

impl<L: Link> Token<L> {
    const fn new(link: L) -> Self {
        Self { link: Some(link), lives: true }
    }

    fn link(&self) -> &L {
        self.link.as_ref().expect("a token holds its link until it is consumed by value")
    }

    fn link_mut(&mut self) -> &mut L {
        self.link.as_mut().expect("a token holds its link until it is consumed by value")
    }

    /// Takes the link out; dropping what is left says nothing.
    fn disarm(mut self) -> L {
        self.link.take().expect("a token holds its link until it is consumed by value")
    }
}

impl<L: Link> Drop for Token<L> {
    fn drop(&mut self) {
        if let Some(link) = self.link.as_ref().filter(|_| self.lives) {
            link.want(Wish::Drop);
        }
    }
}

impl<P: Phase, L: Link> Session<P, L> {
    /// The newest snapshot.
    pub fn seen(&self) -> Arc<Snapshot> {
        self.token.link().seen()
    }

    /// The link below, to look at. Phase changes go through the session.
    pub fn link(&self) -> &L {
        self.token.link()
    }

    /// Ready with the next snapshot whose serial differs from `seen`.
    pub fn poll_seen(&mut self, cx: &mut Context<'_>, seen: u64) -> Poll<Arc<Snapshot>> {
        self.token.link_mut().poll_seen(cx, seen)
    }

    fn leave_with(self, wish: Wish) -> Leaving<L> {
        let link = self.token.disarm();
        link.want(wish);
        Leaving::new(link)
    }
}

impl<L: Link> Session<Idle, L> {
    /// The handle of a session that was just built.
    ///
    /// # Errors
    /// Gives the link back when its snapshot is not `Idle`.
    pub fn idle(link: L) -> Result<Self, L> {
        if link.seen().state() == State::Idle { Ok(mint(link, ())) } else { Err(link) }
    }

    /// Joins. Acts when called.
    pub fn join(self, wish: JoinWish) -> Joining<Idle, L> {
        let link = self.token.disarm();
        let joining = Joining::new(link);
        joining.want(Wish::Join(wish));
        joining
    }

    /// Rings the far side. Acts when called.
    pub fn ring(self) -> Session<Ringing<Outgoing>, L> {
        let link = self.token.disarm();
        link.want(Wish::Ring);
        mint(link, ())
    }

    /// Ends it before it began. Nothing goes on the wire.
    pub fn leave(self) -> Leaving<L> {
        self.leave_with(Wish::Leave)
    }
}

impl<L: Link> Session<Ringing<Incoming>, L> {
    /// The handle of a ring that was received.
    ///
    /// # Errors
    /// Gives the link back when its snapshot is not an incoming ring.
    pub fn incoming(link: L) -> Result<Self, L> {
        if link.seen().state() == State::Ringing(Direction::Incoming) {
            Ok(mint(link, ()))
        } else {
            Err(link)
        }
    }

    /// Asks the far side for the session and joins it. Acts when called.
    pub fn accept(self) -> Joining<Ringing<Incoming>, L> {
        let joining = Joining::new(self.token.disarm());
        joining.want(Wish::Accept);
        joining
    }

    /// Says no, for every device of this user.
    pub fn decline(self, why: Decline) -> Leaving<L> {
        self.leave_with(Wish::Decline(why))
    }

    /// Stops ringing here; other devices ring on.
    pub fn leave(self) -> Leaving<L> {
        self.leave_with(Wish::Leave)
    }
}

impl<L: Link> Session<Ringing<Outgoing>, L> {
    /// Waits for somebody to answer, and joins.
    pub fn answered(self) -> Joining<Ringing<Outgoing>, L> {
        Joining::new(self.token.disarm())
    }

    /// Gives the ring up.
    pub fn cancel(self) -> Leaving<L> {
        self.leave_with(Wish::Cancel)
    }

    /// Gives the ring up, as [`cancel`](Self::cancel) with the reason `LeftByUser`.
    pub fn leave(self) -> Leaving<L> {
        self.leave_with(Wish::Leave)
    }
}

impl<L: Link> Session<Joined, L> {
    /// Hands a command to the far side's queue, without waiting.
    ///
    /// # Errors
    /// [`Full`] gives the command back. A session that ended meanwhile answers through the
    /// command's own way back.
    pub fn send(&self, command: L::Command) -> Result<(), Full<L::Command>> {
        self.token.link().send(command)
    }

    /// Leaves. Acts when called: from its return no more of the user's media goes out and every
    /// reader sees `Left`. Drop what it gives for a hang-up, or await it for `Session<Left>`.
    pub fn leave(self) -> Leaving<L> {
        self.leave_with(Wish::Leave)
    }

    /// Waits until somebody ends it. Dropping the future leaves, as dropping the session does.
    pub fn ended(self) -> Ended<L> {
        Ended::new(self)
    }
}

impl<L: Link> Session<Left, L> {
    /// How it ended.
    pub const fn ending(&self) -> Ending {
        self.data
    }

    /// Ready when tasks, sockets and tracks of this session are gone; bounded by the policy's
    /// goodbye.
    pub fn poll_released(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut seen = self.seen();
        while !seen.is_released() {
            match self.poll_seen(cx, seen.serial()) {
                Poll::Ready(newer) => seen = newer,
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(())
    }
}

impl<P: Phase, L: Link> fmt::Debug for Session<P, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session<{}>({})", P::NAME, self.seen().state())
    }
}

/// Makes a handle. Private to this module and its futures: a phase cannot be forged.
const fn mint<P: Phase, L: Link>(link: L, data: P::Data) -> Session<P, L> {
    Session { token: Token { link: Some(link), lives: !P::IS_OVER }, data }
}
