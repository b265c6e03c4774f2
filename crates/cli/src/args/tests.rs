//! Arguments are checked before anything runs.
use super::*;
use clap::CommandFactory;

#[test]
fn the_arguments_are_sound() {
    Args::command().debug_assert();
}

#[test]
fn wrong_arguments_are_refused() {
    for wrong in [
        &["offhook", "demo", "--outage", "nan"][..],
        &["offhook", "demo", "--outage", "-1"],
        &["offhook", "demo", "--pattern", "--input", "x"],
        &["offhook", "chaos", "--seconds", "5"],
        &["offhook", "chaos", "--seconds", "4000"],
        &["offhook", "chaos", "--seed", "-1"],
        &["offhook", "chaos", "--seed", "many"],
        &["offhook", "chaos", "--pattern", "--input", "x"],
        &["offhook", "join"],
        &["offhook", "join", "ws://x", "--session", "studio"],
        &["offhook", "join", "ws://x", "--on-suspend", "sometimes"],
    ] {
        assert!(Args::try_parse_from(wrong).is_err(), "{wrong:?}");
    }
}
