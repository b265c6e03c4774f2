//! What counts as a definition, and what only looks like one.

use super::defines;
use crate::tree::Tree;

const TEXT: &str = "\
/// Joins: fn ghost.
pub struct Session<P> {
    pub reason: Reason,
}
impl Session<Idle> {
    pub async fn join(self) -> Joining {
        Joining::new(self.leave())
    }
}
pub enum Event {
    Ended(Ended),
    Missed {
        count: u64,
    },
    Busy = \"busy\",
    Closed,
}
fn shown(event: Event) {
    match event {
        Closed => {}
        Opened => {}
    }
    Called(event);
}
";

fn holds(item: &str) -> bool {
    let tree = Tree::made_up(&[("crates/a/src/lib.rs", TEXT)]);
    tree.get("crates/a/src/lib.rs").is_some_and(|source| defines(source, item))
}

#[test]
fn items_methods_variants_and_fields_are_found_where_they_are_defined() {
    for item in [
        "Session",
        "Session::join",
        "Event",
        "Event::Ended",
        "Event::Missed",
        "Event::Busy",
        "Event::Closed",
        "Session::reason",
    ] {
        assert!(holds(item), "{item}");
    }
}

#[test]
fn what_is_only_named_there_is_not_found() {
    for item in ["ghost", "Joining", "leave", "Opened", "Called", "Reason", "Other::join", "", "Session::"] {
        assert!(!holds(item), "{item}");
    }
}
