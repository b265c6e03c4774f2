//! Moderation (F64): what a member has done as a moderator, and what is done to one that another
//! moderates. Who may is judged by the credential as it is now. What it waits to hear of is in `asked.rs`.

mod asked;

pub(super) use asked::{Asked, Outcome};

use super::{Actor, Mail, Notices};
use crate::handover::{Passed, pass_end, pass_silence};
use asked::answer;
use offhook_signaling::{
    Desired, EndCode, EndForAll, Ended, Error, ErrorCode, FromServer, Instance, Item, Kick, MediaKind,
    ModerationRefusal, MuteMember, MutedBy, NotModerated, Party, RefusalCode, Refused,
};
use offhook_transport::media::Kind;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// What a moderator muted of a member. Kept over every link of it, and handed over by a drain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Silenced {
    audio: Silence,
    video: Silence,
}

/// Where one kind is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Silence {
    /// Not muted by anybody else.
    #[default]
    Off,
    /// Muted by this one, and its client did not yet say that it is.
    Asked(Instance),
    /// Muted by this one, and its client knows: a state of it without the mute is its own wish to
    /// unmute.
    Known(Instance),
}

impl Silenced {
    fn of(&mut self, kind: Kind) -> &mut Silence {
        match kind {
            Kind::Audio => &mut self.audio,
            Kind::Video => &mut self.video,
        }
    }

    /// With what was muted before where nothing is muted now.
    pub(crate) fn or(self, before: Self) -> Self {
        let or = |now, before| if now == Silence::Off { before } else { now };
        Self { audio: or(self.audio, before.audio), video: or(self.video, before.video) }
    }

    /// A kind that a moderator lets be heard, or seen, again.
    pub(crate) fn lift(&mut self, kind: Kind) {
        *self.of(kind) = Silence::Off;
    }

    /// Did no moderator mute anything?
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Is nothing of this kind to go anywhere?
    pub(crate) fn is(mut self, kind: Kind) -> bool {
        *self.of(kind) != Silence::Off
    }
}

/// Who muted what, or takes it back.
#[derive(Clone, Copy)]
pub(crate) struct Silencing {
    pub(crate) by: Instance,
    pub(crate) kind: Kind,
    pub(crate) muted: bool,
}

impl Actor {
    pub(super) fn kick(&mut self, kick: &Kick) {
        let Some(user) = self.moderated_user(kick.id, kick.member).map(|(user, _)| user) else { return };
        if self.asked.is_full() {
            return self.asks_too_much();
        }
        let life = self.shared.config.kick_life;
        self.shared.kicks.keep_out(&self.place.key, &user, life, Instant::now());
        let ended = by_moderator(EndCode::Kicked, "removed by a moderator");
        let (shared, key, alive) = (self.shared.clone(), self.place.key.clone(), self.shared.alive());
        // In a task of its own: two who end each other must not wait for each other. It is over when all of
        // them have it before them.
        let ending = tokio::spawn(async move {
            shared.end_members(Some(&key), Some(&user), &ended).await;
            let passed = pass_end(&shared, &key, Some(&user), &ended, Some(life)).passed().await;
            drop(alive);
            passed
        });
        self.asked.wait_for_end(kick.id, ending);
    }

    pub(super) fn mute_member(&mut self, mute: &MuteMember) {
        let Some((_, notices)) = self.moderated_user(mute.id, mute.member) else { return };
        let Some(kind) = kind_of(&mute.kind) else {
            let text = "there is no such kind of media here; mute audio or video";
            return self.not_moderated(mute.id, ModerationRefusal::NotSupported, text);
        };
        if self.asked.is_full() {
            return self.asks_too_much();
        }
        // By level: what was asked for last is what is so.
        let silencing = Silencing { by: self.place.instance, kind, muted: mute.muted };
        let told = notices.silence(silencing);
        let passing = pass_silence(&self.shared, &self.place.key, mute.member, silencing, told.clone());
        self.asked.wait(mute.id, told, passing);
    }

    fn asks_too_much(&mut self) {
        let text = "too much is asked of a member that is not told yet; moderate more slowly";
        self.say(&FromServer::Error(Error::new(ErrorCode::RateLimited, text)));
        self.close_link(1008);
        self.lose_link();
    }

    /// What was asked of a member is in effect, or why it is not.
    pub(super) fn is_moderated(&mut self, id: u64, outcome: Outcome) {
        self.say(&answer(id, outcome));
    }

