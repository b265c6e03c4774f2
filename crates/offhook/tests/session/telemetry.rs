//! What the far side is told of how a session went, over the scripted transport (F74, R4).

use crate::common::*;
use offhook::mock::{MockTransport, Remote, Seen, Studio, What};
use offhook::transport::media::Kind;
use offhook::transport::{
    Action, Capability, Content, EndCode, FaultKind, Happened, Plane, Telemetry, TelemetryEntry,
};
use offhook::{Client, Clip, Event, Join, SetError};
use std::sync::Arc;
use std::time::Duration;

const BATCH: Duration = Duration::from_secs(10);

fn curious() -> (Client, Remote) {
    let (transport, remote) = MockTransport::studio(7);
    remote.auto(Studio::seeded(7).measuring().taking_telemetry());
    (Client::new(transport).seed(7), remote)
}

/// Waits for the batch of this number, and says when it came.
async fn batch(remote: &Remote, number: u64) -> (Telemetry, Duration) {
    let is_it = |seen: &Seen| telemetry(seen).is_some_and(|batch| batch.batch == number);
    let seen = tokio::time::timeout(Duration::from_secs(600), remote.saw(is_it)).await.expect("it comes");
    (telemetry(&seen).expect("it is one").clone(), seen.at)
}

fn telemetry(seen: &Seen) -> Option<&Telemetry> {
    match &seen.what {
        What::Action(action) => match &**action {
            Action::Telemetry(batch) => Some(batch),
            _ => None,
        },
        _ => None,
    }
}

fn measured(entries: &[TelemetryEntry]) -> usize {
    entries.iter().filter(|entry| matches!(entry.what, Happened::Statistics(_))).count()
}

fn states(entries: &[TelemetryEntry]) -> Vec<&'static str> {
    let states = entries.iter().filter_map(|entry| match entry.what {
        Happened::State { state } => Some(state),
        _ => None,
    });
    states.collect()
}

/// F74: states, the dial, and a second's statistics each, every ten seconds, in order.
#[tokio::test(start_paused = true)]
async fn a_batch_goes_out_every_ten_seconds() {
    let (client, remote) = curious();
    let session = joined_studio(&client, Join::new().publish(Clip::sample())).await;
    let (first, at) = batch(&remote, 1).await;
    assert!(at.abs_diff(BATCH) < Duration::from_millis(50), "{at:?}");
    assert_eq!((first.last, first.left_out), (false, 0));
    assert_eq!(states(&first.entries), ["Joining", "Joined"]);
    let dials = first.entries.iter().filter(|entry| {
        matches!(entry.what, Happened::Attempt { plan: "join", step: "connecting", error: None, .. })
    });
    assert_eq!(dials.count(), 1, "{first:?}");
    assert!(matches!(measured(&first.entries), 9 | 10), "{first:?}");
    assert!(first.entries.is_sorted_by_key(|entry| entry.at));
    let (second, then) = batch(&remote, 2).await;
    assert_eq!(then, at + BATCH);
    assert_eq!((measured(&second.entries), second.entries.len()), (10, 10));
    let Some(Happened::Statistics(totals)) = second.entries.last().map(|entry| entry.what) else {
        panic!("statistics: {second:?}")
    };
    assert!(totals.frames_sent > 400 && totals.round_trip_time.is_some(), "{totals:?}");
    session.leave().await.released().await;
    client.shutdown().await;
}

/// F74: what happens while the link is away is told once it is back, with how long it took.
#[tokio::test(start_paused = true)]
async fn losses_and_recoveries_are_told_with_their_durations() {
    let (client, remote) = curious();
    let session = joined_studio(&client, Join::new().publish(Clip::sample())).await;
    let mut events = session.events();
    batch(&remote, 1).await;
    remote.cut();
    event(&mut events, |event| matches!(event, Event::LinkLost { .. }).then_some(())).await;
    // Past the time of the next batch.
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(remote.telemetry().len(), 1, "no link is up, so none was sent");
    remote.restore();
    let after = event(&mut events, |event| match event {
        Event::Recovered { after, .. } => Some(*after),
        _ => None,
    })
    .await;
    let (second, _) = batch(&remote, 2).await;
    let lost = second
        .entries
        .iter()
        .any(|entry| matches!(entry.what, Happened::LinkLost { plane: "signaling", fault: "closed" }));
    assert!(lost, "{second:?}");
    let told = second.entries.iter().find_map(|entry| match entry.what {
        Happened::Recovered { after, media_interrupted, .. } => Some((after, media_interrupted)),
        _ => None,
    });
    let (told, interrupted) = told.expect("the recovery");
    assert_eq!(told, after);
    assert!(interrupted > Duration::from_secs(10), "{interrupted:?}");
    assert_eq!(states(&second.entries), ["Reconnecting", "Joined"]);
    session.leave().await.released().await;
    client.shutdown().await;
}

