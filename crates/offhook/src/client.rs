//! One user on one transport: makes sessions, knows those that are alive, ends them all.
//! Nothing is global: two clients in one process know nothing of each other (F19).

use crate::clock::{Clocks, SystemClocks};
use crate::controls::{Controls, Network};
use crate::credential::{CredentialRequest, Credentials, ProviderError};
use crate::desk::Desk;
use crate::error::{BuildError, PresenceError};
use crate::host::Host;
use crate::incoming::IncomingRings;
use crate::link::HostLink;
use crate::session::Session;
use crate::shared::{Shared, lock};
use offhook_lifecycle as lifecycle;
use offhook_lifecycle::presence::{Input as Fact, State as PresenceState};
use offhook_lifecycle::{Idle, Policy};
use offhook_transport::{InstanceId, Transport};
use secrecy::SecretString;
use std::fmt;
use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex, Weak};
use std::task::Poll;

/// What every session of a client is made with.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) credentials: Credentials,
    pub(crate) policy: Policy,
    /// Where jitter comes from; `None` draws a seed for each session.
    pub(crate) seed: Option<u64>,
    /// Rings that come in while a session rings or goes on are declined as busy.
    pub(crate) busy: bool,
    /// What the far side knows this client's presence by.
    pub(crate) device: InstanceId,
    /// Is the far side told how a session went, where it wants to know?
    pub(crate) telemetry: bool,
    /// By which a sleep is seen.
    pub(crate) clocks: Arc<dyn Clocks>,
}

/// The sessions that a client made, as long as anybody holds them.
pub(crate) type Registry = Arc<Mutex<Vec<Weak<Shared>>>>;

pub(crate) fn enter(registry: &Registry, shared: &Arc<Shared>) {
    let mut registry = lock(registry);
    registry.retain(|known| known.strong_count() > 0);
    registry.push(Arc::downgrade(shared));
}

/// Those that are not yet left and released.
pub(crate) fn living(registry: &Registry) -> Vec<Arc<Shared>> {
    let known = lock(registry).iter().filter_map(Weak::upgrade).collect::<Vec<_>>();
    known.into_iter().filter(|shared| !shared.told.read(|seen| seen.is_released())).collect()
}

/// One user on one transport. Cloning shares it.
///
/// # Drop
/// Its sessions live on: each is its own handle's. See [`shutdown`](Self::shutdown).
#[derive(Clone)]
pub struct Client {
    pub(crate) config: Arc<Config>,
    registry: Registry,
    desk: Arc<Desk>,
}

impl Client {
    /// A client on this transport: anything that implements [`Transport`], boxed or not.
    pub fn new(transport: impl Transport) -> Self {
        let config = Config {
            transport: Arc::new(transport),
            credentials: Credentials::default(),
            policy: Policy::default(),
            seed: None,
            busy: false,
            device: InstanceId(crate::host::random()),
            telemetry: true,
            clocks: Arc::new(SystemClocks),
        };
        let registry = Registry::default();
        Self { config: Arc::new(config), registry: registry.clone(), desk: Desk::new(registry) }
    }

    /// The credential that dials show. It is kept as a secret, is never in an address, and
    /// never in a log.
    #[must_use]
    pub fn credential(mut self, token: impl Into<SecretString>) -> Self {
        Arc::make_mut(&mut self.config).credentials.fixed = Some(token.into());
        self
    }

    /// Asked for a credential when none was given, or when the far side says that the one it
    /// was shown is past its time. At most one call per session is under way; one that takes
    /// longer than the policy allows (5 s) is dropped.
    ///
    /// ```
    /// # use offhook::{Client, mock};
    /// # let (transport, _remote) = mock::MockTransport::studio(1);
    /// let client = Client::new(transport).provider(|request| async move {
    ///     Ok(format!("token for {}:{}", request.kind, request.id).into())
    /// });
    /// # let _ = client;
    /// ```
    #[must_use]
    pub fn provider<F, Fut>(mut self, provider: F) -> Self
    where
        F: Fn(CredentialRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<SecretString, ProviderError>> + Send + 'static,
    {
        let ask =
            move |request| -> futures_util::future::BoxFuture<'static, _> { Box::pin(provider(request)) };
        Arc::make_mut(&mut self.config).credentials.provider = Some(Arc::new(ask));
        self
    }

    /// The limits for sessions made from here on.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        Arc::make_mut(&mut self.config).policy = policy;
        self
    }

