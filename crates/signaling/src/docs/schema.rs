//! The JSON Schema of both directions (draft 2020-12): the types by schemars, the limits added from
//! `limits.rs`, the envelope around it. It describes this version; a reader must still pass by what
//! it does not know, so nothing here forbids further members.

use crate::{FromClient, FromServer, limits};
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

/// The schema, as the text of `docs/protocol.schema.json`. The same text on every machine: members
/// are sorted, whatever order a JSON map has in this build.
#[must_use]
pub fn protocol_schema() -> String {
    super::indented(&sorted(schema_value()).to_string(), usize::MAX) + "\n"
}

/// The schema as a value.
pub(super) fn schema_value() -> Value {
    let mut generator = SchemaGenerator::default();
    generator.subschema_for::<FromClient>();
    generator.subschema_for::<FromServer>();
    let mut defs: Map<String, Value> = generator.take_definitions(true);
    for (name, def) in &mut defs {
        add_limits(&parent_of(name), def);
    }
    let direction = |message: &str| json!({ "allOf": [{ "$ref": "#/$defs/Envelope" }, { "$ref": format!("#/$defs/{message}") }] });
    defs.insert("FrameFromClient".to_owned(), direction("FromClient"));
    defs.insert("FrameFromServer".to_owned(), direction("FromServer"));
    defs.insert("Envelope".to_owned(), envelope());
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("urn:offhook:protocol:{}", crate::VERSION),
        "title": "offhook native signaling protocol",
        "description": format!("Version {}. Generated; see protocol.md.", crate::VERSION),
        "anyOf": [{ "$ref": "#/$defs/FrameFromClient" }, { "$ref": "#/$defs/FrameFromServer" }],
        "$defs": defs,
    })
}

fn envelope() -> Value {
    json!({
        "type": "object",
        "properties": {
            "type": { "type": "string", "minLength": 1, "maxLength": limits::ID_BYTES },
            "seq": {
                "description": "The message's number in its direction and session; reliable messages only.",
                "type": ["integer", "null"], "minimum": 1, "maximum": limits::NUMBER,
            },
            "ack": {
                "description": "Newest `seq` of the other direction that arrived; 0 is none yet.",
                "type": ["integer", "null"], "minimum": 0, "maximum": limits::NUMBER,
            },
        },
        "required": ["type"],
    })
}

/// The field name under which a type appears where a text rule depends on it.
fn parent_of(def: &str) -> String {
    match def {
        "SessionRef" => "session".to_owned(),
        other => other.to_lowercase(),
    }
}

fn add_limits(parent: &str, def: &mut Value) {
    if let Some(variants) = def.get_mut("oneOf").and_then(Value::as_array_mut) {
        variants.iter_mut().for_each(|variant| add_limits("", variant));
    }
    let Some(properties) = def.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for (name, property) in properties {
        if let Some(property) = property.as_object_mut() {
            limit_property(parent, name, property);
        }
    }
}

fn limit_property(parent: &str, name: &str, property: &mut Map<String, Value>) {
    let is = |property: &Map<String, Value>, kind: &str| match property.get("type") {
        Some(Value::String(only)) => only == kind,
        Some(Value::Array(several)) => several.iter().any(|one| one == kind),
        _ => false,
    };
    if is(property, "string") && !property.contains_key("const") {
        let rule = limits::text_rule(parent, name);
        property.insert("maxLength".to_owned(), rule.max.into());
        if rule.min > 0 {
            property.insert("minLength".to_owned(), rule.min.into());
        }
    }
    if is(property, "integer") {
        // The formats of schemars are Rust's; the bound is the wire's.
        let format = property.remove("format");
        let bound = if format == Some("uint32".into()) { u64::from(u32::MAX) } else { limits::NUMBER };
        property.insert("maximum".to_owned(), bound.into());
    }
    if is(property, "array") {
        property.insert("maxItems".to_owned(), limits::list_limit(name).into());
        if let Some(items) = property.get_mut("items").and_then(Value::as_object_mut) {
            limit_property(parent, name, items);
        }
    }
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<(String, Value)> = members.into_iter().collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(members.into_iter().map(|(name, item)| (name, sorted(item))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}
