//! A host: a network namespace that lives as long as its threads do, and what can be run in it. The namespace has no
//! name and no file, so nothing of it can be left behind, not even by a process that is killed.

use std::{
    any::Any,
    io,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    process::{Command, Output},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
    },
    task::{Context, Poll},
    thread,
    time::Duration,
};

use nix::sched::{CloneFlags, unshare};
use tokio::{
    runtime::Builder,
    sync::{oneshot, watch},
};

use super::{LabError, Unavailable, lab::LabInner};

/// How long the drop of a host waits for what runs in it, before it leaves that to end by itself.
const PATIENCE: Duration = Duration::from_secs(5);

type Job = Box<dyn FnOnce() + Send>;

/// What the thread of a host is told.
enum Order {
    Do(Job),
    End,
}

/// A machine of the lab: a network namespace of its own with a loopback, and the interfaces that are plugged in.
///
/// [`Host::run`] runs a future there, [`Host::command`] a program.
///
/// # Drop
/// Cancels what [`Host::run`] has started, removes the interfaces, and with them the namespace goes. Waits for the
/// cancelled futures to be dropped, at most 5 s: so do not drop a host on a thread on which they depend. A `Host` must
/// not be moved into its own `run`, which would keep it alive; an [`Interface`](super::Interface) may.
#[must_use = "a dropped host takes its namespace along"]
pub struct Host {
    shared: Arc<Shared>,
    cancel: watch::Sender<bool>,
    /// Each running future holds a copy; all are gone when the receiver says so.
    running: Option<(SyncSender<()>, Receiver<()>)>,
    thread: Option<thread::JoinHandle<()>>,
}

/// What a host and its interfaces share.
pub(super) struct Shared {
    pub(super) name: String,
    orders: SyncSender<Order>,
    pub(super) lab: Arc<LabInner>,
    pub(super) ports: Mutex<Vec<u64>>,
    pub(super) interfaces: AtomicU32,
}

