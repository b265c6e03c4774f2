//! The few things this room reads out of a session description by itself: generation,
//! candidates, sections. The rest is the engine's. Text in, text out; no panics on input.

use super::PeerError;
use offhook_transport::media::{Codec, Kind};

/// The longest description that is looked at.
pub(super) const MAX_SDP: usize = 48 * 1024;
/// The most sections that are taken.
const MAX_SECTIONS: usize = 64;

/// One section as both sides agreed on it, seen from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its name.
    pub mid: String,
    /// Audio or video.
    pub kind: Kind,
    /// May we send on it?
    pub sends: bool,
    /// May the far side?
    pub receives: bool,
    /// The codecs on it that this library speaks, best first.
    pub codecs: Vec<Codec>,
}

/// Refuses what is not worth the engine's time, and what the engine would take for good.
pub(super) fn check(sdp: &str, answer: bool) -> Result<(), PeerError> {
    let bad = |why: &str| Err(PeerError::BadDescription(why.to_owned()));
    if sdp.is_empty() {
        return bad("it is empty");
    }
    if sdp.len() > MAX_SDP {
        return bad("it is too long");
    }
    if !sdp.starts_with("v=0") {
        return bad("it does not begin with a version");
    }
    if lines(sdp).filter(|line| line.starts_with("m=")).count() > MAX_SECTIONS {
        return bad("it has too many sections");
    }
    if ufrag(sdp).is_none() {
        return bad("it names no ICE generation");
    }
    let mut fingerprints = lines(sdp).filter_map(|line| line.strip_prefix("a=fingerprint:")).peekable();
    if fingerprints.peek().is_none() {
        return bad("it names no fingerprint");
    }
    if !fingerprints.all(is_fingerprint) {
        return bad("its fingerprint is not one of SHA-2");
    }
    // An answerer has chosen (RFC 5763 §5); this is most likely an offer that came back.
    if answer && lines(sdp).any(|line| line == "a=setup:actpass") {
        return bad("it chooses no DTLS role");
    }
    Ok(())
}

/// A digest of a hash that is trusted, in full length (RFC 8122 §5).
fn is_fingerprint(value: &str) -> bool {
    let Some((hash, digest)) = value.trim().split_once(' ') else { return false };
    let bytes = match hash.to_ascii_lowercase().as_str() {
        "sha-256" => 32,
        "sha-384" => 48,
        "sha-512" => 64,
        _ => return false,
    };
    let mut pairs = 0;
    let hex = digest.trim().split(':').all(|pair| {
        pairs += 1;
        pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    hex && pairs == bytes
}

/// The generation: the first `ice-ufrag`.
pub(super) fn ufrag(sdp: &str) -> Option<&str> {
    lines(sdp).find_map(|line| line.strip_prefix("a=ice-ufrag:")).map(str::trim).filter(|u| !u.is_empty())
}

/// The mid of the first section, which carries the bundle.
pub(super) fn first_mid(sdp: &str) -> Option<&str> {
    lines(sdp).find_map(|line| line.strip_prefix("a=mid:")).map(str::trim)
}

/// Passes each `a=candidate:` through `keep`, which may change it or drop it. The value given
/// and taken is `candidate:…`, as in a trickled one.
pub(super) fn filter_candidates(sdp: &str, mut keep: impl FnMut(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(sdp.len());
    for line in lines(sdp) {
        match line.strip_prefix("a=").filter(|value| value.starts_with("candidate:")) {
            Some(value) => {
                if let Some(value) = keep(value) {
                    out.push_str("a=");
                    out.push_str(&value);
                    out.push_str("\r\n");
                }
            }
            None => {
                out.push_str(line);
                out.push_str("\r\n");
            }
        }
    }
    out
}

/// The media sections of a description of our own.
pub(crate) fn sections(local: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut open = false;
    for line in lines(local) {
        if let Some(media) = line.strip_prefix("m=") {
            let mut words = media.split_ascii_whitespace();
            let kind = match words.next() {
                Some("audio") => Some(Kind::Audio),
                Some("video") => Some(Kind::Video),
                _ => None,
            };
            // Port 0 is a refused section (RFC 8829 §5.3.1).
            let refused = words.next() == Some("0");
            open = false;
            if let Some(kind) = kind.filter(|_| !refused) {
                open = true;
                sections.push(Section {
                    mid: String::new(),
                    kind,
                    sends: true,
                    receives: true,
                    codecs: Vec::new(),
                });
            }
            continue;
        }
        let Some(section) = sections.last_mut().filter(|_| open) else { continue };
        match line {
            "a=sendrecv" => (section.sends, section.receives) = (true, true),
            "a=sendonly" => (section.sends, section.receives) = (true, false),
            "a=recvonly" => (section.sends, section.receives) = (false, true),
            "a=inactive" => (section.sends, section.receives) = (false, false),
            _ => {
                if let Some(mid) = line.strip_prefix("a=mid:") {
                    section.mid = mid.trim().to_owned();
                } else if let Some(codec) = line.strip_prefix("a=rtpmap:").and_then(rtpmap_codec)
                    && !section.codecs.contains(&codec)
                {
                    section.codecs.push(codec);
                }
            }
        }
    }
    sections.retain(|section| !section.mid.is_empty());
    sections
}

fn rtpmap_codec(rtpmap: &str) -> Option<Codec> {
    let (_, name) = rtpmap.split_once(' ')?;
    codec_of_mime(name.split('/').next()?)
}

/// By the encoding's name, with or without `video/` before it.
pub(super) fn codec_of_mime(mime: &str) -> Option<Codec> {
    let name = mime.rsplit('/').next()?;
    [("H264", Codec::H264), ("VP8", Codec::Vp8), ("opus", Codec::Opus)]
        .into_iter()
        .find_map(|(known, codec)| known.eq_ignore_ascii_case(name).then_some(codec))
}

fn lines(sdp: &str) -> impl Iterator<Item = &str> {
    sdp.lines().map(str::trim_end).filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests;
