//! Light checks on session descriptions and candidates, before a WebRTC stack sees them (S6, S20).
//! Not a parser: what is checked is size, shape and the few lines everybody relies on. Real-world
//! oddities pass (G11), only what could harm or cannot work is refused.

use crate::address::{AddressPolicy, AddressRefused};
use crate::limits;
use std::collections::VecDeque;
use std::net::IpAddr;

/// What is known of a description that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SdpFacts {
    /// The user fragments in it, in order, each once.
    pub ufrags: Vec<String>,
    /// Its media sections, rejected ones (port 0) included.
    pub sections: usize,
    /// The mids of its sections, in order; sections without one are not in it.
    pub mids: Vec<String>,
    /// How many candidate lines it holds.
    pub candidates: usize,
}

/// Why a description is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// Nothing in it (G10).
    #[error("the session description is empty; send the one the stack made")]
    Empty,
    /// Larger than [`limits::SDP_BYTES`].
    #[error("the session description has {len} bytes, {limit} are allowed; offer fewer sections or codecs")]
    TooLarge {
        /// Its size, in bytes.
        len: usize,
        /// Most bytes allowed.
        limit: usize,
    },
    /// Too many lines, or one too long.
    #[error("line {line} of the session description is beyond the limits; offer fewer sections or codecs")]
    Line {
        /// Which, from 1.
        line: usize,
    },
    /// A line that is not `x=…`, or a control character in it.
    #[error(
        "line {line} of the session description is not of the form `x=value` (RFC 8866); send it unchanged"
    )]
    NotSdp {
        /// Which, from 1.
        line: usize,
    },
    /// It does not start with `v=0`.
    #[error("the session description does not start with `v=0` (RFC 8866); send it unchanged")]
    NoVersion,
    /// No media section.
    #[error("the session description has no media section; add a track or a data channel")]
    NoSection,
    /// More than [`limits::SDP_SECTIONS`] media sections.
    #[error("the session description has more than {limit} media sections; offer fewer")]
    TooManySections {
        /// Most allowed.
        limit: usize,
    },
    /// A used section is not covered by a fingerprint: media could not be trusted (S5).
    #[error("a media section has no `a=fingerprint` (RFC 8122); never remove it")]
    NoFingerprint,
    /// A used section is not covered by ICE credentials.
    #[error("a media section has no `a=ice-ufrag` and `a=ice-pwd` (RFC 8839); never remove them")]
    NoIce,
    /// A user fragment, password or mid with characters it may not have.
    #[error(
        "line {line} of the session description holds a malformed ICE credential, fingerprint or mid; send it unchanged"
    )]
    Malformed {
        /// Which, from 1.
        line: usize,
    },
}

#[derive(Default, Clone, Copy)]
struct Seen {
    fingerprint: bool,
    ufrag: bool,
    pwd: bool,
    unused: bool,
}

/// Checks a session description of the far side.
///
/// # Errors
/// [`SdpError`]; a client gives this dial up, a server answers `error{protocol_error}`.
pub fn check_sdp(sdp: &str) -> Result<SdpFacts, SdpError> {
    if sdp.is_empty() {
        return Err(SdpError::Empty);
    }
    if sdp.len() > limits::SDP_BYTES {
        return Err(SdpError::TooLarge { len: sdp.len(), limit: limits::SDP_BYTES });
    }
    let mut facts = SdpFacts { ufrags: Vec::new(), sections: 0, mids: Vec::new(), candidates: 0 };
    let (mut session, mut section) = (Seen::default(), None::<Seen>);
    // `lines` takes both line ends; a bare CR stays inside its line and is refused as a control.
    for (index, text) in sdp.lines().enumerate() {
        let line = index + 1;
        if line > limits::SDP_LINES || text.len() > limits::SDP_LINE_BYTES {
            return Err(SdpError::Line { line });
        }
        let (kind, value) = text.split_once('=').ok_or(SdpError::NotSdp { line })?;
        let is_kind = kind.len() == 1 && kind.bytes().all(|b| b.is_ascii_lowercase());
        if !is_kind || value.chars().any(|c| c.is_control() && c != '\t') {
            return Err(SdpError::NotSdp { line });
        }
        if line == 1 && text != "v=0" {
            return Err(SdpError::NoVersion);
        }
        if kind == "m" {
            close_section(section, session)?;
            facts.sections += 1;
            if facts.sections > limits::SDP_SECTIONS {
                return Err(SdpError::TooManySections { limit: limits::SDP_SECTIONS });
            }
            let unused = value.split(' ').nth(1) == Some("0");
            section = Some(Seen { unused, ..Seen::default() });
        } else if kind == "a" {
            let seen = section.as_mut().unwrap_or(&mut session);
            attribute(value, seen, &mut facts).ok_or(SdpError::Malformed { line })?;
        }
    }
    close_section(section, session)?;
    if facts.sections == 0 {
        return Err(SdpError::NoSection);
    }
    Ok(facts)
}

