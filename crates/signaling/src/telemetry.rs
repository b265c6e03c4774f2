//! What a client tells the server's owner of how its session went. Nobody acts on it; which words
//! stand in it is the client's affair, and none of them is a user's.

use crate::codes::{Happened, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One batch. Sent where the feature `telemetry` is granted, about every ten seconds and right before
/// `goodbye`; never answered, and not sent again where it is lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Telemetry {
    /// The number of this batch in its session, from 1.
    pub batch: u64,
    /// The last one: a goodbye follows.
    #[serde(default)]
    pub last: bool,
    /// Entries that had no room in this batch.
    #[serde(default)]
    pub left_out: u64,
    /// What happened, oldest first.
    pub entries: Vec<TelemetryEntry>,
}

/// One thing that happened. Which of the optional members are there is said on `kind`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TelemetryEntry {
    /// When, in milliseconds since the session was made on the client.
    pub at_ms: u64,
    /// What it is about.
    pub kind: Happened,
    /// The name of a state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The plan of a dial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// How far a dial came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
    /// `signaling` or `media`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plane: Option<String>,
    /// The code of a fault or an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
    /// The longest stretch of it without media.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_interrupted_ms: Option<u64>,
    /// Did the new link carry?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<bool>,
    /// What was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistics: Option<Statistics>,
}

/// A link as measured until then, all streams together, in the words of W3C webrtc-stats. Counters
/// run from the beginning of the link. Times are in microseconds: milliseconds are too coarse for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Statistics {
    /// `currentRoundTripTime` of the selected pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_trip_us: Option<u64>,
    /// `bytesSent` of the transport.
    pub bytes_sent: u64,
    /// `bytesReceived` of the transport.
    pub bytes_received: u64,
    /// `packetsSent`.
    pub packets_sent: u64,
    /// `packetsReceived`.
    pub packets_received: u64,
    /// `packetsLost`; duplicates count against it.
    pub packets_lost: i64,
    /// The largest `jitter`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter_us: Option<u64>,
    /// `framesSent`.
    pub frames_sent: u64,
    /// `framesReceived`.
    pub frames_received: u64,
    /// `nackCount`.
    pub nack_count: u64,
    /// `pliCount`.
    pub pli_count: u64,
}
