//! Every size the protocol bounds, and the rule table that holds text fields to them.
//! The codec walks each known message against this table in both directions; a field that is
//! not named here gets the strict default, so a new field cannot be forgotten.

/// Largest frame, in bytes, either end sends or accepts. Larger ones are refused before they are parsed (S7).
pub const FRAME_BYTES: usize = 64 * 1024;
/// Most frames a second that a client may count on being let say, over any time (S10).
pub const FRAMES_PER_SECOND: u32 = 100;
/// And so many at once after a pause; a whole piece of an upload counts for a tenth of a frame.
pub const FRAMES_BURST: u32 = 4 * FRAMES_PER_SECOND;
/// Most bytes a second of messages to other members, as they go out to each of these, that a client may count on
/// being passed on, over any time: a hearer with a line of a megabit keeps up with that (S10).
pub const MESSAGE_BYTES_PER_SECOND: u32 = 128 * 1024;
/// And so many at once after a pause.
pub const MESSAGE_BYTES_BURST: u32 = 8 * MESSAGE_BYTES_PER_SECOND;
/// Deepest nesting of objects and arrays in one frame.
pub const DEPTH: usize = 16;
/// Largest magnitude of any number in a frame: 2^53 - 1, the largest integer every JSON reader keeps exactly.
pub const NUMBER: u64 = (1 << 53) - 1;
/// Largest session description, in bytes.
pub const SDP_BYTES: usize = 48 * 1024;
/// Most lines in one session description.
pub const SDP_LINES: usize = 2_000;
/// Longest single line of a session description, in bytes.
pub const SDP_LINE_BYTES: usize = 4 * 1024;
/// Most media sections in one session description.
pub const SDP_SECTIONS: usize = 64;
/// Longest candidate line, in bytes.
pub const CANDIDATE_BYTES: usize = 512;
/// Most remote candidates taken for one ufrag (S20); the rest are counted and ignored.
pub const CANDIDATES_PER_UFRAG: usize = 8;
/// Most candidates held back for a ufrag that has not been described yet.
pub const CANDIDATES_HELD: usize = 64;
/// Longest identifier (session kind and id, user, track, model, code), in bytes.
pub const ID_BYTES: usize = 128;
/// Longest prompt, in bytes.
pub const PROMPT_BYTES: usize = 8 * 1024;
/// Longest free text meant for a human (refusals, endings, progress), in bytes.
pub const TEXT_BYTES: usize = 2 * 1024;
/// Longest credential, ticket or resume secret, in bytes.
pub const SECRET_BYTES: usize = 8 * 1024;
/// Longest URL (ICE server, go-away target), in bytes.
pub const URL_BYTES: usize = 2 * 1024;
/// Largest piece of an upload before base64, in bytes.
pub const CHUNK_BYTES: usize = 16 * 1024;
/// Most upload bytes under way without an acknowledgement.
pub const CHUNKS_IN_FLIGHT_BYTES: usize = 64 * 1024;
/// Largest image the desired state may name, in bytes.
pub const IMAGE_BYTES: u64 = 8 * 1024 * 1024;
/// Most reliable messages kept for a replay, per direction.
pub const REPLAY_MESSAGES: usize = 256;
/// Most bytes of reliable messages kept for a replay, per direction.
pub const REPLAY_BYTES: usize = 256 * 1024;
/// Most entries in any list of a message that has no rule of its own.
pub const LIST: usize = 64;
/// Longest kind of a session, in bytes.
pub const KIND_BYTES: usize = 64;
/// Most words about a session.
pub const METADATA: usize = 16;
/// Longest value of one word about a session, in bytes.
pub const METADATA_VALUE_BYTES: usize = 512;
/// Most attendees that are named to somebody outside: so many fit into a frame whatever their names.
pub const ATTENDEES: usize = 64;
/// Most members in a roster.
pub const ROSTER: usize = 256;
/// Most bytes that the tracks of one member take as JSON, so that a frame has room for any member.
pub const TRACKS_BYTES: usize = 16 * 1024;
/// Most ICE servers, and most URLs of one server.
pub const ICE_SERVERS: usize = 8;
/// Most nodes that a join may ask to avoid.
pub const AVOIDED_NODES: usize = 4;
/// Most rings in a snapshot: of one user, those that come in and those that one device placed.
pub const RINGS: usize = 32;
/// Longest words of an application about a ring, in bytes; a full snapshot then fits a frame.
pub const METADATA_BYTES: usize = 512;
/// How long a migration ticket may live, in milliseconds.
pub const TICKET_MS: u64 = 60_000;
/// How many times the far side may send a session on within [`GO_AWAY_WINDOW_MS`].
pub const GO_AWAY_HOPS: u32 = 3;
/// The window of [`GO_AWAY_HOPS`], in milliseconds.
pub const GO_AWAY_WINDOW_MS: u64 = 120_000;

