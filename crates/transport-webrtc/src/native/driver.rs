//! The one task of a link: what it holds, the loop that turns, and the end of it. What a step
//! means is elsewhere: the beginning in `opening.rs`, frames in `incoming/`, actions in
//! `acting.rs`, the peer's reports in `media.rs`.

use super::address::Address;
use super::budget::Budget;
use super::config::Config;
use super::incoming::ProtocolFault;
use super::lane::Lane;
use super::media::Proof;
use super::nodes::{Health, Nodes};
use super::opening::Opened;
use super::outward::Outward;
use super::registry::Registry;
use super::socket::{Heard, Socket, UpgradeFault, Upgraded, Wire};
use super::telemetry;
use super::uploads::Uploads;
use crate::peer::{LocalCandidate, PeerEvent};
use futures_util::future::BoxFuture;
use offhook_signaling::{FromClient, Ping, encode};
use offhook_transport::media::{KeyWishes, RemoteSink};
use offhook_transport::{Action, DialRequest, Epoch, Event, Fault, FaultKind, Plane, UntakenTrack};
use std::collections::VecDeque;
use std::future::{pending, poll_fn};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

/// How long a goodbye waits for its answer.
const GOODBYE: Duration = Duration::from_millis(600);
/// How long the closing of a socket may take.
const CLOSING: Duration = Duration::from_millis(250);
/// A host hears of an ending as soon as it may; one that does not is given up, within the second that
/// an ending may take.
const LAST_WORDS: Duration = Duration::from_millis(250);
/// How long the peer may take to close.
const PEER_CLOSING: Duration = Duration::from_millis(500);
/// Frames that may wait before no more actions are taken.
const BUSY: usize = 64;
/// Statistics are taken so often.
pub(super) const STATS_EVERY: Duration = Duration::from_secs(1);

/// How it goes on after a step.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flow {
    On,
    Over,
}

/// How far the link has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The socket or the offer is not ready.
    Opening,
    /// The first frame is on its way; nothing has let us in.
    Asking,
    /// Waiting for a place; there is no offer.
    Queued,
    /// Let in.
    Up,
    /// Goodbye was said.
    Leaving,
}

pub(super) struct Driver {
    pub(super) config: Arc<Config>,
    pub(super) registry: Arc<Registry>,
    pub(super) nodes: Arc<Nodes>,
    /// How the node that let us in does.
    pub(super) health: Health,
    pub(super) request: DialRequest,
    pub(super) address: Option<Address>,
    pub(super) stage: Stage,
    pub(super) out: Outward,
    pub(super) actions: mpsc::Receiver<Action>,
    /// Gone when the host has closed this link.
    pub(super) wanted: Weak<()>,
    /// What waits until an older link has left its words.
    pub(super) held: VecDeque<Action>,
    /// Until when the socket is to be open.
    pub(super) open_by: Option<Instant>,
    pub(super) connecting: Option<BoxFuture<'static, Result<Wire, Fault>>>,
    pub(super) wire: Option<Wire>,
    pub(super) upgrading: Option<BoxFuture<'static, Result<Upgraded, UpgradeFault>>>,
    /// The first frame, until it is said.
    pub(super) first: Option<String>,
    pub(super) opening: Option<BoxFuture<'static, Result<Opened, Fault>>>,
    pub(super) socket: Option<Socket>,
    /// What may be said on it.
    pub(super) budget: Budget,
    pub(super) lane: Option<Arc<Lane>>,
    /// What a move leaves behind, to see whether pictures are to be expected.
    pub(super) predecessor: Option<Weak<Lane>>,
    pub(super) reports: Option<broadcast::Receiver<PeerEvent>>,
    pub(super) sink: Option<RemoteSink>,
    /// The offer of the first frame, and whether the engine was told of it.
    pub(super) offer: Option<(String, bool)>,
    pub(super) unsent: VecDeque<LocalCandidate>,
    pub(super) uploads: Uploads,
    pub(super) proof: Proof,
    pub(super) signaling_proven: bool,
    pub(super) signaling_lost: bool,
    pub(super) media_lost: bool,
    /// When the first frame of a resume went out, and the path was asked along with it.
    pub(super) asked: Option<Instant>,
    /// Does the offer of the first frame restart ICE?
    pub(super) restarts: bool,
    /// Is it there only in case that an earlier one was taken? Then it may stay unanswered.
    pub(super) spare: bool,
    /// Asked for while an offer was open.
    pub(super) restart_wanted: bool,
    /// Sections were asked for while an offer was open: the next one has them.
    pub(super) offer_wanted: bool,
    /// The host published something, or took it back, that was not offered yet.
    pub(super) publish_wanted: bool,
    /// Asked for while nothing was heard on the socket.
    pub(super) restart_when_heard: bool,
    /// When a frame last came.
    pub(super) heard_at: Option<Instant>,
    pub(super) answered: bool,
    pub(super) pinged: Option<Instant>,
    pub(super) answer_due: Option<Instant>,
    pub(super) hang_up_due: Option<Instant>,
    pub(super) stats_due: Option<Instant>,
    pub(super) rtp_due: Option<Instant>,
    pub(super) refresh_due: Option<Instant>,
    pub(super) goodbye_due: Option<Instant>,
    pub(super) close_code: u16,
    /// The far side ended the session: the host may have last words for it.
    pub(super) ended: bool,
    pub(super) unknown_messages: u64,
    /// The tracks of which this link told that they are not taken, once it told of any.
    pub(super) untaken: Option<Vec<UntakenTrack>>,
}

