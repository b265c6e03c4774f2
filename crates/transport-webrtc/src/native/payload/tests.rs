//! A payload goes over the wire as JSON and comes back as it was.

use super::*;
use offhook_signaling::{FromClient, Relay, encode, limits};
use offhook_transport::Outgoing;

#[test]
fn every_payload_comes_back_as_it_went() {
    for payload in [&b""[..], b"hello", "{\"base64\":\"AA\"}".as_bytes(), &[0, 159, 146, 150], &[0, 1, 2]] {
        assert_eq!(from_wire(&to_wire(payload)), payload);
    }
    assert_eq!(from_wire(&serde_json::json!({"x": 1})), r#"{"x":1}"#, "another client's JSON");
    assert_eq!(from_wire(&serde_json::json!({"base64": "%"})), r#"{"base64":"%"}"#);
}

/// F63: whichever bytes there are in it, the largest payload fits a frame, with the longest topic and to
/// as many members as can be named; and what can be read as text is sent as text.
#[test]
fn the_largest_payload_fits_a_frame_whatever_is_in_it() {
    for of in [0_u8, 1, b'\n', b'"', b'\\', b'a', 0x1f, 0x7f, 0x80, 0xff] {
        let payload = vec![of; Outgoing::PAYLOAD];
        let data = to_wire(&payload);
        assert_eq!(from_wire(&data), payload, "{of:#x}");
        let is_text = matches!(data, Value::String(_));
        assert_eq!(is_text, matches!(of, b'\n' | b'"' | b'\\' | b'a' | 0x7f), "{of:#x}");
        let to = (0..Outgoing::MEMBERS as u128).map(offhook_signaling::Instance).collect();
        let topic = "\"".repeat(Outgoing::TOPIC);
        let relay = FromClient::Message(Relay { id: limits::NUMBER, from: None, to, topic, data });
        encode(Some(limits::NUMBER), limits::NUMBER, &relay)
            .unwrap_or_else(|error| panic!("{of:#x}: {error}"));
    }
}

#[test]
fn the_limits_of_the_transport_are_those_of_the_wire() {
    assert_eq!(Outgoing::TOPIC, limits::text_rule("", "topic").max);
    assert_eq!(Outgoing::MEMBERS, limits::list_limit("to"));
}