    /// Draws all jitter from this seed, so that a run can be repeated exactly. Without it each
    /// session draws its own.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        Arc::make_mut(&mut self.config).seed = Some(seed);
        self
    }

    /// Declines rings as busy, for all devices of this user, while any session of this client rings,
    /// joins or goes on (F23). A ring from the one whom we just ring is no such: the far side decides
    /// which of the two goes on.
    #[must_use]
    pub fn decline_when_busy(mut self) -> Self {
        Arc::make_mut(&mut self.config).busy = true;
        self
    }

    /// Whether the far side is told how sessions made from here on went (F74); it is unless told
    /// otherwise, and only where the far side has an intake for it.
    ///
    /// About every ten seconds while the link is up, and a last time before the goodbye, it is sent
    /// the states, dials, losses and recoveries with how long they took, errors by their codes, and
    /// the [`Stats`](crate::Stats) as totals: at most 120 entries in a batch, the rest counted, as
    /// [`Telemetry`](crate::transport::Telemetry) says. No text of the user's, no name, no address
    /// and no secret is in it. Nothing is sampled after [`leave`](Session::leave) returned.
    ///
    /// [`Event::Stats`](crate::Event::Stats) does not depend on it.
    #[must_use]
    pub fn telemetry(mut self, wanted: bool) -> Self {
        Arc::make_mut(&mut self.config).telemetry = wanted;
        self
    }

    /// Rings that come in for this client's user, from now on and until the stream is dropped (F20).
    /// Needs a credential of the user that names no session, and a runtime.
    ///
    /// ```
    /// # use futures_util::StreamExt;
    /// # use offhook::{Client, Join, mock, transport::SessionRef};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// # let (transport, remote) = mock::MockTransport::studio(1);
    /// # let client = Client::new(transport);
    /// let mut rings = client.incoming();
    /// # remote.present().await;
    /// # let id = remote.rings("ada", SessionRef { kind: "room".into(), id: "7".into() });
    /// let ring = rings.next().await.expect("somebody rings");
    /// println!("{} rings", ring.caller().user);
    /// let accepting = ring.accept(Join::new());
    /// # remote.ring_action().await;
    /// # remote.taken(&id, "me");
    /// let session = accepting.await.expect("they are still there");
    /// # drop(session);
    /// # }
    /// ```
    pub fn incoming(&self) -> IncomingRings {
        self.desk.listen(&self.config);
        IncomingRings { desk: self.desk.clone() }
    }

    /// Where this user's presence is: off unless somebody listens for rings or rings.
    pub fn presence(&self) -> PresenceState {
        self.desk.level().state
    }

    /// Waits until presence is up, so that whoever rings now is heard at once.
    ///
    /// # Errors
    /// [`PresenceError::Refused`] with the reason; [`PresenceError::Off`] when nobody wants it or the
    /// transport has none.
    ///
    /// # Cancel safety
    /// Only waits.
    pub async fn present(&self) -> Result<(), PresenceError> {
        let level = poll_fn(|cx| self.desk.poll_settled(cx)).await;
        match (level.state, level.refusal) {
            (PresenceState::Up, _) => Ok(()),
            (PresenceState::Refused, Some(kind)) => Err(PresenceError::Refused(kind)),
            _ => Err(PresenceError::Off),
        }
    }

    /// A fresh session, named by kind and id. No I/O, no task: both begin with the join.
    pub fn session(&self, kind: impl Into<String>, id: impl Into<String>) -> Session<Idle> {
        let shared = Host::plant(kind.into(), id.into(), self.config.clone(), self.desk.clone());
        enter(&self.registry, &shared);
        match lifecycle::Session::idle(HostLink::new(shared)) {
            Ok(session) => Session::wrap(session),
            Err(_) => unreachable!("a machine that was fed nothing is idle"),
        }
    }

    /// The sessions that are alive: made here, and not yet left and released.
    pub fn sessions(&self) -> Vec<Controls> {
        let alive = self.alive();
        alive.iter().map(Controls::of).collect()
    }

    /// Reports to every session whether there is a network; see [`Controls::network`].
    pub fn network(&self, level: Network) {
        self.desk.fact(match level {
            Network::Up => Fact::NetworkUp,
            Network::Down => Fact::NetworkDown,
            Network::Changed => Fact::NetworkChanged,
        });
        self.alive().iter().for_each(|shared| Controls::of(shared).network(level));
    }

    /// Reports to every session that this machine is about to sleep.
    pub fn suspended(&self) {
        self.desk.fact(Fact::Suspend);
        self.alive().iter().for_each(|shared| Controls::of(shared).suspended());
    }

    /// Reports to every session that the sleep is over.
    pub fn woken(&self) {
        self.desk.fact(Fact::Unsuspend);
        self.alive().iter().for_each(|shared| Controls::of(shared).woken());
    }

    /// Leaves every session and waits until all is released: at most the policy's goodbye
    /// (1 s), however many there are. The leaves are done when this is first polled.
    ///
    /// # Cancel safety
    /// The leaves stand; calling it again waits for what is left.
    pub async fn shutdown(&self) {
        let alive = self.alive();
        alive.iter().for_each(|shared| Controls::of(shared).leave());
        self.desk.close();
        for shared in alive {
            let mut watcher = shared.told.watcher();
            poll_fn(|cx| {
                loop {
                    match shared.told.poll_changed(&mut watcher, cx) {
                        Poll::Ready(Some(seen)) if seen.is_released() => return Poll::Ready(()),
                        Poll::Ready(Some(_)) => {}
                        Poll::Ready(None) => return Poll::Ready(()),
                        Poll::Pending => return Poll::Pending,
                    }
                }
            })
            .await;
        }
        // What the leaves had to say about rings, in the time of a goodbye.
        let gone = poll_fn(|cx| self.desk.poll_gone(cx));
        if tokio::time::timeout(self.config.policy.goodbye, gone).await.is_err() {
            self.desk.cut();
            poll_fn(|cx| self.desk.poll_gone(cx)).await;
        }
    }

    fn alive(&self) -> Vec<Arc<Shared>> {
        living(&self.registry)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("transport", &self.config.transport.name())
            .field("credentials", &self.config.credentials)
            .field("sessions", &lock(&self.registry).len())
            .finish_non_exhaustive()
    }
}

