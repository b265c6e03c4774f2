//! The clip as a source that says which of its pictures it gave, and when: so a picture that
//! comes back can be traced to the moment before it was sent.

use crate::chaos::record::{Record, Sent};
use crate::trial::log::Log;
use offhook::transport::media::Codec;
use offhook::{Clip, Source};
use offhook_media::{Next, SourceError};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

pub(super) struct Camera {
    clip: Clip,
    /// Which picture has its bytes at which address: frames share the clip's bytes.
    places: HashMap<usize, usize>,
    log: Arc<Log>,
    record: Arc<Record>,
}

impl Camera {
    pub(super) fn new(clip: Clip, log: Arc<Log>, record: Arc<Record>) -> Self {
        let places =
            clip.frames().enumerate().map(|(place, frame)| (frame.data.as_ptr() as usize, place)).collect();
        Self { clip, places, log, record }
    }
}

impl Source for Camera {
    fn codec(&self) -> Codec {
        self.clip.codec()
    }

    fn next_due(&self) -> Duration {
        self.clip.next_due()
    }

    fn next_frame(&mut self, key: bool) -> Result<Next, SourceError> {
        let next = self.clip.next_frame(key)?;
        if let Next::Frame(frame) = &next
            && let Some(picture) = self.places.get(&(frame.data.as_ptr() as usize)).copied()
        {
            let at = self.log.now();
            self.record.note(|seen| seen.sent.push(Sent { at, picture }));
        }
        Ok(next)
    }
}