/// Longest text that is said in a conversation, in bytes.
pub const WORDS_BYTES: usize = 16 * 1024;
/// Most entries in a batch of telemetry: so many fit into a frame whatever they say.
pub const TELEMETRY_ENTRIES: usize = 120;
/// Longest reaction, in bytes: the longest emoji there are, and a few words.
pub const REACTION_BYTES: usize = 64;

/// Which characters a text field may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// Anything but control characters: nothing that could end a line of SDP or of a log.
    NoControl,
    /// Letters, digits, `-`, `_`, `.`: what stands before the `/` of a session's name.
    Word,
    /// As `NoControl`, with line feed, carriage return and tab allowed.
    Lines,
    /// Printable ASCII without the space: URLs, tokens, mids.
    Visible,
    /// Letters, digits, `+` and `/`, as RFC 8839 wants for ICE user fragments, and `-`, `_`, `=`, which
    /// some stacks use against it.
    IceChars,
    /// Lower-case hexadecimal digits.
    LowerHex,
    /// Base64 with padding, the standard alphabet of RFC 4648 section 4.
    Base64,
}

impl Charset {
    /// Is this character allowed?
    #[must_use]
    pub fn allows(self, c: char) -> bool {
        match self {
            Charset::NoControl => !c.is_control(),
            Charset::Word => c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'),
            Charset::Lines => !c.is_control() || matches!(c, '\n' | '\r' | '\t'),
            Charset::Visible => c.is_ascii_graphic(),
            Charset::IceChars => c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_' | '='),
            Charset::LowerHex => matches!(c, '0'..='9' | 'a'..='f'),
            Charset::Base64 => c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '='),
        }
    }

    /// The set in a few words, for the documentation.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Charset::NoControl => "no control characters",
            Charset::Word => "letters, digits, `-`, `_`, `.`",
            Charset::Lines => "no control characters but line feed, carriage return and tab",
            Charset::Visible => "printable ASCII, no spaces",
            Charset::IceChars => "letters, digits, `+`, `/`, `-`, `_`, `=`",
            Charset::LowerHex => "lower-case hexadecimal",
            Charset::Base64 => "base64 with padding",
        }
    }
}

/// What one text field of a message must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextRule {
    /// The field's name, or `parent.name` where the name alone means something else elsewhere.
    pub field: &'static str,
    /// Fewest bytes.
    pub min: usize,
    /// Most bytes.
    pub max: usize,
    /// Allowed characters.
    pub charset: Charset,
}

const fn rule(field: &'static str, min: usize, max: usize, charset: Charset) -> TextRule {
    TextRule { field, min, max, charset }
}

/// The rule for a text field that [`TEXT_RULES`] does not name.
pub const DEFAULT_TEXT_RULE: TextRule = rule("(any other)", 0, ID_BYTES, Charset::NoControl);

