//! What a client's frames mean once its link is in.

use super::attach::{too_many_tracks, tracks_fit};
use super::clock::FAULT_GRACE;
use super::media::{Happened, Media, takes};
use super::{Actor, Flow};
use crate::model::Model;
use crate::persona::{Does, NotTold};
use crate::telemetry::TelemetryReport;
use crate::token::{Claims, Credential, TokenError};
use offhook_signaling::{
    Acked, Apply, Conversation, CredentialRefreshed, EndCode, Ended, Error, ErrorCode, Frame, FromClient,
    FromServer, GenerationEnd, GoodbyeCode, LeaveCode, MediaFault, MemberChange, MidRef, Mood, NotKnown,
    NotTaken, NotTakenCode, Offer, Party, Receipt, Role, Said, Telemetry, Track,
};
use tokio::time::Instant;

impl Actor {
    pub(super) async fn frame(&mut self, frame: Frame<FromClient>) -> Flow {
        self.heard = Instant::now();
        self.previous_secret = None;
        self.rejoin_secret = None;
        self.confirmed = true;
        self.show(offhook_signaling::Attendance::Present);
        match self.frames.receive(&frame) {
            Ok(Receipt::Duplicate) => return Flow::On,
            Ok(Receipt::Deliver) => {}
            Err(error) => {
                self.say(&FromServer::Error(Error::new(ErrorCode::ProtocolError, error.to_string())));
                self.close_link(1002);
                self.lose_link();
                return Flow::On;
            }
        }
        self.message(frame.message).await
    }

    async fn message(&mut self, message: FromClient) -> Flow {
        match message {
            FromClient::Ping(ping) => self.say(&FromServer::Pong(ping)),
            FromClient::Apply(apply) => self.apply(apply),
            FromClient::ImageChunk(chunk) => self.image_chunk(&chunk),
            FromClient::Offer(offer) => return self.offer(&offer).await,
            FromClient::Candidate(candidate) => {
                if let Some(media) = &self.media {
                    media.candidate(&candidate).await;
                }
            }
            FromClient::Say(say) => {
                self.interacts();
                match self.media.as_ref().map_or(Err(NotTold::Nobody), |media| media.tell(say.id, say.words))
                {
                    Ok(()) => {}
                    Err(NotTold::Nobody) => self.unknown(say.id, "say"),
                    Err(NotTold::Full) => self.not_taken(say.id),
                }
            }
            FromClient::KeepAlive(_) => self.interacts(),
            FromClient::Kick(kick) => self.kick(&kick),
            FromClient::MuteMember(mute) => self.mute_member(&mute),
            FromClient::EndForAll(end) => self.end_for_all(&end),
            FromClient::Telemetry(batch) => self.tells(batch),
            FromClient::Message(relay) => self.relay(relay),
            FromClient::Reaction(mut reaction) => {
                self.interacts();
                reaction.from = Some(self.place.instance);
                self.shared.rooms.tell(&self.place, None, &FromServer::Reaction(reaction));
            }
            FromClient::Credential(fresh) => self.credential(fresh.credential.expose()),
            // It has moved: the link goes without an ending, the session goes on elsewhere.
            FromClient::Goodbye(goodbye) if goodbye.reason == GoodbyeCode::Superseded => {
                return Flow::Over(LeaveCode::Moved);
            }
            FromClient::Goodbye(_) => {
                let ended = self.ended_by_user();
                self.end(ended);
                return Flow::Over(LeaveCode::Left);
            }
            FromClient::Join(_)
            | FromClient::Resume(_)
            | FromClient::Migrate(_)
            | FromClient::Get(_)
            | FromClient::GetOrCreate(_)
            | FromClient::Create(_)
            | FromClient::Watch(_)
            | FromClient::Direct(_)
            | FromClient::Presence(_) => {
                let text = "a link is begun once; open another socket for another dial";
                self.say(&FromServer::Error(Error::new(ErrorCode::ProtocolError, text)));
                self.close_link(1002);
                self.lose_link();
            }
            FromClient::Ring(ring) => self.unknown(ring.id, "ring"),
            FromClient::Other(other) => {
                if let Some(id) = other.id {
                    self.unknown(id, other.kind.as_str());
                }
            }
            FromClient::Sending(section) => {
                if let Some(media) = &mut self.media {
                    media.pauses(section.mid, false);
                    // Its client thinks that the path is well, and is told in a moment if it is not.
                    if media.fault().is_some() {
                        self.fault_due.get_or_insert_with(|| Instant::now() + FAULT_GRACE);
                    }
                }
            }
            FromClient::Paused(section) => {
                if let Some(media) = &mut self.media {
                    media.pauses(section.mid, true);
                }
            }
            FromClient::Pong(pong) => {
                if let Some(media) = &mut self.media {
                    media.answered_ping(pong.id);
                }
            }
            FromClient::Steer(steer) => self.unknown(steer.id, "steer"),
            FromClient::EndOfCandidates(_)
            | FromClient::Conclude(_)
            | FromClient::Unsupported(_)
            | FromClient::Accept(_)
            | FromClient::Decline(_)
            | FromClient::CancelRing(_)
            | FromClient::RingState(_) => {}
        }
        Flow::On
    }

