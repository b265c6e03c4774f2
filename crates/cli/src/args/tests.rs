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

// F61
#[test]
fn a_device_is_named_behind_an_equals_sign_so_that_an_address_is_never_taken_for_one() {
    let devices = |arguments: &[&str]| {
        let args = Args::try_parse_from([&["offhook", "join"], arguments].concat()).unwrap();
        let Command::Join(join) = args.command else { panic!("it is a join") };
        assert_eq!(join.url, "ws://x");
        join.devices
    };
    let none = devices(&["ws://x"]);
    assert!(!none.any() && none.camera.is_empty());
    let unnamed = devices(&["--camera", "--microphone", "ws://x"]);
    assert_eq!((&*unnamed.camera, &*unnamed.microphone), (&[String::new()][..], &[String::new()][..]));
    let named = devices(&["--camera=0", "ws://x", "--microphone=head set", "--pattern"]);
    assert_eq!((&*named.camera[0], &*named.microphone[0]), ("0", "head set"));
    let several = devices(&["--camera=desk", "--camera", "ws://x", "--camera=1"]);
    assert_eq!(several.camera, ["desk", "", "1"], "in the order of preference");
    assert!(devices(&["ws://x", "--speaker"]).any() && devices(&["ws://x", "--window"]).any());
}
