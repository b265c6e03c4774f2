//! What outlives one link: the peer connection with its tracks, the numbered frames, and what
//! the far side said about the session. A resume shares it with the link it follows; a rejoin
//! and a migration begin another.

mod publishing;

use super::arrivals::Arrivals;
use super::outflow::Outflow;
use super::roster::Roster;
use super::sinks::Sinks;
use super::speaking::Speakers;
use crate::peer::{Certificate, Peer, PeerEvent, PeerEvents, Sending};
use offhook_signaling::limits::REPLAY_MESSAGES;
use offhook_signaling::{EncodeError, FromClient, PathReport, Reliability, ReplayLost};
use offhook_transport::media::{Kind, LocalTrack, VideoWanted};
use offhook_transport::{Capabilities, Epoch, FaultKind, Image, Liveness, ResumeKey, Secret, UntakenTrack};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{Notify, broadcast};
use tokio::time::Instant;

/// Reports of the peer that a link may be behind.
const REPORTS: usize = 256;
/// Messages whose ack is awaited; beyond it the oldest goes unanswered.
const MESSAGES: usize = 256;
/// Media counts as flowing if it came this shortly before the path was last seen alive.
const FLOWING: Duration = Duration::from_secs(3);
/// A path that was without an answer for this long is news when it answers again.
const GAP: Duration = Duration::from_millis(1_500);
/// And for this long: the first hint may come before there is anything to do about it.
const BACK: Duration = Duration::from_secs(2);
/// Media that was cut together with the socket comes again within this, when both are back.
const GRACE: Duration = Duration::from_secs(2);

pub(super) struct Lane {
    pub(super) peer: Peer,
    pub(super) sinks: Arc<Sinks>,
    pub(super) arrivals: Arc<Arrivals>,
    first: Mutex<Option<broadcast::Receiver<PeerEvent>>>,
    /// Weak: the forwarder alone holds it, so that its end is the end of the reports.
    reports: broadcast::WeakSender<PeerEvent>,
    state: Mutex<State>,
    posted: Notify,
    /// Kept so that the session's next dial finds it.
    _certificate: Arc<Certificate>,
}

/// What the far side granted at the last `joined`.
#[derive(Clone)]
pub(super) struct Granted {
    pub(super) key: ResumeKey,
    pub(super) capabilities: Capabilities,
    /// What video it wants, as of now.
    pub(super) video: Option<VideoWanted>,
    pub(super) models: Vec<String>,
    pub(super) liveness: Liveness,
    pub(super) resume_window: Duration,
    /// Which node of a service let us in.
    pub(super) node: Option<String>,
}

pub(super) struct State {
    pub(super) frames: Reliability<FromClient>,
    /// Numbered, and not yet written.
    posted: VecDeque<String>,
    pub(super) granted: Option<Granted>,
    /// What the newest secret took the place of.
    replaced: Option<Secret>,
    /// The newest dial that asked to go on with this lane.
    asked_by: Option<Epoch>,
    /// The link that speaks for this lane.
    pub(super) owner: Epoch,
    /// The links that may still have something to say on it.
    pub(super) speakers: Speakers,
    /// Number of the newest offer, and the one that waits for its answer.
    pub(super) negotiation: u64,
    /// The newest message when media that had been lost carried again. Who has not seen it knows
    /// nothing of that yet.
    pub(super) told: u64,
    pub(super) open_offer: Option<u64>,
    /// The offer that the path is of: the newest whose answer came.
    pub(super) settled: u64,
    /// Was one made since, that the far side may have taken though its answer never came?
    pub(super) unsettled: bool,
    /// Was it so before the newest offer?
    was_unsettled: bool,
    /// Messages by their number on the wire.
    sent: VecDeque<(u64, u64)>,
    pub(super) commands: u64,
    pub(super) kinds: HashMap<String, Kind>,
    /// Sections in which media is due from the far side.
    due: HashSet<String>,
    /// Since when anything is.
    due_since: Option<Instant>,
    /// Until then nothing is said to be silent.
    grace_until: Option<Instant>,
    /// Was media lost because nothing came, over a path that answers? Then only what comes is proof.
    pub(super) went_silent: bool,
    pub(super) roster: Roster,
    pub(super) image: Option<Image>,
    pub(super) sendings: Vec<(String, Sending)>,
    /// What the far side was told of them.
    pub(super) outflow: Outflow,
    /// Were sections added that no answer was given to yet?
    pub(super) grown: bool,
    /// Labels of the tracks that were given a section.
    offered: HashMap<String, LocalTrack>,
    /// The tracks that the newest offer names, by their labels, each with the section it is to be sent on:
    /// only these can have one by its answer.
    pub(super) named: HashMap<String, Option<String>>,
    /// Published, and not taken by the far side of this lane: not offered to it again.
    pub(super) untaken: Vec<UntakenTrack>,
    /// Sections whose track was taken back, free for the next one of their kind.
    spare: Vec<Kind>,
    inbound: u64,
    flowed: Option<Instant>,
    lived: Option<Instant>,
    /// When our check was last answered, and when that was after a gap.
    answered: Option<Instant>,
    back: Option<Instant>,
    /// What media was lost by, until it carries again.
    lost_by: Option<FaultKind>,
}

