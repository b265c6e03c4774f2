//! The beginning of a link: the socket and the offer made side by side, and the first frame.

use super::address::Address;
use super::arrivals::Arrivals;
use super::driver::{Driver, Flow, Stage};
use super::lane::Lane;
use super::sinks::Sinks;
use super::socket::{self, UpgradeFault, Upgraded, Wire};
use super::translate;
use crate::peer::{Direction, Intake, Peer, PeerConfig, PeerError, SectionSpec, UdpMap};
use futures_util::FutureExt;
use offhook_signaling::address::AddressPolicy;
use offhook_signaling::{
    FromClient, Goodbye, GoodbyeCode, Join, Migrate, Offer, Rejoin, Resume, Sdp, Versions, early, encode,
};
use offhook_transport::media::{Kind, LocalTrack};
use offhook_transport::{
    DialRequest, Event, Fault, FaultKind, Plan, Progress, ResumeRefusal, Secret, Target,
};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A peer with its offer.
pub(super) struct Opened {
    pub(super) lane: Arc<Lane>,
    sdp: String,
    applied: bool,
}

impl Driver {
    /// Judges the address and starts the work.
    pub(super) fn begin(&mut self) -> Flow {
        let address = match self.judge_address() {
            Ok(address) => address,
            Err(fault) => return self.fail(Event::DialFailed(fault)),
        };
        if let Plan::Resume { .. } = self.request.plan {
            let inherited = self
                .request
                .inherit
                .and_then(|epoch| self.registry.find(self.request.instance, epoch))
                .filter(|lane| !lane.peer.is_closed() && lane.state().granted.is_some());
            let Some(lane) = inherited else {
                return self.fail(Event::ResumeRefused(ResumeRefusal::Gone));
            };
            self.reports = Some(lane.reports());
            self.lane = Some(lane);
        } else {
            if let Plan::Migrate { .. } = self.request.plan {
                self.predecessor = self.registry.newest(self.request.instance).as_ref().map(Arc::downgrade);
            }
            self.opening = Some(self.open_peer(&address).boxed());
        }
        self.address = Some(address);
        self.open_by = Instant::now().checked_add(self.request.open_timeout);
        self.connect();
        self.out.say(Event::Progress(Progress::Searching { queue_position: None, eta: None }));
        Flow::On
    }

    fn connect(&mut self) {
        let Some(address) = self.address.clone() else { return };
        let (config, within) = (self.config.clone(), self.open_within());
        let watched = self.registry.networks.destination(self.request.instance);
        let reaching = async move { socket::reach(&config, &address, watched.as_deref(), within).await };
        self.connecting = Some(reaching.boxed());
    }

    /// What is left of the time in which the socket is to be open.
    fn open_within(&self) -> Duration {
        self.open_by.map_or(self.request.open_timeout, |by| by.saturating_duration_since(Instant::now()))
    }

    fn judge_address(&self) -> Result<Address, Fault> {
        let bad = |error| Fault::with(FaultKind::BadAddress, error);
        let configured = Address::configured(&self.config.url, self.config.plain_ws).map_err(bad)?;
        match self.request.target.as_ref().and_then(|target| target.url.as_deref()) {
            Some(url) => configured.target(url).map_err(bad),
            None => Ok(configured),
        }
    }

