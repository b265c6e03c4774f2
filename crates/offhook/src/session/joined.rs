//! What a joined session can do. Commands on the far side are here and nowhere else, so that
//! "after leave" stays a compile error. Each acts when called; its future, in `pending.rs`,
//! only waits.

use super::pending::{EndedFuture, Setting};
use super::{Leaving, Session};
use crate::change::Change;
use crate::command::Command;
use crate::error::{PlayError, PublishError, SetError, TrackError};
use crate::join::{check_label, free_label};
use crate::muting::Mutes;
use crate::sources::{Origin, Refused, Track};
use crate::token::ResumeToken;
use crate::track::{RemoteTrack, TrackInfo};
use crate::translate;
use crate::video::RemoteVideo;
use bytes::Bytes;
use offhook_lifecycle::{EndReason, Full, Joined, Revision};
use offhook_media::{Playing, Publication, Sound};
use offhook_transport::media::{Kind, TrackId, TrackReceiver, TrackSpec};
use offhook_transport::{Capability, UntakenTrack};
use tokio::sync::oneshot;

impl Session<Joined> {
    /// Asks the far side to repaint the picture as this text says, from here on and after
    /// every recovery (F50). Acts when called.
    ///
    /// The future yields the revision that is now in effect.
    ///
    /// # Errors
    /// [`SetError`]; each call ends exactly once (R15).
    ///
    /// # Drop
    /// The wish stands; its result is an event all the same.
    pub fn set_prompt(&self, text: impl Into<String>) -> Setting {
        self.set(Change::new().prompt(text))
    }

    /// Gives the far side a reference image, the bytes of a file (F51): limits and formats are
    /// with [`Change::image`]. Acts when called.
    ///
    /// A far side that lacks it is sent it in pieces, at most 64 KiB ahead of its receipts, between
    /// everything else: [`Event::Uploading`](crate::Event::Uploading) tells how far it is. Each
    /// receipt starts the 15 seconds anew after which this would end `Unconfirmed`. With
    /// [`set`](Self::set) prompt and image are one change: in effect together, or refused together.
    ///
    /// # Errors
    /// As [`set_prompt`](Self::set_prompt).
    pub fn set_image(&self, encoded: impl Into<Bytes>) -> Setting {
        self.set(Change::new().image(encoded))
    }

    /// Makes one change of the desired state: what it names takes effect at once or not at
    /// all, what it does not name is not touched. Acts when called; a mute is in effect on this
    /// side when this returns, an unmute when the far side has it ([`unmute`](Self::unmute)).
    ///
    /// It may follow a slider: after a burst of 30 changes the far side hears of the newest fifteen times a
    /// second, with one answer to all that it covers; those that a newer one replaced before end
    /// `Superseded`. A message that is sent meanwhile may arrive before a change that waits its turn: await
    /// the change first where that counts.
    ///
    /// # Errors
    /// As [`set_prompt`](Self::set_prompt).
    ///
    /// # Drop
    /// The wish stands.
    pub fn set(&self, change: Change) -> Setting {
        let shared = self.shared();
        if let Err(error) = self.open().map_err(|reason| SetError::Ended { reason }) {
            return Setting::failed(shared, error);
        }
        if let Err(unfit) = change.check() {
            return Setting::failed(shared, unfit.into());
        }
        let mutes = Mutes { audio: change.mutes(Kind::Audio), video: change.mutes(Kind::Video) };
        let (answer, waiting) = oneshot::channel();
        // Held until the mute is in effect here: the host takes nothing in before.
        let mut notes = shared.notes();
        match self.inner.send(Command::Set { change: translate::change(change), mutes, answer }) {
            Ok(()) => notes.mutes(mutes),
            Err(Full(_)) => {
                drop(notes);
                return Setting::failed(shared, SetError::Full);
            }
        }
        drop(notes);
        Setting::waiting(shared, waiting)
    }

