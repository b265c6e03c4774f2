//! The generated schema and reference say what the codec does.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, too, stop at the first surprise

use jsonschema::Validator;
use offhook_signaling::{
    ClientKind, Message, ServerKind, decode_from_client, decode_from_server, docs, encode, examples,
};
use serde_json::{Value, json};

fn schema() -> Value {
    serde_json::from_str(&docs::protocol_schema()).unwrap()
}

/// The schema of one direction, all of the definitions at hand.
fn validator(direction: &str) -> Validator {
    let mut schema = schema();
    schema["anyOf"] = json!([{ "$ref": format!("#/$defs/{direction}") }]);
    jsonschema::validator_for(&schema).unwrap()
}

fn frame<M: Message>(message: &M) -> Value {
    let seq = message.is_reliable().then_some(1);
    serde_json::from_str(&encode(seq, 0, message).unwrap()).unwrap()
}

#[test]
fn every_example_is_valid_by_the_schema_of_its_direction() {
    let (client, server) = (validator("FrameFromClient"), validator("FrameFromServer"));
    for message in examples::from_client() {
        let errors: Vec<String> = client.iter_errors(&frame(&message)).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", message.kind());
    }
    for message in examples::from_server() {
        let errors: Vec<String> = server.iter_errors(&frame(&message)).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", message.kind());
    }
}

/// The schema is not merely permissive: each member taken away or changed to another JSON type is
/// judged by it exactly as by the codec.
#[test]
fn schema_and_codec_agree_on_members_missing_or_of_a_wrong_type() {
    let (client, server) = (validator("FrameFromClient"), validator("FrameFromServer"));
    let frames = examples::from_client().iter().map(|m| (true, frame(m))).collect::<Vec<_>>();
    let others = examples::from_server().iter().map(|m| (false, frame(m))).collect::<Vec<_>>();
    let mut refused = 0;
    for (is_client, frame) in frames.into_iter().chain(others) {
        for name in frame.as_object().unwrap().keys().filter(|name| *name != "type" && *name != "seq") {
            let changes = [None, Some(json!(7)), Some(json!("x")), Some(json!([])), Some(json!({"a": 1}))];
            for change in changes {
                let mut changed = frame.clone();
                match change {
                    None => drop(changed.as_object_mut().unwrap().remove(name)),
                    Some(value) => changed[name] = value,
                }
                let (by_schema, by_codec) = if is_client {
                    (client.is_valid(&changed), decode_from_client(changed.to_string()).is_ok())
                } else {
                    (server.is_valid(&changed), decode_from_server(changed.to_string()).is_ok())
                };
                // Character sets are the codec's alone; the schema may only be the milder one.
                assert!(by_schema || !by_codec, "the schema refuses {name} in {changed}");
                let is_text = changed.get(name) == Some(&json!("x"));
                assert!(is_text || by_schema == by_codec, "the codec refuses {name} in {changed}");
                refused += usize::from(!by_schema);
            }
        }
    }
    assert!(refused > 300, "only {refused} changes were refused");
}

#[test]
fn the_schema_bounds_every_text_list_and_number() {
    fn check(path: &str, schema: &Value) {
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            for (name, property) in properties {
                let path = format!("{path}.{name}");
                let is = |kind: &str| match property.get("type") {
                    Some(Value::Array(kinds)) => kinds.contains(&json!(kind)),
                    other => other == Some(&json!(kind)),
                };
                let is_const = property.get("const").is_some();
                assert!(!is("string") || is_const || property.get("maxLength").is_some(), "{path}");
                assert!(!is("integer") || property.get("maximum").is_some(), "{path}");
                assert!(!is("array") || property.get("maxItems").is_some(), "{path}");
            }
        }
        for nested in schema.get("oneOf").and_then(Value::as_array).into_iter().flatten() {
            check(path, nested);
        }
    }
    let schema = schema();
    let defs = schema["$defs"].as_object().unwrap();
    assert!(defs.len() > 60, "{}", defs.len());
    defs.iter().for_each(|(name, def)| check(name, def));
}

#[test]
fn a_later_version_s_members_and_words_are_valid_too() {
    let server = validator("FrameFromServer");
    let frame = json!({"type": "ended", "ack": 0, "reason": "asteroid", "by": "moon", "tint": [1]});
    assert!(server.is_valid(&frame));
}

#[test]
fn the_reference_names_every_message_every_field_and_every_code_word() {
    let text = docs::protocol_markdown();
    for kind in ClientKind::ALL.iter().map(|k| k.as_str()).chain(ServerKind::ALL.iter().map(|k| k.as_str())) {
        assert!(text.contains(&format!("### `{kind}`\n")), "{kind}");
        assert!(text.contains(&format!("\"type\": \"{kind}\"")), "no example of {kind}");
    }
    for def in schema()["$defs"].as_object().unwrap().values() {
        for name in def.get("properties").and_then(Value::as_object).into_iter().flat_map(|p| p.keys()) {
            assert!(text.contains(&format!("`{name}`")), "{name}");
        }
    }
    for (list, words) in offhook_signaling::CODE_LISTS {
        assert!(text.contains(&format!("**{list}**")), "{list}");
        assert!(words.iter().all(|word| text.contains(&format!("`{word}`"))), "{list}");
    }
}

/// What is committed is what the code says; `cargo xtask codegen` writes both.
#[test]
fn the_committed_protocol_files_are_up_to_date() {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");
    for (name, text) in
        [("protocol.md", docs::protocol_markdown()), ("protocol.schema.json", docs::protocol_schema())]
    {
        let committed = std::fs::read_to_string(format!("{docs}/{name}")).unwrap_or_default();
        assert!(committed == text, "docs/{name} is stale; run `cargo xtask codegen`");
    }
}