fn attribute(value: &str, seen: &mut Seen, facts: &mut SdpFacts) -> Option<()> {
    let (name, value) = value.split_once(':').unwrap_or((value, ""));
    match name {
        "ice-ufrag" => {
            is_ice_text(value, 4).then_some(())?;
            seen.ufrag = true;
            if !facts.ufrags.iter().any(|known| known == value) {
                facts.ufrags.push(value.to_owned());
            }
        }
        "ice-pwd" => {
            is_ice_text(value, 22).then_some(())?;
            seen.pwd = true;
        }
        "fingerprint" => {
            let (hash, digits) = value.split_once(' ')?;
            let is_pair = |pair: &str| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit());
            (!hash.is_empty() && digits.trim_end().split(':').all(is_pair)).then_some(())?;
            seen.fingerprint = true;
        }
        "mid" => {
            (is_visible(value) && value.len() <= limits::ID_BYTES).then_some(())?;
            facts.mids.push(value.to_owned());
        }
        // A rejected section of a bundle keeps port 0 and is live all the same (RFC 9143).
        "bundle-only" => seen.unused = false,
        "candidate" => facts.candidates += 1,
        _ => {}
    }
    Some(())
}

fn close_section(section: Option<Seen>, session: Seen) -> Result<(), SdpError> {
    let Some(section) = section.filter(|section| !section.unused) else {
        return Ok(());
    };
    if !section.fingerprint && !session.fingerprint {
        return Err(SdpError::NoFingerprint);
    }
    if !(section.ufrag || session.ufrag) || !(section.pwd || session.pwd) {
        return Err(SdpError::NoIce);
    }
    Ok(())
}

fn is_ice_text(text: &str, least: usize) -> bool {
    (least..=256).contains(&text.len()) && text.chars().all(|c| limits::Charset::IceChars.allows(c))
}

fn is_visible(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())
}

/// How a candidate was found (RFC 8839 section 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CandidateKind {
    /// An interface of the machine.
    Host,
    /// Seen by a STUN server.
    ServerReflexive,
    /// Seen by the peer.
    PeerReflexive,
    /// On a TURN server.
    Relay,
}

/// Where a candidate points.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CandidateAddress {
    /// An address.
    Ip(IpAddr),
    /// A name of multicast DNS, as browsers hide host addresses (S13). Nothing else is resolved.
    Mdns(String),
}

/// A candidate, as far as policy needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CandidateFacts {
    /// Where.
    pub address: CandidateAddress,
    /// Which port.
    pub port: u16,
    /// Over TCP?
    pub tcp: bool,
    /// How it was found.
    pub kind: CandidateKind,
}

/// Why a candidate is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CandidateError {
    /// Nothing in it (G10). Some stacks send an empty one at the end; `end_of_candidates` is meant for that.
    #[error("the candidate is empty; say `end_of_candidates` instead")]
    Empty,
    /// Longer than [`limits::CANDIDATE_BYTES`].
    #[error("the candidate has {len} bytes, {limit} are allowed; send it unchanged")]
    TooLong {
        /// Its size, in bytes.
        len: usize,
        /// Most bytes allowed.
        limit: usize,
    },
    /// Not of the form of RFC 8839.
    #[error("the candidate is not of the form of RFC 8839; send it unchanged")]
    Malformed,
    /// A transport that is neither UDP nor TCP.
    #[error("the candidate's transport is neither UDP nor TCP; leave it out")]
    Transport,
    /// A name that is not of multicast DNS.
    #[error("the candidate names a host; only addresses and `.local` names are taken")]
    Name,
    /// An address that is not allowed.
    #[error(transparent)]
    Address(#[from] AddressRefused),
    /// There are [`limits::CANDIDATES_PER_UFRAG`] of this ufrag already.
    #[error("there are {limit} candidates of this ufrag already; the rest are ignored")]
    TooMany {
        /// Most allowed.
        limit: usize,
    },
}

