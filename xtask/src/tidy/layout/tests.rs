//! Each rule of the layout, seen to fail.

use super::super::lists::Lists;
use super::super::tests::lines_found;
use super::{crates, items, links, top_level};
use crate::tree::Tree;

fn lists() -> Lists {
    Lists::parse("top = ['crates']\n[package.a]\nfolder = 'crates/a'\nabout = 'A.'").expect("the lists parse")
}

#[test]
fn a_new_folder_at_the_top_is_found() {
    let found = top_level(&Tree::made_up(&[("crates/a/x", ""), ("tools/x", ""), ("notes.md", "")]), &lists());
    assert_eq!(found.iter().map(|finding| finding.path.as_str()).collect::<Vec<_>>(), ["notes.md", "tools"]);
}

#[test]
fn an_unlisted_crate_and_a_listed_one_that_is_gone_are_found() {
    let found = crates(&Tree::made_up(&[("crates/b/Cargo.toml", "")]), &lists());
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].path, "crates/b/Cargo.toml");
    assert_eq!(found[1].what, "lists `crates/a`, which is not there");
    assert_eq!(crates(&Tree::made_up(&[("crates/a/Cargo.toml", "")]), &lists()), []);
}

#[test]
fn a_dead_link_is_found_and_living_ones_are_not() {
    let tree = Tree::made_up(&[
        (
            "docs/a.md",
            "[b](b.md) [up](../README.md#top) [web](https://example.org) [here](#here)\n```\n[x](x.md)\n```\n[c](c.md)",
        ),
        ("docs/b.md", ""),
        ("crates/a/src/piece.md", "[x](page.md)"),
        ("README.md", "[docs](docs/) ![a](docs/a.md)"),
    ]);
    let found = links(&tree, &Lists::default());
    assert_eq!(
        found.iter().map(|finding| (finding.path.as_str(), finding.line)).collect::<Vec<_>>(),
        [("docs/a.md", 5)]
    );
}

#[test]
fn a_link_above_the_root_is_dead() {
    assert_eq!(lines_found(links, "a.md", "[x](../../b.md)"), [1]);
}

#[test]
fn a_link_to_an_item_that_is_not_defined_there_is_found() {
    let tree = Tree::made_up(&[
        (
            "docs/a.md",
            "[`Session::join`](../crates/a/src/lib.rs) [`Session::part`](../crates/a/src/lib.rs)\n\
             [`crates/a/src/lib.rs`](../crates/a/src/lib.rs) [words](../crates/a/src/lib.rs) [`lib`](../crates/a/src/lib.rs)\n\
             [`Client`](../crates/a/src/lib.rs)",
        ),
        ("crates/a/src/lib.rs", "impl Session { pub fn join() {} }"),
    ]);
    let found = items(&tree, &Lists::default());
    let found: Vec<_> = found.iter().map(|finding| (finding.line, finding.what.as_str())).collect();
    let not = |item: &str| format!("`{item}` is not defined in `crates/a/src/lib.rs`");
    assert_eq!(found, [(1, not("Session::part").as_str()), (3, not("Client").as_str())]);
}

#[test]
fn a_row_that_leads_to_no_item_is_found_where_each_must() {
    let page = "| there | here |\n|---|---|\n| a | [`join`](../crates/a/src/lib.rs) |\n| b | nothing |\n";
    let files = |path| [(path, page), ("crates/a/src/lib.rs", "fn join() {}")];
    let found = items(&Tree::made_up(&files("docs/coming-from.md")), &Lists::default());
    assert_eq!(found.iter().map(|finding| finding.line).collect::<Vec<_>>(), [4]);
    assert_eq!(items(&Tree::made_up(&files("docs/other.md")), &Lists::default()), []);
}
