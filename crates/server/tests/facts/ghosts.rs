//! Whoever goes, however it goes, leaves no ghost (group H).

use crate::wire::{Member, Wire, builder, empty, join, pong, server, settled};
use futures_util::SinkExt;
use offhook_server::Server;
use offhook_signaling::{Attendance, FromClient, FromServer, Join, Rejoin};
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;

fn rejoin(member: &Member, epoch: u64) -> Join {
    let rejoin = Rejoin {
        session_id: member.joined.session_id.clone(),
        secret: member.joined.resume_secret.clone(),
        must_exist: false,
    };
    Join { epoch, rejoin: Some(rejoin), ..member.join.clone() }
}

// A join that was given up: whoever never knew that it was in cannot come back to its place.
#[tokio::test]
async fn a_join_that_is_dropped_leaves_no_ghost_for_the_window() {
    let server = builder().resume_window(Duration::from_secs(600)).start().await.expect("a port");
    // Let in, and closed before anything was said.
    let mut entered = Wire::enter(&server, "ada", 1).await;
    entered.wire.socket.close(None).await.expect("it is open");
    // Closed before the answer.
    let mut asked = Wire::dial(&server).await;
    asked.say(&FromClient::Join(join("bob", 2))).await;
    asked.socket.close(None).await.expect("it is open");
    entered.wire.rest().await;
    asked.rest().await;
    empty(&server).await;
}

// The one that knows that it is in keeps its place, also after a close: a closed socket is loss.
#[tokio::test]
async fn a_member_that_spoke_keeps_its_place_when_its_socket_closes() {
    let server = server().await;
    let mut member = Wire::enter(&server, "ada", 1).await;
    pong(&mut member, 1).await;
    member.wire.socket.close(None).await.expect("it is open");
    member.wire.rest().await;
    let mut wire = Wire::dial(&server).await;
    wire.frames = std::mem::take(&mut member.wire.frames);
    wire.say_once(&FromClient::Resume(member.resume(2, &member.joined.resume_secret))).await;
    assert!(matches!(wire.next().await, Ok(FromServer::Resumed(_))));
}

// S19: the retry of a join that was given up is let in, whichever the server hears of first.
#[tokio::test]
async fn the_retry_of_a_join_that_was_given_up_is_let_in() {
    let server = server().await;
    for epoch in 1..=10 {
        let mut given_up = Wire::dial(&server).await;
        given_up.say(&FromClient::Join(Join { epoch: 2 * epoch, ..join("ada", 1) })).await;
        let closing = given_up.socket.close(None);
        let retry = Wire::enter_with(&server, Join { epoch: 2 * epoch + 1, ..join("ada", 1) });
        let (_, mut member) = tokio::join!(closing, retry);
        pong(&mut member, epoch).await;
        assert_eq!(server.census().members, 1);
        member.wire.say(&crate::wire::goodbye()).await;
        member.wire.rest().await;
        empty(&server).await;
    }
}

// H4, E22
#[tokio::test]
async fn ten_drops_leave_a_roster_of_one() {
    let server = server().await;
    let mut member = Wire::enter(&server, "ada", 1).await;
    for epoch in 2..=11 {
        let again = rejoin(&member, epoch);
        member.wire.lose();
        member = Wire::enter_with(&server, again).await;
        assert_eq!(member.joined.snapshot.roster.len(), 1, "drop {epoch}");
    }
    assert_eq!(server.census().members, 1);
}

/// A small generator, so that a failure can be had again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }
}

/// What was done to whom.
async fn live(server: &Server, dice: &mut Dice, turns: usize) -> Vec<Option<Member>> {
    let mut clients: Vec<Option<Member>> = Vec::new();
    let mut epochs = [1_u64; 6];
    for user in 0..epochs.len() {
        clients.push(Some(Wire::enter(server, &format!("user {user}"), user as u128).await));
    }
    for _ in 0..turns {
        let user = dice.roll(clients.len());
        epochs[user] += 1;
        let fresh = Join { epoch: epochs[user], ..join(&format!("user {user}"), user as u128) };
        let now = match (clients[user].take(), dice.roll(4)) {
            (None, _) => Some(Wire::enter_with(server, fresh).await),
            (Some(member), 0) => {
                member.wire.lose();
                None
            }
            (Some(mut member), 1) => {
                member.wire.say(&crate::wire::goodbye()).await;
                member.wire.rest().await;
                None
            }
            (Some(member), 2) => {
                let again = rejoin(&member, epochs[user]);
                member.wire.lose();
                Some(Wire::enter_with(server, again).await)
            }
            (Some(mut member), _) => {
                pong(&mut member, 1).await;
                let resume = member.resume(epochs[user], &member.joined.resume_secret);
                let mut wire = Wire::dial(server).await;
                wire.frames = std::mem::take(&mut member.wire.frames);
                wire.say_once(&FromClient::Resume(resume)).await;
                let Ok(FromServer::Resumed(resumed)) = wire.next().await else { panic!("`resumed` was due") };
                member.wire = wire;
                member.joined.resume_secret = resumed.secret;
                Some(member)
            }
        };
        clients[user] = now;
    }
    clients
}

// H2
#[tokio::test]
async fn after_random_kills_the_roster_is_the_live_clients() {
    for seed in [7, 1_234_567, 42] {
        let server = builder().resume_window(Duration::ZERO).start().await.expect("a port");
        let mut clients = live(&server, &mut Dice(seed), 60).await;
        let live = clients.iter().flatten().count();
        // The lost are gone with their window; those who live say so meanwhile.
        settled("the lost are gone", || server.census().members == live).await;
        for member in clients.iter_mut().flatten() {
            pong(member, 2).await;
        }
        let watcher = Wire::enter(&server, "watcher", 99).await;
        let mut seen: Vec<_> =
            watcher.joined.snapshot.roster.iter().map(|member| member.instance.0).collect();
        seen.sort_unstable();
        let mut expected: Vec<_> =
            clients.iter().flatten().map(|member| member.join.instance.0).chain([99]).collect();
        expected.sort_unstable();
        assert_eq!(seen, expected, "seed {seed}");
        let all_there =
            watcher.joined.snapshot.roster.iter().all(|member| member.attendance == Attendance::Present);
        assert!(all_there, "seed {seed}: {:?}", watcher.joined.snapshot.roster);
    }
}

// A frame that arrives for a link that is gone is nobody's.
#[tokio::test]
async fn a_socket_that_is_cut_in_the_middle_of_its_join_leaves_nothing() {
    let server = builder().resume_window(Duration::ZERO).start().await.expect("a port");
    for number in 1..=5 {
        let mut wire = Wire::dial(&server).await;
        let text =
            offhook_signaling::encode(None, 0, &FromClient::Join(join("ada", number))).expect("a frame");
        wire.socket.feed(Message::text(text)).await.expect("it is open");
        let _ = wire.socket.flush().await;
        wire.lose();
    }
    empty(&server).await;
}
