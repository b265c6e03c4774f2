//! What listeners are told of generation (F52): each that was told to begin is told to end, once. What
//! `Generating` is as a state is the machine's.

use super::Host;
use crate::event::Event;
use offhook_lifecycle::Epoch;
use offhook_transport::Generation;

/// Why a generation ended of which the far side said no end: ours, not the far side's words.
const LOST: &str = "the link was lost";

impl Host {
    pub(super) fn tell_generation(&mut self, epoch: Epoch, generation: Generation) {
        let event = match generation {
            Generation::Started => {
                if self.contents.generation.is_some_and(|of| of != epoch) {
                    self.generation_lost();
                }
                self.contents.generation = Some(epoch);
                Event::GenerationStarted
            }
            Generation::Tick { used } => Event::GenerationTick { used },
            Generation::Ended { reason } => Event::GenerationEnded { reason },
        };
        self.tell(event);
    }

    /// A dial that said `started` and came to nothing was never what generates in the machine's eyes: what was
    /// told to begin ends, unless another link goes on with it.
    pub(super) fn generation_is_gone(&mut self, epoch: Epoch) {
        if self.contents.generation != Some(epoch) {
            return;
        }
        let now = self.shared.told.get();
        if !now.is_generating() {
            self.generation_lost();
        } else if let Some(goes_on) = now.epoch() {
            self.contents.generation = Some(goes_on);
        }
    }

    /// The link of the session generates no more; what a newer one said that is not it yet, stands.
    pub(super) fn generation_over(&mut self) {
        let now = self.machine.snapshot().epoch();
        if self.contents.generation.is_some_and(|of| now.is_none_or(|now| of <= now)) {
            self.generation_lost();
        }
    }

    /// Nobody says the end of one whose link another took the place of.
    pub(super) fn generation_lost(&mut self) {
        if self.contents.generation.take().is_some() {
            self.tell(Event::GenerationEnded { reason: LOST.to_owned() });
        }
    }
}
