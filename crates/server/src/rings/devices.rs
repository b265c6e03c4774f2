//! The devices of each user, and the way to each. A device that does not read is cut: it dials
//! again and is shown where things stand, so no word about a ring is ever waited for here.

use super::Bearer;
use offhook_signaling::{Error, FromServer, Instance};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How long a user who has no device here is remembered as one there is.
const REMEMBERED: Duration = Duration::from_secs(3_600);
/// Users remembered at most; beyond it those without a device are forgotten, oldest first.
const MOST: usize = 65_536;

/// One presence link.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) user: String,
    pub(crate) instance: Instance,
    pub(crate) epoch: u64,
    pub(crate) bearer: Bearer,
    pub(crate) out: mpsc::Sender<ToDevice>,
}

/// What a device's socket is told.
#[derive(Debug)]
pub(crate) enum ToDevice {
    /// Say this.
    Say(Box<FromServer>),
    /// Say this and close.
    End(Error),
}

/// One user: the devices, and what rings.
#[derive(Debug, Default)]
pub(super) struct User {
    pub(super) devices: Vec<Device>,
    /// Rings that come in and are not answered yet.
    pub(super) incoming: BTreeSet<String>,
    /// Rings that they placed.
    pub(super) outgoing: BTreeSet<String>,
    /// When they placed their last ones.
    pub(super) recent: VecDeque<Instant>,
    /// Since when there is no device.
    left: Option<Instant>,
}

impl User {
    /// Tells every device; one that cannot take it is cut.
    pub(super) fn tell(&mut self, message: &FromServer, but: Option<Instance>) {
        self.devices.retain(|device| {
            Some(device.instance) == but
                || device.out.try_send(ToDevice::Say(Box::new(message.clone()))).is_ok()
        });
    }

    /// Tells one device, if it is there.
    pub(super) fn tell_device(&mut self, instance: Instance, message: FromServer) {
        if let Some(at) = self.devices.iter().position(|device| device.instance == instance)
            && self.devices[at].out.try_send(ToDevice::Say(Box::new(message))).is_err()
        {
            self.devices.remove(at);
        }
    }

    pub(super) fn has_device(&self, instance: Instance) -> bool {
        self.devices.iter().any(|device| device.instance == instance)
    }

    fn is_idle(&self) -> bool {
        self.devices.is_empty() && self.incoming.is_empty() && self.outgoing.is_empty()
    }
}

/// Everybody who is or was here.
#[derive(Debug, Default)]
pub(super) struct Users(HashMap<String, User>);

impl Users {
    /// Was this user ever here, as far as is remembered?
    pub(super) fn knows(&self, user: &str) -> bool {
        self.0.contains_key(user)
    }

    pub(super) fn get_mut(&mut self, user: &str) -> Option<&mut User> {
        self.0.get_mut(user)
    }

    pub(super) fn devices(&self) -> usize {
        self.0.values().map(|user| user.devices.len()).sum()
    }

    /// Enters a device in the place of its own ghost. The number of devices beside it, or `None`
    /// where a newer dial of it is there.
    pub(super) fn enter(&mut self, device: Device, most: usize, now: Instant) -> Result<&mut User, TooMany> {
        if self.0.len() >= MOST && !self.knows(&device.user) {
            self.forget(now);
        }
        let user = self.0.entry(device.user.clone()).or_default();
        if let Some(ghost) = user.devices.iter_mut().find(|known| known.instance == device.instance) {
            if ghost.epoch >= device.epoch && !ghost.out.is_closed() {
                return Err(TooMany::Stale);
            }
            *ghost = device;
        } else {
            user.devices.retain(|known| !known.out.is_closed());
            if user.devices.len() >= most {
                return Err(TooMany::Devices);
            }
            user.devices.push(device);
        }
        user.left = None;
        Ok(user)
    }

    /// A device's socket is over. True if nothing took its place.
    pub(super) fn leave(&mut self, device: &Device, now: Instant) -> bool {
        let Some(user) = self.0.get_mut(&device.user) else { return false };
        user.devices.retain(|known| !known.out.same_channel(&device.out));
        if user.devices.is_empty() {
            user.left = Some(now);
        }
        !user.has_device(device.instance)
    }

    fn forget(&mut self, now: Instant) {
        self.0.retain(|_, user| {
            !user.is_idle() || user.left.is_some_and(|left| now.duration_since(left) < REMEMBERED)
        });
        while self.0.len() >= MOST {
            let idle = self.0.iter().filter(|(_, user)| user.is_idle());
            let Some(oldest) = idle.min_by_key(|(_, user)| user.left).map(|(name, _)| name.clone()) else {
                return;
            };
            self.0.remove(&oldest);
        }
    }

    pub(super) fn close(&mut self, words: &Error) {
        for device in self.0.drain().flat_map(|(_, user)| user.devices) {
            let _ = device.out.try_send(ToDevice::End(words.clone()));
        }
    }
}

/// Why a device is not entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TooMany {
    /// A newer dial of it is there.
    Stale,
    /// Its user has as many as are allowed.
    Devices,
    /// The server has as many as are allowed.
    Presences,
    /// Nobody is let in any more.
    Closed,
}
