//! What the far side may do with a frame, from what the user was told and had asked for.

use offhook::mock::Published;
use std::time::Duration;

/// What the user did and was told, on the clock of the far side.
#[derive(Debug, Default)]
pub struct Oracle {
    /// The number of the newest prompt that was asked for.
    pub asked: u64,
    /// Prompts that the user was told are applied, and when.
    acked: Vec<(Duration, u64)>,
    mutes: Vec<(Duration, bool)>,
    /// When each frame was handed over; its number is its place.
    pushed: Vec<Duration>,
}

impl Oracle {
    pub fn acked(&mut self, at: Duration, prompt: u64) {
        self.acked.push((at, prompt));
    }

    pub fn muted(&mut self, at: Duration, muted: bool) {
        self.mutes.push((at, muted));
    }

    /// The number of the next frame, handed over now.
    pub fn push(&mut self, at: Duration) -> u64 {
        self.pushed.push(at);
        self.pushed.len() as u64 - 1
    }

    /// Is a frame that was handed over then kept back by the user's own mute?
    pub fn is_muted(&self, at: Duration) -> bool {
        self.mutes.iter().rev().find(|(since, _)| *since < at).is_some_and(|(_, muted)| *muted)
    }

    /// Does anything that happened at this very instant speak of mute?
    fn is_between(&self, at: Duration) -> bool {
        self.mutes.iter().any(|(since, _)| *since == at)
    }

    pub fn left(&self, published: &Published, number: u64) -> Result<(), String> {
        let pushed = self.pushed_at(number)?;
        let out = published.at;
        let muted = |at| !self.is_between(at) && self.is_muted(at);
        if muted(pushed) || muted(out) {
            return Err(format!("a muted track was heard: frame {number} of {pushed:?}, at {out:?}"));
        }
        Ok(())
    }

    /// A frame came back, as this prompt would have it.
    pub fn returned(&self, number: u64, prompt: Option<&str>) -> Result<(), String> {
        let pushed = self.pushed_at(number)?;
        let prompt: u64 = match prompt.map(str::parse) {
            Some(Ok(prompt)) => prompt,
            other => return Err(format!("frame {number} was made of a prompt nobody gave: {other:?}")),
        };
        if prompt > self.asked {
            return Err(format!("frame {number} knows prompt {prompt} before it was asked for"));
        }
        let newest = self.acked.iter().filter(|(at, _)| *at < pushed).map(|(_, prompt)| *prompt).max();
        match newest {
            Some(newest) if prompt < newest => Err(format!(
                "an acknowledged prompt was lost: frame {number} of {pushed:?} has prompt {prompt}, \
                 and {newest} was acknowledged before"
            )),
            _ => Ok(()),
        }
    }

    fn pushed_at(&self, number: u64) -> Result<Duration, String> {
        let at = usize::try_from(number).ok().and_then(|at| self.pushed.get(at));
        at.copied().ok_or_else(|| format!("frame {number} was never sent"))
    }
}
