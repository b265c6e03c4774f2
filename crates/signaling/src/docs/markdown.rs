//! `docs/protocol.md`: the prose of `flow.md`, then the reference generated from types and examples.

use super::schema::schema_value;
use crate::limits::{self, DEFAULT_TEXT_RULE, TEXT_RULES, TextRule};
use crate::{CODE_LISTS, ClientKind, Message, ServerKind, examples};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt::Write as _;

const FLOW: &str = include_str!("flow.md");
/// Longest string shown in an example.
const SHOWN: usize = 60;

/// The text of `docs/protocol.md`.
#[must_use]
pub fn protocol_markdown() -> String {
    let schema = schema_value();
    let empty = Map::new();
    let defs = schema.get("$defs").and_then(Value::as_object).unwrap_or(&empty);
    let mut out = FLOW
        .replace("{VERSION}", &crate::VERSION.to_string())
        .replace("{EARLY}", &crate::EARLY_BYTES.to_string())
        .replace("{TELEMETRY}", &crate::limits::TELEMETRY_ENTRIES.to_string());
    limits_section(&mut out);

    out.push_str("\n## Messages of a client\n\n");
    index(&mut out, ClientKind::ALL.iter().map(|k| (k.as_str(), k.is_reliable(), k.summary())));
    for kind in ClientKind::ALL {
        message(&mut out, defs, "FromClient", kind.as_str(), kind.summary(), kind.is_reliable());
        show(&mut out, &examples::client_examples(*kind));
    }
    out.push_str("\n## Messages of a server\n\n");
    index(&mut out, ServerKind::ALL.iter().map(|k| (k.as_str(), k.is_reliable(), k.summary())));
    for kind in ServerKind::ALL {
        message(&mut out, defs, "FromServer", kind.as_str(), kind.summary(), kind.is_reliable());
        show(&mut out, &examples::server_examples(*kind));
    }
    shared_section(&mut out, defs);
    codes_section(&mut out);
    out
}

fn limits_section(out: &mut String) {
    out.push_str("\n## Limits in numbers\n\n| what | limit |\n|---|---|\n");
    let rows: [(&str, String); 22] = [
        ("frame", format!("{} bytes", limits::FRAME_BYTES)),
        (
            "frames of a client",
            format!(
                "{} a second, {} at once; a whole piece of an upload is a tenth of one",
                limits::FRAMES_PER_SECOND,
                limits::FRAMES_BURST
            ),
        ),
        (
            "messages to other members",
            format!(
                "{} bytes a second, {} at once, for each sender; what is beyond it is `not_relayed{{rate_limited}}`",
                limits::MESSAGE_BYTES_PER_SECOND,
                limits::MESSAGE_BYTES_BURST
            ),
        ),
        ("nesting", format!("{} levels", limits::DEPTH)),
        ("any number", format!("{} (2^53 - 1)", limits::NUMBER)),
        ("any list without a limit of its own", format!("{} entries", limits::LIST)),
        ("words about a session", limits::METADATA.to_string()),
        ("attendees named to somebody outside", limits::ATTENDEES.to_string()),
        ("roster", format!("{} members", limits::ROSTER)),
        ("tracks of one member, as JSON", format!("{} bytes", limits::TRACKS_BYTES)),
        ("ICE servers, and URLs of each", limits::ICE_SERVERS.to_string()),
        ("session description, lines", limits::SDP_LINES.to_string()),
        ("session description, one line", format!("{} bytes", limits::SDP_LINE_BYTES)),
        ("session description, media sections", limits::SDP_SECTIONS.to_string()),
        ("remote candidates used per ufrag", limits::CANDIDATES_PER_UFRAG.to_string()),
        ("candidates held for a future ufrag", limits::CANDIDATES_HELD.to_string()),
        ("piece of an upload, before base64", format!("{} bytes", limits::CHUNK_BYTES)),
        ("upload under way unacknowledged", format!("{} bytes", limits::CHUNKS_IN_FLIGHT_BYTES)),
        ("image", format!("{} bytes", limits::IMAGE_BYTES)),
        (
            "replay buffer, each direction",
            format!("{} messages, {} bytes", limits::REPLAY_MESSAGES, limits::REPLAY_BYTES),
        ),
        ("life of a migration ticket", format!("{} ms", limits::TICKET_MS)),
        ("moves by go_away", format!("{} in {} ms", limits::GO_AWAY_HOPS, limits::GO_AWAY_WINDOW_MS)),
    ];
    for (what, limit) in rows {
        let _ = writeln!(out, "| {what} | {limit} |");
    }
    out.push_str(
        "\nText fields, by name (`parent.name` where a name means two things); lengths in bytes of UTF-8:\n\n\
         | field | fewest | most | characters |\n|---|---|---|---|\n",
    );
    for TextRule { field, min, max, charset } in TEXT_RULES.iter().chain([&DEFAULT_TEXT_RULE]) {
        let _ = writeln!(out, "| {} | {min} | {max} | {} |", code(field), charset.describe());
    }
    let free = limits::FREE_FIELDS.iter().map(|name| code(name)).collect::<Vec<_>>().join(", ");
    let _ = writeln!(
        out,
        "\nThe content of {free} is the application's own: only frame size, nesting and the number rule apply."
    );
}

