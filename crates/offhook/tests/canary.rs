//! No secret in any log, error or `Debug`. A binary of its own: the interest of log lines is
//! cached for the whole process.

#[path = "session/common.rs"]
#[allow(dead_code, reason = "shared with the other tests")]
mod common;

use common::*;
use offhook::mock::Studio;
use offhook::transport::{Plane, Secret};
use offhook::{Client, Join};
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const CANARY: &str = "canary-5f2b7e";

/// A log that keeps everything.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// S2, S3, F76: a whole run at TRACE, every Debug, every error: no secret in any of it. And
/// every line of the session carries who, which dial and which phase (F02).
#[tokio::test(start_paused = true)]
async fn no_secret_is_ever_logged_and_every_line_names_its_session() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let (transport, remote) = offhook::mock::pair();
    remote.auto(Studio::seeded(7).requiring(Secret::new(CANARY)));
    let client = Client::new(transport).credential(CANARY).provider(|_| async { Ok(CANARY.into()) });
    let session = idle(&client).join(Join::new().prompt("sepia")).await.expect("the right one");
    session.set_prompt("posterize").await.expect("applied");
    let token = session.resume_token().expect("a studio can be resumed");
    remote.newest().expect("open").lose(Plane::Signaling, offhook::transport::FaultKind::Closed);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let shown = format!(
        "{client:?} {session:?} {:?} {:?} {:?} {token:?} {:?}",
        session.controls(),
        session.view(),
        session.events(),
        Join::new().resume(token.clone()),
    );
    let mut left = session.leave().await;
    left.released().await;
    let shown = format!("{shown} {left:?} {:?}", left.summary());

    let (transport, remote) = offhook::mock::pair();
    remote.auto(Studio::seeded(7).requiring(Secret::new("another")));
    let client = Client::new(transport).credential(CANARY);
    let error = idle(&client).join(Join::new()).await.expect_err("the wrong one");
    let shown = format!("{shown} {error} {error:?}");
    let shown = format!("{shown} {:?}", error.into_parts());

    let log = String::from_utf8(log.0.lock().expect("not poisoned").clone()).expect("text");
    for text in [&log, &shown] {
        assert!(!text.contains(CANARY));
    }
    use secrecy::ExposeSecret;
    let stored = token.to_secret();
    let secret = stored.expose_secret().split('.').nth(3).expect("the fourth part");
    assert!(!log.contains(secret) && !shown.contains(secret));
    let lines: Vec<_> = log.lines().filter(|line| line.contains("offhook::host")).collect();
    assert!(lines.len() > 10, "{log}");
    for line in &lines {
        for field in ["instance=", "session=", "epoch=", "phase="] {
            assert!(line.contains(field), "{field} is missing in {line}");
        }
    }
}
