//! The thread that carries frames between the TAP devices and the fabric, and the clock the fabric lives by.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Instant,
};

use tokio::{
    runtime::{Builder, Handle},
    sync::{Notify, oneshot},
    task::AbortHandle,
    time::sleep_until,
};
use tokio_tun::{Tun, TunBuilder};

use super::{
    Unavailable,
    fabric::{Fabric, PortId},
};

/// Longer than any frame: Ethernet's header and 1,500 bytes.
const FRAME: usize = 2_048;

/// The fabric and its devices, shared by the lab's handles and its thread.
pub(super) struct Core {
    fabric: Mutex<Fabric>,
    devices: Mutex<HashMap<PortId, Device>>,
    changed: Notify,
    began: Instant,
}

struct Device {
    tap: Arc<Tun>,
    reader: AbortHandle,
}

/// The running thread. Dropping it ends the thread and closes all devices.
pub(super) struct Driver {
    core: Arc<Core>,
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Driver {
    pub(super) fn start(seed: u64) -> Result<Self, Unavailable> {
        let core = Arc::new(Core {
            fabric: Mutex::new(Fabric::new(seed)),
            devices: Mutex::default(),
            changed: Notify::new(),
            began: Instant::now(),
        });
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|source| Unavailable::System { source })?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let pumped = Arc::clone(&core);
        let pump = move || {
            runtime.block_on(async {
                tokio::select! {
                    () = pumped.pump() => {}
                    // An error says that the driver is gone, which is the same order.
                    _ = stopped => {}
                }
            });
            pumped.devices().clear();
        };
        let thread = thread::Builder::new()
            .name("netrig fabric".into())
            .spawn(pump)
            .map_err(|source| Unavailable::System { source })?;
        Ok(Self { core, handle, stop: Some(stop), thread: Some(thread) })
    }

    pub(super) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// Opens a TAP device in the network namespace of the calling thread.
    pub(super) fn open(&self, name: &str) -> io::Result<Tun> {
        // The device's file is watched by the fabric's runtime, whichever thread opens it.
        let _entered = self.handle.enter();
        let opened = TunBuilder::new().name(name).tap().close_on_exec().build();
        opened.map_err(system)?.pop().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Lets the frames of a device into the fabric.
    pub(super) fn attach(&self, id: PortId, tap: Tun) {
        let tap = Arc::new(tap);
        let reader = self.handle.spawn(Arc::clone(&self.core).read(id, Arc::clone(&tap))).abort_handle();
        self.core.devices().insert(id, Device { tap, reader });
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // An error says that it has stopped already.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            // It has nothing to wait for; were it to have panicked, it is gone as well.
            let _ = thread.join();
        }
    }
}

impl Core {
    /// Looks at the fabric, or changes it, and has it looked at anew.
    pub(super) fn with<T>(&self, change: impl FnOnce(&mut Fabric) -> T) -> T {
        let result = change(&mut self.fabric());
        self.changed.notify_one();
        result
    }

    /// Closes the device of a port and takes the port off its network.
    pub(super) fn detach(&self, id: PortId) {
        if let Some(device) = self.devices().remove(&id) {
            device.reader.abort();
        }
        self.with(|fabric| fabric.remove_port(id));
    }

    async fn pump(&self) {
        let mut out = Vec::new();
        loop {
            let wake = {
                let mut fabric = self.fabric();
                fabric.advance(self.began.elapsed(), &mut out);
                fabric.wake()
            };
            for (id, frame) in out.drain(..) {
                self.deliver(id, &frame);
            }
            let wake = wake.and_then(|due| self.began.checked_add(due));
            tokio::select! {
                () = self.changed.notified() => {}
                () = sleep_until(wake.unwrap_or(self.began).into()), if wake.is_some() => {}
            }
        }
    }

    async fn read(self: Arc<Self>, id: PortId, tap: Arc<Tun>) {
        let mut buffer = vec![0; FRAME];
        // An error says that the interface is gone from its namespace.
        while let Ok(len) = tap.recv(&mut buffer).await {
            let frame = buffer.get(..len).unwrap_or_default();
            let answer = self.fabric().arrived(self.began.elapsed(), id, frame);
            if let Some((id, frame)) = answer {
                self.deliver(id, &frame);
            }
            self.changed.notify_one();
        }
    }

    fn deliver(&self, id: PortId, frame: &[u8]) {
        if let Some(device) = self.devices().get(&id) {
            // An interface that is down takes no frames, and a host that is too slow loses some: as with any cable.
            let _ = device.tap.try_send(frame);
        }
    }

    fn fabric(&self) -> MutexGuard<'_, Fabric> {
        self.fabric.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn devices(&self) -> MutexGuard<'_, HashMap<PortId, Device>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The system's answer, within the device library's.
fn system(error: tokio_tun::Error) -> io::Error {
    match error {
        tokio_tun::Error::IoError(error) => error,
        tokio_tun::Error::NixError(error) => error.into(),
    }
}