    fn open_peer(
        &self,
        address: &Address,
    ) -> impl Future<Output = Result<Opened, Fault>> + Send + 'static + use<> {
        // Relay only needs to know the relay first.
        let known = self.config.ice_servers.is_some() || (address.is_loopback() && !self.config.relay_only);
        let registry = self.registry.clone();
        let (instance, epoch) = (self.request.instance, self.request.epoch);
        let config = self.config.clone();
        let address = address.clone();
        let sections = sections(&self.request);
        let offered =
            self.published().iter().map(|track| (track.spec().label.clone(), track.clone())).collect();
        let gate = self.request.media.gate.clone();
        let sink = self.request.media.sink.clone();
        async move {
            let fault = |error: PeerError| Fault::with(error.fault_kind(), error);
            let certificate = registry.certificate(instance).map_err(fault)?;
            let mut settings = PeerConfig::offerer((*certificate).clone());
            settings.bind = config.bind.clone().unwrap_or_else(|| default_bind(&address));
            settings.include_loopback = settings.bind.iter().any(|place| place.ip().is_loopback());
            settings.ice_servers = config.ice_servers.clone().unwrap_or_default();
            settings.relay_only = config.relay_only;
            settings.sections = sections;
            settings.gate = gate;
            settings.udp_map =
                Some(Arc::new(Judged { policy: address.media_policy(), then: config.udp_map.clone() }));
            let sinks = Arc::new(Sinks::default());
            if let Some(sink) = sink {
                sinks.add(epoch, sink);
            }
            let arrivals = Arc::<Arrivals>::default();
            let (into, counted) = (sinks.clone(), arrivals.clone());
            settings.intake = Intake {
                frames: Some(Arc::new(move |mid, frame| into.push(mid, frame))),
                packets: Some(Arc::new(move |_, _| counted.note())),
                ..Intake::default()
            };
            let (peer, events) = Peer::open(settings).await.map_err(fault)?;
            let sdp = if known { peer.offer(false).await } else { peer.create_offer(false).await };
            let sdp = sdp.map_err(fault)?;
            let lane = Lane::new(peer, events, (sinks, arrivals), certificate, epoch, offered);
            Ok(Opened { lane, sdp, applied: known })
        }
    }

    pub(super) async fn connected(&mut self, result: Result<Wire, Fault>) -> Flow {
        match result {
            Ok(wire) => {
                self.wire = Some(wire);
                self.ask().await
            }
            Err(fault) => self.fail(Event::DialFailed(fault)),
        }
    }

    /// The socket is open, and the first frame with it, or still to be said.
    pub(super) fn upgraded(&mut self, result: Result<Upgraded, UpgradeFault>) -> Flow {
        let upgraded = match result {
            Ok(upgraded) => upgraded,
            Err(_) if self.stage == Stage::Leaving => return Flow::Over,
            Err(UpgradeFault::Early(_)) => {
                self.registry.refuse_early();
                self.connect();
                return Flow::On;
            }
            Err(UpgradeFault::Other(fault)) => return self.fail(Event::DialFailed(fault)),
        };
        self.socket = Some(upgraded.socket);
        let first = self.first.take().filter(|_| !upgraded.early_taken);
        if self.stage == Stage::Leaving {
            return match first {
                // Nothing was said that could be taken back.
                Some(_) => Flow::Over,
                None => self.send(&FromClient::Goodbye(Goodbye { reason: GoodbyeCode::Cancelled })),
            };
        }
        self.stage = Stage::Asking;
        self.answer_due = Some(Instant::now() + self.request.open_timeout);
        first.map_or(Flow::On, |first| self.write(first))
    }

    pub(super) async fn opened(&mut self, result: Result<Opened, Fault>) -> Flow {
        match result {
            Ok(opened) => {
                self.reports = Some(opened.lane.reports());
                self.lane = Some(opened.lane);
                self.offer = Some((opened.sdp, opened.applied));
                self.ask().await
            }
            Err(fault) => self.fail(Event::DialFailed(fault)),
        }
    }

    /// Says the first frame once both the connection and the offer are there: along with the
    /// upgrade, where that is taken.
    async fn ask(&mut self) -> Flow {
        let Some(lane) = self.lane.clone() else { return Flow::On };
        let Some((wire, address)) = self.wire.take().zip(self.address.clone()) else { return Flow::On };
        if self.first.is_some() {
            // It is said a second time to a server that did not take it on the way.
            return self.upgrade(wire, address);
        }
        let first = match self.request.plan.clone() {
            Plan::Resume { key, restart_ice } => match self.resume(&lane, key.secret, restart_ice).await {
                Ok(first) => first,
                Err(error) => {
                    let fault = Fault::with(error.fault_kind(), error);
                    return self.fail(Event::DialFailed(fault));
                }
            },
            Plan::Join { resume } => self.enter(&lane, resume, true),
            Plan::Rejoin { key } | Plan::Migrate { key } => self.enter(&lane, key, false),
        };
        match encode(None, lane.state().frames.last_seen(), &first) {
            Ok(text) => {
                self.first = Some(text);
                self.upgrade(wire, address)
            }
            // What cannot be written is no secret that anybody ever gave out: an offer that is too long was
            // taken back when it was made.
            Err(_) if matches!(self.request.plan, Plan::Resume { .. }) => {
                self.fail(Event::ResumeRefused(ResumeRefusal::BadSecret))
            }
            // No far side would take it: as if it had said so.
            Err(error) => {
                let (code, item) = translate::unsayable(&error);
                let text = error.to_string();
                self.fail(Event::Refused {
                    code,
                    retry_after: None,
                    queue_position: None,
                    text,
                    item,
                    known: Vec::new(),
                })
            }
        }
    }

    fn upgrade(&mut self, wire: Wire, address: Address) -> Flow {
        let within = self.open_within();
        let early = self.first.as_deref().filter(|_| self.registry.takes_early()).and_then(early);
        self.upgrading = Some(async move { socket::upgrade(wire, &address, early, within).await }.boxed());
        Flow::On
    }

    /// A ticket opens the door it was made for; else the credential, which no target ever sees.
    fn enter(
        &mut self,
        lane: &Lane,
        key: Option<offhook_transport::ResumeKey>,
        must_exist: bool,
    ) -> FromClient {
        self.uploads.revision = self.request.revision;
        let request = &self.request;
        let offer = self.offer.as_ref().map(|(sdp, _)| self.offer_of(lane, sdp));
        let session = translate::session(&request.session);
        let instance = translate::instance(request.instance);
        let epoch = u64::from(request.epoch.0);
        let publish = self.published();
        let desired = translate::desired(&request.desired, request.revision, publish);
        lane.state().image = request.desired.image.clone().flatten();
        let tracks = translate::tracks(publish, |_| None);
        let ticket = request.target.as_ref().and_then(|target| target.ticket.as_ref());
        if let Some(ticket) = ticket {
            return FromClient::Migrate(Migrate {
                versions: Versions::OURS,
                features: Vec::new(),
                requires: Vec::new(),
                session,
                instance,
                epoch,
                ticket: translate::secret(ticket),
                desired,
                tracks,
                offer,
            });
        }
        let named = matches!(&request.target, Some(Target { url: Some(_), .. }));
        let credential: Option<&Secret> = request.credential.as_ref().filter(|_| !named);
        FromClient::Join(Join {
            versions: Versions::OURS,
            features: Vec::new(),
            requires: Vec::new(),
            session,
            instance,
            epoch,
            credential: credential.map(translate::secret),
            // A ticket is for the server that gave it, as the credential is.
            join_ticket: request.join_ticket.as_ref().filter(|_| !named).map(translate::secret),
            rejoin: key.filter(|_| !named).map(|key| Rejoin {
                session_id: key.session,
                secret: translate::secret(&key.secret),
                must_exist,
            }),
            desired,
            tracks,
            offer,
            model: request.model.clone(),
            wait_in_queue: request.wait_in_queue,
            viewer: request.viewer,
            name: None,
            avoid: self.nodes.to_avoid(request.instance, Instant::now()),
        })
    }

    /// A restart rides in the resume and is applied when the far side let us in, so that a
    /// resume that is refused cost the old link nothing. A path that was silent and answers again
    /// is not made anew: asked along with the resume, it shows by its answer that it carries.
    async fn resume(&mut self, lane: &Lane, secret: Secret, restart: bool) -> Result<FromClient, PeerError> {
        let open = lane.peer.has_open_offer().await;
        if open {
            lane.peer.rollback().await?;
            lane.state().open_offer = None;
        }
        // A track that was published since the last offer needs a section of its own, and one that was
        // taken back needs none.
        self.publish_wanted = false;
        let published = lane.offerable(self.published());
        let dropped = lane.unpublish(&published);
        let grown = lane.make_room(&published).await? || dropped;
        let (has_grown, path, unsettled) = {
            let mut state = lane.state();
            state.grown |= grown;
            (state.grown, state.path(), state.unsettled)
        };
        self.uploads.revision = self.request.revision;
        let path = path.filter(|_| restart);
        // A path that answers again is not made anew, unless a dial that is given up offered a restart:
        // the far side may have taken it, and only the answer was lost.
        let is_whole = path.is_some_and(|path| path.answers) && !unsettled;
        self.restarts = restart && !is_whole;
        // It knows; or sees that a path which is silent here works by now.
        let path = path.filter(|_| self.restarts && !has_grown);
        self.spare = path.is_some();
        self.asked = Some(Instant::now());
        lane.peer.ask_path();
        let offer = if self.restarts || has_grown || open {
            let sdp = lane.peer.create_offer(self.restarts).await?;
            let offer = self.offer_of(lane, &sdp);
            self.offer = Some((sdp, false));
            Some(offer)
        } else {
            None
        };
        let mut state = lane.state();
        let last_seen = state.ask(self.request.epoch);
        let session_id = state.granted.as_ref().map(|granted| granted.key.session.clone());
        Ok(FromClient::Resume(Resume {
            session: translate::session(&self.request.session),
            session_id: session_id.unwrap_or_default(),
            instance: translate::instance(self.request.instance),
            epoch: u64::from(self.request.epoch.0),
            secret: translate::secret(&state.newest(secret)),
            last_seen,
            offer,
            path,
        }))
    }

    /// What is sent from here; nothing of a viewer's.
    pub(super) fn published(&self) -> &[LocalTrack] {
        if self.request.viewer { &[] } else { &self.request.media.publish }
    }

    /// An offer with a fresh number, and what is in its sections.
    pub(super) fn offer_of(&self, lane: &Lane, sdp: &str) -> Offer {
        let negotiation_id = lane.state().next_negotiation();
        let publish = lane.offerable(self.published());
        let taken = lane.mids();
        let mut mids = mids(sdp);
        mids.retain(|(_, mid)| !taken.contains(mid));
        // As they will be put into the sections that the answer grants.
        let mids_of: Vec<_> = publish
            .iter()
            .filter(|track| lane.mid_of(&track.spec().label).is_none())
            .map(|track| {
                let at = mids.iter().position(|(kind, _)| *kind == track.spec().kind());
                (track.spec().label.clone(), at.map(|at| mids.remove(at).1))
            })
            .collect();
        let mid = |label: &str| {
            lane.mid_of(label).or_else(|| mids_of.iter().find(|(of, _)| of == label)?.1.clone())
        };
        let tracks = translate::tracks(&publish, mid);
        lane.state().named = tracks.iter().map(|track| (track.track.clone(), track.mid.clone())).collect();
        Offer { negotiation_id, sdp: Sdp::new(sdp), tracks }
    }
}

