//! Offer, answer, restart, rollback, candidates. One step at a time; the engine's errors
//! come back as the far side's or as ours.

use super::engine::{local, policy, relays, usable};
use super::error::shown;
use super::handler::lock;
use super::leg::Leg;
use super::sdp::{self, Section};
use super::{Direction, IceServer, Peer, PeerError, RemoteCandidate, Role, SectionSpec, candidates::Taken};
use futures_util::FutureExt;
use offhook_transport::media::Kind;
use rtc::peer_connection::configuration::RTCOfferOptions;
use rtc::rtp_transceiver::rtp_sender::{RTCRtpCodecParameters, RtpCodecKind};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use webrtc::peer_connection::{RTCIceCandidateInit, RTCSessionDescription};
use webrtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};

/// How long host candidates may take to get into a description; measured: below 1 ms.
const GATHER_WITHIN: Duration = Duration::from_millis(50);
/// After the first candidate, how long the others of this machine may follow.
const SETTLE: Duration = Duration::from_millis(3);

/// Where offer and answer stand.
#[derive(Default)]
pub(super) struct Negotiation {
    offer: Offer,
    /// What both sides agreed on last, as our own description says it.
    agreed: Option<String>,
}

#[derive(Default)]
enum Offer {
    #[default]
    None,
    /// Made, perhaps sent, but the engine was not told: nothing has changed yet.
    Made(Box<RTCSessionDescription>),
    /// In force on our side, and not answered.
    Applied { local: String },
}

impl Peer {
    /// Asks for one more section in the next offer. Only an offerer may.
    ///
    /// # Errors
    /// [`PeerError::OutOfOrder`] for an answerer, [`PeerError::Closed`].
    pub async fn add_section(&self, section: SectionSpec) -> Result<(), PeerError> {
        self.inner.ensure_open()?;
        if self.inner.config.role == Role::Answerer {
            return Err(PeerError::OutOfOrder("an answerer takes the sections that are offered"));
        }
        let turn = self.inner.negotiation.lock().await;
        // Once something was agreed on the engine has no other codecs left to prefer any to.
        let fresh = turn.agreed.is_none();
        let pc = &self.inner.pc;
        let codecs = self.codecs(section.kind);
        let Some(first) = codecs.first() else {
            return Err(PeerError::OutOfOrder("no codec of this kind was configured"));
        };
        match section.direction {
            Direction::SendRecv => {
                let track = Leg::track(section.kind, &first.rtp_codec);
                let init = RTCRtpTransceiverInit {
                    direction: RTCRtpTransceiverDirection::Sendrecv,
                    streams: Vec::new(),
                    send_encodings: Leg::encodings(&first.rtp_codec),
                };
                let transceiver =
                    pc.add_transceiver_from_track(track.clone(), Some(init)).await.map_err(local)?;
                if fresh {
                    transceiver.set_codec_preferences(codecs).await.map_err(local)?;
                }
                let leg = Leg::new(section.kind, track, transceiver).await?;
                self.adopt(leg);
            }
            Direction::RecvOnly => {
                let kind = kind_of(section.kind);
                let init = RTCRtpTransceiverInit {
                    direction: RTCRtpTransceiverDirection::Recvonly,
                    ..RTCRtpTransceiverInit::default()
                };
                let transceiver = pc.add_transceiver_from_kind(kind, Some(init)).await.map_err(local)?;
                if fresh {
                    transceiver.set_codec_preferences(codecs).await.map_err(local)?;
                }
            }
        }
        Ok(())
    }

    /// Makes an offer without putting it into force: no candidate is gathered, nothing of
    /// the present connection changes. With `restart` it names a new ICE generation.
    ///
    /// # Errors
    /// [`PeerError::OutOfOrder`] while an offer is in force and not answered.
    pub async fn create_offer(&self, restart: bool) -> Result<String, PeerError> {
        let mut turn = self.inner.negotiation.lock().await;
        self.make_offer(&mut turn, restart).await
    }

    /// Puts the offer last made into force: ICE begins to gather, a restart drops the
    /// present pair. Candidates come as events.
    ///
    /// # Errors
    /// [`PeerError::OutOfOrder`] if there is none.
    pub async fn apply_offer(&self) -> Result<(), PeerError> {
        let mut turn = self.inner.negotiation.lock().await;
        self.put_in_force(&mut turn, false).await.map(|_| ())
    }

