//! Text frames to messages and back, with every limit of `limits.rs` enforced both ways.
//! Nothing the far side sends can panic here; which frame is legal *now* is for the two ends to judge.

use crate::client::FromClient;
use crate::limits;
use crate::message::{Message, UnknownMessage};
use crate::server::FromServer;
use serde_json::{Map, Value};
use std::fmt;

mod walk;

pub use walk::FieldFault;

/// One frame: the envelope and its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame<M> {
    /// The message's number in its direction and session; only reliable messages have one.
    pub seq: Option<u64>,
    /// Newest `seq` of the other direction that arrived; 0 is none yet.
    pub ack: u64,
    /// What is said.
    pub message: M,
    /// What this build did not know of it.
    pub unknown: Unknowns,
}

/// The parts of a frame that a later version put there: counted and carried, never an error (R19).
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Unknowns {
    /// Fields by path, the first [`limits::LIST`] of them.
    pub fields: Vec<(String, Value)>,
    /// How many fields there were in all.
    pub field_count: usize,
    /// How many code words there were; the words are in the message, as `Other`.
    pub words: usize,
    /// Was the type itself unknown?
    pub kind: bool,
}

impl Unknowns {
    /// How many unknown things the frame held.
    #[must_use]
    pub fn count(&self) -> usize {
        self.field_count + self.words + usize::from(self.kind)
    }
}

impl fmt::Debug for Unknowns {
    /// Paths only: what a later version puts into its fields may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unknowns")
            .field("fields", &self.fields.iter().map(|(path, _)| path).collect::<Vec<_>>())
            .field("field_count", &self.field_count)
            .field("words", &self.words)
            .field("kind", &self.kind)
            .finish()
    }
}

/// Why a frame from the far side was refused. Close the link cleanly with [`DecodeError::close_code`].
/// No text of the far side is quoted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Larger than [`limits::FRAME_BYTES`].
    #[error("the frame has {size} bytes, {limit} are allowed; send large content in chunks")]
    TooLarge {
        /// Size of the frame, in bytes.
        size: usize,
        /// Most bytes allowed.
        limit: usize,
    },
    /// Not UTF-8.
    #[error("the frame is not UTF-8 from byte {at} on; frames are JSON text")]
    NotUtf8 {
        /// The first byte that is wrong.
        at: usize,
    },
    /// Nested deeper than [`limits::DEPTH`].
    #[error("the frame is nested deeper than {limit} levels; flatten it")]
    TooDeep {
        /// Most levels allowed.
        limit: usize,
    },
    /// Not JSON.
    #[error("the frame is not JSON at line {line}, column {column}; send one JSON object per frame")]
    NotJson {
        /// Line, from 1.
        line: usize,
        /// Column, from 1; 0 where the text ended too early at a line's start.
        column: usize,
    },
    /// JSON, but not an object.
    #[error("the frame is JSON but not an object; send one JSON object per frame")]
    NotAnObject,
    /// No `type`, or not a string.
    #[error("the frame has no `type`; name the message's type in a string")]
    NoType,
    /// `seq` or `ack` is not a whole number, or `seq` is 0.
    #[error("`{field}` of the frame is not a whole number in range; count messages from 1")]
    BadEnvelope {
        /// Which of the two.
        field: &'static str,
    },
    /// A reliable message without its number.
    #[error("`{kind}` is a reliable message and has no `seq`; number it")]
    SeqMissing {
        /// The message's type.
        kind: &'static str,
    },
    /// A known type with members that do not fit it.
    #[error("`{kind}` does not have the shape of its type: {what}; see docs/protocol.md")]
    WrongShape {
        /// The message's type.
        kind: &'static str,
        /// What does not fit.
        what: String,
    },
    /// A field beyond its limits.
    #[error(transparent)]
    Field(#[from] FieldFault),
}

