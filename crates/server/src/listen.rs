//! The HTTP side: the socket's upgrade, a health page, and a small page to try it from a
//! browser. Every route checks `Host` and `Origin` first, because any web page can open a
//! socket to this machine (S18).

mod line;
#[cfg(test)]
mod tests;

pub(crate) use line::{Caller, Lines};

use crate::{Shared, handover, socket};
use axum::Router;
use axum::body::Body;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use offhook_signaling::{EARLY_BYTES, EARLY_HEADER, EARLY_TAKEN};
use std::net::IpAddr;
use std::sync::Arc;

/// Nothing but what this server itself serves; sockets to itself only.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                   media-src 'self' blob: mediastream:; img-src 'self' data:; base-uri 'none'; \
                   form-action 'none'; frame-ancestors 'none'";

/// The routes.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/session", get(session))
        .route("/handover", get(taking))
        .route("/health", get(health))
        .route("/", get(|| async { page("text/html; charset=utf-8", include_str!("page/index.html")) }))
        .route(
            "/page.js",
            get(|| async { page("text/javascript; charset=utf-8", include_str!("page/page.js")) }),
        )
        .route("/page.css", get(|| async { page("text/css; charset=utf-8", include_str!("page/page.css")) }))
        .layer(middleware::from_fn_with_state(shared.clone(), guard))
        .with_state(shared)
}

async fn session(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let alive = shared.alive();
    let called = host(&headers).unwrap_or_default().to_owned();
    // One that is too long is not taken: its client says it once more.
    let early = headers.get(EARLY_HEADER).filter(|frame| frame.len() <= EARLY_BYTES).cloned();
    let is_taken = early.is_some();
    let mut response = upgrade
        .max_message_size(offhook_signaling::limits::FRAME_BYTES)
        .max_frame_size(offhook_signaling::limits::FRAME_BYTES)
        .on_upgrade(move |websocket| async move {
            socket::run(shared, websocket, caller, &called, early).await;
            drop(alive);
        });
    if is_taken {
        response.headers_mut().insert(EARLY_HEADER, HeaderValue::from_static(EARLY_TAKEN));
    }
    response
}

/// For other servers, which must hold the key.
async fn taking(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    // No page has business here, whatever its origin.
    if headers.contains_key(header::ORIGIN) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let alive = shared.alive();
    let called = host(&headers).unwrap_or_default().to_owned();
    // Nobody hands over from elsewhere, and whoever tries has shown no key yet.
    let most = if caller.is_local { handover::MOST_BYTES } else { handover::HELLO_BYTES };
    upgrade.max_message_size(most).max_frame_size(most).on_upgrade(move |websocket| async move {
        handover::take(shared, websocket, caller, &called).await;
        drop(alive);
    })
}

async fn health(State(shared): State<Arc<Shared>>) -> Response {
    let (sessions, members) = shared.rooms.count();
    let status = if shared.is_closing() { "closing" } else { "ok" };
    let body = serde_json::json!({ "status": status, "sessions": sessions, "members": members });
    ([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

fn page(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, Body::from(text)).into_response()
}

/// A foreign page's `Origin`, or a name that was rebound to this machine, gets nothing.
async fn guard(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let allowed = |name: &str| is_ours(name, &shared.config.allowed_hosts);
    let headers = request.headers();
    let called = host(headers).map(host_name).unwrap_or_default();
    // Only a name can be rebound: who dials an address has come to it.
    let by_address = called.parse::<IpAddr>().is_ok();
    if !by_address && !allowed(called) {
        return (StatusCode::FORBIDDEN, "this name is not served here; add it to the allowed hosts\n")
            .into_response();
    }
    if let Some(origin) = headers.get(header::ORIGIN) {
        let name =
            origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, rest)| host_name(rest));
        let is_same = |name: &str| by_address && name == called;
        if !name.is_some_and(|name| is_same(name) || allowed(name)) {
            return (StatusCode::FORBIDDEN, "pages of that origin may not use this server\n").into_response();
        }
    }
    next.run(request).await
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST)?.to_str().ok()
}

/// Without the port, and without the brackets of an IPv6 address.
fn host_name(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default();
    }
    host.split(':').next().unwrap_or_default()
}

fn is_ours(name: &str, allowed: &[String]) -> bool {
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        || allowed.iter().any(|ours| ours.eq_ignore_ascii_case(name))
}
