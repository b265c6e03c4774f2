//! What the gate takes for media.

use super::{holds_media, is_refusal};

#[test]
fn rtp_is_media_and_stun_dtls_and_rtcp_are_not() {
    assert!(holds_media(&[0x80, 96, 0, 1], None));
    assert!(holds_media(&[0x90, 0x80 | 96, 0, 1], None), "with a marker and an extension");
    assert!(!holds_media(&[0x00, 0x01, 0, 0], None), "STUN");
    assert!(!holds_media(&[22, 254, 253, 0], None), "DTLS");
    assert!(!holds_media(&[0x80, 200, 0, 1], None), "a sender report");
    assert!(!holds_media(&[], None));
}

#[test]
fn media_is_seen_inside_turn_channel_data_and_behind_other_segments() {
    assert!(holds_media(&[0x40, 0, 0, 4, 0x80, 96, 0, 1], None));
    assert!(!holds_media(&[0x40, 0, 0, 4, 22, 254, 253, 0], None));
    assert!(holds_media(&[22, 254, 253, 0, 0x80, 96, 0, 1], Some(4)));
}

#[test]
fn only_a_fatal_alert_in_clear_is_a_refusal() {
    let alert = |epoch, level| [21, 254, 253, 0, epoch, 0, 0, 0, 0, 0, 7, 0, 2, level, 42];
    assert!(is_refusal(&alert(0, 2)));
    assert!(!is_refusal(&alert(0, 1)), "a warning, such as close_notify");
    assert!(!is_refusal(&alert(1, 2)), "enciphered");
    assert!(!is_refusal(&[22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 7, 0, 2, 2, 42]), "a handshake message");
}
