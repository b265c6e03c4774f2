//! What a server's owner is told of how sessions went (F74, R4).

use crate::far_side::*;
use offhook::{Clip, Event, Join};
use offhook_server::reported::{Happened, TelemetryEntry};
use offhook_server::{EndCode, Server, TelemetryIntake, TelemetryReport, TelemetryReports};
use std::time::Duration;
use tokio::time::Instant;

async fn curious() -> (Server, TelemetryReports) {
    let (intake, reports) = TelemetryIntake::bounded(16);
    let server = Server::builder().telemetry(intake).start().await.expect("loopback has a free port");
    (server, reports)
}

async fn next(reports: &mut TelemetryReports) -> TelemetryReport {
    soon("telemetry", reports.next()).await.expect("the server runs")
}

fn states(entries: &[TelemetryEntry]) -> Vec<&str> {
    entries.iter().filter_map(|entry| entry.state.as_deref()).collect()
}

/// F74, R4: a batch after ten seconds, the last one with the goodbye, nothing in it from after the
/// return of `leave`, and nothing more once all is released.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_told_of_in_batches_and_a_last_time_when_it_is_left() {
    let (server, mut reports) = curious().await;
    let client = client(&server, "ada");
    let began = Instant::now();
    let join = Join::new().prompt("sepia").publish(Clip::sample());
    let session = soon("the join", client.session("studio", "7").join(join)).await.expect("it is let in");
    let _early = session.events();
    let first = next(&mut reports).await;
    // The second listener hears what happens from here on, and nothing from before.
    let mut events = session.events();
    assert!(began.elapsed() >= Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!((first.session.as_str(), first.user.as_str()), ("studio/7", "ada"));
    assert_eq!(Some(first.session_id.as_str()), session.id().as_deref());
    assert_eq!((first.batch.batch, first.batch.last, first.batch.left_out), (1, false, 0));
    assert_eq!(states(&first.batch.entries), ["Joining", "Joined"]);
    let dialled = first.batch.entries.iter().find(|entry| entry.kind == Happened::Attempt);
    let dialled = dialled.expect("the dial of the join");
    assert_eq!((dialled.plan.as_deref(), dialled.error.as_deref()), (Some("join"), None));
    assert!(dialled.took_ms.is_some_and(|took| took < 10_000), "{dialled:?}");
    let measured: Vec<_> = first.batch.entries.iter().filter_map(|entry| entry.statistics).collect();
    assert!((5..=10).contains(&measured.len()), "one a second: {}", measured.len());
    let last = measured.last().expect("there are some");
    assert!(last.frames_sent > 0 && last.packets_received > 0 && last.bytes_sent > 0, "{last:?}");
    assert!(last.round_trip_us.is_some_and(|us| (1..1_000_000).contains(&us)), "{last:?}");

    event("statistics", &mut events, |event| matches!(event, Event::Stats(_)).then_some(())).await;
    let leaving = session.leave();
    let returned = began.elapsed();
    let mut left = leaving.await;
    soon("the release", left.released()).await;
    let last = next(&mut reports).await;
    assert_eq!((last.batch.batch, last.batch.last), (2, true));
    assert_eq!(last.session_id, first.session_id);
    assert!(last.batch.entries.iter().any(|entry| entry.kind == Happened::Statistics), "{last:?}");
    let at = |entry: &TelemetryEntry| Duration::from_millis(entry.at_ms);
    assert!(last.batch.entries.iter().all(|entry| at(entry) <= returned), "{returned:?}: {last:?}");
    assert!(states(&last.batch.entries).is_empty(), "that it was left is what `last` says: {last:?}");
    assert!(holds(|| server.census().members == 0).await, "and the goodbye came after it");
    server.shutdown().await;
    assert_eq!(soon("the end", reports.next()).await, None, "nothing came after it");
    assert_eq!(reports.missed(), 0);
}

/// F74: who opts out tells nothing; the statistics go on without it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_told_of_who_opts_out() {
    let (server, mut reports) = curious().await;
    let client = client(&server, "ada").telemetry(false);
    let session = joined(&client, "7").await;
    let mut events = session.events();
    event("statistics", &mut events, |event| matches!(event, Event::Stats(_)).then_some(())).await;
    soon("the release", session.leave().await.released()).await;
    assert!(holds(|| server.census().members == 0).await, "the goodbye came");
    server.shutdown().await;
    assert_eq!(soon("the end", reports.next()).await, None);
    assert_eq!(reports.missed(), 0);
}

/// F74: a session that was left half a second after its join tells of it all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_session_is_told_of_too() {
    let (server, mut reports) = curious().await;
    let client = client(&server, "ada");
    let session = joined(&client, "7").await;
    soon("the release", session.leave().await.released()).await;
    let only = next(&mut reports).await;
    assert_eq!((only.batch.batch, only.batch.last), (1, true));
    assert_eq!(states(&only.batch.entries), ["Joining", "Joined"]);
    server.shutdown().await;
}

/// F74, R4, F14: whoever the server ends tells the last of it, and all is released within the second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_the_server_ends_is_told_of_a_last_time() {
    for reason in [EndCode::Kicked, EndCode::IdleTimeout] {
        let (server, mut reports) = curious().await;
        let client = client(&server, "ada");
        let session = joined(&client, "7").await;
        let mut events = session.events();
        event("statistics", &mut events, |event| matches!(event, Event::Stats(_)).then_some(())).await;
        let ended = session.ended();
        assert!(server.end("studio/7", "ada", reason.clone()).await);
        let mut left = soon("the end", ended).await;
        let at_the_end = Instant::now();
        soon("the release", left.released()).await;
        assert!(at_the_end.elapsed() < Duration::from_millis(1_500), "{:?}", at_the_end.elapsed());
        let only = next(&mut reports).await;
        assert_eq!((only.batch.batch, only.batch.last), (1, true));
        assert_eq!((only.session.as_str(), only.user.as_str()), ("studio/7", "ada"));
        assert_eq!(states(&only.batch.entries)[..2], ["Joining", "Joined"]);
        assert!(only.batch.entries.iter().any(|entry| entry.kind == Happened::Statistics), "{only:?}");
        server.shutdown().await;
        assert_eq!(soon("the end", reports.next()).await, None, "nothing came after it");
    }
}
