//! Ids are found where a test bears them, and nowhere else.

use super::*;

const SUITE: &str = "\
//! S8 at the door.

/// F04, A2 somebody/something#12: nothing follows.
#[tokio::test(start_paused = true)]
async fn a_leave_is_final() {}

/// R1
fn no_test() {}

// B3
#[test]
fn every_outage_ends() {}
";

fn of(files: &[(&str, &str)]) -> BTreeMap<String, BTreeSet<Proof>> {
    proofs(&Tree::made_up(files))
}

#[test]
fn tests_are_found_by_the_ids_above_them() {
    let found = of(&[("crates/a/tests/suite.rs", SUITE)]);
    let ids: Vec<_> = found.keys().map(String::as_str).collect();
    assert_eq!(ids, ["A2", "B3", "F04", "S8"]);
    let name = |id: &str| found[id].first().and_then(|proof| proof.name.clone());
    assert_eq!(name("A2").as_deref(), Some("a_leave_is_final"));
    assert_eq!(name("B3").as_deref(), Some("every_outage_ends"));
    assert_eq!(name("S8"), None);
}

#[test]
fn the_head_of_product_code_proves_nothing() {
    assert!(of(&[("crates/a/src/lib.rs", "//! R1 is kept here.\n")]).is_empty());
}

#[test]
fn a_check_of_the_suite_counts_as_a_test() {
    let check = "/// F37\npub async fn it_carries(rig: &dyn Rig) -> Check {\n";
    assert_eq!(of(&[("crates/transport/src/conformance/planes.rs", check)]).len(), 1);
    assert!(of(&[("crates/transport/src/planes.rs", check)]).is_empty());
}

fn row(id: &str, at: &[&str]) -> Row {
    let at = at.iter().map(|place| (*place).to_owned()).collect();
    Row { id: id.into(), fact: "It holds".into(), link: String::new(), not: None, at }
}

fn promises(rows: Vec<Row>) -> Promises {
    Promises { part: vec![Part { title: "T".into(), about: "A.".into(), rows }] }
}

#[test]
fn a_row_without_a_test_is_missing_and_an_id_stands_once() {
    let tree = Tree::made_up(&[("crates/a/tests/suite.rs", SUITE)]);
    let rows = promises(vec![row("F04", &[]), row("F99", &[])]);
    let page = written(&PROOFS, &rows, &tree).expect("it is written");
    assert!(page.contains("| F04 | It holds | [`a_leave_is_final`](../crates/a/tests/suite.rs) |"), "{page}");
    assert!(page.contains("| F99 | It holds | **missing** |"), "{page}");
    let twice = promises(vec![row("F04", &[]), row("F04", &[])]);
    assert!(written(&PROOFS, &twice, &Tree::made_up(&[])).is_err());
}

#[test]
fn a_feature_says_where_it_lives_and_that_must_be_true() {
    let tree = Tree::made_up(&[
        ("crates/a/tests/suite.rs", SUITE),
        ("crates/a/src/lib.rs", "pub struct Session;\nimpl Session { pub fn leave(self) {} }\n"),
    ]);
    let of = |rows| written(&FEATURES, &promises(rows), &tree);
    let page = of(vec![row("F04", &["Session::leave @ crates/a/src/lib.rs"]), row("F99", &[])]);
    let page = page.expect("it is written");
    let lives = "[`Session::leave`](../crates/a/src/lib.rs)";
    let test = "[`a_leave_is_final`](../crates/a/tests/suite.rs)";
    assert!(page.contains(&format!("| F04 | It holds | {lives} | {test} |")), "{page}");
    assert!(page.contains("| F99 | It holds | — | **missing** |"), "{page}");
    for (at, says) in [
        (&[][..], "say where it lives"),
        (&["Session::join @ crates/a/src/lib.rs"], "not defined"),
        (&["Session @ crates/b/src/lib.rs"], "there is no"),
        (&["Session"], "not of the form"),
    ] {
        let said = of(vec![row("F04", at)]).expect_err("it is not true");
        assert!(said.contains(says), "{said}");
    }
}
