//! The far side as a whole: what a test holds in its hand.

mod ringing;

use crate::link::LinkId;
use crate::log::{Published, Seen, What};
use crate::world::World;
use crate::{Faults, MockDial, Studio};
use offhook_transport::media::EncodedFrame;
use offhook_transport::{Action, EndCode, GoAwayHint, NetworkFact, Profile, SessionRef, Telemetry};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The far side of every connection that its [`MockTransport`](crate::MockTransport) makes.
///
/// By hand: take each dial with [`dial`](Self::dial) and answer it. Or let it behave by
/// itself with [`auto`](Self::auto), and trouble it with [`faults`](Self::faults),
/// [`cut`](Self::cut) and [`go_away`](Self::go_away). Cloning shares it.
#[derive(Clone, Debug)]
pub struct Remote {
    world: Arc<World>,
}

/// What the client holds open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Connections that were polled and neither closed nor dropped.
    pub connections: usize,
    /// Media planes held by at least one of them.
    pub media_planes: usize,
    /// Published tracks that are being taken.
    pub taps: usize,
    /// Presence links.
    pub presences: usize,
    /// Watches of the network that were polled and not dropped.
    pub watches: usize,
}

impl Remote {
    pub(crate) fn new(world: Arc<World>) -> Self {
        Self { world }
    }

    /// The next dial that was not taken yet. Dials that the client gave up before are skipped;
    /// the [`log`](Self::log) has them.
    ///
    /// # Cancel safety
    /// No dial is lost.
    pub async fn dial(&self) -> MockDial {
        let (id, seen) = self.world.wait(|inner| inner.take_unseen()).await;
        MockDial::new(self.world.clone(), id, seen)
    }

    /// [`dial`](Self::dial), if there is one now.
    pub fn try_dial(&self) -> Option<MockDial> {
        let (id, seen) = self.world.lock().take_unseen()?;
        Some(MockDial::new(self.world.clone(), id, seen))
    }

    /// The newest connection that is open, whoever answered it.
    pub fn newest(&self) -> Option<MockDial> {
        let inner = self.world.lock();
        let (id, link) = inner.links.iter().rev().find(|(_, link)| !link.closed)?;
        Some(MockDial::new(self.world.clone(), *id, link.seen.clone()))
    }

    /// The session exists: the directory finds it. One that somebody joined does anyway.
    pub fn create(&self, session: SessionRef) {
        self.create_with(session, Profile::default());
    }

    /// [`create`](Self::create), with what its maker says of it.
    pub fn create_with(&self, session: SessionRef, profile: Profile) {
        let mut inner = self.world.lock();
        inner.names.create(session, profile);
        inner.notify();
    }

    /// Says anew what there is to say of a session that was made.
    pub fn describe(&self, session: &SessionRef, profile: Profile) {
        let mut inner = self.world.lock();
        inner.names.describe(session, profile);
        inner.notify();
    }

    /// The session was never made; with nobody in it, it is not there.
    pub fn forget(&self, session: &SessionRef) {
        let mut inner = self.world.lock();
        inner.names.forget(session);
        inner.notify();
    }

    /// So many wait for this session, as those see it who look on.
    pub fn waiting(&self, session: SessionRef, many: u32) {
        let mut inner = self.world.lock();
        inner.names.wait(session, many);
        inner.notify();
    }

    /// The session's director comes, or goes (F59). While one that is required is not there, the
    /// studio refuses joins; when it goes, those inside are ended with [`EndCode::ControlLost`].
    pub fn direct(&self, session: &SessionRef, connected: bool) {
        let lost = {
            let mut inner = self.world.lock();
            let lost = inner.names.direct(session, connected);
            inner.notify();
            lost
        };
        if lost {
            self.each(|dial| {
                if dial.seen().session == *session {
                    dial.end(EndCode::ControlLost);
                }
            });
        }
    }

    /// From the next dial on it behaves by itself.
    pub fn auto(&self, studio: Studio) {
        self.world.set_script(None);
        self.world.lock().studio = Some(studio);
    }

    /// From the next dial on the script answers each one the moment it arrives. It may keep
    /// the dial for later, and may set another script.
    pub fn script(&self, script: impl FnMut(MockDial) + Send + 'static) {
        self.world.lock().studio = None;
        self.world.set_script(Some(Box::new(script)));
    }

    /// From the next dial on every answer is the hand's again.
    pub fn by_hand(&self) {
        self.world.lock().studio = None;
        self.world.set_script(None);
    }

    /// From now on the network is as bad as this.
    pub fn faults(&self, faults: Faults) {
        self.world.lock().faults = faults;
    }

