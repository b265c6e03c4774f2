//! A far side that behaves by itself. It decides; carrying out is the world's.

mod settings;

use crate::DialSeen;
use crate::link::{Happening, Upload};
use crate::seed::Seed;
use crate::transport::everything;
use bytes::{Bytes, BytesMut};
use offhook_transport::media::{EncodedFrame, VideoWanted};
use offhook_transport::{
    Action, Capabilities, Content, CredentialWhy, Desired, Event, Generation, InstanceId, Liveness, Member,
    Plan, Plane, Progress, RefusalItem, RefusedCode, ResumeKey, ResumeRefusal, Revision, Secret, SessionRef,
    Up, Verdict,
};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// Opens the tag of a repainted frame; the prompt follows, then a zero byte, then the frame.
const TAG: &[u8] = b"offhook-mock:";
/// Opens the tag of a frame with an image in it, inside the other; its hash follows, then the frame.
const IMAGE_TAG: &[u8] = b"offhook-mock-image:";

/// Messages that are kept for somebody who is away.
const MAIL: usize = 64;

type PlanOf = Vec<(Duration, Happening)>;

/// The settings of a far side that behaves by itself, and what it remembers.
#[derive(Clone, Debug)]
pub struct Studio {
    seed: Seed,
    capabilities: Capabilities,
    pace: Duration,
    window: Duration,
    liveness: Option<Liveness>,
    video: Option<VideoWanted>,
    models: Vec<String>,
    queue: u32,
    /// What is loaded before a join is let in, each an answer's time.
    loading: Vec<(String, Option<u8>)>,
    knows: Option<Vec<String>>,
    /// Why it takes no image, where it takes none.
    no_images: Option<String>,
    /// Images that it has, by their hash. Kept over everything but a restart.
    images: HashSet<[u8; 32]>,
    credential: Option<Secret>,
    ticks: bool,
    measures: bool,
    /// Was it ever restarted? Then whom it does not know may be somebody from before.
    restarted: bool,
    places: HashMap<InstanceId, Place>,
}

/// What it keeps of one instance.
#[derive(Clone, Debug)]
struct Place {
    epoch: u32,
    /// The newest secret, and the one before.
    secrets: [Option<Secret>; 2],
    desired: Desired,
    revision: Revision,
    generating: bool,
    /// Which session it is in.
    session: SessionRef,
    /// What others said to it while it was away, for the resume.
    mail: Vec<Content>,
    /// When its last link went, without a goodbye.
    lost_at: Option<Duration>,
}

impl Studio {
    /// Everybody comes in at once; answers take 20 ms; lost links keep their place for 25 s.
    pub fn seeded(seed: u64) -> Self {
        Self {
            seed: Seed::new(seed),
            capabilities: everything(),
            pace: Duration::from_millis(20),
            window: Duration::from_secs(25),
            liveness: None,
            video: None,
            models: Vec::new(),
            queue: 0,
            loading: Vec::new(),
            knows: None,
            no_images: None,
            images: HashSet::new(),
            credential: None,
            ticks: true,
            measures: false,
            restarted: false,
            places: HashMap::new(),
        }
    }

    pub(crate) fn restart(&mut self) {
        self.restarted = true;
        self.places.clear();
        self.images.clear();
    }

    pub(crate) const fn pace(&self) -> Duration {
        self.pace
    }

    /// Is this the credential that it requires, if it requires one?
    pub(crate) fn would_take(&self, shown: Option<&Secret>) -> bool {
        self.credential.as_ref().is_none_or(|wanted| shown == Some(wanted))
    }

    pub(crate) fn dialled(&mut self, seen: &DialSeen, media_lives: bool, age: Duration) -> PlanOf {
        match (&self.credential, &seen.credential) {
            // A ring's ticket stands for it.
            _ if seen.join_ticket.is_some() => self.judge(seen, media_lives, age),
            (Some(_), None) if matches!(seen.plan, Plan::Join { .. } | Plan::Rejoin { .. }) => {
                vec![self.soon(Event::Answered), self.soon(Event::NeedCredential(CredentialWhy::Missing))]
            }
            (Some(wanted), Some(shown)) if wanted != shown => {
                vec![self.soon(refused(
                    RefusedCode::Unauthorized,
                    None,
                    "the credential is not the right one",
                ))]
            }
            _ => self.judge(seen, media_lives, age),
        }
    }

