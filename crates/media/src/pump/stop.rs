//! A latch that ends a pump from elsewhere, without a runtime of its own.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};

/// Ends a pump. Cloning shares it; dropping it does nothing.
#[derive(Clone, Debug, Default)]
pub struct PumpStop(Arc<Latch>);

#[derive(Debug, Default)]
struct Latch {
    set: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl PumpStop {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Ends the pump at its next look, without waiting for a frame to be due. For good, and
    /// harmless when it has ended.
    pub fn stop(&self) {
        self.0.set.store(true, Ordering::Release);
        let waker = self.0.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Was it told to end?
    pub fn is_stopped(&self) -> bool {
        self.0.set.load(Ordering::Acquire)
    }

    /// Waits for `future`; false if the pump was stopped before.
    pub(super) async fn during(&self, future: impl Future<Output = ()>) -> bool {
        let mut future = pin!(future);
        poll_fn(|cx| {
            *self.0.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
            if self.is_stopped() {
                return Poll::Ready(false);
            }
            future.as_mut().poll(cx).map(|()| true)
        })
        .await
    }
}
