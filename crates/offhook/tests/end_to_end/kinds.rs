//! Every kind of a failed join, provoked for real: over real sockets against the embedded server,
//! none by a report made up for it (F08). The list does not compile while a kind is missing.

use crate::far_side::*;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use offhook::transport::media::{Codec, TrackSpec, local};
use offhook::webrtc::UdpMap;
use offhook::{
    Client, Clip, Join, JoinErrorKind, Joining, Lack, MediaLack, MediaWhy, Policy, Profile, Rejection,
    Source, StateItem, Step, WebRtc,
};
use offhook_media::{Next, SourceError};
use offhook_server::{Builder, Limits, Mint, Server};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::net::{TcpListener, UdpSocket};

/// One way to each kind. The same words make the list and a match without a wildcard.
macro_rules! provoked {
    ($($kind:pat => $way:expr,)*) => {
        /// Breaks the build for a kind that the list does not have.
        const fn is_listed(kind: JoinErrorKind) {
            match kind { $($kind => {})* }
        }

        type Way = (&'static str, fn(JoinErrorKind) -> bool, BoxFuture<'static, JoinErrorKind>);

        fn ways() -> Vec<Way> {
            vec![$((stringify!($kind), |kind| matches!(kind, $kind), $way.boxed())),*]
        }
    };
}

provoked! {
    JoinErrorKind::NoUserMedia(_) => a_source_that_cannot_be_read(),
    JoinErrorKind::BadTrack(_) => a_track_that_nobody_can_have(),
    JoinErrorKind::TrackNotTaken => a_track_in_another_codec(),
    JoinErrorKind::Busy { .. } => a_full_server(Join::new()),
    JoinErrorKind::QueueTimedOut => a_full_server(Join::new().wait_in_queue(Duration::from_millis(100))),
    JoinErrorKind::ServerUnreachable => a_server_that_is_gone(),
    JoinErrorKind::Tls => another_place("wss", "session"),
    JoinErrorKind::NotSupported => another_place("http", "session"),
    JoinErrorKind::MediaFailed(_) => a_network_that_swallows_udp(),
    JoinErrorKind::TimedOut { .. } => a_server_that_says_nothing(),
    JoinErrorKind::ControlFailed => a_session_without_its_director(),
    JoinErrorKind::NoSessionToResume => a_token_of_a_session_that_was_left(),
    JoinErrorKind::NotFound => a_kind_of_session_that_is_not_there(),
    JoinErrorKind::NotPermitted => a_credential_of_another_session(),
    JoinErrorKind::Unauthorized => a_credential_of_another_server(),
    JoinErrorKind::InitialStateRefused { .. } => refused(Join::new().prompt("xyzzy plugh")),
    JoinErrorKind::Rejected { .. } => refused(Join::new().model("no such model")),
    JoinErrorKind::ProtocolError => another_place("ws", "health"),
    JoinErrorKind::HostGone => a_runtime_that_ended(),
    JoinErrorKind::NoRuntime => no_runtime_at_all(),
    JoinErrorKind::Cancelled => a_leave_while_it_joins(),
}

/// F08, F09: each is what it is, says who is to blame and what to do next, and gives everything back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_failed_join_can_be_provoked() {
    let ways = ways();
    assert_eq!(ways.len(), JoinErrorKind::ALL.len(), "a kind is missing in `ALL`");
    for (kind, is_it, way) in ways {
        let provoked = soon(kind, way).await;
        is_listed(provoked);
        assert!(is_it(provoked), "{kind}: {provoked:?}");
    }
}

async fn start(builder: Builder) -> Server {
    builder.start().await.expect("loopback has a free port")
}

/// What a join says that must not succeed.
async fn why(joining: Joining) -> JoinErrorKind {
    let error = soon("the failure", joining).await.expect_err("it cannot succeed");
    // In the words of its kind, or in more exact ones; with the next step either way.
    assert!(error.to_string().contains("; "), "{error}");
    let is_tried = !matches!(
        error.kind(),
        JoinErrorKind::NoUserMedia(_)
            | JoinErrorKind::BadTrack(_)
            | JoinErrorKind::NotPermitted
            | JoinErrorKind::NoRuntime
            | JoinErrorKind::HostGone
            | JoinErrorKind::Cancelled
    );
    assert!(!is_tried || !error.attempts().is_empty(), "{error:?} names no attempt");
    error.kind()
}

