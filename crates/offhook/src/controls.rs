//! The weak handle of a session: looks, leaves, and reports facts of the machine around it.
//! It commands nothing on the far side; for that there is `&Session<Joined>`.

use crate::events::{Events, States, Watch};
use crate::shared::Shared;
use crate::view::View;
use offhook_lifecycle::{CallingState, ConnectionState, Input};
use std::fmt;
use std::sync::{Arc, Weak};

/// Is there a network?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Network {
    /// There is one, again.
    Up,
    /// There is none.
    Down,
    /// There is one, and it is another one than before: the address or the default route is not
    /// what it was. What was made over the old one is made anew at once, without waiting for
    /// its silence.
    Changed,
}

/// A cloneable handle that keeps nothing alive and owns nothing.
///
/// Every call works at any time, also after the session is over; then it does nothing.
///
/// # Drop
/// Nothing happens.
#[derive(Clone)]
pub struct Controls {
    shared: Weak<Shared>,
}

impl Controls {
    pub(crate) fn of(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::downgrade(shared) }
    }

    /// Leaves, as the session's own `leave` does; the handle of the session learns of it.
    pub fn leave(&self) {
        self.feed(Input::Leave);
    }

    /// Reports whether there is a network (F33). Repeating what is known does nothing. `WebRtc`
    /// learns the same from the system by itself; an application that knows it earlier or better
    /// says so here, and the two do not add up.
    pub fn network(&self, level: Network) {
        self.feed(match level {
            Network::Up => Input::NetworkUp,
            Network::Down => Input::NetworkDown,
            Network::Changed => Input::NetworkChanged,
        });
    }

    /// Reports that this machine is about to sleep, or the app to be frozen (F15).
    pub fn suspended(&self) {
        self.feed(Input::Suspend);
    }

    /// Reports that the sleep is over.
    pub fn woken(&self) {
        self.feed(Input::Unsuspend);
    }

    /// Dials once more, now: from `ReconnectingFailed`, or ahead of a backoff (F34).
    pub fn retry(&self) {
        self.feed(Input::Retry);
    }

    /// Everything a reader can know now; `None` when nobody holds the session any more.
    pub fn view(&self) -> Option<View> {
        self.shared.upgrade().map(|shared| shared.view())
    }

    /// The ten-state view; `Left` when nobody holds the session any more.
    pub fn state(&self) -> CallingState {
        self.view().map_or(CallingState::Left, |view| view.state())
    }

    /// The five-state view.
    pub fn connection_state(&self) -> ConnectionState {
        self.view().map_or(ConnectionState::Disconnected, |view| view.connection_state())
    }

    /// Exactly `Connected` or `Generating`.
    pub fn is_connected(&self) -> bool {
        self.connection_state().is_connected()
    }

    /// Every event from now on; `None` when nobody holds the session any more.
    pub fn events(&self) -> Option<Events> {
        self.shared.upgrade().map(|shared| shared.events())
    }

    /// Every state; `None` when nobody holds the session any more.
    pub fn states(&self) -> Option<States> {
        self.shared.upgrade().map(|shared| shared.states())
    }

    /// The latest view, as a level; `None` when nobody holds the session any more.
    pub fn watch(&self) -> Option<Watch> {
        self.shared.upgrade().map(|shared| shared.watch())
    }

    fn feed(&self, input: Input) {
        if let Some(shared) = self.shared.upgrade() {
            shared.feed(input);
        }
    }
}

impl fmt::Debug for Controls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Controls({})", self.state())
    }
}
