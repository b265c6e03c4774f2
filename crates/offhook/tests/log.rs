//! S2: no secret in any log of a whole real session: dial, media, a lost socket and its
//! resumption, a refusal, the leave; client and server, all targets, at TRACE.
//!
//! livekit/client-sdk-js#1364, livekit/rust-sdks#219: tokens in addresses, and so in logs.
//!
//! A binary of its own: loggers are the process's.
#![cfg(feature = "webrtc")]

mod far_side;

use far_side::*;
use offhook::{CallingState, Client, Clip, Event, Join, JoinErrorKind, WebRtc};
use offhook_netrig::Rig;
use offhook_server::Mint;
use secrecy::ExposeSecret;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

static LOG: Mutex<String> = Mutex::new(String::new());

fn note(line: &str) {
    LOG.lock().unwrap_or_else(PoisonError::into_inner).push_str(line);
}

/// What comes by way of `tracing`.
struct Traced;

impl Write for Traced {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        note(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What comes by way of `log`: the libraries below.
///
/// All but these: at TRACE tungstenite prints each WebSocket frame whole, and the request of the
/// upgrade that bears the first one, which carries the credential. It has no switch for that: an
/// application that collects `log` records at TRACE has to keep these targets out.
const PRINTS_FRAMES: [&str; 2] = ["tungstenite::protocol", "tungstenite::handshake::client"];

struct Logged;

impl log::Log for Logged {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        if PRINTS_FRAMES.contains(&record.target()) {
            return;
        }
        note(&format!("{} {} {}\n", record.level(), record.target(), record.args()));
    }
    fn flush(&self) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_of_a_whole_real_session_is_in_any_log() {
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(|| Traced)
        .finish();
    tracing::subscriber::set_global_default(subscriber).expect("the only test here");
    log::set_logger(&Logged).expect("the only test here");
    log::set_max_level(log::LevelFilter::Trace);

    let server = server().await;
    let rig = Rig::new(5);
    let relay = rig.tcp(server.address()).await.expect("loopback has a free port");
    let credential = server.mint(&Mint::user("ada")).expect("its key signs").expose().to_owned();
    let client = Client::new(WebRtc::new(server.url()).via(relay.addr())).credential(credential.clone());
    let session = idle(&client).join(Join::new().prompt("sepia").publish(Clip::sample()));
    let session = soon("the join", session).await.expect("the server is there");
    let mut video = session.remote_video().await.expect("it has media");
    soon("a frame", video.next()).await.expect("media flows");
    let first = session.resume_token().expect("the server lets sessions be resumed");

    let mut events = session.events();
    relay.control().reset();
    event("the recovery", &mut events, |event| matches!(event, Event::Recovered { .. }).then_some(())).await;
    soon("the ack", session.set_prompt("posterize")).await.expect("as joined as before");
    let second = session.resume_token().expect("and again");
    assert_ne!(first, second, "it is rotated with each resumption");
    let shown = format!("{client:?} {session:?} {:?} {first:?} {second:?}", session.view());
    let mut left = session.leave().await;
    assert_eq!(left.state(), CallingState::Left);
    soon("the release", left.released()).await;

    // A refusal, of a credential of another server.
    let foreign = far_side::server().await;
    let theirs = foreign.mint(&Mint::user("ada")).expect("its key signs").expose().to_owned();
    let wrong = Client::new(WebRtc::new(server.url())).credential(theirs.clone());
    let error = soon("the refusal", idle(&wrong).join(Join::new())).await.expect_err("another's key");
    assert_eq!(error.kind(), JoinErrorKind::Unauthorized);
    let shown = format!("{shown} {left:?} {:?} {wrong:?} {error} {error:?}", left.summary());
    server.shutdown().await;
    foreign.shutdown().await;
    relay.shutdown().await;

    let log = LOG.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for target in ["offhook::host", "offhook_transport_webrtc", "offhook_server"] {
        assert!(log.contains(target), "nothing of {target} was logged, so nothing is shown");
    }
    for secret in [&credential, &theirs] {
        // Neither whole nor the part of it that makes it good.
        let signature = secret.rsplit('.').next().expect("split gives one part at least");
        assert!(signature.len() > 20);
        absent(&log, &shown, signature, "a credential");
    }
    for token in [first, second] {
        let stored = token.to_secret();
        let secret = stored.expose_secret().split('.').nth(3).expect("the fourth part");
        absent(&log, &shown, secret, "a resume secret");
    }
}

fn absent(log: &str, shown: &str, secret: &str, what: &str) {
    assert!(!shown.contains(secret), "{what} is in a Debug or Display");
    // The line itself is not printed: it holds the secret.
    let targets: Vec<_> = log.lines().filter(|line| line.contains(secret)).map(head).collect();
    assert!(targets.is_empty(), "{what} is in the log, in lines that begin {targets:?}");
}

/// Level and target of a line.
fn head(line: &str) -> String {
    line.chars().take(60).collect()
}
