//! Everything that is settled before a peer is opened. Times have the values that were
//! measured to work; the defaults are what a client wants on a real network.

use super::{Certificate, RtpPacket};
use offhook_transport::Secret;
use offhook_transport::media::{Codec, EncodedFrame, Gate, Kind, RemoteSink};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Which half of offer and answer this peer plays. It never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Makes every offer (the client).
    Offerer,
    /// Makes every answer (the server).
    Answerer,
}

/// One STUN or TURN server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IceServer {
    /// `stun:` and `turn:` addresses (RFC 7064, RFC 7065). What cannot be used (TURN over
    /// TCP or TLS) is ignored and counted.
    pub urls: Vec<String>,
    /// For TURN.
    pub username: Option<String>,
    /// For TURN.
    pub credential: Option<Secret>,
}

/// The times of ICE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IceTimes {
    /// Without any inbound packet for this long the state is `Disconnected`.
    pub disconnected: Duration,
    /// After this much more it is `Failed`, and the engine gives its candidates up. Long, so
    /// that a lost connection can still be listened to as a probe.
    pub failed: Duration,
    /// How often the selected pair is checked.
    pub keepalive: Duration,
    /// How often candidate pairs are checked before one is selected (RFC 8445 asks for at
    /// least 5 ms).
    pub check: Duration,
    /// How many checks a pair gets before it is given up. Many, so that a restart that was begun
    /// while the path was gone finds it when it is back; a place that does not answer within
    /// seconds is sent only ten a second of them.
    pub checks: u16,
}

impl Default for IceTimes {
    fn default() -> Self {
        Self {
            disconnected: Duration::from_secs(3),
            failed: Duration::from_secs(60),
            keepalive: Duration::from_secs(1),
            check: Duration::from_millis(20),
            checks: 3_000,
        }
    }
}

/// Which way media may go on a section, seen from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Both ways.
    SendRecv,
    /// Only to us (a viewer).
    RecvOnly,
}

/// A section the offerer asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionSpec {
    /// Audio or video.
    pub kind: Kind,
    /// Which way.
    pub direction: Direction,
}

/// Sends a peer's UDP traffic elsewhere: for test rigs that put a relay into the path, and
/// for servers that allow only some addresses.
pub trait UdpMap: Send + Sync + 'static {
    /// Where packets for this remote candidate are to go; `None` leaves the candidate out.
    fn remote(&self, candidate: SocketAddr) -> Option<SocketAddr>;

    /// What to tell the far side in place of this local candidate; `None` keeps it secret,
    /// and the far side learns the address of whoever forwards for us.
    fn local(&self, candidate: SocketAddr) -> Option<SocketAddr> {
        Some(candidate)
    }
}

/// Called with each frame that was put together, and the mid it came on. Must not wait.
pub type FrameFn = Arc<dyn Fn(&str, &EncodedFrame) + Send + Sync>;
/// Called with each RTP packet in order, and the mid it came on. Must not wait.
pub type PacketFn = Arc<dyn Fn(&str, &RtpPacket) + Send + Sync>;

/// Where received media goes. Frames are put together only if somebody wants frames.
#[derive(Clone, Default)]
pub struct Intake {
    /// The end of a session's `Remote`; its wishes for key frames are passed on.
    pub sink: Option<RemoteSink>,
    /// Whole frames.
    pub frames: Option<FrameFn>,
    /// Single packets, for a server that only forwards.
    pub packets: Option<PacketFn>,
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake")
            .field("sink", &self.sink.is_some())
            .field("frames", &self.frames.is_some())
            .field("packets", &self.packets.is_some())
            .finish()
    }
}

/// The settings of one peer.
#[derive(Clone)]
pub struct PeerConfig {
    /// Offerer or answerer.
    pub role: Role,
    /// Servers known beforehand; more may come with the answer.
    pub ice_servers: Vec<IceServer>,
    /// Where to bind UDP. An unspecified address means every interface of its family, less
    /// loopback; port 0 any port.
    pub bind: Vec<SocketAddr>,
    /// Offer loopback addresses as candidates.
    pub include_loopback: bool,
    /// Use TURN and nothing else.
    pub relay_only: bool,
    /// The times of ICE.
    pub ice: IceTimes,
    /// The session's certificate.
    pub certificate: Certificate,
    /// Test rigs and address rules.
    pub udp_map: Option<Arc<dyn UdpMap>>,
    /// What may be spoken, best first.
    pub codecs: Vec<Codec>,
    /// What the offerer asks for at first.
    pub sections: Vec<SectionSpec>,
    /// Where received media goes.
    pub intake: Intake,
    /// Stops outgoing media: nothing of it passes this peer's sockets unless it is open. An
    /// offerer's is muted until its owner says otherwise.
    pub gate: Gate,
    /// Bind fresh sockets for an ICE restart, so that a changed network is picked up.
    pub rebind_on_restart: bool,
    /// ICE lite (RFC 8445 §2.5), for servers on a public address. A lite peer sends no
    /// checks of its own, so it reports no [`PathAnswered`](super::PeerEvent::PathAnswered).
    pub lite: bool,
    /// How many remote candidates are taken per generation; the rest is counted.
    pub max_remote_candidates: usize,
    /// How long DTLS may take once ICE is connected.
    pub dtls_within: Duration,
    /// How long our checks may stay without an answer.
    pub silent_after: Duration,
    /// How often the far side is asked for a key frame at most, on each section: key frames are dear.
    pub key_frame_every: Duration,
    /// After this long without one the far side's consent is over, and no media is sent until a check
    /// is answered again (RFC 7675 §5.1: 30 s).
    pub consent: Duration,
}

impl PeerConfig {
    /// A client on every interface, with one video section both ways.
    pub fn offerer(certificate: Certificate) -> Self {
        Self {
            role: Role::Offerer,
            ice_servers: Vec::new(),
            bind: vec![SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))],
            include_loopback: false,
            relay_only: false,
            ice: IceTimes::default(),
            certificate,
            udp_map: None,
            codecs: vec![Codec::H264, Codec::Vp8, Codec::Opus],
            sections: vec![SectionSpec { kind: Kind::Video, direction: Direction::SendRecv }],
            intake: Intake::default(),
            gate: Gate::default(),
            rebind_on_restart: true,
            lite: false,
            max_remote_candidates: 8,
            dtls_within: Duration::from_secs(10),
            silent_after: Duration::from_secs(5),
            key_frame_every: Duration::from_millis(500),
            consent: Duration::from_secs(30),
        }
    }

    /// A server's side of one client. Its gate is open: what a server sends is not the
    /// media of a user at this machine.
    pub fn answerer(certificate: Certificate) -> Self {
        let gate = Gate::new();
        gate.open();
        Self {
            role: Role::Answerer,
            sections: Vec::new(),
            gate,
            rebind_on_restart: false,
            ..Self::offerer(certificate)
        }
    }

    /// Binds to loopback alone, and says so in the candidates.
    #[must_use]
    pub fn on_loopback(mut self) -> Self {
        self.bind = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
        self.include_loopback = true;
        self
    }
}

impl fmt::Debug for PeerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerConfig")
            .field("role", &self.role)
            .field("ice_servers", &self.ice_servers.len())
            .field("ice", &self.ice)
            .field("codecs", &self.codecs)
            .field("sections", &self.sections)
            .field("lite", &self.lite)
            .finish_non_exhaustive()
    }
}
