//! Examples of what moderators say and are told.

use super::{OURS, THEIRS};
use crate::codes::{MediaKind, ModerationRefusal};
use crate::{EndForAll, FromClient, FromServer, Kick, Moderated, MuteMember, MutedBy, NotModerated};

pub(super) fn kick() -> Vec<FromClient> {
    vec![FromClient::Kick(Kick { id: 15, member: THEIRS })]
}

pub(super) fn mute_member() -> Vec<FromClient> {
    let mute = |id, muted| MuteMember { id, member: THEIRS, kind: MediaKind::Audio, muted };
    vec![FromClient::MuteMember(mute(16, true)), FromClient::MuteMember(mute(17, false))]
}

pub(super) fn end_for_all() -> Vec<FromClient> {
    vec![FromClient::EndForAll(EndForAll { id: 18 })]
}

pub(super) fn moderated() -> Vec<FromServer> {
    vec![FromServer::Moderated(Moderated { id: 15 })]
}

pub(super) fn not_moderated() -> Vec<FromServer> {
    vec![FromServer::NotModerated(NotModerated {
        id: 16,
        why: ModerationRefusal::NotPermitted,
        text: "you are no moderator here; ask for a credential that makes you one".to_owned(),
    })]
}

pub(super) fn muted_by() -> Vec<FromServer> {
    let muted_by = |muted| MutedBy { moderator: OURS, kind: MediaKind::Audio, muted, may_unmute: true };
    vec![FromServer::MutedBy(muted_by(true)), FromServer::MutedBy(muted_by(false))]
}