    fn judge(&mut self, seen: &DialSeen, media_lives: bool, age: Duration) -> PlanOf {
        let place = self.places.get(&seen.instance);
        // A token of another session opens nothing here, whoever's it is.
        if let Plan::Join { resume: Some(key) } = &seen.plan
            && key.session != crate::far::session_id(&seen.session)
        {
            let text = "the token is of another session; join this one anew";
            return vec![self.soon(refused(RefusedCode::NoSessionToResume, None, text))];
        }
        if place.is_some_and(|place| seen.epoch.0 <= place.epoch) {
            return vec![self.soon(refused(RefusedCode::StaleEpoch, None, "a newer dial was here before"))];
        }
        if let Plan::Resume { key, .. } = &seen.plan
            && let Some(why) = self.no_resume(place, key, age)
        {
            return vec![self.soon(Event::Answered), self.soon(Event::ResumeRefused(why))];
        }
        // A later process with a token: what it would take up must be there (F02).
        if let Plan::Join { resume: Some(key) } = &seen.plan
            && self.no_resume(place, key, age).is_some()
        {
            let text = "the session is not here any more; join it anew";
            return vec![self.soon(refused(RefusedCode::NoSessionToResume, None, text))];
        }
        let unknown =
            seen.model.as_ref().filter(|model| !self.models.is_empty() && !self.models.contains(model));
        if unknown.is_some() && !matches!(seen.plan, Plan::Resume { .. }) {
            return vec![self.soon(Event::Refused {
                code: RefusedCode::UnknownModel,
                retry_after: None,
                queue_position: None,
                text: format!("there is no such model; try one of: {}", self.models.join(", ")),
                item: None,
                known: self.models.clone(),
            })];
        }
        if let Some((item, text)) = self.refusal(&seen.desired) {
            return vec![
                self.soon(Event::Answered),
                self.soon(Event::Refused {
                    code: RefusedCode::InitialState,
                    retry_after: None,
                    queue_position: None,
                    text,
                    item: Some(item),
                    known: Vec::new(),
                }),
            ];
        }
        if matches!(seen.plan, Plan::Join { .. }) && self.queue > 0 && !seen.wait_in_queue {
            return vec![self.soon(Event::Refused {
                code: RefusedCode::Busy,
                retry_after: Some(self.pace * self.queue),
                queue_position: Some(self.queue),
                text: "no place now; wait in the queue, or try again later".into(),
                item: None,
                known: Vec::new(),
            })];
        }
        self.let_in(seen, media_lives)
    }

    /// What a join of a session is told whose director is not there.
    pub(crate) fn without_director(&self) -> PlanOf {
        let text = "the director of this session is not connected; try again when it is";
        vec![self.soon(refused(RefusedCode::ControlFailed, None, text))]
    }

    fn no_resume(&self, place: Option<&Place>, key: &ResumeKey, age: Duration) -> Option<ResumeRefusal> {
        let Some(place) = place else {
            return Some(if self.restarted { ResumeRefusal::Restarted } else { ResumeRefusal::Gone });
        };
        if self.window.is_zero() {
            Some(ResumeRefusal::Unsupported)
        } else if place.lost_at.is_some_and(|lost| age.saturating_sub(lost) > self.window) {
            Some(ResumeRefusal::Gone)
        } else if !place.secrets.iter().flatten().any(|secret| *secret == key.secret) {
            Some(ResumeRefusal::BadSecret)
        } else {
            None
        }
    }

