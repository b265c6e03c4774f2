//! Addresses and URLs a far side may name: the table of hostile ones (S14), and of good ones.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, too, stop at the first surprise

use offhook_signaling::address::{
    AddressClass, AddressPolicy, AddressRefused, Host, IceScheme, UrlError, check_ice_url, check_target,
};
use std::net::IpAddr;

fn class(text: &str) -> AddressClass {
    AddressClass::of(text.parse::<IpAddr>().unwrap())
}

#[test]
fn addresses_have_the_class_of_what_they_reach() {
    use AddressClass::*;
    let table = [
        ("8.8.8.8", Public),
        ("2606:4700::1111", Public),
        ("127.0.0.1", Loopback),
        ("127.255.255.254", Loopback),
        ("::1", Loopback),
        ("::ffff:127.0.0.1", Loopback),
        ("::127.0.0.1", Loopback),
        ("::ffff:0:127.0.0.1", Loopback),
        ("64:ff9b::7f00:1", Loopback),
        ("2002:7f00:1::", Loopback),
        ("10.1.2.3", Private),
        ("172.16.0.1", Private),
        ("172.31.255.255", Private),
        ("172.32.0.1", Public),
        ("192.168.1.1", Private),
        ("100.64.0.1", Private),
        ("::ffff:10.0.0.1", Private),
        ("fc00::1", Private),
        ("fd12::1", Private),
        ("fec0::1", Private),
        ("169.254.1.1", LinkLocal),
        ("fe80::1", LinkLocal),
        ("169.254.169.254", Metadata),
        ("::ffff:169.254.169.254", Metadata),
        ("64:ff9b::a9fe:a9fe", Metadata),
        ("169.254.170.2", Metadata),
        ("100.100.100.200", Metadata),
        ("fd00:ec2::254", Metadata),
        ("0.0.0.0", Unusable),
        ("::", Unusable),
        ("224.0.0.1", Unusable),
        ("255.255.255.255", Unusable),
        ("240.0.0.1", Unusable),
        ("192.0.2.1", Unusable),
        ("198.18.0.1", Unusable),
        ("203.0.113.9", Unusable),
        ("ff02::1", Unusable),
        ("2001:db8::1", Unusable),
        ("2001:0:1234::1", Unusable),
    ];
    for (text, expected) in table {
        assert_eq!(class(text), expected, "{text}");
    }
}

#[test]
fn a_policy_allows_what_it_names_and_never_metadata() {
    let check = |policy: AddressPolicy, text: &str| policy.check(text.parse().unwrap()).is_ok();
    for (text, strict, local) in [
        ("9.9.9.9", true, true),
        ("127.0.0.1", false, true),
        ("192.168.0.9", false, true),
        ("fe80::1", false, true),
        ("169.254.169.254", false, false),
        ("0.0.0.0", false, false),
    ] {
        assert_eq!(check(AddressPolicy::STRICT, text), strict, "{text}");
        assert_eq!(check(AddressPolicy::LOCAL, text), local, "{text}");
    }
}

/// S14: every way to write a local address that a resolver would take.
#[test]
fn hostile_ice_servers_are_refused_however_they_are_written() {
    let local = [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "127.1",
        "127.0.1",
        "127.0.0.1.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::127.0.0.1]",
        "localhost",
        "LOCALHOST.",
        "x.localhost",
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "[::ffff:169.254.169.254]",
        "[fd00:ec2::254]",
        "metadata.google.internal",
        "10.0.0.1",
        "0xa000001",
        "192.168.1.1",
        "3232235777",
        "[fe80::1]",
        "[fd12::1]",
        "0.0.0.0",
        "0",
        "[::]",
    ];
    for host in local {
        for url in
            [format!("stun:{host}"), format!("turn:{host}:3478?transport=udp"), format!("turns:{host}:443")]
        {
            let error = check_ice_url(&url, AddressPolicy::STRICT).unwrap_err();
            assert!(matches!(error, UrlError::Address(AddressRefused { .. })), "{url}: {error:?}");
        }
        let target = format!("wss://{host}/session");
        let error = check_target(&target, true, AddressPolicy::STRICT).unwrap_err();
        assert!(matches!(error, UrlError::Address(_)), "{target}: {error:?}");
    }
}

