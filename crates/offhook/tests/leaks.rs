//! D3, D1: whatever ends a session, its tasks, descriptors and tracks are gone. Descriptors are the
//! process's, so these tests run one after the other, in a binary of their own.
//!
//! D1 livekit/rust-sdks#1334: a cancelled close leaks sockets until there are none left.
//! D3 livekit/rust-sdks#1443: a session that the server ended leaks every local track.
#![cfg(all(feature = "webrtc", target_os = "linux"))]

mod far_side;

use far_side::*;
use offhook::{Client, EndReason, Join, JoinErrorKind, Joined, Session};
use offhook_server::{EndCode, Server};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::{Builder, Handle};

static ALONE: Mutex<()> = Mutex::new(());

/// How often each way is gone: a leak of one each time is no accident of counting.
const ROUNDS: usize = 3;

/// What this process holds.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Held {
    tasks: usize,
    /// What kind, and how many.
    descriptors: BTreeMap<String, usize>,
}

impl Held {
    fn now() -> Self {
        let mut descriptors = BTreeMap::new();
        let open = std::fs::read_dir("/proc/self/fd").expect("Linux has it");
        for link in open.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok()) {
            let kind = link.to_string_lossy().split(':').next().unwrap_or_default().to_owned();
            *descriptors.entry(kind).or_default() += 1;
        }
        Self { tasks: Handle::current().metrics().num_alive_tasks(), descriptors }
    }

    fn is_within(&self, before: &Self) -> bool {
        let known = |kind| before.descriptors.get(kind).copied().unwrap_or(0);
        self.tasks <= before.tasks && self.descriptors.iter().all(|(kind, &count)| count <= known(kind))
    }
}

/// Runs an ending several times on a server of its own, alone in the process, and holds what is
/// left against what there was.
fn leaves_nothing<F: Future<Output = ()>>(once: impl Fn(Server, Client, Watched) -> F) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime =
        Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("there are threads");
    runtime.block_on(async {
        // The first session makes what the whole process shares.
        warm_up().await;
        let before = Held::now();
        for round in 0..ROUNDS {
            // A join that is dropped half way is lost to the server, and kept for its window.
            let server = Server::builder().resume_window(Duration::from_secs(1)).start().await;
            let server = server.expect("loopback has a free port");
            let client = client(&server, "ada");
            let (clip, watcher) = Watched::new();
            once(server, client, clip).await;
            let source_is_gone = holds(|| !watcher.is_alive()).await;
            assert!(source_is_gone, "round {round}: the user's source is still held");
            let all_is_gone = holds(|| Held::now().is_within(&before)).await;
            assert!(all_is_gone, "round {round}: {:?} are left of what was {before:?}", Held::now());
        }
    });
}

async fn warm_up() {
    let server = server().await;
    let client = client(&server, "ada");
    let session = joined(&client, "7").await;
    soon("the release", session.leave().await.released()).await;
    server.shutdown().await;
}

async fn sending(client: &Client, clip: Watched) -> Session<Joined> {
    let joining = idle(client).join(Join::new().prompt("sepia").publish(clip));
    let session = soon("the join", joining).await.expect("the server is there");
    let mut video = session.remote_video().await.expect("it has media");
    soon("a frame", video.next()).await.expect("media flows both ways");
    session
}

/// The session is over there as well; then the server goes.
async fn gone(server: Server) {
    let empty = holds(|| server.census().members == 0).await;
    assert!(empty, "the server still has {:?}", server.census());
    server.shutdown().await;
}

/// F11: when it is released, everything is back.
#[test]
fn a_leave_that_is_awaited_leaves_nothing() {
    leaves_nothing(|server, client, clip| async move {
        let session = sending(&client, clip).await;
        soon("the release", session.leave().await.released()).await;
        gone(server).await;
    });
}

#[test]
fn a_hang_up_leaves_nothing() {
    leaves_nothing(|server, client, clip| async move {
        drop(sending(&client, clip).await.leave());
        gone(server).await;
    });
}

