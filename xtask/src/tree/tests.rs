//! What `Tree::load` sees on a real disk.

use std::process::Command;

use super::{Tree, root};

#[test]
fn a_new_file_is_seen_before_it_is_added_and_an_ignored_one_never() {
    let dir = root().join("target").join("xtask-tests").join(format!("tree-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(dir.join("crates/a/src")).expect("a folder under target can be made");
    let git = Command::new("git").args(["init", "-q"]).current_dir(&dir).status().expect("git starts");
    assert!(git.success());
    for (path, bytes) in [
        (".gitignore", &b"/out\n"[..]),
        ("crates/a/src/lib.rs", b"//! A.\n"),
        ("out", b"x"),
        ("blob", b"\0\xff"),
    ] {
        std::fs::write(dir.join(path), bytes).expect("a file under target can be written");
    }
    let tree = Tree::load(&dir).expect("the made-up repository loads");
    let seen: Vec<_> = tree.files().map(|file| (file.path.as_str(), file.text.is_some())).collect();
    assert_eq!(seen, [(".gitignore", true), ("blob", false), ("crates/a/src/lib.rs", true)]);
    assert!(tree.holds("crates/a") && !tree.holds("crates/b"));
    std::fs::remove_dir_all(&dir).expect("the test's own folder can be removed");
}
