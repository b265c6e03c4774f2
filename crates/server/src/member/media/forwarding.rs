//! One member's part in a room whose media is forwarded: what it publishes, and which track of the
//! others goes out on which of its sections. The packets' way is `router.rs`'s.
//!
//! A section's use is settled by an answer, and by nothing else: where a track has none, the client
//! is asked for an offer, once until it answers. Nothing goes out on a section before its client is known
//! to have taken that answer: packets that overtook it would be of a stream that nobody announced.

use super::{Happened, MediaError};
use crate::router::{Ingest, Leg, Router, Track};
use offhook_signaling::{Instance, MediaKind, MidRef, MidUse, NeedSections, Track as Offered, Waiting};
use offhook_transport::media::{Codec, Kind};
use offhook_transport_webrtc::peer::{Peer, Section};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

/// Tracks of others that one member is sent at most: a description has room for no more. Those that
/// were published first come first; its client is told of the others that they wait for a place.
const MOST: usize = 32;

/// What tracks without a place may take of the frame that lets a member in, in bytes.
const SNAPSHOT: usize = 4 * 1024;

/// One member's part.
pub(super) struct Forwarding {
    router: Arc<Router>,
    own: Instance,
    ingest: Arc<Ingest>,
    legs: BTreeMap<String, Arc<Leg>>,
    uses: BTreeMap<String, Arc<Track>>,
    /// Sections whose use its client has yet to hear of.
    unsettled: BTreeSet<String>,
    /// Sections of which its client was told that something is sent.
    told: BTreeSet<String>,
    news: watch::Receiver<u64>,
    flow: Arc<Notify>,
    dropped: Arc<AtomicU64>,
    /// For how many more sections it was asked, while that offer has not come.
    asked: Option<u32>,
    /// Did its newest offer have no more room than the one before, although it was asked for some?
    stuck: bool,
    /// Whose tracks its client was told to have no place, and which.
    without: BTreeMap<Instance, Vec<String>>,
}

impl Forwarding {
    pub(super) fn new(router: Arc<Router>, own: Instance, dropped: Arc<AtomicU64>) -> Self {
        let news = router.news();
        Self {
            router,
            own,
            ingest: Arc::default(),
            legs: BTreeMap::new(),
            uses: BTreeMap::new(),
            unsettled: BTreeSet::new(),
            told: BTreeSet::new(),
            news,
            flow: Arc::default(),
            dropped,
            asked: None,
            stuck: false,
            without: BTreeMap::new(),
        }
    }

    /// Where its packets are to go.
    pub(super) fn ingest(&self) -> Arc<Ingest> {
        self.ingest.clone()
    }

    /// An answer was made: the sections it grants are put to use, at once where nothing can reach its
    /// client before the answer does.
    pub(super) async fn answered(
        &mut self,
        peer: &Peer,
        sections: &[Section],
        first: bool,
    ) -> Result<(), MediaError> {
        let before = self.legs.len();
        let granted = |mid: &str| sections.iter().any(|section| section.mid == mid && section.sends);
        let gone: Vec<_> = self.legs.keys().filter(|mid| !granted(mid)).cloned().collect();
        for mid in gone {
            self.free(&mid);
            self.legs.remove(&mid);
        }
        for section in sections.iter().filter(|section| section.sends) {
            let codec = codec(section.kind);
            match self.legs.get(&section.mid) {
                Some(_) => drop(peer.prepare_rtp(&section.mid, codec).await),
                None if section.codecs.contains(&codec) => {
                    let (news, dropped) = (self.flow.clone(), self.dropped.clone());
                    let leg = Leg::open(peer, section.mid.clone(), codec, news, dropped).await?;
                    self.legs.insert(section.mid.clone(), leg);
                }
                None => {}
            }
        }
        self.tidy();
        for track in self.waiting() {
            let free = |(mid, leg): &(&String, &Arc<Leg>)| {
                leg.kind == track.kind && !self.uses.contains_key(mid.as_str())
            };
            let Some((mid, leg)) = self.legs.iter().find(free) else { continue };
            if first {
                track.attach(leg);
            } else {
                self.unsettled.insert(mid.clone());
            }
            self.uses.insert(mid.clone(), track);
        }
        let asked_for_more = self.asked.take().is_some_and(|more| more > 0);
        self.stuck = asked_for_more && self.legs.len() <= before;
        Ok(())
    }

    /// Is there a use of a section that its client has yet to hear of?
    pub(super) fn is_unsettled(&self) -> bool {
        !self.unsettled.is_empty()
    }

    /// Its client took the newest answer.
    pub(super) fn settled(&mut self) {
        for mid in std::mem::take(&mut self.unsettled) {
            if let (Some(track), Some(leg)) = (self.uses.get(&mid), self.legs.get(&mid)) {
                track.attach(leg);
            }
        }
    }