    /// [`create_offer`](Peer::create_offer) and [`apply_offer`](Peer::apply_offer) in one,
    /// with the host candidates in the offer; for when the ICE servers are known.
    ///
    /// # Errors
    /// As those two.
    pub async fn offer(&self, restart: bool) -> Result<String, PeerError> {
        let mut turn = self.inner.negotiation.lock().await;
        self.make_offer(&mut turn, restart).await?;
        let new = self.put_in_force(&mut turn, true).await?;
        let sdp = self.with_candidates(new).await?;
        turn.offer = Offer::Applied { local: sdp.clone() };
        Ok(sdp)
    }

    /// Takes the ICE servers that came with the answer. They count from the next
    /// [`apply_offer`](Peer::apply_offer) on. Returns how many addresses cannot be used.
    ///
    /// # Errors
    /// [`PeerError::Local`] when the engine refuses them, [`PeerError::Closed`].
    pub async fn set_ice_servers(&self, servers: &[IceServer]) -> Result<usize, PeerError> {
        self.inner.ensure_open()?;
        let (usable, ignored) = usable(servers);
        let relays = relays(&usable);
        let configuration = webrtc::peer_connection::RTCConfigurationBuilder::new()
            .with_ice_servers(usable)
            .with_ice_transport_policy(policy(&self.inner.config, relays))
            .build();
        self.inner.pc.set_configuration(configuration).await.map_err(local)?;
        self.inner.relays.store(relays, Ordering::Release);
        Ok(ignored)
    }