    fn let_in(&mut self, seen: &DialSeen, media_lives: bool) -> PlanOf {
        let resume = matches!(seen.plan, Plan::Resume { .. });
        let secret = Secret::new(format!("mock-{:016x}", self.seed.next()));
        let old = self.places.remove(&seen.instance);
        let mut place = Place {
            epoch: seen.epoch.0,
            secrets: [Some(secret.clone()), old.as_ref().and_then(|old| old.secrets[0].clone())],
            desired: seen.desired.clone(),
            revision: seen.revision,
            generating: false,
            session: seen.session.clone(),
            mail: Vec::new(),
            lost_at: None,
        };
        if let Some(old) = old.filter(|_| resume) {
            // A resume carries no state: the far side still has what it had.
            (place.desired, place.revision, place.generating) = (old.desired, old.revision, old.generating);
            place.mail = old.mail;
        }
        let session = crate::far::session_id(&seen.session);
        let up = Up {
            key: (!self.window.is_zero()).then(|| ResumeKey { session: session.clone(), secret }),
            session,
            resumed: !matches!(seen.plan, Plan::Join { resume: None }),
            capabilities: self.capabilities,
            liveness: self.liveness,
            resume_window: Some(self.window),
            acked: resume.then_some(place.revision),
            roster: vec![Member {
                id: seen.instance.to_string(),
                name: "me".into(),
                away: false,
                tracks: Vec::new(),
            }],
            to_follow: Vec::new(),
            video: self.video,
            models: self.models.clone(),
            generating: Some(place.generating),
        };

        let mut steps: Vec<Event> = Vec::new();
        steps.push(Event::Answered);
        if matches!(seen.plan, Plan::Join { .. }) {
            for position in (1..=self.queue).rev() {
                steps.push(searching(Some(position)));
            }
            if self.queue == 0 {
                steps.push(searching(None));
            }
            steps.push(Event::Progress(Progress::Preparing { text: None, percent: None }));
            let loading = self.loading.iter();
            steps.extend(loading.map(|(text, percent)| {
                Event::Progress(Progress::Preparing { text: Some(text.clone()), percent: *percent })
            }));
            steps.push(Event::Progress(Progress::Connecting));
        }
        steps.push(Event::Up(Box::new(up)));
        steps.push(Event::Carried(Plane::Signaling));
        if !resume {
            let verdict = Verdict::Applied;
            steps.push(Event::Acked { revision: seen.revision, verdict });
        }
        let restart = matches!(seen.plan, Plan::Resume { restart_ice: true, .. });
        if self.capabilities.has_plane(Plane::Media) && (!resume || restart || media_lives) {
            steps.push(Event::Carried(Plane::Media));
        }
        let starts = !resume && place.desired.prompt.is_some();
        if starts {
            place.generating = true;
            steps.push(Event::Content(Content::Generation(Generation::Started)));
        }
        steps.extend(std::mem::take(&mut place.mail).into_iter().map(Event::Content));
        let awaited = self.awaits(seen.revision, &seen.desired).filter(|_| !resume);
        let mut plan: PlanOf =
            (1..).zip(steps).map(|(step, event)| (self.pace * step, Happening::Report(event))).collect();
        if let Some(piece) = awaited {
            // Acked when it is there; everything else goes on meanwhile.
            let acked = |(_, happening): &mut (Duration, Happening)| {
                matches!(happening, Happening::Report(Event::Acked { .. }))
            };
            if let Some(step) = plan.iter_mut().find_map(|step| acked(step).then_some(step)) {
                step.1 = piece;
            }
        }
        if place.generating && self.ticks {
            let from = plan.last().map_or(self.pace, |(after, _)| *after) + Duration::from_secs(1);
            plan.push((from, Happening::Tick(Duration::from_secs(1))));
        }
        if self.measures {
            let from = plan.last().map_or(self.pace, |(after, _)| *after) + Duration::from_secs(1);
            plan.push((from, Happening::Measure));
        }
        self.places.insert(seen.instance, place);
        plan
    }

    pub(crate) fn asked(&mut self, seen: &DialSeen, action: &Action, age: Duration) -> PlanOf {
        match action {
            Action::Apply { revision, desired } => self.apply(seen.instance, *revision, desired),
            Action::Credential(secret) => {
                if self.credential.as_ref().is_some_and(|wanted| wanted != secret) {
                    let text = "the credential is not the right one";
                    return vec![self.soon(refused(RefusedCode::Unauthorized, None, text))];
                }
                if self.places.get(&seen.instance).is_some_and(|place| place.epoch >= seen.epoch.0) {
                    return vec![self.soon(Event::CredentialRefreshed { expires_in: None })];
                }
                self.judge(seen, false, age)
            }
            Action::RestartIce => vec![self.soon(Event::Carried(Plane::Media))],
            Action::React(words) | Action::Say(words) => {
                vec![self.soon(Event::Content(Content::Sent { id: words.id }))]
            }
            // Done by the world, which knows who else is there.
            Action::Send(_)
            | Action::Moderate(_)
            | Action::KeepAlive
            | Action::Publish(_)
            | Action::Telemetry(_) => Vec::new(),
            Action::Goodbye => {
                self.places.remove(&seen.instance);
                Vec::new()
            }
            // Answered by the world, which knows which planes live.
            Action::Ping => Vec::new(),
        }
    }

    fn apply(&mut self, instance: InstanceId, revision: Revision, desired: &Desired) -> PlanOf {
        if let Some((item, text)) = self.refusal(desired) {
            return vec![self.soon(Event::Acked { revision, verdict: Verdict::Refused { item, text } })];
        }
        if let Some(piece) = self.awaits(revision, desired) {
            return vec![(self.pace, piece)];
        }
        let mut plan = vec![self.soon(Event::Acked { revision, verdict: Verdict::Applied })];
        let started = self.places.get_mut(&instance).is_some_and(|place| {
            // The far side takes what it knows to be newer; an older one is acked all the same.
            if revision >= place.revision {
                place.revision = revision;
                place.desired = desired.clone();
            }
            place.desired.prompt.is_some() && !std::mem::replace(&mut place.generating, true)
        });
        if started {
            plan.push(self.soon(Event::Content(Content::Generation(Generation::Started))));
            if self.ticks {
                plan.push((self.pace + Duration::from_secs(1), Happening::Tick(Duration::from_secs(1))));
            }
        }
        plan
    }

