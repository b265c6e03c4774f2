//! Before the far side let us in: its answer to the first frame, and what follows from it.

use super::ProtocolFault;
use super::negotiating::{peer_fault, take_answer};
use crate::native::driver::{Driver, Flow, Stage};
use crate::native::lane::{Granted, Lane};
use crate::native::media::Proof;
use crate::native::nodes::Health;
use crate::native::translate;
use crate::peer::PeerError;
use offhook_signaling as wire;
use offhook_signaling::{FromClient, FromServer, ReplayLost};
use offhook_transport::{
    Capability, Event, Fault, FaultKind, Plan, Progress, ResumeKey, ResumeRefusal, Revision, Up,
};
use std::sync::Arc;

impl Driver {
    /// Before we are in.
    pub(super) async fn answer_to_us(&mut self, lane: &Arc<Lane>, message: FromServer) -> Flow {
        let resuming = matches!(self.request.plan, Plan::Resume { .. });
        match message {
            FromServer::Resumed(resumed) if resuming => self.resumed(lane, resumed).await,
            FromServer::ResumeRefused(refused) if resuming => {
                self.fail(Event::ResumeRefused(translate::resume_refusal(&refused.why)))
            }
            FromServer::Error(error) => {
                let event = Event::Refused {
                    code: translate::refused(&error.code),
                    retry_after: error.retry_after_ms.map(translate::millis),
                    queue_position: error.queue_position,
                    text: error.text,
                    item: error.item.as_ref().map(translate::item),
                    known: error.known,
                };
                self.fail(event)
            }
            FromServer::Ended(ended) => self.ended(&ended),
            // The first frame of a resumed link is `resumed`, whatever else the far side has to say.
            other if resuming => self.out_of_place(&other).await,
            FromServer::Joined(joined) => self.joined(lane, joined).await,
            FromServer::Progress(progress) => {
                if let Some(progress) = translate::progress(&progress) {
                    self.out.say(Event::Progress(progress));
                }
                Flow::On
            }
            FromServer::Queued(queued) => {
                self.stage = Stage::Queued;
                let progress = Progress::Searching {
                    queue_position: Some(queued.position.saturating_add(1)),
                    eta: queued.eta,
                };
                self.out.say(Event::Progress(progress));
                Flow::On
            }
            FromServer::Admitted(admitted) => self.admitted(lane, admitted).await,
            FromServer::NeedCredential(need) => {
                self.out.say(Event::NeedCredential(translate::need(&need.why)));
                Flow::On
            }
            FromServer::CredentialRefreshed(_) | FromServer::Pong(_) | FromServer::Unsupported(_) => Flow::On,
            FromServer::Ping(ping) => self.send(&FromClient::Pong(ping)),
            FromServer::GoAway(hint) => {
                self.out.say(Event::GoAway(translate::go_away(&hint)));
                Flow::On
            }
            FromServer::Other(unknown) => self.unknown(unknown),
            other => self.out_of_place(&other).await,
        }
    }

    /// Our turn: the offer that came with the join is void, and the ICE servers are known.
    async fn admitted(&mut self, lane: &Arc<Lane>, admitted: wire::Admitted) -> Flow {
        let servers = self.ice_servers(&admitted.ice_servers);
        let published = lane.offerable(self.published());
        let made: Result<String, PeerError> = async {
            lane.peer.rollback().await?;
            lane.unpublish(&published);
            lane.make_room(&published).await?;
            if let Some(servers) = servers {
                lane.peer.set_ice_servers(&servers).await?;
            }
            lane.peer.offer(false).await
        }
        .await;
        match made {
            Ok(sdp) => {
                self.stage = Stage::Asking;
                let offer = self.offer_of(lane, &sdp);
                self.offer = Some((sdp, true));
                self.send(&FromClient::Offer(offer))
            }
            Err(error) => self.fail(Event::DialFailed(Fault::with(error.fault_kind(), error))),
        }
    }

    async fn joined(&mut self, lane: &Arc<Lane>, joined: wire::Joined) -> Flow {
        let applied = self.offer.take().is_some_and(|(_, applied)| applied);
        let open = lane.state().open_offer;
        let answer = joined.answer.filter(|answer| Some(answer.negotiation_id) == open);
        let servers = self.ice_servers(&joined.ice_servers).filter(|_| !applied);
        let taken = async {
            if let Some(servers) = servers {
                lane.peer.set_ice_servers(&servers).await.map_err(peer_fault)?;
            }
            match answer {
                Some(answer) => {
                    if !applied {
                        lane.peer.apply_offer().await.map_err(peer_fault)?;
                    }
                    take_answer(lane, &self.request, &answer).await
                }
                // Not answered: it is void, and the far side asks for another.
                None => {
                    lane.state().open_offer = None;
                    lane.peer.rollback().await.map_err(peer_fault)
                }
            }
        };
        if let Err(fault) = taken.await {
            return self.fail(Event::DialFailed(fault));
        }
        if self.refuses_to_join_without(lane) {
            return Flow::Over;
        }
        let key = ResumeKey {
            session: joined.session_id.clone(),
            secret: translate::our_secret(&joined.resume_secret),
        };
        let resume_window = translate::millis(joined.resume_window_ms);
        let granted = Granted {
            key,
            capabilities: translate::capabilities(&joined.capabilities, resume_window),
            video: joined.capabilities.video.as_ref().and_then(translate::video_wanted),
            models: joined.capabilities.models,
            liveness: translate::liveness(joined.liveness),
            resume_window,
            node: joined.node,
        };
        if let Some(expires) = joined.expires_in_ms {
            self.refresh_after(translate::millis(expires));
        }
        self.proof = Proof::Dtls;
        if self.let_in(lane, granted, joined.snapshot, joined.resumed) == Flow::Over {
            return Flow::Over;
        }
        self.tell_untaken(lane);
        self.offer_published().await
    }