    /// Takes the far side's answer to the offer in force.
    ///
    /// # Errors
    /// [`PeerError::OutOfOrder`] without an offer in force; [`PeerError::BadDescription`],
    /// after which a text that was no description at all leaves the offer open, and one that
    /// the engine broke off uses it up: make another offer.
    pub async fn accept_answer(&self, answer: &str) -> Result<(), PeerError> {
        let mut turn = self.inner.negotiation.lock().await;
        self.inner.ensure_open()?;
        let Offer::Applied { local: own } = &turn.offer else {
            return Err(PeerError::OutOfOrder("an answer needs an offer that was applied"));
        };
        let own = own.clone();
        sdp::check(answer, true)?;
        turn.offer = Offer::None;
        self.take_description(answer, Side::Answer).await?;
        turn.agreed = Some(self.current_local().await.unwrap_or(own));
        self.inner.shared.negotiated.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// Answers an offer, with the host candidates in the answer; others come as events.
    /// An offer with a new ICE generation restarts ICE.
    ///
    /// # Errors
    /// [`PeerError::OutOfOrder`] for an offerer; [`PeerError::BadDescription`], after which
    /// everything is as before.
    pub async fn answer(&self, offer: &str) -> Result<String, PeerError> {
        let mut turn = self.inner.negotiation.lock().await;
        self.inner.ensure_open()?;
        if self.inner.config.role == Role::Offerer {
            return Err(PeerError::OutOfOrder("an offerer makes no answers"));
        }
        sdp::check(offer, false)?;
        let made = guarded(async {
            self.take_description(offer, Side::Offer).await?;
            self.attach_legs(offer).await?;
            let answer = self.inner.pc.create_answer(None).await.map_err(bad)?;
            let new = self.enter_local(&answer.sdp, true);
            self.inner.pc.set_local_description(answer).await.map_err(bad)?;
            self.with_candidates(new).await
        })
        .await;
        match made {
            Ok(sdp) => {
                turn.agreed = Some(sdp.clone());
                self.inner.shared.negotiated.fetch_add(1, Ordering::AcqRel);
                Ok(sdp)
            }
            Err(error) => {
                if let Ok(rollback) = RTCSessionDescription::rollback(None) {
                    let _ = self.inner.pc.set_remote_description(rollback).await;
                }
                Err(error)
            }
        }
    }

    /// Takes an offer back that will not be answered (its signaling was lost). An offer that
    /// was never applied is simply forgotten. A restart that was applied cannot be undone:
    /// the next offer names the new generation again.
    ///
    /// # Errors
    /// [`PeerError::Closed`].
    pub async fn rollback(&self) -> Result<(), PeerError> {
        let mut turn = self.inner.negotiation.lock().await;
        self.inner.ensure_open()?;
        if let Offer::Applied { .. } = std::mem::take(&mut turn.offer) {
            let rollback = RTCSessionDescription::rollback(None).map_err(local)?;
            self.inner.pc.set_local_description(rollback).await.map_err(local)?;
        }
        Ok(())
    }

    /// Is an offer made or in force, and not answered?
    pub async fn has_open_offer(&self) -> bool {
        !matches!(self.inner.negotiation.lock().await.offer, Offer::None)
    }

    /// A candidate trickled by the far side. One of a coming generation is held, one of a
    /// past generation and what is over the limit is counted and dropped.
    ///
    /// # Errors
    /// [`PeerError::BadCandidate`] for what cannot be read.
    pub async fn add_remote_candidate(&self, candidate: RemoteCandidate) -> Result<(), PeerError> {
        self.inner.ensure_open()?;
        let taken = lock(&self.inner.remote).take(candidate)?;
        match taken {
            Taken::Use(text) => self.give_candidate(text).await,
            Taken::Nothing => Ok(()),
        }
    }

    /// The media sections as agreed last; empty before.
    pub async fn sections(&self) -> Vec<Section> {
        self.inner.negotiation.lock().await.agreed.as_deref().map(sdp::sections).unwrap_or_default()
    }

    async fn make_offer(&self, turn: &mut Negotiation, restart: bool) -> Result<String, PeerError> {
        self.inner.ensure_open()?;
        if self.inner.config.role == Role::Answerer {
            return Err(PeerError::OutOfOrder("an answerer makes no offers"));
        }
        if matches!(turn.offer, Offer::Applied { .. }) {
            return Err(PeerError::OutOfOrder("an offer is in force; wait for its answer or roll back"));
        }
        let options = RTCOfferOptions { ice_restart: restart };
        let offer = self.inner.pc.create_offer(Some(options)).await.map_err(local)?;
        // Candidates of the generation before have no place in an offer that is not in force.
        let sdp = sdp::filter_candidates(&offer.sdp, |_| None);
        turn.offer = Offer::Made(Box::new(offer));
        Ok(sdp)
    }

    async fn put_in_force(&self, turn: &mut Negotiation, hold: bool) -> Result<bool, PeerError> {
        self.inner.ensure_open()?;
        self.inner.ensure_relay()?;
        let offer = match std::mem::take(&mut turn.offer) {
            Offer::Made(offer) => offer,
            other => {
                turn.offer = other;
                return Err(PeerError::OutOfOrder("there is no offer to apply"));
            }
        };
        let sdp = offer.sdp.clone();
        let new = self.enter_local(&sdp, hold);
        self.inner.pc.set_local_description(*offer).await.map_err(local)?;
        self.inner.shared.kick.kick();
        turn.offer = Offer::Applied { local: sdp };
        Ok(new)
    }

    fn enter_local(&self, sdp: &str, hold: bool) -> bool {
        let ufrag = sdp::ufrag(sdp).unwrap_or_default();
        self.inner.shared.enter_local(ufrag, sdp::first_mid(sdp).unwrap_or("0"), hold)
    }

    async fn current_local(&self) -> Option<String> {
        self.inner.pc.local_description().await.map(|description| description.sdp)
    }

    /// Waits, shortly, for the host candidates, and gives the description with them.
    async fn with_candidates(&self, new_generation: bool) -> Result<String, PeerError> {
        let shared = &self.inner.shared;
        shared.kick.kick();
        let mut sdp = self.current_local().await.ok_or(PeerError::EngineStopped)?;
        // With the same sockets the candidates of the generation before are those of this.
        let there = sdp.contains("a=candidate:") && !self.inner.config.rebind_on_restart;
        if new_generation && !there {
            let mut gathered = shared.gathered.subscribe();
            let enough = async {
                let _ = gathered.wait_for(|now| now.complete || now.candidates > 0).await;
                let _ = tokio::time::timeout(SETTLE, gathered.wait_for(|now| now.complete)).await;
            };
            let _ = tokio::time::timeout(GATHER_WITHIN, enough).await;
            sdp = self.current_local().await.ok_or(PeerError::EngineStopped)?;
        }
        let sdp = sdp::filter_candidates(&sdp, |candidate| shared.shown(candidate));
        shared.release_local(&sdp);
        Ok(sdp)
    }

    /// Gives the engine a description of the far side, with the candidates that may be used.
    async fn take_description(&self, text: &str, kind: Side) -> Result<(), PeerError> {
        let ufrag = sdp::ufrag(text).unwrap_or_default().to_owned();
        let (filtered, held) = {
            let mut remote = lock(&self.inner.remote);
            let held = remote.enter(&ufrag);
            let filtered = sdp::filter_candidates(text, |line| match remote.of_current(line) {
                Ok(Taken::Use(text)) => Some(text),
                Ok(Taken::Nothing) | Err(_) => None,
            });
            (filtered, held)
        };
        let description = match kind {
            Side::Offer => RTCSessionDescription::offer(filtered),
            Side::Answer => RTCSessionDescription::answer(filtered),
        }
        .map_err(bad)?;
        guarded(async { self.inner.pc.set_remote_description(description).await.map_err(bad) }).await?;
        for candidate in held {
            self.give_candidate(candidate).await?;
        }
        self.inner.shared.kick.kick();
        Ok(())
    }

    async fn give_candidate(&self, candidate: String) -> Result<(), PeerError> {
        let init = RTCIceCandidateInit { candidate, ..RTCIceCandidateInit::default() };
        guarded(async {
            let added = self.inner.pc.add_ice_candidate(init).await;
            added.map_err(|_| PeerError::BadCandidate("the engine refused it"))
        })
        .await?;
        self.inner.shared.kick.kick();
        Ok(())
    }

    /// Gives each offered section that wants our media a track to send on.
    async fn attach_legs(&self, offer: &str) -> Result<(), PeerError> {
        for kind in [Kind::Audio, Kind::Video] {
            // `sends` and `receives` are the offerer's here: it must want to receive.
            let offered: Vec<Section> = sdp::sections(offer)
                .into_iter()
                .filter(|section| section.kind == kind && section.receives)
                .collect();
            let have = lock(&self.inner.legs).iter().filter(|leg| leg.kind == kind).count();
            for section in offered.iter().skip(have) {
                let spoken = self.inner.config.codecs.iter().find(|codec| section.codecs.contains(codec));
                let Some(codec) = spoken else { continue };
                let codec = super::engine::parameters(*codec).rtp_codec;
                let track = Leg::track(kind, &codec);
                let sender = self.inner.pc.add_track(track.clone()).await.map_err(bad)?;
                let mut its = None;
                for transceiver in self.inner.pc.get_transceivers().await {
                    if transceiver.sender().await.ok().flatten().is_some_and(|s| s.id() == sender.id()) {
                        its = Some(transceiver);
                    }
                }
                let transceiver = its.ok_or(PeerError::EngineStopped)?;
                let leg = Leg::new(kind, track, transceiver).await?;
                self.adopt(leg);
            }
        }
        Ok(())
    }

    fn adopt(&self, leg: Arc<Leg>) {
        self.inner.spawn(leg.clone().listen());
        lock(&self.inner.legs).push(leg);
    }

    fn codecs(&self, kind: Kind) -> Vec<RTCRtpCodecParameters> {
        let ours = self.inner.config.codecs.iter().filter(|codec| codec.kind() == kind);
        ours.map(|codec| super::engine::parameters(*codec)).collect()
    }
}

#[derive(Clone, Copy)]
enum Side {
    Offer,
    Answer,
}

fn kind_of(kind: Kind) -> RtpCodecKind {
    match kind {
        Kind::Audio => RtpCodecKind::Audio,
        Kind::Video => RtpCodecKind::Video,
    }
}

fn bad(error: webrtc::error::Error) -> PeerError {
    PeerError::BadDescription(shown(&error))
}

/// The far side's text goes through the engine's parsers; should one of them panic on it,
/// that is the far side's fault and not the end of our process.
async fn guarded<T>(work: impl Future<Output = Result<T, PeerError>>) -> Result<T, PeerError> {
    AssertUnwindSafe(work)
        .catch_unwind()
        .await
        .unwrap_or_else(|_| Err(PeerError::BadDescription("the engine could not take it".to_owned())))
}
