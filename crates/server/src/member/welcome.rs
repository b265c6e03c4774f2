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
    Acked, Answer, Capabilities, FromServer, Joined, Liveness, NeedSections, Role, Secret, SessionSnapshot,
    VideoWish,
};

impl Actor {
    /// `joined`, and then the answer to the state that the dial carried (R14).
    pub(super) fn welcome(
        &mut self,
        version: u32,
        expires_in_ms: Option<u64>,
        resumed: bool,
        answer: Option<Answer>,
    ) {
        let asked = answer.is_none();
        let joined = Joined {
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
        self.say(&FromServer::Joined(joined));
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

    pub(super) fn snapshot(&mut self) -> SessionSnapshot {
        SessionSnapshot {
            applied: self.applied,
            generation: self.generation.as_ref().map(|generation| generation.number),
            sending: self.media.as_ref().map(Media::sending).unwrap_or_default(),
            roster: self.shared.rooms.roster(&self.place.key),
            waiting: self.media.as_mut().map(Media::without).unwrap_or_default(),
        }
    }
}
