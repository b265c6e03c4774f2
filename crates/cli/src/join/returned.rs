//! What comes back: its pictures shown and the newest of them kept, its sound played. That is what the
//! far side makes itself, of a studio or a persona, and in a room what the others publish: of each
//! kind one track at a time, the first there is, and when that ends the next one.

use super::JoinError;
use crate::devices::{Screen, Speaker};
use offhook::transport::media::Kind;
use offhook::{Event, Joined, Session, TrackId};
use offhook_media::{DecodedFrames, I420};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Where it goes.
pub(super) struct Returned {
    speaker: Option<Speaker>,
    screen: Option<Arc<Screen>>,
    last: watch::Sender<Option<I420>>,
    seen: Option<(TrackId, JoinHandle<()>)>,
    heard: Option<TrackId>,
}

impl Returned {
    pub(super) fn new(speaker: Option<Speaker>, screen: Option<Screen>) -> Self {
        let screen = screen.map(Arc::new);
        Self { speaker, screen, last: watch::Sender::new(None), seen: None, heard: None }
    }

    /// From here on the far side's own picture and sound are taken, and what others publish already.
    pub(super) async fn begin(&mut self, session: &Session<Joined>) -> Result<(), JoinError> {
        if let Ok(video) = session.remote_video().await {
            // It ends with the session.
            drop(self.look(video.decoded()));
        }
        if let (Some(speaker), Ok(sound)) = (&mut self.speaker, session.remote_audio().await) {
            speaker.play(sound)?;
        }
        self.follow(session)
    }

    /// Takes what others publish as they begin and cease to.
    pub(super) fn hear(&mut self, session: &Session<Joined>, event: &Event) -> Result<(), JoinError> {
        match event {
            Event::TrackRemoved(track) => {
                if let Some((_, looking)) = self.seen.take_if(|(seen, _)| *seen == track.id) {
                    looking.abort();
                }
                self.heard.take_if(|heard| *heard == track.id);
                self.follow(session)
            }
            Event::TrackAdded(_) => self.follow(session),
            _ => Ok(()),
        }
    }

    /// Of each kind of which nobody's track is taken, the first there is.
    fn follow(&mut self, session: &Session<Joined>) -> Result<(), JoinError> {
        for track in session.remote_tracks() {
            match track.kind {
                Kind::Video if self.seen.is_none() => {
                    let Ok(handle) = session.track(&track.id) else { continue };
                    self.seen = Some((track.id, self.look(handle.decoded())));
                }
                Kind::Audio if self.heard.is_none() => {
                    let Some(speaker) = &mut self.speaker else { continue };
                    let Ok(handle) = session.track(&track.id) else { continue };
                    speaker.play(handle.into_track())?;
                    self.heard = Some(track.id);
                }
                Kind::Video | Kind::Audio => {}
            }
        }
        Ok(())
    }

    /// Shows each picture of a track, and keeps the newest.
    fn look(&self, mut frames: DecodedFrames) -> JoinHandle<()> {
        let (screen, last) = (self.screen.clone(), self.last.clone());
        tokio::spawn(async move {
            while let Some(frame) = frames.next().await {
                if let Some(screen) = &screen {
                    screen.show(&frame.picture);
                }
                last.send_replace(Some(frame.picture));
            }
        })
    }

    /// Writes the newest picture into a file.
    pub(super) fn keep(&self, path: &Path) -> Result<(), JoinError> {
        let last = self.last.borrow();
        let picture = last.as_ref().ok_or_else(|| JoinError::NoPicture { path: path.to_owned() })?;
        Ok(picture.write_png(path)?)
    }
}

#[cfg(test)]
mod tests;
