//! What the peer reports, and when that is proof (R5), life (R9) or loss.

use super::driver::{Driver, Flow, STATS_EVERY, Stage};
use super::lane::Lane;
use crate::peer::{LocalCandidate, PeerEvent};
use offhook_signaling::{Candidate, EndOfCandidates, FromClient};
use offhook_transport::{Content, Event, Fault, FaultKind, Plan, Plane};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::time::Instant;

/// Candidates of our own that wait for a socket.
const UNSENT: usize = 64;
/// After the media hung up, an `ended` that left the far side together with the hang-up is let
/// overtake it, so that a farewell does not look like a loss. The machine waits on (250 ms).
const ENDED_WITHIN: Duration = Duration::from_millis(25);
/// How often it is looked whether the first picture of a move came.
const PICTURE_EVERY: Duration = Duration::from_millis(5);
/// Media that is due and does not come for this long is lost (R9).
const MEDIA_SILENCE: Duration = Duration::from_secs(5);
/// How often it is looked whether due media is due still.
const LOOK_EVERY: Duration = Duration::from_millis(40);

/// What has to be seen before the media plane carries under this dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// Nothing: it was seen, or nothing is under way.
    None,
    /// A new connection: DTLS under its credentials.
    Dtls,
    /// A connection that was taken over: an answer to our check.
    Path,
    /// A restart: a pair under the new credentials.
    Ice,
    /// The path of a move works; the application is to have a picture from it before the old link
    /// goes (R13).
    Picture,
    /// The path works; media that was coming must come again, past this many packets.
    Media(u64),
}

impl Driver {
    pub(super) async fn reported(&mut self, report: Option<PeerEvent>) -> Flow {
        let Some(lane) = self.lane.clone() else { return Flow::On };
        let Some(event) = report else {
            self.reports = None;
            if self.stage == Stage::Up {
                self.lose_media(Fault::new(FaultKind::ClosedByPeer));
            }
            return Flow::On;
        };
        // Another link speaks for this peer by now: ours only listens for life.
        let ours = lane.state().owner == self.request.epoch;
        match event {
            PeerEvent::Candidate(candidate) if ours => self.trickle(&lane, candidate),
            PeerEvent::CandidatesEnd { ufrag } if ours && self.may_trickle() => {
                self.send(&FromClient::EndOfCandidates(EndOfCandidates { ufrag }))
            }
            PeerEvent::Connected if self.proof == Proof::Dtls => self.path_proven(&lane).await,
            PeerEvent::IceConnected if self.proof == Proof::Ice => self.path_proven(&lane).await,
            PeerEvent::PathAnswered => self.path_answered(&lane, ours).await,
            PeerEvent::PathSilent { .. } if ours => self.media_fault(Fault::new(FaultKind::IceSilent)),
            PeerEvent::IceFailed if ours => self.media_fault(Fault::new(FaultKind::IceFailed)),
            PeerEvent::DataClosed => {
                self.hung_up();
                Flow::On
            }
            PeerEvent::Broken(error) => self.media_fault(Fault::with(error.fault_kind(), error)),
            PeerEvent::FrameOut { .. } if ours => self.tell_outflow(),
            PeerEvent::TrackAdded { mid, kind, .. } => {
                lane.state().kinds.insert(mid, kind);
                Flow::On
            }
            _ => Flow::On,
        }
    }

    fn may_trickle(&self) -> bool {
        let asking = self.stage == Stage::Asking && !matches!(self.request.plan, Plan::Resume { .. });
        self.socket.is_some() && (asking || self.stage == Stage::Up)
    }

    fn trickle(&mut self, lane: &Arc<Lane>, candidate: LocalCandidate) -> Flow {
        if self.unsent.len() == UNSENT {
            self.unsent.pop_front();
        }
        self.unsent.push_back(candidate);
        self.flush_candidates(lane)
    }

    pub(super) fn flush_candidates(&mut self, _: &Arc<Lane>) -> Flow {
        while self.may_trickle()
            && let Some(candidate) = self.unsent.pop_front()
        {
            let LocalCandidate { candidate, mid, ufrag } = candidate;
            if self.send(&FromClient::Candidate(Candidate { ufrag, mid, candidate })) == Flow::Over {
                return Flow::Over;
            }
        }
        Flow::On
    }

    async fn path_answered(&mut self, lane: &Arc<Lane>, ours: bool) -> Flow {
        let back = {
            let mut state = lane.state();
            state.saw_answer();
            state.is_path_back()
        };
        if self.stage != Stage::Up {
            return Flow::On;
        }
        // Whichever plane was lost meanwhile, and whoever noticed: what was begun in the hole is
        // worth less than what begins now.
        if back {
            self.out.say(Event::PathAlive);
        }
        if ours && !self.media_lost {
            self.out.alive(Plane::Media);
        }
        if self.proof == Proof::Path && lane.peer.is_connected() {
            return self.path_proven(lane).await;
        }
        Flow::On
    }