impl Lane {
    pub(super) fn new(
        peer: Peer,
        events: PeerEvents,
        (sinks, arrivals): (Arc<Sinks>, Arc<Arrivals>),
        certificate: Arc<Certificate>,
        owner: Epoch,
        offered: HashMap<String, LocalTrack>,
    ) -> Arc<Self> {
        let (reports, first) = broadcast::channel(REPORTS);
        let weak = reports.downgrade();
        tokio::spawn(forward(events, reports));
        Arc::new(Self {
            peer,
            sinks,
            arrivals,
            first: Mutex::new(Some(first)),
            reports: weak,
            _certificate: certificate,
            posted: Notify::new(),
            state: Mutex::new(State {
                frames: Reliability::new(),
                posted: VecDeque::new(),
                granted: None,
                replaced: None,
                asked_by: None,
                owner,
                negotiation: 0,
                told: 0,
                open_offer: None,
                settled: 0,
                unsettled: false,
                was_unsettled: false,
                sent: VecDeque::new(),
                commands: 0,
                kinds: HashMap::new(),
                due: HashSet::new(),
                due_since: None,
                grace_until: None,
                speakers: Speakers::default(),
                went_silent: false,
                roster: Roster::default(),
                image: None,
                sendings: Vec::new(),
                outflow: Outflow::default(),
                grown: false,
                named: HashMap::new(),
                untaken: Vec::new(),
                offered,
                spare: Vec::new(),
                inbound: 0,
                flowed: None,
                lived: None,
                answered: None,
                back: None,
                lost_by: None,
            }),
        })
    }