fn impatient() -> Policy {
    let short = Duration::from_millis(400);
    Policy {
        signaling_open: short,
        join_response: short,
        media_path: short,
        join_attempts: 2,
        ..Policy::default()
    }
}

struct Camera(Lack);

impl Source for Camera {
    fn codec(&self) -> Codec {
        Codec::H264
    }

    fn next_due(&self) -> Duration {
        Duration::ZERO
    }

    fn lack(&self) -> Option<Lack> {
        Some(self.0)
    }

    fn next_frame(&mut self, _: bool) -> Result<Next, SourceError> {
        Err(SourceError::Device("it said that it cannot be read".into()))
    }
}

async fn a_track_that_nobody_can_have() -> JoinErrorKind {
    let server = server().await;
    let client = client(&server, "ada");
    why(idle(&client).join(Join::new().publish_as("a\nb", Clip::sample()))).await
}

async fn a_track_in_another_codec() -> JoinErrorKind {
    let server = server().await;
    let client = client(&server, "ada");
    let (_sender, track) = local(TrackSpec { codec: Codec::Vp8, label: String::new() });
    why(idle(&client).join(Join::new().publish(&track))).await
}

async fn a_source_that_cannot_be_read() -> JoinErrorKind {
    let server = server().await;
    let client = client(&server, "ada");
    let mut last = None;
    for (lack, told) in [
        (Lack::Absent, MediaLack::Absent),
        (Lack::Unusable, MediaLack::Unusable),
        (Lack::Declined, MediaLack::Declined),
    ] {
        let error = soon("the failure", idle(&client).join(Join::new().publish(Camera(lack)))).await;
        let error = error.expect_err("there is no camera");
        assert_eq!(error.kind(), JoinErrorKind::NoUserMedia(told));
        last = Some(error);
    }
    // What came back can be used again, and lacks what it lacked.
    let (back, join) = last.expect("three of them").into_parts();
    let kind = why(back.idle().expect("it never joined").join(join)).await;
    assert_eq!(server.census().tasks, 0, "nobody was asked");
    kind
}

async fn a_full_server(join: Join) -> JoinErrorKind {
    let server =
        start(Server::builder().limits(Limits { sessions: 1, members: 1, ..Limits::default() })).await;
    let (ada, bob) = (client(&server, "ada"), client(&server, "bob"));
    let _inside = joined(&ada, "7").await;
    let kind = why(idle(&bob).join(join)).await;
    if let JoinErrorKind::Busy { retry_after, .. } = kind {
        assert!(retry_after.is_some(), "it says when to come again");
    }
    kind
}

async fn a_server_that_is_gone() -> JoinErrorKind {
    let server = server().await;
    let client = client(&server, "ada");
    server.shutdown().await;
    why(idle(&client).join(Join::new())).await
}

/// The right server, by the wrong name for it.
async fn another_place(scheme: &str, path: &str) -> JoinErrorKind {
    let server = server().await;
    let url = format!("{scheme}://{}/{path}", server.address());
    why(idle(&Client::new(WebRtc::new(url)).credential("none")).join(Join::new())).await
}

/// Every candidate of the server leads to a socket that nobody reads.
struct Nowhere(SocketAddr);

impl UdpMap for Nowhere {
    fn remote(&self, _: SocketAddr) -> Option<SocketAddr> {
        Some(self.0)
    }

    fn local(&self, _: SocketAddr) -> Option<SocketAddr> {
        None
    }
}