    pub(super) async fn path_proven(&mut self, lane: &Arc<Lane>) -> Flow {
        // Where media was lost, what is due has to come again, and not the path alone (R5).
        let was_lost = self.media_lost || matches!(self.request.plan, Plan::Resume { restart_ice: true, .. });
        tracing::debug!(proof = ?self.proof, was_lost, "the path is proven");
        let remade = self.proof == Proof::Ice || (self.proof == Proof::Path && was_lost);
        if remade && lane.state().media_is_due() {
            self.proof = Proof::Media(lane.arrivals.packets());
            self.rtp_due = Some(Instant::now() + LOOK_EVERY);
        } else if self.proof == Proof::Dtls && self.awaits_picture() {
            self.proof = Proof::Picture;
            self.rtp_due = Some(Instant::now() + PICTURE_EVERY);
        } else {
            return self.media_carries(lane);
        }
        Flow::On
    }

    fn media_carries(&mut self, lane: &Lane) -> Flow {
        let anew = std::mem::replace(&mut self.proof, Proof::None) != Proof::Path;
        tracing::debug!(anew, "the media plane carries");
        let was_lost = std::mem::take(&mut self.media_lost);
        self.hang_up_due = None;
        self.stats_due.get_or_insert_with(|| Instant::now() + STATS_EVERY);
        lane.state().carried(anew);
        self.out.say(Event::Carried(Plane::Media));
        self.is_whole();
        if !was_lost {
            return Flow::On;
        }
        // What the far side says of media before it has heard this is of before.
        lane.state().outflow.say_again();
        let flow = self.tell_outflow();
        lane.state().media_is_news();
        flow
    }

    /// Do pictures come in on the link that this one is to follow?
    fn awaits_picture(&self) -> bool {
        self.predecessor.as_ref().and_then(Weak::upgrade).is_some_and(|lane| lane.state().video_is_due())
    }

    pub(super) fn look_for_media(&mut self) -> Flow {
        let Some(lane) = self.lane.clone() else { return Flow::On };
        let before = match self.proof {
            Proof::Media(before) => before,
            Proof::Picture if self.awaits_picture() && !lane.sinks.has_picture() => {
                self.rtp_due = Some(Instant::now() + PICTURE_EVERY);
                return Flow::On;
            }
            Proof::Picture => return self.media_carries(&lane),
            Proof::None | Proof::Dtls | Proof::Path | Proof::Ice => return Flow::On,
        };
        let due = lane.state().media_is_due();
        if lane.arrivals.packets() > before || !due {
            return self.media_carries(&lane);
        }
        self.rtp_due = Some(Instant::now() + LOOK_EVERY);
        Flow::On
    }

    pub(super) async fn take_stats(&mut self) -> Flow {
        let Some(lane) = self.lane.clone() else { return Flow::On };
        let Ok(stats) = lane.peer.stats().await else { return Flow::On };
        self.stats_due = Some(Instant::now() + STATS_EVERY);
        let packets = stats.streams.iter().filter(|s| s.inbound).map(|s| s.packets).sum();
        let ours = {
            let mut state = lane.state();
            let came = packets > state.inbound();
            state.saw_inbound(packets);
            (state.owner == self.request.epoch, came)
        };
        if let (true, came) = ours {
            if came && !self.media_lost {
                self.out.alive(Plane::Media);
            }
            self.out.say(Event::Content(Content::Stats(Box::new(stats))));
            self.watch_for_silence(&lane);
        }
        // That nothing leaves any more tells nobody by itself.
        self.tell_outflow()
    }

    /// The path answers and the far side says that it sends, and nothing comes.
    fn watch_for_silence(&mut self, lane: &Lane) {
        if self.proof != Proof::None || self.media_lost {
            return;
        }
        let silent = lane.state().due_and_silent();
        if silent.is_some_and(|silent| silent >= MEDIA_SILENCE) {
            self.lose_media(Fault::new(FaultKind::MediaSilent));
        }
    }

    /// The media hung up: an ending may follow.
    fn hung_up(&mut self) {
        if !self.media_lost && self.hang_up_due.is_none() {
            self.hang_up_due = Some(Instant::now() + ENDED_WITHIN);
        }
    }

    /// A fault of the media: of the dial while it is under way, of the plane afterwards.
    fn media_fault(&mut self, fault: Fault) -> Flow {
        match self.stage {
            Stage::Opening | Stage::Asking | Stage::Queued => self.fail(Event::DialFailed(fault)),
            Stage::Up | Stage::Leaving => {
                self.lose_media(fault);
                Flow::On
            }
        }
    }

    /// Told once for each loss.
    pub(super) fn lose_media(&mut self, fault: Fault) {
        self.hang_up_due = None;
        if self.stage == Stage::Up && !std::mem::replace(&mut self.media_lost, true) {
            tracing::debug!(kind = fault.kind.code(), "the media plane is lost");
            if let Some(lane) = &self.lane {
                lane.state().lost(fault.kind);
            }
            self.proof = Proof::None;
            self.rtp_due = None;
            self.node_failed();
            self.out.say(Event::PlaneLost(Plane::Media, fault));
        }
    }
}
