//! What the store of contents keeps.

use super::*;

#[test]
fn the_newest_credentials_are_kept_and_the_older_are_let_go() {
    let mut contents = Contents::default();
    let all: Vec<_> = (0..KEPT + 2).map(|n| contents.credential(n.to_string().into())).collect();
    assert_eq!(contents.find_credential(all[0]), None);
    assert_eq!(contents.find_credential(all[KEPT + 1]), Some(wire::Secret::new("9")));
}

/// R19: a far side's text may be of any length and is cut, not refused.
#[test]
fn a_long_text_is_cut_at_a_characters_edge() {
    let mut contents = Contents::default();
    contents.refused("ä".repeat(MAX_TEXT));
    assert_eq!(contents.last_text.as_deref().map(str::len), Some(MAX_TEXT));
    contents.refused(format!("x{}", "ä".repeat(MAX_TEXT)));
    assert_eq!(contents.last_text.as_deref().map(str::len), Some(MAX_TEXT - 1));
}

#[test]
fn a_go_away_that_names_nothing_has_no_target() {
    let mut contents = Contents::default();
    let reason = wire::GoAwayReason::Other;
    let nothing = wire::GoAwayHint { url: None, ticket: None, deadline: None, reason };
    assert_eq!(contents.target(nothing), None);
    let somewhere = wire::GoAwayHint { url: Some("wss://b".into()), ticket: None, deadline: None, reason };
    let target = contents.target(somewhere).and_then(|target| contents.find_target(target));
    assert_eq!(target.and_then(|target| target.url).as_deref(), Some("wss://b"));
}
