//! What a change may not be.
//!
//! The bugs named here: G10 webrtc-sdk/libwebrtc#92.

use super::*;

#[test]
fn an_image_is_named_by_its_sha256() {
    let Some(Some(image)) = Change::new().image(&b"abc"[..]).image else { panic!("set") };
    assert_eq!(image.sha256[..4], [0xba, 0x78, 0x16, 0xbf], "FIPS 180-4, the example abc");
}

/// G10: empty and oversize parts are typed errors, not crashes far away.
#[test]
fn empty_and_oversize_parts_are_seen_before_they_are_sent() {
    assert_eq!(Change::new().image(Bytes::new()).check(), Err(Unfit::EmptyImage));
    let long = "x".repeat(Prompt::BYTES + 1);
    assert!(matches!(Change::new().prompt(&long[1..]).check(), Ok(())));
    assert!(matches!(Change::new().prompt(long).check(), Err(Unfit::TooLarge { what: "prompt", .. })));
    assert_eq!(Change::new().prompt("se\u{7}pia").check(), Err(Unfit::Control { at: 2 }));
    assert_eq!(Change::new().prompt("two\nlines\tand\r\nmore").check(), Ok(()));
    let big = vec![0; MAX_IMAGE + 1];
    assert!(matches!(Change::new().image(big).check(), Err(Unfit::TooLarge { what: "image", .. })));
}