/// One section for each published track, and one to see what comes back.
pub(super) fn sections(request: &DialRequest) -> Vec<SectionSpec> {
    let mut sections: Vec<_> = request
        .media
        .publish
        .iter()
        .filter(|_| !request.viewer)
        .map(|track| SectionSpec { kind: track.spec().kind(), direction: Direction::SendRecv })
        .collect();
    if !sections.iter().any(|section| section.kind == Kind::Video) {
        sections.push(SectionSpec { kind: Kind::Video, direction: Direction::RecvOnly });
    }
    sections
}

/// The sections of an offer of our own on which we may send, in order.
fn mids(sdp: &str) -> Vec<(Kind, String)> {
    crate::peer::described(sdp)
        .into_iter()
        .filter(|section| section.sends)
        .map(|section| (section.kind, section.mid))
        .collect()
}

/// This machine for a server on it; else every interface there is.
fn default_bind(address: &Address) -> Vec<SocketAddr> {
    if address.is_loopback() {
        let mut places = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
        if address.host == offhook_signaling::address::Host::Ip(Ipv6Addr::LOCALHOST.into()) {
            places.push(SocketAddr::from((Ipv6Addr::LOCALHOST, 0)));
        }
        return places;
    }
    let every = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
    let mut places = vec![SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))];
    if UdpSocket::bind(every).is_ok() {
        places.push(every);
    }
    places
}

/// Leaves out candidates that this far side may not send us to, then asks the owner's map (S14).
struct Judged {
    policy: AddressPolicy,
    then: Option<Arc<dyn UdpMap>>,
}

impl UdpMap for Judged {
    fn remote(&self, candidate: SocketAddr) -> Option<SocketAddr> {
        self.policy.check(candidate.ip()).ok()?;
        match &self.then {
            Some(map) => map.remote(candidate),
            None => Some(candidate),
        }
    }

    fn local(&self, candidate: SocketAddr) -> Option<SocketAddr> {
        match &self.then {
            Some(map) => map.local(candidate),
            None => Some(candidate),
        }
    }
}
