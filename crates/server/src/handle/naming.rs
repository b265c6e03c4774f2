//! Sessions by name, as the server's owner sees and sets them, and the settings that are about
//! them: kinds, what is loaded for them, how long what is kept of them is kept.

use super::{Builder, Server};
use crate::assets::{AssetsFailed, Loader, Loading};
use crate::directory::{LONGEST_GRACE, await_director};
use offhook_signaling::{Profile, SessionInfo, SessionRef};
use std::future::Future;
use std::time::Duration;

impl Builder {
    /// The kinds of sessions there are; of another kind there is none, and none is made. Unless
    /// told, a session may be of any kind.
    #[must_use]
    pub fn kinds<K: Into<String>>(mut self, kinds: impl IntoIterator<Item = K>) -> Self {
        self.config.kinds = kinds.into_iter().map(Into::into).collect();
        self
    }

    /// What has to be loaded before a session's first member is let in (F57): a persona, a model,
    /// pictures. Done once from the first member to the last; everybody who joins meanwhile waits
    /// with it and is told of its progress. When nobody waits any more it is dropped where it
    /// stands. Clients hear of it every two seconds and give a join half a minute in all, unless
    /// their policy says otherwise. Unless told, nothing is loaded.
    ///
    /// ```
    /// # use offhook_server::Server;
    /// let builder = Server::builder().assets(|loading| async move {
    ///     loading.progress(format!("loading {}", loading.model().unwrap_or("the studio")), 10);
    ///     // … real work …
    ///     Ok(())
    /// });
    /// # let _ = builder;
    /// ```
    #[must_use]
    pub fn assets<F, Fut>(mut self, load: F) -> Self
    where
        F: Fn(Loading) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), AssetsFailed>> + Send + 'static,
    {
        self.config.assets = Some(Loader::new(load));
        self
    }

    /// How long a session that was made by name is kept with nobody in it; an hour unless told.
    #[must_use]
    pub fn keep_sessions(mut self, time: Duration) -> Self {
        self.config.keep_sessions = time;
        self
    }

    /// How long a session that needs a director goes on without one; ten seconds unless told, ten
    /// minutes at most.
    #[must_use]
    pub fn director_grace(mut self, grace: Duration) -> Self {
        self.config.director_grace = grace.min(LONGEST_GRACE);
        self
    }

    /// How long after its loss a member's resume token is good (F02). Its slot is freed at the end
    /// of the resume window in any case; unless told, its token goes with it.
    #[must_use]
    pub fn persist(mut self, time: Duration) -> Self {
        self.config.persist = time;
        self
    }
}

impl Server {
    /// A session as it stands; none where there is none.
    pub fn session(&self, kind: &str, id: &str) -> Option<SessionInfo> {
        self.shared.rooms.look(&self.shared, &named(kind, id))
    }

    /// Says anew what there is to say of a session; who watches it is told. False where there is
    /// none. Who is inside stays, on the new list or not; one that needs a director from now on, and
    /// has none, gets the grace to find one.
    pub fn describe_session(&self, kind: &str, id: &str, profile: Profile) -> bool {
        let key = crate::door::key(&named(kind, id));
        let lacked_one = self.shared.rooms.undirected_for(&key).is_some();
        let is_there = self.shared.rooms.describe(&self.shared, &key, profile);
        if !lacked_one {
            await_director(&self.shared, &key);
        }
        is_there
    }

    /// Forgets a session that was made by name: with nobody in it it is gone at once, else with its
    /// last member. False where there is none.
    pub fn forget_session(&self, kind: &str, id: &str) -> bool {
        self.shared.rooms.forget(&crate::door::key(&named(kind, id)))
    }

    /// How many wait in the queue for this session.
    pub fn waiting(&self, kind: &str, id: &str) -> u32 {
        self.shared.queue.waiting_for(&crate::door::key(&named(kind, id)))
    }
}

fn named(kind: &str, id: &str) -> SessionRef {
    SessionRef { kind: kind.to_owned(), id: id.to_owned() }
}
