//! A member's media: its peer connection, what comes in, who is behind it (the studio's painter, the
//! echo persona, or the others in the room), what goes back.

mod attention;
mod forwarding;
mod room;

use super::inflow::Inflow;
use crate::Shared;
use crate::model::Model;
use crate::persona::{Does, NotTold, Persona};
use crate::rooms::Place;
use crate::studio::{Orders, Painter, Recipe, Said};
use attention::Attention;
use forwarding::Forwarding;
use offhook_signaling::{
    Answer, Candidate, EndOfCandidates, MediaCodec, MediaFault, MediaKind, MidRef, MidUse, Mood,
    NeedSections, Offer, PathReport, Track, Waiting, sdp,
};
use offhook_transport::Epoch;
use offhook_transport::media::{Codec, Gate, Kind, LocalTrack, Remote, RemoteSink, TrackSpec, local};
use offhook_transport_webrtc::peer::{
    Intake, Peer, PeerConfig, PeerError, PeerEvent, PeerEvents, RemoteCandidate, Sending,
};
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The path as seen from here.
const SILENT: &str = "checks are not answered any more";

/// A path that was silent for long enough to be told of answered none of our checks for longer than this.
const FRESH: Duration = Duration::from_secs(2);

/// One who comes into a room is to see everybody soon, however shortly after another: so often a
/// member is asked for a key frame at most.
const KEY_FRAME_EVERY: Duration = Duration::from_millis(200);

/// What is taken of anybody, and sent.
const CODECS: [Codec; 2] = [Codec::H264, Codec::Opus];

/// Those of these tracks that are taken: of one in another codec nothing ever comes, and to the others it
/// is not there. Whoever does not say is believed.
pub(super) fn takes(tracks: &[Track]) -> Vec<Track> {
    let taken = |track: &&Track| match &track.codec {
        None => true,
        Some(MediaCodec::H264) => CODECS.contains(&Codec::H264),
        Some(MediaCodec::Opus) => CODECS.contains(&Codec::Opus),
        Some(MediaCodec::Vp8) => CODECS.contains(&Codec::Vp8),
        Some(MediaCodec::Other(_)) => false,
    };
    tracks.iter().filter(taken).cloned().collect()
}

/// What the media plane reports.
pub(super) enum Happened {
    /// A candidate of ours for the client.
    Candidate(Candidate),
    /// There are no more for this ufrag.
    CandidatesEnd(EndOfCandidates),
    /// The first painted picture was handed on.
    FirstFrame,
    /// Pictures stopped, or come again.
    Flows(bool),
    /// The studio keeps up with so many lines, or with all that are wanted.
    KeepsUpWith(Option<u32>),
    /// A track of somebody else flows in this section from now on, or does not.
    Sends { mid: String, sends: bool },
    /// There is somebody else to be heard, and no section for it.
    Needs(NeedSections),
    /// Tracks of somebody else have no place with it, or have one again.
    Waits(Waiting),
    /// What the persona does.
    Persona(Does),
    /// The path does not work, as seen from here.
    Fault { negotiation_id: u64, text: String },
    /// The connection is closed, from one side or the other.
    Gone,
}