    /// Takes a change back that was not confirmed: what was desired before it is desired
    /// again. One that is confirmed while this is on its way stands, and its own result says so.
    ///
    /// # Errors
    /// [`SetError::Confirmed`], [`SetError::Full`], [`SetError::Ended`].
    pub fn withdraw(&self, revision: Revision) -> Result<(), SetError> {
        self.open().map_err(|reason| SetError::Ended { reason })?;
        if self.shared().told.get().acked() >= revision {
            return Err(SetError::Confirmed { revision });
        }
        self.inner.send(Command::Withdraw { revision }).map_err(|Full(_)| SetError::Full)
    }

    /// Stops everything of a kind that this session publishes. In effect on this side when
    /// this returns, and kept over every recovery (F60); the future waits for the far side. A mute that is
    /// refused, or taken back with [`withdraw`](Self::withdraw), leaves what was before it.
    ///
    /// A borrowed track is muted for this session only.
    ///
    /// # Errors
    /// As [`set_prompt`](Self::set_prompt).
    pub fn mute(&self, kind: Kind) -> Setting {
        self.set(Change::new().muted(kind, true))
    }

    /// Undoes [`mute`](Self::mute), from when the far side has confirmed it: nothing goes out before, and
    /// nothing at all if it refuses, as it does where a moderator muted and unmuting is not granted. Video
    /// begins again at a key frame.
    ///
    /// # Errors
    /// As [`set_prompt`](Self::set_prompt).
    pub fn unmute(&self, kind: Kind) -> Setting {
        self.set(Change::new().muted(kind, false))
    }

    /// Puts another source in the place of a published one, without renegotiation: the far
    /// side sees a key frame and then the new picture. Gives the old source back. Where that one was over, or
    /// broke ([`Event::SourceEnded`](crate::Event::SourceEnded)), the track goes on with the new one.
    ///
    /// In the place of the voice ([`Join::voice`](crate::Join::voice)) whatever plays into it is cut, and nothing
    /// can be played any more.
    ///
    /// # Errors
    /// [`PublishError`]; the track goes on as it was.
    pub fn replace(
        &self,
        label: &str,
        source: impl Into<Publication>,
    ) -> Result<Option<Box<dyn offhook_media::Source>>, PublishError> {
        self.open().map_err(|reason| PublishError::Ended { reason })?;
        let Publication::Taken(source) = source.into() else { return Err(PublishError::Borrowed) };
        let track = self.shared().track(label);
        match track.as_ref().map(|track| &track.origin) {
            Some(Origin::Taken(slot)) => {
                let before = slot.swap(source).map_err(|refused| match refused {
                    Refused::OtherCodec => PublishError::OtherCodec,
                    Refused::Empty => PublishError::NoSuchTrack(label.to_owned()),
                })?;
                self.shared().notes().is_not_voice(label);
                Ok(before)
            }
            Some(Origin::Borrowed(_)) => Err(PublishError::IsBorrowed(label.to_owned())),
            None => Err(PublishError::NoSuchTrack(label.to_owned())),
        }
    }

    /// Plays a sound into the session, on the voice that it was joined with
    /// ([`Join::voice`](crate::Join::voice)), in place of the one that is being played (F54). Acts
    /// when called; what it gives says how the playing ended, and need not be awaited.
    ///
    /// While media is lost the sound waits, and then goes on where it was; what was played in the seconds
    /// before the loss was noticed is not played again. It plays on where only signaling is lost. While sound
    /// is muted it plays unheard. Leaving cuts it.
    ///
    /// # Errors
    /// [`PlayError`].
    ///
    /// # Drop
    /// Dropping what this gives stops nothing; [`stop_audio`](Self::stop_audio) does.
    pub fn play_audio(&self, sound: Sound) -> Result<Playing, PlayError> {
        self.open().map_err(|reason| PlayError::Ended { reason })?;
        // Played while the list is held: a voice that goes at this moment ends it.
        let notes = self.shared().notes();
        Ok(notes.voice.as_ref().ok_or(PlayError::NoVoice)?.play(sound))
    }

    /// Stops what is being played; the next packet is silence. False if nothing was.
    pub fn stop_audio(&self) -> bool {
        let voice = self.shared().notes().voice.clone();
        voice.is_some_and(|voice| voice.stop())
    }

