//! Wrong files, wrong places, wrong addresses: the command says what is wrong and what to do
//! next, on stderr, with a status that is not 0, and leaves nothing running.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn offhook(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_offhook"))
        .args(arguments)
        .stdin(std::process::Stdio::null())
        .output()
        .expect("the binary was just built")
}

/// It failed, and said each of these words.
fn refused(output: &Output, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
    assert!(!said.contains("panicked"), "{said}");
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bad_input").join(name);
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    folder
}

fn demo_with(name: &str, bytes: Option<&[u8]>) -> Output {
    let folder = folder(name);
    let file = folder.join("clip");
    if let Some(bytes) = bytes {
        std::fs::write(&file, bytes).expect("the target folder can be written");
    }
    let out = folder.join("out");
    offhook(&["demo", "--input", &file.to_string_lossy(), "--out", &out.to_string_lossy()])
}

#[test]
fn a_file_that_is_not_there_is_named() {
    refused(&demo_with("missing", None), &["clip"]);
}

#[test]
fn an_empty_file_is_no_clip() {
    refused(&demo_with("empty", Some(b"")), &["empty"]);
}

#[test]
fn a_file_that_is_no_video_is_refused() {
    refused(&demo_with("text", Some(b"this is a letter, not a film\n".repeat(50).as_slice())), &["clip"]);
}

#[test]
fn a_clip_of_another_codec_is_named_with_what_to_do() {
    let vp8 = include_bytes!("../../media/assets/bunny-640x360-25fps.vp8.ivf");
    refused(&demo_with("vp8", Some(vp8)), &["VP8", "H.264"]);
}

#[test]
fn a_truncated_clip_is_refused() {
    let vp8 = include_bytes!("../../media/assets/bunny-640x360-25fps.vp8.ivf");
    refused(&demo_with("truncated", Some(&vp8[..vp8.len() - 100])), &["clip"]);
}

#[test]
fn a_folder_that_cannot_be_written_is_said_before_anything_runs() {
    let file = folder("out").join("a-file");
    std::fs::write(&file, b"").expect("the target folder can be written");
    let inside = file.join("below");
    refused(&offhook(&["demo", "--out", &inside.to_string_lossy()]), &["--out", "below"]);
    refused(&offhook(&["chaos", "--out", &inside.to_string_lossy()]), &["--out", "below"]);
}

#[test]
fn a_port_in_use_is_said_with_a_way_out() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = taken.local_addr().expect("it is bound").to_string();
    refused(&offhook(&["serve", "--bind", &address]), &["in use", "port 0"]);
}

#[test]
fn an_address_that_is_none_of_ours_is_said() {
    refused(&offhook(&["serve", "--bind", "203.0.113.7:1"]), &["203.0.113.7"]);
}

#[test]
fn a_short_or_missing_key_is_refused() {
    let key = folder("key").join("key");
    std::fs::write(&key, b"short").expect("the target folder can be written");
    refused(&offhook(&["serve", "--key", &key.to_string_lossy()]), &["16 bytes"]);
    refused(&offhook(&["serve", "--key", "no/such/key"]), &["no/such/key"]);
}

/// What it told of a join that did not succeed: how that went, and nothing of an ending, since nothing had
/// begun that could end.
fn told_of_a_failed_join(arguments: &[&str]) -> Output {
    let output = offhook(&[&["join", "--json", "--credential", "x"], arguments].concat());
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(!told.contains("\"ended\""), "{told}");
    assert!(!told.contains("host_gone"), "{told}");
    assert!(told.contains("\"attempt\""), "{told}");
    let [.., failed, state] = &*told.lines().collect::<Vec<_>>() else { panic!("{told}") };
    assert!(failed.contains("join_failed"), "{told}");
    assert!(state.contains("\"Idle\""), "{told}");
    output
}

/// Bound and closed again: nobody listens.
fn deserted() -> String {
    let address = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    format!("ws://{}/session", address.expect("loopback has a free port"))
}

#[test]
fn a_root_that_cannot_be_read_is_named_with_what_to_do() {
    let url = "wss://media.example/session";
    refused(&offhook(&["join", url, "--root", "no/such/root"]), &["no/such/root", "; name a PEM file"]);
}

#[test]
fn plain_ws_to_another_machine_is_refused_with_the_option_that_allows_it() {
    let far = "ws://offhook.invalid/session";
    let option = "--dangerous-allow-plain-ws";
    refused(&offhook(&["join", far]), &["unprotected", option]);
    let allowed = offhook(&["join", far, option]);
    let said = String::from_utf8_lossy(&allowed.stderr);
    assert!(!allowed.status.success() && !said.contains("unprotected"), "it is dialled: {said}");
}

// F08
#[test]
fn a_failed_join_is_told_to_its_end_and_nothing_is_made_up() {
    for _ in 0..8 {
        told_of_a_failed_join(&["ws://media.example/session"]);
    }
    told_of_a_failed_join(&[&deserted()]);
}

#[test]
fn a_server_that_is_not_there_is_said() {
    refused(&offhook(&["join", &deserted(), "--credential", "x"]), &["not joined"]);
}

#[test]
fn a_wrong_scheme_and_plain_text_to_a_stranger_are_refused_before_a_byte_is_sent() {
    let told = ["not joined", "scheme", "write it as wss://host/path"];
    refused(&offhook(&["join", "http://127.0.0.1:1/session", "--credential", "x"]), &told);
    refused(&offhook(&["join", "media.example", "--credential", "x"]), &told);
    let plain = ["not joined", "unprotected", "use wss"];
    refused(&offhook(&["join", "ws://media.example/session", "--credential", "x"]), &plain);
    refused(&offhook(&["join", "not an address", "--credential", "x"]), &["not joined", "escaped"]);
}