/// Makes one session; see [`Session::builder`].
#[derive(Debug)]
#[must_use = "a builder does nothing until it builds"]
pub struct SessionBuilder(Client);

impl SessionBuilder {
    pub(crate) fn new(transport: impl Transport) -> Self {
        Self(Client::new(transport))
    }

    /// As [`Client::credential`].
    pub fn credential(self, token: impl Into<SecretString>) -> Self {
        Self(self.0.credential(token))
    }

    /// As [`Client::provider`].
    pub fn provider<F, Fut>(self, provider: F) -> Self
    where
        F: Fn(CredentialRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<SecretString, ProviderError>> + Send + 'static,
    {
        Self(self.0.provider(provider))
    }

    /// As [`Client::policy`].
    pub fn policy(self, policy: Policy) -> Self {
        Self(self.0.policy(policy))
    }

    /// As [`Client::telemetry`].
    pub fn telemetry(self, wanted: bool) -> Self {
        Self(self.0.telemetry(wanted))
    }

    /// The session, named by kind and id. No I/O.
    ///
    /// # Errors
    /// [`BuildError::NoRuntime`] outside of a tokio runtime, where it could never join.
    pub fn build(self, kind: impl Into<String>, id: impl Into<String>) -> Result<Session<Idle>, BuildError> {
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(BuildError::NoRuntime);
        }
        Ok(self.0.session(kind, id))
    }
}
