//! The repository as the checks see it: every tracked (or about to be tracked) file with its text.
//!
//! Knows how to list and read files, nothing about rules; those are in `tidy/`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::code;

/// All files of the repository, sorted by path.
#[derive(Debug)]
pub(crate) struct Tree {
    files: Vec<Source>,
}

/// One file: its path from the repository's root, with `/` between the parts, and its text.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) path: String,
    /// `None` for a binary file.
    pub(crate) text: Option<String>,
    code: OnceLock<String>,
}

impl Tree {
    /// Reads what git tracks, and what it would track: an unstaged new file is held to the same rules.
    pub(crate) fn load(root: &Path) -> Result<Self, String> {
        let listing = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .map_err(|error| format!("git does not start ({error}); install git"))?;
        if !listing.status.success() {
            let said = String::from_utf8_lossy(&listing.stderr);
            return Err(format!("git ls-files failed: {}; run this inside a clone", said.trim()));
        }
        let listing = String::from_utf8_lossy(&listing.stdout);
        let mut files = Vec::new();
        for path in listing.split('\0').filter(|path| !path.is_empty()) {
            // Listed but gone from disk: a deletion not staged yet.
            let Ok(bytes) = std::fs::read(root.join(path)) else { continue };
            files.push(Source::new(path, String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))));
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files.dedup_by(|a, b| a.path == b.path);
        Ok(Self { files })
    }

    #[cfg(test)]
    pub(crate) fn made_up(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| Source::new(path, Some((*text).to_owned()))).collect();
        Self { files }
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = &Source> {
        self.files.iter()
    }

    /// The Rust files of the project's own crates, its tasks and its fuzz targets.
    pub(crate) fn rust(&self) -> impl Iterator<Item = &Source> {
        self.files().filter(|file| {
            file.path.ends_with(".rs")
                && ["crates/", "xtask/", "fuzz/"].iter().any(|top| file.path.starts_with(top))
        })
    }

    pub(crate) fn get(&self, path: &str) -> Option<&Source> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Whether a file or a folder of that path exists.
    pub(crate) fn holds(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        self.files.iter().any(|file| file.path == path || file.path.starts_with(&folder))
    }
}

impl Source {
    fn new(path: &str, text: Option<String>) -> Self {
        Self { path: path.to_owned(), text, code: OnceLock::new() }
    }

    /// The text, or nothing for a binary file.
    pub(crate) fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    /// The text with comments and the insides of literals blanked; lines keep their numbers.
    pub(crate) fn code(&self) -> &str {
        self.code.get_or_init(|| code::blank(self.text()))
    }

    /// Whether the whole file is test code.
    pub(crate) fn is_test(&self) -> bool {
        let path = self.path.as_str();
        path.contains("/tests/") || path.ends_with("/tests.rs") || path.ends_with("_tests.rs")
    }
}

/// The repository's root: the folder above this crate's own.
pub(crate) fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or_else(|| here.clone(), Path::to_path_buf)
}

#[cfg(test)]
mod tests;
