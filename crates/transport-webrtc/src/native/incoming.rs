//! What the far side's frames mean, by how far the link has come.

use super::driver::{Driver, Flow, Stage};
use super::lane::{Granted, Lane};
use super::media::Proof;
use super::payload;
use super::socket::Heard;
use super::translate;
use crate::peer::{Direction, IceServer, PeerError, RemoteCandidate, SectionSpec};
use offhook_signaling as wire;
use offhook_signaling::{FromClient, FromServer, Receipt, ReplayLost, decode_from_server};
use offhook_transport::media::Kind;
use offhook_transport::{
    Capability, Content, DialRequest, Event, Fault, FaultKind, Generation, MemberChange, Plan, Plane,
    Progress, ResumeKey, ResumeRefusal, Revision, Up, Verdict,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use wire::limits;

/// How long after the media hung up `ended` may still come.
const ENDED_WITHIN: Duration = Duration::from_millis(250);
/// A credential is refreshed at this part of its life.
const REFRESH_AT: f64 = 0.8;

/// What the far side did that cannot be gone on with.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProtocolFault {
    #[error("`{0}` has no place here; update the older side")]
    OutOfPlace(String),
    #[error("the far side resumed another dial than this one; it is dialled again")]
    WrongEpoch,
    #[error("the far side did not answer in time; check that it is the right server, and its load")]
    NoAnswer,
    #[error("the far side hung up without an ending (code {0:?}); it is dialled again")]
    HungUp(Option<u16>),
    #[error("the far side refuses to go on: {0}")]
    Error(String),
}

impl Driver {
    pub(super) async fn heard(&mut self, heard: Heard) -> Flow {
        match heard {
            Heard::Frame(bytes) => self.frame(&bytes).await,
            Heard::Closed(code) => {
                let kind = if code == Some(1012) { FaultKind::ServerRestart } else { FaultKind::Closed };
                self.drop_socket(1000).await;
                self.lose_signaling(Fault::with(kind, ProtocolFault::HungUp(code)))
            }
            Heard::Broken(fault, code) => {
                match code {
                    Some(code) => self.drop_socket(code).await,
                    None => self.socket = None,
                }
                self.lose_signaling(fault)
            }
        }
    }

    /// Closes the socket with a code that says why, and reports the loss.
    async fn break_off(&mut self, code: u16, fault: Fault) -> Flow {
        tracing::debug!(code, %fault, "the far side broke the protocol");
        self.drop_socket(code).await;
        self.lose_signaling(fault)
    }

    async fn frame(&mut self, bytes: &[u8]) -> Flow {
        let frame = match decode_from_server(bytes) {
            Ok(frame) => frame,
            Err(error) => {
                let code = error.close_code();
                return self.break_off(code, Fault::with(FaultKind::Protocol, error)).await;
            }
        };
        let Some(lane) = self.lane.clone() else { return Flow::On };
        let received = lane.state().frames.receive(&frame);
        let receipt = match received {
            Ok(receipt) => receipt,
            Err(error) => return self.break_off(1002, Fault::with(FaultKind::Protocol, error)).await,
        };
        if frame.unknown.count() > 0 {
            tracing::debug!(count = frame.unknown.count(), "words of a later version");
        }
        if !std::mem::replace(&mut self.answered, true) {
            self.out.say(Event::Answered);
        }
        self.answer_due = None;
        if self.stage == Stage::Up {
            self.out.alive(Plane::Signaling);
            if !std::mem::replace(&mut self.signaling_proven, true) {
                self.out.say(Event::Carried(Plane::Signaling));
            }
        }
        let acked = lane.state().acked_messages();
        acked.into_iter().for_each(|id| self.out.say(Event::Content(Content::Sent { id })));
        if receipt == Receipt::Duplicate {
            return Flow::On;
        }
        match self.stage {
            Stage::Leaving => match frame.message {
                FromServer::Ended(_) => Flow::Over,
                _ => Flow::On,
            },
            Stage::Up => self.message(&lane, frame.message).await,
            Stage::Opening | Stage::Asking | Stage::Queued => self.answer_to_us(&lane, frame.message).await,
        }
    }

