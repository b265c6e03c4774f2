//! The two kinds of URL a far side may hand over: ICE servers (RFC 7064, RFC 7065) and go-away targets.
//! Read by hand because only these few forms are allowed, and everything else is refused.

use super::{AddressPolicy, AddressRefused, Host};
use crate::limits;

/// Why a URL of the far side is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Too long.
    #[error("the URL has {len} bytes, {limit} are allowed; shorten it")]
    TooLong {
        /// Its length, in bytes.
        len: usize,
        /// Most bytes allowed.
        limit: usize,
    },
    /// Empty, or a space, control or non-ASCII character in it.
    #[error("the URL is empty or holds a character that must be escaped; send printable ASCII")]
    Character,
    /// A scheme that is not on the list.
    #[error("the scheme is not allowed; allowed: {allowed}")]
    Scheme {
        /// The list.
        allowed: &'static str,
    },
    /// The target's scheme is weaker than the link's.
    #[error("the target is not encrypted and this link is; send a `wss` target")]
    Weaker,
    /// A user name in the URL, which nobody needs and phishing loves.
    #[error("the URL holds a user name or a password; leave it out and give a credential")]
    UserInfo,
    /// No host, or one that is not a name or address.
    #[error("the URL's host is neither a name nor an address; correct it")]
    Host,
    /// Not a port.
    #[error("the URL's port is not a number from 1 to 65535; correct it")]
    Port,
    /// Something after the host that has no place there.
    #[error("the URL ends in something its scheme does not have; cut it off")]
    Tail,
    /// The host is of a class that is not allowed.
    #[error(transparent)]
    Address(#[from] AddressRefused),
}

/// The scheme of an ICE server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IceScheme {
    /// STUN.
    Stun,
    /// TURN.
    Turn,
    /// TURN over TLS.
    Turns,
}

/// An ICE server URL that may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IceUrl {
    /// Which protocol.
    pub scheme: IceScheme,
    /// Where. A name's addresses are to be checked after DNS, too.
    pub host: Host,
    /// Which port; the scheme's default where the URL names none.
    pub port: u16,
    /// Over TCP? What a WebRTC stack cannot use is ignored and counted, not an error.
    pub tcp: bool,
}

/// A go-away target that may be dialled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// `wss`?
    pub secure: bool,
    /// Where. A name's addresses are to be checked after DNS, too.
    pub host: Host,
    /// Which port; the scheme's default where the URL names none.
    pub port: u16,
    /// Path and query, at least `/`.
    pub path: String,
}

/// Judges an ICE server URL of the far side (S14).
///
/// # Errors
/// [`UrlError`]; ignore this server, count it, and use the others.
pub fn check_ice_url(url: &str, policy: AddressPolicy) -> Result<IceUrl, UrlError> {
    check_text(url)?;
    let scheme_error = UrlError::Scheme { allowed: "stun, turn, turns" };
    let (scheme, rest) = url.split_once(':').ok_or(scheme_error.clone())?;
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "stun" => IceScheme::Stun,
        "turn" => IceScheme::Turn,
        "turns" => IceScheme::Turns,
        _ => return Err(scheme_error),
    };
    let (authority, query) = match rest.split_once('?') {
        Some((authority, query)) => (authority, Some(query)),
        None => (rest, None),
    };
    let tcp = match (scheme, query) {
        (IceScheme::Stun | IceScheme::Turn, None) | (IceScheme::Turn, Some("transport=udp")) => false,
        (IceScheme::Turn, Some("transport=tcp")) | (IceScheme::Turns, None | Some("transport=tcp")) => true,
        (IceScheme::Turns, Some("transport=udp")) => false,
        (IceScheme::Stun | IceScheme::Turn | IceScheme::Turns, Some(_)) => return Err(UrlError::Tail),
    };
    let default_port = if scheme == IceScheme::Turns { 5349 } else { 3478 };
    let (host, port) = check_authority(authority, default_port, policy)?;
    Ok(IceUrl { scheme, host, port, tcp })
}

/// Judges a go-away target: `wss`, or `ws` where the present link is not encrypted either; no user
/// information, no fragment; the host checked.
///
/// # Errors
/// [`UrlError`]; ignore the target and treat the go-away as one without.
pub fn check_target(target: &str, link_is_secure: bool, policy: AddressPolicy) -> Result<Target, UrlError> {
    check_text(target)?;
    let scheme_error = UrlError::Scheme { allowed: "wss, ws" };
    let (scheme, rest) = target.split_once("://").ok_or(scheme_error.clone())?;
    let secure = match scheme.to_ascii_lowercase().as_str() {
        "wss" => true,
        "ws" if link_is_secure => return Err(UrlError::Weaker),
        "ws" => false,
        _ => return Err(scheme_error),
    };
    if rest.contains('#') || rest.contains('\\') {
        return Err(UrlError::Tail);
    }
    let split = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at_checked(split).ok_or(UrlError::Host)?;
    let (host, port) = check_authority(authority, if secure { 443 } else { 80 }, policy)?;
    let path = if tail.starts_with('/') { tail.to_owned() } else { format!("/{tail}") };
    Ok(Target { secure, host, port, path })
}

fn check_text(url: &str) -> Result<(), UrlError> {
    if url.len() > limits::URL_BYTES {
        return Err(UrlError::TooLong { len: url.len(), limit: limits::URL_BYTES });
    }
    if url.is_empty() || !url.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(UrlError::Character);
    }
    Ok(())
}

fn check_authority(
    authority: &str,
    default_port: u16,
    policy: AddressPolicy,
) -> Result<(Host, u16), UrlError> {
    if authority.contains('@') {
        return Err(UrlError::UserInfo);
    }
    // The port's colon is the one after the bracket of an IPv6 address.
    let host_end = match authority.find(']') {
        Some(bracket) => bracket + 1,
        None if authority.starts_with('[') => return Err(UrlError::Host),
        None => 0,
    };
    let after = authority.get(host_end..).ok_or(UrlError::Host)?;
    let (host, port) = match after.find(':') {
        None => (authority, default_port),
        Some(colon) => {
            let (host, port) = authority.split_at_checked(host_end + colon).ok_or(UrlError::Host)?;
            (host, check_port(port.get(1..).unwrap_or(""))?)
        }
    };
    let host = Host::parse(host).ok_or(UrlError::Host)?;
    policy.check_host(&host)?;
    Ok((host, port))
}

fn check_port(port: &str) -> Result<u16, UrlError> {
    if port.is_empty() || !port.bytes().all(|b| b.is_ascii_digit()) {
        return Err(UrlError::Port);
    }
    port.parse().ok().filter(|port| *port != 0).ok_or(UrlError::Port)
}
