//! Each rule over manifests, seen to fail.

use super::super::Finding;
use super::super::lists::Lists;
use super::{borders, dependencies, inherited};
use crate::tree::Tree;

const LISTS: &str = "
top = []
[borders]
webrtc = ['a']
[package.a]
folder = 'crates/a'
about = 'A.'
dependencies = ['bytes', 'serde?', 'tokio[rt,time]']
features = ['trace']
[package.b]
folder = 'crates/b'
about = 'B.'
";

const A: &str = "[features]\ndefault = []\ntrace = ['dep:serde']\n[dependencies]\nbytes.workspace = true
serde = { workspace = true, optional = true }\ntokio = { workspace = true, features = ['time', 'rt'] }
[lints]\nworkspace = true\n";

fn found(rule: super::super::Rule, a: &str, b: &str) -> Vec<Finding> {
    let lists = Lists::parse(LISTS).expect("the lists parse");
    rule(&Tree::made_up(&[("crates/a/Cargo.toml", a), ("crates/b/Cargo.toml", b)]), &lists)
}

#[test]
fn a_manifest_like_its_list_passes_in_any_order() {
    assert_eq!(found(dependencies, A, ""), []);
    assert_eq!(found(inherited, A, A), []);
}

#[test]
fn a_dependency_too_many_is_found_at_its_line() {
    let found = found(dependencies, &A.replace("bytes.w", "rand.workspace = true\nbytes.w"), "");
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].line, found[0].what.as_str()), (5, "`rand` is not in its list of dependencies"));
}

#[test]
fn a_feature_too_many_on_a_dependency_is_found() {
    let found = found(dependencies, &A.replace("'rt'", "'rt', 'net'"), "");
    let what: Vec<_> = found.iter().map(|finding| finding.what.as_str()).collect();
    assert_eq!(what[0], "`tokio[net,rt,time]` is not in its list of dependencies");
    assert!(what[1].starts_with("lists `tokio[rt,time]`"), "{what:?}");
}

#[test]
fn a_reason_for_something_gone_is_found() {
    let lists = LISTS.replace("[package.b]", "[package.a.why]\nrand = 'dice'\n[package.b]");
    let tree = Tree::made_up(&[("crates/a/Cargo.toml", A), ("crates/b/Cargo.toml", "")]);
    let found = dependencies(&tree, &Lists::parse(&lists).expect("the lists parse"));
    assert_eq!(
        found.iter().map(|finding| finding.what.as_str()).collect::<Vec<_>>(),
        ["explains `rand`, which a does not use"]
    );
}

#[test]
fn a_cargo_feature_too_many_is_found() {
    let found = found(dependencies, &A.replace("[features]", "[features]\nextra = []"), "");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].what, "`extra` is not in its list of features");
}

#[test]
fn a_dependency_in_the_wrong_section_is_found() {
    assert_eq!(found(dependencies, A, "[dev-dependencies]\nbytes.workspace = true").len(), 1);
    assert_eq!(found(dependencies, A, "[build-dependencies]\nbytes.workspace = true").len(), 1);
    assert_eq!(found(dependencies, A, "[target.'cfg(unix)'.dependencies]\nbytes.workspace = true").len(), 1);
}

#[test]
fn a_version_of_its_own_and_lints_of_its_own_are_found() {
    let found = found(inherited, A, "[dependencies]\nbytes = '1'");
    assert_eq!(found.iter().map(|finding| finding.line).collect::<Vec<_>>(), [2, 0]);
}

#[test]
fn a_bordered_dependency_elsewhere_is_found_even_as_a_dev_dependency() {
    let webrtc = "[dev-dependencies]\nwebrtc.workspace = true";
    assert_eq!(found(borders, A, webrtc).len(), 1);
    assert_eq!(found(borders, A, &webrtc.replace("[dev", "[target.'cfg(unix)'.dev")).len(), 1);
    assert_eq!(found(borders, webrtc, ""), []);
}

#[test]
fn a_manifest_that_does_not_parse_is_a_finding() {
    assert_eq!(
        found(dependencies, "[dependencies", A).first().map(|finding| finding.next.as_str()),
        Some("mend the manifest")
    );
}
