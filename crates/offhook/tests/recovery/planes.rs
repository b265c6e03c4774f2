//! What recovery carries over: the ledger, the tracks, the application's handles (F31, F41, R14).

use crate::far_side::*;
use crate::line::*;
use offhook::{Plan, Plane};
use offhook_server::Server;
use std::time::Duration;

/// F31, F41, bug F1: the place is gone for good, so it is a rejoin: a new connection, the track
/// published again, the newest prompt, the same handle.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rejoin_brings_back_the_newest_prompt_and_the_same_handles() {
    let server = Server::builder().resume_window(Duration::from_secs(1)).start().await.expect("loopback");
    let line = Line::to(server).await;
    let mut session = line.joined().await;
    line.net.cut();
    session.loses(Plane::Signaling).await;
    let setting = session.session.set_prompt("greyscale");
    assert!(holds(|| line.server.census().members == 0).await, "the place is gone");
    line.net.restore().expect("the relays are there");
    let (_, (plan, _)) = session.recovers().await;
    assert_eq!(plan, Plan::Rejoin);
    soon("the ack", setting).await.expect("carried by the rejoin");
    session.is_grey(5).await;
    session.recovered_once(&line).await;
    line.end().await;
}

/// F31: the far side still has the ghost of the old link, and gives its place to the new one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resumed_session_has_no_twin() {
    let line = Line::clear().await;
    let mut session = line.joined().await;
    line.net.cut();
    session.loses(Plane::Signaling).await;
    assert_eq!(line.server.census().members, 1, "its place is kept");
    let setting = session.session.set_prompt("greyscale");
    line.net.restore().expect("the relays are there");
    session.recovers().await;
    soon("the ack", setting).await.expect("brought by the resume");
    session.is_grey(5).await;
    session.recovered_once(&line).await;
    line.end().await;
}
