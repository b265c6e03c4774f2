//! Moving to another server over real sockets (F32, R13): make before break, and every way it can
//! fail, each of which must end in a session that is joined somewhere.

use crate::far_side::*;
use crate::line::*;
use offhook::{CallingState, Event};
use offhook_server::{GoAwayCode, Server, Signer};
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Longer than any test: the old server does not hurry us.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Servers that trust each other's tickets.
pub(crate) async fn two() -> (Line, Server) {
    let signer = Signer::random().expect("randomness");
    let first = Server::builder().signer(signer.clone()).start().await.expect("loopback");
    let second = Server::builder().signer(signer).start().await.expect("loopback");
    (Line::to(first).await, second)
}

async fn go(from: &Server, to: Option<&str>) {
    from.go_away(None, to, DEADLINE, GoAwayCode::Rebalance).await;
}

impl Observed {
    /// Whether the move that was begun after the first `past` things worked out.
    pub(crate) async fn moved(&mut self, past: usize) -> bool {
        self.tells("the end of the move", past, |event| match event {
            Event::MigrationFinished { moved } => Some(*moved),
            _ => None,
        })
        .await
        .1
    }

    pub(crate) fn moves_begun(&self) -> usize {
        self.told().iter().filter(|(_, event)| matches!(event, Event::MigrationStarted(_))).count()
    }

    pub(crate) fn was_ever(&self, state: CallingState) -> bool {
        self.told().iter().any(|(_, event)| *event == Event::StateChanged(state))
    }

    /// As joined as ever: pictures on the handle of the beginning, commands, and no ending.
    pub(crate) async fn is_well(&mut self) {
        let state = CallingState::Joined;
        let mut states = self.session.states();
        soon("the session to be joined", async {
            while self.session.state() != state {
                futures_util::StreamExt::next(&mut states).await;
            }
        })
        .await;
        self.pictures(5).await;
        soon("the ack", self.session.set_prompt("invert")).await.expect("it is as joined as before");
        assert!(!self.was_ever(CallingState::Left) && !self.was_ever(CallingState::ReconnectingFailed));
    }
}

pub(crate) async fn members(server: &Server, count: usize) {
    assert!(holds(|| server.census().members == count).await, "not {count}: {:?}", server.census());
}

/// F32: media counts as live all the time, and the ledger is there before the first picture.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_moves_without_ever_being_away() {
    let (line, second) = two().await;
    let mut session = line.joined().await;
    let past = session.told().len();
    session.forget_gaps();
    go(&line.server, Some(&second.url())).await;
    assert!(session.moved(past).await, "{:#?}", session.told());
    session.pictures(10).await;
    println!("longest gap between two pictures over the move: {:?}", session.longest_gap());
    session.is_well().await;
    assert!(!session.was_ever(CallingState::Reconnecting), "{:#?}", session.told());
    members(&second, 1).await;
    line.end().await;
    second.shutdown().await;
}

/// Without a target it finds its own way: here back to the only server there is, which allows an
/// instance only one place and closes the old link itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_go_away_without_a_target_leads_to_the_same_session() {
    let line = Line::clear().await;
    let mut session = line.joined().await;
    let past = session.told().len();
    go(&line.server, None).await;
    session.moved(past).await;
    session.is_well().await;
    members(&line.server, 1).await;
    assert_eq!(session.moves_begun(), 1);
    line.end().await;
}

/// Something that listens and treats each caller so.
async fn stand_in<F: Future<Output = ()> + Send + 'static>(
    treat: impl Fn(TcpStream) -> F + Send + 'static,
) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let place = listener.local_addr().expect("bound");
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(treat(stream));
        }
    });
    (place, task)
}

