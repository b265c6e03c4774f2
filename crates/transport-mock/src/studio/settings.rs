//! How a far side that behaves by itself is set up.

use super::Studio;
use offhook_transport::media::VideoWanted;
use offhook_transport::{Capabilities, Capability, Liveness, Secret};
use std::time::Duration;

impl Studio {
    /// How long an answer, and each step of a join, takes.
    #[must_use]
    pub const fn answering_in(mut self, pace: Duration) -> Self {
        self.pace = pace;
        self
    }

    /// What the sessions on it can do.
    #[must_use]
    pub const fn capable_of(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// The video that it works best with, told to whoever is let in (F58).
    #[must_use]
    pub const fn wanting(mut self, video: VideoWanted) -> Self {
        self.video = Some(video);
        self
    }

    /// The models that it says can be asked for; a join with another one is refused, with their names
    /// (F58). Until then it has every model there is, and says of none.
    #[must_use]
    pub fn offering(mut self, models: &[&str]) -> Self {
        self.models = models.iter().map(ToString::to_string).collect();
        self
    }

    /// How long a lost link keeps its place. Zero: no resume at all.
    #[must_use]
    pub const fn resume_window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// The keepalive times it tells its clients.
    #[must_use]
    pub const fn liveness(mut self, liveness: Liveness) -> Self {
        self.liveness = Some(liveness);
        self
    }

    /// So many wait in front of every joiner: who will not wait is refused as busy, who will
    /// moves up one place for each answer's time.
    #[must_use]
    pub const fn queue(mut self, ahead: u32) -> Self {
        self.queue = ahead;
        self
    }

    /// Loads this before a join is let in (F57): one more thing, and how much is done with it, for
    /// an answer's time.
    #[must_use]
    pub fn loading(mut self, what: &str, percent: Option<u8>) -> Self {
        self.loading.push((what.to_owned(), percent));
        self
    }

    /// Takes only these prompts; others are refused with a text.
    #[must_use]
    pub fn knowing(mut self, prompts: &[&str]) -> Self {
        self.knows = Some(prompts.iter().map(ToString::to_string).collect());
        self
    }

    /// Takes no image, and says why in these words.
    #[must_use]
    pub fn refusing_images(mut self, why: &str) -> Self {
        self.no_images = Some(why.to_owned());
        self
    }

    /// Lets in only who shows this credential; asks who shows none.
    #[must_use]
    pub fn requiring(mut self, credential: Secret) -> Self {
        self.credential = Some(credential);
        self
    }

    /// No tick each second of generation.
    #[must_use]
    pub const fn without_ticks(mut self) -> Self {
        self.ticks = false;
        self
    }

    /// Its clients measure their links, once a second as over a real network: every frame counts as
    /// a packet, and a round trip is an answer's time.
    #[must_use]
    pub const fn measuring(mut self) -> Self {
        self.measures = true;
        self
    }

    /// Takes telemetry; what comes is in [`Remote::telemetry`](crate::Remote::telemetry).
    #[must_use]
    pub const fn taking_telemetry(mut self) -> Self {
        self.capabilities = self.capabilities.with(Capability::Telemetry);
        self
    }
}