impl Host {
    pub(super) fn new(name: &str, lab: Arc<LabInner>) -> Result<Self, Unavailable> {
        let (orders, inbox) = mpsc::sync_channel(16);
        let (ready, unshared) = mpsc::sync_channel(1);
        let thread = thread::Builder::new()
            .name(format!("netrig {name}"))
            .spawn(move || {
                let entered = unshare(CloneFlags::CLONE_NEWNET);
                let failed = entered.is_err();
                // An error says that nobody waits for the namespace any more.
                let _ = ready.send(entered);
                if !failed {
                    obey(&inbox);
                }
            })
            .map_err(|source| Unavailable::System { source })?;
        match unshared.recv() {
            Ok(Ok(())) => {}
            Ok(Err(refusal)) => return Err(Unavailable::NotPermitted { source: refusal.into() }),
            Err(_) => return Err(Unavailable::System { source: io::ErrorKind::BrokenPipe.into() }),
        }
        Ok(Self {
            shared: Arc::new(Shared {
                name: name.to_owned(),
                orders,
                lab,
                ports: Mutex::default(),
                interfaces: AtomicU32::new(0),
            }),
            cancel: watch::Sender::new(false),
            running: Some(mpsc::sync_channel(1)),
            thread: Some(thread),
        })
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The name it was given.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Runs a future on a thread of its own inside the namespace, on a single-threaded runtime with all drivers: its
    /// sockets, and those of the tasks that it spawns, are this host's. It need not be `Send`; what `make` captures
    /// and what comes out must be.
    ///
    /// Await the returned [`Running`] for what comes out; drop it, or the host, to cancel.
    ///
    /// # Errors
    /// [`LabError::Thread`] if the system gives no thread or runtime, [`LabError::HostGone`] if the host has ended.
    pub fn run<T, F>(&self, make: F) -> Result<Running<T>, LabError>
    where
        F: AsyncFnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let Some((running, _)) = &self.running else { return Err(self.shared.gone()) };
        let running = running.clone();
        let (give, result) = oneshot::channel();
        let (keep, mut dropped) = oneshot::channel::<()>();
        let mut cancelled = self.cancel.subscribe();
        let body = move || {
            // Held to the end of the thread's work: the host waits for it.
            let _running = running;
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                let runtime = Builder::new_current_thread().enable_all().build()?;
                let outcome = runtime.block_on(async {
                    tokio::select! {
                        outcome = make() => Some(outcome),
                        _ = cancelled.wait_for(|cancelled| *cancelled) => None,
                        _ = &mut dropped => None,
                    }
                });
                Ok::<_, io::Error>(outcome)
            }));
            // An error says that nobody wants to know.
            let _ = give.send(outcome);
        };
        let name = format!("netrig {} run", self.shared.name);
        // Spawned from the namespace's own thread, and so inside the namespace.
        let spawned = self.shared.inside(move || thread::Builder::new().name(name).spawn(body).map(drop))?;
        spawned.map_err(|source| LabError::Thread { source })?;
        Ok(Running { result, _keep: keep, host: self.shared.name.clone() })
    }

    /// Runs a program inside the namespace and waits for it to end. Blocks the calling thread meanwhile.
    ///
    /// # Errors
    /// [`LabError::Program`] if it cannot be started, [`LabError::HostGone`] if the host has ended.
    pub fn command(&self, command: Command) -> Result<Output, LabError> {
        self.shared.command(command)
    }

    /// What `ip addr show` says inside the namespace.
    ///
    /// # Errors
    /// As for [`Host::command`], and [`LabError::Refused`] if `ip` refuses.
    pub fn ip_addr(&self) -> Result<String, LabError> {
        self.shared.ip(&["addr", "show"])
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.cancel.send_replace(true);
        if let Some((running, all_gone)) = self.running.take() {
            drop(running);
            // Nobody sends: it ends when the last copy is dropped, or patience does.
            while !matches!(
                all_gone.recv_timeout(PATIENCE),
                Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout)
            ) {}
        }
        for id in self.shared.ports().drain(..) {
            self.shared.lab.driver.core().detach(id);
        }
        // An error says that the thread has ended.
        let _ = self.shared.orders.send(Order::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("name", &self.shared.name).finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn gone(&self) -> LabError {
        LabError::HostGone { host: self.name.clone() }
    }

    pub(super) fn ports(&self) -> std::sync::MutexGuard<'_, Vec<u64>> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn next_interface(&self) -> String {
        format!("eth{}", self.interfaces.fetch_add(1, Ordering::Relaxed))
    }

    /// Does something on the namespace's own thread, and waits for it.
    pub(super) fn inside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, LabError> {
        let (give, result) = mpsc::sync_channel(1);
        let job: Job = Box::new(move || {
            // An error says that nobody waits.
            let _ = give.send(work());
        });
        self.orders.send(Order::Do(job)).map_err(|_| self.gone())?;
        result.recv().map_err(|_| self.gone())
    }

    pub(super) fn command(&self, mut command: Command) -> Result<Output, LabError> {
        let program = command.get_program().to_string_lossy().into_owned();
        self.inside(move || command.output())?.map_err(|source| LabError::Program { program, source })
    }

    /// Runs `ip` with these arguments, and gives what it says.
    pub(super) fn ip(&self, args: &[&str]) -> Result<String, LabError> {
        let mut command = Command::new("ip");
        command.args(args);
        let output = self.command(command)?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Err(LabError::Refused { order: args.join(" "), host: self.name.clone(), said })
        }
    }
}

/// The life of a namespace's own thread.
fn obey(inbox: &Receiver<Order>) {
    while let Ok(Order::Do(job)) = inbox.recv() {
        // A job that panics has dropped its sender: whoever waits for it hears that.
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
}

type Caught<T> = Result<io::Result<Option<T>>, Box<dyn Any + Send>>;

/// A future that runs on a [`Host`]. Await it for its output.
///
/// # Panics
/// If the future has panicked, awaiting this goes on with the same panic: an assertion that fails on a host fails the
/// test.
///
/// # Drop
/// Dropping it cancels the future.
#[must_use = "dropping it cancels what runs"]
pub struct Running<T> {
    result: oneshot::Receiver<Caught<T>>,
    _keep: oneshot::Sender<()>,
    host: String,
}

impl<T> Future for Running<T> {
    type Output = Result<T, LabError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = std::task::ready!(Pin::new(&mut self.result).poll(cx));
        Poll::Ready(match outcome {
            Ok(Ok(Ok(Some(output)))) => Ok(output),
            Ok(Ok(Err(source))) => Err(LabError::Thread { source }),
            Ok(Err(panic)) => resume_unwind(panic),
            Ok(Ok(Ok(None))) | Err(_) => Err(LabError::HostGone { host: self.host.clone() }),
        })
    }
}

impl<T> std::fmt::Debug for Running<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("host", &self.host).finish_non_exhaustive()
    }
}