    /// Has somebody of that name a place in the session?
    pub(crate) fn has(&self, session: &SessionRef, member: &str, age: Duration) -> bool {
        self.places.iter().any(|(instance, place)| {
            let is_kept = place.lost_at.is_none_or(|lost| age.saturating_sub(lost) <= self.window);
            instance.to_string() == member && place.session == *session && is_kept
        })
    }

    /// Keeps this for somebody who is away from the session for a moment.
    pub(crate) fn keep_for(&mut self, session: &SessionRef, member: &str, said: Content, age: Duration) {
        if !self.has(session, member, age) {
            return;
        }
        let place = self.places.iter_mut().find(|(instance, _)| instance.to_string() == member);
        if let Some((_, place)) = place.filter(|(_, place)| place.mail.len() < MAIL) {
            place.mail.push(said);
        }
    }

    /// No connection of the instance is left.
    pub(crate) fn gone(&mut self, instance: InstanceId, goodbye: bool, age: Duration) {
        if goodbye {
            self.places.remove(&instance);
        } else if let Some(place) = self.places.get_mut(&instance) {
            place.lost_at = Some(age);
        }
    }

    /// The frame as the prompt in force would have it.
    pub(crate) fn repaint(&self, instance: InstanceId, frame: &EncodedFrame) -> Option<EncodedFrame> {
        let place = self.places.get(&instance)?;
        let mut data = BytesMut::new();
        if let Some(prompt) = &place.desired.prompt {
            data.extend_from_slice(TAG);
            data.extend_from_slice(prompt.text.as_bytes());
            data.extend_from_slice(&[0]);
        }
        if let Some(Some(image)) = &place.desired.image {
            data.extend_from_slice(IMAGE_TAG);
            data.extend_from_slice(&image.sha256);
        }
        data.extend_from_slice(&frame.data);
        Some(EncodedFrame { data: data.freeze(), ..frame.clone() })
    }

    /// A state whose image it does not have waits for it.
    fn awaits(&self, revision: Revision, desired: &Desired) -> Option<Happening> {
        let Some(Some(image)) = &desired.image else { return None };
        (!self.images.contains(&image.sha256))
            .then(|| Happening::Piece(Box::new(Upload { revision, desired: desired.clone(), received: 0 })))
    }

    /// The image of a state is there.
    pub(crate) fn arrived(&mut self, instance: InstanceId, sha256: [u8; 32], upload: &Upload) -> PlanOf {
        self.images.insert(sha256);
        self.apply(instance, upload.revision, &upload.desired)
    }

    fn refusal(&self, desired: &Desired) -> Option<(RefusalItem, String)> {
        if let Some(Some(image)) = &desired.image {
            if let Some(why) = &self.no_images {
                return Some((RefusalItem::Image, why.clone()));
            }
            if image.bytes.is_empty() && !self.images.contains(&image.sha256) {
                let text = "the far side does not keep an image of this hash; set it by its bytes";
                return Some((RefusalItem::Image, text.to_owned()));
            }
        }
        let (knows, prompt) = (self.knows.as_ref()?, desired.prompt.as_ref()?);
        let known = knows.contains(&prompt.text);
        (!known).then(|| (RefusalItem::Prompt, format!("unknown prompt; try one of: {}", knows.join(", "))))
    }

    fn soon(&self, event: Event) -> (Duration, Happening) {
        (self.pace, Happening::Report(event))
    }
}

/// The prompt that a frame of the studio was repainted with, and the frame as it was sent.
/// `None` for a frame that came back as it went.
pub fn repainted_with(frame: &EncodedFrame) -> Option<(String, EncodedFrame)> {
    let tagged = frame.data.strip_prefix(TAG)?;
    let end = tagged.iter().position(|byte| *byte == 0)?;
    let prompt = String::from_utf8(tagged[..end].to_vec()).ok()?;
    let data = Bytes::copy_from_slice(&tagged[end + 1..]);
    Some((prompt, EncodedFrame { data, ..frame.clone() }))
}

/// The hash of the image that a frame of the studio has in it, if it has one.
pub fn image_in(frame: &EncodedFrame) -> Option<[u8; 32]> {
    let inner = repainted_with(frame).map(|(_, inner)| inner);
    let data = inner.as_ref().map_or(&frame.data, |inner| &inner.data);
    data.strip_prefix(IMAGE_TAG)?.get(..32)?.try_into().ok()
}

fn searching(queue_position: Option<u32>) -> Event {
    Event::Progress(Progress::Searching { queue_position, eta: None })
}

fn refused(code: RefusedCode, retry_after: Option<Duration>, text: &str) -> Event {
    Event::Refused {
        code,
        retry_after,
        queue_position: None,
        text: text.into(),
        item: None,
        known: Vec::new(),
    }
}
