//! Each rule over the shape of files, seen to fail.

use super::super::lists::Lists;
use super::super::tests::lines_found;
use super::{headers, inline_tests, sizes, unsafe_forbidden};
use crate::tree::Tree;

#[test]
fn a_file_without_a_header_is_found_and_an_exception_is_not() {
    assert_eq!(lines_found(headers, "crates/a/src/a.rs", "fn f() {}"), [1]);
    assert_eq!(lines_found(headers, "crates/a/src/a.rs", "//!\nfn f() {}"), [1]);
    assert_eq!(lines_found(headers, "fuzz/src/a.rs", ""), [1]);
    assert_eq!(lines_found(headers, "crates/a/src/a.rs", "//! A."), [0; 0]);
    let lists =
        Lists::parse("top = []\nno-header = [{ path = 'crates/a/tests/ui/', why = 'shown verbatim' }]");
    let lists = lists.expect("the lists parse");
    assert_eq!(headers(&Tree::made_up(&[("crates/a/tests/ui/x.rs", "fn main() {}")]), &lists), []);
}

#[test]
fn an_exception_without_a_reason_excepts_nothing() {
    let lists =
        Lists::parse("top = []\nno-header = [{ path = 'crates/a/', why = ' ' }]").expect("the lists parse");
    assert_eq!(headers(&Tree::made_up(&[("crates/a/x.rs", "fn main() {}")]), &lists).len(), 1);
}

#[test]
fn a_file_past_the_wall_is_found_unless_it_is_a_test() {
    let long = "\n".repeat(701);
    assert_eq!(lines_found(sizes, "crates/a/src/a.rs", &long), [0]);
    assert_eq!(lines_found(sizes, "crates/a/src/a/tests.rs", &long), [0; 0]);
    assert_eq!(lines_found(sizes, "crates/a/tests/a.rs", &long), [0; 0]);
}

#[test]
fn tests_inside_the_file_they_test_are_found() {
    let text = "#[cfg(test)]\n#[allow(x)]\nmod tests {\n}\n";
    assert_eq!(lines_found(inline_tests, "crates/a/src/a.rs", text), [3]);
    assert_eq!(
        lines_found(inline_tests, "crates/a/src/a.rs", "#[cfg(test)]\nmod tests;\nmod b {\n}\n"),
        [0; 0]
    );
}

#[test]
fn a_library_that_only_mentions_the_attribute_is_found() {
    assert_eq!(lines_found(unsafe_forbidden, "crates/a/src/lib.rs", "// #![forbid(unsafe_code)]"), [1]);
    assert_eq!(lines_found(unsafe_forbidden, "crates/a/src/lib.rs", "#![forbid(unsafe_code)]"), [0; 0]);
}