    /// What is in the sections, as the answer says it.
    pub(super) fn uses(&self) -> Vec<MidUse> {
        let used = |(mid, track): (&String, &Arc<Track>)| MidUse {
            mid: mid.clone(),
            kind: match track.kind {
                Kind::Audio => MediaKind::Audio,
                Kind::Video => MediaKind::Video,
            },
            member: Some(track.member),
            track: Some(track.label.clone()),
        };
        self.uses.iter().map(used).collect()
    }

    /// What it publishes from here on, as it is offered, as far as its sections bring it.
    pub(super) fn publish(
        &mut self,
        peer: &Peer,
        sections: &[Section],
        offered: &[Offered],
        muted: &[String],
    ) {
        let mut tracks = HashMap::new();
        let mut labels = HashSet::new();
        for track in offered {
            let Some(mid) = &track.mid else { continue };
            let section = sections.iter().find(|section| section.mid == *mid && section.receives);
            // One that is not what it says it is goes nowhere.
            let kind = section.map(|section| section.kind).filter(|kind| is(*kind, &track.kind));
            let Some(kind) = kind.filter(|_| !tracks.contains_key(mid)) else { continue };
            if !labels.insert(track.track.as_str()) {
                continue;
            }
            let is_muted = muted.contains(&track.track);
            let asker = peer.key_frame_asker(mid);
            let known = self
                .ingest
                .tracks()
                .into_iter()
                .find(|(known, _)| known.label == track.track && known.kind == kind && !known.is_over());
            let published = match known.filter(|_| self.ingest.carries(mid, &track.track)) {
                Some((known, turn)) => {
                    known.mute(turn, is_muted);
                    (known, turn)
                }
                None => self.router.publish(self.own, &track.track, kind, is_muted, asker),
            };
            tracks.insert(mid.clone(), published);
        }
        let kept: Vec<_> = tracks.values().cloned().collect();
        for (track, turn) in self.ingest.replace(tracks) {
            // One that only changed its section has another turn by now.
            if !kept.iter().any(|(known, _)| Arc::ptr_eq(known, &track)) {
                self.router.retire(&track, turn);
            }
        }
    }

    /// Nothing of these is forwarded when this has returned.
    pub(super) fn mute(&self, muted: &[String]) {
        for (track, turn) in self.ingest.tracks() {
            track.mute(turn, muted.contains(&track.label));
        }
    }

    /// There is a path: everybody it receives is asked for a picture to begin with.
    pub(super) fn connected(&self) {
        self.uses.values().for_each(|track| track.want_key());
    }

    /// An offer that it was asked for may have been lost with its socket.
    pub(super) fn ask_again(&mut self) {
        self.asked = None;
        self.stuck = false;
    }

    /// Where media is due from here.
    pub(super) fn sending(&self) -> Vec<MidRef> {
        self.told.iter().map(|mid| MidRef { mid: mid.clone() }).collect()
    }

    /// How many more sections it has to offer; none where nothing waits for one, or an offer is due.
    pub(super) fn need(&mut self) -> Option<NeedSections> {
        if self.asked.is_some() || self.stuck {
            return None;
        }
        let waiting = self.waiting();
        if waiting.is_empty() {
            return None;
        }
        let more = |kind: Kind| {
            let wanted = waiting.iter().filter(|track| track.kind == kind).count();
            let free = |leg: &&Arc<Leg>| leg.kind == kind && !self.uses.contains_key(&leg.mid);
            let there = self.legs.values().filter(free).count();
            u32::try_from(wanted.saturating_sub(there)).unwrap_or(u32::MAX)
        };
        let need = NeedSections { audio: more(Kind::Audio), video: more(Kind::Video) };
        self.asked = Some(need.audio.saturating_add(need.video));
        Some(need)
    }

    /// The next thing that its client is to be told.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub(super) async fn next(&mut self) -> Happened {
        loop {
            self.tidy();
            let now = Instant::now();
            if let Some((mid, sends)) = self.flow(now) {
                return Happened::Sends { mid, sends };
            }
            if let Some(need) = self.need() {
                return Happened::Needs(need);
            }
            if let Some(waiting) = self.without_place() {
                return Happened::Waits(waiting);
            }
            let flowing = self.legs.values().filter_map(|leg| leg.flows_until(now)).min();
            let silence = async {
                match flowing {
                    Some(until) => sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                news = self.news.changed() => match news {
                    Ok(()) => self.stuck = false,
                    // The room is gone, and its member with it in a moment.
                    Err(_) => std::future::pending().await,
                },
                () = self.flow.notified() => {}
                () = silence => {}
            }
        }
    }

