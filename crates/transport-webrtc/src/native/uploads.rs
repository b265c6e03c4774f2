//! Images the far side asked for: in chunks, a few at a time, so that nothing else waits
//! behind them for long.

use super::driver::{Driver, Flow};
use super::lane::Lane;
use super::translate::hex;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use offhook_signaling::limits::{CHUNK_BYTES, CHUNKS_IN_FLIGHT_BYTES};
use offhook_signaling::{FromClient, ImageChunk};
use offhook_transport::{Event, Image, Revision, Verdict};

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
        self.uploads.now = Some(Upload { sha256: sha256.to_owned(), image, sent: 0, received: 0 });
        self.upload()
    }

    pub(super) fn chunk_acked(&mut self, sha256: &str, received: u64) -> Flow {
        let Some(upload) = self.uploads.now.as_mut().filter(|upload| upload.sha256 == sha256) else {
            return Flow::On;
        };
        let received = usize::try_from(received).unwrap_or(usize::MAX).min(upload.sent);
        if received > upload.received {
            upload.received = received;
            let revision = self.uploads.revision;
            self.out.say(Event::Acked { revision, verdict: Verdict::Progress });
        }
        self.upload()
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
            upload.sent = end;
            if self.send(&FromClient::ImageChunk(chunk)) == Flow::Over {
                return Flow::Over;
            }
        }
    }
}
