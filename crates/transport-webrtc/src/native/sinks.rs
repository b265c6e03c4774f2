//! Where received frames go: into the sinks of all links that share a peer. The newest is
//! tried first; it takes frames from the moment the host switches to it, so a resume costs no
//! picture.

use offhook_transport::Epoch;
use offhook_transport::media::{EncodedFrame, RemoteSink};
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Default)]
pub(super) struct Sinks(Mutex<Vec<(Epoch, RemoteSink)>>);

impl Sinks {
    pub(super) fn add(&self, epoch: Epoch, sink: RemoteSink) {
        self.lock().push((epoch, sink));
    }

    pub(super) fn remove(&self, epoch: Epoch) {
        self.lock().retain(|(of, _)| *of != epoch);
    }

    pub(super) fn push(&self, frame: &EncodedFrame) {
        for (_, sink) in self.lock().iter().rev() {
            if sink.push(frame) {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Epoch, RemoteSink)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