    fn unknown(&mut self, id: u64, what: &str) {
        self.say(&FromServer::Unsupported(NotKnown { id, what: what.to_owned() }));
    }

    fn not_taken(&mut self, id: u64) {
        let text = "too much waits to be answered; say it again when some of it was".to_owned();
        self.say(&FromServer::NotTaken(NotTaken { id, why: NotTakenCode::Busy, text }));
    }

    /// F74. Nothing that a user does, so it keeps nobody from being idle.
    fn tells(&mut self, batch: Telemetry) {
        let config = &self.shared.config;
        let Some(intake) = config.intake() else { return };
        if !self.telemetry.take(config.limits.telemetry_per_minute, Instant::now()) {
            return intake.miss();
        }
        intake.take(TelemetryReport {
            session: self.place.key.clone(),
            session_id: self.place.session_id.clone(),
            user: self.seen.user.clone(),
            instance: self.place.instance.to_string(),
            batch,
        });
    }

    /// A revision is applied whole or refused; one that is not newer is in effect already.
    fn apply(&mut self, apply: Apply) {
        let Apply { id, desired } = apply;
        let revision = desired.revision;
        if self.applied.is_some_and(|applied| revision <= applied) {
            return self.say(&FromServer::Acked(Acked { revision, id: Some(id) }));
        }
        self.interacts();
        if let Err((item, text)) = self.read_recipe(self.model, &desired, &self.grants) {
            return self.refuse(revision, Some(id), item, text);
        }
        if self.may_not_unmute(&desired, Some(id)) {
            return;
        }
        let standing = self.asked_under(&desired);
        match self.reference_of(&desired) {
            Ok(reference) => {
                self.await_no_image();
                self.take_effect(desired, Some(id), standing, reference);
            }
            Err(()) => self.await_image(desired, Some(id), standing, false),
        }
    }

    async fn offer(&mut self, offer: &Offer) -> Flow {
        let Some(media) = &mut self.media else { return Flow::On };
        if !tracks_fit(&offer.tracks) {
            self.say(&FromServer::Error(too_many_tracks()));
            self.close_link(1008);
            self.lose_link();
            return Flow::On;
        }
        match media.answer(offer).await {
            Ok(answer) => {
                self.say(&FromServer::Answer(answer));
                self.settle();
                self.publishes(&offer.tracks);
                self.forward_published().await;
            }
            Err(error) => {
                let text = Some(error.to_string());
                self.say(&FromServer::MediaFault(MediaFault { negotiation_id: offer.negotiation_id, text }));
            }
        }
        Flow::On
    }

    /// Asks whether the newest answer was taken, if anything waits for that.
    pub(super) fn settle(&mut self) {
        if let Some(ping) = self.media.as_ref().and_then(Media::settling) {
            self.say(&FromServer::Ping(ping));
        }
    }

    /// What it publishes now, as its newest offer says; the others hear of a change. An offer
    /// that names nothing says nothing.
    pub(super) fn publishes(&mut self, tracks: &[Track]) {
        // In a room what is named is what there is.
        let says_nothing = tracks.is_empty() && self.model != Model::Room;
        if says_nothing || self.seen.role != Role::Participant {
            return;
        }
        let before = std::mem::replace(&mut self.seen.tracks, takes(tracks));
        self.mark_muted();
        if before != self.seen.tracks {
            self.show_tracks();
        }
    }

    /// Which of its tracks are muted is for the others to see. True if that is news.
    pub(super) fn mark_muted(&mut self) -> bool {
        let mut news = false;
        let all = self.muted_tracks();
        for track in &mut self.seen.tracks {
            let muted = all.contains(&track.track);
            news |= std::mem::replace(&mut track.muted, muted) != muted;
        }
        news
    }

    pub(super) fn show_tracks(&self) {
        self.shared.rooms.show(&self.place, self.seen.clone());
        let change = MemberChange { member: self.seen.clone() };
        self.shared.rooms.tell(&self.place, None, &FromServer::MemberUpdated(change));
    }

