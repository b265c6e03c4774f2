//! What becomes of a wish for devices, on a machine that need not have any.

use super::*;
use crate::args::{Devices, Input};

fn pattern() -> Input {
    Input { input: None, pattern: true }
}

// F61
#[cfg(not(feature = "devices"))]
#[tokio::test]
async fn without_devices_a_wish_for_one_says_how_to_build_with_them() {
    let wish = Devices { speaker: true, ..Devices::default() };
    let error = publish(&pattern(), &wish).await.unwrap_err();
    assert!(error.to_string().contains("--features devices"), "{error}");
    let join = publish(&pattern(), &Devices::default()).await.expect("a pattern needs none");
    assert!(join.left_out().is_empty());
}

// F61
#[cfg(feature = "devices")]
#[tokio::test]
async fn a_pattern_stands_in_for_a_camera_and_a_microphone_is_left_out() {
    let wish = Devices {
        camera: vec!["no such camera".into()],
        microphone: vec!["no such microphone".into()],
        ..Devices::default()
    };
    let join = publish(&pattern(), &wish).await.unwrap();
    assert_eq!(join.left_out().iter().map(offhook::LeftOut::label).collect::<Vec<_>>(), ["audio"]);
    assert_eq!(join.left_out()[0].lack(), offhook::MediaLack::Absent);
}