    /// What its client is told of this on being let in, as far as the frame has room for it: the rest is
    /// told after it.
    pub(super) fn without(&mut self) -> Vec<Waiting> {
        self.without = self.lacking();
        let mut room = SNAPSHOT;
        self.without.retain(|_, tracks| {
            let needs = tracks.iter().map(|label| label.len() + 8).sum::<usize>() + 64;
            let fits = needs <= room;
            room -= if fits { needs } else { 0 };
            fits
        });
        let waiting =
            |(member, tracks): (&Instance, &Vec<String>)| Waiting { member: *member, tracks: tracks.clone() };
        self.without.iter().map(waiting).collect()
    }

    /// Takes everything back that it has in the room.
    pub(super) fn close(&mut self) {
        let mids: Vec<_> = self.uses.keys().cloned().collect();
        mids.iter().for_each(|mid| self.free(mid));
        self.legs.clear();
        for (track, turn) in self.ingest.replace(HashMap::new()) {
            self.router.retire(&track, turn);
        }
    }

    /// A section whose flow is another one than its client was told, which it is told now.
    fn flow(&mut self, now: Instant) -> Option<(String, bool)> {
        let flows = |mid: &str| {
            let leg = self.legs.get(mid).filter(|_| self.uses.contains_key(mid));
            leg.is_some_and(|leg| leg.flows_until(now).is_some())
        };
        let stopped = self.told.iter().find(|mid| !flows(mid)).cloned();
        if let Some(mid) = stopped {
            self.told.remove(&mid);
            return Some((mid, false));
        }
        let begun = self.uses.keys().find(|mid| !self.told.contains(*mid) && flows(mid)).cloned()?;
        self.told.insert(begun.clone());
        Some((begun, true))
    }

    /// Frees the sections of tracks that are gone.
    fn tidy(&mut self) {
        let over = |(_, track): &(&String, &Arc<Track>)| track.is_over();
        let gone: Vec<_> = self.uses.iter().filter(over).map(|(mid, _)| mid.clone()).collect();
        gone.iter().for_each(|mid| self.free(mid));
    }

    fn free(&mut self, mid: &str) {
        self.unsettled.remove(mid);
        if let (Some(track), Some(leg)) = (self.uses.remove(mid), self.legs.get(mid)) {
            track.detach(leg);
        }
    }

    /// A member some of whose tracks have no place with it, or have one again, of which its client was not
    /// told.
    fn without_place(&mut self) -> Option<Waiting> {
        let without = self.lacking();
        let news = |(member, tracks): &(&Instance, &Vec<String>)| self.without.get(*member) != Some(*tracks);
        if let Some((member, tracks)) = without.iter().find(news) {
            self.without.insert(*member, tracks.clone());
            return Some(Waiting { member: *member, tracks: tracks.clone() });
        }
        let member = *self.without.keys().find(|member| !without.contains_key(member))?;
        self.without.remove(&member);
        Some(Waiting { member, tracks: Vec::new() })
    }

    /// Whose tracks have no place with it, and which. One that has a place and no section yet is on its way.
    fn lacking(&self) -> BTreeMap<Instance, Vec<String>> {
        let mut without = BTreeMap::<Instance, Vec<String>>::new();
        let all = self.router.of_others(self.own);
        if all.len() <= MOST && !self.stuck && self.without.is_empty() {
            return without;
        }
        for (at, track) in all.iter().enumerate() {
            let known = || self.without.get(&track.member).is_some_and(|told| told.contains(&track.label));
            let has_section = || self.uses.values().any(|used| Arc::ptr_eq(used, track));
            // What was told to wait does so until it has its section.
            if (at >= MOST || self.stuck || known()) && !has_section() {
                without.entry(track.member).or_default().push(track.label.clone());
            }
        }
        without
    }

    /// Tracks that it is to receive and that have no section.
    fn waiting(&self) -> Vec<Arc<Track>> {
        let mut tracks = self.router.of_others(self.own);
        tracks.truncate(MOST);
        tracks.retain(|track| !self.uses.values().any(|used| Arc::ptr_eq(used, track)));
        tracks
    }
}

impl Drop for Forwarding {
    fn drop(&mut self) {
        self.close();
    }
}

/// What is forwarded of each kind.
fn codec(kind: Kind) -> Codec {
    match kind {
        Kind::Audio => Codec::Opus,
        Kind::Video => Codec::H264,
    }
}

fn is(kind: Kind, said: &MediaKind) -> bool {
    match said {
        MediaKind::Audio => kind == Kind::Audio,
        MediaKind::Video => kind == Kind::Video,
        MediaKind::Other(_) => false,
    }
}
