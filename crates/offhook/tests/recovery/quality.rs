//! How good a real line is said to be, and why it is not better (F72).

use crate::far_side::soon;
use crate::line::*;
use futures_util::StreamExt;
use offhook::{Event, Grade, Limit, Quality};
use offhook_netrig::{Conditions, Direction};
use std::time::Duration;

fn quality(event: &Event) -> Option<Quality> {
    match event {
        Event::QualityChanged(quality) => Some(*quality),
        _ => None,
    }
}

/// Waits for a word on the line, after the first `past` things that were told, that is not held back
/// by `limit`, or is.
async fn says(session: &mut Observed, past: usize, limit: Limit, holds: bool) -> Quality {
    let what = format!("a quality that is {} by {limit:?}", if holds { "limited" } else { "not limited" });
    let fits = |event: &Event| quality(event).filter(|said| (said.limited_by == Some(limit)) == holds);
    session.tells(&what, past, fits).await.1
}

/// F72: a far server, and what comes back when the way is short again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_way_is_told_with_its_cause_until_it_is_short_again() {
    let line = Line::clear().await;
    let mut session = line.joined().await;
    says(&mut session, 0, Limit::RoundTrip, false).await;
    assert!(session.session.view().quality().is_some());
    let past = session.told().len();
    line.udp.each(|relay| relay.set(Direction::Both, Conditions::clear().delay(Duration::from_millis(450))));
    let far = says(&mut session, past, Limit::RoundTrip, true).await;
    assert!(far.grade < Grade::Good, "{far:?}");
    let past = session.told().len();
    line.udp.each(|relay| relay.set(Direction::Both, Conditions::clear()));
    says(&mut session, past, Limit::RoundTrip, false).await;
    line.end().await;
}

/// F72, F70: packets that are lost on the way here are counted here, those on the way there by the far
/// side's reports. On a short way they are sent again before anybody misses them; on a long one not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn losses_are_told_in_either_direction() {
    let far = Conditions::clear().delay(Duration::from_millis(100));
    for direction in [Direction::Up, Direction::Down] {
        let line = Line::clear().await;
        let mut session = line.joined().await;
        says(&mut session, 0, Limit::Loss, false).await;
        let past = session.told().len();
        line.udp.each(|relay| {
            relay.set(Direction::Both, far);
            relay.set(direction, far.loss(0.3));
        });
        let lossy = says(&mut session, past, Limit::Loss, true).await;
        assert!(lossy.grade < Grade::Good, "{lossy:?}");
        let inbound = direction == Direction::Down;
        let mut events = session.session.events();
        let counted = async {
            while let Some(event) = events.next().await {
                let Event::Stats(stats) = event else { continue };
                let mut streams = stats.streams.iter().filter(|stream| stream.inbound == inbound);
                if streams.any(|stream| stream.packets_lost > 0 && stream.nack_count > 0) {
                    return;
                }
            }
            panic!("the session ended");
        };
        soon("a count of what was lost and asked for again", counted).await;
        line.end().await;
    }
}
