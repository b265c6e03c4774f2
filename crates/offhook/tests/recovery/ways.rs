//! The three ways in which a session comes back (F30, F31, F32), each as a stage on which a test sends a
//! session over it: what holds over one of them has to hold over all.

use crate::far_side::*;
use crate::line::Line;
use crate::moving::DEADLINE;
use offhook::{Event, Events, Plan};
use offhook_server::{Builder, Drained, GoAwayCode, Server, Signer};
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// The same session and media, on a new socket.
    Resume,
    /// A new link as the same instance.
    Rejoin,
    /// To another server, whose members all move with it.
    Move,
}

impl Way {
    pub(crate) const ALL: [Self; 3] = [Self::Resume, Self::Rejoin, Self::Move];
}

/// A line on which this way is the one that is taken, and a second server of the same key.
pub(crate) struct Stage {
    pub(crate) line: Line,
    second: Server,
    way: Way,
}

impl Stage {
    pub(crate) async fn of(way: Way) -> Self {
        Self::with(way, |builder| builder).await
    }

    pub(crate) async fn with(way: Way, both: impl Fn(Builder) -> Builder) -> Self {
        let signer = Signer::random().expect("randomness");
        let window = if way == Way::Rejoin { Duration::ZERO } else { Duration::from_secs(25) };
        let builder = || both(Server::builder().signer(signer.clone()).resume_window(window));
        let first = builder().start().await.expect("loopback");
        let second = builder().start().await.expect("loopback");
        Self { line: Line::to(first).await, second, way }
    }

    /// Where the members are when it is over.
    pub(crate) fn there(&self) -> &Server {
        if self.way == Way::Move { &self.second } else { &self.line.server }
    }

    /// Sends over this way whoever is on the line; with a move also everybody else. Over when it is so
    /// for those whose events these are: first whoever is on the line.
    pub(crate) async fn happens(&self, members: &mut [&mut Events]) {
        let count = members.len();
        match self.way {
            Way::Resume | Way::Rejoin => {
                self.line.tcp.reset();
                let plan = event("the recovery", members[0], |event| match event {
                    Event::Recovered { plan, .. } => Some(*plan),
                    _ => None,
                });
                self.is_this(plan.await);
            }
            Way::Move => {
                let to = self.second.url();
                let drained = self.line.server.drain(&to, DEADLINE, GoAwayCode::ShuttingDown).await;
                let drained = drained.expect("a server of the same key");
                assert_eq!(drained, Drained { moved: count, stayed: 0 });
                for events in members {
                    let moved = event("the move", events, |event| match event {
                        Event::MigrationFinished { moved } => Some(*moved),
                        _ => None,
                    });
                    assert!(moved.await, "it fell back to a rejoin");
                }
            }
        }
    }

    fn is_this(&self, plan: Plan) {
        let fits = match self.way {
            Way::Resume => matches!(plan, Plan::Resume { .. }),
            Way::Rejoin => plan == Plan::Rejoin,
            Way::Move => plan == Plan::Migrate,
        };
        assert!(fits, "{plan:?} where a {:?} was due", self.way);
    }

    pub(crate) async fn end(self) {
        self.line.end().await;
        self.second.shutdown().await;
    }
}
