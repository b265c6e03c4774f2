//! The content of custom messages on the wire: text as a string, other bytes as
//! `{"base64": "…"}`, and whatever another client sent as its JSON text.

#[cfg(test)]
mod tests;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value};

const KEY: &str = "base64";

pub(super) fn to_wire(payload: &[u8]) -> Value {
    match std::str::from_utf8(payload) {
        Ok(text) => Value::String(text.to_owned()),
        Err(_) => {
            let mut object = Map::new();
            object.insert(KEY.to_owned(), Value::String(STANDARD.encode(payload)));
            Value::Object(object)
        }
    }
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
