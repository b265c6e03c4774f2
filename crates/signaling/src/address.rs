//! Addresses the far side names: ICE servers, go-away targets, candidates. Classed and judged before
//! anything is sent to them (S14, S20). Resolving names is the transports' part; they call
//! [`AddressPolicy::check`] again with what DNS said.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

mod url;

pub use url::{IceScheme, IceUrl, Target, UrlError, check_ice_url, check_target};

/// What kind of place an address is. Embedded IPv4 (mapped, NAT64, 6to4) is classed by what it embeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressClass {
    /// The open internet.
    Public,
    /// This machine.
    Loopback,
    /// RFC 1918, shared carrier space (RFC 6598), IPv6 unique local.
    Private,
    /// This wire only.
    LinkLocal,
    /// Where clouds hand out credentials to whoever asks: never allowed.
    Metadata,
    /// Unspecified, multicast, broadcast, documentation, reserved: nobody's address, never allowed.
    Unusable,
}

impl AddressClass {
    /// The class of an address.
    #[must_use]
    pub fn of(ip: IpAddr) -> AddressClass {
        match ip {
            IpAddr::V4(ip) => class_of_v4(ip),
            IpAddr::V6(ip) => class_of_v6(ip),
        }
    }
}

impl fmt::Display for AddressClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AddressClass::Public => "public",
            AddressClass::Loopback => "loopback",
            AddressClass::Private => "private",
            AddressClass::LinkLocal => "link-local",
            AddressClass::Metadata => "cloud metadata",
            AddressClass::Unusable => "unusable",
        })
    }
}

/// Which classes may be talked to. Public addresses always may; metadata and unusable ones never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AddressPolicy {
    /// This machine: for a server on a laptop, and in tests.
    pub loopback: bool,
    /// The local network: for a server in the same building.
    pub private: bool,
    /// This wire only.
    pub link_local: bool,
}

/// The address is of a class that the policy does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{class} addresses are {}", self.advice())]
pub struct AddressRefused {
    /// Its class.
    pub class: AddressClass,
}

impl AddressRefused {
    fn advice(self) -> &'static str {
        match self.class {
            AddressClass::Metadata | AddressClass::Unusable => {
                "never dialled; use another address of the far side"
            }
            AddressClass::Public
            | AddressClass::Loopback
            | AddressClass::Private
            | AddressClass::LinkLocal => {
                "not allowed here; allow them in the address policy if the far side is trusted"
            }
        }
    }
}

impl AddressPolicy {
    /// Public addresses only.
    pub const STRICT: AddressPolicy = AddressPolicy { loopback: false, private: false, link_local: false };
    /// Also this machine and the local network, never metadata.
    pub const LOCAL: AddressPolicy = AddressPolicy { loopback: true, private: true, link_local: true };

    /// Judges an address; call it with what DNS answered as well.
    ///
    /// # Errors
    /// [`AddressRefused`] with the class.
    pub fn check(self, ip: IpAddr) -> Result<(), AddressRefused> {
        let class = AddressClass::of(ip);
        let allowed = match class {
            AddressClass::Public => true,
            AddressClass::Loopback => self.loopback,
            AddressClass::Private => self.private,
            AddressClass::LinkLocal => self.link_local,
            AddressClass::Metadata | AddressClass::Unusable => false,
        };
        if allowed { Ok(()) } else { Err(AddressRefused { class }) }
    }

    /// Judges a host as it was named. A name passes unless it is known to be local; what it resolves
    /// to is to be checked as well.
    ///
    /// # Errors
    /// [`AddressRefused`] with the class.
    pub fn check_host(self, host: &Host) -> Result<(), AddressRefused> {
        match host {
            Host::Ip(ip) => self.check(*ip),
            Host::Name(name) if is_local_name(name) => self.check(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            Host::Name(name) if is_metadata_name(name) => {
                Err(AddressRefused { class: AddressClass::Metadata })
            }
            Host::Name(_) => Ok(()),
        }
    }
}

/// A host of a URL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// An address, however it was written.
    Ip(IpAddr),
    /// A name, in lower case, without a final dot.
    Name(String),
}