#[test]
fn malformed_ice_urls_are_typed_errors() {
    let scheme = UrlError::Scheme { allowed: "stun, turn, turns" };
    let long = format!("stun:{}", "a".repeat(3000));
    let table = [
        ("", UrlError::Character),
        ("stun:a b", UrlError::Character),
        ("stun:a\r\nb", UrlError::Character),
        ("stun:exämple.org", UrlError::Character),
        ("http://example.org", scheme.clone()),
        ("file:///etc/passwd", scheme.clone()),
        ("stuns:example.org", scheme.clone()),
        ("example.org", scheme),
        ("stun://example.org", UrlError::Host),
        ("stun:", UrlError::Host),
        ("stun:[::1", UrlError::Host),
        ("stun:999.1.1.1", UrlError::Host),
        ("stun:1.2.3.4.5", UrlError::Host),
        ("stun:0x", UrlError::Address(AddressRefused { class: AddressClass::Unusable })),
        ("stun:user@example.org", UrlError::UserInfo),
        ("stun:example.org:0", UrlError::Port),
        ("stun:example.org:65536", UrlError::Port),
        ("stun:example.org:+80", UrlError::Port),
        ("stun:example.org:", UrlError::Port),
        ("stun:example.org?transport=udp", UrlError::Tail),
        ("turn:example.org?transport=sctp", UrlError::Tail),
        ("turn:example.org/path", UrlError::Host),
        (&long, UrlError::TooLong { len: 3005, limit: 2048 }),
    ];
    for (url, expected) in table {
        assert_eq!(check_ice_url(url, AddressPolicy::STRICT), Err(expected), "{url}");
    }
}

#[test]
fn good_ice_urls_are_read() {
    let url = check_ice_url("stun:stun.example.org", AddressPolicy::STRICT).unwrap();
    assert_eq!((url.scheme, url.port, url.tcp), (IceScheme::Stun, 3478, false));
    let url = check_ice_url("TURN:Turn.Example.ORG:3479?transport=tcp", AddressPolicy::STRICT).unwrap();
    assert_eq!((url.scheme, url.port, url.tcp), (IceScheme::Turn, 3479, true));
    assert_eq!(url.host, Host::Name("turn.example.org".to_owned()));
    let url = check_ice_url("turns:[2606:4700::1111]:443", AddressPolicy::STRICT).unwrap();
    assert_eq!((url.scheme, url.port, url.tcp), (IceScheme::Turns, 443, true));
    assert_eq!(url.host.to_string(), "[2606:4700::1111]");
    assert!(check_ice_url("stun:127.0.0.1:3478", AddressPolicy::LOCAL).is_ok());
    assert!(check_ice_url("stun:[::1]", AddressPolicy::LOCAL).is_ok());
}

/// Design section 6, migration: the scheme is not weaker than now, the address is checked.
#[test]
fn a_go_away_target_is_never_weaker_than_the_link_and_never_carries_a_user() {
    let strict = AddressPolicy::STRICT;
    let target = check_target("wss://b.example.org/session?x=1", true, strict).unwrap();
    assert_eq!((target.secure, target.port, target.path.as_str()), (true, 443, "/session?x=1"));
    assert_eq!(check_target("ws://b.example.org/", true, strict), Err(UrlError::Weaker));
    assert!(check_target("ws://127.0.0.1:9000", false, AddressPolicy::LOCAL).is_ok());
    assert!(check_target("wss://127.0.0.1:9000", false, AddressPolicy::LOCAL).unwrap().secure);
    let table = [
        ("https://b.example.org/", UrlError::Scheme { allowed: "wss, ws" }),
        ("wss:b.example.org", UrlError::Scheme { allowed: "wss, ws" }),
        ("wss://good.example.org@evil.example.org/", UrlError::UserInfo),
        ("wss://b.example.org/#token", UrlError::Tail),
        ("wss://b.example.org\\@evil.example.org/", UrlError::Tail),
        ("wss:///session", UrlError::Host),
        ("wss://b.example.org:99999/", UrlError::Port),
        ("wss://b..example.org/", UrlError::Host),
    ];
    for (url, expected) in table {
        assert_eq!(check_target(url, true, strict), Err(expected), "{url}");
    }
    assert_eq!(check_target("wss://b.example.org?x", true, strict).unwrap().path, "/?x");
}