    pub(super) fn end_for_all(&mut self, end: &EndForAll) {
        if !self.grants.moderate {
            return self.no_moderator(end.id);
        }
        self.shared.rings.lock().end_session(&self.place.key, Instant::now());
        let ended = by_moderator(EndCode::EndedForAll, "a moderator ended the session for everybody");
        let (id, key, instance) = (end.id, self.place.key.clone(), self.place.instance);
        let (shared, alive) = (self.shared.clone(), self.shared.alive());
        // Where others may be on their way elsewhere, only that server's answer says what is so.
        let moves = shared.emptied_to().is_some();
        if !moves {
            self.say(&answer(id, Outcome::Done));
        }
        // In a task of its own, as a kick. It ends the moderator too, who is answered before; nobody is left
        // to wait for it.
        tokio::spawn(async move {
            let own = shared.rooms.mailbox(&key, instance).filter(|_| moves);
            shared.end_members_but(own.as_ref(), (Some(&key), None), &ended).await;
            let passed = pass_end(&shared, &key, None, &ended, None).passed().await;
            if let Some(own) = own {
                let outcome = if passed == Passed::Lost { Outcome::NotPassedOn } else { Outcome::Done };
                let _ = own.send(Mail::Say(Box::new(answer(id, outcome)))).await;
                if outcome == Outcome::Done {
                    let _ = own.send(Mail::End(Box::new(ended))).await;
                }
            }
            drop(alive);
        });
    }

    /// Somebody else in the session, for a moderator; else the one who asks is told why not.
    fn moderated_user(&mut self, id: u64, member: Instance) -> Option<(String, Notices)> {
        if !self.grants.moderate {
            self.no_moderator(id);
            return None;
        }
        match self.shared.rooms.member(&self.place.key, member) {
            Some((user, _)) if user == self.seen.user => {
                let text = "that is yourself; leave, or mute yourself";
                self.not_moderated(id, ModerationRefusal::Oneself, text);
                None
            }
            Some(found) => Some(found),
            None => {
                let text = match self.shared.emptied_to() {
                    None => "there is no such member in the session; look at the roster",
                    Some(_) => "that member is not here any more; ask again when you have moved as well",
                };
                self.not_moderated(id, ModerationRefusal::UnknownMember, text);
                None
            }
        }
    }

    fn no_moderator(&mut self, id: u64) {
        let text = "you are no moderator here; ask for a credential that makes you one";
        self.not_moderated(id, ModerationRefusal::NotPermitted, text);
    }

    fn not_moderated(&mut self, id: u64, why: ModerationRefusal, text: &str) {
        self.say(&FromServer::NotModerated(NotModerated { id, why, text: text.to_owned() }));
    }

    /// A moderator mutes this member, or takes that back.
    pub(super) fn silence(&mut self, silencing: &Silencing) {
        let Silencing { by, kind, muted } = *silencing;
        let is_known = self.mutes(&self.desired, kind);
        *self.silenced.of(kind) = match (muted, is_known) {
            (false, _) => Silence::Off,
            (true, true) => Silence::Known(by),
            (true, false) => Silence::Asked(by),
        };
        if muted {
            self.note_silence();
        } else {
            self.shared.silences.lift(&self.place.key, &self.seen.user, kind);
        }
        self.silence_media();
        self.repaint();
        self.tell_silence(by, kind, muted);
    }

    /// A mute that is not its own to undo is not undone by leaving and coming again either. Another device
    /// that nobody muted changes nothing about it: only a moderator takes it back.
    pub(super) fn note_silence(&self) {
        if !self.grants.unmute && !self.seen.user.is_empty() {
            let (life, now) = (self.shared.config.kick_life, Instant::now());
            self.shared.silences.note(&self.place.key, &self.seen.user, self.silenced, life, now);
        }
    }

    /// Comes in anew: what moderators muted of its user is muted still.
    pub(super) fn recall_silence(&mut self) {
        if !self.grants.unmute {
            self.silenced = self.shared.silences.of(&self.place.key, &self.seen.user, Instant::now());
        }
    }

    fn tell_silence(&mut self, by: Instance, kind: Kind, muted: bool) {
        self.say(&FromServer::MutedBy(MutedBy {
            moderator: by,
            kind: media_kind(kind),
            muted,
            may_unmute: self.grants.unmute,
        }));
    }

