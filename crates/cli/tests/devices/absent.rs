//! What is not there: told with its cause and the next step, before anything is joined; and what
//! was named to stand in for it does.

use crate::common::Server;
use std::fs;
use std::process::Output;

/// Ended with this status, and said each of these on stderr.
#[track_caller]
fn says(output: &Output, status: i32, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
    assert!(!said.contains("panicked"), "{said}");
}

fn events(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

// F61
#[test]
fn a_camera_that_is_not_there_is_said_with_the_next_step_and_nothing_is_joined() {
    let server = Server::start();
    let named = server.joined(&["--camera=no such camera"]);
    says(&named, 1, &["the camera \"no such camera\"", "there is none", "plug it in", "it is not there"]);
    assert!(!events(&named).contains("\"Joined\""), "{}", events(&named));
    // Any camera at all, where this machine has none.
    let nodes = fs::read_dir("/dev").into_iter().flatten().flatten();
    if nodes.filter_map(|node| node.file_name().into_string().ok()).any(|name| name.starts_with("video")) {
        println!("this machine has video devices: that it has no camera is not asserted of it");
    } else {
        says(
            &server.joined(&["--camera"]),
            1,
            &["the camera: there is none", "plug it in", "it is not there"],
        );
    }
}

// F61
#[test]
fn what_is_named_beside_a_camera_and_a_microphone_stands_in_for_them() {
    let server = Server::start();
    let wish = ["--camera=front", "--camera=desk", "--pattern", "--microphone=headset", "--microphone"];
    let output = server.joined(&wish);
    let told =
        ["\"front\"", "\"desk\"", "sending what stands in for it", "\"headset\"", "default microphone"];
    says(&output, 0, &told);
    // In the order in which they were tried.
    let said = String::from_utf8_lossy(&output.stderr);
    let places = told.map(|word| said.find(word));
    assert!(places.is_sorted(), "{said}");
    assert!(events(&output).contains("\"Joined\""), "{}", events(&output));
}

// F61
#[test]
fn a_screen_and_a_speaker_that_are_not_there_are_said_with_the_next_step() {
    let server = Server::start();
    let window = server.joined(&["--window"]);
    says(&window, 1, &["the window", "DISPLAY is not set"]);
    let speaker = server.joined(&["--speaker"]);
    says(&speaker, 1, &["the default speaker", "plug it in"]);
    for output in [window, speaker] {
        assert!(!events(&output).contains("\"Joined\""), "{}", events(&output));
    }
}
