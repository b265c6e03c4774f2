//! What the system says of the network this machine is on (F33): one ear for all sessions of a
//! transport, and for each session the question whether the way to its far side is still the same.
//! That something happened is heard in `network/news.rs`, what became of the way is asked in
//! `network/way.rs`. What a fact means for a session is not decided here.

mod news;
mod way;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use news::News;
use offhook_transport::{InstanceId, NetworkFact, NetworkWatch};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, ready};
use tokio::sync::watch;
use way::{System, Way};

pub(super) use way::Destination;

/// The watches of one transport. Nothing here keeps a session alive, or the ear of one that is gone.
#[derive(Default)]
pub(super) struct Networks {
    ear: Arc<Ear>,
    destinations: Mutex<HashMap<InstanceId, Weak<Destination>>>,
}

impl Networks {
    /// A watch for this session; it hears nothing before its first poll.
    pub(super) fn watch(&self, instance: InstanceId) -> Watch {
        let destination = Arc::new(Destination::new(Arc::new(System)));
        let mut known = self.destinations.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, destination| destination.strong_count() > 0);
        known.insert(instance, Arc::downgrade(&destination));
        Watch { ear: self.ear.clone(), way: Way::to(destination), hearing: None }
    }

    /// Where this session's dials say where they go, if it is watched.
    pub(super) fn destination(&self, instance: InstanceId) -> Option<Arc<Destination>> {
        self.destinations.lock().unwrap_or_else(PoisonError::into_inner).get(&instance)?.upgrade()
    }
}

/// One task that hears of changes for everybody who listens; it ends with the last of them.
#[derive(Default)]
struct Ear(Mutex<Weak<watch::Sender<()>>>);

impl Ear {
    /// Joins those who listen. None where there is no runtime that could do it.
    fn listen(&self) -> Option<watch::Receiver<()>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = known.upgrade() {
            return Some(sender.subscribe());
        }
        let runtime = tokio::runtime::Handle::try_current().ok()?;
        let (sender, receiver) = watch::channel(());
        let sender = Arc::new(sender);
        *known = Arc::downgrade(&sender);
        // Opened here and not in the task: what happens from now on is heard.
        let news = News::open();
        runtime.spawn(hear(sender, news));
        Some(receiver)
    }
}

async fn hear(sender: Arc<watch::Sender<()>>, news: News) {
    tokio::select! {
        () = sender.closed() => {}
        () = news.tell(|| sender.send_replace(())) => {}
    }
}

/// One session's watch.
pub(super) struct Watch {
    ear: Arc<Ear>,
    way: Way,
    /// Resolves when something happened, with whether more can be heard.
    hearing: Option<BoxFuture<'static, (watch::Receiver<()>, bool)>>,
}

impl Watch {
    fn hear(news: watch::Receiver<()>) -> BoxFuture<'static, (watch::Receiver<()>, bool)> {
        let mut news = news;
        async move {
            let more = news.changed().await.is_ok();
            (news, more)
        }
        .boxed()
    }
}

impl NetworkWatch for Watch {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<NetworkFact>> {
        let mut lost = false;
        loop {
            let hearing = match &mut self.hearing {
                Some(hearing) => hearing,
                None => {
                    let Some(news) = self.ear.listen() else { return Poll::Ready(None) };
                    self.hearing.insert(Self::hear(news))
                }
            };
            let (news, more) = ready!(hearing.poll_unpin(cx));
            self.hearing = more.then(|| Self::hear(news));
            // The runtime of whoever began to listen is gone; then it is done on this one.
            if !more && std::mem::replace(&mut lost, true) {
                return Poll::Ready(None);
            }
            if let Some(fact) = self.way.look() {
                return Poll::Ready(Some(fact));
            }
        }
    }
}

#[cfg(test)]
mod tests;
