//! Each rule of the layout, seen to fail.

use super::super::lists::Lists;
use super::super::tests::lines_found;
use super::{crates, links, top_level};
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
