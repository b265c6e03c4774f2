//! The booth's tests: one sentence each about what its users see. Every one is over in a few
//! milliseconds, and does the same each time.

use super::Booth;
use futures_util::StreamExt;
use offhook::mock::{Faults, Remote, Studio, pair, repainted_with};
use offhook::transport::{Plane, RefusedCode};
use offhook::{CallingState, Client};
use std::time::Duration;

/// A client whose far side knows three styles, and the hand that troubles it.
fn a_studio() -> (Client, Remote) {
    let (transport, remote) = pair();
    remote.auto(Studio::seeded(7).knowing(&["sepia", "posterize", "edges"]));
    (Client::new(transport).seed(7), remote)
}

/// Waits until the session is in this state.
async fn until(booth: &Booth, wanted: CallingState) {
    let mut states = booth.session().states();
    while let Some(seen) = states.next().await {
        if seen.state() == wanted {
            return;
        }
    }
    panic!("it ended without having been {wanted}");
}

/// The style of the newest picture that comes back.
async fn style_of_the_picture(booth: &Booth) -> Option<String> {
    let mut video = booth.session().remote_video().await.expect("a studio sends pictures");
    let frame = video.next().await.expect("the session goes on");
    repainted_with(&frame).map(|(style, _)| style)
}

#[tokio::test(start_paused = true)]
async fn a_booth_that_is_taken_says_when_to_come_back() {
    let (client, remote) = a_studio();
    remote.faults(Faults::seeded(7).refuse(1, RefusedCode::Busy, Some(Duration::from_secs(40))));
    let said = Booth::open(&client, "sepia").await.map(drop).expect_err("somebody is inside");
    assert_eq!(said, "somebody else is in the booth; come back in 40 s");
    assert!(Booth::open(&client, "sepia").await.is_ok(), "the next one is let in");
}

#[tokio::test(start_paused = true)]
async fn a_style_that_we_do_not_have_is_answered_with_those_we_have() {
    let (client, _remote) = a_studio();
    let said = Booth::open(&client, "cubist").await.map(drop).expect_err("nobody has that");
    assert!(said.contains("sepia, posterize, edges"), "{said}");
    let booth = Booth::open(&client, "sepia").await.expect("this we have");
    let said = booth.style("cubist").await.expect_err("nobody has that");
    assert!(said.contains("sepia, posterize, edges"), "{said}");
    assert_eq!(style_of_the_picture(&booth).await.as_deref(), Some("sepia"), "what was there stays");
}

/// F31: the newest wish, not the first one.
#[tokio::test(start_paused = true)]
async fn a_style_that_was_chosen_while_the_line_was_down_is_there_when_it_is_back() {
    let (client, remote) = a_studio();
    let booth = Booth::open(&client, "sepia").await.expect("it is free");
    assert_eq!(booth.banner(), "");
    remote.cut();
    until(&booth, CallingState::Reconnecting).await;
    assert_eq!(booth.banner(), "the picture is frozen; one moment");
    let (chosen, ()) = tokio::join!(booth.style("edges"), async { remote.restore() });
    chosen.expect("it is applied once the line is back");
    until(&booth, CallingState::Joined).await;
    assert_eq!((booth.banner(), style_of_the_picture(&booth).await.as_deref()), ("", Some("edges")));
}

/// F34
#[tokio::test(start_paused = true)]
async fn a_booth_whose_line_does_not_come_back_asks_for_the_red_button() {
    let (client, remote) = a_studio();
    let booth = Booth::open(&client, "sepia").await.expect("it is free");
    remote.cut();
    until(&booth, CallingState::ReconnectingFailed).await;
    assert_eq!(booth.banner(), "out of order; press the red button");
    remote.restore();
    booth.try_again();
    until(&booth, CallingState::Joined).await;
    assert_eq!(booth.banner(), "");
}

#[tokio::test(start_paused = true)]
async fn whoever_is_thrown_out_is_told_so_and_nothing_is_left() {
    let (client, remote) = a_studio();
    let booth = Booth::open(&client, "sepia").await.expect("it is free");
    remote.kick("others wait");
    until(&booth, CallingState::Left).await;
    assert_eq!(booth.banner(), "the booth is closed");
    assert_eq!(
        booth.close().await,
        "a moderator on the far side removed you; joining again needs their consent"
    );
    remote.until(|census| census.connections == 0 && census.taps == 0).await;
}

/// The same ten minutes each time: what a seed shows once, it shows again.
#[tokio::test(start_paused = true)]
async fn ten_minutes_on_a_bad_line_end_with_the_style_that_was_chosen_last() {
    for seed in 1..=5 {
        let (client, remote) = a_studio();
        let bad = Duration::from_secs(600);
        remote.faults(
            Faults::seeded(seed)
                .loss(Plane::Media, Duration::from_secs(90))
                .loss(Plane::Signaling, Duration::from_secs(70))
                .delay(Duration::ZERO..Duration::from_millis(300))
                .unreachable(0.3)
                .until(bad),
        );
        let booth = Booth::open(&client, "sepia").await.expect("three tries are enough on this line");
        for style in ["edges", "posterize", "sepia"].iter().cycle().take(20) {
            tokio::time::sleep(Duration::from_secs(30)).await;
            // On such a line it may take a while; the wish stands.
            let _ = booth.style(style).await;
        }
        tokio::time::sleep(bad.saturating_sub(remote.now()) + Duration::from_secs(1)).await;
        booth.try_again();
        booth.style("edges").await.expect("the line is good again");
        assert_eq!(style_of_the_picture(&booth).await.as_deref(), Some("edges"), "seed {seed}");
    }
}
