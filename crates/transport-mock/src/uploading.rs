//! An image on its way to a far side that behaves by itself: a piece at a time, each an answer's
//! time, and between them whatever else is said.

use crate::link::{Happening, LinkId, Upload};
use crate::world::Inner;
use offhook_transport::{Event, Verdict};
use std::time::Duration;
use tokio::time::Instant;

/// Bytes of a piece.
const PIECE: usize = 16 * 1024;

impl Inner {
    /// Another piece has arrived; what the client is told of it. The state takes effect an answer's
    /// time after the last one.
    pub(crate) fn piece(&mut self, id: LinkId, upload: Upload, now: Instant) -> Option<Event> {
        let link = self.links.get_mut(&id).filter(|link| link.signaling)?;
        let studio = self.studio.as_mut()?;
        let Some(Some(image)) = &upload.desired.image else { return None };
        let total = image.bytes.len();
        if upload.received >= total {
            let plan = studio.arrived(link.seen.instance, image.sha256, &upload);
            self.carry_out(id, plan);
            return None;
        }
        let received = (upload.received + PIECE).min(total);
        let verdict = Verdict::Progress { received: received as u64, total: total as u64 };
        let revision = upload.revision;
        // The last receipt and the answer are said together.
        let after = if received == total { Duration::ZERO } else { studio.pace() };
        link.plan(now + after, Happening::Piece(Box::new(Upload { received, ..upload })));
        Some(Event::Acked { revision, verdict })
    }
}
