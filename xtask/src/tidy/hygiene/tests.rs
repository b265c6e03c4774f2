//! Each forbidden word, seen to be found, and prose about it not.

use super::super::lists::Lists;
use super::super::tests::lines_found;
use super::{machine_traces, sleeps, unbounded_queues, unfinished};
use crate::tree::Tree;

#[test]
fn unfinished_code_is_found_and_talk_of_it_is_not() {
    let text = "// todo!()\nfn f() { todo!() }\n#[ignore = \"slow\"]\nlet s = \"unimplemented!\";\nunimplemented!();";
    assert_eq!(lines_found(unfinished, "crates/a/src/a.rs", text), [2, 3, 5]);
}

#[test]
fn unbounded_queues_are_found() {
    let text = "let a = mpsc::unbounded_channel();\nlet b = mpsc::channel(8);\nlet c = std::sync::mpsc::channel();\nfn f(t: UnboundedSender<u8>) {}";
    assert_eq!(lines_found(unbounded_queues, "crates/a/src/a.rs", text), [1, 3, 4]);
}

#[test]
fn a_test_that_sleeps_on_the_real_clock_is_found() {
    let text = "#[tokio::test]\nasync fn a() {\n    sleep(D).await;\n}\n\
                #[tokio::test(start_paused = true)]\nasync fn b() {\n    sleep(D).await;\n    std::thread::sleep(D);\n}\n\
                #[test]\nfn c() {\n    std::thread::sleep(D);\n}\n";
    assert_eq!(lines_found(sleeps, "crates/a/tests/a.rs", text), [3, 8, 12]);
    assert_eq!(lines_found(sleeps, "crates/a/src/a.rs", text), [0; 0]);
}

#[test]
fn a_test_may_sleep_with_a_reason_in_the_list() {
    let lists =
        Lists::parse("top = []\nmay-sleep = [{ path = 'crates/a/tests/a.rs', why = 'another process' }]");
    let tree = Tree::made_up(&[("crates/a/tests/a.rs", "#[test]\nfn a() { std::thread::sleep(D) }")]);
    assert_eq!(sleeps(&tree, &lists.expect("the lists parse")), []);
}

#[test]
fn machine_paths_and_registry_hosts_are_found_in_any_file() {
    let path = format!("see /{}/main/x", "work");
    let host = format!("from {}.{}", "crates", "io");
    let (tmp, root) = ("tmp", "root");
    let text = format!("{path}\n{host}\na/{tmp}/b and https://example.org/{root}/x\n/{tmp}\n\"/{tmp}/x\"");
    assert_eq!(lines_found(machine_traces, "docs/a.md", &text), [1, 2, 5]);
    assert_eq!(lines_found(machine_traces, "Cargo.lock", &text), [0; 0]);
}
