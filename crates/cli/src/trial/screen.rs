//! What a person sees meanwhile: a bar, and a line with the state. On stderr, and quiet where
//! that is no terminal or JSON was asked for.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

/// The bar and its line.
#[derive(Clone)]
pub(crate) struct Screen {
    bar: ProgressBar,
    plain: bool,
    steps: u64,
}

impl Screen {
    /// A bar of so many steps, unless nobody looks.
    pub(crate) fn new(json: bool, steps: u64) -> Self {
        let target = if json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(steps * 100), target);
        let style =
            ProgressStyle::with_template("{bar:30.cyan/blue} {elapsed:>4} {prefix:<14.bold} {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_prefix("idle");
        bar.enable_steady_tick(Duration::from_millis(100));
        let plain = !json && bar.is_hidden();
        Self { bar, plain, steps }
    }

    /// The next step.
    pub(crate) fn step(&self, what: &str) {
        let done = self.bar.position().div_ceil(100) * 100;
        self.bar.set_position((done + if done == 0 { 1 } else { 100 }).min(self.steps * 100));
        self.bar.set_message(what.to_owned());
        if self.plain {
            eprintln!("{what}");
        }
    }

    /// What happens within the step.
    pub(crate) fn news(&self, what: &str) {
        self.bar.set_message(what.to_owned());
        if self.plain {
            eprintln!("    {what}");
        }
    }

    /// A share of the step.
    pub(crate) fn part(&self, share: f32) {
        let done = self.bar.position() / 100 * 100;
        self.bar.set_position(done + (share.clamp(0.0, 0.99) * 100.0) as u64);
    }

    /// The session's state.
    pub(crate) fn state(&self, state: &str) {
        self.bar.set_prefix(state.to_owned());
        if self.plain {
            eprintln!("  {state}");
        }
    }

    /// Done.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
