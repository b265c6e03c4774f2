//! What video the far side wants of a client (F58): said when it lets the client in, and again
//! whenever it changes. How a client obeys is its own affair.

use crate::codes::LimitedBy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The size and rate the far side wants to be sent, at most. Either orientation is meant. A client
/// scales what it encodes to it, of the same shape; what it cannot scale it sends as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VideoWish {
    /// Width in pixels, 16 to 16384.
    pub width: u32,
    /// Height in pixels, 16 to 16384.
    pub height: u32,
    /// Frames per second, 1 to 240.
    pub fps: u32,
    /// What keeps it from wanting more.
    #[serde(default = "nothing", skip_serializing_if = "is_nothing")]
    pub limited_by: LimitedBy,
}

const fn nothing() -> LimitedBy {
    LimitedBy::None
}

fn is_nothing(limited_by: &LimitedBy) -> bool {
    *limited_by == LimitedBy::None
}
