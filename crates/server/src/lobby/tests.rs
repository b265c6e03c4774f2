//! S8.
use super::{Lobby, Stage};
use futures_util::FutureExt;
use std::sync::Arc;

#[test]
fn one_too_many_costs_the_one_who_waits_longest_and_not_the_newest() {
    let lobby = Arc::new(Lobby::new(2));
    let (first, second) = (lobby.knock(), lobby.knock());
    assert_eq!(first.decided().now_or_never(), None);
    let third = lobby.knock();
    assert_eq!(first.decided().now_or_never(), Some(Stage::Evicted));
    assert_eq!(second.decided().now_or_never(), None);
    assert_eq!(third.decided().now_or_never(), None);
}

#[test]
fn who_was_let_in_or_went_away_takes_no_room() {
    let lobby = Arc::new(Lobby::new(2));
    let inside = lobby.knock();
    inside.admit();
    drop(lobby.knock());
    let (a, b) = (lobby.knock(), lobby.knock());
    for knock in [&a, &b] {
        assert_eq!(knock.decided().now_or_never(), None);
    }
    assert_eq!(inside.decided().now_or_never(), Some(Stage::Admitted));
}

#[test]
fn a_closing_house_sends_all_away_but_those_inside() {
    let lobby = Arc::new(Lobby::new(8));
    let (inside, outside) = (lobby.knock(), lobby.knock());
    inside.admit();
    lobby.clear();
    assert_eq!(inside.decided().now_or_never(), Some(Stage::Admitted));
    assert_eq!(outside.decided().now_or_never(), Some(Stage::Evicted));
}