/// A move there fails, and the session is joined where it was, by a rejoin.
async fn fails_towards(target: &str) {
    let line = Line::clear().await;
    let mut session = line.joined().await;
    let past = session.told().len();
    go(&line.server, Some(target)).await;
    assert!(!session.moved(past).await, "{:#?}", session.told());
    session.is_well().await;
    members(&line.server, 1).await;
    line.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_is_not_there_is_given_up() {
    let (place, task) = stand_in(|_| async {}).await;
    task.abort();
    let _ = task.await;
    fails_towards(&format!("ws://{place}/session")).await;
}

/// It takes the socket and says nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_stalls_is_given_up() {
    let (place, _task) = stand_in(|stream| async move {
        let _stream = stream;
        std::future::pending::<()>().await;
    })
    .await;
    fails_towards(&format!("ws://{place}/session")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_hangs_up_is_given_up() {
    let (place, _task) = stand_in(|stream| async move { drop(stream) }).await;
    fails_towards(&format!("ws://{place}/session")).await;
}

/// A server of another key: the ticket is nothing to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_refuses_is_given_up() {
    let stranger = server().await;
    fails_towards(&stranger.url()).await;
    assert_eq!(stranger.census().members, 0);
    stranger.shutdown().await;
}

/// S14.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_may_not_be_dialled_is_given_up() {
    fails_towards("http://127.0.0.1/").await;
}

/// The old link dies while the new one is under way: the move goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_link_that_dies_first_does_not_stop_the_move() {
    let (line, second) = two().await;
    let mut session = line.joined().await;
    let past = session.told().len();
    go(&line.server, Some(&second.url())).await;
    session
        .tells("the beginning", past, |event| matches!(event, Event::MigrationStarted(_)).then_some(()))
        .await;
    line.tcp.cut();
    session.is_well().await;
    members(&second, 1).await;
    line.end().await;
    second.shutdown().await;
}

/// F32, R12: the second move fails, and what the rejoin shows to the server it had moved to is the
/// ticket of the first, which is used: no end, but the way to the configured address.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_that_fails_after_one_that_worked_is_no_end() {
    let (line, second) = two().await;
    let mut session = line.joined().await;
    let past = session.told().len();
    go(&line.server, Some(&second.url())).await;
    assert!(session.moved(past).await, "{:#?}", session.told());
    session.pictures(2).await;
    let (place, task) = stand_in(|_| async {}).await;
    task.abort();
    let _ = task.await;
    let past = session.told().len();
    go(&second, Some(&format!("ws://{place}/session"))).await;
    assert!(!session.moved(past).await, "{:#?}", session.told());
    session.is_well().await;
    line.end().await;
    second.shutdown().await;
}

/// A second request during the first is remembered, and acted on after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_go_away_during_the_first_is_remembered() {
    let (line, second) = two().await;
    let mut session = line.joined().await;
    go(&line.server, Some(&second.url())).await;
    go(&line.server, Some(&second.url())).await;
    session.is_well().await;
    members(&second, 1).await;
    line.end().await;
    second.shutdown().await;
}

/// Servers that play ball with us: three hops, and then nobody is listened to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loop_of_servers_ends_after_three_hops() {
    let (line, second) = two().await;
    let mut session = line.joined().await;
    let servers = [&line.server, &second];
    for hop in 0..3 {
        let past = session.told().len();
        go(servers[hop % 2], Some(&servers[(hop + 1) % 2].url())).await;
        assert!(session.moved(past).await, "hop {hop}: {:#?}", session.told());
        session.pictures(2).await;
    }
    assert_eq!(session.moves_begun(), 3);
    for _ in 0..3 {
        go(&second, Some(&line.server.url())).await;
    }
    // On the same socket, so after them.
    session.is_well().await;
    assert_eq!(session.moves_begun(), 3, "{:#?}", session.told());
    assert_eq!(second.census().members, 1);
    line.end().await;
    second.shutdown().await;
}

/// A server that names itself: it is moved to as to any other, and takes its own ghost's place. Asked
/// again and again it is listened to three times, and there is nobody twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_sends_a_session_to_itself_keeps_it_once() {
    let line = Line::clear().await;
    let mut session = line.joined().await;
    let url = line.server.url();
    for round in 0..5 {
        go(&line.server, Some(&url)).await;
        session.is_well().await;
        assert!(session.moves_begun() <= 3, "round {round}: {:#?}", session.told());
    }
    members(&line.server, 1).await;
    line.end().await;
}
