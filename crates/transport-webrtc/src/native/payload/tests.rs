//! A payload goes over the wire as JSON and comes back as it was.

use super::*;

#[test]
fn every_payload_comes_back_as_it_went() {
    for payload in [&b""[..], b"hello", "{\"base64\":\"AA\"}".as_bytes(), &[0, 159, 146, 150]] {
        assert_eq!(from_wire(&to_wire(payload)), payload);
    }
    assert_eq!(from_wire(&serde_json::json!({"x": 1})), r#"{"x":1}"#, "another client's JSON");
    assert_eq!(from_wire(&serde_json::json!({"base64": "%"})), r#"{"base64":"%"}"#);
}
