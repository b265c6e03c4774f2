//! The far side's candidates: read, bounded, sorted by generation, sent through the map.
//!
//! What the engine gets is only what was understood here. A candidate whose generation is
//! not known yet is held; one of a past generation is dropped (RFC 8838 §7).

use super::{PeerError, UdpMap};
use std::collections::{HashSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Candidates of a generation yet to come that are held.
const MAX_HELD: usize = 64;
/// Past generations that are remembered.
const MAX_PAST: usize = 32;
/// The longest candidate that is looked at.
const MAX_CANDIDATE: usize = 512;

/// A candidate from the far side.
#[derive(Clone, PartialEq, Eq)]
pub struct RemoteCandidate {
    /// The attribute's value, `candidate:…`; empty is the end of candidates.
    pub candidate: String,
    /// The section, if it was said.
    pub mid: Option<String>,
    /// The generation, if it was said; else the present one is meant.
    pub ufrag: Option<String>,
}

impl std::fmt::Debug for RemoteCandidate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemoteCandidate").field("mid", &self.mid).finish_non_exhaustive()
    }
}

/// What became of candidates that were not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct CandidateCounts {
    /// Given to the engine.
    pub used: u64,
    /// Beyond the limit of their generation.
    pub over_limit: u64,
    /// Of a past generation, or too many of a coming one.
    pub out_of_turn: u64,
    /// Of a kind that is not used here: TCP, names, or kept out by the map.
    pub unusable: u64,
}

/// What to do with one candidate.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// Give this to the engine.
    Use(String),
    /// Nothing now; it is held or counted.
    Nothing,
}

pub(super) struct RemoteCandidates {
    limit: usize,
    map: Option<Arc<dyn UdpMap>>,
    current: Option<String>,
    used: HashSet<String>,
    past: VecDeque<String>,
    held: VecDeque<RemoteCandidate>,
    counts: CandidateCounts,
}

impl RemoteCandidates {
    pub(super) fn new(limit: usize, map: Option<Arc<dyn UdpMap>>) -> Self {
        Self {
            limit,
            map,
            current: None,
            used: HashSet::new(),
            past: VecDeque::new(),
            held: VecDeque::new(),
            counts: CandidateCounts::default(),
        }
    }

    pub(super) fn counts(&self) -> CandidateCounts {
        self.counts
    }

    /// A description of this generation came into force. Gives what was held for it.
    pub(super) fn enter(&mut self, ufrag: &str) -> Vec<String> {
        if self.current.as_deref() != Some(ufrag) {
            if let Some(old) = self.current.replace(ufrag.to_owned()) {
                self.past.push_back(old);
                if self.past.len() > MAX_PAST {
                    self.past.pop_front();
                }
            }
            self.used.clear();
        }
        let mut ready = Vec::new();
        for candidate in std::mem::take(&mut self.held) {
            if candidate.ufrag.as_deref() == Some(ufrag) || candidate.ufrag.is_none() {
                if let Ok(Taken::Use(text)) = self.of_current(&candidate.candidate) {
                    ready.push(text);
                }
            } else {
                self.held.push_back(candidate);
            }
        }
        ready
    }

    /// One trickled candidate.
    pub(super) fn take(&mut self, candidate: RemoteCandidate) -> Result<Taken, PeerError> {
        if candidate.candidate.len() > MAX_CANDIDATE {
            return Err(PeerError::BadCandidate("it is too long"));
        }
        if candidate.candidate.is_empty() {
            return Ok(Taken::Nothing);
        }
        let turn = match (&candidate.ufrag, &self.current) {
            (_, None) => Turn::Coming,
            (None, Some(_)) => Turn::Current,
            (Some(its), Some(current)) if its == current => Turn::Current,
            (Some(its), Some(_)) if self.past.contains(its) => Turn::Past,
            (Some(_), Some(_)) => Turn::Coming,
        };
        match turn {
            Turn::Current => self.of_current(&candidate.candidate),
            Turn::Coming if self.held.len() < MAX_HELD => {
                self.held.push_back(candidate);
                Ok(Taken::Nothing)
            }
            Turn::Coming | Turn::Past => {
                self.counts.out_of_turn += 1;
                Ok(Taken::Nothing)
            }
        }
    }

    /// One candidate of the present generation, from a description or trickled.
    pub(super) fn of_current(&mut self, text: &str) -> Result<Taken, PeerError> {
        let Some(parsed) = Parsed::read(text)? else {
            self.counts.unusable += 1;
            return Ok(Taken::Nothing);
        };
        let target = match &self.map {
            None => Some(parsed.address),
            Some(map) => map.remote(parsed.address),
        };
        let Some(target) = target.filter(usable_target) else {
            self.counts.unusable += 1;
            return Ok(Taken::Nothing);
        };
        let text = parsed.with_address(target);
        if self.used.contains(&text) {
            return Ok(Taken::Nothing);
        }
        if self.used.len() >= self.limit {
            self.counts.over_limit += 1;
            return Ok(Taken::Nothing);
        }
        self.used.insert(text.clone());
        self.counts.used += 1;
        Ok(Taken::Use(text))
    }
}

enum Turn {
    Current,
    Past,
    Coming,
}

/// Nothing good is ever found at these.
fn usable_target(address: &SocketAddr) -> bool {
    let multicast = match address.ip() {
        IpAddr::V4(ip) => ip.is_multicast() || ip.is_broadcast(),
        IpAddr::V6(ip) => ip.is_multicast(),
    };
    address.port() != 0 && !address.ip().is_unspecified() && !multicast
}

/// The words of a candidate line, with its address understood.
#[derive(Debug)]
pub(super) struct Parsed<'a> {
    words: Vec<&'a str>,
    pub(super) address: SocketAddr,
}

impl<'a> Parsed<'a> {
    /// `None` for one that is well formed but of no use here.
    pub(super) fn read(text: &'a str) -> Result<Option<Self>, PeerError> {
        let value = text.trim().strip_prefix("candidate:").unwrap_or(text.trim());
        let words: Vec<&str> = value.split_ascii_whitespace().collect();
        let [foundation, component, protocol, priority, host, port, "typ", kind, ..] = words.as_slice()
        else {
            return Err(PeerError::BadCandidate("it is too short"));
        };
        if foundation.len() > 32 || priority.parse::<u32>().is_err() {
            return Err(PeerError::BadCandidate("its foundation or priority is not one"));
        }
        if !matches!(*kind, "host" | "srflx" | "prflx" | "relay") {
            return Err(PeerError::BadCandidate("its type is not known"));
        }
        let Ok(port) = port.parse::<u16>() else {
            return Err(PeerError::BadCandidate("its port is not one"));
        };
        // TCP candidates would make us connect wherever the far side says; `.local` names
        // need no lookup, since the far side's own checks show where it is.
        if !protocol.eq_ignore_ascii_case("udp") || *component != "1" {
            return Ok(None);
        }
        let Ok(ip) = host.parse::<IpAddr>() else { return Ok(None) };
        let address = SocketAddr::new(ip, port);
        Ok(Some(Self { words, address }))
    }

    /// The candidate with another address.
    pub(super) fn with_address(&self, address: SocketAddr) -> String {
        let (ip, port) = (address.ip().to_string(), address.port().to_string());
        let mut text = String::from("candidate:");
        for (place, word) in self.words.iter().enumerate() {
            if place > 0 {
                text.push(' ');
            }
            text.push_str(match place {
                4 => &ip,
                5 => &port,
                _ => word,
            });
        }
        text
    }
}

#[cfg(test)]
mod tests;
