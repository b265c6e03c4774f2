//! Which nodes of a service failed a session in its present outage or join, so that the next join
//! can ask to avoid them (E4). What is asked is a wish: the far side decides.

use super::driver::{Driver, Stage};
use offhook_signaling::limits::AVOIDED_NODES;
use offhook_transport::InstanceId;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A node is asked to be avoided after so many of its links failed: one may have been the line.
const FAILURES: u32 = 2;
/// A link that was whole for this long had ended the outage before it (R11).
const HEALTHY: Duration = Duration::from_secs(30);
/// A link that the host gave up this long after it was let in, and that never was whole, failed;
/// one that went earlier may have been replaced for a reason of ours.
const GIVEN_UP: Duration = Duration::from_secs(5);
/// Nothing is remembered longer than any outage lasts.
const REMEMBERED: Duration = Duration::from_secs(180);
/// Sessions that are remembered at once.
const SESSIONS: usize = 256;

/// The failing nodes of each session.
#[derive(Debug, Default)]
pub(super) struct Nodes(Mutex<HashMap<InstanceId, Failing>>);

#[derive(Debug)]
struct Failing {
    /// Newest last.
    nodes: VecDeque<(String, u32)>,
    newest: Instant,
}

impl Nodes {
    /// A link of this node failed.
    fn failed(&self, instance: InstanceId, node: &str, now: Instant) {
        let mut all = self.lock();
        all.retain(|_, failing| now.saturating_duration_since(failing.newest) < REMEMBERED);
        if all.len() >= SESSIONS && !all.contains_key(&instance) {
            let oldest = all.iter().min_by_key(|(_, failing)| failing.newest).map(|(of, _)| *of);
            oldest.and_then(|oldest| all.remove(&oldest));
        }
        let failing = all.entry(instance).or_insert(Failing { nodes: VecDeque::new(), newest: now });
        failing.newest = now;
        let at = failing.nodes.iter().position(|(of, _)| of == node);
        let times = at.and_then(|at| failing.nodes.remove(at)).map_or(0, |(_, times)| times);
        if failing.nodes.len() == AVOIDED_NODES {
            failing.nodes.pop_front();
        }
        failing.nodes.push_back((node.to_owned(), times.saturating_add(1)));
    }

    /// The outage is over.
    fn forget(&self, instance: InstanceId) {
        self.lock().remove(&instance);
    }

    /// Whom the next join of this session asks to avoid.
    pub(super) fn to_avoid(&self, instance: InstanceId, now: Instant) -> Vec<String> {
        let all = self.lock();
        let known =
            all.get(&instance).filter(|known| now.saturating_duration_since(known.newest) < REMEMBERED);
        let nodes = known.iter().flat_map(|known| &known.nodes);
        nodes.filter(|(_, times)| *times >= FAILURES).map(|(node, _)| node.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<InstanceId, Failing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How the node of one link does. Of a far side that does not name itself nothing is known.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// Taken when it is known to have failed, so that each link counts once.
    node: Option<String>,
    since: Option<Instant>,
    whole: Option<Instant>,
}

impl Health {
    /// Let in, now.
    pub(super) fn of(node: Option<String>) -> Self {
        Self { node, since: Some(Instant::now()), whole: None }
    }
}

impl Driver {
    /// A plane carries: from when on do both?
    pub(super) fn is_whole(&mut self) {
        if self.signaling_proven && self.stats_due.is_some() && !self.signaling_lost && !self.media_lost {
            self.health.whole.get_or_insert_with(Instant::now);
        }
    }

    /// A plane of this link was lost.
    pub(super) fn node_failed(&mut self) {
        let Some(node) = self.health.node.take() else { return };
        let now = Instant::now();
        if self.health.whole.is_some_and(|whole| now.saturating_duration_since(whole) >= HEALTHY) {
            self.nodes.forget(self.request.instance);
        }
        self.nodes.failed(self.request.instance, &node, now);
    }

    /// The host closes this link: was it in vain?
    pub(super) fn given_up(&mut self) {
        let in_vain =
            self.health.whole.is_none() && self.health.since.is_some_and(|since| since.elapsed() >= GIVEN_UP);
        if in_vain && self.stage == Stage::Up {
            self.node_failed();
        }
    }
}

#[cfg(test)]
mod tests;
