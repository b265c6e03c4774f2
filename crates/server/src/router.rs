//! Media between the members of a room: what each publishes is forwarded to the others packet by
//! packet, and never decoded. Here is who publishes what; the way out to one receiver is in `leg.rs`,
//! what one member's connection has to do with it in `member/media/forwarding.rs`.
//!
//! A published track goes by whose it is and what they call it. It stays the same one while its
//! publisher comes back on another connection: its receivers notice a change of source and nothing
//! else (F41, F62).

mod ingest;
mod leg;
mod wishes;

pub(crate) use ingest::Ingest;
pub(crate) use leg::Leg;

use leg::Passed;
use offhook_signaling::Instance;
use offhook_transport::media::Kind;
use offhook_transport_webrtc::peer::{KeyFrameAsker, RtpPacket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::watch;

/// Everything that is published in one room, in the order of publication.
#[derive(Default)]
pub(crate) struct Router {
    tracks: Mutex<Vec<Arc<Track>>>,
    /// Rises whenever a track comes or goes.
    news: watch::Sender<u64>,
}

impl Router {
    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Track>>> {
        self.tracks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes whenever there is another track to be forwarded, or one less.
    pub(crate) fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// What this member is to receive: everything of everybody else.
    pub(crate) fn of_others(&self, than: Instance) -> Vec<Arc<Track>> {
        self.lock().iter().filter(|track| track.member != than).cloned().collect()
    }

    /// From here on the track comes from this connection of its member. Gives the number by which
    /// that connection shows that it is still the one.
    pub(crate) fn publish(
        &self,
        member: Instance,
        label: &str,
        kind: Kind,
        muted: bool,
        asker: KeyFrameAsker,
    ) -> (Arc<Track>, u64) {
        let mut tracks = self.lock();
        let known = tracks.iter().position(|track| track.member == member && track.label == label);
        // One that is of the other kind now is another track.
        let other = known.filter(|at| tracks[*at].kind != kind).map(|at| tracks.remove(at));
        // Under the lock, so that the connection of before does not retire what this one brings.
        if let Some(track) = known.filter(|_| other.is_none()).map(|at| tracks[at].clone()) {
            let turn = track.change_source(asker, muted);
            return (track, turn);
        }
        let track = Arc::new(Track::new(member, label.to_owned(), kind));
        let turn = track.change_source(asker, muted);
        tracks.push(track.clone());
        drop(tracks);
        if let Some(other) = other {
            other.end();
        }
        self.changed();
        (track, turn)
    }

    /// The track is gone for good, unless another connection of its member brings it by now.
    pub(crate) fn retire(&self, track: &Arc<Track>, turn: u64) {
        let mut tracks = self.lock();
        if track.turn() != turn {
            return;
        }
        tracks.retain(|known| !Arc::ptr_eq(known, track));
        drop(tracks);
        track.end();
        self.changed();
    }

    fn changed(&self) {
        self.news.send_modify(|serial| *serial += 1);
    }
}

/// One track that a member publishes.
pub(crate) struct Track {
    pub(crate) member: Instance,
    pub(crate) label: String,
    pub(crate) kind: Kind,
    state: RwLock<State>,
}

/// Read for every packet, written when somebody comes, goes or mutes: so that no packet is under way
/// any more when a mute has returned.
#[derive(Default)]
struct State {
    /// Which of its member's connections it comes from; rises with each.
    turn: u64,
    muted: bool,
    over: bool,
    asker: Option<KeyFrameAsker>,
    legs: Vec<Arc<Leg>>,
}

impl Track {
    fn new(member: Instance, label: String, kind: Kind) -> Self {
        Self { member, label, kind, state: RwLock::default() }
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self) -> u64 {
        self.read().turn
    }

    /// Is it gone for good?
    pub(crate) fn is_over(&self) -> bool {
        self.read().over
    }

    /// Forwards one packet of the connection `turn` to everybody who receives the track; never waits.
    /// Of a muted track nothing is.
    pub(crate) fn forward(&self, turn: u64, packet: &RtpPacket) {
        let state = self.read();
        if state.turn != turn || state.muted || packet.codec.kind() != self.kind {
            return;
        }
        let begins = packet.starts_key_frame();
        let mut lacks_key = false;
        for leg in &state.legs {
            lacks_key |= leg.forward(packet, begins) == Passed::LacksKey;
        }
        if lacks_key && let Some(asker) = &state.asker {
            asker.ask();
        }
    }

    /// Asks its publisher for a key frame, unless it is muted. Many may want one: what goes out is
    /// bounded by its publisher's connection.
    pub(crate) fn want_key(&self) {
        let state = self.read();
        if self.kind == Kind::Video
            && !state.muted
            && let Some(asker) = &state.asker
        {
            asker.ask();
        }
    }

    /// From here on it goes out on this leg, too, beginning with a key frame.
    pub(crate) fn attach(self: &Arc<Self>, leg: &Arc<Leg>) {
        leg.begin(Arc::downgrade(self));
        self.write().legs.push(leg.clone());
        self.want_key();
    }

    /// Nothing of it goes out on this leg when this has returned.
    pub(crate) fn detach(&self, leg: &Arc<Leg>) {
        self.write().legs.retain(|known| !Arc::ptr_eq(known, leg));
        leg.pause();
    }

    /// Nothing of a muted track is forwarded when this has returned. One that is heard again begins
    /// with a key frame.
    pub(crate) fn mute(&self, turn: u64, muted: bool) {
        let mut state = self.write();
        if state.turn != turn || std::mem::replace(&mut state.muted, muted) == muted {
            return;
        }
        state.legs.iter().for_each(|leg| leg.pause());
        drop(state);
        self.want_key();
    }

    fn change_source(&self, asker: KeyFrameAsker, muted: bool) -> u64 {
        let mut state = self.write();
        state.turn += 1;
        state.asker = Some(asker);
        state.muted = muted;
        state.legs.iter().for_each(|leg| leg.change_source());
        let turn = state.turn;
        drop(state);
        self.want_key();
        turn
    }

    fn end(&self) {
        let mut state = self.write();
        state.turn += 1;
        state.over = true;
        state.asker = None;
        let legs = std::mem::take(&mut state.legs);
        drop(state);
        legs.iter().for_each(|leg| leg.pause());
    }
}
