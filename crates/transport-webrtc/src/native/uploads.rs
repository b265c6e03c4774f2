//! Images the far side asked for: in chunks, a few at a time, so that nothing else waits
//! behind them for long.

use super::driver::{Driver, Flow};
use super::lane::Lane;
use super::translate::hex;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use offhook_signaling::limits::{CHUNK_BYTES, CHUNKS_IN_FLIGHT_BYTES};
use offhook_signaling::{FromClient, ImageChunk};
use offhook_transport::{Event, Image, RefusalItem, Revision, Verdict};

/// What the user is told who named an image by a hash that the far side does not know.
const NOT_KEPT: &str = "the far side does not keep an image of this hash; set it by its bytes";

/// The upload under way; a newer image takes its place.
#[derive(Default)]
pub(super) struct Uploads {
    now: Option<Upload>,
    /// The revision that the newest image came with.
    pub(super) revision: Revision,
}

struct Upload {
    sha256: String,
    image: Image,
    sent: usize,
    received: usize,
}

impl Driver {
    pub(super) fn need_image(&mut self, lane: &Lane, sha256: &str) -> Flow {
        let image = lane.state().image.clone().filter(|image| hex(&image.sha256) == sha256);
        let Some(image) = image else {
            tracing::debug!("the far side asks for an image that is wanted no more");
            return Flow::On;
        };
        if image.bytes.is_empty() {
            let verdict = Verdict::Refused { item: RefusalItem::Image, text: NOT_KEPT.to_owned() };
            self.out.say(Event::Acked { revision: self.uploads.revision, verdict });
            return Flow::On;
        }
        if self.uploads.now.as_ref().is_some_and(|upload| upload.sha256 == sha256) {
            // Asked twice: for what was replayed, and for what was on its way.
            return Flow::On;
        }
        self.uploads.now = Some(Upload { sha256: sha256.to_owned(), image, sent: 0, received: 0 });
        self.upload()
    }

    pub(super) fn chunk_acked(&mut self, sha256: &str, received: u64) -> Flow {
        let Some(upload) = self.uploads.now.as_mut().filter(|upload| upload.sha256 == sha256) else {
            return Flow::On;
        };
        let total = upload.image.bytes.len();
        let received = usize::try_from(received).unwrap_or(usize::MAX).min(total);
        if received > upload.received {
            upload.received = received;
            // What an earlier link brought there is not sent again.
            upload.sent = upload.sent.max(received);
            let verdict = Verdict::Progress { received: received as u64, total: total as u64 };
            self.out.say(Event::Acked { revision: self.uploads.revision, verdict });
        }
        self.upload()
    }

    /// Another image is wanted from here on, or none: what is left of the one before is not sent.
    pub(super) fn image_wanted(&mut self, image: Option<&Image>) {
        let wanted = image.map(|image| hex(&image.sha256));
        if self.uploads.now.as_ref().is_some_and(|upload| Some(&upload.sha256) != wanted.as_ref()) {
            self.uploads.now = None;
        }
    }

    fn upload(&mut self) -> Flow {
        loop {
            let Some(upload) = &mut self.uploads.now else { return Flow::On };
            let total = upload.image.bytes.len();
            if upload.received == total {
                self.uploads.now = None;
                return Flow::On;
            }
            let end = (upload.sent + CHUNK_BYTES).min(total);
            if upload.sent == total || end - upload.received > CHUNKS_IN_FLIGHT_BYTES {
                return Flow::On;
            }
            let chunk = ImageChunk {
                sha256: upload.sha256.clone(),
                offset: upload.sent as u64,
                total: total as u64,
                bytes: STANDARD.encode(&upload.image.bytes[upload.sent..end]),
            };
            let is_whole = end - upload.sent == CHUNK_BYTES;
            upload.sent = end;
            if self.send(&FromClient::ImageChunk(chunk)) == Flow::Over {
                return Flow::Over;
            }
            if is_whole {
                self.budget.was_piece();
            }
        }
    }
}
