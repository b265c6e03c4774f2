//! The checks over a message as JSON: text and list rules, numbers, depth, and what is unknown.
//! The rules themselves are data, in `limits.rs`.

use super::Unknowns;
use crate::limits;
use serde_json::{Map, Value};

/// One field of a message is beyond its limits. The path is of names this build knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldFault {
    /// Text too long.
    #[error("`{field}` has {len} bytes, {limit} are allowed; shorten it")]
    TooLong {
        /// Path of the field.
        field: String,
        /// Its length, in bytes.
        len: usize,
        /// Most bytes allowed.
        limit: usize,
    },
    /// Text too short, mostly: empty.
    #[error("`{field}` has {len} bytes, at least {limit} are needed; fill it in")]
    TooShort {
        /// Path of the field.
        field: String,
        /// Its length, in bytes.
        len: usize,
        /// Fewest bytes allowed.
        limit: usize,
    },
    /// A character that may not be there: a line end in a name, for instance (S6).
    #[error("`{field}` holds a character that is not allowed at byte {at}; allowed: {allowed}")]
    Character {
        /// Path of the field.
        field: String,
        /// Where, in bytes.
        at: usize,
        /// What is allowed.
        allowed: &'static str,
    },
    /// List too long.
    #[error("`{field}` has {len} entries, {limit} are allowed; send fewer")]
    TooMany {
        /// Path of the field.
        field: String,
        /// Its length.
        len: usize,
        /// Most entries allowed.
        limit: usize,
    },
    /// Number beyond 2^53 - 1.
    #[error("`{field}` is beyond 2^53 - 1, which not every JSON reader keeps exactly; send a smaller number")]
    NumberTooLarge {
        /// Path of the field.
        field: String,
    },
}

impl FieldFault {
    /// A stable word for logs and the wire.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "field_too_long",
            Self::TooShort { .. } => "field_too_short",
            Self::Character { .. } => "field_character",
            Self::TooMany { .. } => "list_too_long",
            Self::NumberTooLarge { .. } => "number_too_large",
        }
    }

    /// Where in the message it is: names of fields with dots between them.
    #[must_use]
    pub fn field(&self) -> &str {
        match self {
            Self::TooLong { field, .. }
            | Self::TooShort { field, .. }
            | Self::Character { field, .. }
            | Self::TooMany { field, .. }
            | Self::NumberTooLarge { field } => field,
        }
    }
}

/// Is this JSON text nested deeper than `limit`? Looks at brackets outside strings only, so that it
/// can run before the parser does.
pub(super) fn is_deeper_than(text: &str, limit: usize) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for byte in text.bytes() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > limit {
            return true;
        }
    }
    false
}

/// Every number anywhere, also in unknown fields and in the application's own data.
pub(super) fn check_numbers(members: &Map<String, Value>) -> Result<(), FieldFault> {
    members.iter().try_for_each(|(name, value)| numbers(&shown(name), value))
}

fn numbers(path: &str, value: &Value) -> Result<(), FieldFault> {
    match value {
        Value::Number(number) => {
            let exact = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            let fits = match exact {
                Some(size) => size <= limits::NUMBER,
                // The limit is exact as a float, too: it has 53 bits.
                None => number.as_f64().is_some_and(|float| float.abs() <= limits::NUMBER as f64),
            };
            if fits { Ok(()) } else { Err(FieldFault::NumberTooLarge { field: path.to_owned() }) }
        }
        Value::Array(items) => items.iter().try_for_each(|item| numbers(path, item)),
        Value::Object(members) => {
            members.iter().try_for_each(|(name, item)| numbers(&join(path, name), item))
        }
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
    }
}

/// Every text and list of a message, as this build understood it, against its rule.
pub(super) fn check_fields(members: &Map<String, Value>) -> Result<(), FieldFault> {
    members.iter().try_for_each(|(name, value)| field("", name, value, name))
}

fn field(parent: &str, name: &str, value: &Value, path: &str) -> Result<(), FieldFault> {
    if limits::FREE_FIELDS.contains(&name) {
        return Ok(());
    }
    match value {
        Value::String(text) => check_text(parent, name, text, path),
        Value::Array(items) => {
            let limit = limits::list_limit(name);
            if items.len() > limit {
                return Err(FieldFault::TooMany { field: path.to_owned(), len: items.len(), limit });
            }
            items.iter().try_for_each(|item| field(parent, name, item, path))
        }
        Value::Object(members) => {
            members.iter().try_for_each(|(inner, item)| field(name, inner, item, &join(path, inner)))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// One text against its rule.
pub(super) fn check_text(parent: &str, name: &str, text: &str, path: &str) -> Result<(), FieldFault> {
    let rule = limits::text_rule(parent, name);
    if text.len() > rule.max {
        return Err(FieldFault::TooLong { field: path.to_owned(), len: text.len(), limit: rule.max });
    }
    if text.len() < rule.min {
        return Err(FieldFault::TooShort { field: path.to_owned(), len: text.len(), limit: rule.min });
    }
    match text.char_indices().find(|(_, c)| !rule.charset.allows(*c)) {
        None => Ok(()),
        Some((at, _)) => {
            Err(FieldFault::Character { field: path.to_owned(), at, allowed: rule.charset.describe() })
        }
    }
}

/// What is in `came` and not in `understood`. An explicit null is the same as a field left out.
///
/// # Errors
/// The path of a list in the place of an object: serde would read it by position, the protocol does not.
pub(super) fn collect_unknown(
    came: &Map<String, Value>,
    understood: &Map<String, Value>,
    found: &mut Unknowns,
) -> Result<(), String> {
    came.iter().try_for_each(|(name, value)| unknown_in(&shown(name), value, understood.get(name), found))
}

fn unknown_in(
    path: &str,
    came: &Value,
    understood: Option<&Value>,
    found: &mut Unknowns,
) -> Result<(), String> {
    match (came, understood) {
        (Value::Null, None) => Ok(()),
        (value, None) => {
            found.field_count += 1;
            if found.fields.len() < limits::LIST {
                found.fields.push((path.to_owned(), value.clone()));
            }
            Ok(())
        }
        (Value::Object(came), Some(Value::Object(understood))) => came
            .iter()
            .try_for_each(|(name, value)| unknown_in(&join(path, name), value, understood.get(name), found)),
        (Value::Array(came), Some(Value::Array(understood))) => came
            .iter()
            .zip(understood)
            .try_for_each(|(item, known)| unknown_in(path, item, Some(known), found)),
        (Value::Array(_), Some(Value::Object(_))) => Err(path.to_owned()),
        (_, Some(_)) => Ok(()),
    }
}

fn join(path: &str, name: &str) -> String {
    format!("{path}.{}", shown(name))
}

/// A name that came from outside, made safe to print: no escapes for a terminal, not long (S17).
fn shown(name: &str) -> String {
    name.chars().take(64).flat_map(char::escape_debug).collect()
}

/// serde quotes the strings it did not expect; they may be secrets (S3), so they go.
pub(super) fn without_quotes(text: &str) -> String {
    let (mut kept, mut inside, mut escaped) = (String::new(), false, false);
    for c in text.chars() {
        match c {
            '"' if !escaped => {
                inside = !inside;
                if !inside {
                    kept.push('…');
                }
            }
            c if !inside => kept.push(c),
            _ => {}
        }
        escaped = inside && c == '\\' && !escaped;
    }
    shown_text(&kept)
}

fn shown_text(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
