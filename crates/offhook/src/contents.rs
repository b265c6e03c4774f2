//! Everything that a number in the machine stands for: resume key, targets, credentials, and
//! the far side's own words. Bounded: of each only what can still be asked for is kept.
//! `translate.rs` puts things in; `host.rs` takes them out.

use crate::view::Loading;
use offhook_lifecycle as lifecycle;
use offhook_lifecycle::{CredentialRef, Epoch, Revision, TargetRef};
use offhook_transport as wire;
use secrecy::SecretString;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Things of one sort that are kept at once. The machine refers to the newest few only.
const KEPT: usize = 8;
/// Images that are kept, each at most 8 MiB: as many as the reference server keeps of a session.
const IMAGES: usize = 4;
/// Refusal texts that are kept: as many as changes may wait for an answer.
const TEXTS: usize = 64;
/// The longest text of a far side that is kept, in bytes.
const MAX_TEXT: usize = 4096;

/// What the host keeps for one session.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// What the next resume needs. Rotates; the newest counts.
    pub(crate) key: Option<wire::ResumeKey>,
    /// Set by a join that takes a session up again.
    pub(crate) returning: bool,
    /// What the newest `Up` said.
    pub(crate) session: Option<Arc<str>>,
    /// Did the newest `Up` take an earlier session up again?
    pub(crate) resumed: bool,
    /// What can be done on the newest link.
    pub(crate) capabilities: Option<wire::Capabilities>,
    /// Everyone there when the newest link came up, until it was compared with what was known.
    pub(crate) roster: Option<Vec<wire::Member>>,
    /// Who was there as well, and is said after it.
    pub(crate) to_follow: Vec<String>,
    /// Of a session that was not found again or is elsewhere now: how long those who were in it may take to
    /// come.
    pub(crate) scattered: Option<Duration>,
    /// The dial that takes it elsewhere.
    pub(crate) moving: Option<Epoch>,
    /// The link that came up last.
    pub(crate) of: Epoch,
    /// The link on which the generation began whose end was not told yet.
    pub(crate) generation: Option<Epoch>,
    /// What video the far side wants, as of now.
    pub(crate) video: Option<wire::media::VideoWanted>,
    /// The models that can be asked for there.
    pub(crate) models: Arc<[String]>,
    /// The far side's estimate while we wait in its queue.
    pub(crate) eta: Option<Arc<str>>,
    /// What the far side makes ready for us, and how much of it is done.
    pub(crate) loading: Option<Loading>,
    /// The far side's words of the last refusal or ending.
    pub(crate) last_text: Option<Arc<str>>,
    /// The names that would have been accepted, of the last refusal.
    pub(crate) last_known: Vec<String>,
    /// What this side saw of the last dial, if that failed without an answer.
    pub(crate) last_fault: Option<Arc<str>>,
    refusals: VecDeque<(Revision, Arc<str>)>,
    /// The images that were set last, for those that are named by their hash alone.
    images: VecDeque<lifecycle::Image>,
    targets: VecDeque<(TargetRef, wire::Target)>,
    credentials: VecDeque<(CredentialRef, SecretString)>,
    next_target: u32,
    next_credential: u64,
}

impl Contents {
    pub(crate) fn up(&mut self, epoch: Epoch, up: wire::Up) {
        self.of = epoch;
        if !up.resumed || self.moving == Some(epoch) {
            self.scattered = up.resume_window;
        }
        // A link without a key cannot be resumed, and the key of an older link is of no use.
        self.key = up.key;
        self.session = Some(up.session.into());
        self.resumed = up.resumed;
        self.capabilities = Some(up.capabilities);
        self.roster = Some(up.roster);
        self.to_follow = up.to_follow;
        self.video = up.video;
        if self.models[..] != up.models[..] {
            self.models = up.models.into();
        }
        self.eta = None;
        self.loading = None;
        self.last_fault = None;
        // It has been taken up: from here on it is ours to bring back.
        self.returning = false;
    }

    pub(crate) fn resume_key(&mut self, key: wire::ResumeKey) {
        self.key = Some(key);
    }

    pub(crate) fn eta(&mut self, eta: Option<String>) {
        self.eta = eta.map(text);
    }

    pub(crate) fn loading(&mut self, words: Option<String>, percent: Option<u8>) {
        self.loading = (words.is_some() || percent.is_some())
            .then(|| Loading { text: words.map(text), percent: percent.map(|percent| percent.min(100)) });
    }

