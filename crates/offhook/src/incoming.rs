//! The stream of rings that come in for a client's user.

use crate::desk::Desk;
use crate::session::Session;
use futures_core::Stream;
use offhook_lifecycle::{Incoming, Ringing};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Every ring that comes in, as a session that rings; see [`Client::incoming`](crate::Client::incoming).
///
/// Several streams of one client share what comes: each ring is one stream's. It ends when the
/// client is shut down, and when the far side refuses the user's presence for good; then
/// [`Client::presence`](crate::Client::presence) says why.
///
/// # Drop
/// With the last stream of a client the rings that nobody took stop ringing here; they are not
/// declined. Presence ends, unless a ring of ours stands.
#[must_use = "dropping it stops listening for rings"]
pub struct IncomingRings {
    pub(crate) desk: Arc<Desk>,
}

impl Stream for IncomingRings {
    type Item = Session<Ringing<Incoming>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.desk.poll_incoming(cx)
    }
}

impl Drop for IncomingRings {
    fn drop(&mut self) {
        self.desk.listener_gone();
    }
}

impl fmt::Debug for IncomingRings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IncomingRings")
    }
}
