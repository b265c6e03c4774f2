//! Who is there, as the far side tells it, and which of their tracks wait for a place with us. Bounded:
//! what happens at the limit is with each step. What the session makes of it is the host's affair.

use offhook_signaling::{Instance, limits};
use offhook_transport::Member;
use std::collections::HashMap;

/// Members that are remembered; sixteen times what a snapshot names. Those beyond it are told of, and told
/// to be gone, by their ids alone.
const MOST: usize = 16 * limits::ROSTER;

#[derive(Debug, Default)]
pub(super) struct Roster {
    members: HashMap<Instance, Member>,
    /// The labels of the tracks that wait, of each member of whom any do.
    waiting: HashMap<Instance, Vec<String>>,
}

impl Roster {
    /// These are there and no others, but for those that are still to be said, and these tracks wait. Gives
    /// them as they are from here on.
    pub(super) fn begin(
        &mut self,
        members: Vec<(Instance, Member)>,
        to_follow: &[Instance],
        waiting: impl Iterator<Item = (Instance, Vec<String>)>,
    ) -> Vec<Member> {
        self.waiting = waiting.take(MOST).collect();
        self.members.retain(|instance, _| to_follow.contains(instance));
        members.into_iter().map(|(instance, member)| self.put(instance, member)).collect()
    }

    /// One who came, or changed. At the limit one who came is not remembered.
    pub(super) fn put(&mut self, instance: Instance, mut member: Member) -> Member {
        self.mark(instance, &mut member);
        if self.members.len() < MOST || self.members.contains_key(&instance) {
            self.members.insert(instance, member.clone());
        }
        member
    }

    /// One who left: as they were known, or by the id alone.
    pub(super) fn take(&mut self, instance: Instance) -> Member {
        self.waiting.remove(&instance);
        self.members.remove(&instance).unwrap_or_else(|| {
            let id = instance.to_string();
            Member { name: id.clone(), id, away: false, tracks: Vec::new() }
        })
    }

    /// These tracks of a member wait for a place, and no others of theirs. Gives the member where that is
    /// news of one who is known; at the limit the word is dropped.
    pub(super) fn wait(&mut self, instance: Instance, labels: Vec<String>) -> Option<Member> {
        if labels.is_empty() {
            self.waiting.remove(&instance);
        } else if self.waiting.len() < MOST || self.waiting.contains_key(&instance) {
            self.waiting.insert(instance, labels);
        }
        let before = self.members.get(&instance)?;
        let mut member = before.clone();
        self.mark(instance, &mut member);
        let news = member != *before;
        self.members.insert(instance, member.clone());
        news.then_some(member)
    }

    fn mark(&self, instance: Instance, member: &mut Member) {
        let waiting = self.waiting.get(&instance);
        for track in &mut member.tracks {
            track.waits = waiting.is_some_and(|labels| labels.contains(&track.label));
        }
    }
}

#[cfg(test)]
mod tests;
