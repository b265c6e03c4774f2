//! How to join: everything that is decided beforehand, in one value that a failed join gives
//! back. What is done with it is in `joining.rs` and the host.

mod held;

use crate::change::{Change, Unfit};
use crate::error::BadName;
use crate::sources::{Feeder, Track};
use crate::token::ResumeToken;
use crate::translate::media_lack;
use bytes::Bytes;
use held::Held;
use offhook_lifecycle::{BadTrack, JoinErrorKind, JoinWish, MediaLack};
use offhook_media::{Player, Publication, voice};
use offhook_transport::media::{Kind, TrackSpec};
use offhook_transport::{Capabilities, Capability};
use std::time::Duration;

/// The label of the track that [`Join::voice`] publishes.
pub(crate) const VOICE: &str = "voice";

/// What a track of this kind is called unless somebody says otherwise.
pub(crate) fn free_label(kind: Kind, taken: impl Fn(&str) -> bool) -> String {
    let kind = match kind {
        Kind::Audio => "audio",
        Kind::Video => "video",
    };
    let mut label = kind.to_owned();
    let mut n = 1;
    while taken(&label) {
        n += 1;
        label = format!("{kind}-{n}");
    }
    label
}

/// Can a track be called so?
pub(crate) fn check_label(label: &str) -> Result<(), BadName> {
    if label.is_empty() {
        return Err(BadName::Empty);
    }
    BadName::check(label, TrackSpec::LABEL)
}

/// How to join a session.
///
/// Everything in it is carried by the join itself and acknowledged by the far side before
/// the join succeeds: no frame comes back that the initial prompt did not shape (F03).
///
/// # Drop
/// Sources that were published are dropped with it, borrowed tracks live on.
#[derive(Debug, Default)]
#[must_use = "a join does nothing until a session joins with it"]
pub struct Join {
    pub(crate) model: Option<String>,
    pub(crate) viewer: bool,
    pub(crate) wait: Option<Wait>,
    pub(crate) initial: Change,
    pub(crate) publish: Vec<(String, Held)>,
    pub(crate) left_out: Vec<LeftOut>,
    pub(crate) voice: Option<Player>,
    pub(crate) resume: Option<ResumeToken>,
}

impl Join {
    /// A join that asks for nothing in particular.
    pub fn new() -> Self {
        Self::default()
    }

    /// The model or persona to join with, over every recovery (F58). One that the far side does not know
    /// is refused as `Rejection::UnknownModel`; [`JoinError::known`](crate::JoinError::known) has those
    /// that it does.
    pub fn model(mut self, name: impl Into<String>) -> Self {
        self.model = Some(name.into());
        self
    }

    /// The prompt in force from the first frame on.
    pub fn prompt(mut self, text: impl Into<String>) -> Self {
        self.initial = self.initial.prompt(text);
        self
    }

    /// The reference image in force from the first frame on: as [`Change::image`]. Where the far side
    /// lacks it the join takes as long as its bytes do; [`Event::Uploading`](crate::Event) tells how
    /// far they are.
    pub fn image(mut self, encoded: impl Into<Bytes>) -> Self {
        self.initial = self.initial.image(encoded);
        self
    }

    /// Everything of the initial state at once, in place of what was named before.
    pub fn initially(mut self, change: Change) -> Self {
        self.initial = change;
        self
    }

    /// Joins with everything of a kind muted.
    pub fn muted(mut self, kind: Kind) -> Self {
        self.initial = self.initial.muted(kind, true);
        self
    }

    /// Publishes a track: a source is taken over (`publish(Clip::open("me.h264")?)`), a track
    /// of yours is borrowed and never stopped (`publish(&track)`).
    ///
    /// The track is labelled `video` or `audio`, with a number from the second of a kind on.
    ///
    /// It is required: one that cannot be read (a [`Preferred`](offhook_media::Preferred) none of
    /// whose ways opened) fails the join as `NoUserMedia`, before any I/O (F61); one in a codec that the
    /// far side does not take fails it as `TrackNotTaken`, and
    /// [`JoinError::untaken`](crate::JoinError::untaken) names it (F60).
    pub fn publish(self, publication: impl Into<Publication>) -> Self {
        let publication = publication.into();
        let label = self.next_label(publication.codec().kind());
        self.publish_as(label, publication)
    }