impl Host {
    /// Reads a host: a name, an IPv6 address in brackets, or IPv4 in any form that resolvers take,
    /// decimal, octal and hexadecimal included (`2130706433` is 127.0.0.1).
    #[must_use]
    pub fn parse(text: &str) -> Option<Host> {
        if let Some(inner) = text.strip_prefix('[') {
            return inner.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(|ip| Host::Ip(IpAddr::V6(ip)));
        }
        let text = text.strip_suffix('.').unwrap_or(text);
        let last = text.rsplit('.').next()?;
        // A last part that is a number makes the whole an address, or nothing (WHATWG URL, 3.5).
        if last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x") || last.starts_with("0X") {
            return loose_ipv4(text).map(|ip| Host::Ip(IpAddr::V4(ip)));
        }
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        (text.len() <= 253 && text.split('.').all(label)).then(|| Host::Name(text.to_ascii_lowercase()))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Ip(IpAddr::V4(ip)) => ip.fmt(f),
            Host::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
            Host::Name(name) => f.write_str(name),
        }
    }
}

fn is_local_name(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost") || name.ends_with(".localdomain")
}

fn is_metadata_name(name: &str) -> bool {
    matches!(name, "metadata" | "metadata.google.internal" | "instance-data" | "metadata.azure.internal")
}

/// As `inet_aton` reads it: one to four parts, each decimal, octal or hexadecimal, the last one
/// filling the rest.
fn loose_ipv4(text: &str) -> Option<Ipv4Addr> {
    let parts = text.split('.').map(loose_number).collect::<Option<Vec<u32>>>()?;
    let (last, front) = parts.split_last()?;
    if front.len() > 3 || front.iter().any(|part| *part > 255) {
        return None;
    }
    let rest_bits = 32 - 8 * u32::try_from(front.len()).ok()?;
    if rest_bits < 32 && *last >= 1 << rest_bits {
        return None;
    }
    let high = front.iter().enumerate().fold(0u32, |acc, (i, part)| acc | part << (24 - 8 * i));
    Some(Ipv4Addr::from(high | last))
}

fn loose_number(part: &str) -> Option<u32> {
    // `from_str_radix` takes a sign; an address part has none.
    if part.is_empty() || !part.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    match part.strip_prefix("0x").or_else(|| part.strip_prefix("0X")) {
        Some("") => Some(0),
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None if part.len() > 1 && part.starts_with('0') => u32::from_str_radix(part, 8).ok(),
        None => part.parse().ok(),
    }
}

fn class_of_v4(ip: Ipv4Addr) -> AddressClass {
    let [a, b, c, d] = ip.octets();
    match [a, b, c, d] {
        // The instance metadata addresses of the large clouds.
        [169, 254, 169, 254 | 253 | 250 | 123] | [169, 254, 170, 2 | 23] | [100, 100, 100, 200] => {
            AddressClass::Metadata
        }
        [192, 0, 0, 192] | [168, 63, 129, 16] => AddressClass::Metadata,
        [127, ..] => AddressClass::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => AddressClass::Private,
        [169, 254, ..] => AddressClass::LinkLocal,
        // This network, IETF protocol space, documentation, benchmarks, 6to4 relays, multicast and above.
        [0, ..] | [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => AddressClass::Unusable,
        [198, 18 | 19, ..] | [192, 88, 99, _] | [224..=255, ..] => AddressClass::Unusable,
        _ => AddressClass::Public,
    }
}

fn class_of_v6(ip: Ipv6Addr) -> AddressClass {
    let [a, b, c, d, e, f, g, h] = ip.segments();
    let v4 = |high: u16, low: u16| class_of_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match [a, b, c, d, e, f, g, h] {
        [0, 0, 0, 0, 0, 0, 0, 0] => AddressClass::Unusable,
        [0, 0, 0, 0, 0, 0, 0, 1] => AddressClass::Loopback,
        // IPv4 inside: mapped, translated, compatible (deprecated), NAT64, 6to4.
        [0, 0, 0, 0, 0, 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] | [0, 0, 0, 0, 0, 0, ..] => v4(g, h),
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => v4(g, h),
        [0x64, 0xff9b, 1, ..] => AddressClass::Private,
        [0x2002, ..] => v4(b, c),
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254] => {
            AddressClass::Metadata
        }
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => AddressClass::Private,
        [0xfe80..=0xfebf, ..] => AddressClass::LinkLocal,
        // Teredo carries an IPv4 address that its owner chose, scrambled; nobody needs it today.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0x0fff, ..] => AddressClass::Unusable,
        [0x2000..=0x3fff, ..] => AddressClass::Public,
        _ => AddressClass::Unusable,
    }
}
