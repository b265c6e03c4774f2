//! The address of a dial: read, judged by scheme and host, and what it lets the far side name.
//! Opening a socket to it is in `socket.rs`.

use offhook_signaling::address::{AddressPolicy, AddressRefused, Host, UrlError, check_target};
use rustls::pki_types::ServerName;
use std::net::IpAddr;

/// Why nothing is dialled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AddressError {
    /// It cannot be read, or names something that is never dialled.
    #[error("this address cannot be dialled: {0}; write it as wss://host/path")]
    Url(#[from] UrlError),
    /// Plain `ws` to somewhere else than this machine.
    #[error(
        "plain ws leaves this machine unprotected; use wss, or on a line you trust dangerous_allow_plain_ws (--dangerous-allow-plain-ws of the command)"
    )]
    PlainWs,
    /// What the name stands for is of a kind that a far side may not send us to.
    #[error("the name stands for an address that may not be dialled from here: {0}")]
    Resolved(#[from] AddressRefused),
}

/// A place that may be dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) secure: bool,
    pub(super) host: Host,
    pub(super) port: u16,
    path: String,
    /// Did a server name it? Then the owner's way to its own server does not lead there.
    pub(super) is_target: bool,
    /// What its name may stand for.
    resolved: AddressPolicy,
}

impl Address {
    /// The address the owner gave.
    pub(super) fn configured(url: &str, plain_ws: bool) -> Result<Self, AddressError> {
        let target = check_target(url, false, AddressPolicy::LOCAL)?;
        let address = Self {
            secure: target.secure,
            host: target.host,
            port: target.port,
            path: target.path,
            is_target: false,
            resolved: AddressPolicy::LOCAL,
        };
        if address.secure || plain_ws {
            return Ok(address);
        }
        if !address.is_loopback() {
            return Err(AddressError::PlainWs);
        }
        // A name for this machine must not stand for another.
        Ok(Self { resolved: AddressPolicy { loopback: true, private: false, link_local: false }, ..address })
    }

    /// An address that the server of `self` named: not weaker, and not into a network that
    /// this server could not name for us (S14).
    pub(super) fn target(&self, url: &str) -> Result<Self, AddressError> {
        let policy = self.policy();
        let target = check_target(url, self.secure, policy)?;
        Ok(Self {
            secure: target.secure,
            host: target.host,
            port: target.port,
            path: target.path,
            is_target: true,
            resolved: policy,
        })
    }

    /// Is it this machine, as far as the name tells?
    pub(super) fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Ip(ip) => ip.is_loopback(),
            Host::Name(_) => AddressPolicy::STRICT.check_host(&self.host).is_err(),
        }
    }

    /// What this far side may send us to: a public one not into our own networks.
    fn policy(&self) -> AddressPolicy {
        if AddressPolicy::STRICT.check_host(&self.host).is_err() {
            AddressPolicy::LOCAL
        } else {
            AddressPolicy::STRICT
        }
    }

    /// Which ICE servers and candidates of this far side are used: hosts of a local network are
    /// the normal case of a call at home; this machine only if the far side is on it, too.
    pub(super) fn media_policy(&self) -> AddressPolicy {
        AddressPolicy { loopback: self.is_loopback(), private: true, link_local: true }
    }

    /// Judges what the name was resolved to.
    pub(super) fn check_resolved(&self, ip: IpAddr) -> Result<(), AddressError> {
        Ok(self.resolved.check(ip)?)
    }

    /// As the upgrade names it.
    pub(super) fn uri(&self) -> String {
        let scheme = if self.secure { "wss" } else { "ws" };
        format!("{scheme}://{}:{}{}", self.host, self.port, self.path)
    }

    /// As the certificate must name it.
    pub(super) fn server_name(&self) -> Option<ServerName<'static>> {
        match &self.host {
            Host::Ip(ip) => Some(ServerName::from(*ip)),
            Host::Name(name) => ServerName::try_from(name.clone()).ok(),
        }
    }
}

#[cfg(test)]
mod tests;
