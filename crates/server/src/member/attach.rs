//! How a link comes to a member: join, rejoin, migrate, resume. The newest epoch wins; a link
//! that is refused is told why and changes nothing.

use super::clock::FAULT_GRACE;
use super::media::{Media, MediaError, takes};
use super::moderating::{Asked, Silenced};
use super::welcome::size;
use super::{Actor, Attach, Flow, Hello, Link, ToSocket};
use crate::door::{self, Admission};
use crate::model::Model;
use crate::studio::Recipe;
use crate::token::{Grants, Pass};
use offhook_signaling::{
    Answer, Attendance, Desired, EndCode, Ended, Error, ErrorCode, FromServer, Item, Join, LeaveCode,
    MemberChange, Migrate, Offer, Party, Ping, Progress, Rejoin, Reliability, ReplayLost, Resume,
    ResumeRefusal, Resumed, Role, Secret, Step, Track, encode, limits,
};
use std::time::Duration;
use subtle::ConstantTimeEq;
use tokio::time::Instant;

/// What a join and a migrate have in common.
struct Entry {
    epoch: u64,
    desired: Desired,
    tracks: Vec<Track>,
    offer: Option<Offer>,
    viewer: bool,
    name: Option<String>,
    resumed: bool,
    /// Comes from elsewhere or comes again, or at least it may have.
    returns: bool,
    /// What it brings along, as the server says that it comes from.
    brings: Brings,
}

/// What a ticket says of who comes with it.
#[derive(Default)]
struct Brings {
    /// How long it may still stay.
    time_left: Option<Duration>,
    generations: u64,
    generated: Duration,
    silenced: Silenced,
}

impl Brings {
    fn of(pass: &Pass) -> Self {
        Self {
            time_left: pass.left(),
            generations: pass.generations,
            generated: Duration::from_millis(pass.generated_ms),
            silenced: pass.silenced,
        }
    }
}

impl Actor {
    pub(super) async fn attach(&mut self, attach: Attach) -> Flow {
        let Attach { hello, link } = attach;
        match hello {
            Hello::Join(join, admission) => {
                let Join { epoch, desired, tracks, offer, viewer, name, rejoin, .. } = *join;
                // A session that this very join made anew was not found again, whatever its name.
                let found = self.epoch > 0 || !self.place.anew;
                // One whose key was good for nothing any more shows none, and its dials are counted on.
                let returns = self.epoch > 0 || rejoin.is_some() || epoch > 1;
                let resumed = found && rejoin.as_ref().is_some_and(|rejoin| self.is_key(rejoin));
                // A right that does not hold here is none (F02): the one who asks may not be the
                // one who was here.
                if rejoin.is_some_and(|rejoin| rejoin.must_exist) && !resumed {
                    let text = "the session is not here any more; join it anew";
                    return self.turn_away(&link, Error::new(ErrorCode::NoSessionToResume, text));
                }
                let brings = Brings::default();
                let entry = Entry { epoch, desired, tracks, offer, viewer, name, resumed, returns, brings };
                if let Some(error) = self.may_not_publish(&entry, &admission) {
                    return self.turn_away(&link, error);
                }
                self.enter(entry, admission, link).await
            }
            Hello::Migrate(migrate, admission) => {
                let Migrate { epoch, desired, tracks, offer, .. } = *migrate;
                let (viewer, name) =
                    admission.pass.as_ref().map(|pass| (pass.viewer, pass.name.clone())).unwrap_or_default();
                // The same session is one that kept its name on the way.
                let resumed =
                    admission.pass.as_ref().is_some_and(|pass| pass.session_id == self.place.session_id);
                let (returns, brings) = (true, admission.pass.as_ref().map(Brings::of).unwrap_or_default());
                let entry = Entry { epoch, desired, tracks, offer, viewer, name, resumed, returns, brings };
                self.enter(entry, admission, link).await
            }
            Hello::Resume(resume) => {
                self.resume(*resume, link).await;
                Flow::On
            }
        }
    }

