//! Each border inside the code, seen to fail.

use super::super::tests::lines_found;
use super::{peer_knows_no_signaling, purity, statig_is_private, wildcards};

#[test]
fn a_clock_in_the_machine_is_found_and_prose_about_it_is_not() {
    let text = "//! Never Instant::now.\nuse std::time::Duration;\nlet t = std::time::Instant::now();\n";
    assert_eq!(lines_found(purity, "crates/lifecycle/src/machine.rs", text), [3]);
    assert_eq!(lines_found(purity, "crates/lifecycle/src/machine/tests.rs", text), [0; 0]);
    assert_eq!(lines_found(purity, "crates/offhook/src/host.rs", text), [0; 0]);
    assert_eq!(lines_found(purity, "crates/signaling/src/codec.rs", "use tokio::net::TcpStream;"), [1]);
}

#[test]
fn statig_in_a_public_line_is_found() {
    let path = "crates/lifecycle/src/machine.rs";
    assert_eq!(lines_found(statig_is_private, path, "pub fn f() -> statig::Response<S> {"), [1]);
    assert_eq!(lines_found(statig_is_private, path, "pub use statig::prelude::*;"), [1]);
    assert_eq!(
        lines_found(statig_is_private, path, "pub(crate) use statig::prelude::*;\nuse statig::blocking;"),
        [0; 0]
    );
}

#[test]
fn signaling_in_the_peer_room_is_found() {
    let text = "use offhook_signaling::Frame;";
    assert_eq!(lines_found(peer_knows_no_signaling, "crates/transport-webrtc/src/peer/offer.rs", text), [1]);
    assert_eq!(
        lines_found(peer_knows_no_signaling, "crates/transport-webrtc/src/native/link.rs", text),
        [0; 0]
    );
}

#[test]
fn a_wildcard_arm_in_a_mapping_file_is_found() {
    let text =
        "match x {\n    A => 1,\n    _ => 2,\n}\nlet _ = 3;\nmatch y {\n    B | _ => 4,\n    _ if z => 5,\n}";
    for path in [
        "crates/offhook/src/translate.rs",
        "crates/offhook/src/translate/out.rs",
        "crates/lifecycle/src/state.rs",
    ] {
        assert_eq!(lines_found(wildcards, path, text), [3, 7, 8], "{path}");
    }
    assert_eq!(lines_found(wildcards, "crates/lifecycle/src/core.rs", text), [0; 0]);
    assert_eq!(lines_found(wildcards, "crates/lifecycle/src/state/tests.rs", text), [0; 0]);
}
