//! How good a real line is said to be, and why it is not better (F72); and what a bad one carries (F62).

use crate::far_side::soon;
use crate::line::*;
use futures_util::StreamExt;
use offhook::{Event, Grade, Limit, Quality};
use offhook_netrig::{Conditions, Direction, Way};
use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;

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

/// Packets of media that leave the server, and how many of them left before.
#[derive(Clone, Copy, Debug, Default)]
struct Left {
    packets: u32,
    again: u32,
}

/// Counts them from here on, by SSRC and sequence number (RFC 3550 section 5.1).
fn leaving(line: &Line) -> watch::Receiver<Left> {
    let (told, left) = watch::channel(Left::default());
    let told = Arc::new(told);
    let seen = Arc::new(Mutex::new(HashSet::new()));
    line.udp.each(|relay| {
        let (told, seen) = (told.clone(), seen.clone());
        relay.tap(move |way, datagram| {
            let is_rtp =
                |first: u8, second: u8| (128..=191).contains(&first) && !(192..=223).contains(&second);
            let (Way::Down, [first, second, ..]) = (way, datagram) else { return };
            if datagram.len() < 12 || !is_rtp(*first, *second) {
                return;
            }
            let name = [&datagram[2..4], &datagram[8..12]].concat();
            let again = !seen.lock().expect("nobody panics with it").insert(name);
            told.send_modify(|left| {
                left.packets += 1;
                left.again += u32::from(again);
            });
        });
    });
    left
}

/// F62, RFC 4585 §6.2.1: on a far line that loses much a packet is asked for once in a round trip, and not as
/// often as there is time for: it had been sent four to six times.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_far_and_lossy_line_carries_what_was_lost_about_once_more() {
    let line = Line::clear().await;
    let mut session = line.joined().await;
    session.pictures(10).await;
    let far = Conditions::clear().delay(Duration::from_millis(100));
    line.udp.each(|relay| {
        relay.set(Direction::Both, far);
        relay.set(Direction::Down, far.loss(0.3));
    });
    // It finds out how long the way is with the first few.
    soon("the first packets", leaving(&line).wait_for(|left| left.packets > 500))
        .await
        .expect("it is watched");
    let mut left = leaving(&line);
    let counted = soon("many packets", left.wait_for(|left| left.packets > 1_500)).await;
    let Left { packets, again } = *counted.expect("it is watched");
    let first = packets - again;
    // 0.43 for each, were each waited for for ever.
    assert!(again * 10 < first * 6, "{again} of {first} were sent again");
    assert!(again * 10 > first, "they are asked for: {again} of {first}");
    line.end().await;
}