    /// Publishes one more track into the running session, and gives its label: `video` or `audio`,
    /// with a number from the second of a kind on (F60). A source is taken over, a track of yours is
    /// borrowed, as with [`Join::publish`](crate::Join::publish).
    ///
    /// In a room each goes to the others. Where one picture comes back there is one to paint: the reference
    /// server's studio takes the first that is published and sent, and another while that is not. Its
    /// persona hears every sound, one speaker after another.
    ///
    /// Acts when called, also while the session is away: then the track is there when it is back, in
    /// the order of publication, and after every later recovery. It is muted if its kind is.
    ///
    /// Whether the far side takes its codec shows when it is offered: one that it does not is told as
    /// [`Event::TrackNotTaken`](crate::Event::TrackNotTaken), and costs nothing else.
    ///
    /// # Errors
    /// [`PublishError`]. A source that is refused is dropped, a borrowed track lives on.
    pub fn publish(&self, publication: impl Into<Publication>) -> Result<String, PublishError> {
        self.enter_track(None, publication.into())
    }

    /// As [`publish`](Self::publish), under a label of your own: 1 to 128 bytes, no control characters.
    ///
    /// # Errors
    /// [`PublishError`]: [`LabelTaken`](PublishError::LabelTaken) for a label that is in use,
    /// [`BadLabel`](PublishError::BadLabel) for one that no track can have, and
    /// [`TooMany`](PublishError::TooMany) with 32 published already.
    pub fn publish_as(
        &self,
        label: impl Into<String>,
        publication: impl Into<Publication>,
    ) -> Result<(), PublishError> {
        self.enter_track(Some(label.into()), publication.into()).map(drop)
    }

    /// Ends a published track for good: nothing more of it goes out when this returns, and its label
    /// is free. Of a source that was taken over nothing is read any more, and it is given back; a
    /// borrowed track lives on as it was. Without its voice the session plays nothing any more.
    ///
    /// # Errors
    /// [`PublishError`]; with [`PublishError::Full`] the track goes on.
    pub fn unpublish(&self, label: &str) -> Result<Option<Box<dyn offhook_media::Source>>, PublishError> {
        self.open().map_err(|reason| PublishError::Ended { reason })?;
        let mut notes = self.shared().notes();
        let at = notes.tracks.iter().position(|track| track.label() == label);
        let at = at.ok_or_else(|| PublishError::NoSuchTrack(label.to_owned()))?;
        self.inner.send(Command::Published { feeder: None }).map_err(|Full(_)| PublishError::Full)?;
        let track = notes.tracks.remove(at);
        notes.is_not_voice(label);
        drop(notes);
        Ok(track.unpublish())
    }

    /// The video that the far side sends, as a handle that survives every recovery (F41).
    /// Several may be taken; each gets every frame. Ready at once: frames come when the far
    /// side sends some.
    ///
    /// # Errors
    /// [`TrackError`].
    ///
    /// # Cancel safety
    /// Nothing is lost.
    #[allow(clippy::unused_async, reason = "a transport with tracks on demand has to ask for one here")]
    pub async fn remote_video(&self) -> Result<RemoteVideo, TrackError> {
        self.remote(Kind::Video).map(RemoteVideo::new)
    }

    /// The sound that the far side sends; as [`remote_video`](Self::remote_video).
    ///
    /// # Errors
    /// [`TrackError`].
    ///
    /// # Cancel safety
    /// Nothing is lost.
    #[allow(clippy::unused_async, reason = "as remote_video")]
    pub async fn remote_audio(&self) -> Result<TrackReceiver, TrackError> {
        self.remote(Kind::Audio)
    }

    /// What this session publishes and the far side does not take now, as last told by
    /// [`Event::TrackNotTaken`](crate::Event::TrackNotTaken) (F60). In the order of publication.
    pub fn untaken_tracks(&self) -> Vec<UntakenTrack> {
        self.shared().notes().untaken.clone()
    }

    /// What the other members publish now, in a session whose far side forwards it. Each of them was
    /// or will be told as [`Event::TrackAdded`](crate::Event::TrackAdded), too (F62).
    pub fn remote_tracks(&self) -> Vec<TrackInfo> {
        self.shared().notes().remote_tracks.values().cloned().collect()
    }