/// The rules by field name; the first match wins, so `parent.name` entries stand first.
pub const TEXT_RULES: &[TextRule] = &[
    rule("prompt.text", 0, PROMPT_BYTES, Charset::Lines),
    rule("session.kind", 1, KIND_BYTES, Charset::Word),
    rule("session.id", 1, ID_BYTES, Charset::NoControl),
    rule("text", 0, TEXT_BYTES, Charset::Lines),
    rule("words", 1, WORDS_BYTES, Charset::Lines),
    rule("reaction", 1, REACTION_BYTES, Charset::NoControl),
    rule("refused", 0, TEXT_BYTES, Charset::Lines),
    rule("metadata.name", 1, ID_BYTES, Charset::NoControl),
    rule("metadata.value", 0, METADATA_VALUE_BYTES, Charset::NoControl),
    rule("sdp", 1, SDP_BYTES, Charset::Lines),
    rule("candidate", 1, CANDIDATE_BYTES, Charset::NoControl),
    rule("mid", 1, ID_BYTES, Charset::Visible),
    rule("ufrag", 4, 256, Charset::IceChars),
    rule("sha256", 64, 64, Charset::LowerHex),
    rule("image", 64, 64, Charset::LowerHex),
    rule("instance", 32, 32, Charset::LowerHex),
    rule("bytes", 0, CHUNK_BYTES.div_ceil(3) * 4, Charset::Base64),
    rule("credential", 1, SECRET_BYTES, Charset::Visible),
    rule("secret", 1, SECRET_BYTES, Charset::Visible),
    rule("ticket", 1, SECRET_BYTES, Charset::Visible),
    rule("join_ticket", 1, SECRET_BYTES, Charset::Visible),
    rule("target", 1, URL_BYTES, Charset::Visible),
    rule("urls", 1, URL_BYTES, Charset::Visible),
    rule("username", 0, 512, Charset::NoControl),
    rule("session_id", 1, ID_BYTES, Charset::NoControl),
    rule("track", 1, ID_BYTES, Charset::NoControl),
    rule("ring_id", 1, ID_BYTES, Charset::Visible),
    rule("user", 1, ID_BYTES, Charset::NoControl),
    rule("node", 1, ID_BYTES, Charset::Visible),
    rule("avoid", 1, ID_BYTES, Charset::Visible),
    rule("users", 1, ID_BYTES, Charset::NoControl),
    rule("metadata", 0, METADATA_BYTES, Charset::NoControl),
    rule("type", 1, ID_BYTES, Charset::NoControl),
];

/// Fields whose content is the application's own: only the frame limit, the depth and the number rule apply.
pub const FREE_FIELDS: &[&str] = &["data"];

/// Limits on lists by field name; any other list holds at most [`LIST`] entries.
pub const LIST_RULES: &[(&str, usize)] = &[
    ("roster", ROSTER),
    ("to_follow", ROSTER),
    ("to", ROSTER),
    ("missing", ROSTER),
    ("metadata", METADATA),
    ("attendees", ATTENDEES),
    ("ice_servers", ICE_SERVERS),
    ("urls", ICE_SERVERS),
    ("avoid", AVOIDED_NODES),
    ("rings", RINGS),
    ("entries", TELEMETRY_ENTRIES),
];

/// The rule for field `name` inside `parent` (empty at the top of a message).
#[must_use]
pub fn text_rule(parent: &str, name: &str) -> TextRule {
    TEXT_RULES
        .iter()
        .find(|rule| match rule.field.split_once('.') {
            Some((outer, inner)) => outer == parent && inner == name,
            None => rule.field == name,
        })
        .copied()
        .unwrap_or(DEFAULT_TEXT_RULE)
}

/// Most entries of the list `name`.
#[must_use]
pub fn list_limit(name: &str) -> usize {
    LIST_RULES.iter().find(|(field, _)| *field == name).map_or(LIST, |(_, limit)| *limit)
}