/// F74, R4: the last batch comes right before the goodbye; nothing in it is from after the return of
/// `leave`, and nothing follows it, whatever the far side still sends.
#[tokio::test(start_paused = true)]
async fn the_last_batch_goes_out_before_the_goodbye_and_nothing_after_it() {
    let (client, remote) = curious();
    let session = joined_studio(&client, Join::new().publish(Clip::sample())).await;
    tokio::time::sleep(Duration::from_millis(14_500)).await;
    let dial = remote.newest().expect("the link");
    let leaving = session.leave();
    let returned = remote.now();
    dial.content(Content::Stats(Box::default()));
    let mut left = leaving.await;
    left.released().await;
    let released = remote.now();
    assert!(released <= returned + Duration::from_secs(1), "{returned:?} to {released:?}");
    let (last, at) = batch(&remote, 2).await;
    assert!(last.last && at <= released, "{last:?}");
    assert!(matches!(measured(&last.entries), 4 | 5) && last.entries.len() < 6, "{last:?}");
    assert!(last.entries.iter().all(|entry| entry.at <= returned), "{last:?}");
    let said: Vec<Arc<Action>> = remote
        .log()
        .iter()
        .rev()
        .filter_map(|seen| match &seen.what {
            What::Action(action) => Some(action.clone()),
            _ => None,
        })
        .take(2)
        .collect();
    assert_eq!(*said[0], Action::Goodbye);
    assert!(matches!(*said[1], Action::Telemetry(_)), "{said:?}");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(remote.telemetry().len(), 2, "none after released");
    client.shutdown().await;
}

/// F74: opted out, nothing is told; the statistics go on without it.
#[tokio::test(start_paused = true)]
async fn who_opts_out_tells_nothing_and_has_statistics_all_the_same() {
    let (client, remote) = curious();
    let client = client.telemetry(false);
    let session = joined_studio(&client, Join::new().publish(Clip::sample())).await;
    let mut events = session.events();
    for _ in 0..25 {
        event(&mut events, |event| matches!(event, Event::Stats(_)).then_some(())).await;
    }
    session.leave().await.released().await;
    assert_eq!(remote.telemetry(), []);
    client.shutdown().await;
}

/// F74: a far side that did not ask for it is told nothing.
#[tokio::test(start_paused = true)]
async fn a_far_side_without_an_intake_is_told_nothing() {
    let (client, remote) = studio();
    let session = joined_studio(&client, Join::new()).await;
    tokio::time::sleep(Duration::from_secs(25)).await;
    session.leave().await.released().await;
    assert_eq!(remote.telemetry(), []);
    client.shutdown().await;
}

/// F74: more than 120 in ten seconds; states stay, statistics give way, and what is missing is counted.
#[tokio::test(start_paused = true)]
async fn a_batch_has_120_entries_and_says_what_it_left_out() {
    let (client, remote) = by_hand();
    let joining = idle(&client).join(Join::new());
    let dial = remote.dial().await;
    dial.answer();
    let mut up = dial.a_welcome();
    up.capabilities = up.capabilities.with(Capability::Telemetry);
    dial.up(up);
    dial.carried(Plane::Signaling);
    dial.ack(dial.seen().revision);
    dial.carried(Plane::Media);
    let session = joining.await.expect("the hand accepts");
    for _ in 0..300 {
        dial.content(Content::Stats(Box::default()));
    }
    let (first, _) = batch(&remote, 1).await;
    assert_eq!(first.entries.len(), Telemetry::ENTRIES);
    assert_eq!(states(&first.entries), ["Joining", "Joined"]);
    let others = first.entries.len() - measured(&first.entries);
    let expected = 300 + others - Telemetry::ENTRIES;
    assert_eq!(first.left_out, u64::try_from(expected).expect("a small number"));
    session.leave().await.released().await;
    client.shutdown().await;
}

