//! Images of a member: a state that names one takes effect when its bytes are here and can be
//! shown, and not a part of it before (R14, F51). What is kept, and for how long, is `images.rs`.

use super::Actor;
use crate::images::Assembly;
use crate::studio::{Recipe, Reference};
use bytes::Bytes;
use offhook_signaling::{
    Acked, Desired, FromServer, ImageChunk, ImageChunkAck, Item, NeedImage, RefusalCode, Refused,
};
use offhook_transport::media::Kind;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// A state that waits for its image.
pub(super) struct Awaited {
    desired: Desired,
    /// The command that asked for it; none where a dial carried it.
    id: Option<u64>,
    /// The number of the director's newest prompt when its own was asked for.
    standing: u64,
    image: Arriving,
}

/// How far the image is.
enum Arriving {
    /// Its client is asked for it.
    Pieces(Assembly),
    /// It is all here and is being read.
    Reading(String),
}

impl Arriving {
    fn sha256(&self) -> &str {
        match self {
            Self::Pieces(assembly) => &assembly.sha256,
            Self::Reading(sha256) => sha256,
        }
    }
}

/// A file that was read.
pub(super) struct Prepared {
    sha256: String,
    file: Bytes,
    read: Result<Reference, String>,
}

/// The file that is being read.
pub(super) type Preparing = Option<JoinHandle<Prepared>>;

/// The next file that was read; pending for ever where none is.
///
/// # Cancel safety
/// Nothing is lost.
pub(super) async fn prepared(preparing: &mut Preparing) -> Option<Prepared> {
    let Some(reading) = preparing else { return std::future::pending().await };
    let prepared = reading.await.ok();
    *preparing = None;
    prepared
}

impl Actor {
    /// The image that a state names: `Ok(None)` for a state without one, `Err` where its bytes are
    /// not here.
    pub(super) fn reference_of(&self, desired: &Desired) -> Result<Option<Reference>, ()> {
        match &desired.image {
            None => Ok(None),
            Some(sha256) => self.shared.images.find(&self.place.key, sha256).map(Some).ok_or(()),
        }
    }

    /// The number of the director's newest prompt when this state's was asked for: now, unless it waits
    /// for an image already. Another image, or another dial, does not ask for the prompt again.
    pub(super) fn asked_under(&self, desired: &Desired) -> u64 {
        let asked = self.awaited.as_ref().filter(|awaited| awaited.desired.prompt == desired.prompt);
        asked.map_or_else(|| self.standing(), |awaited| awaited.standing)
    }

    /// Waits with a state until its image is here. What has arrived of it already is kept.
    /// `anew` on a new link, whose client knows of nothing that is asked for.
    pub(super) fn await_image(&mut self, desired: Desired, id: Option<u64>, standing: u64, anew: bool) {
        let Some(sha256) = desired.image.clone() else { return };
        let under_way = self.awaited.take().map(|awaited| awaited.image);
        let image = match under_way.filter(|image| image.sha256() == sha256) {
            Some(image) => {
                if anew && matches!(image, Arriving::Pieces(_)) {
                    self.say(&FromServer::NeedImage(NeedImage { sha256 }));
                }
                image
            }
            None => {
                self.preparing = None;
                self.say(&FromServer::NeedImage(NeedImage { sha256: sha256.clone() }));
                Arriving::Pieces(Assembly::new(&sha256))
            }
        };
        self.awaited = Some(Awaited { desired, id, standing, image });
    }

    /// On a new link: what was on its way on the old one is asked for again, from where it was.
    pub(super) fn ask_for_image_again(&mut self) {
        if let Some(Awaited { image: Arriving::Pieces(assembly), .. }) = &self.awaited {
            let sha256 = assembly.sha256.clone();
            self.say(&FromServer::NeedImage(NeedImage { sha256 }));
        }
    }

    /// Another state took the place of the one that waits.
    pub(super) fn await_no_image(&mut self) {
        self.awaited = None;
        self.preparing = None;
    }

