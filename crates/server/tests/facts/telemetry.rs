//! The intake for telemetry on the wire: asked for where somebody reads, bounded, and of no
//! consequence for the member (F74).

use crate::wire::*;
use offhook_server::{Limits, TelemetryIntake};
use offhook_signaling::limits::TELEMETRY_ENTRIES;
use offhook_signaling::{
    ClientKind, Error, ErrorCode, Feature, FromClient, FromServer, Telemetry, TelemetryEntry, examples,
};
use std::time::Duration;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

fn entries() -> Vec<TelemetryEntry> {
    match examples::client_examples(ClientKind::Telemetry).remove(0) {
        FromClient::Telemetry(batch) => batch.entries,
        other => panic!("an example of telemetry: {other:?}"),
    }
}

fn batch(number: u64) -> FromClient {
    FromClient::Telemetry(Telemetry { batch: number, last: false, left_out: 0, entries: entries() })
}

fn takes_telemetry(member: &Member) -> bool {
    member.joined.capabilities.features.contains(&Feature::Telemetry)
}

/// F74: the feature is granted while somebody reads, and what comes says whose it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn telemetry_is_asked_for_while_somebody_reads_it() {
    let (intake, mut reports) = TelemetryIntake::bounded(4);
    let server = builder().telemetry(intake).start().await.expect("loopback has a free port");
    let mut ada = Wire::enter(&server, "ada", 1).await;
    assert!(takes_telemetry(&ada));
    ada.wire.say(&batch(1)).await;
    let report = reports.next().await.expect("the server runs");
    assert_eq!((report.session.as_str(), report.user.as_str()), ("studio/1", "ada"));
    assert_eq!(report.session_id, ada.joined.session_id);
    assert_eq!(report.instance, ada.join.instance.to_string());
    assert_eq!(report.batch.entries, entries());
    drop(reports);
    let grace = Wire::enter(&server, "grace", 2).await;
    assert!(!takes_telemetry(&grace), "nobody reads any more");
    ada.wire.say(&batch(2)).await;
    pong(&mut ada, 7).await;
    server.shutdown().await;
}

/// F74: without an intake it is not offered, cannot be required, and passed by where it comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_intake_it_is_not_offered_and_passed_by() {
    let server = server().await;
    let mut ada = Wire::enter(&server, "ada", 1).await;
    assert!(!takes_telemetry(&ada));
    ada.wire.say(&batch(1)).await;
    pong(&mut ada, 7).await;
    let mut wanting = join("grace", 2);
    wanting.requires = vec![Feature::Telemetry];
    let (error, _) = refusal_of(&server, &FromClient::Join(wanting)).await;
    assert_eq!(error.code, ErrorCode::FeatureMissing);
    server.shutdown().await;
}

/// F74, S10: what comes too often or finds no room is dropped and counted; its sender goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_too_often_is_dropped_and_counted() {
    let limits = Limits { telemetry_per_minute: 3, ..Limits::default() };
    let (intake, mut reports) = TelemetryIntake::bounded(8);
    let server = builder().limits(limits).telemetry(intake).start().await.expect("a free port");
    let mut ada = Wire::enter(&server, "ada", 1).await;
    for number in 1..=10 {
        ada.wire.say(&batch(number)).await;
    }
    pong(&mut ada, 7).await;
    assert_eq!(reports.missed(), 7);
    let mut grace = Wire::enter(&server, "grace", 2).await;
    grace.wire.say(&batch(1)).await;
    pong(&mut grace, 7).await;
    assert_eq!(reports.missed(), 7, "each member has an allowance of its own");
    drop((ada, grace));
    server.shutdown().await;
    let mut kept = Vec::new();
    while let Some(report) = reports.next().await {
        kept.push((report.user, report.batch.batch));
    }
    let ada = |batch| ("ada".to_owned(), batch);
    assert_eq!(kept, [ada(1), ada(2), ada(3), ("grace".to_owned(), 1)]);
}

/// F74: with an allowance of nothing it is not asked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_no_allowance_it_is_not_asked_for() {
    let limits = Limits { telemetry_per_minute: 0, ..Limits::default() };
    let (intake, _reports) = TelemetryIntake::bounded(8);
    let server = builder().limits(limits).telemetry(intake).start().await.expect("a free port");
    assert!(!takes_telemetry(&Wire::enter(&server, "ada", 1).await));
    server.shutdown().await;
}

/// F74, S7: more entries than the wire allows are a protocol error, and reach nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_entries_than_the_wire_allows_are_a_protocol_error() {
    let (intake, mut reports) = TelemetryIntake::bounded(8);
    let server = builder().telemetry(intake).start().await.expect("loopback has a free port");
    let mut ada = Wire::enter(&server, "ada", 1).await;
    let entry = r#"{"at_ms":1,"kind":"state","state":"Joined"}"#;
    let entries = vec![entry; TELEMETRY_ENTRIES + 1].join(",");
    let text = format!(r#"{{"type":"telemetry","batch":1,"entries":[{entries}]}}"#);
    ada.wire.raw(Message::text(text)).await;
    let (said, closed) = ada.wire.rest().await;
    let refused = said
        .iter()
        .any(|message| matches!(message, FromServer::Error(Error { code: ErrorCode::ProtocolError, .. })));
    assert!(refused, "{said:?}");
    assert!(
        matches!(closed, Some(CloseCode::Protocol | CloseCode::Invalid | CloseCode::Policy)),
        "{closed:?}"
    );
    server.shutdown().await;
    assert_eq!(reports.next().await, None);
}

/// F74, F56: it is nothing that a user does, and keeps nobody from being idle.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn telemetry_keeps_nobody_from_being_idle() {
    const IDLE: Duration = Duration::from_secs(3);
    let (intake, _reports) = TelemetryIntake::bounded(64);
    let limits = Limits { telemetry_per_minute: 600, ..Limits::default() };
    let builder = builder().limits(limits).telemetry(intake).idle(IDLE);
    let server = builder.start().await.expect("loopback has a free port");
    let mut ada = Wire::enter(&server, "ada", 1).await;
    let mut often = tokio::time::interval(Duration::from_millis(100));
    for number in 1..=25 {
        often.tick().await;
        ada.wire.say(&batch(number)).await;
    }
    let told = Instant::now();
    let reason = ada.wire.until("its end", |message| match message {
        FromServer::Ended(ended) => Some(ended.reason),
        _ => None,
    });
    assert_eq!(reason.await, offhook_server::EndCode::IdleTimeout);
    assert!(told.elapsed() < IDLE, "counted from the join, not from the last batch");
    server.shutdown().await;
}
