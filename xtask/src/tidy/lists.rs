//! The committed lists of `tidy.toml`: what each crate may depend on, and the named exceptions.
//!
//! Reads them and nothing else; the rules that use them are its neighbours.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

/// Everything that `tidy.toml` says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Lists {
    /// What may stand at the top of the repository.
    pub(crate) top: Vec<String>,
    /// Path prefixes of `.rs` files that need no `//!`: text fed to the compiler to see it refuse.
    #[serde(default)]
    pub(crate) no_header: Vec<Exception>,
    /// Test files that may sleep on the real clock.
    #[serde(default)]
    pub(crate) may_sleep: Vec<Exception>,
    /// Files larger than the wall.
    #[serde(default)]
    pub(crate) may_be_large: Vec<Exception>,
    /// A dependency, and the only packages that may name it, in any section.
    #[serde(default)]
    pub(crate) borders: BTreeMap<String, Vec<String>>,
    /// Every package of the project, by name.
    #[serde(default)]
    pub(crate) package: BTreeMap<String, Package>,
}

/// A path, or the beginning of one, that a rule lets pass, and why.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exception {
    pub(crate) path: String,
    pub(crate) why: String,
}

/// One package: where it is, what it is for, and what it may name.
///
/// A dependency is written `name`, `name?` when optional, `name[a,b]` with features named here.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Package {
    pub(crate) folder: String,
    pub(crate) about: String,
    #[serde(default)]
    pub(crate) dependencies: Vec<String>,
    #[serde(default)]
    pub(crate) dev_dependencies: Vec<String>,
    #[serde(default)]
    pub(crate) build_dependencies: Vec<String>,
    /// Cargo features, without `default`.
    #[serde(default)]
    pub(crate) features: Vec<String>,
    /// The reason for a dependency that does not explain itself.
    #[serde(default)]
    pub(crate) why: BTreeMap<String, String>,
}

impl Lists {
    /// Where the lists are, from the repository's root.
    pub(crate) const PATH: &str = "xtask/tidy.toml";

    pub(crate) fn load(root: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(root.join(Self::PATH))
            .map_err(|error| format!("{} cannot be read ({error}); restore it from git", Self::PATH))?;
        Self::parse(&text)
    }

    /// Features that no package of the project turns on for itself or another: `cargo test --workspace`
    /// does not build them. By package, in order.
    pub(crate) fn features_nobody_enables(&self) -> Vec<(&str, Vec<&str>)> {
        let enabled: BTreeSet<(&str, &str)> = self
            .package
            .values()
            .flat_map(|package| package.dependencies.iter().chain(&package.dev_dependencies))
            .filter_map(|entry| entry.strip_suffix(']')?.split_once('['))
            .flat_map(|(name, features)| {
                features.split(',').map(move |feature| (name.trim_end_matches('?'), feature))
            })
            .collect();
        let left = self.package.iter().map(|(name, package)| {
            let features = package.features.iter().map(String::as_str);
            (
                name.as_str(),
                features.filter(|feature| !enabled.contains(&(name.as_str(), *feature))).collect(),
            )
        });
        left.filter(|(_, features): &(_, Vec<_>)| !features.is_empty()).collect()
    }

    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| format!("{}: {error}", Self::PATH))
    }
}

/// Whether a path falls under one of the exceptions. An exception without a reason excepts nothing.
pub(crate) fn excepted(path: &str, exceptions: &[Exception]) -> bool {
    exceptions.iter().any(|exception| !exception.why.trim().is_empty() && path.starts_with(&exception.path))
}