    /// Publishes a track if it can be read, and joins without it if not (F61): the microphone
    /// is wished for, the camera is required. What was left out is in
    /// [`left_out`](Self::left_out), and dropped.
    ///
    /// Whether it can be read is asked here and now, and of what it says once more when the join
    /// begins: a device that breaks in between fails the join as one that is required does.
    pub fn publish_if_there(mut self, publication: impl Into<Publication>) -> Self {
        let publication = publication.into();
        let Some(lack) = publication.lack() else { return self.publish(publication) };
        let label = self.next_label(publication.codec().kind());
        tracing::info!(label, ?lack, "joining without a source that was only wished for");
        self.left_out.push(LeftOut { label, lack: media_lack(lack) });
        self
    }

    /// What was wished for and is not there, in the order of the wishes.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    fn next_label(&self, kind: Kind) -> String {
        free_label(kind, |label| self.publish.iter().any(|(known, _)| known == label))
    }

    /// Publishes a track under a label of your own: 1 to 128 bytes, no control characters. A label used
    /// twice is the newer one's. With another label, or with more than 32 tracks, the join fails as
    /// `BadTrack` before any I/O, and [`JoinError::track`](crate::JoinError::track) names it.
    pub fn publish_as(mut self, label: impl Into<String>, publication: impl Into<Publication>) -> Self {
        let label = label.into();
        self.publish.retain(|(known, _)| *known != label);
        if label == VOICE {
            self.voice = None;
        }
        self.publish.push((label, Held::new(publication.into())));
        self
    }

    /// Publishes a voice, labelled `voice`: a track of sound that is silent until something is
    /// played into it with [`play_audio`](crate::Session::play_audio) (F54). It needs no
    /// microphone, and no camera beside it.
    pub fn voice(self) -> Self {
        let (source, player) = voice();
        let mut join = self.publish_as(VOICE, source);
        join.voice = Some(player);
        join
    }

    /// Receives only (F53). With a publication beside it the join fails as `NotPermitted`.
    pub fn viewer(mut self) -> Self {
        self.viewer = true;
        self
    }

    /// Waits in the far side's queue for at most so long (`None`: as the policy says, ten minutes
    /// by default), rather than fail as busy (F07). The time in the queue does not count against
    /// the deadlines of the join; when it is over the join fails as `QueueTimedOut`.
    ///
    /// The limit is the session's: a second join of the same `Session` keeps that of the first.
    pub fn wait_in_queue(mut self, max: impl Into<Option<Duration>>) -> Self {
        self.wait = Some(Wait { most: max.into() });
        self
    }

    /// Takes up the session that the token is of, as the same instance: always a rejoin under
    /// the same session id. Fails as `NoSessionToResume` when the far side no longer has it.
    pub fn resume(mut self, token: ResumeToken) -> Self {
        self.resume = Some(token);
        self
    }

    /// What can be seen to be impossible before any I/O.
    pub(crate) fn check(&self, can: Capabilities) -> Result<(), JoinErrorKind> {
        if self.viewer && !self.publish.is_empty() {
            return Err(JoinErrorKind::NotPermitted);
        }
        let needs = [
            (!self.publish.is_empty(), Capability::Publish),
            (self.initial.prompt.is_some(), Capability::Prompt),
            (self.initial.image.is_some(), Capability::Image),
            (self.wait.is_some(), Capability::Queue),
            (self.resume.is_some(), Capability::Rejoin),
        ];
        if needs.into_iter().any(|(needed, capability)| needed && !can.has(capability)) {
            return Err(JoinErrorKind::NotSupported);
        }
        if let Some((_, why)) = self.bad_track() {
            return Err(JoinErrorKind::BadTrack(why));
        }
        if let Some(lack) = self.publish.iter().find_map(|(_, publication)| publication.lack()) {
            return Err(JoinErrorKind::NoUserMedia(media_lack(lack)));
        }
        let item = match self.initial.check() {
            Ok(()) => return Ok(()),
            Err(Unfit::TooLarge { what: "prompt", .. } | Unfit::Control { .. }) => {
                offhook_lifecycle::StateItem::Prompt
            }
            Err(Unfit::TooLarge { .. } | Unfit::EmptyImage | Unfit::Address) => {
                offhook_lifecycle::StateItem::Image
            }
        };
        Err(JoinErrorKind::InitialStateRefused { item })
    }

    /// The first track that cannot be published, by its label.
    pub(crate) fn bad_track(&self) -> Option<(&str, BadTrack)> {
        let labels = || self.publish.iter().map(|(label, _)| label.as_str());
        let bad = labels().find(|label| check_label(label).is_err());
        bad.map(|label| (label, BadTrack::Label))
            .or_else(|| labels().nth(TrackSpec::MOST).map(|label| (label, BadTrack::TooMany)))
    }

    /// As [`check`](Self::check), for the join that follows a ring: it waits in no queue, and takes
    /// nothing up again.
    pub(crate) fn fits_a_ring(&self, can: Capabilities) -> Result<(), JoinErrorKind> {
        if self.wait.is_some() || self.resume.is_some() {
            return Err(JoinErrorKind::NotSupported);
        }
        self.check(can)
    }

    /// Splits it into what the host needs and what is kept to give it back.
    pub(crate) fn begin(self) -> (JoinData, KeptJoin) {
        let mut tracks = Vec::new();
        let mut feeders = Vec::new();
        for (label, publication) in self.publish {
            let (track, feeder) = Track::new(label, publication.let_go());
            track.track.set_muted(self.initial.mutes(track.kind()));
            tracks.push(track);
            feeders.push(feeder);
        }
        let kept = KeptJoin {
            join: Join {
                model: self.model.clone(),
                viewer: self.viewer,
                wait: self.wait,
                initial: self.initial.clone(),
                publish: Vec::new(),
                left_out: self.left_out,
                voice: self.voice.clone(),
                resume: self.resume.clone(),
            },
            tracks: tracks.clone(),
        };
        let data = JoinData {
            model: self.model,
            viewer: self.viewer,
            wait: self.wait,
            initial: self.initial,
            tracks,
            feeders,
            voice: self.voice,
            resume: self.resume,
        };
        (data, kept)
    }
}

