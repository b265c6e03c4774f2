//! A publication that waits in a join. A source need not be shareable between threads, and an error that has
//! one in it has to be: so it is looked at under a lock, which nobody else ever holds.

use offhook_media::{Lack, Publication};
use std::fmt;
use std::sync::{Mutex, PoisonError};

pub(crate) struct Held(Mutex<Publication>);

impl Held {
    pub(crate) const fn new(publication: Publication) -> Self {
        Self(Mutex::new(publication))
    }

    /// Why it cannot be read, where it cannot.
    pub(crate) fn lack(&self) -> Option<Lack> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).lack()
    }

    pub(crate) fn let_go(self) -> Publication {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fmt(f)
    }
}
