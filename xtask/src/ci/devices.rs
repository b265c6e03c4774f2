//! The features for devices: what the machine must have to build them, and the step that tests
//! them. Where it has not, the step says so and the others go without.

use std::path::Path;

use crate::run::{cargo, says_yes, starts, succeed};
use crate::tidy::lists::Lists;

/// The features that bring devices along, in whichever package.
pub(super) const FEATURES: [&str; 4] = ["audio", "camera", "devices", "window"];

/// Builds and tests them: of the media alone, and sessions of the command by way of devices.
pub(super) fn run(root: &Path) -> Result<(), String> {
    if let Some(why) = missing() {
        println!("skipped: {why}");
        return Ok(());
    }
    let tests = [
        "--package",
        "offhook-media",
        "--features",
        "audio,camera,window",
        "--lib",
        "--test",
        "sound_devices",
    ];
    succeed(&mut cargo(root, &[&["test", "--locked"], &tests[..]].concat()))?;
    if cfg!(target_os = "linux") && !starts("Xvfb", "-help") {
        println!("nobody looks at the window of the command: Xvfb is missing; install xvfb");
    }
    // Of the whole workspace, so that what is not about devices is built as it is already.
    let command =
        ["--workspace", "--features", "offhook-cli/devices", "--bin", "offhook", "--test", "devices"];
    succeed(&mut cargo(root, &[&["test", "--locked"], &command[..]].concat()))
}

/// What cargo is told so that every feature is on that this machine can build.
pub(super) fn all_features(lists: &Lists) -> Vec<String> {
    match missing() {
        None => vec!["--all-features".to_owned()],
        Some(why) => {
            println!("without the features for devices: {why}");
            without_devices(lists)
        }
    }
}

/// Every feature by name, but those for devices.
fn without_devices(lists: &Lists) -> Vec<String> {
    let named =
        lists.package.iter().filter(|(_, package)| package.folder != "fuzz").flat_map(|(name, package)| {
            let others = package.features.iter().filter(|feature| !FEATURES.contains(&feature.as_str()));
            others.map(move |feature| format!("{name}/{feature}"))
        });
    vec!["--features".to_owned(), named.collect::<Vec<_>>().join(",")]
}

/// What keeps the features from being built here. Only ALSA has to be there to build with.
fn missing() -> Option<&'static str> {
    let there = !cfg!(target_os = "linux") || says_yes("pkg-config", &["--exists", "alsa"]);
    (!there).then_some(
        "the headers of ALSA are missing; install pkg-config and libasound2-dev to have them tested",
    )
}

#[cfg(test)]
mod tests;
