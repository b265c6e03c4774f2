//! What a session has to have loaded before its first member is let in (F57): work of the
//! embedder, done once for a session while somebody waits for it, told to all who wait.

use crate::Shared;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::sync::watch;

/// What the embedder does to load.
#[derive(Clone)]
pub(crate) struct Loader(Arc<dyn Fn(Loading) -> BoxFuture<'static, Result<(), AssetsFailed>> + Send + Sync>);

impl Loader {
    pub(crate) fn new<F, Fut>(load: F) -> Self
    where
        F: Fn(Loading) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), AssetsFailed>> + Send + 'static,
    {
        Self(Arc::new(move |loading| load(loading).boxed()))
    }
}

impl fmt::Debug for Loader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Loader")
    }
}

/// Why what a session needs was not loaded. The join that waits for it is refused with the text;
/// the next one has it loaded anew.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what this session needs could not be loaded ({0}); try again, or ask the one who runs the server")]
pub struct AssetsFailed(pub String);

/// One loading under way: what for, and where its progress is told.
#[derive(Debug)]
pub struct Loading {
    wanted: Wanted,
    stage: watch::Sender<Stage>,
}

impl Loading {
    /// The kind of the session.
    pub fn kind(&self) -> &str {
        self.wanted.key.split_once('/').map_or("", |(kind, _)| kind)
    }

    /// The id of the session within its kind.
    pub fn id(&self) -> &str {
        self.wanted.key.split_once('/').map_or("", |(_, id)| id)
    }

    /// The model or persona that the first member asked for.
    pub fn model(&self) -> Option<&str> {
        self.wanted.model.as_deref()
    }

    /// Tells those who wait what is being done, and how much of it is, 0 to 100. A text is cut at
    /// what a frame may hold.
    pub fn progress(&self, text: impl Into<String>, percent: impl Into<Option<u8>>) {
        let (text, percent) = (text.into(), percent.into().map(|percent| percent.min(100)));
        let most = offhook_signaling::limits::TEXT_BYTES;
        let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        let text = text[..end].to_owned();
        self.stage.send_modify(|stage| {
            stage.text = Some(text);
            // Who watches a bar fill is not shown it run back.
            stage.percent = percent.max(stage.percent);
        });
    }
}

/// What is to be loaded.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// `kind/id`.
    pub(crate) key: String,
    pub(crate) model: Option<String>,
}

/// How far a loading is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stage {
    pub(crate) text: Option<String>,
    pub(crate) percent: Option<u8>,
    pub(crate) over: Option<Result<(), AssetsFailed>>,
}

/// A look at a loading. While there is none, it is given up.
pub(crate) type Load = watch::Receiver<Stage>;

/// What of a session is loaded.
#[derive(Default)]
pub(crate) struct Assets(Option<watch::Sender<Stage>>);

impl Assets {
    /// The loading under way, or a fresh one; none where nothing is to be loaded, or all is.
    pub(crate) fn load(&mut self, shared: &Arc<Shared>, wanted: &Wanted) -> Option<Load> {
        let loader = shared.config.assets.clone()?;
        if let Some(stage) = &self.0 {
            let over = stage.borrow().over.clone();
            match over {
                Some(Ok(())) => return None,
                None => return Some(stage.subscribe()),
                // The next one tries anew.
                Some(Err(_)) => {}
            }
        }
        let (stage, load) = watch::channel(Stage::default());
        self.0 = Some(stage.clone());
        tokio::spawn(run(Arc::downgrade(shared), loader, wanted.clone(), stage));
        Some(load)
    }

    pub(crate) fn forget(&mut self, ours: &watch::Sender<Stage>) {
        self.0.take_if(|stage| stage.same_channel(ours));
    }
}

async fn run(shared: std::sync::Weak<Shared>, loader: Loader, wanted: Wanted, stage: watch::Sender<Stage>) {
    let key = wanted.key.clone();
    let loading = Loading { wanted, stage: stage.clone() };
    // A loader that panics must not leave those hanging who wait for it.
    let work = AssertUnwindSafe(async move { (loader.0)(loading).await }).catch_unwind();
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => {
                let done = done.unwrap_or_else(|_| Err(AssetsFailed("the loader panicked".into())));
                stage.send_modify(|stage| stage.over = Some(done));
                return;
            }
            () = stage.closed() => {
                let given_up = shared.upgrade().is_none_or(|shared| shared.rooms.give_up_loading(&key, &stage));
                if given_up {
                    return;
                }
            }
        }
    }
}