    /// Before we are in.
    async fn answer_to_us(&mut self, lane: &Arc<Lane>, message: FromServer) -> Flow {
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

    async fn out_of_place(&mut self, message: &FromServer) -> Flow {
        let what = wire::Message::kind(message).escape_debug().to_string();
        let fault = Fault::with(FaultKind::Protocol, ProtocolFault::OutOfPlace(what));
        self.break_off(1002, fault).await
    }

    /// Our turn: the offer that came with the join is void, and the ICE servers are known.
    async fn admitted(&mut self, lane: &Arc<Lane>, admitted: wire::Admitted) -> Flow {
        let servers = self.ice_servers(&admitted.ice_servers);
        let made: Result<String, PeerError> = async {
            lane.peer.rollback().await?;
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
        let key = ResumeKey {
            session: joined.session_id.clone(),
            secret: translate::our_secret(&joined.resume_secret),
        };
        let resume_window = translate::millis(joined.resume_window_ms);
        let granted = Granted {
            key,
            capabilities: translate::capabilities(&joined.capabilities, resume_window),
            liveness: translate::liveness(joined.liveness),
            resume_window,
        };
        if let Some(expires) = joined.expires_in_ms {
            self.refresh_after(translate::millis(expires));
        }
        self.proof = Proof::Dtls;
        self.let_in(lane, granted, joined.snapshot, joined.resumed)
    }

    async fn resumed(&mut self, lane: &Arc<Lane>, resumed: wire::Resumed) -> Flow {
        if resumed.epoch != u64::from(self.request.epoch.0) {
            let fault = Fault::with(FaultKind::Protocol, ProtocolFault::WrongEpoch);
            return self.break_off(1002, fault).await;
        }
        let replay = lane.state().frames.replay(resumed.last_seen);
        let replay = match replay {
            Ok(replay) => replay,
            Err(ReplayLost::Overflow { .. }) => {
                return self.fail(Event::ResumeRefused(ResumeRefusal::ReplayLost));
            }
            Err(ReplayLost::Protocol(error)) => {
                return self.break_off(1002, Fault::with(FaultKind::Protocol, error)).await;
            }
        };
        let granted = lane.state().granted.clone();
        let Some(mut granted) = granted else {
            return self.fail(Event::ResumeRefused(ResumeRefusal::Gone));
        };
        granted.key.secret = translate::our_secret(&resumed.secret);
        let due_before = lane.state().due.clone();
        lane.state().owner = self.request.epoch;
        lane.peer.gates().add(self.request.media.gate.clone());
        if let Some(sink) = self.sink.clone() {
            lane.sinks.add(self.request.epoch, sink);
        }
        let mut lost = None;
        self.proof = Proof::Path;
        if self.offer.take().is_some() {
            self.proof = Proof::Ice;
            let open = lane.state().open_offer;
            let answer = resumed.answer.filter(|answer| Some(answer.negotiation_id) == open);
            let taken = async {
                let Some(answer) = answer else {
                    lane.state().open_offer = None;
                    lane.peer.rollback().await.map_err(peer_fault)?;
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
        if self.let_in(lane, granted, resumed.snapshot, true) == Flow::Over {
            return Flow::Over;
        }
        // What was coming is due still, unless the far side says that it stopped.
        lane.state().due.extend(due_before);
        for frame in replay {
            match frame.encode() {
                Ok(text) => {
                    if self.write(text) == Flow::Over {
                        return Flow::Over;
                    }
                }
                Err(error) => tracing::warn!(%error, "a kept message cannot be sent again"),
            }
        }
        if let Some(fault) = lost {
            self.lose_media(fault);
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
        let roster: Vec<_> = snapshot.roster.iter().map(translate::member).collect();
        {
            let mut state = lane.state();
            state.granted = Some(granted.clone());
            state.owner = self.request.epoch;
            state.roster =
                snapshot.roster.iter().map(|member| member.instance).zip(roster.iter().cloned()).collect();
            state.due = snapshot.sending.iter().map(|section| section.mid.clone()).collect();
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
        };
        self.out.say(Event::Up(Box::new(up)));
        self.flush_candidates(lane)
    }

    /// Once we are in.
    async fn message(&mut self, lane: &Arc<Lane>, message: FromServer) -> Flow {
        match message {
            FromServer::Ended(ended) => return self.ended(&ended),
            FromServer::Error(error) => {
                // Refuses the link, not the session: recovery follows.
                let fault = Fault::with(FaultKind::Protocol, ProtocolFault::Error(error.text));
                return self.break_off(1000, fault).await;
            }
            FromServer::Ping(ping) => return self.send(&FromClient::Pong(ping)),
            FromServer::Pong(_) => self.pinged = None,
            FromServer::Answer(answer) => return self.answer(lane, &answer).await,
            FromServer::NeedSections(need) => return self.need_sections(lane, need).await,
            FromServer::Candidate(candidate) => {
                let candidate = RemoteCandidate {
                    candidate: candidate.candidate,
                    mid: Some(candidate.mid),
                    ufrag: Some(candidate.ufrag),
                };
                if let Err(error) = lane.peer.add_remote_candidate(candidate).await {
                    tracing::debug!(%error, "a candidate is left out");
                }
            }
            FromServer::Sending(section) => self.sending(lane, section.mid, true),
            FromServer::Paused(section) => self.sending(lane, section.mid, false),
            FromServer::MediaFault(fault) => {
                let newest = lane.state().negotiation;
                if fault.negotiation_id >= newest {
                    let why = ProtocolFault::Error(fault.text.unwrap_or_default());
                    self.lose_media(Fault::with(FaultKind::MediaFault, why));
                }
            }
            FromServer::Acked(acked) => {
                let revision = Revision(acked.revision);
                self.out.say(Event::Acked { revision, verdict: Verdict::Applied });
            }
            FromServer::Refused(refused) => {
                let item = translate::item(&refused.item);
                let verdict = Verdict::Refused { item, text: refused.text };
                self.out.say(Event::Acked { revision: Revision(refused.revision), verdict });
            }
            FromServer::NeedImage(need) => return self.need_image(lane, &need.sha256),
            FromServer::ImageChunkAck(ack) => return self.chunk_acked(&ack.sha256, ack.received),
            FromServer::GenerationStarted(_) => self.content(Content::Generation(Generation::Started)),
            FromServer::GenerationTick(tick) => {
                let used = translate::millis(tick.used_ms);
                self.content(Content::Generation(Generation::Tick { used }));
            }
            FromServer::GenerationEnded(ended) => {
                let reason = ended.reason.to_string();
                self.content(Content::Generation(Generation::Ended { reason }));
            }
            FromServer::Message(relay) => self.content(Content::Message {
                from: relay.from.map(|from| from.to_string()).unwrap_or_default(),
                topic: relay.topic,
                payload: payload::from_wire(&relay.data),
            }),
            FromServer::MemberJoined(change) => {
                let member = translate::member(&change.member);
                lane.state().roster.insert(change.member.instance, member.clone());
                self.content(Content::Member(MemberChange::Joined(member)));
            }
            FromServer::MemberUpdated(change) => {
                let member = translate::member(&change.member);
                lane.state().roster.insert(change.member.instance, member.clone());
                self.content(Content::Member(MemberChange::Updated(member)));
            }
            FromServer::MemberLeft(left) => {
                let gone = lane.state().roster.remove(&left.instance);
                if let Some(member) = gone {
                    self.content(Content::Member(MemberChange::Left(member)));
                }
            }
            FromServer::GoAway(hint) => {
                if let Some(advice) = hint.strategy.as_ref().and_then(translate::advice) {
                    self.out.say(Event::Advised(advice));
                }
                self.out.say(Event::GoAway(translate::go_away(&hint)));
            }
            FromServer::CredentialRefreshed(fresh) => {
                let expires = translate::millis(fresh.expires_in_ms);
                self.refresh_after(expires);
                self.out.say(Event::CredentialRefreshed { expires_in: Some(expires) });
            }
            FromServer::NeedCredential(need) => {
                self.out.say(Event::NeedCredential(translate::need(&need.why)));
            }
            FromServer::Other(unknown) => return self.unknown(unknown),
            FromServer::Reaction(_) => self.content(Content::Other("reaction".to_owned())),
            FromServer::EndOfCandidates(_)
            | FromServer::Progress(_)
            | FromServer::Unsupported(_)
            | FromServer::Present(_)
            | FromServer::RingPlaced(_)
            | FromServer::Ring(_)
            | FromServer::Accepted(_)
            | FromServer::Gone(_) => {}
            other @ (FromServer::Joined(_)
            | FromServer::Resumed(_)
            | FromServer::ResumeRefused(_)
            | FromServer::Queued(_)
            | FromServer::Admitted(_)) => return self.out_of_place(&other).await,
        }
        Flow::On
    }

    fn content(&mut self, content: Content) {
        self.out.say(Event::Content(content));
    }

    fn sending(&mut self, lane: &Lane, mid: String, sending: bool) {
        let kind = {
            let mut state = lane.state();
            if sending {
                state.due.insert(mid.clone());
            } else {
                state.due.remove(&mid);
            }
            state.kinds.get(&mid).copied().unwrap_or(Kind::Video)
        };
        self.content(Content::Track { mid, kind, sending });
    }

    fn unknown(&mut self, unknown: wire::UnknownMessage) -> Flow {
        self.unknown_messages += 1;
        tracing::debug!(count = self.unknown_messages, "a message of a later version");
        let answer = unknown.id.map(|id| {
            let what = unknown.kind.clone();
            FromClient::Unsupported(wire::NotKnown { id, what })
        });
        self.content(Content::Other(unknown.kind));
        answer.map_or(Flow::On, |answer| self.send(&answer))
    }

    fn ended(&mut self, ended: &wire::Ended) -> Flow {
        self.fail(Event::Ended {
            code: translate::ended(&ended.reason),
            text: ended.text.clone(),
            may_retry: ended.may_retry,
        })
    }

    async fn answer(&mut self, lane: &Arc<Lane>, answer: &wire::Answer) -> Flow {
        if lane.state().open_offer != Some(answer.negotiation_id) {
            return Flow::On;
        }
        let taken = take_answer(lane, &self.request, answer).await;
        if let Err(fault) = taken {
            lane.state().open_offer = None;
            self.lose_media(fault);
        }
        if std::mem::take(&mut self.restart_wanted) {
            return self.negotiate(true).await;
        }
        Flow::On
    }

    async fn need_sections(&mut self, lane: &Arc<Lane>, need: wire::NeedSections) -> Flow {
        let room = |wanted: u32| usize::try_from(wanted).unwrap_or(usize::MAX).min(limits::LIST);
        let have = lane.peer.sections().await.len();
        // Before the first answer the sections of the dial are still unused.
        if have > 0 {
            for (kind, wanted) in [(Kind::Audio, need.audio), (Kind::Video, need.video)] {
                for _ in 0..room(wanted).min(limits::SDP_SECTIONS.saturating_sub(have)) {
                    let section = SectionSpec { kind, direction: Direction::RecvOnly };
                    if let Err(error) = lane.peer.add_section(section).await {
                        tracing::debug!(%error, "no more sections");
                        break;
                    }
                }
            }
        }
        self.negotiate(false).await
    }

    /// Makes an offer over the living socket; one at a time, later wishes wait.
    pub(super) async fn negotiate(&mut self, restart: bool) -> Flow {
        let Some(lane) = self.lane.clone().filter(|_| self.socket.is_some() && self.stage == Stage::Up)
        else {
            return Flow::On;
        };
        if lane.state().open_offer.is_some() {
            self.restart_wanted |= restart;
            return Flow::On;
        }
        match lane.peer.offer(restart).await {
            Ok(sdp) => {
                if restart {
                    self.proof = Proof::Ice;
                }
                let offer = self.offer_of(&lane, &sdp);
                self.send(&FromClient::Offer(offer))
            }
            Err(error) => {
                self.lose_media(peer_fault(error));
                Flow::On
            }
        }
    }

    /// The far side's ICE servers, less those it may not send us to (S14); none where the owner
    /// named others.
    fn ice_servers(&self, servers: &[wire::IceServer]) -> Option<Vec<IceServer>> {
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

    fn refresh_after(&mut self, life: Duration) {
        self.refresh_due = Instant::now().checked_add(life.mul_f64(REFRESH_AT));
    }

    /// The media hung up: an ending may follow.
    pub(super) fn hung_up(&mut self) {
        if !self.media_lost && self.hang_up_due.is_none() {
            self.hang_up_due = Some(Instant::now() + ENDED_WITHIN);
        }
    }
}

fn peer_fault(error: PeerError) -> Fault {
    Fault::with(error.fault_kind(), error)
}

/// Puts an answer into force and sends what is published on the sections it grants.
async fn take_answer(lane: &Lane, request: &DialRequest, answer: &wire::Answer) -> Result<(), Fault> {
    wire::sdp::check_sdp(answer.sdp.as_str()).map_err(|error| Fault::with(FaultKind::Protocol, error))?;
    lane.peer.accept_answer(answer.sdp.as_str()).await.map_err(peer_fault)?;
    {
        let mut state = lane.state();
        state.open_offer = None;
        for used in &answer.mids {
            if let Some(kind) = translate::our_kind(&used.kind) {
                state.kinds.insert(used.mid.clone(), kind);
            }
        }
    }
    if request.viewer {
        return Ok(());
    }
    lane.publish(&request.media).await.map_err(peer_fault)
}