fn index<'a>(out: &mut String, rows: impl Iterator<Item = (&'a str, bool, &'a str)>) {
    out.push_str("| type | reliable | says |\n|---|---|---|\n");
    for (kind, reliable, summary) in rows {
        let mark = if reliable { "yes" } else { "" };
        let _ = writeln!(out, "| {} | {mark} | {summary} |", code(kind));
    }
}

fn message(
    out: &mut String,
    defs: &Map<String, Value>,
    side: &str,
    kind: &str,
    summary: &str,
    reliable: bool,
) {
    let class = if reliable { " *Reliable.*" } else { "" };
    let _ = writeln!(out, "\n### {}\n\n{summary}{class}", code(kind));
    let variants = defs.get(side).and_then(|def| def.get("oneOf")).and_then(Value::as_array);
    let is_kind = |variant: &&Value| variant.pointer("/properties/type/const") == Some(&kind.into());
    let body = variants.and_then(|all| all.iter().find(is_kind)).and_then(ref_name);
    let Some(def) = body.and_then(|name| defs.get(name)) else { return };
    if let Some(text) = description(def)
        && text != summary
    {
        let _ = writeln!(out, "{text}");
    }
    fields(out, def);
}

fn fields(out: &mut String, def: &Value) {
    let Some(properties) = def.get("properties").and_then(Value::as_object) else { return };
    let required = def.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|names| names.iter().any(|known| known == name));
    // Sorted, required ones first: the order of a JSON map differs between builds.
    let mut rows: Vec<(bool, &String, &Value)> =
        properties.iter().map(|(name, property)| (!is_required(name), name, property)).collect();
    rows.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
    out.push_str("\n| field | type | | meaning |\n|---|---|---|---|\n");
    for (optional, name, property) in rows {
        let need = if optional { "optional" } else { "required" };
        let text = description(property).unwrap_or_default();
        let _ = writeln!(out, "| {} | {} | {need} | {text} |", code(name), type_name(property));
    }
}

fn show<M: Message>(out: &mut String, examples: &[M]) {
    for (i, example) in examples.iter().enumerate() {
        let seq = example.is_reliable().then_some(i as u64 + 1);
        if let Ok(text) = crate::encode(seq, 0, example) {
            let _ = writeln!(out, "\n```json\n{}\n```", super::indented(&text, SHOWN));
        }
    }
}

fn shared_section(out: &mut String, defs: &Map<String, Value>) {
    out.push_str("\n## Shared types\n");
    let is_code = |name: &str| CODE_LISTS.iter().any(|(known, _)| *known == name);
    let bodies: Vec<&str> = ["FromClient", "FromServer"]
        .iter()
        .filter_map(|side| defs.get(*side)?.get("oneOf")?.as_array())
        .flatten()
        .filter_map(ref_name)
        .collect();
    let frame = ["FromClient", "FromServer", "FrameFromClient", "FrameFromServer", "Envelope"];
    let defs: BTreeMap<&String, &Value> = defs.iter().collect();
    for (name, def) in defs {
        if is_code(name) || frame.contains(&name.as_str()) {
            continue;
        }
        // A message body is repeated here only where another message holds it.
        let is_plain_body = bodies.contains(&name.as_str())
            && !matches!(name.as_str(), "Offer" | "Answer" | "Ring" | "Candidate");
        if is_plain_body {
            continue;
        }
        let _ = writeln!(out, "\n### {name}\n\n{}", description(def).unwrap_or_default());
        fields(out, def);
        if let Some(pattern) = def.get("pattern").and_then(Value::as_str) {
            let _ = writeln!(out, "Text that matches `{pattern}`.");
        } else if def.get("properties").is_none() && def.get("maxLength").is_some() {
            let _ = writeln!(out, "Text, at most {} bytes.", def.get("maxLength").unwrap_or(&Value::Null));
        }
    }
}

fn codes_section(out: &mut String) {
    out.push_str(
        "\n## Code words\n\nEvery list is open: a word that a reader does not know is carried and counted.\n",
    );
    for (name, words) in CODE_LISTS {
        let words = words.iter().map(|word| code(word)).collect::<Vec<_>>().join(", ");
        let _ = writeln!(out, "\n**{name}**: {words}");
    }
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn description(value: &Value) -> Option<String> {
    let text = value.get("description")?.as_str()?;
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn ref_name(value: &Value) -> Option<&str> {
    value.get("$ref")?.as_str()?.rsplit('/').next()
}

fn type_name(property: &Value) -> String {
    if let Some(name) = ref_name(property) {
        return name.to_owned();
    }
    if let Some(any) = property.get("anyOf").and_then(Value::as_array) {
        return any.iter().find_map(ref_name).unwrap_or("any").to_owned();
    }
    let kind = match property.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("any")
        }
        _ => "any",
    };
    match (kind, property.get("items")) {
        ("array", Some(items)) => format!("list of {}", type_name(items)),
        _ => kind.to_owned(),
    }
}
