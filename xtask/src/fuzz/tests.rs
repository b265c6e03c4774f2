//! Choosing targets, and keeping what they find.

use super::{chosen, keep_crashes, targets};
use crate::tree::root;

#[test]
fn the_targets_are_the_binaries_of_the_manifest() {
    let manifest = "[package]\nname = 'f'\n[[bin]]\nname = 'one'\n[[bin]]\nname = 'two'";
    assert_eq!(targets(manifest).expect("the manifest parses"), ["one", "two"]);
}

#[test]
fn an_unknown_target_is_refused_with_the_known_ones() {
    let known = ["one".to_owned(), "two".to_owned()];
    assert_eq!(chosen(&known, Some("two")), Ok(vec!["two".to_owned()]));
    assert_eq!(chosen(&known, Some("six")), Err("no target `six`; there are one, two".to_owned()));
    assert!(chosen(&[], None).is_err());
}

#[test]
fn a_crash_moves_to_the_committed_folder() {
    let fuzz = root().join("target/xtask-tests").join(format!("fuzz-{}", std::process::id()));
    std::fs::create_dir_all(fuzz.join("artifacts/one")).expect("a folder under target can be made");
    std::fs::write(fuzz.join("artifacts/one/crash-1"), b"x").expect("a file under target can be written");
    assert_eq!(keep_crashes(&fuzz, "one").expect("the crash moves"), ["fuzz/crashes/one/crash-1"]);
    assert_eq!(std::fs::read(fuzz.join("crashes/one/crash-1")).expect("the crash is kept"), b"x");
    assert!(!fuzz.join("artifacts").exists());
    assert_eq!(keep_crashes(&fuzz, "one").expect("nothing is left"), [""; 0]);
    std::fs::remove_dir_all(&fuzz).expect("the test's own folder can be removed");
}
