//! Where the packets of one member's connection go: each section's to the track that is published on
//! it. Called for every packet that comes in.

use super::Track;
use offhook_transport_webrtc::peer::RtpPacket;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The tracks of one connection, by section, with its turn at each.
#[derive(Default)]
pub(crate) struct Ingest(RwLock<HashMap<String, (Arc<Track>, u64)>>);

impl Ingest {
    pub(crate) fn packet(&self, mid: &str, packet: &RtpPacket) {
        let tracks = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((track, turn)) = tracks.get(mid) {
            track.forward(*turn, packet);
        }
    }

    /// From here on these, and no others.
    pub(crate) fn replace(&self, tracks: HashMap<String, (Arc<Track>, u64)>) -> Vec<(Arc<Track>, u64)> {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *known, tracks).into_values().collect()
    }

    /// Is it this track, by its publisher's name, that comes on the section?
    pub(crate) fn carries(&self, mid: &str, label: &str) -> bool {
        let tracks = self.0.read().unwrap_or_else(PoisonError::into_inner);
        tracks.get(mid).is_some_and(|(track, _)| track.label == label)
    }

    /// All of them.
    pub(crate) fn tracks(&self) -> Vec<(Arc<Track>, u64)> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}