/// F74: nothing secret and no text of anybody's is in it: not the credential, a prompt, a message, the
/// session's name, or what the far side says.
#[tokio::test(start_paused = true)]
async fn no_secret_and_no_text_is_in_it() {
    let (client, remote) = curious();
    let client = client.credential("canary-credential");
    let join = Join::new().prompt("canary-prompt").model("canary-model").publish(Clip::sample());
    let session = client.session("canary", "canary-id").join(join).await.expect("it lets everybody in");
    let dial = remote.newest().expect("the link");
    dial.message("canary-from", "canary-topic", "canary-payload");
    dial.says("canary-words");
    session.send("canary-topic", "canary-data").await.expect("taken");
    let refused = session.set_prompt("canary-prompt").await;
    assert!(matches!(refused, Ok(_) | Err(SetError::Refused { .. })), "{refused:?}");
    dial.lose(Plane::Signaling, FaultKind::Protocol);
    batch(&remote, 1).await;
    session.leave().await.released().await;
    let told = format!("{:?}", remote.telemetry());
    assert!(told.contains("LinkLost") && told.contains("last: true"), "{told}");
    assert!(!told.contains("canary"), "{told}");
    client.shutdown().await;
}

/// F74, R2: a link whose queue is full still takes the goodbye: telemetry leaves the last room to it.
#[tokio::test(start_paused = true)]
async fn telemetry_never_takes_the_room_of_a_goodbye() {
    use offhook::transport::Transport;
    let (transport, remote) = MockTransport::studio(7);
    let mut link = transport.dial(offhook::mock::a_join());
    while !matches!(link.next().await, Some(offhook::transport::Event::Up(_))) {}
    remote.newest().expect("the link").stall();
    let batch = Telemetry { batch: 1, last: false, left_out: 0, entries: Vec::new() };
    let mut taken = 0;
    while link.act(Action::Telemetry(Box::new(batch.clone()))).is_ok() {
        taken += 1;
        assert!(taken < 10_000, "the queue is bounded");
    }
    assert!(taken > 0);
    link.act(Action::Goodbye).expect("there is room for it");
    link.act(Action::Ping).expect_err("and for nothing else");
}

/// F74, R4: ended by the far side, it is told the last of it as well: within the second that an ending
/// may take, and nothing after all is released.
#[tokio::test(start_paused = true)]
async fn a_session_that_the_far_side_ends_is_told_of_a_last_time() {
    let (client, remote) = curious();
    let session = joined_studio(&client, Join::new().publish(Clip::sample())).await;
    tokio::time::sleep(Duration::from_millis(4_500)).await;
    let dial = remote.newest().expect("the link");
    let ended = session.ended();
    let began = remote.now();
    dial.end(EndCode::Kicked);
    let mut left = ended.await;
    left.released().await;
    let released = remote.now();
    let told = remote.telemetry();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].last && released <= began + Duration::from_secs(1), "{began:?} to {released:?}");
    assert_eq!(states(&told[0].entries).first(), Some(&"Joining"));
    assert!(measured(&told[0].entries) >= 4);
    dial.content(Content::Stats(Box::default()));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(remote.telemetry().len(), 1, "none after released");
    client.shutdown().await;
}

/// F71, F74: a picture that stands still is an entry, and so is its end with how long it stood.
#[tokio::test(start_paused = true)]
async fn a_stall_of_the_picture_is_told_with_its_length() {
    let (client, remote) = curious();
    let session = joined_studio(&client, Join::new()).await;
    let dial = remote.newest().expect("the link");
    dial.content(Content::Track { mid: "video".into(), kind: Kind::Video, sending: true });
    for n in 0..50 {
        remote.send_frame(&frame(n, true));
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    for n in 50..100 {
        remote.send_frame(&frame(n, true));
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    session.leave().await.released().await;
    let entries: Vec<_> = remote.telemetry().into_iter().flat_map(|batch| batch.entries).collect();
    let stalls: Vec<_> = entries
        .iter()
        .filter(|entry| matches!(entry.what, Happened::PictureStalled | Happened::PictureResumed { .. }))
        .collect();
    let [began, over] = &stalls[..] else { panic!("{stalls:?}") };
    assert_eq!(began.what, Happened::PictureStalled);
    let Happened::PictureResumed { after } = over.what else { panic!("{over:?}") };
    assert!(after.abs_diff(Duration::from_secs(5)) <= Duration::from_millis(1_600), "{after:?}");
    assert!(over.at > began.at);
    client.shutdown().await;
}