    async fn enter(&mut self, entry: Entry, admission: Admission, link: Link) -> Flow {
        let refused = self.refusal(&entry, &admission);
        let model = admission.model;
        let recipe = match refused.map(|()| self.read_recipe(model, &entry.desired, &admission.grants)) {
            Err(error) => return self.turn_away(&link, *error),
            Ok(Err((item, text))) => {
                let mut error = Error::new(ErrorCode::InitialStateRefused, text);
                error.item = Some(item);
                return self.turn_away(&link, error);
            }
            Ok(Ok(recipe)) => recipe,
        };
        say_on(&link, &FromServer::Progress(Progress { step: Step::Preparing, text: None, percent: None }));
        let Ok(secret) = door::resume_secret() else {
            let text = "the server has no random numbers now; try again later";
            return self.turn_away(&link, Error::new(ErrorCode::Unavailable, text));
        };
        let invited = self.shared.rooms.role_of(&self.place.key, &admission.user);
        let viewer = entry.viewer || !admission.grants.publish || invited == Some(Role::Viewer);
        // Everything that can fail comes first: an offer that is not usable costs its link and
        // nothing of what the member had.
        let reference = self.reference_of(&entry.desired);
        let recipe = match &reference {
            Ok(reference) => recipe.over(reference.clone()),
            // Whatever comes before its image is here goes nowhere (R14).
            Err(()) => recipe.held(),
        };
        let remembered = (self.epoch == 0)
            .then(|| self.shared.rooms.remembered(&self.place.key, self.place.instance))
            .flatten();
        let heeded = remembered.unwrap_or_else(|| self.heed.clone());
        let standing = self.asked_under(&entry.desired);
        let heed = heeded.after(entry.desired.prompt.as_ref(), standing);
        let painted = self.directed(model, &heed, recipe.clone());
        let prepared = self.prepare(model, painted, !viewer, entry.offer.as_ref()).await;
        let (media, answer) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                return self.turn_away(&link, Error::new(ErrorCode::MediaFailed, error.to_string()));
            }
        };
        if link.out.is_closed() {
            // Given up meanwhile: the late copy of an abandoned dial evicts nobody (S19).
            media.close().await;
            return self.stay_as_before();
        }
        // Removed while it was on its way in (E8): it waited for assets, or for its media.
        if door::is_kicked(&self.shared, &self.place.key, &admission.user) {
            media.close().await;
            return self.turn_away(&link, door::removed());
        }
        let newcomer = self.seen.user.is_empty();
        // From here on it is known with the member itself.
        self.heed = heeded;
        self.shared.rooms.forget_heed(&self.place.key, self.place.instance);
        let most = self.shared.config.max_duration;
        let left = self.expires.is_none().then(|| entry.brings.time_left.or(most)).flatten();
        self.expires = self.expires.or_else(|| left.and_then(|left| Instant::now().checked_add(left)));
        // Its own ghost, if there is one, goes without a word: same instance, higher epoch.
        self.close_link(1000);
        self.stop_generation(offhook_signaling::GenerationEnd::Stopped);
        let old = self.media.replace(media);
        let unheard = self.unheard();
        self.frames = Reliability::new();
        self.link = Some(link);
        self.lost = None;
        self.epoch = entry.epoch;
        self.grants = admission.grants;
        self.credential = admission.credential;
        self.credential_lives(admission.expires_in_ms);
        self.heard = Instant::now();
        self.pinged = self.heard;
        self.interacted = self.heard;
        self.hears_speech = false;
        self.leaves = None;
        self.replay_lost = false;
        self.asked = Asked::default();
        // The one before is good until its client shows that it has the new one.
        let before = std::mem::replace(&mut self.secret, secret);
        if self.rejoin_secret.is_none() && !before.is_empty() {
            self.rejoin_secret = self.previous_secret.take().or(Some(before));
        }
        self.previous_secret = None;
        self.confirmed |= entry.resumed;
        self.model = model;
        let awaited = match reference {
            Ok(_) => {
                self.await_no_image();
                self.recipe = recipe;
                self.heed = heed;
                self.applied = Some(entry.desired.revision);
                self.desired = entry.desired;
                None
            }
            Err(()) => {
                self.recipe = Recipe::default();
                self.applied = None;
                let Desired { muted, muted_kinds, .. } = entry.desired.clone();
                self.desired = Desired { muted, muted_kinds, ..Desired::default() };
                Some(entry.desired)
            }
        };
        let offered = entry.offer.map(|offer| offer.tracks).filter(|tracks| !tracks.is_empty());
        self.seen = offhook_signaling::Member {
            instance: self.place.instance,
            user: admission.user,
            name: entry.name,
            role: if viewer { Role::Viewer } else { Role::Participant },
            attendance: Attendance::Present,
            tracks: if viewer { Vec::new() } else { takes(&offered.unwrap_or(entry.tracks)) },
        };
        // Where it was handed over as well, no less is known here than the ticket says.
        self.generations = self.generations.max(entry.brings.generations);
        self.generated = self.generated.max(entry.brings.generated);
        if newcomer {
            self.recall_silence();
            if self.silenced.is_nothing() {
                self.silenced = entry.brings.silenced;
            }
            self.shared.endings.forget(&self.place.key, self.place.instance);
        }
        self.mark_muted();
        self.shared.rooms.show(&self.place, self.seen.clone());
        if !self.welcome(admission.version, admission.expires_in_ms, entry.resumed, answer) {
            self.close_beside(old);
            return self.is_unsayable(newcomer);
        }
        unheard.iter().for_each(|message| self.say(message));
        if entry.returns {
            self.tell_mood();
        }
        if let Some(desired) = awaited {
            self.await_image(desired, None, standing, true);
        }
        self.still_silenced();
        self.repaint();
        let change = MemberChange { member: self.seen.clone() };
        let news =
            if newcomer { FromServer::MemberJoined(change) } else { FromServer::MemberUpdated(change) };
        self.shared.rooms.tell(&self.place, None, &news);
        // Those who are to receive it know whose it is by now.
        self.forward_published().await;
        if self.shared.config.one_instance {
            let ended = Ended {
                reason: EndCode::Replaced,
                by: Party::User,
                text: "the same user came in elsewhere".into(),
                may_retry: false,
            };
            self.shared.rooms.end_others(&self.place, &self.seen.user, &ended);
        }
        self.close_beside(old);
        // Whoever is removed from here on is seen by the one who removes it. Just before, it was not.
        if newcomer && door::is_kicked(&self.shared, &self.place.key, &self.seen.user) {
            return self.end_by_owner(removed());
        }
        Flow::On
    }

    /// Messages that were for it since it was handed over. Nobody has seen them, so none is said twice; of what
    /// came on a link that it lost nobody knows, and that is its client's to resume.
    fn unheard(&mut self) -> Vec<FromServer> {
        if !std::mem::take(&mut self.expected) {
            return Vec::new();
        }
        let is_message = |message: &&FromServer| matches!(message, FromServer::Message(_));
        self.frames.kept().filter(is_message).cloned().collect()
    }

    /// What takes its time to close would keep it from its mail.
    fn close_beside(&self, media: Option<Media>) {
        let Some(media) = media else { return };
        let alive = self.shared.alive();
        tokio::spawn(async move {
            media.close().await;
            drop(alive);
        });
    }

    /// What it is to be told on being let in does not fit into a frame, which it is told. A newcomer was not
    /// shown to anybody yet.
    fn is_unsayable(&mut self, newcomer: bool) -> Flow {
        let text = "what there is to say of this session does not fit into a frame; its owner must name fewer ICE servers";
        self.say(&FromServer::Error(Error::new(ErrorCode::Unavailable, text)));
        self.close_link(1011);
        self.lose_link();
        if !newcomer {
            return Flow::On;
        }
        self.seen = super::unseen(self.place.instance);
        self.shared.rooms.show(&self.place, self.seen.clone());
        Flow::Over(LeaveCode::Left)
    }

    /// Who may only look on and means to publish is told so, rather than have it go nowhere (F53).
    fn may_not_publish(&self, entry: &Entry, admission: &Admission) -> Option<Error> {
        let offered = entry.offer.iter().any(|offer| !offer.tracks.is_empty());
        if entry.viewer || (entry.tracks.is_empty() && !offered) {
            return None;
        }
        let invited = self.shared.rooms.role_of(&self.place.key, &admission.user);
        (!admission.grants.publish || invited == Some(Role::Viewer)).then(|| {
            let text = "you may look on and not publish here; join as a viewer, or ask for other rights";
            Error::new(ErrorCode::NotPermitted, text)
        })
    }

    async fn prepare(
        &self,
        model: Model,
        recipe: Recipe,
        publishes: bool,
        offer: Option<&Offer>,
    ) -> Result<(Media, Option<Answer>), MediaError> {
        let mut media = Media::open(&self.shared, &self.place, model, recipe, publishes).await?;
        let Some(offer) = offer else { return Ok((media, None)) };
        match media.answer(offer).await {
            Ok(answer) => Ok((media, Some(answer))),
            Err(error) => {
                media.close().await;
                Err(error)
            }
        }
    }

    /// Does a rejoin show what this member was given?
    fn is_key(&self, rejoin: &Rejoin) -> bool {
        let shown = rejoin.secret.expose();
        let older = self.rejoin_secret.as_deref().is_some_and(|secret| is_same(secret, shown));
        rejoin.session_id == self.place.session_id && (older | self.is_secret(shown))
    }

    /// The newest secret, or the one before it while that is good.
    fn is_secret(&self, shown: &str) -> bool {
        // Both are looked at, whichever it is.
        is_same(&self.secret, shown)
            | self.previous_secret.as_deref().is_some_and(|secret| is_same(secret, shown))
    }

    async fn resume(&mut self, resume: Resume, link: Link) {
        if let Err(why) = self.may_resume(&resume) {
            return match why {
                Some(why) => say_and_close(&link, &door::no_resume(why), 1008),
                None => say_and_close(&link, &stale(), 1008),
            };
        }
        if self.replay_lost {
            return say_and_close(&link, &door::no_resume(ResumeRefusal::ReplayLost), 1008);
        }
        let replay = match self.frames.replay(resume.last_seen) {
            Ok(replay) => replay,
            Err(ReplayLost::Protocol(error)) => {
                let error = Error::new(ErrorCode::ProtocolError, error.to_string());
                return say_and_close(&link, &FromServer::Error(error), 1002);
            }
            Err(error) => {
                tracing::debug!(%error, "a resume would lose messages");
                return say_and_close(&link, &door::no_resume(ResumeRefusal::ReplayLost), 1008);
            }
        };
        let Ok(secret) = door::resume_secret() else {
            return say_and_close(&link, &door::no_resume(ResumeRefusal::Other("no_random".into())), 1011);
        };
        if link.out.is_closed() {
            // Given up meanwhile: a late copy of it evicts nobody (S19).
            return;
        }
        let keeps_path = resume.path.zip(self.media.as_ref()).is_some_and(|(path, media)| media.keeps(&path));
        let offer = resume.offer.filter(|_| !keeps_path);
        if offer.as_ref().is_some_and(|offer| !tracks_fit(&offer.tracks)) {
            // Its rejoin is told why.
            let why = ResumeRefusal::Other("too_many_tracks".into());
            return say_and_close(&link, &door::no_resume(why), 1008);
        }
        let answer = match (&mut self.media, &offer) {
            (Some(media), Some(offer)) => match media.answer(offer).await {
                Ok(answer) => Some(answer),
                Err(error) => {
                    tracing::debug!(%error, "the restart offer of a resume is not usable");
                    return say_and_close(
                        &link,
                        &door::no_resume(ResumeRefusal::Other("media_failed".into())),
                        1008,
                    );
                }
            },
            (Some(_), None) => None,
            (None, _) => return say_and_close(&link, &door::no_resume(ResumeRefusal::Unknown), 1008),
        };
        self.close_link(1000);
        // The one it showed, not the one it may never have seen: however many answers are lost in
        // a row, nobody is locked out.
        self.previous_secret = Some(resume.secret.expose().to_owned());
        self.secret.clone_from(&secret);
        self.confirmed = true;
        self.epoch = resume.epoch;
        self.link = Some(link);
        self.lost = None;
        self.heard = Instant::now();
        self.pinged = self.heard;
        self.interacted = self.heard;
        // The first frame on a resumed link, always (C17).
        let mut resumed = Resumed {
            last_seen: self.frames.last_seen(),
            epoch: resume.epoch,
            secret: Secret::new(secret),
            snapshot: self.snapshot(),
            answer,
            node: self.shared.config.node.clone(),
        };
        let to_follow = self.lay_roster(&mut resumed, |resumed| &mut resumed.snapshot);
        if !self.can_say(&FromServer::Resumed(resumed)) {
            // Let in anew it needs no more than that.
            self.say(&door::no_resume(ResumeRefusal::Other("unsayable".into())));
            self.close_link(1011);
            return self.lose_link();
        }
        for frame in replay {
            match frame.encode() {
                Ok(text) => self.write(text),
                Err(error) => tracing::warn!(%error, "a kept message cannot be sent again"),
            }
        }
        self.introduce(to_follow);
        // An offer that came along has made the path anew; one that was silent with the socket may be
        // back with it, which shows in a moment.
        self.fault_due = self
            .media
            .as_ref()
            .and_then(Media::fault)
            .map(|_| self.fault_due.unwrap_or_else(|| Instant::now() + FAULT_GRACE));
        // Asked at once, its client need not ask: a frame after `resumed` is its proof (R5), and
        // its answer retires the previous secret.
        self.say(&FromServer::Ping(Ping { id: self.frames.last_sent() }));
        self.ask_for_image_again();
        self.show(Attendance::Present);
        if let Some(offer) = offer {
            self.publishes(&offer.tracks);
            self.forward_published().await;
        }
        self.settle();
        if let Some(media) = &mut self.media {
            media.ask_again();
        }
        self.leaves = self.leaves.filter(|leaving| !leaving.place_is_kept);
    }

    /// `Err(None)` is a stale epoch.
    fn may_resume(&self, resume: &Resume) -> Result<(), Option<ResumeRefusal>> {
        // Nobody came in yet, so nobody holds a secret: an empty one fits nothing.
        if self.epoch == 0 || self.secret.is_empty() || resume.session_id != self.place.session_id {
            return Err(Some(ResumeRefusal::Unknown));
        }
        if !self.is_secret(resume.secret.expose()) {
            return Err(Some(ResumeRefusal::BadSecret));
        }
        if resume.epoch <= self.epoch { Err(None) } else { Ok(()) }
    }

    fn refusal(&self, entry: &Entry, admission: &Admission) -> Result<(), Box<Error>> {
        let newcomer = self.seen.user.is_empty();
        if !newcomer && self.seen.user != admission.user {
            let text = "this instance belongs to another user; make a fresh session";
            return Err(Box::new(Error::new(ErrorCode::NotPermitted, text)));
        }
        if entry.epoch <= self.epoch {
            let text = "a newer dial of this instance is inside already";
            return Err(Box::new(Error::new(ErrorCode::StaleEpoch, text)));
        }
        if !tracks_fit(&entry.tracks) || !entry.offer.as_ref().is_none_or(|offer| tracks_fit(&offer.tracks)) {
            return Err(Box::new(too_many_tracks()));
        }
        Ok(())
    }

    /// Refuses a link before anything of the member was touched. A newcomer is gone with it.
    fn turn_away(&self, link: &Link, error: Error) -> Flow {
        let code = if error.code == ErrorCode::Unavailable { 1011 } else { 1008 };
        say_and_close(link, &FromServer::Error(error), code);
        self.stay_as_before()
    }

    fn stay_as_before(&self) -> Flow {
        if self.epoch == 0 { Flow::Over(LeaveCode::Left) } else { Flow::On }
    }

    /// What the studio makes of a desired state, or which item it refuses and why.
    pub(super) fn read_recipe(
        &self,
        model: Model,
        desired: &Desired,
        grants: &Grants,
    ) -> Result<Recipe, (Item, String)> {
        if desired.prompt.is_some() || desired.image.is_some() {
            let item = if desired.prompt.is_some() { Item::Prompt } else { Item::Image };
            match model {
                Model::Studio => {}
                Model::Echo => {
                    return Err((item, "the echo persona paints nothing; join with the studio".into()));
                }
                Model::Room => {
                    return Err((item, "nobody paints in a room; join with the studio".into()));
                }
            }
        }
        if desired.image.is_some() && !grants.prompt {
            return Err((Item::Image, "the credential does not allow images; ask for one that does".into()));
        }
        match &desired.prompt {
            None => Ok(Recipe::default()),
            Some(_) if !grants.prompt => {
                Err((Item::Prompt, "the credential does not allow prompts; ask for one that does".into()))
            }
            Some(prompt) => {
                let limits = &self.shared.config.limits;
                limits.read_prompt(&prompt.text).map_err(|refused| (Item::Prompt, refused))
            }
        }
    }
}

