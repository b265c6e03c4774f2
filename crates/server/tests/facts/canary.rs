//! Secrets are in no log line, at any level, of any crate that logs here (S2, S3).

use crate::wire::{Wire, builder, credential, empty, join, refusal_of};
use offhook_server::{EndCode, GoAwayCode, Mint};
use offhook_signaling::{FromClient, FromServer, Join, Secret};
use std::fmt::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::span;

/// Keeps every field of every event and span.
#[derive(Clone, Default)]
struct Everything(Arc<Mutex<String>>);

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
}

impl Everything {
    fn line(&self, record: impl FnOnce(&mut Line<'_>)) {
        let mut text = self.0.lock().expect("nobody panics here");
        record(&mut Line(&mut text));
        text.push('\n');
    }

    fn text(&self) -> String {
        self.0.lock().expect("nobody panics here").clone()
    }
}

impl tracing::Subscriber for Everything {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        self.line(|line| span.record(line));
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        self.line(|line| values.record(line));
    }

    fn event(&self, event: &tracing::Event<'_>) {
        self.line(|line| event.record(line));
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn no_secret_is_in_the_log_at_trace() {
    let log = Everything::default();
    // For the whole process: what other tests say at the same time is looked at as well.
    tracing::subscriber::set_global_default(log.clone()).expect("nobody else sets one here");
    let server = builder().start().await.expect("a port");
    let other = builder().start().await.expect("a port");
    let good = credential(&Mint::user("ada").session("studio", "1"));
    let expired = credential(&Mint::user("ada").life(Duration::ZERO));
    let mut member =
        Wire::enter_with(&server, Join { credential: Some(good.clone()), ..join("ada", 1) }).await;
    let resume_secret = member.joined.resume_secret.clone();
    for bad in [expired.clone(), Secret::new("canary-in-a-cage")] {
        let bad = Join { credential: Some(bad), ..join("eve", 2) };
        refusal_of(&server, &FromClient::Join(bad)).await;
    }
    refusal_of(&server, &FromClient::Join(Join { epoch: 1, ..member.join.clone() })).await;
    member
        .wire
        .raw(tokio_tungstenite::tungstenite::Message::text(
            r#"{"type":"credential","credential":["canary-out-of-shape"]}"#,
        ))
        .await;
    member.wire.rest().await;
    let resume = member.resume(2, &resume_secret);
    let mut wire = Wire::dial(&server).await;
    wire.frames = member.wire.frames;
    wire.say_once(&FromClient::Resume(resume)).await;
    let Ok(FromServer::Resumed(resumed)) = wire.next().await else { panic!("`resumed` was due") };
    server.go_away(None, Some(&other.url()), Duration::from_secs(9), GoAwayCode::Rebalance).await;
    let ticket = wire
        .until("go_away", |message| match message {
            FromServer::GoAway(away) => away.ticket,
            _ => None,
        })
        .await;
    server.end("studio/1", "ada", EndCode::Kicked).await;
    empty(&server).await;
    let shown = format!("{server:?}");
    server.shutdown().await;

    let text = log.text() + &shown;
    assert!(text.contains("a socket was let in"), "the log was written at all");
    let secrets = [
        good.expose(),
        expired.expose(),
        "canary-in-a-cage",
        "canary-out-of-shape",
        resume_secret.expose(),
        resumed.secret.expose(),
        ticket.expose(),
    ];
    for secret in secrets {
        assert!(!text.contains(secret), "a secret of {} bytes is in the log", secret.len());
        let tail = &secret[secret.len() - secret.len().min(16)..];
        assert!(!text.contains(tail), "the end of a secret is in the log");
    }
}