    /// What it publishes goes to the others in its room from here on.
    pub(super) async fn forward_published(&mut self) {
        let muted = self.muted_tracks();
        if let Some(media) = &mut self.media {
            let publishes = self.seen.role == Role::Participant;
            media.publish(if publishes { &self.seen.tracks } else { &[] }, &muted).await;
        }
    }

    /// A fresh credential, in band. One that is not good costs the link, not the membership: the
    /// old one may still be.
    fn credential(&mut self, token: &str) {
        match self.judge_credential(token) {
            Ok(claims) => {
                let expires_in_ms = claims.exp.saturating_sub(crate::door::now()).saturating_mul(1000);
                self.credential = Credential::of(&claims);
                self.grants = claims.grants;
                self.credential_lives(Some(expires_in_ms));
                self.say(&FromServer::CredentialRefreshed(CredentialRefreshed { expires_in_ms }));
            }
            Err(refusal) => {
                self.say(&refusal);
                self.close_link(1008);
                self.lose_link();
            }
        }
    }

    fn judge_credential(&self, token: &str) -> Result<Claims, Box<FromServer>> {
        let refuse = |code, text: &str| Box::new(FromServer::Error(Error::new(code, text)));
        let claims = self.shared.signer.check(token).map_err(|error| match error {
            TokenError::Expired => refuse(ErrorCode::CredentialExpired, &error.to_string()),
            TokenError::Invalid => refuse(ErrorCode::Unauthorized, &error.to_string()),
        })?;
        if claims.sub != self.seen.user || self.shared.doormat.is_revoked(&claims.jti) {
            let text = "the fresh credential is not for this member; ask for another";
            return Err(refuse(ErrorCode::Unauthorized, text));
        }
        let instance = self.place.instance.to_string();
        crate::door::fits_session(&self.shared, &claims, &self.place.key, &instance)?;
        Ok(claims)
    }

    /// F55.
    fn persona_does(&mut self, does: Does) -> Flow {
        match does {
            Does::Mood(mood) => {
                // From its first word to its last (F56).
                let speaks = mood == Mood::UserSpeaking;
                if std::mem::replace(&mut self.hears_speech, speaks) || speaks {
                    self.interacts();
                }
                self.say(&FromServer::Conversation(Conversation { mood }));
            }
            Does::Says { answers, words } => {
                self.say(&FromServer::Said(Said { words, answers: vec![answers] }));
            }
            Does::Ends => {
                let ended = Ended {
                    reason: EndCode::ConversationEnded,
                    by: Party::Server,
                    text: "the conversation is over".into(),
                    may_retry: true,
                };
                return self.end_by_owner(ended);
            }
        }
        Flow::On
    }

    /// What its persona is doing, to one that may have heard otherwise on the link before: a persona
    /// begins anew with every connection.
    pub(super) fn tell_mood(&mut self) {
        if let Some(mood) = self.media.as_ref().and_then(Media::mood) {
            self.say(&FromServer::Conversation(Conversation { mood }));
        }
    }

    /// What the media plane reports.
    pub(super) fn media_happened(&mut self, happened: Happened) -> Flow {
        match happened {
            Happened::Candidate(candidate) => self.say(&FromServer::Candidate(candidate)),
            Happened::CandidatesEnd(end) => self.say(&FromServer::EndOfCandidates(end)),
            Happened::FirstFrame => {
                for mid in self.media.as_ref().map(Media::sending).unwrap_or_default() {
                    self.say(&FromServer::Sending(mid));
                }
                if self.seen.role == Role::Participant {
                    self.start_generation();
                }
            }
            Happened::Flows(flows) => {
                self.generation_flows(flows);
                for mid in self.media.as_ref().map(Media::sections).unwrap_or_default() {
                    let news = if flows { FromServer::Sending(mid) } else { FromServer::Paused(mid) };
                    self.say(&news);
                }
            }
            Happened::KeepsUpWith(_) => {
                if let Some(wanted) = self.video_wanted() {
                    self.say(&FromServer::VideoWanted(wanted));
                }
            }
            Happened::Sends { mid, sends } => {
                let section = MidRef { mid };
                self.say(&if sends { FromServer::Sending(section) } else { FromServer::Paused(section) });
            }
            Happened::Needs(need) => self.say(&FromServer::NeedSections(need)),
            Happened::Waits(waiting) => self.say(&FromServer::Waiting(waiting)),
            Happened::Persona(does) => return self.persona_does(does),
            Happened::Fault { negotiation_id, text } => {
                self.say(&FromServer::MediaFault(MediaFault { negotiation_id, text: Some(text) }));
            }
            Happened::Gone => {
                self.stop_generation(GenerationEnd::Failed);
            }
        }
        Flow::On
    }
}