impl DecodeError {
    /// A stable word for logs and the wire.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "frame_too_large",
            Self::NotUtf8 { .. } => "not_utf8",
            Self::TooDeep { .. } => "too_deep",
            Self::NotJson { .. } => "not_json",
            Self::NotAnObject => "not_an_object",
            Self::NoType => "no_type",
            Self::BadEnvelope { .. } => "bad_envelope",
            Self::SeqMissing { .. } => "seq_missing",
            Self::WrongShape { .. } => "wrong_shape",
            Self::Field(fault) => fault.code(),
        }
    }

    /// The WebSocket close code that fits (RFC 6455 section 7.4.1): 1009 too big, 1007 not the
    /// text it should be, 1002 protocol error.
    #[must_use]
    pub fn close_code(&self) -> u16 {
        match self {
            Self::TooLarge { .. } => 1009,
            Self::NotUtf8 { .. } => 1007,
            Self::TooDeep { .. }
            | Self::NotJson { .. }
            | Self::NotAnObject
            | Self::NoType
            | Self::BadEnvelope { .. }
            | Self::SeqMissing { .. }
            | Self::WrongShape { .. }
            | Self::Field(_) => 1002,
        }
    }
}

/// Why a message of our own was not sent: the caller put too much into it. Never caused by the far side.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// Larger than [`limits::FRAME_BYTES`].
    #[error("the message would be a frame of {size} bytes, {limit} are allowed; send less at once")]
    TooLarge {
        /// Size of the frame, in bytes.
        size: usize,
        /// Most bytes allowed.
        limit: usize,
    },
    /// Nested deeper than [`limits::DEPTH`].
    #[error("the message is nested deeper than {limit} levels; flatten it")]
    TooDeep {
        /// Most levels allowed.
        limit: usize,
    },
    /// A reliable message without a number; send it through [`crate::Reliability`].
    #[error("`{kind}` is a reliable message; send it through `Reliability`")]
    SeqMissing {
        /// The message's type.
        kind: String,
    },
    /// A field beyond its limits.
    #[error(transparent)]
    Field(#[from] FieldFault),
    /// JSON cannot hold it, a map with keys that are no strings for instance.
    #[error("the message cannot be written as JSON: {what}")]
    NotJson {
        /// What serde says.
        what: String,
    },
}

/// Reads a frame a server sent. Text and bytes are both taken: a WebSocket may hand over either.
///
/// # Errors
/// [`DecodeError`]; the link is to be closed with its close code.
pub fn decode_from_server(frame: impl AsRef<[u8]>) -> Result<Frame<FromServer>, DecodeError> {
    decode(frame.as_ref())
}

/// Reads a frame a client sent.
///
/// # Errors
/// [`DecodeError`]; the link is to be closed with its close code.
pub fn decode_from_client(frame: impl AsRef<[u8]>) -> Result<Frame<FromClient>, DecodeError> {
    decode(frame.as_ref())
}