    pub(super) fn image_chunk(&mut self, chunk: &ImageChunk) {
        let Some(Awaited { image: Arriving::Pieces(assembly), .. }) = &mut self.awaited else { return };
        if assembly.sha256 != chunk.sha256 {
            return;
        }
        match assembly.take(chunk.offset, chunk.total, &chunk.bytes) {
            Ok(received) => {
                let whole = assembly.whole();
                self.interacts();
                let ack = ImageChunkAck { sha256: chunk.sha256.clone(), received };
                self.say(&FromServer::ImageChunkAck(ack));
                if let Some(file) = whole {
                    self.read_image(chunk.sha256.clone(), file);
                }
            }
            Err(bad) => self.refuse_image(bad.to_string()),
        }
    }

    fn read_image(&mut self, sha256: String, file: Bytes) {
        if let Some(awaited) = &mut self.awaited {
            awaited.image = Arriving::Reading(sha256.clone());
        }
        let (shared, alive) = (self.shared.clone(), self.shared.alive());
        self.preparing = Some(tokio::spawn(async move {
            let read = shared.images.read(sha256.clone(), file.clone()).await;
            drop(alive);
            Prepared { sha256, file, read }
        }));
    }

    /// The image is here, and what waited for it takes effect whole; or it is none, and nothing does.
    pub(super) fn image_prepared(&mut self, prepared: Option<Prepared>) {
        let Some(Prepared { sha256, file, read }) = prepared else {
            return self.refuse_image("the image cannot be read here; save it anew".into());
        };
        let reference = match read {
            Ok(reference) => reference,
            Err(text) => return self.refuse_image(text),
        };
        self.shared.images.keep(&self.place.key, &sha256, file, reference.clone());
        let Some(Awaited { desired, id, standing, .. }) = self.awaited.take() else { return };
        self.take_effect(desired, id, standing, Some(reference));
    }

    fn refuse_image(&mut self, text: String) {
        let Some(Awaited { desired, id, .. }) = self.awaited.take() else { return };
        self.preparing = None;
        let (item, code) = (Item::Image, RefusalCode::BadImage);
        self.say(&FromServer::Refused(Refused { revision: desired.revision, id, item, code, text }));
    }

    /// A state whose image is here takes effect, or is refused for the rest of it. `standing` was the
    /// number of the director's newest prompt when it was asked for.
    pub(super) fn take_effect(
        &mut self,
        desired: Desired,
        id: Option<u64>,
        standing: u64,
        reference: Option<Reference>,
    ) {
        let revision = desired.revision;
        // A moderator may have muted it while it waited for its image.
        if self.may_not_unmute(&desired, id) {
            return;
        }
        match self.read_recipe(self.model, &desired, &self.grants) {
            Ok(recipe) => {
                self.recipe = recipe.over(reference);
                self.heed = self.heed.after(desired.prompt.as_ref(), standing);
                self.desired = desired;
                self.applied = Some(revision);
                // Before it is acked: a mute is in effect by then.
                self.unmutes();
                self.repaint();
                if let Some(media) = &mut self.media {
                    // What was muted may come again.
                    media.inflow.afresh(Instant::now());
                }
                self.say(&FromServer::Acked(Acked { revision, id }));
            }
            Err((item, text)) => {
                let code = self.refusal_code(&item);
                self.say(&FromServer::Refused(Refused { revision, id, item, code, text }));
            }
        }
    }

    /// What is painted from here on: nothing before the first state is in effect (R14), and nothing of
    /// a camera that is muted, by its owner or by a moderator.
    pub(super) fn repaint(&self) {
        if let Some(media) = &self.media {
            media.paint_with(self.painted());
        }
    }

    pub(super) fn painted(&self) -> Recipe {
        let recipe = self.directed(self.model, &self.heed, self.recipe.clone());
        let shown = self.applied.is_some() && !self.is_silent(Kind::Video);
        if shown { recipe } else { recipe.held() }
    }

    fn refusal_code(&self, item: &Item) -> RefusalCode {
        match item {
            Item::Prompt | Item::Image if !self.grants.prompt => RefusalCode::NotPermitted,
            Item::Prompt => RefusalCode::NotUnderstood,
            Item::Image | Item::Muted | Item::Tracks | Item::Model | Item::Other(_) => {
                RefusalCode::NotSupported
            }
        }
    }

    pub(super) fn refuse(&mut self, revision: u64, id: Option<u64>, item: Item, text: String) {
        let code = self.refusal_code(&item);
        self.say(&FromServer::Refused(Refused { revision, id, item, code, text }));
    }
}
