//! S18.
use super::{host_name, is_ours};

#[test]
fn only_loopback_and_named_hosts_are_ours() {
    let allowed = ["media.example".to_owned()];
    for ours in ["127.0.0.1:8080", "localhost", "[::1]:9000", "MEDIA.example:443"] {
        assert!(is_ours(host_name(ours), &allowed), "{ours}");
    }
    for foreign in ["evil.example", "127.0.0.1.evil.example:80", "10.0.0.7", "", "media.example.evil"] {
        assert!(!is_ours(host_name(foreign), &allowed), "{foreign}");
    }
}