    /// A dial failed: what lies under it has the next step in its words.
    pub(crate) fn failed(&mut self, fault: &wire::Fault) {
        self.last_fault = fault.source.as_ref().map(|source| text(source.to_string()));
    }

    pub(crate) fn refused(&mut self, words: String) {
        self.last_fault = None;
        self.last_text = (!words.is_empty()).then(|| text(words));
    }

    /// Names come from outside: so many, and each as long, as a far side may ever say.
    pub(crate) fn known(&mut self, mut names: Vec<String>) {
        names.retain(|name| name.len() <= MAX_TEXT);
        names.truncate(TEXTS);
        self.last_known = names;
    }

    pub(crate) fn ended(&mut self, words: String) {
        self.refused(words);
    }

    /// An image that is named by its hash alone has its bytes again, where this session set it before:
    /// a far side that forgot it meanwhile can then ask for it.
    pub(crate) fn with_image(&mut self, change: lifecycle::Change) -> lifecycle::Change {
        let named = change.entries().iter().find_map(|entry| match entry {
            lifecycle::Entry::Image(Some(image)) => Some(image.clone()),
            _ => None,
        });
        let Some(named) = named else { return change };
        let known = self.images.iter().position(|known| known.sha256 == named.sha256);
        let known = known.and_then(|at| self.images.remove(at));
        let image = if named.bytes.is_empty() { known.unwrap_or(named) } else { named };
        if !image.bytes.is_empty() {
            keep(&mut self.images, IMAGES, image.clone());
        }
        change.image(image)
    }

    pub(crate) fn refused_change(&mut self, revision: Revision, words: String) {
        keep(&mut self.refusals, TEXTS, (revision, text(words)));
    }

    /// The far side's words about a change: those for this revision, or for the newest answer
    /// up to it, since an answer to a revision is one to everything before it.
    pub(crate) fn refusal(&self, revision: Revision) -> Arc<str> {
        let exact = self.refusals.iter().rev().find(|(of, _)| *of == revision);
        let found = exact.or_else(|| self.refusals.back()).map(|(_, text)| text.clone());
        // A dial that was refused for what it carried has its words with the refusal.
        found.or_else(|| self.last_text.clone()).unwrap_or_else(|| Arc::from(""))
    }

    /// The far side's words about just this change, if it had any.
    pub(crate) fn refusal_of(&self, revision: Revision) -> Option<Arc<str>> {
        self.refusals.iter().rev().find(|(of, _)| *of == revision).map(|(_, text)| text.clone())
    }

    /// Files where a go-away sends us. `None` where it names nothing.
    pub(crate) fn target(&mut self, hint: wire::GoAwayHint) -> Option<TargetRef> {
        if hint.url.is_none() && hint.ticket.is_none() {
            return None;
        }
        self.next_target = self.next_target.wrapping_add(1);
        let target = TargetRef(self.next_target);
        keep(&mut self.targets, KEPT, (target, wire::Target { url: hint.url, ticket: hint.ticket }));
        Some(target)
    }

    pub(crate) fn find_target(&self, target: TargetRef) -> Option<wire::Target> {
        self.targets.iter().find(|(of, _)| *of == target).map(|(_, found)| found.clone())
    }

    /// Files a credential and gives it its number.
    pub(crate) fn credential(&mut self, secret: SecretString) -> CredentialRef {
        self.next_credential += 1;
        let credential = CredentialRef(self.next_credential);
        keep(&mut self.credentials, KEPT, (credential, secret));
        credential
    }

    pub(crate) fn find_credential(&self, credential: CredentialRef) -> Option<wire::Secret> {
        let found = self.credentials.iter().find(|(of, _)| *of == credential);
        found.map(|(_, secret)| crate::credential::to_transport(secret))
    }
}

fn keep<T>(all: &mut VecDeque<T>, most: usize, one: T) {
    if all.len() == most {
        all.pop_front();
    }
    all.push_back(one);
}

/// A far side's words, cut to what is kept, at a character's edge.
fn text(words: String) -> Arc<str> {
    let mut end = words.len().min(MAX_TEXT);
    while !words.is_char_boundary(end) {
        end -= 1;
    }
    Arc::from(&words[..end])
}

#[cfg(test)]
#[path = "contents/tests.rs"]
mod tests;
