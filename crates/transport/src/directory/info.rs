//! What a far side tells of a session that one has not joined, what can be said of one on making
//! it, and what changed between two looks.

use std::collections::BTreeMap;
use std::time::Duration;

/// What its maker says of a session. Far sides bound all of it: the native one takes 16 words of
/// at most 512 bytes, and 64 members.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Profile {
    /// The application's own words about it.
    pub metadata: BTreeMap<String, String>,
    /// How it behaves.
    pub settings: Settings,
    /// Who may come in, and as what. Nobody named: everybody with a credential for it.
    pub members: Vec<Invited>,
}

impl Profile {
    /// Nothing in particular: everybody may come in.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One more word about it; a name used twice is the newer one's.
    #[must_use]
    pub fn metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(name.into(), value.into());
        self
    }

    /// Somebody who may come in, to send and receive. From the first one on nobody else may.
    #[must_use]
    pub fn member(self, user: impl Into<String>) -> Self {
        self.invite(user, InvitedAs::Participant)
    }

    /// Somebody who may come in to look on.
    #[must_use]
    pub fn viewer(self, user: impl Into<String>) -> Self {
        self.invite(user, InvitedAs::Viewer)
    }

    fn invite(mut self, user: impl Into<String>, role: InvitedAs) -> Self {
        self.members.push(Invited { user: user.into(), role });
        self
    }

    /// At most so many may be in it at once.
    #[must_use]
    pub const fn max_members(mut self, most: u32) -> Self {
        self.settings.max_members = Some(most);
        self
    }

    /// Nobody comes in while no director is connected, and it ends when the director is gone (F59).
    #[must_use]
    pub const fn director_required(mut self) -> Self {
        self.settings.director_required = true;
        self
    }
}

/// How a session behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Settings {
    /// Nobody comes in while no director is connected, and it ends when the director is gone.
    pub director_required: bool,
    /// How many may be in it at once; `None` is as many as the far side takes.
    pub max_members: Option<u32>,
}

/// Somebody who may come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invited {
    /// Who.
    pub user: String,
    /// As what.
    pub role: InvitedAs,
}

/// As what somebody may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvitedAs {
    /// Sends and receives, as far as the credential allows.
    Participant,
    /// Receives, whatever the credential allows.
    Viewer,
    /// Something that this version does not know.
    Other,
}

/// What a far side tells of a session that one has not joined.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SessionInfo {
    /// The far side's id of it.
    pub session: String,
    /// Was it made by the call that this answers?
    pub made: bool,
    /// How long ago it was made.
    pub age: Duration,
    /// What its maker said of it.
    pub profile: Profile,
    /// How many are in it.
    pub present: u32,
    /// Who is in it; a far side may name the first of many only.
    pub attendees: Vec<Attendee>,
    /// How many wait in its queue.
    pub waiting: u32,
    /// Is a director connected?
    pub directed: bool,
}

/// Somebody in a session, as those see it who are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attendee {
    /// The far side's id of this link of theirs.
    pub id: String,
    /// Who it is.
    pub user: String,
    /// The name to show; treat it as untrusted text.
    pub name: String,
    /// Only looks on.
    pub viewer: bool,
    /// Silent for a while.
    pub away: bool,
}

/// What is seen of a session that one has not joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionNews {
    /// How it stands; always the first.
    Now(Box<SessionInfo>),
    /// Somebody is in it, and nobody was.
    Started,
    /// Nobody is in it any more. One that was made by name may start again.
    Ended,
    /// What its maker says of it is different.
    Updated(Box<Profile>),
    /// Somebody came.
    MemberAdded(Attendee),
    /// Somebody is different now.
    MemberUpdated(Attendee),
    /// Somebody went.
    MemberRemoved(Attendee),
    /// So many wait in its queue now.
    Waiting(u32),
    /// A director is connected, or none is any more.
    Directed(bool),
    /// It is not there any more; always the last.
    Gone,
}

impl SessionInfo {
    /// What is different in `newer`, in the order in which it can have come about: who went, who
    /// is different, who came, and around them the end and the start.
    pub fn changes(&self, newer: &Self) -> Vec<SessionNews> {
        let mut news = Vec::new();
        if self.profile != newer.profile {
            news.push(SessionNews::Updated(Box::new(newer.profile.clone())));
        }
        if self.directed != newer.directed {
            news.push(SessionNews::Directed(newer.directed));
        }
        let there = |all: &[Attendee], id: &str| all.iter().find(|one| one.id == id).cloned();
        for old in &self.attendees {
            match there(&newer.attendees, &old.id) {
                None => news.push(SessionNews::MemberRemoved(old.clone())),
                Some(now) if now != *old => news.push(SessionNews::MemberUpdated(now)),
                Some(_) => {}
            }
        }
        if self.present == 0 && newer.present > 0 {
            news.push(SessionNews::Started);
        }
        let came = newer.attendees.iter().filter(|one| there(&self.attendees, &one.id).is_none());
        news.extend(came.cloned().map(SessionNews::MemberAdded));
        if self.present > 0 && newer.present == 0 {
            news.push(SessionNews::Ended);
        }
        if self.waiting != newer.waiting {
            news.push(SessionNews::Waiting(newer.waiting));
        }
        news
    }
}