async fn a_network_that_swallows_udp() -> JoinErrorKind {
    let server = server().await;
    let hole = UdpSocket::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let nowhere = Nowhere(hole.local_addr().expect("it is bound"));
    let credential = server.mint(&Mint::user("ada")).expect("its key signs");
    let client = Client::new(WebRtc::new(server.url()).udp_map(Arc::new(nowhere)))
        .credential(credential.expose().to_owned())
        .policy(impatient());
    let kind = why(idle(&client).join(Join::new().publish(Clip::sample()))).await;
    assert_eq!(kind, JoinErrorKind::MediaFailed(MediaWhy::UdpBlocked));
    kind
}

async fn a_server_that_says_nothing() -> JoinErrorKind {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let url = format!("ws://{}/session", silent.local_addr().expect("it is bound"));
    let client = Client::new(WebRtc::new(url)).credential("none").policy(impatient());
    let kind = why(idle(&client).join(Join::new())).await;
    assert_eq!(kind, JoinErrorKind::TimedOut { step: Step::Searching });
    kind
}

async fn a_session_without_its_director() -> JoinErrorKind {
    let server = start(Server::builder().director_grace(Duration::from_millis(100))).await;
    let idle = idle(&client(&server, "ada"));
    idle.get_or_create(Profile::new().director_required()).await.expect("made");
    why(idle.join(Join::new())).await
}

async fn a_token_of_a_session_that_was_left() -> JoinErrorKind {
    let server = server().await;
    let client = client(&server, "ada");
    let session = joined(&client, "7").await;
    let token = session.resume_token().expect("the server lets sessions be taken up");
    soon("the release", session.leave().await.released()).await;
    assert!(holds(|| server.census().members == 0).await, "the goodbye arrived");
    why(idle(&client).join(Join::new().resume(token))).await
}

async fn a_kind_of_session_that_is_not_there() -> JoinErrorKind {
    let server = start(Server::builder().kinds(["room"])).await;
    why(client(&server, "ada").session("studio", "7").join(Join::new())).await
}

async fn a_credential_of_another_session() -> JoinErrorKind {
    let server = server().await;
    let other = server.mint(&Mint::user("ada").session("studio", "8"));
    let other = other.expect("its key signs");
    let client = Client::new(WebRtc::new(server.url())).credential(other.expose().to_owned());
    let kind = why(idle(&client).join(Join::new())).await;
    assert!(holds(|| server.census().members == 0).await);
    kind
}

async fn a_credential_of_another_server() -> JoinErrorKind {
    let (server, other) = (server().await, server().await);
    let credential = other.mint(&Mint::user("ada")).expect("its key signs");
    let client = Client::new(WebRtc::new(server.url())).credential(credential.expose().to_owned());
    why(idle(&client).join(Join::new())).await
}

async fn refused(join: Join) -> JoinErrorKind {
    let server = server().await;
    let kind = why(idle(&client(&server, "ada")).join(join)).await;
    assert!(matches!(
        kind,
        JoinErrorKind::InitialStateRefused { item: StateItem::Prompt }
            | JoinErrorKind::Rejected { code: Rejection::UnknownModel }
    ));
    kind
}

async fn a_runtime_that_ended() -> JoinErrorKind {
    let server = server().await;
    let client = client(&server, "ada");
    let begun = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Runtime::new().expect("there are threads");
        let inside = runtime.enter();
        let joining = idle(&client).join(Join::new());
        drop(inside);
        runtime.shutdown_timeout(PATIENCE);
        joining
    });
    why(soon("the end of the runtime", begun).await.expect("no panic")).await
}

async fn no_runtime_at_all() -> JoinErrorKind {
    let server = server().await;
    let client = client(&server, "ada");
    let polled = std::thread::spawn(move || {
        let mut joining = idle(&client).join(Join::new());
        match joining.poll_unpin(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Err(error)) => error.kind(),
            other => panic!("it is known at once: {other:?}"),
        }
    });
    polled.join().expect("no panic")
}

async fn a_leave_while_it_joins() -> JoinErrorKind {
    let server = server().await;
    let idle = idle(&client(&server, "ada"));
    let controls = idle.controls();
    let joining = idle.join(Join::new());
    controls.leave();
    why(joining).await
}