    /// What the peer reports from here on; for the first link everything from the beginning.
    pub(super) fn reports(&self) -> broadcast::Receiver<PeerEvent> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        first.or_else(|| Some(self.reports.upgrade()?.subscribe())).unwrap_or_else(|| broadcast::channel(1).1)
    }

    /// Takes a message of the link `by`. A reliable one is numbered, and written by whichever link
    /// speaks for this lane by then, in the order of the numbers: a wish that is told to the old
    /// link while the new one is being let in is neither lost nor leaves a hole. Any other is
    /// given back to be written by whom it was told to.
    pub(super) fn post(
        &self,
        by: Epoch,
        message: &FromClient,
        receipt: Option<u64>,
    ) -> Result<Option<String>, EncodeError> {
        let mut state = self.state();
        let before = state.frames.last_sent();
        let text = state.frames.frame(message)?;
        if state.frames.last_sent() == before {
            return Ok(Some(text));
        }
        if let Some(id) = receipt {
            state.await_ack(id);
        }
        if state.posted.len() == REPLAY_MESSAGES {
            state.posted.pop_front();
        }
        state.posted.push_back(text);
        let elsewhere = state.owner != by;
        drop(state);
        if elsewhere {
            self.posted.notify_one();
        }
        Ok(None)
    }

    /// What the link `by` has to write now.
    pub(super) fn take_posted(&self, by: Epoch) -> VecDeque<String> {
        let mut state = self.state();
        if state.owner == by { std::mem::take(&mut state.posted) } else { VecDeque::new() }
    }

    /// The link that speaks may have been waiting for another.
    pub(super) fn wake_speaker(&self) {
        self.posted.notify_one();
    }

    /// Ready when another link posted something, or is gone.
    pub(super) async fn posted(&self) {
        self.posted.notified().await;
    }

    /// From here on the link `by` speaks for this lane, and begins with what the far side has not
    /// seen. `None` in it: there is nothing to go on with.
    pub(super) fn take_over(
        &self,
        by: Epoch,
        held: &Weak<()>,
        last_seen: u64,
    ) -> Result<Option<Granted>, ReplayLost> {
        let mut state = self.state();
        let replay = state.frames.replay(last_seen)?;
        let Some(granted) = state.granted.clone() else { return Ok(None) };
        state.posted = replay
            .into_iter()
            .filter_map(|frame| {
                frame
                    .encode()
                    .inspect_err(|error| tracing::warn!(%error, "a kept message is not sent again"))
                    .ok()
            })
            .collect();
        state.owner = by;
        state.speakers.enter(by, held);
        Ok(Some(granted))
    }

    /// Never held over an `await`.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The dial `by` asks the far side to go on after what was seen until now, which is given. What
    /// still comes on an older link is not heard any more: acked there, the far side would not say
    /// it again here, where it is asked to.
    pub(super) fn ask(&mut self, by: Epoch) -> u64 {
        self.asked_by = Some(by);
        self.frames.last_seen()
    }

    /// Did a newer dial than this one ask to go on?
    pub(super) fn is_left_behind(&self, link: Epoch) -> bool {
        self.asked_by.is_some_and(|by| by > link)
    }

    /// The far side let us in.
    pub(super) fn grant(&mut self, granted: Granted) {
        self.replaced = self.granted.replace(granted).map(|before| before.key.secret);
    }

    /// What opens the door now to whoever holds this. A dial that was given up may have been let in
    /// before, and what it was given then is known here alone.
    pub(super) fn newest(&self, held: Secret) -> Secret {
        match &self.granted {
            Some(granted) if self.replaced.as_ref() == Some(&held) => granted.key.secret.clone(),
            _ => held,
        }
    }

    /// A number for an offer.
    pub(super) fn next_negotiation(&mut self) -> u64 {
        self.negotiation += 1;
        self.open_offer = Some(self.negotiation);
        self.was_unsettled = std::mem::replace(&mut self.unsettled, true);
        self.negotiation
    }

    /// The newest offer was never said: what the path is of is as certain as before, and a resume need
    /// not offer the same again.
    pub(super) fn take_back_offer(&mut self) {
        self.open_offer = None;
        self.unsettled = self.was_unsettled;
        self.grown = false;
    }

    /// The path is of this offer, and the far side knows of none that came later.
    pub(super) fn settle(&mut self, negotiation_id: u64) {
        self.open_offer = None;
        self.settled = negotiation_id;
        self.unsettled = false;
    }

    pub(super) fn next_command(&mut self) -> u64 {
        self.commands += 1;
        self.commands
    }

    /// A message got this number on the wire.
    pub(super) fn await_ack(&mut self, id: u64) {
        if self.sent.len() == MESSAGES {
            self.sent.pop_front();
        }
        self.sent.push_back((self.frames.last_sent(), id));
    }

    /// Media that was lost carries again, and the far side was told.
    pub(super) fn media_is_news(&mut self) {
        self.told = self.frames.last_sent();
    }

    /// Messages that the far side is now known to have.
    pub(super) fn acked_messages(&mut self) -> Vec<u64> {
        let acked = self.frames.last_acked();
        let mut ids = Vec::new();
        while let Some((_, id)) = self.sent.pop_front_if(|sent| sent.0 <= acked) {
            ids.push(id);
        }
        ids
    }

    /// Packets that came in until now.
    pub(super) fn saw_inbound(&mut self, packets: u64) {
        if packets > self.inbound {
            let now = Instant::now();
            self.flowed = Some(now);
            self.lived = Some(now);
            self.went_silent = false;
        }
        self.inbound = packets;
    }

    /// Our check was answered.
    pub(super) fn saw_answer(&mut self) {
        let now = Instant::now();
        let before = self.answered.replace(now);
        if before.is_some_and(|before| now.saturating_duration_since(before) >= GAP) {
            self.back = Some(now);
        }
        self.lived = Some(now);
    }

    /// Was our check answered since?
    pub(super) fn answered_since(&self, since: Instant) -> bool {
        self.answered.is_some_and(|answered| answered >= since)
    }

    /// Was the path silent, and does it answer again, since a moment ago?
    pub(super) fn is_path_back(&self) -> bool {
        self.back.is_some_and(|back| Instant::now().saturating_duration_since(back) <= BACK)
    }

    /// Media was lost by nothing but the silence of a path that answers again: there is nothing
    /// to be made anew.
    pub(super) fn is_path_whole(&self) -> bool {
        self.is_path_back() && self.lost_by.is_none_or(|lost_by| lost_by == FaultKind::IceSilent)
    }

    /// The path, where nothing but silence is known against it.
    pub(super) fn path(&self) -> Option<PathReport> {
        let answers = self.is_path_whole();
        let is_silent = self.lost_by == Some(FaultKind::IceSilent);
        (answers || is_silent).then_some(PathReport { negotiation_id: self.settled, answers })
    }

    pub(super) fn lost(&mut self, by: FaultKind) {
        self.went_silent |= by == FaultKind::MediaSilent;
        self.lost_by = Some(by);
    }

    /// Was media coming in when the path was last known to live, and is it due still (R5)?
    pub(super) fn media_is_due(&self) -> bool {
        let flowing = match (self.flowed, self.lived) {
            (Some(flowed), Some(lived)) => flowed + FLOWING >= lived,
            _ => false,
        };
        (flowing || self.went_silent) && !self.due.is_empty()
    }

    /// As [`media_is_due`](Self::media_is_due), of pictures.
    pub(super) fn video_is_due(&self) -> bool {
        let video = |mid: &String| self.kinds.get(mid) == Some(&Kind::Video);
        self.media_is_due() && self.due.iter().any(video)
    }

    /// The media plane carries. Over a path that was made anew what is due may take its time from
    /// here. One that was only taken over has had it: a silence that went on before goes on, but for a
    /// moment's grace; else sockets that are lost again and again would hide it for ever.
    pub(super) fn carried(&mut self, anew: bool) {
        let now = Instant::now();
        self.lived = Some(now);
        self.lost_by = None;
        if anew {
            self.due_since = self.due_since.map(|_| now);
        } else {
            self.grace_until = Some(now + GRACE);
        }
    }

    /// The far side sends on this section, or has stopped to.
    pub(super) fn is_sending(&mut self, mid: &str, sending: bool) {
        if !sending {
            self.due.remove(mid);
        } else if !self.due.contains(mid) {
            self.due.insert(mid.to_owned());
        }
        self.count_due();
    }

    /// The far side sends on these sections and on no others.
    pub(super) fn sends_on(&mut self, mids: impl IntoIterator<Item = String>) {
        self.due = mids.into_iter().collect();
        self.count_due();
    }

    /// What was coming is still to come.
    pub(super) fn still_sends_on(&mut self, mids: HashSet<String>) {
        self.due.extend(mids);
        self.count_due();
    }

    pub(super) fn due(&self) -> HashSet<String> {
        self.due.clone()
    }

    fn count_due(&mut self) {
        self.due_since =
            if self.due.is_empty() { None } else { self.due_since.or_else(|| Some(Instant::now())) };
    }

    /// For how long media that is due has not come.
    pub(super) fn due_and_silent(&self) -> Option<Duration> {
        let since = self.due_since?;
        let now = Instant::now();
        if self.grace_until.is_some_and(|until| now < until) {
            return None;
        }
        let last = self.flowed.map_or(since, |flowed| flowed.max(since));
        Some(now.saturating_duration_since(last))
    }

    pub(super) fn inbound(&self) -> u64 {
        self.inbound
    }
}

/// Hands the peer's reports to every link that shares it. Ends with the peer.
async fn forward(mut events: PeerEvents, reports: broadcast::Sender<PeerEvent>) {
    while let Some(event) = events.next().await {
        // Data is not used yet, and must not push facts out of the queue.
        if !matches!(event, PeerEvent::Data { .. }) {
            // Nobody listening is no error: a link may come yet.
            let _ = reports.send(event);
        }
    }
}
