//! Words that must not be committed: unfinished code, unbounded queues, sleeping tests, machine traces.

use super::lists::{Lists, excepted};
use super::{Finding, numbered};
use crate::code::find_word;
use crate::tree::{Source, Tree};

/// Unfinished code, and tests that are not run.
pub(super) fn unfinished(tree: &Tree, _: &Lists) -> Vec<Finding> {
    let words = [
        ("todo!", "finish it or leave it out"),
        ("unimplemented!", "finish it or leave it out"),
        ("#[ignore", "make it run, or delete it and say why"),
        ("dbg!", "remove it"),
    ];
    in_code(tree.rust(), &words)
}

/// A queue without a bound turns a slow reader into a crash an hour later (R16).
pub(super) fn unbounded_queues(tree: &Tree, _: &Lists) -> Vec<Finding> {
    let next = "use a bounded channel or a level cell";
    let words = [
        ("unbounded_channel", next),
        ("unbounded(", next),
        ("mpsc::channel()", next),
        ("UnboundedSender", next),
    ];
    in_code(tree.rust(), &words)
}

/// A test waits for the event, or runs on virtual time; it does not sleep and hope.
pub(super) fn sleeps(tree: &Tree, lists: &Lists) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust().filter(|file| file.is_test() && !excepted(&file.path, &lists.may_sleep)) {
        let mut virtual_time = false;
        for (line, text) in numbered(file.code()) {
            if text.contains("test(") || text.contains("test]") {
                virtual_time = text.contains("start_paused");
            }
            if text.contains("time::pause()") {
                virtual_time = true;
            }
            let sleeps = ["sleep(", "sleep_until("].iter().any(|word| find_word(text, word).is_some());
            if sleeps && (!virtual_time || text.contains("thread::sleep")) {
                let next = "wait for the event or use `start_paused`; a real need goes into `may-sleep` in xtask/tidy.toml";
                findings.push(Finding::new(&file.path, line, "a test sleeps on the real clock", next));
            }
        }
    }
    findings
}

/// The project works from any folder and names no host it was built through.
pub(super) fn machine_traces(tree: &Tree, _: &Lists) -> Vec<Finding> {
    // Spelled in pieces: this file is held to the rule too.
    let folders = ["work", "tmp", "root", "farm", "home"].map(|name| format!("/{name}/"));
    let hosts =
        [("crates", "io"), ("npmjs", "org"), ("pypi", "org"), ("deb.debian", "org"), ("proxy.golang", "org")]
            .map(|(name, top)| format!("{name}.{top}"));
    let locks = ["Cargo.lock", "package-lock.json"];
    let held = tree.files().filter(|file| !locks.iter().any(|lock| file.path.ends_with(lock)));
    let mut findings = Vec::new();
    for file in held {
        for (line, text) in numbered(file.text()) {
            if let Some(folder) = folders.iter().find(|folder| names_folder(text, folder)) {
                let what = format!("a machine's path (`{folder}…`)");
                findings.push(Finding::new(
                    &file.path,
                    line,
                    what,
                    "use a path from the repository or a temporary one",
                ));
            }
            if let Some(host) = hosts.iter().find(|host| text.contains(host.as_str())) {
                let what = format!("a registry's host (`{host}`)");
                findings.push(Finding::new(&file.path, line, what, "leave it to the tool's own default"));
            }
        }
    }
    findings
}

/// `/name/x` at the start of a path: not the middle of one, as in `session/root/x`, nor of a URL.
fn names_folder(text: &str, folder: &str) -> bool {
    text.match_indices(folder).any(|(at, _)| {
        let inside = text[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || "._-".contains(c));
        let goes_on = text[at + folder.len()..].starts_with(|c: char| c.is_ascii_alphanumeric());
        !inside && goes_on
    })
}

fn in_code<'a>(files: impl Iterator<Item = &'a Source>, words: &[(&str, &str)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        for (line, text) in numbered(file.code()) {
            for (word, next) in words.iter().filter(|(word, _)| find_word(text, word).is_some()) {
                findings.push(Finding::new(&file.path, line, format!("`{word}`"), *next));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests;