/// Reads a frame of either direction; see [`decode_from_server`] and [`decode_from_client`].
///
/// # Errors
/// [`DecodeError`]; the link is to be closed with its close code.
pub fn decode<M: Message>(frame: &[u8]) -> Result<Frame<M>, DecodeError> {
    if frame.len() > limits::FRAME_BYTES {
        return Err(DecodeError::TooLarge { size: frame.len(), limit: limits::FRAME_BYTES });
    }
    let text =
        std::str::from_utf8(frame).map_err(|error| DecodeError::NotUtf8 { at: error.valid_up_to() })?;
    if walk::is_deeper_than(text, limits::DEPTH) {
        return Err(DecodeError::TooDeep { limit: limits::DEPTH });
    }
    let value: Value = serde_json::from_str(text)
        .map_err(|error| DecodeError::NotJson { line: error.line(), column: error.column() })?;
    let Value::Object(mut members) = value else {
        return Err(DecodeError::NotAnObject);
    };
    walk::check_numbers(&members)?;
    let seq = envelope_number(members.remove("seq"), "seq")?;
    if seq == Some(0) {
        return Err(DecodeError::BadEnvelope { field: "seq" });
    }
    let ack = envelope_number(members.remove("ack"), "ack")?.unwrap_or(0);
    let Some(Value::String(kind)) = members.get("type") else {
        return Err(DecodeError::NoType);
    };
    walk::check_text("", "type", kind, "type")?;

    let Some(known) = M::KINDS.iter().copied().find(|known| known == kind) else {
        return Ok(unknown_frame(seq, ack, kind.clone(), members));
    };
    let shape = |error: serde_json::Error| DecodeError::WrongShape {
        kind: known,
        what: walk::without_quotes(&error.to_string()),
    };
    let message = M::from_members(members.clone()).map_err(shape)?;
    // What this build understood is what it would say again; the rest of the frame is from later.
    let understood = message.to_members().map_err(shape)?;
    walk::check_fields(&understood)?;
    if seq.is_none() && message.is_reliable() {
        return Err(DecodeError::SeqMissing { kind: known });
    }
    let mut unknown = Unknowns { words: message.words_of_the_future().len(), ..Unknowns::default() };
    walk::collect_unknown(&members, &understood, &mut unknown).map_err(|field| DecodeError::WrongShape {
        kind: known,
        what: format!("`{field}` is a list where an object is due"),
    })?;
    Ok(Frame { seq, ack, message, unknown })
}

/// Writes a frame: `seq` for reliable messages only, `ack` always.
///
/// # Errors
/// [`EncodeError`]: what is refused here would be refused by the other end as well.
pub fn encode<M: Message>(seq: Option<u64>, ack: u64, message: &M) -> Result<String, EncodeError> {
    if seq.is_none() && message.is_reliable() {
        return Err(EncodeError::SeqMissing { kind: message.kind().to_owned() });
    }
    let not_json = |error: serde_json::Error| EncodeError::NotJson { what: error.to_string() };
    let members = message.to_members().map_err(not_json)?;
    walk::check_numbers(&members)?;
    // A message of a later version is passed on as it came: its fields have rules we do not know.
    if M::KINDS.contains(&message.kind()) {
        walk::check_fields(&members)?;
    }
    for (field, number) in [("seq", seq.unwrap_or(0)), ("ack", ack)] {
        if number > limits::NUMBER {
            return Err(FieldFault::NumberTooLarge { field: field.to_owned() }.into());
        }
    }
    // Spliced by hand: the envelope stands in front, and the members keep the order of the
    // documentation whatever order a JSON map has in this build.
    let kind = serde_json::to_string(message.kind()).map_err(not_json)?;
    let body = message.body_text().map_err(not_json)?;
    let body = body.strip_prefix('{').unwrap_or("}");
    let seq = seq.map(|seq| format!(r#""seq":{seq},"#)).unwrap_or_default();
    let comma = if body == "}" { "" } else { "," };
    let text = format!(r#"{{"type":{kind},{seq}"ack":{ack}{comma}{body}"#);
    if text.len() > limits::FRAME_BYTES {
        return Err(EncodeError::TooLarge { size: text.len(), limit: limits::FRAME_BYTES });
    }
    if walk::is_deeper_than(&text, limits::DEPTH) {
        return Err(EncodeError::TooDeep { limit: limits::DEPTH });
    }
    Ok(text)
}

fn envelope_number(value: Option<Value>, field: &'static str) -> Result<Option<u64>, DecodeError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_u64().map(Some).ok_or(DecodeError::BadEnvelope { field }),
    }
}

fn unknown_frame<M: Message>(
    seq: Option<u64>,
    ack: u64,
    kind: String,
    mut members: Map<String, Value>,
) -> Frame<M> {
    members.remove("type");
    let id = members.get("id").and_then(Value::as_u64);
    let message = M::from_unknown(UnknownMessage { kind, id, members });
    Frame { seq, ack, message, unknown: Unknowns { kind: true, ..Unknowns::default() } }
}
