//! Ctrl-C at any moment: the command stops by itself, and says that nothing was left.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

fn start(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_offhook"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary was just built")
}

fn interrupt(child: &Child) {
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "kill is part of every Unix");
}

/// Interrupts a command as soon as a line of its log holds `word`.
fn interrupted_at(command: &[&str], word: &str) {
    let out = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("interrupt").join(word.replace('"', ""));
    let mut child = start(&[command, &["--json", "--out", &out.to_string_lossy()]].concat());
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let seen = lines.by_ref().map_while(Result::ok).any(|line| line.contains(word));
    assert!(seen, "{command:?} never said {word}");
    interrupt(&child);
    // Read on, so that it is not stopped by a full pipe.
    lines.for_each(drop);
    let mut said = String::new();
    child.stderr.take().expect("it is piped").read_to_string(&mut said).expect("it says text");
    let status = child.wait().expect("it ends");
    assert_eq!(status.code(), Some(130), "{said}");
    assert!(said.contains("0 tasks and 0 sockets were left"), "{said}");
}

// F12
#[test]
fn ctrl_c_while_joining_leaves_nothing() {
    interrupted_at(&["demo", "--short"], "\"Joining\"");
}

#[test]
fn ctrl_c_in_the_middle_of_a_prompt_leaves_nothing() {
    interrupted_at(&["demo", "--short"], "\"prompt\"");
}

#[test]
fn ctrl_c_while_the_network_is_gone_leaves_nothing() {
    interrupted_at(&["demo", "--short"], "\"Reconnecting\"");
}

#[test]
fn ctrl_c_in_the_middle_of_a_fault_leaves_nothing() {
    interrupted_at(&["chaos", "--seed", "7"], "\"fault\"");
}

#[test]
fn ctrl_c_stops_a_server_cleanly() {
    let mut child = start(&["serve", "--bind", "127.0.0.1:0"]);
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let listening = lines.by_ref().map_while(Result::ok).any(|line| line.contains("Ctrl-C stops it"));
    assert!(listening);
    interrupt(&child);
    lines.for_each(drop);
    assert!(child.wait().expect("it ends").success());
}
