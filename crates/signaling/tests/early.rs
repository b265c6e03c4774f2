//! The first frame as the value of a header says what the frame says.
#![allow(clippy::unwrap_used)] // a test stops at the first surprise

use offhook_signaling::{ClientKind, EARLY_BYTES, Message, decode_from_client, early, encode, examples};

#[test]
fn every_first_frame_is_read_from_a_header_as_from_the_socket() {
    for kind in [ClientKind::Join, ClientKind::Resume, ClientKind::Migrate] {
        for message in examples::client_examples(kind) {
            let text = encode(None, 7, &message).unwrap();
            let Some(value) = early(&text) else { continue };
            assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{}", message.kind());
            assert_eq!(
                decode_from_client(value.as_bytes()).unwrap(),
                decode_from_client(text.as_bytes()).unwrap()
            );
        }
    }
}

/// S6: whatever the user writes, it stays inside of the header.
#[test]
fn no_letter_of_a_user_leaves_the_header() {
    let words = "zażółć 面 🙂 \u{7f}\u{85}\u{2028}";
    let text = format!(r#"{{"type":"x","ack":0,"words":"{words}"}}"#);
    let value = early(&text).unwrap();
    assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{value}");
    let read: serde_json::Value = serde_json::from_str(&value).unwrap();
    assert_eq!(read["words"], words);
}

#[test]
fn a_frame_that_is_too_long_for_a_header_is_none() {
    assert_eq!(early(&"a".repeat(EARLY_BYTES)).map(|value| value.len()), Some(EARLY_BYTES));
    assert_eq!(early(&"a".repeat(EARLY_BYTES + 1)), None);
    assert_eq!(early(&"面".repeat(EARLY_BYTES / 6 + 1)), None, "what counts is what is sent");
}
