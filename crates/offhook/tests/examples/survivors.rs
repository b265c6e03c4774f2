//! The bot, through its bad week.

use crate::programs::bot::{Stopped, a_bad_week};
use crate::screen::{Screen, within_a_day};
use offhook::EndReason;

/// F07, F31, F34: busy, restarted, ended, without a network, and at last not wanted any more.
#[tokio::test(start_paused = true)]
async fn a_bot_survives_all_but_a_moderator() {
    let mut screen = Screen::default();
    let stopped = within_a_day(a_bad_week(&mut screen)).await.expect("the week goes by");
    assert_eq!(stopped, Stopped::Ended(EndReason::Kicked), "{}", screen.text());
    let mut lines = screen.lines();
    // How often it tried without a network is a matter of chance.
    lines.dedup();
    let expected = [
        "not joined: busy, in 1 dials",
        "Joining",
        "Joined",
        // The server was restarted.
        "Reconnecting",
        "Joined",
        // It went down for good.
        "Left",
        "ended: server_shutdown",
        "Joining",
        "Joined",
        // The network was gone for ten minutes.
        "Reconnecting",
        "ReconnectingFailed",
        "Left",
        "error: network_lost",
        "ended: network_lost",
        "not joined: server_unreachable, in 3 dials",
        "Joining",
        "Joined",
        "Left",
        "ended: kicked",
    ];
    assert_eq!(lines, expected);
}
