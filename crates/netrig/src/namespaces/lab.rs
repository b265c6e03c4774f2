//! The lab and the handles a test holds: networks and interfaces. What happens to packets is in `fabric`, what runs in
//! a namespace in `host`.

use std::{fmt, io, net::Ipv4Addr, process::Command, sync::Arc};

use super::{
    LabError, Unavailable,
    driver::Driver,
    fabric::{Card, MANY},
    host::{Host, Shared},
};
use crate::{Conditions, Direction, Tally, Ways};

/// Hosts and networks of a test's own. Clones are handles to the same lab.
///
/// It lives as long as anything made by it.
#[derive(Clone)]
pub struct Lab {
    inner: Arc<LabInner>,
}

pub(super) struct LabInner {
    pub(super) driver: Driver,
    seed: u64,
}

/// How a network is joined to the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Its addresses are known everywhere, as a server's.
    Open,
    /// Behind a NAT: seen from outside all hosts have one address, and only what answers them gets in. UDP and TCP.
    Nat,
}

impl Lab {
    /// Makes a lab, after trying whether this machine lets it. All chance in it follows from the seed.
    ///
    /// # Errors
    /// [`Unavailable`], with the next step.
    pub fn new(seed: u64) -> Result<Self, Unavailable> {
        Command::new("ip").arg("-V").output().map_err(|source| Unavailable::NoIp { source })?;
        let lab = Self { inner: Arc::new(LabInner { driver: Driver::start(seed)?, seed }) };
        let trial = lab.host("trial")?;
        let inner = Arc::clone(&lab.inner);
        let opened = trial.shared().inside(move || inner.driver.open("trial").map(drop));
        match opened {
            Ok(Ok(())) => Ok(lab),
            Ok(Err(source)) => Err(Unavailable::NoTap { source }),
            Err(_) => Err(Unavailable::System { source: io::ErrorKind::BrokenPipe.into() }),
        }
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.inner.seed
    }

    /// Adds a host: a network namespace with nothing but a loopback.
    ///
    /// # Errors
    /// [`Unavailable::NotPermitted`] if the system gives no more namespaces, [`Unavailable::System`] if it gives no
    /// thread.
    pub fn host(&self, name: &str) -> Result<Host, Unavailable> {
        let host = Host::new(name, Arc::clone(&self.inner))?;
        let up = host.shared().ip(&["link", "set", "lo", "up"]);
        up.map_err(|error| Unavailable::System { source: io::Error::other(error) })?;
        Ok(host)
    }

    /// Adds a network: a range of addresses with a router, and a line from there to all other networks.
    ///
    /// # Errors
    /// [`LabError::Full`] after 250 networks.
    pub fn network(&self, access: Access) -> Result<Network, LabError> {
        let number = self.inner.driver.core().with(|fabric| fabric.add_net(access == Access::Nat));
        let number = number.ok_or(LabError::Full { what: "networks of a lab", most: MANY })?;
        Ok(Network { lab: Arc::clone(&self.inner), number })
    }
}

impl fmt::Debug for Lab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lab").field("seed", &self.inner.seed).finish_non_exhaustive()
    }
}

/// A network of the lab: the Wi-Fi at home, a mobile network, the server's. Clones are handles to the same network.
///
/// Its conditions and faults are those of its access line: what a host sends crosses the line of its own network *up*
/// and the line of the receiver's network *down*, also when both are on the same network.
#[derive(Clone)]
pub struct Network {
    lab: Arc<LabInner>,
    number: usize,
}

impl Network {
    /// Changes the conditions of one way or both, from the next packet on. The rate counts IP packets, headers
    /// included.
    pub fn set(&self, direction: Direction, conditions: Conditions) {
        self.lab.driver.core().with(|fabric| fabric.set(self.number, direction, conditions));
    }

    /// The conditions now.
    pub fn conditions(&self) -> Ways<Conditions> {
        self.lab.driver.core().with(|fabric| fabric.conditions(self.number))
    }

    /// Swallows everything, both ways and silently, what is in the air included, until [`Network::restore`]. No host
    /// hears of it; for a cable that is seen to be pulled see [`Interface::down`].
    pub fn cut(&self) {
        self.black_hole(Direction::Both);
    }

    /// The same in one way or both.
    pub fn black_hole(&self, direction: Direction) {
        self.lab.driver.core().with(|fabric| fabric.black_hole(self.number, direction));
    }

    /// Ends cuts and black holes. Conditions stay as they are.
    pub fn restore(&self) {
        self.lab.driver.core().with(|fabric| fabric.restore(self.number));
    }

    /// Has the NAT forget its mappings: what hosts send afterwards comes from other ports, and what is sent to the old
    /// ones is lost. Whether there is a NAT.
    pub fn rebind(&self) -> bool {
        self.lab.driver.core().with(|fabric| fabric.rebind(self.number))
    }

    /// The address under which others see the hosts of this network, if it has a NAT.
    pub fn public(&self) -> Option<Ipv4Addr> {
        self.lab.driver.core().with(|fabric| fabric.public(self.number))
    }