/// Reads a candidate line (with `candidate:` or `a=candidate:` in front, or bare) and judges its address.
///
/// # Errors
/// [`CandidateError`]; ignore this candidate, count it, and use the others.
pub fn check_candidate(line: &str, policy: AddressPolicy) -> Result<CandidateFacts, CandidateError> {
    if line.len() > limits::CANDIDATE_BYTES {
        return Err(CandidateError::TooLong { len: line.len(), limit: limits::CANDIDATE_BYTES });
    }
    if line.chars().any(char::is_control) {
        return Err(CandidateError::Malformed);
    }
    let line = line.strip_prefix("a=").unwrap_or(line);
    let line = line.strip_prefix("candidate:").unwrap_or(line);
    if line.trim().is_empty() {
        return Err(CandidateError::Empty);
    }
    let mut words = line.split_ascii_whitespace();
    let mut word = || words.next().ok_or(CandidateError::Malformed);
    let (foundation, component, transport, priority) = (word()?, word()?, word()?, word()?);
    let (address, port, typ, kind) = (word()?, word()?, word()?, word()?);
    let numbers = component.parse::<u16>().is_ok() && priority.parse::<u32>().is_ok();
    if foundation.len() > 32 || !numbers || typ != "typ" {
        return Err(CandidateError::Malformed);
    }
    let tcp = match transport.to_ascii_lowercase().as_str() {
        "udp" => false,
        "tcp" => true,
        _ => return Err(CandidateError::Transport),
    };
    let kind = match kind {
        "host" => CandidateKind::Host,
        "srflx" => CandidateKind::ServerReflexive,
        "prflx" => CandidateKind::PeerReflexive,
        "relay" => CandidateKind::Relay,
        _ => return Err(CandidateError::Malformed),
    };
    let port: u16 = port.parse().map_err(|_| CandidateError::Malformed)?;
    let address = match address.parse::<IpAddr>() {
        Ok(ip) => {
            policy.check(ip)?;
            CandidateAddress::Ip(ip)
        }
        Err(_) => CandidateAddress::Mdns(mdns_name(address).ok_or(CandidateError::Name)?),
    };
    Ok(CandidateFacts { address, port, tcp, kind })
}

fn mdns_name(name: &str) -> Option<String> {
    let label = name.strip_suffix(".local")?;
    let fits = (1..=63).contains(&label.len());
    (fits && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')).then(|| name.to_ascii_lowercase())
}

/// What became of a trickled candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trickled {
    /// Hand it to the stack now.
    Use(crate::Candidate),
    /// Its ufrag is not described yet: kept until it is.
    Held,
    /// Of an older ufrag, or one too many: counted and ignored.
    Dropped,
}

/// Sorts trickled candidates by ufrag: those of the present description are used, at most
/// [`limits::CANDIDATES_PER_UFRAG`] of them (S20); those of a future one are held, at most
/// [`limits::CANDIDATES_HELD`]; those of a past one are dropped. Pure bookkeeping, no deadline.
#[derive(Debug, Clone, Default)]
pub struct CandidateGate {
    current: Option<String>,
    used: usize,
    past: VecDeque<String>,
    held: Vec<crate::Candidate>,
    dropped: u64,
}

impl CandidateGate {
    /// How many were dropped so far.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// A remote description was applied: its ufrag is the present one, `inline` of its candidates
    /// are counted. Gives back the candidates that waited for it.
    pub fn described(&mut self, ufrag: &str, inline: usize) -> Vec<crate::Candidate> {
        if self.current.as_deref() != Some(ufrag) {
            if let Some(old) = self.current.replace(ufrag.to_owned()) {
                if self.past.len() == limits::CANDIDATES_HELD {
                    self.past.pop_front();
                }
                self.past.push_back(old);
            }
            self.used = inline.min(limits::CANDIDATES_PER_UFRAG);
        }
        let (ours, later) = std::mem::take(&mut self.held).into_iter().partition(|c| c.ufrag == ufrag);
        self.held = later;
        let ours: Vec<crate::Candidate> = ours;
        let usable = |candidate| match self.take(candidate) {
            Trickled::Use(candidate) => Some(candidate),
            Trickled::Held | Trickled::Dropped => None,
        };
        ours.into_iter().filter_map(usable).collect()
    }

    /// A candidate came in.
    pub fn take(&mut self, candidate: crate::Candidate) -> Trickled {
        if self.current.as_deref() == Some(candidate.ufrag.as_str()) {
            if self.used < limits::CANDIDATES_PER_UFRAG {
                self.used += 1;
                return Trickled::Use(candidate);
            }
        } else if !self.past.contains(&candidate.ufrag) && self.held.len() < limits::CANDIDATES_HELD {
            self.held.push(candidate);
            return Trickled::Held;
        }
        self.dropped += 1;
        Trickled::Dropped
    }
}