    /// The network goes: sockets are reset at once, media is found dead after five seconds
    /// without an answer to its checks, dials fail as unreachable.
    pub fn cut(&self) {
        let mut inner = self.world.lock();
        inner.cut(Instant::now());
        inner.notify();
    }

    /// The network is back. Media that was not found dead yet goes on; links that lost a plane
    /// report that the path is alive.
    pub fn restore(&self) {
        self.world.lock().restore(Instant::now());
    }

    /// The system of the client's machine says this of its network, to every session that
    /// listens; what nobody polled for yet waits, the newest 64 for each. It is only said:
    /// whether anything gets through is up to [`cut`](Self::cut) and
    /// [`restore`](Self::restore), of which in turn the system says nothing.
    pub fn network(&self, fact: NetworkFact) {
        self.world.lock().machine.say(fact);
    }

    /// The server goes down and is there again at once: sockets are closed as a restarting
    /// server closes them (1012), media ends with its process, and nobody is remembered. While
    /// the network is [`cut`](Self::cut) it is a crash: nobody hears of it, and nobody is remembered.
    pub fn restart(&self) {
        self.world.lock().restart(Instant::now());
    }

    /// Asks every open connection to move.
    pub fn go_away(&self, hint: GoAwayHint) {
        self.each(|dial| dial.go_away(hint.clone()));
    }

    /// Removes every client.
    pub fn kick(&self, text: &str) {
        self.each(|dial| dial.kick(text));
    }

    /// Ends every session.
    pub fn end(&self, code: EndCode) {
        self.each(|dial| dial.end(code));
    }

    fn each(&self, f: impl Fn(MockDial)) {
        let open: Vec<_> = {
            let inner = self.world.lock();
            let open = inner.links.iter().filter(|(_, link)| !link.closed);
            open.map(|(id, link)| MockDial::new(self.world.clone(), *id, link.seen.clone())).collect()
        };
        open.into_iter().for_each(f);
    }

    /// Sends a frame on every media plane that carries; says to how many.
    pub fn send_frame(&self, frame: &EncodedFrame) -> usize {
        let mut inner = self.world.lock();
        let first_holders: Vec<LinkId> =
            inner.planes.values().filter_map(|plane| plane.holders.first().copied()).collect();
        first_holders.into_iter().filter(|holder| inner.send_frame(*holder, frame)).count()
    }

    /// The frames that left the client since the last call, in order.
    pub fn frames(&self) -> Vec<Published> {
        self.world.lock().published.take()
    }

    /// The next frame that leaves the client.
    ///
    /// # Cancel safety
    /// No frame is lost.
    pub async fn frame(&self) -> Published {
        self.world.wait(|inner| inner.published.pop()).await
    }

    /// How often the client asked for a key frame on the planes that are open.
    pub fn key_frames_wanted(&self) -> u64 {
        self.world.lock().planes.values().map(|plane| plane.key_wishes).sum()
    }

    /// Everything the far side saw, oldest first; at most the last 8192.
    pub fn log(&self) -> Vec<Seen> {
        self.world.lock().log.iter().cloned().collect()
    }

    /// How many entries the log lost because it was full.
    pub fn log_lost(&self) -> u64 {
        self.world.lock().log.lost()
    }

    /// The telemetry that arrived, oldest first, as far as the log goes back.
    pub fn telemetry(&self) -> Vec<Telemetry> {
        let log = self.log();
        let batches = log.iter().filter_map(|seen| match &seen.what {
            What::Action(action) => match &**action {
                Action::Telemetry(batch) => Some((**batch).clone()),
                _ => None,
            },
            _ => None,
        });
        batches.collect()
    }

    /// Waits until a log entry fits; those already there are looked at first.
    ///
    /// # Cancel safety
    /// Nothing is taken.
    pub async fn saw(&self, fits: impl Fn(&Seen) -> bool) -> Seen {
        self.world.wait(|inner| inner.log.iter().find(|seen| fits(seen)).cloned()).await
    }

    /// Waits until what the client holds open fits, such as "nothing".
    ///
    /// # Cancel safety
    /// Nothing is taken.
    pub async fn until(&self, fits: impl Fn(Census) -> bool) -> Census {
        self.world.wait(|inner| Some(inner.census()).filter(|census| fits(*census))).await
    }

    /// What the client holds open.
    pub fn census(&self) -> Census {
        self.world.lock().census()
    }

    /// Connections that were polled and neither closed nor dropped.
    pub fn open_connections(&self) -> usize {
        self.census().connections
    }

    /// How old the pair is, on the (perhaps virtual) clock; the time in the log.
    pub fn now(&self) -> Duration {
        self.world.lock().age(Instant::now())
    }
}
