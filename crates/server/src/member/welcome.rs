//! What a member is told on being let in: who it is from here on, what can be done, and how the session
//! stands. Whether it is let in is decided in `attach.rs`.

use super::Actor;
use super::clock::millis;
use super::media::Media;
use crate::config::{AWAY_AFTER, PING_EVERY};
use crate::door;
use crate::model::Model;
use crate::studio::wanted;
use offhook_signaling::{
    Acked, Answer, Capabilities, FromServer, Joined, Liveness, Member, MemberChange, NeedSections, Role,
    Secret, SessionSnapshot, VideoWish, limits,
};
use serde::Serialize;

/// What a frame has beside its message's own members, and the list of those who follow beside its names.
const ENVELOPE: usize = 128;
/// What the name of a member takes in a list: 32 digits, the quotes and the comma.
const NAME: usize = 35;

impl Actor {
    /// `joined`, and then the answer to the state that the dial carried (R14). False where it cannot be said.
    pub(super) fn welcome(
        &mut self,
        version: u32,
        expires_in_ms: Option<u64>,
        resumed: bool,
        answer: Option<Answer>,
    ) -> bool {
        let asked = answer.is_none();
        let mut joined = Joined {
            version,
            session_id: self.place.session_id.clone(),
            resumed,
            resume_secret: Secret::new(self.secret.clone()),
            resume_window_ms: millis(self.shared.config.resume_window),
            liveness: Liveness { ping_ms: millis(PING_EVERY), silence_ms: millis(AWAY_AFTER) },
            ice_servers: self.shared.config.ice_servers.clone(),
            answer,
            capabilities: Capabilities {
                features: door::features(&self.shared, self.model, &self.grants),
                video: self.video_wanted(),
                models: Model::names(),
                publish: self.seen.role == Role::Participant,
            },
            expires_in_ms,
            snapshot: self.snapshot(),
            node: self.shared.config.node.clone(),
        };
        let to_follow = self.lay_roster(&mut joined, |joined| &mut joined.snapshot);
        if !self.can_say(&FromServer::Joined(joined)) {
            return false;
        }
        self.introduce(to_follow);
        if let Some(revision) = self.applied {
            self.say(&FromServer::Acked(Acked { revision, id: None }));
        }
        if asked {
            let need = match self.model {
                Model::Studio => NeedSections { audio: 0, video: 1 },
                Model::Echo => NeedSections { audio: 1, video: 0 },
                Model::Room => self.media.as_mut().map_or(NeedSections { audio: 0, video: 0 }, Media::ask),
            };
            self.say(&FromServer::NeedSections(need));
        }
        true
    }

    /// What whoever is behind it wants to be sent; nobody asks a viewer.
    pub(super) fn video_wanted(&self) -> Option<VideoWish> {
        let most = self.media.as_ref().and_then(Media::keeps_up_with);
        match self.model {
            Model::Studio if self.seen.role == Role::Participant => {
                Some(wanted(self.shared.config.video, most))
            }
            Model::Studio | Model::Echo | Model::Room => None,
        }
    }

    /// But for the roster, which takes what the rest of the frame leaves.
    pub(super) fn snapshot(&mut self) -> SessionSnapshot {
        SessionSnapshot {
            applied: self.applied,
            generation: self.generation.as_ref().map(|generation| generation.number),
            sending: self.media.as_ref().map(Media::sending).unwrap_or_default(),
            roster: Vec::new(),
            to_follow: Vec::new(),
            waiting: self.media.as_mut().map(Media::without).unwrap_or_default(),
        }
    }

    /// Puts into a frame as much of the roster as it has room for, its own member first. Gives those who are
    /// only named there, and are introduced after it.
    pub(super) fn lay_roster<T: Serialize>(
        &self,
        frame: &mut T,
        snapshot: impl Fn(&mut T) -> &mut SessionSnapshot,
    ) -> Vec<Member> {
        let mut everybody = self.shared.rooms.roster(&self.place.key);
        everybody.sort_by_key(|member| member.instance != self.place.instance);
        everybody.truncate(limits::ROSTER);
        let room = limits::FRAME_BYTES.saturating_sub(size(frame) + ENVELOPE);
        let mut taken = everybody.len() * NAME;
        let (roster, to_follow): (Vec<_>, Vec<_>) = everybody.into_iter().partition(|member| {
            let more = (size(member) + 1).saturating_sub(NAME);
            let fits = taken + more <= room;
            taken += if fits { more } else { 0 };
            fits
        });
        let snapshot = snapshot(frame);
        snapshot.to_follow = to_follow.iter().map(|member| member.instance).collect();
        snapshot.roster = roster;
        to_follow
    }

    /// Says the whole of those who were only named.
    pub(super) fn introduce(&mut self, members: Vec<Member>) {
        for member in members {
            self.say(&FromServer::MemberJoined(MemberChange { member }));
        }
    }
}

/// As it is written in a frame.
pub(super) fn size(part: &impl Serialize) -> usize {
    serde_json::to_string(part).map_or(limits::FRAME_BYTES, |text| text.len())
}