    /// On a link that begins anew: its client may not know, and is told again.
    pub(super) fn still_silenced(&mut self) {
        self.silence_media();
        for kind in [Kind::Audio, Kind::Video] {
            let (Silence::Asked(by) | Silence::Known(by)) = *self.silenced.of(kind) else { continue };
            if self.mutes(&self.desired, kind) {
                *self.silenced.of(kind) = Silence::Known(by);
            } else {
                *self.silenced.of(kind) = Silence::Asked(by);
                self.tell_silence(by, kind, true);
            }
        }
    }

    /// Does this state undo a mute that is not its own to undo? Then it is refused, and said so.
    pub(super) fn may_not_unmute(&mut self, desired: &Desired, id: Option<u64>) -> bool {
        let known = |mut silenced: Silenced, kind| matches!(silenced.of(kind), Silence::Known(_));
        let undoes = |kind| known(self.silenced, kind) && !self.mutes(desired, kind);
        if self.grants.unmute || ![Kind::Audio, Kind::Video].into_iter().any(undoes) {
            return false;
        }
        let text = "a moderator muted you; ask to be let unmute".to_owned();
        let (item, code) = (Item::Muted, RefusalCode::NotPermitted);
        self.say(&FromServer::Refused(Refused { revision: desired.revision, id, item, code, text }));
        true
    }

    /// A state is in effect: a mute that it has is known, one that it had and has not any more is over.
    pub(super) fn unmutes(&mut self) {
        for kind in [Kind::Audio, Kind::Video] {
            let has = self.mutes(&self.desired, kind);
            let silence = self.silenced.of(kind);
            *silence = match (*silence, has) {
                (Silence::Off, _) | (Silence::Known(_), false) => Silence::Off,
                (Silence::Asked(by) | Silence::Known(by), true) => Silence::Known(by),
                (Silence::Asked(by), false) => Silence::Asked(by),
            };
        }
        self.silence_media();
    }

    /// Has it, in this state, everything of a kind muted that it sends or will send?
    fn mutes(&self, desired: &Desired, kind: Kind) -> bool {
        let kind = media_kind(kind);
        let mut tracks = self.seen.tracks.iter().filter(|track| track.kind == kind).peekable();
        desired.muted_kinds.contains(&kind)
            || tracks.peek().is_some() && tracks.all(|track| desired.mutes(track))
    }

    /// Is nothing of this kind to go anywhere: by its own wish, or by a moderator's?
    pub(super) fn is_silent(&self, kind: Kind) -> bool {
        self.silenced.is(kind) || self.mutes(&self.desired, kind)
    }

    /// Its tracks of which nothing is to go anywhere: those it muted itself, and of what a moderator
    /// muted all.
    pub(super) fn muted_tracks(&self) -> Vec<String> {
        let silent = |track: &&offhook_signaling::Track| {
            let silenced = match &track.kind {
                MediaKind::Audio => self.silenced.is(Kind::Audio),
                MediaKind::Video => self.silenced.is(Kind::Video),
                MediaKind::Other(_) => false,
            };
            silenced || self.desired.mutes(track)
        };
        let those = self.seen.tracks.iter().filter(silent).map(|track| track.track.clone());
        // A name is muted before there is a track of it.
        self.desired.muted.iter().cloned().chain(those).collect()
    }

    /// What is muted is in effect, and seen by the others, when this returns.
    fn silence_media(&mut self) {
        let muted = self.muted_tracks();
        if let Some(media) = &self.media {
            media.silence(Kind::Audio, self.is_silent(Kind::Audio));
            media.mute(&muted);
        }
        if self.mark_muted() {
            self.show_tracks();
        }
    }
}

fn by_moderator(reason: EndCode, text: &str) -> Ended {
    Ended { reason, by: Party::Member, text: text.to_owned(), may_retry: false }
}

pub(crate) fn kind_of(kind: &MediaKind) -> Option<Kind> {
    match kind {
        MediaKind::Audio => Some(Kind::Audio),
        MediaKind::Video => Some(Kind::Video),
        MediaKind::Other(_) => None,
    }
}

pub(crate) fn media_kind(kind: Kind) -> MediaKind {
    match kind {
        Kind::Audio => MediaKind::Audio,
        Kind::Video => MediaKind::Video,
    }
}
