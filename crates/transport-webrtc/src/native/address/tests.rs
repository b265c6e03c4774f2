//! The facts of addresses.

use super::*;

// S1, S5
#[test]
fn plain_ws_goes_to_this_machine_only() {
    for url in ["ws://127.0.0.1:8080/x", "ws://localhost/x", "ws://[::1]:9/", "wss://media.example/session"] {
        Address::configured(url, false).expect(url);
    }
    for url in ["ws://media.example/", "ws://10.0.0.7/", "ws://192.168.1.1:80/x"] {
        assert_eq!(Address::configured(url, false), Err(AddressError::PlainWs), "{url}");
        Address::configured(url, true).expect(url);
    }
    let named = Address::configured("ws://localhost/x", false).expect("this machine");
    assert!(named.check_resolved([127, 0, 0, 1].into()).is_ok());
    assert!(named.check_resolved([10, 0, 0, 1].into()).is_err(), "a name that lies about being local");
}

#[test]
fn what_is_no_address_says_the_next_step() {
    for url in ["", "http://media.example/", "media.example", "ftp://x/", "wss://u:p@host/", "wss://host:0/"]
    {
        let error = Address::configured(url, true).expect_err(url);
        assert!(error.to_string().contains("wss"), "{url}: {error}");
    }
}

// S14
#[test]
fn a_server_sends_nobody_to_a_weaker_or_more_private_place() {
    let public = Address::configured("wss://media.example/s", false).expect("fine");
    public.target("wss://other.example/s").expect("as public as before");
    for url in ["ws://other.example/s", "wss://127.0.0.1/", "wss://10.1.2.3/", "wss://169.254.169.254/"] {
        public.target(url).expect_err(url);
    }
    let local = Address::configured("ws://127.0.0.1:1/s", false).expect("fine");
    local.target("ws://127.0.0.1:2/s").expect("beside it");
    local.target("ws://169.254.169.254/s").expect_err("never");
}
