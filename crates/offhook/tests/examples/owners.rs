//! Those who own a session: a user interface, a connection manager, a component.

use crate::programs::{connection_manager, scoped_component, ui_loop};
use crate::screen::{Screen, bounded, within_a_day};

/// F16: every state has its screen, and each is drawn in its turn.
#[tokio::test(start_paused = true)]
async fn a_user_interface_draws_every_state_in_its_turn() {
    let mut screen = Screen::default();
    within_a_day(ui_loop::program(&mut screen)).await.expect("the call goes through its day");
    let states: Vec<String> = screen.lines().iter().map(|line| line[..18].trim_end().to_owned()).collect();
    let expected = [
        "Unknown",
        "Idle",
        "Ringing",
        "Joining",
        "Joined",
        "Migrating",
        "Joined",
        "Offline",
        "Reconnecting",
        "Joined",
        "Reconnecting",
        "ReconnectingFailed",
        "Reconnecting",
        "Joined",
        "Left",
    ];
    assert_eq!(states, expected, "{}", screen.text());
}

const MANAGED: [&str; 6] = [
    "connected: false",
    "the first: Joined",
    "the first: Left, connected: true",
    "the second shows edges",
    "the third: initial_state_refused, connected: false",
    "closed",
];

/// F10, F13: at most one session, and each is followed by the next at once.
#[tokio::test(start_paused = true)]
async fn a_connection_manager_has_at_most_one_session() {
    let mut screen = Screen::default();
    within_a_day(connection_manager::program(&["mock"], &mut screen)).await.expect("the studio is there");
    assert_eq!(screen.lines(), MANAGED);
}

/// F10, F13
#[cfg(feature = "webrtc")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_manager_has_at_most_one_session_over_webrtc() {
    let mut screen = Screen::default();
    bounded(connection_manager::program(&["webrtc"], &mut screen)).await.expect("the server is there");
    assert_eq!(screen.lines(), MANAGED);
}

/// F04, F12: whatever way a component goes out of scope.
#[tokio::test(start_paused = true)]
async fn a_component_leaves_when_it_goes_out_of_scope() {
    let mut screen = Screen::default();
    within_a_day(scoped_component::program(&mut screen)).await.expect("the studio is there");
    let lines = screen.lines();
    let (first, rest) = lines.split_first().expect("it says something");
    assert!(first.starts_with("Joined as "), "{first}");
    let expected = [
        "at the end of its scope: dropped, and nothing is left",
        "Joining",
        "in the middle of a join: cancelled, and nothing is left",
        "there is nothing to draw",
        "on an early return: dropped, and nothing is left",
        "a panic: true",
        "while it unwound: dropped, and nothing is left",
    ];
    assert_eq!(rest, expected);
}