    /// The counters of each way now. A packet that nobody takes (no such address, no mapping in the NAT, no port that a
    /// NAT could translate) counts as failed.
    pub fn stats(&self) -> Ways<Tally> {
        let stats = self.lab.driver.core().with(|fabric| fabric.stats(self.number));
        stats.map(|stats| *stats.borrow()).unwrap_or_default()
    }

    /// Waits until the counters satisfy `met`, and gives them as they were then.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn wait_for(&self, met: impl FnMut(&Ways<Tally>) -> bool) -> Ways<Tally> {
        let stats = self.lab.driver.core().with(|fabric| fabric.stats(self.number));
        let Some(mut stats) = stats else { return Ways::default() };
        // The sender lives in the lab, which we hold, so the wait cannot fail.
        stats.wait_for(met).await.map(|stats| *stats).unwrap_or_default()
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Host {
    /// Plugs the host into a network: a new Ethernet interface with a new address there, up, and a default route
    /// through it that is preferred to those of earlier interfaces.
    ///
    /// # Errors
    /// [`LabError::Device`] if the system gives no interface, [`LabError::Full`] if the network has no address left,
    /// [`LabError::Refused`] if `ip` refuses, [`LabError::HostGone`] if the host has ended.
    pub fn plug(&self, network: &Network) -> Result<Interface, LabError> {
        let host = Arc::clone(self.shared());
        let core = host.lab.driver.core();
        let full = LabError::Full { what: "addresses of a network", most: MANY };
        let card = core.with(|fabric| fabric.add_port(network.number)).ok_or(full)?;
        let name = host.next_interface();
        let interface = Interface { host, card, name, plugged: true };
        let (lab, name) = (Arc::clone(&interface.host.lab), interface.name.clone());
        let tap = interface.host.inside(move || lab.driver.open(&name))?;
        let tap = tap.map_err(|source| LabError::Device { source })?;
        interface.host.lab.driver.attach(card.id, tap);
        interface.host.ports().push(card.id);
        let mac = card.mac.map(|octet| format!("{octet:02x}")).join(":");
        interface.host.ip(&["link", "set", &interface.name, "address", &mac])?;
        // No address of its own accord, and so no chatter in IPv6.
        interface.host.ip(&["link", "set", &interface.name, "addrgenmode", "none"])?;
        interface.host.ip(&["addr", "add", &format!("{}/24", card.ip), "dev", &interface.name])?;
        interface.up()?;
        Ok(interface)
    }
}

/// An Ethernet interface of a [`Host`], plugged into a [`Network`].
///
/// The orders here run `ip` inside the namespace and block the calling thread until it has ended, some milliseconds.
///
/// # Drop
/// Dropping it unplugs it, as [`Interface::unplug`] does.
#[must_use = "a dropped interface is unplugged"]
pub struct Interface {
    host: Arc<Shared>,
    card: Card,
    name: String,
    plugged: bool,
}

impl Interface {
    /// Its name on the host: `eth0`, `eth1`, …; no name comes twice on one host.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address. No address comes twice on one network.
    pub fn address(&self) -> Ipv4Addr {
        self.card.ip
    }

    /// The address of the router on its network.
    pub fn gateway(&self) -> Ipv4Addr {
        self.card.gateway
    }

    /// Takes the link down, as a system does whose Wi-Fi is switched off: the host knows, its routes through here
    /// vanish, sends fail. The address stays.
    ///
    /// # Errors
    /// [`LabError::Refused`] if `ip` refuses, [`LabError::HostGone`] if the host has ended.
    pub fn down(&self) -> Result<(), LabError> {
        self.host.ip(&["link", "set", &self.name, "down"]).map(drop)
    }

    /// Brings the link up again, and its default route back.
    ///
    /// # Errors
    /// As for [`Interface::down`].
    pub fn up(&self) -> Result<(), LabError> {
        self.host.ip(&["link", "set", &self.name, "up"])?;
        // Of several default routes the one with the least metric counts: the newest interface's.
        let metric = 10_000_u64.saturating_sub(self.card.id).to_string();
        let via = self.card.gateway.to_string();
        self.host
            .ip(&["route", "replace", "default", "via", &via, "dev", &self.name, "metric", &metric])
            .map(drop)
    }

    /// Takes the interface away, and with it address and routes.
    ///
    /// # Errors
    /// [`LabError::Refused`] if `ip` refuses, [`LabError::HostGone`] if the host has ended: then it is gone as well.
    pub fn unplug(mut self) -> Result<(), LabError> {
        self.remove()
    }

    fn remove(&mut self) -> Result<(), LabError> {
        if !std::mem::replace(&mut self.plugged, false) {
            return Ok(());
        }
        // Gone from the host when this returns; closing the device alone would not wait for that.
        let deleted = self.host.ip(&["link", "delete", &self.name]).map(drop);
        self.host.ports().retain(|id| *id != self.card.id);
        self.host.lab.driver.core().detach(self.card.id);
        deleted
    }
}

impl Drop for Interface {
    fn drop(&mut self) {
        // Nobody is left to tell; an interface whose host is gone is gone.
        let _ = self.remove();
    }
}

impl fmt::Debug for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interface")
            .field("host", &self.host.name)
            .field("name", &self.name)
            .field("address", &self.card.ip)
            .finish_non_exhaustive()
    }
}
