//! What a cargo started here is told, and not told.

use super::cargo;
use crate::tree::root;

#[test]
fn a_build_started_here_is_not_told_of_the_package_that_starts_it() {
    let command = cargo(&root(), &["--version"]);
    // Cargo itself told this test of its package; where it did not, there is nothing to take away.
    let told = |name: &str| std::env::var_os(name).is_some();
    let removed = |name: &str| command.get_envs().any(|(key, value)| key == name && value.is_none());
    for name in ["CARGO_PKG_NAME", "CARGO_PKG_VERSION_MAJOR", "CARGO_MANIFEST_DIR"] {
        assert_eq!(removed(name), told(name), "{name}");
    }
    assert!(!removed("CARGO") && !removed("PATH"));
}
