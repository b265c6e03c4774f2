//! The content of custom messages on the wire: text as a string, other bytes (and text that JSON would
//! bloat) as `{"base64": "…"}`, and whatever another client sent as its JSON text.

#[cfg(test)]
mod tests;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value};

const KEY: &str = "base64";

/// Text stays text, for whoever reads it without us, unless JSON would more than double it: control
/// characters take six bytes each there, and a payload of them would not fit a frame.
pub(super) fn to_wire(payload: &[u8]) -> Value {
    match std::str::from_utf8(payload) {
        Ok(text) if !is_bloated(text) => Value::String(text.to_owned()),
        Ok(_) | Err(_) => {
            let mut object = Map::new();
            object.insert(KEY.to_owned(), Value::String(STANDARD.encode(payload)));
            Value::Object(object)
        }
    }
}

fn is_bloated(text: &str) -> bool {
    let escaped: usize = text
        .chars()
        .map(|c| match c {
            '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
            c if c < ' ' => 6,
            c => c.len_utf8(),
        })
        .sum();
    escaped > 2 * text.len()
}

pub(super) fn from_wire(data: &Value) -> Bytes {
    if let Value::String(text) = data {
        return Bytes::copy_from_slice(text.as_bytes());
    }
    let binary = data
        .as_object()
        .filter(|object| object.len() == 1)
        .and_then(|object| object.get(KEY)?.as_str())
        .and_then(|text| STANDARD.decode(text).ok());
    binary.map_or_else(|| Bytes::from(data.to_string()), Bytes::from)
}
