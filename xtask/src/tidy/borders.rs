//! Borders inside the code: purity, private names, and the files where no wildcard may stand.

use super::lists::Lists;
use super::{Finding, numbered};
use crate::code::find_word;
use crate::tree::{Source, Tree};

/// What a crate without I/O and without a clock cannot need.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::io",
    "std::env",
    "std::process",
    "std::thread",
    "std::net::TcpStream",
    "std::net::UdpSocket",
    "Instant::now",
    "SystemTime",
    "tokio::",
];
const PURE: &[&str] = &["crates/lifecycle/src/", "crates/signaling/src/"];

/// Files where a new variant must break the build until someone decides.
const NO_WILDCARD: &[&str] = &["translate", "state", "reason"];

/// No I/O and no clock in the crates that promise so; their tests may read files.
pub(super) fn purity(tree: &Tree, _: &Lists) -> Vec<Finding> {
    let pure =
        tree.rust().filter(|file| !file.is_test() && PURE.iter().any(|home| file.path.starts_with(home)));
    pure.flat_map(|file| {
        words(
            file,
            IMPURE,
            |word| format!("`{word}` in a crate without I/O and without a clock"),
            "let the host do it",
        )
    })
    .collect()
}

/// The library under the machine is a detail: replacing it must not be a breaking change.
pub(super) fn statig_is_private(tree: &Tree, _: &Lists) -> Vec<Finding> {
    let files = tree.rust().filter(|file| !file.is_test() && file.path.starts_with("crates/lifecycle/src/"));
    let mut findings = Vec::new();
    for file in files {
        for (line, text) in numbered(file.code()) {
            let text = text.trim_start();
            if text.starts_with("pub ") && find_word(text, "statig").is_some() {
                let next = "make it `pub(crate)` or wrap it in a type of ours";
                findings.push(Finding::new(&file.path, line, "shows statig in public", next));
            }
        }
    }
    findings
}

/// `peer/` is used by the server and by later engines, whose signaling is another.
pub(super) fn peer_knows_no_signaling(tree: &Tree, _: &Lists) -> Vec<Finding> {
    let room = |path: &str| path.starts_with("crates/transport-webrtc/src/peer");
    let files = tree.rust().filter(|file| room(&file.path));
    files
        .flat_map(|file| {
            let what = |_: &str| "the peer room names the native signaling".to_owned();
            words(
                file,
                &["offhook_signaling", "crate::native"],
                what,
                "keep it in native/ and pass plain values down",
            )
        })
        .collect()
}

/// No `_ =>` over our own enums in the files that map them.
pub(super) fn wildcards(tree: &Tree, _: &Lists) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust().filter(|file| !file.is_test() && is_mapping(&file.path)) {
        for (line, text) in numbered(file.code()) {
            let arm = text.trim_start();
            if arm.starts_with("_ =>") || arm.starts_with("_ if ") || arm.contains("| _ =>") {
                let next = "name every variant, so that a new one breaks the build here";
                findings.push(Finding::new(&file.path, line, "a wildcard arm", next));
            }
        }
    }
    findings
}

/// `…/translate.rs`, and every file of a folder `…/translate/`.
fn is_mapping(path: &str) -> bool {
    path.starts_with("crates/")
        && path.split('/').any(|part| NO_WILDCARD.contains(&part.strip_suffix(".rs").unwrap_or(part)))
}

fn words(file: &Source, words: &[&str], what: impl Fn(&str) -> String, next: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, text) in numbered(file.code()) {
        for word in words.iter().filter(|word| find_word(text, word).is_some()) {
            findings.push(Finding::new(&file.path, line, what(word), next));
        }
    }
    findings
}

#[cfg(test)]
mod tests;
