//! A server of your own whose end is orderly: on SIGTERM or Ctrl-C it takes no more requests,
//! leaves all its sessions, and is gone within a bound.
//!
//! `cargo run -p offhook --example graceful_shutdown` listens on a free port of loopback:
//! `curl -X POST http://127.0.0.1:PORT/sessions/7` joins a session, `-X DELETE` leaves it, and
//! `kill -TERM` shows the rest.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use offhook::{Client, Join, Joined, Session};
use std::collections::HashMap;
use std::error::Error;
use std::future::{Future, IntoFuture};
use std::io::{self, Write};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// How long requests that are being answered may take after the word to stop. The sessions have
/// a bound of their own, the policy's goodbye: a second, however many there are.
const LAST_REQUESTS: Duration = Duration::from_secs(3);

/// What the handlers share.
struct App {
    client: Client,
    /// By id; `None` once nothing is to be joined any more.
    sessions: Mutex<Option<HashMap<String, Session<Joined>>>>,
}

impl App {
    fn sessions(&self) -> MutexGuard<'_, Option<HashMap<String, Session<Joined>>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Answer = Result<String, (StatusCode, String)>;

fn closing() -> (StatusCode, String) {
    (StatusCode::SERVICE_UNAVAILABLE, "this server is closing\n".to_owned())
}

async fn join(State(app): State<Arc<App>>, Path(id): Path<String>) -> Answer {
    match &*app.sessions() {
        None => return Err(closing()),
        Some(sessions) if sessions.contains_key(&id) => {
            return Err((StatusCode::CONFLICT, format!("{id} is joined already\n")));
        }
        Some(_) => {}
    }
    // A caller who goes away drops this future, and with it the join.
    let session = match app.client.session("studio", &id).join(Join::new()).await {
        Ok(session) => session,
        Err(error) => return Err((StatusCode::BAD_GATEWAY, format!("{error}\n"))),
    };
    let mut sessions = app.sessions();
    // It closed meanwhile: what was joined is left again, as it is dropped.
    let Some(sessions) = sessions.as_mut() else { return Err(closing()) };
    let state = session.state();
    // Two who joined the same at once: the later one stays, the earlier is left.
    drop(sessions.insert(id, session));
    Ok(format!("{state}\n"))
}

async fn leave(State(app): State<Arc<App>>, Path(id): Path<String>) -> Answer {
    let session = app.sessions().as_mut().and_then(|sessions| sessions.remove(&id));
    match session {
        Some(session) => Ok(format!("{}\n", session.leave().await.reason())),
        None => Err((StatusCode::NOT_FOUND, format!("{id} is not joined\n"))),
    }
}

async fn list(State(app): State<Arc<App>>) -> Answer {
    let sessions = app.sessions();
    let sessions = sessions.as_ref().ok_or_else(closing)?;
    let mut lines: Vec<_> =
        sessions.iter().map(|(id, session)| format!("{id} {}\n", session.state())).collect();
    lines.sort();
    Ok(lines.concat())
}

/// Serves until it is told to stop; when this returns, every session is left and released. A request
/// that takes longer than it may is not waited for.
pub(crate) async fn serve(
    listener: TcpListener,
    client: Client,
    stop: impl Future<Output = ()> + Send + 'static,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let app = Arc::new(App { client: client.clone(), sessions: Mutex::new(Some(HashMap::new())) });
    let router = Router::new()
        .route("/sessions", get(list))
        .route("/sessions/{id}", post(join).delete(leave))
        .with_state(app.clone());
    let (stopping, mut stopped) = oneshot::channel();
    let serving = axum::serve(listener, router).with_graceful_shutdown(async move {
        stop.await;
        // Nothing is joined from here on. What was joined is left as it is dropped.
        let sessions = app.sessions().take().unwrap_or_default();
        // It fails only when nobody waits for it.
        let _ = stopping.send(sessions.len());
    });

    let mut serving = pin!(serving.into_future());
    let (served, left) = tokio::select! {
        // No request was under way, or the listener failed.
        served = &mut serving => (Some(served), stopped.try_recv().unwrap_or(0)),
        left = &mut stopped => (None, left.unwrap_or(0)),
    };
    // The goodbyes, and the end of joins that are still under way, whose requests are answered then.
    client.shutdown().await;
    let served = match served {
        Some(served) => served,
        None => timeout(LAST_REQUESTS, serving).await.unwrap_or(Ok(())),
    };
    writeln!(out, "left {left} sessions")?;
    Ok(served?)
}

/// Completes on SIGTERM or Ctrl-C. They are listened for from the call on.
#[cfg(unix)]
pub(crate) fn told_to_stop() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminated, mut interrupted) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
    })
}

/// Completes on Ctrl-C.
#[cfg(not(unix))]
pub(crate) fn told_to_stop() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    Ok(async { _ = tokio::signal::ctrl_c().await })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // In the place of this: the transport and the far side of yours.
    let (transport, _remote) = offhook::mock::MockTransport::studio(7);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    serve(listener, Client::new(transport), told_to_stop()?, &mut io::stdout()).await
}
