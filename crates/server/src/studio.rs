//! The studio: a far side that repaints what it is sent. Frames are decoded, painted as the
//! prompt asks and encoded again on a thread of its own, because a codec does not wait politely.

mod effort;
mod filters;
mod painter;
mod prompt;
mod reference;
#[cfg(test)]
mod tests;
mod wish;

pub use filters::Filter;
pub(crate) use painter::{Orders, Painter, Said};
pub use prompt::{MAX_CHAIN, PromptError, Recipe};
pub(crate) use reference::Reference;
pub(crate) use wish::wanted;