/// What one turn of the loop brought.
#[allow(clippy::large_enum_variant, reason = "made and taken apart in one place; the large one comes once")]
enum Turn {
    Closed,
    Room,
    Connected(Result<Wire, Fault>),
    Upgraded(Result<Upgraded, UpgradeFault>),
    Opened(Result<Opened, Fault>),
    Heard(Heard),
    Reported(Option<PeerEvent>),
    Action(Action),
    KeyFrame(KeyWishes),
    Media,
    Posted,
    Due,
}

/// Runs a link to its end. When it returns, nothing of it is left.
pub(super) async fn run(mut driver: Driver, mut closed: oneshot::Receiver<()>) {
    if driver.begin() == Flow::On {
        driver.drive(&mut closed).await;
    }
    driver.finish(closed).await;
}

impl Driver {
    pub(super) fn new(
        config: Arc<Config>,
        registry: Arc<Registry>,
        nodes: Arc<Nodes>,
        request: DialRequest,
        events: mpsc::Sender<Event>,
        actions: mpsc::Receiver<Action>,
        wanted: Weak<()>,
    ) -> Self {
        let sink = request.media.sink.clone();
        Self {
            config,
            registry,
            nodes,
            health: Health::default(),
            request,
            address: None,
            stage: Stage::Opening,
            out: Outward::new(events),
            actions,
            open_by: None,
            connecting: None,
            wire: None,
            upgrading: None,
            first: None,
            opening: None,
            socket: None,
            budget: Budget::default(),
            wanted,
            held: VecDeque::new(),
            lane: None,
            predecessor: None,
            reports: None,
            sink,
            offer: None,
            unsent: VecDeque::new(),
            uploads: Uploads::default(),
            proof: Proof::None,
            signaling_proven: false,
            signaling_lost: false,
            media_lost: false,
            asked: None,
            restarts: false,
            spare: false,
            restart_wanted: false,
            offer_wanted: false,
            publish_wanted: false,
            restart_when_heard: false,
            heard_at: None,
            answered: false,
            pinged: None,
            answer_due: None,
            hang_up_due: None,
            stats_due: None,
            rtp_due: None,
            refresh_due: None,
            goodbye_due: None,
            close_code: 1000,
            ended: false,
            unknown_messages: 0,
            untaken: None,
        }
    }

    async fn drive(&mut self, closed: &mut oneshot::Receiver<()>) {
        loop {
            let turn = tokio::select! {
                biased;
                // The host's end is gone or said so: either way nobody waits for more.
                _ = &mut *closed => Turn::Closed,
                turn = self.turn() => turn,
            };
            let flow = match turn {
                Turn::Closed => Flow::Over,
                Turn::Room => Flow::On,
                Turn::Connected(result) => self.connected(result).await,
                Turn::Upgraded(result) => self.upgraded(result),
                Turn::Opened(result) => self.opened(result).await,
                Turn::Heard(heard) => self.heard(heard).await,
                Turn::Reported(report) => self.reported(report).await,
                Turn::Action(action) => self.act_in_turn(action).await,
                Turn::KeyFrame(wishes) => {
                    if let Some(lane) = &self.lane {
                        // A switch to this link asks for one as well.
                        lane.sinks.settle();
                        lane.want_key_frames(&wishes);
                    }
                    Flow::On
                }
                Turn::Media => self.look_for_media(),
                Turn::Posted => self.posted().await,
                Turn::Due => self.due().await,
            };
            if flow == Flow::Over {
                return;
            }
        }
    }

