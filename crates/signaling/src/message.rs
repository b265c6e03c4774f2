//! What the two message enums have in common, and the macro that makes them.
//! The list of messages of each direction is in `client.rs` and `server.rs`.

use serde_json::{Map, Value};
use std::fmt;

/// A message of one direction: [`crate::FromClient`] or [`crate::FromServer`].
pub trait Message: Clone + fmt::Debug + Sized + sealed::Sealed {
    /// The types this build knows.
    const KINDS: &'static [&'static str];

    /// The type on the wire.
    fn kind(&self) -> &str;

    /// Does it carry a `seq`, is it kept for a replay and delivered once?
    fn is_reliable(&self) -> bool;

    /// The message as JSON members, `type` first, without the envelope.
    #[doc(hidden)]
    fn to_members(&self) -> Result<Map<String, Value>, serde_json::Error>;

    /// The body as JSON text, in the order of the documentation, without `type` and envelope.
    #[doc(hidden)]
    fn body_text(&self) -> Result<String, serde_json::Error>;

    /// The message from JSON members of a known `type`.
    #[doc(hidden)]
    fn from_members(members: Map<String, Value>) -> Result<Self, serde_json::Error>;

    /// A message of a type this build does not know.
    #[doc(hidden)]
    fn from_unknown(unknown: UnknownMessage) -> Self;

    /// Code words of a later version in this message.
    #[doc(hidden)]
    fn words_of_the_future(&self) -> Vec<&str>;
}

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// A message of a type this build does not know, carried as it came. Where it has an `id` it is a
/// request and wants `unsupported` for an answer; otherwise it is counted and passed by.
#[derive(Clone, PartialEq, Eq)]
pub struct UnknownMessage {
    /// Its type.
    pub kind: String,
    /// Its id, where it has a numeric one.
    pub id: Option<u64>,
    /// Its other members.
    pub members: Map<String, Value>,
}

impl UnknownMessage {
    /// The answer it wants, where it is a request: send it as `unsupported`.
    #[must_use]
    pub fn answer(&self) -> Option<crate::NotKnown> {
        self.id.map(|id| crate::NotKnown { id, what: self.kind.clone() })
    }
}

impl fmt::Debug for UnknownMessage {
    /// Names only: what a later version puts into its members may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnknownMessage")
            .field("kind", &self.kind)
            .field("id", &self.id)
            .field("members", &self.members.keys().collect::<Vec<_>>())
            .finish()
    }
}

macro_rules! messages {
    ($(#[$meta:meta])* $name:ident, $kinds:ident {
        $(#[doc = $doc:literal] $variant:ident($body:ty) = $kind:literal, $class:ident;)*
    }) => {
        $(#[$meta])*
        // A frame is decoded, matched and gone: boxing the large ones would cost every reader a `*`.
        #[allow(clippy::large_enum_variant)]
        #[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(tag = "type")]
        pub enum $name {
            $(#[doc = $doc] #[serde(rename = $kind)] $variant($body),)*
            /// A message of a later version.
            #[serde(skip)]
            Other(crate::message::UnknownMessage),
        }

        #[doc = concat!("The types of [`", stringify!($name), "`], without their content.")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $kinds {
            $(#[doc = $doc] $variant,)*
        }

        impl $kinds {
            /// Every type, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The type on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $kind,)*
                }
            }

            /// Does it carry a `seq`, is it kept for a replay and delivered once?
            #[must_use]
            pub fn is_reliable(self) -> bool {
                match self {
                    $(Self::$variant => crate::message::messages!(@class $class),)*
                }
            }

            /// What it says, in a line.
            #[must_use]
            pub fn summary(self) -> &'static str {
                match self {
                    $(Self::$variant => $doc.trim_ascii_start(),)*
                }
            }
        }

        impl crate::message::sealed::Sealed for $name {}

        impl crate::message::Message for $name {
            const KINDS: &'static [&'static str] = &[$($kind),*];

            fn kind(&self) -> &str {
                match self {
                    $(Self::$variant(_) => $kind,)*
                    Self::Other(unknown) => &unknown.kind,
                }
            }

            fn is_reliable(&self) -> bool {
                match self {
                    $(Self::$variant(_) => crate::message::messages!(@class $class),)*
                    Self::Other(_) => false,
                }
            }

            fn to_members(
                &self,
            ) -> Result<serde_json::Map<String, serde_json::Value>, serde_json::Error> {
                use serde::ser::Error as _;
                let mut members = serde_json::Map::new();
                members.insert("type".to_owned(), self.kind().into());
                let body = match self {
                    $(Self::$variant(body) => serde_json::to_value(body)?,)*
                    Self::Other(unknown) => serde_json::Value::Object(unknown.members.clone()),
                };
                let serde_json::Value::Object(body) = body else {
                    return Err(serde_json::Error::custom("a message body is an object"));
                };
                members.extend(body);
                Ok(members)
            }

            fn body_text(&self) -> Result<String, serde_json::Error> {
                match self {
                    $(Self::$variant(body) => serde_json::to_string(body),)*
                    Self::Other(unknown) => serde_json::to_string(&unknown.members),
                }
            }

            fn from_members(
                members: serde_json::Map<String, serde_json::Value>,
            ) -> Result<Self, serde_json::Error> {
                serde_json::from_value(serde_json::Value::Object(members))
            }

            fn from_unknown(unknown: crate::message::UnknownMessage) -> Self {
                Self::Other(unknown)
            }

            fn words_of_the_future(&self) -> Vec<&str> {
                self.unknown_words()
            }
        }
    };
    (@class reliable) => { true };
    (@class plain) => { false };
}
pub(crate) use messages;