/// Has a frame that shows this member room for so much?
pub(super) fn tracks_fit(tracks: &[Track]) -> bool {
    size(&tracks) <= limits::TRACKS_BYTES
}

pub(super) fn too_many_tracks() -> Error {
    let most = limits::TRACKS_BYTES;
    let text = format!(
        "the tracks of one member have at most {most} bytes together; publish fewer, or give them shorter names"
    );
    Error::new(ErrorCode::BadRequest, text)
}

/// An empty secret fits nothing.
fn is_same(secret: &str, shown: &str) -> bool {
    !secret.is_empty() && bool::from(secret.as_bytes().ct_eq(shown.as_bytes()))
}

fn removed() -> Ended {
    let text = door::removed().text;
    Ended { reason: EndCode::Kicked, by: Party::Server, text, may_retry: false }
}

fn stale() -> FromServer {
    FromServer::Error(Error::new(ErrorCode::StaleEpoch, "a newer dial of this instance is inside already"))
}

/// Says one thing on a link that is not the member's, and closes it.
fn say_and_close(link: &Link, message: &FromServer, code: u16) {
    say_on(link, message);
    let _ = link.out.try_send(ToSocket::Close(code));
}

/// Says one thing on a link that is not the member's yet.
fn say_on(link: &Link, message: &FromServer) {
    if let Ok(text) = encode(None, 0, message) {
        let _ = link.out.try_send(ToSocket::Frame(text));
    }
}