#[test]
fn a_leave_by_controls_leaves_nothing() {
    leaves_nothing(|server, client, clip| async move {
        let session = sending(&client, clip).await;
        session.controls().leave();
        assert_eq!(soon("the end", session.ended()).await.reason(), EndReason::LeftByUser);
        gone(server).await;
    });
}

#[test]
fn a_session_that_is_dropped_leaves_nothing() {
    leaves_nothing(|server, client, clip| async move {
        drop(sending(&client, clip).await);
        gone(server).await;
    });
}

/// F12.
#[test]
fn a_session_that_is_dropped_on_a_thread_without_a_runtime_leaves_nothing() {
    leaves_nothing(|server, client, clip| async move {
        let session = sending(&client, clip).await;
        let dropped = std::thread::spawn(move || drop(session));
        tokio::task::spawn_blocking(|| dropped.join()).await.expect("it ran").expect("no panic");
        gone(server).await;
    });
}

#[test]
fn a_task_that_panics_with_its_session_leaves_nothing() {
    leaves_nothing(|server, client, clip| async move {
        let session = sending(&client, clip).await;
        let task = tokio::spawn(async move {
            let _held = session;
            std::panic::resume_unwind(Box::new("on purpose, and without a word on stderr"));
        });
        assert!(task.await.expect_err("it panics").is_panic());
        gone(server).await;
    });
}

#[test]
fn a_kick_leaves_nothing() {
    leaves_nothing(|server, client, clip| async move {
        let session = sending(&client, clip).await;
        assert!(server.end("studio/7", "ada", EndCode::Kicked).await);
        let mut left = soon("the kick", session.ended()).await;
        assert_eq!(left.reason(), EndReason::Kicked);
        soon("the release", left.released()).await;
        gone(server).await;
    });
}

#[test]
fn a_session_ended_for_all_whose_handle_is_still_held_leaves_nothing_but_the_handle() {
    leaves_nothing(|server, client, clip| async move {
        let session = sending(&client, clip).await;
        let controls = session.controls();
        assert!(server.end("studio/7", "ada", EndCode::EndedForAll).await);
        let over = holds(|| controls.state() == offhook::CallingState::Left).await;
        assert!(over, "{:?}", controls.state());
        gone(server).await;
        assert_eq!(session.leave().await.reason(), EndReason::EndedForAll);
    });
}

#[test]
fn a_server_that_shuts_down_leaves_nothing() {
    leaves_nothing(|server, client, clip| async move {
        let session = sending(&client, clip).await;
        let ending = session.ended();
        server.shutdown().await;
        let mut left = soon("the ending", ending).await;
        assert_eq!(left.reason(), EndReason::ServerShutdown);
        soon("the release", left.released()).await;
    });
}

/// F12, D1: dropped at every stage of it.
#[test]
fn a_join_that_is_dropped_at_any_point_leaves_nothing() {
    leaves_nothing(|server, client, clip| async move {
        drop(idle(&client).join(Join::new().prompt("sepia").publish(clip)));
        for step in [25, 50, 75] {
            let joining = idle(&client).join(Join::new().prompt("sepia").publish(Watched::new().0));
            let mut progress = joining.progress();
            soon("the step", async {
                use futures_util::StreamExt;
                while let Some(seen) = progress.next().await {
                    if seen.percent() >= step {
                        break;
                    }
                }
            })
            .await;
            drop(joining);
        }
        gone(server).await;
    });
}

#[test]
fn a_join_that_is_refused_leaves_nothing() {
    leaves_nothing(|server, client, clip| async move {
        let joining = idle(&client).join(Join::new().prompt("xyzzy").publish(clip));
        let error = soon("the refusal", joining).await.expect_err("no such picture");
        assert!(matches!(error.kind(), JoinErrorKind::InitialStateRefused { .. }), "{error:?}");
        drop(error);
        gone(server).await;
    });
}