    /// A handle of another member's track, which goes on over every recovery of this session and of
    /// theirs (F41, F62). Several may be taken; each gets every frame. Ready at once: frames come when
    /// the far side sends some.
    ///
    /// # Errors
    /// [`TrackError`].
    pub fn track(&self, id: &TrackId) -> Result<RemoteTrack, TrackError> {
        self.open().map_err(|reason| TrackError::Ended { reason })?;
        let shared = self.shared();
        // Taken while the list is held: a track that goes at this moment ends its handle.
        let notes = shared.notes();
        let kind = notes.remote_tracks.get(id).map(|track| track.kind);
        let kind = kind.ok_or_else(|| TrackError::NoSuchTrack(id.clone()))?;
        Ok(RemoteTrack::new(id.clone(), shared.remote.track(id, kind)))
    }

    /// What a later process needs to take this session up again. A level: it changes with
    /// every link. `None` where the far side gives no such thing.
    pub fn resume_token(&self) -> Option<ResumeToken> {
        self.shared().notes().token.clone()
    }

    /// Leaves. Acts when called, in at most a millisecond: from its return no more of the
    /// user's media is read or sent, and every reader sees `Left` (R4). Await what it gives
    /// for `Session<Left>`, or drop it for a hang-up.
    ///
    /// A source that encodes (a pattern, raw pictures) may be in the middle of one picture:
    /// then this waits for that picture, which is thrown away.
    pub fn leave(self) -> Leaving {
        Leaving::new(self.inner.leave())
    }

    /// Waits until somebody ends the session.
    ///
    /// # Drop
    /// Leaves, as dropping the session does. To wait beside other work, watch
    /// [`states`](Session::states) or keep [`controls`](Session::controls).
    pub fn ended(self) -> EndedFuture {
        EndedFuture::new(self.inner.ended())
    }

    /// Publishes under this label, or under one that is free.
    fn enter_track(&self, label: Option<String>, publication: Publication) -> Result<String, PublishError> {
        let shared = self.shared();
        self.open().map_err(|reason| PublishError::Ended { reason })?;
        if shared.notes().viewer || !shared.capabilities.has(Capability::Publish) {
            return Err(PublishError::NotPermitted);
        }
        if let Some(label) = &label
            && let Err(why) = check_label(label)
        {
            return Err(PublishError::BadLabel { label: label.clone(), why });
        }
        let origin = Origin::of(publication);
        // Held from the choice of the label until the track has it: another may be choosing.
        let mut notes = shared.notes();
        let taken = |label: &str| notes.tracks.iter().any(|known| known.label() == label);
        let label = match label {
            Some(label) if taken(&label) => return Err(PublishError::LabelTaken(label)),
            Some(label) => label,
            None => free_label(origin.codec().kind(), taken),
        };
        if notes.tracks.len() >= TrackSpec::MOST {
            return Err(PublishError::TooMany { limit: TrackSpec::MOST });
        }
        let (track, feeder) = Track::from(label.clone(), origin);
        notes.tracks.push(track);
        let sent = self.inner.send(Command::Published { feeder: Some(feeder) });
        // Ended meanwhile, nobody takes it; and nobody lets go of it but here.
        let refused = match (sent, self.open()) {
            (Ok(()), Ok(())) => return Ok(label),
            (_, Err(reason)) => PublishError::Ended { reason },
            (Err(Full(_)), Ok(())) => PublishError::Full,
        };
        let track = notes.tracks.pop();
        drop(notes);
        // With its source, whose own end may take its time.
        drop(track);
        Err(refused)
    }

    fn remote(&self, kind: Kind) -> Result<TrackReceiver, TrackError> {
        self.open().map_err(|reason| TrackError::Ended { reason })?;
        if !self.shared().capabilities.has(Capability::MediaPlane) {
            return Err(TrackError::NotSupported);
        }
        Ok(self.shared().remote.receiver(kind))
    }

    fn open(&self) -> Result<(), EndReason> {
        self.shared().open()
    }
}
