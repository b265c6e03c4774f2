//! Offers of ours and the answers to them: one offer at a time, over the living socket.

use crate::native::driver::{Driver, Flow, Stage};
use crate::native::lane::Lane;
use crate::native::media::Proof;
use crate::native::sinks::Route;
use crate::native::translate;
use crate::peer::{Direction, IceServer, PeerError, SectionSpec};
use offhook_signaling as wire;
use offhook_signaling::{FromClient, limits};
use offhook_transport::media::Kind;
use offhook_transport::{DialRequest, Fault, FaultKind};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A socket on which nothing came for a ping's interval and this much more does not answer.
const OVERDUE: Duration = Duration::from_millis(500);

impl Driver {
    pub(super) async fn answer(&mut self, lane: &Arc<Lane>, answer: &wire::Answer) -> Flow {
        if lane.state().open_offer != Some(answer.negotiation_id) {
            return Flow::On;
        }
        let taken = take_answer(lane, &self.request, answer).await;
        // What came or went while the offer was open is in the next one.
        let lags = taken.is_ok() && lane.lags(&lane.offerable(self.published()));
        if let Err(fault) = taken {
            lane.state().open_offer = None;
            self.lose_media(fault);
        } else if self.refuses_to_join_without(lane) {
            return Flow::Over;
        }
        self.tell_untaken(lane);
        let restart = std::mem::take(&mut self.restart_wanted);
        if std::mem::take(&mut self.offer_wanted) || restart || lags {
            return self.negotiate(restart).await;
        }
        Flow::On
    }

    pub(super) async fn need_sections(&mut self, lane: &Arc<Lane>, need: wire::NeedSections) -> Flow {
        let room = |wanted: u32| usize::try_from(wanted).unwrap_or(usize::MAX).min(limits::LIST);
        let agreed = lane.peer.sections().await.len();
        // Before the first answer the sections of the dial are still unused, and count.
        let unused = if agreed == 0 { crate::native::opening::sections(&self.request) } else { Vec::new() };
        let mut have = agreed.max(unused.len());
        for (kind, wanted) in [(Kind::Audio, need.audio), (Kind::Video, need.video)] {
            let there = unused.iter().filter(|section| section.kind == kind).count();
            for _ in 0..room(wanted).saturating_sub(there).min(limits::SDP_SECTIONS.saturating_sub(have)) {
                let section = SectionSpec { kind, direction: Direction::RecvOnly };
                if let Err(error) = lane.peer.add_section(section).await {
                    tracing::debug!(%error, "no more sections");
                    break;
                }
                have += 1;
                // Should the socket go first, the resume has them.
                lane.state().grown = true;
            }
        }
        self.negotiate(false).await
    }

    /// Makes the path anew over the living socket. A restart gives the old path up, with which its
    /// return would be seen; so where the socket is overdue as well, that is asked first, and what
    /// comes on it begins the restart.
    pub(in crate::native) async fn restart_ice(&mut self) -> Flow {
        let ping = self.lane.as_ref().and_then(|lane| Some(lane.state().granted.as_ref()?.liveness.ping));
        let silent = self.heard_at.map(|at| Instant::now().saturating_duration_since(at));
        if ping.zip(silent).is_some_and(|(ping, silent)| silent > ping + OVERDUE) {
            self.restart_when_heard = true;
            return self.ping();
        }
        self.negotiate(true).await
    }

    /// The socket answers, and by now perhaps the path does, too.
    pub(super) async fn restart_heard(&mut self, lane: &Lane) -> Flow {
        if !lane.state().is_path_whole() {
            return self.negotiate(true).await;
        }
        self.proof = Proof::Path;
        lane.peer.ask_path();
        Flow::On
    }

    /// Makes an offer over the living socket; one at a time, later wishes wait.
    pub(in crate::native) async fn negotiate(&mut self, restart: bool) -> Flow {
        let Some(lane) = self.lane.clone().filter(|_| self.socket.is_some() && self.stage == Stage::Up)
        else {
            return Flow::On;
        };
        if lane.state().open_offer.is_some() {
            self.restart_wanted |= restart;
            self.offer_wanted |= !restart;
            return Flow::On;
        }
        match lane.peer.offer(restart).await {
            Ok(sdp) => {
                if restart {
                    self.proof = Proof::Ice;
                }
                let offer = self.offer_of(&lane, &sdp);
                match lane.post(self.request.epoch, &FromClient::Offer(offer), None) {
                    Ok(text) => self.write_posted(&lane, text),
                    Err(error) => self.unsayable_offer(&lane, restart, error).await,
                }
            }
            Err(error) => {
                self.lose_media(peer_fault(error));
                Flow::On
            }
        }
    }

    /// No far side will ever answer this offer: it is taken back, so that the next one is not kept
    /// waiting by it. What is sent already goes on; a path that was to be made anew is lost.
    async fn unsayable_offer(&mut self, lane: &Lane, restart: bool, error: wire::EncodeError) -> Flow {
        tracing::warn!(%error, "an offer does not fit the protocol and is taken back");
        lane.state().take_back_offer();
        lane.forget_unsaid();
        self.tell_untaken(lane);
        let taken_back = lane.peer.rollback().await;
        if let Err(error) = taken_back {
            self.lose_media(peer_fault(error));
        } else if restart {
            self.lose_media(Fault::with(FaultKind::Local, error));
        }
        Flow::On
    }

    /// The far side's ICE servers, less those it may not send us to (S14); none where the owner
    /// named others.
    pub(super) fn ice_servers(&self, servers: &[wire::IceServer]) -> Option<Vec<IceServer>> {
        if self.config.ice_servers.is_some() {
            return None;
        }
        let policy = self.address.as_ref()?.media_policy();
        let mut refused = 0_usize;
        let usable = servers
            .iter()
            .map(|server| IceServer {
                urls: server
                    .urls
                    .iter()
                    .filter(|url| {
                        let fine = wire::address::check_ice_url(url, policy).is_ok();
                        refused += usize::from(!fine);
                        fine
                    })
                    .cloned()
                    .collect(),
                username: server.username.clone(),
                credential: server.credential.as_ref().map(translate::our_secret),
            })
            .filter(|server| !server.urls.is_empty())
            .collect();
        if refused > 0 {
            tracing::debug!(refused, "ICE servers that this far side may not name");
        }
        Some(usable)
    }
}

pub(super) fn peer_fault(error: PeerError) -> Fault {
    Fault::with(error.fault_kind(), error)
}

/// Puts an answer into force and sends what is published on the sections it grants.
pub(super) async fn take_answer(
    lane: &Lane,
    request: &DialRequest,
    answer: &wire::Answer,
) -> Result<(), Fault> {
    wire::sdp::check_sdp(answer.sdp.as_str()).map_err(|error| Fault::with(FaultKind::Protocol, error))?;
    lane.peer.accept_answer(answer.sdp.as_str()).await.map_err(peer_fault)?;
    {
        let mut state = lane.state();
        state.settle(answer.negotiation_id);
        state.grown = false;
        for used in &answer.mids {
            if let Some(kind) = translate::our_kind(&used.kind) {
                state.kinds.insert(used.mid.clone(), kind);
            }
        }
    }
    let route = |used: &wire::MidUse| {
        let route = translate::track_id(used).map_or(Route::Own, Route::Track);
        (used.mid.clone(), route)
    };
    lane.sinks.route(answer.mids.iter().map(route).collect());
    if request.viewer {
        return Ok(());
    }
    lane.publish(&request.media, answer.sdp.as_str()).await.map_err(peer_fault)
}
