//! What an example prints, to be waited for and to be compared.

use std::future::Future;
use std::io::{Result, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// No example takes longer; on a virtual clock that is a day.
const PATIENCE: Duration = Duration::from_secs(60);

/// A run that must come to its end.
pub(crate) async fn bounded<T>(run: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, run).await.expect("an example takes seconds")
}

/// A run on a virtual clock.
pub(crate) async fn within_a_day<T>(run: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(86_400), run).await.expect("it comes to an end")
}

/// Keeps what is printed. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Screen {
    text: Arc<Mutex<String>>,
    changed: Arc<Notify>,
}

impl Screen {
    pub(crate) fn text(&self) -> String {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.text().lines().map(str::to_owned).collect()
    }

    /// Waits until these words were printed so many times.
    pub(crate) async fn shows(&self, words: &str, times: usize) {
        loop {
            let changed = self.changed.notified();
            if self.text().matches(words).count() >= times {
                return;
            }
            let waited = tokio::time::timeout(PATIENCE, changed).await;
            assert!(waited.is_ok(), "{words:?} is not shown:\n{}", self.text());
        }
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).push_str(&String::from_utf8_lossy(bytes));
        self.changed.notify_waiters();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