    /// Waits for the next thing. Everything in it may be abandoned at any time.
    async fn turn(&mut self) -> Turn {
        if !self.out.has_room() {
            self.out.make_room().await;
            return Turn::Room;
        }
        let deadline = self.deadline();
        let idle =
            self.socket.as_ref().is_none_or(|socket| socket.waiting() < BUSY) && self.budget.has_left();
        tokio::select! {
            connected = wanted(&mut self.connecting) => {
                self.connecting = None;
                Turn::Connected(connected)
            }
            upgraded = wanted(&mut self.upgrading) => {
                self.upgrading = None;
                Turn::Upgraded(upgraded)
            }
            opened = wanted(&mut self.opening) => {
                self.opening = None;
                Turn::Opened(opened)
            }
            heard = listen(&mut self.socket) => Turn::Heard(heard),
            report = report(&mut self.reports) => Turn::Reported(report),
            Some(action) = self.actions.recv(), if idle => Turn::Action(action),
            wishes = key_frame_wanted(&mut self.sink), if self.lane.is_some() => Turn::KeyFrame(wishes),
            () = posted(&self.lane, self.request.epoch), if self.stage == Stage::Up => Turn::Posted,
            () = arrived(&self.lane, self.proof) => Turn::Media,
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => Turn::Due,
            else => pending().await,
        }
    }