/// A source that was wished for with [`Join::publish_if_there`] and could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    label: String,
    lack: MediaLack,
}

impl LeftOut {
    /// The label its track would have had.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Why it could not be had; its text says what to do about that.
    pub fn lack(&self) -> MediaLack {
        self.lack
    }
}

/// A wish to wait in the queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    /// At most so long; `None` is as the policy says.
    pub(crate) most: Option<Duration>,
}

/// What the host needs of a join.
#[derive(Debug, Default)]
pub(crate) struct JoinData {
    pub(crate) model: Option<String>,
    pub(crate) viewer: bool,
    pub(crate) wait: Option<Wait>,
    pub(crate) initial: Change,
    pub(crate) tracks: Vec<Track>,
    pub(crate) feeders: Vec<Feeder>,
    pub(crate) voice: Option<Player>,
    pub(crate) resume: Option<ResumeToken>,
}

impl JoinData {
    pub(crate) fn wish(&self) -> JoinWish {
        JoinWish { wait_in_queue: self.wait.is_some(), returning: self.resume.is_some() }
    }
}

/// What is kept of a join while it is under way.
#[derive(Debug)]
pub(crate) struct KeptJoin {
    join: Join,
    tracks: Vec<Track>,
}

impl KeptJoin {
    /// The join as it was, its sources included: from here on nothing reads them.
    pub(crate) fn restore(self) -> Join {
        let mut join = self.join;
        join.publish = self
            .tracks
            .iter()
            .filter_map(|track| Some((track.label().to_owned(), Held::new(track.give_back()?))))
            .collect();
        join
    }
}
