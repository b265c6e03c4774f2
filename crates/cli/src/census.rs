//! Counts what this process holds: tasks of the runtime, and sockets. What is more at the end
//! than at the start was leaked.

#[cfg(test)]
mod tests;

use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

/// What there was at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Census {
    /// Tasks that are not finished.
    pub(crate) tasks: usize,
    /// Open sockets; `None` where the system does not tell.
    pub(crate) sockets: Option<usize>,
}

impl Census {
    /// Counts now.
    pub(crate) fn take() -> Self {
        Self { tasks: Handle::current().metrics().num_alive_tasks(), sockets: sockets() }
    }

    /// Counts until nothing is more than before, but no longer than `most`: what is on its way
    /// out at the moment of leaving is no leak. Says how many tasks and sockets were left over.
    pub(crate) async fn settle(before: Self, most: Duration) -> (usize, usize) {
        let deadline = Instant::now() + most;
        loop {
            let now = Self::take();
            let over = (now.tasks.saturating_sub(before.tasks), more(now.sockets, before.sockets));
            if over == (0, 0) || Instant::now() >= deadline {
                return over;
            }
            sleep(Duration::from_millis(10)).await;
        }
    }
}

fn more(now: Option<usize>, before: Option<usize>) -> usize {
    now.zip(before).map_or(0, |(now, before)| now.saturating_sub(before))
}

/// Of this process, by `/proc`.
fn sockets() -> Option<usize> {
    let entries = std::fs::read_dir("/proc/self/fd").ok()?;
    let socket = |entry: &std::fs::DirEntry| {
        std::fs::read_link(entry.path()).is_ok_and(|target| target.to_string_lossy().starts_with("socket:"))
    };
    Some(entries.flatten().filter(socket).count())
}
