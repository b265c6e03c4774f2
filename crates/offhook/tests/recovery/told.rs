//! What is measured of a session, and what its server's owner is told of it, over every recovery
//! (F70, F74).

use crate::far_side::*;
use crate::ways::{Stage, Way};
use offhook::{Clip, Event, Events, Join, Stats};
use offhook_server::TelemetryIntake;
use offhook_server::reported::Happened;
use std::time::Duration;
use tokio::time::Instant;

async fn measured(events: &mut Events) -> (Stats, Instant) {
    let stats = event("statistics", events, |event| match event {
        Event::Stats(stats) => Some((**stats).clone()),
        _ => None,
    });
    (stats.await, Instant::now())
}

// F70, F74, F30, F31, F32
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_measured_and_told_of_over_every_recovery() {
    for way in Way::ALL {
        let (intake, mut reports) = TelemetryIntake::bounded(16);
        let stage = Stage::with(way, |builder| builder.telemetry(intake.clone())).await;
        let idle = stage.line.client.session("studio", "7");
        let mut events = idle.events();
        let joining = idle.join(Join::new().prompt("sepia").publish(Clip::sample()));
        let session = soon("the join", joining).await.expect("she is let in");
        let (before, _) = measured(&mut events).await;
        stage.happens(&mut [&mut events]).await;
        // A new link counts from nothing, and what is between two moments is never less than that.
        let (first, began) = measured(&mut events).await;
        let delta = first.since(&before).totals();
        assert!(delta.frames_sent <= first.totals().frames_sent, "{way:?}: {delta:?}");
        let mut last = first;
        for _ in 0..2 {
            let (stats, _) = measured(&mut events).await;
            let grown = stats.since(&last).totals();
            assert!((1..=75).contains(&grown.frames_sent), "{way:?}, 25 a second: {grown:?}");
            assert!(
                stats.bytes_sent > last.bytes_sent && stats.round_trip_time.is_some(),
                "{way:?}: {stats:?}"
            );
            last = stats;
        }
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(1_900), "{way:?}: two within {took:?}, more than one a second");
        let id = session.id().expect("it is joined");
        soon("the release", session.leave().await.released()).await;
        // One batch or more, numbered on from server to server, with all of it in their order.
        let mut entries = Vec::new();
        for number in 1.. {
            let report = soon("telemetry", reports.next()).await.expect("the servers run");
            assert_eq!((report.batch.batch, report.batch.left_out), (number, 0), "{way:?}");
            assert_eq!(*report.session_id, *id, "{way:?}");
            entries.extend(report.batch.entries);
            if report.batch.last {
                break;
            }
        }
        assert!(entries.is_sorted_by_key(|entry| entry.at_ms), "{way:?}: {entries:#?}");
        let plan = match way {
            Way::Resume => "resume",
            Way::Rejoin => "rejoin",
            Way::Move => "migrate",
        };
        let dialled = |plan: &str| {
            entries.iter().position(|of| {
                of.kind == Happened::Attempt && of.plan.as_deref() == Some(plan) && of.error.is_none()
            })
        };
        let (join, back) = (dialled("join"), dialled(plan));
        assert!(join.is_some() && join < back, "{way:?}: {entries:#?}");
        let after = entries.iter().skip(back.unwrap_or(0));
        assert!(after.filter(|of| of.kind == Happened::Statistics).count() >= 2, "{way:?}: {entries:#?}");
        stage.end().await;
        assert_eq!(reports.missed(), 0);
    }
}