/// Why a client's offer leads to no media.
#[derive(Debug, thiserror::Error)]
pub(super) enum MediaError {
    /// Checked before the engine saw it.
    #[error("the offer is not usable ({0}); make a fresh one")]
    Sdp(#[from] sdp::SdpError),
    /// The engine said no.
    #[error(transparent)]
    Peer(#[from] PeerError),
    /// The system gave no thread to paint on.
    #[error("this server has no thread left to paint on ({0}); try again later")]
    Thread(#[from] std::io::Error),
}

/// The way in. Ends with its owner, however that goes, and the painter's thread with it: that
/// thread waits for pictures, and a runtime waits for its threads.
struct Received(Remote);

impl Drop for Received {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Who is behind a connection.
enum Behind {
    /// Paints what comes, and sends it back.
    Studio(Painter),
    /// Says what it heard.
    Echo(Persona),
    /// The others.
    Room(Box<Forwarding>),
}

/// One peer connection and who is behind it.
pub(super) struct Media {
    peer: Peer,
    events: Option<PeerEvents>,
    received: Received,
    /// What goes back of somebody's making; of a room nothing.
    returned: Option<LocalTrack>,
    gate: Gate,
    behind: Behind,
    /// What of it whoever is behind it looks at and hears.
    attention: Arc<Attention>,
    /// Where the studio's wishes for key frames are heard.
    wishes: RemoteSink,
    /// Held so that the pump of the returned track lives as long as this does.
    sending: Vec<(String, Sending)>,
    /// What is due from the client.
    pub(super) inflow: Inflow,
    negotiation: u64,
    /// Was any offer answered yet?
    answered: bool,
    flows: bool,
    /// The lines that the studio keeps up with.
    most: Option<u32>,
    /// Are checks from here without an answer, since the last offer?
    silent: bool,
    /// When the last one was answered.
    checked: Option<Instant>,
}

impl Media {
    /// Opens the peer connection and takes up the brush, or listens; nothing flows before an
    /// offer. What a member sends that may not publish goes nowhere.
    pub(super) async fn open(
        shared: &Shared,
        place: &Place,
        model: Model,
        recipe: Recipe,
        publishes: bool,
    ) -> Result<Self, MediaError> {
        let received = Received(Remote::new());
        let remote = &received.0;
        remote.switch_to(Epoch(0));
        let gate = Gate::new();
        gate.open();
        let mut config = PeerConfig::answerer(shared.certificate.clone());
        config.bind = shared.config.media_bind.clone();
        config.include_loopback = config.bind.iter().any(|address| address.ip().is_loopback());
        let inflow = Inflow::default();
        let arrivals = inflow.arrivals.clone();
        let forwarding = (model == Model::Room).then(|| {
            let router = shared.rooms.router(&place.key);
            Box::new(Forwarding::new(router, place.instance, shared.unforwarded.clone()))
        });
        let ingest = forwarding.as_ref().map(|forwarding| forwarding.ingest());
        let attention = Arc::<Attention>::default();
        let wishes = remote.sink(Epoch(0));
        config.intake = Intake {
            packets: Some(Arc::new(move |mid, packet| {
                arrivals.note(mid);
                if let Some(ingest) = &ingest {
                    ingest.packet(mid, packet);
                }
            })),
            ..Intake::default()
        };
        if forwarding.is_some() {
            config.key_frame_every = KEY_FRAME_EVERY;
        }
        config.gate = gate.clone();
        config.codecs = CODECS.to_vec();
        let persona = (model == Model::Echo).then(Persona::start);
        // What is only forwarded is not put together.
        if publishes && forwarding.is_none() {
            let (attention, pictures) = (attention.clone(), wishes.clone());
            let ears = persona.as_ref().map(Persona::ears);
            config.intake.frames = Some(Arc::new(move |mid, frame| match (frame.codec.kind(), &ears) {
                (Kind::Video, None) if attention.sees(mid, frame) => {
                    pictures.push(frame);
                }
                (Kind::Audio, Some(ears)) if attention.hears(mid) => ears(mid, frame),
                (Kind::Audio | Kind::Video, _) => {}
            }));
        }
        let (peer, events) = Peer::open(config).await?;
        let (behind, returned) = match (persona, forwarding) {
            (_, Some(forwarding)) => (Behind::Room(forwarding), None),
            (Some(persona), None) => {
                let returned = persona.track.clone();
                (Behind::Echo(persona), Some(returned))
            }
            (None, None) => {
                let (sender, returned) = local(TrackSpec { codec: Codec::H264, label: "studio".into() });
                let orders = Orders { bitrate: shared.config.bitrate, edge: shared.config.limits.edge };
                let painter = Painter::start(remote.receiver(Kind::Video), sender, recipe, orders)?;
                (Behind::Studio(painter), Some(returned))
            }
        };
        let events = Some(events);
        Ok(Self {
            peer,
            events,
            received,
            returned,
            gate,
            behind,
            attention,
            wishes,
            sending: Vec::new(),
            inflow,
            negotiation: 0,
            answered: false,
            flows: false,
            most: None,
            silent: false,
            checked: None,
        })
    }

    /// Answers an offer: the first, a later one, or an ICE restart.
    pub(super) async fn answer(&mut self, offer: &Offer) -> Result<Answer, MediaError> {
        sdp::check_sdp(offer.sdp.as_str())?;
        let answer = self.peer.answer(offer.sdp.as_str()).await?;
        let first = !std::mem::replace(&mut self.answered, true);
        self.negotiation = offer.negotiation_id;
        self.silent = false;
        self.inflow.afresh(Instant::now());
        let sections = self.peer.sections().await;
        let mids = match (&mut self.behind, &self.returned) {
            (Behind::Room(forwarding), _) => {
                forwarding.answered(&self.peer, &sections, first).await?;
                forwarding.uses()
            }
            (Behind::Studio(_) | Behind::Echo(_), Some(returned)) => {
                let kind = returned.spec().kind();
                for section in sections {
                    // One picture, or one voice, comes back however many sections there are.
                    if section.kind == kind && section.sends && self.sending.is_empty() {
                        let sending =
                            self.peer.send_track(&section.mid, returned.tap(), self.gate.clone()).await?;
                        self.sending.push((section.mid, sending));
                    }
                }
                let kind = media_kind(kind);
                let mids = self.sending.iter();
                mids.map(|(mid, _)| MidUse {
                    mid: mid.clone(),
                    kind: kind.clone(),
                    member: None,
                    track: None,
                })
                .collect()
            }
            (Behind::Studio(_) | Behind::Echo(_), None) => Vec::new(),
        };
        Ok(Answer { negotiation_id: offer.negotiation_id, sdp: offhook_signaling::Sdp::new(answer), mids })
    }

    pub(super) async fn candidate(&self, candidate: &Candidate) {
        let candidate = RemoteCandidate {
            candidate: candidate.candidate.clone(),
            mid: Some(candidate.mid.clone()),
            ufrag: Some(candidate.ufrag.clone()),
        };
        if let Err(error) = self.peer.add_remote_candidate(candidate).await {
            tracing::debug!(%error, "a candidate was left out");
        }
    }

    /// The offer that was answered last.
    pub(super) fn negotiation(&self) -> u64 {
        self.negotiation
    }

    /// Is this the path that is had here, too, and does it work? A check that was answered before the
    /// path fell silent says nothing of that.
    pub(super) fn keeps(&self, path: &PathReport) -> bool {
        let answers = self.checked.is_some_and(|at| at.elapsed() < FRESH) && !self.silent;
        path.negotiation_id == self.negotiation && (path.answers || answers)
    }

    /// The fault that there is now, as seen from here. Whoever comes back on a new socket may not
    /// have heard of it, and may take the path for living: its own checks can be answered while
    /// nothing reaches it (a NAT that has rebound).
    pub(super) fn fault(&self) -> Option<MediaFault> {
        let text = Some(SILENT.to_owned());
        self.silent.then_some(MediaFault { negotiation_id: self.negotiation, text })
    }

    /// From the next picture on. A persona has no brush.
    pub(super) fn paint_with(&self, recipe: Recipe) {
        if let Behind::Studio(painter) = &self.behind {
            painter.paint_with(recipe);
        }
    }

    /// The lines that the studio keeps up with; `None`: all that are wanted.
    pub(super) const fn keeps_up_with(&self) -> Option<u32> {
        self.most
    }

    /// Says something to whoever is behind it.
    pub(super) fn tell(&self, number: u64, text: String) -> Result<(), NotTold> {
        match &self.behind {
            Behind::Studio(_) | Behind::Room(_) => Err(NotTold::Nobody),
            Behind::Echo(persona) => persona.tell(number, text),
        }
    }

    /// What the persona behind it is doing; none where there is none.
    pub(super) fn mood(&self) -> Option<Mood> {
        match &self.behind {
            Behind::Studio(_) | Behind::Room(_) => None,
            Behind::Echo(persona) => Some(persona.mood()),
        }
    }

    /// A moderator muted a kind, or took that back: a persona hears nothing meanwhile. What is painted
    /// is the recipe's affair.
    pub(super) fn silence(&self, kind: Kind, silent: bool) {
        if let (Behind::Echo(persona), Kind::Audio) = (&self.behind, kind) {
            persona.deafen(silent);
        }
    }

    /// Where media is due from here: while pictures go out, or the voice does.
    pub(super) fn sending(&self) -> Vec<MidRef> {
        match &self.behind {
            Behind::Room(forwarding) => forwarding.sending(),
            Behind::Studio(_) | Behind::Echo(_) if self.flows => self.sections(),
            Behind::Studio(_) | Behind::Echo(_) => Vec::new(),
        }
    }

    /// Where media goes out, when there is any.
    pub(super) fn sections(&self) -> Vec<MidRef> {
        self.sending.iter().map(|(mid, _)| MidRef { mid: mid.clone() }).collect()
    }

    /// Closes everything and waits for it.
    pub(super) async fn close(self) {
        drop(self.received);
        self.peer.close().await;
        match self.behind {
            Behind::Studio(painter) => painter.ended().await,
            Behind::Echo(persona) => persona.end().await,
            Behind::Room(mut forwarding) => forwarding.close(),
        }
    }
}

fn media_kind(kind: Kind) -> MediaKind {
    match kind {
        Kind::Audio => MediaKind::Audio,
        Kind::Video => MediaKind::Video,
    }
}

impl Behind {
    /// The next thing that it has to say.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    async fn next(&mut self) -> Happened {
        match self {
            Self::Studio(painter) => match painter.next().await {
                Said::FirstPicture => Happened::FirstFrame,
                Said::Paused => Happened::Flows(false),
                Said::Resumed => Happened::Flows(true),
                Said::KeepsUpWith(most) => Happened::KeepsUpWith(most),
                Said::Stopped => {
                    Happened::Fault { negotiation_id: 0, text: "the studio's painter stopped".to_owned() }
                }
            },
            Self::Echo(persona) => Happened::Persona(persona.next().await),
            Self::Room(forwarding) => forwarding.next().await,
        }
    }
}

/// The next thing on the media plane; pending for ever where there is none.
///
/// # Cancel safety
/// Nothing is lost.
pub(super) async fn happened(media: &mut Option<Media>) -> Happened {
    let Some(media) = media else { return std::future::pending().await };
    let Media { peer, events, behind, attention, wishes, flows, most, negotiation, silent, checked, .. } =
        media;
    loop {
        let next = async {
            match events.as_mut() {
                Some(events) => events.next().await,
                None => std::future::pending().await,
            }
        };
        let wished = async {
            tokio::select! {
                mid = attention.wished() => mid,
                () = poll_fn(|cx| wishes.poll_key_frame_wanted(cx)) => attention.looked_at(),
            }
        };
        tokio::select! {
            mid = wished => {
                if let Some(mid) = mid {
                    peer.key_frame_asker(&mid).ask();
                }
            }
            happened = behind.next() => {
                match &happened {
                    Happened::FirstFrame => *flows = true,
                    Happened::Flows(now) => *flows = *now,
                    Happened::KeepsUpWith(now) => *most = *now,
                    _ => {}
                }
                return match happened {
                    Happened::Fault { text, .. } => Happened::Fault { negotiation_id: *negotiation, text },
                    other => other,
                };
            },
            event = next => match event {
                None => {
                    *events = None;
                    return Happened::Gone;
                }
                Some(event) => {
                    match event {
                        PeerEvent::PathSilent { .. } => *silent = true,
                        PeerEvent::PathAnswered => {
                            *silent = false;
                            *checked = Some(Instant::now());
                        }
                        PeerEvent::Connected => {
                            if let Behind::Room(forwarding) = behind {
                                forwarding.connected();
                            }
                        }
                        // A voice flows from its first packet on: it is never silent on the wire.
                        PeerEvent::FrameOut { .. } if matches!(behind, Behind::Echo(_)) => {
                            *flows = true;
                            return Happened::Flows(true);
                        }
                        _ => {}
                    }
                    if let Some(happened) = translate(event, *negotiation) {
                        return happened;
                    }
                }
            },
        }
    }
}

fn translate(event: PeerEvent, negotiation_id: u64) -> Option<Happened> {
    let fault = |text: &str| Some(Happened::Fault { negotiation_id, text: text.to_owned() });
    match event {
        PeerEvent::Candidate(local) => Some(Happened::Candidate(Candidate {
            ufrag: local.ufrag,
            mid: local.mid,
            candidate: local.candidate,
        })),
        PeerEvent::CandidatesEnd { ufrag } => Some(Happened::CandidatesEnd(EndOfCandidates { ufrag })),
        PeerEvent::IceFailed => fault("no candidate pair answers"),
        PeerEvent::PathSilent { .. } => fault(SILENT),
        PeerEvent::Broken(error) => fault(&error.to_string()),
        _ => None,
    }
}
