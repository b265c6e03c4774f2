//! What a moderator asks for, and what comes of it; and what a moderator did to us (F64).

use super::driver::{Driver, Flow};
use super::translate;
use offhook_signaling::{EndForAll, FromClient, Instance, Kick, MuteMember, MutedBy, NotKnown};
use offhook_transport::{Content, Event, Moderate, Moderation, ModerationRefusal, Unsent};

impl Driver {
    pub(super) fn moderate(&mut self, moderation: Moderation) -> Flow {
        let Moderation { id, act } = moderation;
        let message = match act {
            Moderate::EndForAll => Some(FromClient::EndForAll(EndForAll { id })),
            Moderate::Kick { member } => {
                member.parse::<Instance>().ok().map(|member| FromClient::Kick(Kick { id, member }))
            }
            Moderate::Mute { member, kind, muted } => member.parse::<Instance>().ok().map(|member| {
                let kind = translate::media_kind(kind);
                FromClient::MuteMember(MuteMember { id, member, kind, muted })
            }),
        };
        match message {
            Some(message) => self.send(&message),
            None => {
                let text = "that is no name of a member; take one from the roster".to_owned();
                self.moderated(id, Some((ModerationRefusal::UnknownMember, text)));
                Flow::On
            }
        }
    }

    pub(super) fn moderated(&mut self, id: u64, refused: Option<(ModerationRefusal, String)>) {
        self.out.say(Event::Content(Content::Moderated { id, refused }));
    }

    /// A far side of an earlier version that does not know the word.
    pub(super) fn not_known(&mut self, not_known: &NotKnown) {
        if matches!(not_known.what.as_str(), "kick" | "mute_member" | "end_for_all") {
            let text = "the far side has no moderation; update it".to_owned();
            self.moderated(not_known.id, Some((ModerationRefusal::NotSupported, text)));
        }
        if is_of_a_message(not_known) {
            let text = "the far side has no such thing; look at what it can do".to_owned();
            self.unsent(not_known.id, Unsent::NotSupported, Vec::new(), text);
        }
    }

    pub(super) fn muted_by(&mut self, muted: &MutedBy) {
        // A kind of a later version is none that we send.
        let Some(kind) = translate::our_kind(&muted.kind) else { return };
        let (by, muted, may_unmute) = (muted.moderator.to_string(), muted.muted, muted.may_unmute);
        self.out.say(Event::Content(Content::Muted { by, kind, muted, may_unmute }));
    }
}

/// Is it about something that was sent under a message's own number?
pub(super) fn is_of_a_message(not_known: &NotKnown) -> bool {
    matches!(not_known.what.as_str(), "say" | "message" | "reaction")
}
