//! What can go wrong in the peer room, by blame, each with its next step.

use offhook_transport::FaultKind;

/// Why a peer did not do what it was asked, or why it broke.
///
/// No variant carries an address, an SDP or a key: the text may be logged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PeerError {
    /// The local machine gave no socket, or the engine refused our own settings.
    #[error("no peer connection could be made here ({0}); check the bind addresses and the file limit")]
    Local(String),
    /// Media may go over TURN only, and no TURN server over UDP is known.
    #[error("media may go over TURN only, and no usable TURN server is known; name one, or let the far side")]
    NoRelay,
    /// The far side's offer or answer cannot be used.
    #[error("the far side's session description is not usable ({0}); ask it for a fresh one")]
    BadDescription(String),
    /// The far side's candidate cannot be read.
    #[error("the far side's candidate is not usable ({0}); leave it out")]
    BadCandidate(&'static str),
    /// A step of offer and answer came out of its order.
    #[error("this step is not due now: {0}")]
    OutOfOrder(&'static str),
    /// There is no such section, or nothing may be sent on it.
    #[error("nothing can be sent on section `{0}`; use a mid that `sections()` lists as sending")]
    NoSuchSection(String),
    /// The far side does not take the codec on this section.
    #[error("the far side does not take {codec} on section `{mid}`; publish another codec")]
    NoCommonCodec {
        /// The section.
        mid: String,
        /// What was to be sent.
        codec: &'static str,
    },
    /// The data channel is not open.
    #[error("the data channel is not open; wait for `PeerEvent::DataOpen`")]
    DataNotOpen,
    /// Too much is waiting to be sent, or the message is too long.
    #[error("the data channel takes at most {limit} bytes here; wait or send less")]
    DataTooMuch {
        /// The limit that was passed.
        limit: usize,
    },
    /// ICE came up but DTLS did not: a wrong fingerprint, or a far side that does not speak it.
    #[error(
        "DTLS failed: the far side did not prove the key named in its description; do not trust this path"
    )]
    Dtls,
    /// The engine stopped without being asked to.
    #[error("the peer connection's engine stopped; close this peer and open another")]
    EngineStopped,
    /// The peer was closed before.
    #[error("this peer is closed; open another")]
    Closed,
}

impl PeerError {
    /// The kind under which a transport reports it.
    pub const fn fault_kind(&self) -> FaultKind {
        match self {
            Self::Local(_) | Self::NoRelay | Self::EngineStopped | Self::Closed | Self::OutOfOrder(_) => {
                FaultKind::Local
            }
            Self::BadDescription(_)
            | Self::BadCandidate(_)
            | Self::NoSuchSection(_)
            | Self::NoCommonCodec { .. }
            | Self::DataNotOpen
            | Self::DataTooMuch { .. } => FaultKind::Protocol,
            Self::Dtls => FaultKind::Dtls,
        }
    }
}

/// The engine's words as far as they can be shown: its errors may quote their input, so
/// everything from the first figure or punctuation mark on is left out.
pub(super) fn shown(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let words = |c: &char| c.is_alphabetic() || matches!(c, ' ' | '-' | '\'');
    let shown: String = text.chars().take_while(words).take(80).collect();
    let shown = shown.trim();
    if shown.is_empty() { "the engine gave no plain reason".to_owned() } else { shown.to_owned() }
}

#[cfg(test)]
mod tests;
