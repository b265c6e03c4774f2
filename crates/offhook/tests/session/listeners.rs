//! Listeners: replay, independence, lag, the cut of a leave (F16, F17, R18; C15).

use crate::common::*;
use futures_util::StreamExt;
use offhook::{CallingState, EndReason, Event, Join, StateSeen};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn events_from_before_the_first_listener_are_replayed_in_order() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    dial.message("them", "early", "1");
    tokio::time::sleep(Duration::from_millis(5)).await;
    let mut first = session.events();
    let mut second = session.events();
    dial.message("them", "late", "2");
    let topics = |event: &Event| match event {
        Event::Message { topic, .. } => Some(topic.clone()),
        _ => None,
    };
    assert_eq!(event(&mut first, topics).await, "early");
    assert_eq!(event(&mut first, topics).await, "late");
    assert_eq!(event(&mut second, topics).await, "late", "the second begins where it came in");
}

#[tokio::test(start_paused = true)]
async fn a_slow_listener_is_told_how_much_it_missed_and_others_miss_nothing() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let mut slow = session.events();
    while slow.next().now_or_never().is_some() {}
    let mut quick = session.events();
    let mut heard = 0;
    for n in 0..300_u32 {
        dial.message("them", "n", n.to_be_bytes().to_vec());
        event(&mut quick, |event| matches!(event, Event::Message { .. }).then_some(())).await;
        heard += 1;
    }
    assert_eq!(heard, 300);
    let first = slow.next().await;
    assert!(
        matches!(first, Some(Event::Missed { count, state: CallingState::Joined }) if count >= 44),
        "{first:?}"
    );
}

use futures_util::FutureExt;

/// F16: the current one first, then each change in order.
#[tokio::test(start_paused = true)]
async fn states_begin_with_the_current_one_and_end_with_left() {
    let (client, remote) = by_hand();
    let session = idle(&client);
    let states = session.states();
    let joining = session.join(Join::new());
    remote.dial().await.accept();
    drop(joining.await.expect("accepted").leave());
    let seen: Vec<_> = all(states).await.into_iter().map(StateSeen::state).collect();
    use CallingState::{Idle, Joined, Joining, Left};
    // A leave skips what its reader had not read yet.
    assert!(seen == [Idle, Joining, Joined, Left] || seen == [Idle, Left], "{seen:?}");
}

/// C15 daily-co/daily-js#185: every call, inside the handler of every event.
#[tokio::test(start_paused = true)]
async fn every_call_works_inside_every_handler() {
    let (client, remote) = studio();
    let session = joined_studio(&client, Join::new().prompt("one").publish(offhook::Clip::sample())).await;
    let controls = session.controls();
    let mut events = session.events();
    remote.cut();
    let restore = {
        let remote = remote.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(4)).await;
            remote.restore();
        })
    };
    let mut handled = 0;
    let mut recovered = false;
    while !recovered {
        let event = tokio::time::timeout(Duration::from_secs(60), events.next()).await;
        let event = event.expect("no handler hangs the next").expect("open");
        recovered = matches!(event, Event::Recovered { .. });
        handled += 1;
        let _ = (session.state(), session.connection_state(), session.id(), session.view());
        let _ = (session.states().next().await, session.watch().next().await, session.events());
        let _ = (session.progress().next().await, session.resume_token(), controls.view());
        drop(session.remote_video().await);
        let _ = session.replace("none", offhook::Clip::sample());
        // These make events of their own (a prompt superseded, a dial that fails at once): without
        // a bound the handler would keep itself busy, and virtual time would stand still.
        if handled <= 8 {
            drop(session.set_prompt(format!("in {handled}")));
            drop(session.send("topic", "payload"));
            controls.retry();
        }
    }
    restore.await.expect("no panic");
    assert!(handled > 3);
    // And leaving, inside a handler, with the handler awaiting it.
    controls.leave();
    let left = session.leave().await;
    assert_eq!(left.reason(), EndReason::LeftByUser);
    while let Some(event) = events.next().await {
        controls.leave();
        assert!(matches!(event, Event::Ended(_) | Event::Error(_)), "a leave skips the rest: {event:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_follows_the_ending() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let events = session.events();
    dial.kick("out");
    dial.message("them", "after", "the end");
    let seen = all(events).await;
    assert!(matches!(seen.last(), Some(Event::Ended(_))));
    assert!(session.events().next().await.is_none(), "a late listener ends at once");
}
