//! What the far side says once we are in.

use super::ProtocolFault;
use crate::native::driver::{Driver, Flow};
use crate::native::lane::Lane;
use crate::native::payload;
use crate::native::translate;
use crate::peer::RemoteCandidate;
use offhook_signaling::{ErrorCode, FromClient, FromServer, Said};
use offhook_transport::media::Kind;
use offhook_transport::{Content, Event, Fault, FaultKind, Generation, MemberChange, Revision, Verdict};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A credential is refreshed at this part of its life.
const REFRESH_AT: f64 = 0.8;

impl Driver {
    /// Once we are in.
    pub(super) async fn message(&mut self, lane: &Arc<Lane>, message: FromServer) -> Flow {
        match message {
            FromServer::Ended(ended) => return self.ended(&ended),
            FromServer::Error(error) => {
                // Refuses the link, not the session: recovery follows.
                let kind = match error.code {
                    ErrorCode::ShuttingDown => FaultKind::ServerRestart,
                    _ => FaultKind::Protocol,
                };
                let fault = Fault::with(kind, ProtocolFault::Error(error.text));
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
                let member = lane.state().roster.put(change.member.instance, member);
                self.content(Content::Member(MemberChange::Joined(member)));
            }
            FromServer::MemberUpdated(change) => {
                let member = translate::member(&change.member);
                let labels: Vec<_> = member.tracks.iter().map(|track| track.label.as_str()).collect();
                lane.sinks.keep(&member.id, &labels);
                let member = lane.state().roster.put(change.member.instance, member);
                self.content(Content::Member(MemberChange::Updated(member)));
            }
            FromServer::MemberLeft(left) => {
                let member = lane.state().roster.take(left.instance);
                lane.sinks.keep(&member.id, &[]);
                self.content(Content::Member(MemberChange::Left(member)));
            }
            FromServer::Waiting(waiting) => {
                let news = lane.state().roster.wait(waiting.member, waiting.tracks);
                if let Some(member) = news {
                    self.content(Content::Member(MemberChange::Updated(member)));
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
            FromServer::Reaction(reaction) => self.content(Content::Reaction {
                from: reaction.from.map(|from| from.to_string()).unwrap_or_default(),
                reaction: reaction.reaction,
            }),
            FromServer::Conversation(news) => {
                if let Some(mood) = translate::mood(&news.mood) {
                    self.content(Content::Conversation(mood));
                }
            }
            FromServer::Relayed(relayed) => self.content(Content::Sent { id: relayed.id }),
            FromServer::NotRelayed(refused) => {
                let why = translate::not_relayed(&refused.why);
                let members = refused.missing.iter().map(ToString::to_string).collect();
                self.unsent(refused.id, why, members, refused.text);
            }
            FromServer::Said(Said { words: text, answers }) => self.content(Content::Said { text, answers }),
            FromServer::NotTaken(not_taken) => self.content(Content::NotTaken { id: not_taken.id }),
            FromServer::Moderated(moderated) => self.moderated(moderated.id, None),
            FromServer::NotModerated(refused) => {
                let why = translate::not_moderated(&refused.why);
                self.moderated(refused.id, Some((why, refused.text)));
            }
            FromServer::MutedBy(muted) => self.muted_by(&muted),
            FromServer::VideoWanted(wanted) => {
                // Kept with what was granted: a resume is told of it again.
                if let Some(wanted) = translate::video_wanted(&wanted) {
                    if let Some(granted) = &mut lane.state().granted {
                        granted.video = Some(wanted);
                    }
                    self.content(Content::VideoWanted(wanted));
                }
            }
            FromServer::Unsupported(not_known) => self.not_known(&not_known),
            FromServer::EndOfCandidates(_)
            | FromServer::Progress(_)
            | FromServer::Present(_)
            | FromServer::RingPlaced(_)
            | FromServer::RingRefused(_)
            | FromServer::Ring(_)
            | FromServer::Accepted(_)
            | FromServer::Gone(_)
            | FromServer::Session(_)
            | FromServer::SessionGone(_)
            | FromServer::Steered(_) => {}
            other @ (FromServer::Joined(_)
            | FromServer::Resumed(_)
            | FromServer::ResumeRefused(_)
            | FromServer::Queued(_)
            | FromServer::Admitted(_)) => return self.out_of_place(&other).await,
        }
        Flow::On
    }

    pub(super) fn content(&mut self, content: Content) {
        self.out.say(Event::Content(content));
    }

    fn sending(&mut self, lane: &Lane, mid: String, sending: bool) {
        let kind = {
            let mut state = lane.state();
            state.is_sending(&mid, sending);
            state.kinds.get(&mid).copied().unwrap_or(Kind::Video)
        };
        self.content(Content::Track { mid, kind, sending });
    }

    pub(super) fn refresh_after(&mut self, life: Duration) {
        self.refresh_due = Instant::now().checked_add(life.mul_f64(REFRESH_AT));
    }
}
