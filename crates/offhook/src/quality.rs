//! How good a link is, in a word, and what keeps it from being better (F72). How that is judged is in
//! `host/quality.rs`; the numbers behind it are the [statistics](crate::Stats).

/// How good a link is, from worst to best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grade {
    /// Hardly usable.
    Critical,
    /// Disturbed: it is heard and seen by everybody.
    Poor,
    /// It is heard or seen by who pays attention.
    Fair,
    /// Nothing is to be noticed.
    Good,
}

impl Grade {
    /// The stable code, for logs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Poor => "poor",
            Self::Fair => "fair",
            Self::Good => "good",
        }
    }
}

/// What keeps a link from being better. Of several the one that does the most harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Packets are lost, in either direction: a weak radio link, or a path that is too narrow.
    Loss,
    /// Answers take long: a far server, or a queue on the way.
    RoundTrip,
    /// Packets come unevenly.
    Jitter,
    /// A picture that is due stands still (F71).
    Picture,
    /// The far side does not keep up, or cannot carry more, and has said so
    /// ([`VideoWanted::limited_by`](crate::VideoWanted)).
    FarSide,
}

impl Limit {
    /// The stable code, for logs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::RoundTrip => "round_trip",
            Self::Jitter => "jitter",
            Self::Picture => "picture",
            Self::FarSide => "far_side",
        }
    }
}

/// How good a link is, and why it is not better.
///
/// Judged once a second from what is measured, where a transport measures. It is known from five
/// seconds after media began to flow, and unknown in an outage and for five seconds after it; on a
/// link that took another's place nothing changes for five seconds. It gets worse when two seconds in
/// a row were, and better after five.
///
/// | | [`Good`](Grade::Good) | [`Fair`](Grade::Fair) | [`Poor`](Grade::Poor) | [`Critical`](Grade::Critical) |
/// |---|---|---|---|---|
/// | lost, of the packets of five seconds, the worse direction | to 1 % | to 3 % | to 10 % | more |
/// | round trip, the shortest of three seconds | to 300 ms | to 500 ms | to 800 ms | more |
/// | jitter of what comes in | to 50 ms | to 100 ms | to 200 ms | more |
/// | a picture | moves | | | stands still |
/// | the far side | keeps up | does not | | |
///
/// A round trip of 300 ms is the delay that ITU-T G.114 has for speech that nobody finds slow
/// (150 ms each way), 800 ms its limit. What was sent again in time is not lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quality {
    /// The word for it.
    pub grade: Grade,
    /// What keeps it from being better; `None` where it is good.
    pub limited_by: Option<Limit>,
}

impl Quality {
    /// Nothing is to be noticed.
    pub const GOOD: Self = Self { grade: Grade::Good, limited_by: None };
}