    async fn resumed(&mut self, lane: &Arc<Lane>, resumed: wire::Resumed) -> Flow {
        if resumed.epoch != u64::from(self.request.epoch.0) {
            let fault = Fault::with(FaultKind::Protocol, ProtocolFault::WrongEpoch);
            return self.break_off(1002, fault).await;
        }
        let mut granted = match lane.take_over(self.request.epoch, &self.wanted, resumed.last_seen) {
            Ok(Some(granted)) => granted,
            Ok(None) => return self.fail(Event::ResumeRefused(ResumeRefusal::Gone)),
            Err(ReplayLost::Overflow { .. }) => {
                return self.fail(Event::ResumeRefused(ResumeRefusal::ReplayLost));
            }
            Err(ReplayLost::Protocol(error)) => {
                return self.break_off(1002, Fault::with(FaultKind::Protocol, error)).await;
            }
        };
        tracing::debug!(answer = resumed.answer.is_some(), restarts = self.restarts, "resumed");
        granted.key.secret = translate::our_secret(&resumed.secret);
        granted.node = resumed.node.or(granted.node);
        let due_before = lane.state().due();
        lane.peer.gates().add(self.request.media.gate.clone());
        if let Some(sink) = self.sink.clone() {
            lane.sinks.add(self.request.epoch, sink);
        }
        let mut lost = None;
        self.proof = Proof::Path;
        let open = lane.state().open_offer;
        let answer = resumed.answer.filter(|answer| Some(answer.negotiation_id) == open);
        if self.offer.take().is_some() {
            let is_needless = self.spare && answer.is_none();
            if self.restarts && !is_needless {
                self.proof = Proof::Ice;
            }
            let taken = async {
                let Some(answer) = answer else {
                    lane.state().open_offer = None;
                    lane.peer.rollback().await.map_err(peer_fault)?;
                    if is_needless {
                        let mut state = lane.state();
                        let settled = state.settled;
                        state.settle(settled);
                        return Ok(());
                    }
                    return Err(Fault::with(
                        FaultKind::Protocol,
                        ProtocolFault::OutOfPlace("resumed without an answer".into()),
                    ));
                };
                lane.peer.apply_offer().await.map_err(peer_fault)?;
                take_answer(lane, &self.request, &answer).await
            };
            lost = taken.await.err();
        }
        lane.state().outflow.say_again();
        if self.let_in(lane, granted, resumed.snapshot, true) == Flow::Over {
            return Flow::Over;
        }
        self.tell_untaken(lane);
        // What was coming is due still, unless the far side says that it stopped.
        lane.state().still_sends_on(due_before);
        if self.write_posted(lane, None) == Flow::Over || self.tell_outflow() == Flow::Over {
            return Flow::Over;
        }
        if let Some(fault) = lost {
            self.lose_media(fault);
        }
        // The path may have answered before the far side did: this dial, or the check that this
        // dial was begun for. The next check may be a second away.
        let answered = {
            let state = lane.state();
            state.is_path_back() || self.asked.is_some_and(|asked| state.answered_since(asked))
        };
        if self.proof == Proof::Path && answered && lane.peer.is_connected() {
            let flow = self.path_proven(lane).await;
            if flow == Flow::Over {
                return Flow::Over;
            }
        }
        if self.offer_published().await == Flow::Over {
            return Flow::Over;
        }
        // The first frame on the new link retires the previous secret, and its answer is proof.
        self.ping()
    }

    /// `Up`, with everything the far side said about the session.
    fn let_in(
        &mut self,
        lane: &Arc<Lane>,
        granted: Granted,
        snapshot: wire::SessionSnapshot,
        resumed: bool,
    ) -> Flow {
        self.stage = Stage::Up;
        self.health = Health::of(granted.node.clone());
        let roster = snapshot.roster.iter().map(|member| (member.instance, translate::member(member)));
        let roster: Vec<_> = roster.collect();
        let roster = {
            let mut state = lane.state();
            state.grant(granted.clone());
            state.owner = self.request.epoch;
            state.speakers.enter(self.request.epoch, &self.wanted);
            state.sends_on(snapshot.sending.iter().map(|section| section.mid.clone()));
            let waiting = snapshot.waiting.into_iter().map(|waiting| (waiting.member, waiting.tracks));
            state.roster.begin(roster, &snapshot.to_follow, waiting)
        };
        if granted.capabilities.has(Capability::Forwarding) {
            lane.sinks.forwards();
        }
        self.registry.enter(self.request.instance, self.request.epoch, lane);
        self.out.say(Event::Progress(Progress::Connecting));
        let can_resume = granted.capabilities.has(Capability::Resume);
        let up = Up {
            session: granted.key.session.clone(),
            key: Some(granted.key).filter(|_| can_resume || !granted.resume_window.is_zero()),
            resumed,
            capabilities: granted.capabilities,
            liveness: Some(granted.liveness),
            resume_window: Some(granted.resume_window).filter(|window| !window.is_zero()),
            acked: snapshot.applied.map(Revision),
            roster,
            to_follow: snapshot.to_follow.iter().map(ToString::to_string).collect(),
            video: granted.video,
            models: granted.models,
            generating: Some(snapshot.generation.is_some()),
        };
        self.out.say(Event::Up(Box::new(up)));
        self.flush_candidates(lane)
    }
}
