//! The lines by themselves: order, ghosts, bounds, and that nothing turns while nothing happens.

use super::*;
use std::time::Duration;
use tokio::time::{sleep, timeout};

fn room() -> Lane {
    Lane::Room("studio/1".into())
}

fn who(n: u128) -> Who {
    Who { key: "studio/1".into(), user: format!("user {n}"), instance: Instance(n), epoch: 1 }
}

fn code(refused: Result<Turn, Box<Error>>) -> ErrorCode {
    refused.map(|_| ()).expect_err("refused").code
}

// F07
#[tokio::test(start_paused = true)]
async fn places_are_live_and_one_who_goes_leaves_no_ghost() {
    let queue = Arc::new(Queue::new(8));
    let mut turns: Vec<_> = (0..3).map(|n| queue.enter(room(), who(n)).expect("room")).collect();
    assert_eq!(turns.iter_mut().map(|turn| turn.look().position).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(queue.is_turn(&room(), Some(&turns[0])));
    assert!(!queue.is_turn(&room(), Some(&turns[1])) && !queue.is_turn(&room(), None));
    drop(turns.remove(0));
    turns[0].changed().await;
    assert_eq!(turns.iter_mut().map(|turn| turn.look().position).collect::<Vec<_>>(), [0, 1]);
    turns.clear();
    assert_eq!((queue.waiting(&room()), queue.is_turn(&room(), None)), (0, true));
}

// F07
#[tokio::test(start_paused = true)]
async fn a_newer_dial_of_the_same_client_has_the_place_of_its_ghost() {
    let queue = Arc::new(Queue::new(8));
    let mut old = queue.enter(room(), who(1)).expect("room");
    let mut behind = queue.enter(room(), who(2)).expect("room");
    assert_eq!(code(queue.enter(room(), who(1))), ErrorCode::StaleEpoch);
    let mut new = queue.enter(room(), Who { epoch: 2, ..who(1) }).expect("its own place");
    assert!(old.look().refused.is_some(), "the ghost is told");
    drop(old);
    assert_eq!((new.look().position, behind.look().position), (0, 1));
    assert_eq!(queue.waiting_for("studio/1"), 2);
}

// F07
#[tokio::test(start_paused = true)]
async fn the_line_and_one_users_part_of_it_are_bounded() {
    let queue = Arc::new(Queue::new(10));
    let mut kept = Vec::new();
    for n in 0..OF_ONE_USER as u128 {
        kept.push(queue.enter(room(), Who { user: "greedy".into(), ..who(n) }).expect("room"));
    }
    assert_eq!(code(queue.enter(room(), Who { user: "greedy".into(), ..who(99) })), ErrorCode::Busy);
    kept.push(queue.enter(room(), who(100)).expect("room for others"));
    kept.push(queue.enter(room(), who(101)).expect("and one more"));
    assert_eq!(code(queue.enter(room(), who(102))), ErrorCode::Busy);
}

// F07
#[tokio::test(start_paused = true)]
async fn a_thousand_who_wait_are_woken_by_news_alone() {
    let queue = Arc::new(Queue::new(1000));
    let mut turns: Vec<_> = (0..1000).map(|n| queue.enter(room(), who(n)).expect("room")).collect();
    for turn in &mut turns {
        turn.look();
    }
    let nobody = async {
        for turn in &mut turns {
            let woken = timeout(Duration::from_millis(1), turn.changed()).await;
            assert!(woken.is_err(), "nothing happened");
        }
    };
    tokio::join!(nobody, sleep(Duration::from_secs(600)));
    // A place that comes free wakes the head and nobody else.
    queue.freed("studio/1");
    let woken = turns.iter().filter(|turn| turn.told.has_changed().unwrap_or(true)).count();
    assert_eq!(woken, 1);
}

#[tokio::test(start_paused = true)]
async fn those_sent_away_are_told_why_and_the_others_move_up() {
    let queue = Arc::new(Queue::new(8));
    let mut first = queue.enter(room(), who(1)).expect("room");
    let mut second = queue.enter(room(), who(2)).expect("room");
    let why = FromServer::Error(Error::new(ErrorCode::NotPermitted, "removed"));
    assert_eq!(queue.turn_away(Some("studio/1"), Some("user 1"), &why), 1);
    first.changed().await;
    assert_eq!(first.look().refused.as_deref(), Some(&why));
    assert_eq!(second.look().position, 0);
    assert_eq!(queue.turn_away(Some("studio/2"), None, &why), 0);
}

#[tokio::test(start_paused = true)]
async fn a_line_for_a_session_and_one_for_the_server_are_two() {
    let queue = Arc::new(Queue::new(8));
    let mut of_room = queue.enter(room(), who(1)).expect("room");
    let mut of_server = queue.enter(Lane::Sessions, Who { key: "studio/2".into(), ..who(2) }).expect("room");
    assert_eq!((of_room.look().position, of_server.look().position), (0, 0));
    of_server.move_to(room());
    assert_eq!(of_server.look().position, 1, "behind those who came before it");
}