    fn deadline(&mut self) -> Option<Instant> {
        [
            self.budget.due(),
            self.out.deadline(),
            self.answer_due,
            self.hang_up_due,
            self.stats_due,
            self.rtp_due,
            self.refresh_due,
            self.goodbye_due,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    async fn due(&mut self) -> Flow {
        let now = Instant::now();
        self.out.due();
        let past = |due: &mut Option<Instant>| due.take_if(|due| *due <= now).is_some();
        if past(&mut self.goodbye_due) {
            self.upgrading = None;
            return Flow::Over;
        }
        if past(&mut self.answer_due) {
            let fault = Fault::with(FaultKind::TimedOut, ProtocolFault::NoAnswer);
            return self.fail(Event::DialFailed(fault));
        }
        if past(&mut self.hang_up_due) {
            self.lose_media(Fault::new(FaultKind::ClosedByPeer));
        }
        if past(&mut self.refresh_due) {
            self.out.say(Event::NeedCredential(offhook_transport::CredentialWhy::Refresh));
        }
        if past(&mut self.stats_due) && self.take_stats().await == Flow::Over {
            return Flow::Over;
        }
        if past(&mut self.rtp_due) {
            return self.look_for_media();
        }
        Flow::On
    }

    /// Reports what ends this dial.
    pub(super) fn fail(&mut self, last: Event) -> Flow {
        self.out.say(last);
        Flow::Over
    }

    /// Something broke on the socket: before we are in, the dial failed; after that, a plane.
    pub(super) fn lose_signaling(&mut self, fault: Fault) -> Flow {
        self.answer_due = None;
        self.refresh_due = None;
        match self.stage {
            Stage::Opening | Stage::Asking | Stage::Queued => self.fail(Event::DialFailed(fault)),
            Stage::Leaving => Flow::Over,
            Stage::Up => {
                if !std::mem::replace(&mut self.signaling_lost, true) {
                    tracing::debug!(kind = fault.kind.code(), "the signaling plane is lost");
                    self.node_failed();
                    self.out.say(Event::PlaneLost(Plane::Signaling, fault));
                }
                Flow::On
            }
        }
    }

    /// Gives the socket up politely, in the background of nobody: the far side may resume.
    pub(super) async fn drop_socket(&mut self, code: u16) {
        if let Some(socket) = self.socket.take() {
            socket.close(code, CLOSING).await;
        }
    }

    /// Sends one message: numbered and kept if it is a reliable one, also while there is no
    /// socket, for then the resume brings it.
    pub(super) fn send(&mut self, message: &FromClient) -> Flow {
        let Some(lane) = self.lane.clone() else { return Flow::On };
        match lane.post(self.request.epoch, message, None) {
            Ok(text) => self.write_posted(&lane, text),
            Err(error) => {
                tracing::warn!(%error, "a message of ours does not fit the protocol and is not sent");
                Flow::On
            }
        }
    }

    /// Writes what was posted on the lane, and then this.
    pub(super) fn write_posted(&mut self, lane: &Lane, then: Option<String>) -> Flow {
        for text in lane.take_posted(self.request.epoch).into_iter().chain(then) {
            if self.write(text) == Flow::Over {
                return Flow::Over;
            }
        }
        Flow::On
    }

    pub(super) fn write(&mut self, text: String) -> Flow {
        let Some(socket) = &mut self.socket else { return Flow::On };
        self.budget.spend();
        if socket.send(text) {
            return Flow::On;
        }
        self.socket = None;
        let stuck = super::socket::LossError::Stuck;
        self.lose_signaling(Fault::with(FaultKind::Closed, stuck))
    }

    /// Asks for a sign of life; one question at a time is enough.
    pub(super) fn ping(&mut self) -> Flow {
        let now = Instant::now();
        if self.pinged.is_some_and(|at| now.saturating_duration_since(at) < Duration::from_secs(1)) {
            return Flow::On;
        }
        self.pinged = Some(now);
        let Some(id) = self.lane.as_ref().map(|lane| lane.state().next_command()) else { return Flow::On };
        self.send(&FromClient::Ping(Ping { id }))
    }

    /// Says goodbye; the user's media stops before this returns.
    pub(super) fn start_leaving(&mut self) {
        if let Some(lane) = &self.lane {
            lane.stop_sending();
            lane.peer.begin_close();
        }
        self.stage = Stage::Leaving;
        self.goodbye_due = Some(Instant::now() + GOODBYE);
    }

    /// The session was ended: the host has heard of it when it closes the link, and what it gave on
    /// its way out is a last batch of telemetry.
    async fn last_words(&mut self, socket: &mut Socket, closed: &mut oneshot::Receiver<()>) {
        let heard = async {
            self.out.make_room().await;
            let _ = closed.await;
        };
        if timeout(LAST_WORDS, heard).await.is_err() {
            return;
        }
        while let Ok(action) = self.actions.try_recv() {
            if let Action::Telemetry(batch) = action
                && let Ok(text) = encode(None, 0, &FromClient::Telemetry(telemetry::to_wire(&batch)))
            {
                let _ = socket.send(text);
            }
        }
    }

    async fn finish(mut self, mut closed: oneshot::Receiver<()>) {
        self.leave_words().await;
        self.given_up();
        self.connecting = None;
        self.reports = None;
        let code = self.close_code;
        let mut lane = self.lane.take();
        // A peer that is just being opened cannot be dropped half way: its engine would run on.
        if let Some(opening) = self.opening.take()
            && let Ok(Ok(opened)) = timeout(PEER_CLOSING, opening).await
        {
            lane = Some(opened.lane);
        }
        if let Some(lane) = &lane {
            lane.sinks.remove(self.request.epoch);
        }
        let mut socket = self.socket.take();
        let upgrading = self.upgrading.take();
        let part = async {
            // The frame that went along may have been taken: that it is given up has to be said.
            if let Some(upgrading) = upgrading
                && let Ok(Ok(upgraded)) = timeout(GOODBYE, upgrading).await
            {
                socket = Some(upgraded.socket);
            }
            if let Some(mut socket) = socket {
                if self.ended {
                    self.last_words(&mut socket, &mut closed).await;
                }
                socket.close(code, CLOSING).await;
            }
        };
        let release = async {
            // The last one to share the peer closes it; until then it belongs to the others.
            if let Some(lane) = lane.and_then(Arc::into_inner) {
                lane.stop_sending();
                let _ = timeout(PEER_CLOSING, lane.peer.close()).await;
            }
        };
        tokio::join!(part, release);
        // A host that closed the link reads nothing more.
        if !closed.is_terminated() {
            tokio::select! {
                _ = &mut closed => {}
                () = self.out.make_room() => {}
            }
        }
    }
}

async fn wanted<T>(work: &mut Option<BoxFuture<'static, T>>) -> T {
    match work {
        Some(work) => work.await,
        None => pending().await,
    }
}

async fn listen(socket: &mut Option<Socket>) -> Heard {
    match socket {
        Some(socket) => poll_fn(|cx| socket.poll_next(cx)).await,
        None => pending().await,
    }
}

/// The next report; `None` when the peer is closed.
async fn report(reports: &mut Option<broadcast::Receiver<PeerEvent>>) -> Option<PeerEvent> {
    let Some(receiver) = reports else { return pending().await };
    loop {
        match receiver.recv().await {
            Ok(event) => return Some(event),
            Err(broadcast::error::RecvError::Lagged(lost)) => {
                tracing::warn!(lost, "a link was too slow for its peer's reports");
            }
            Err(broadcast::error::RecvError::Closed) => return None,
        }
    }
}

async fn key_frame_wanted(sink: &mut Option<RemoteSink>) -> KeyWishes {
    match sink {
        Some(sink) => poll_fn(|cx| sink.poll_key_wishes(cx)).await,
        None => pending().await,
    }
}

/// Something for the link that speaks for the lane.
async fn posted(lane: &Option<Arc<Lane>>, link: Epoch) {
    match lane {
        Some(lane) if lane.state().owner == link => lane.posted().await,
        _ => pending().await,
    }
}

/// The media that is proof.
async fn arrived(lane: &Option<Arc<Lane>>, proof: Proof) {
    match (lane, proof) {
        (Some(lane), Proof::Media(before)) => lane.arrivals.past(before).await,
        _ => pending().await,
    }
}
