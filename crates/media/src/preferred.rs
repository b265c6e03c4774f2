//! Sources in order of preference (F61): of several ways to open one, the first that can be
//! opened. Whether one is required or only wished for is the join's affair.

#[cfg(test)]
mod tests;

use crate::device::Lacking;
use crate::source::{Lack, Next, Source, SourceError};
use offhook_transport::media::{Codec, Kind, VideoWish};
use std::fmt;
use std::time::Duration;

/// Ways to open a source, the best one first.
///
/// ```
/// use offhook_media::{Clip, Preferred};
/// use offhook_transport::media::Kind;
///
/// let opened = Preferred::new(Kind::Video)
///     .or("what I recorded", || Clip::open("me.h264"))
///     .or("what came with it", || Clip::open("somebody.ivf"))
///     .open();
/// match opened.taken() {
///     Some(name) => println!("sending {name}"),
///     None => opened.passed_over().iter().for_each(|passed| eprintln!("{passed}")),
/// }
/// ```
///
/// # Drop
/// Nothing was opened yet.
#[must_use = "nothing is opened before `open`"]
pub struct Preferred {
    kind: Kind,
    ways: Vec<Way>,
}

struct Way {
    name: String,
    open: Box<dyn FnOnce() -> Result<Box<dyn Source>, Box<dyn Lacking>> + Send>,
}

/// A way that was tried, and why it was passed over.
#[derive(Debug)]
pub struct PassedOver {
    name: String,
    lack: Lack,
    why: Option<Box<dyn Lacking>>,
}

/// The first source that could be opened; or none, and why.
///
/// It is a [`Source`], so that it is published as any other. One that holds nothing
/// [lacks](Source::lack) something: a join that requires it fails as "no user media" before any
/// I/O, one that only wishes for it leaves it out.
///
/// # Drop
/// Closes the source.
pub struct Opened {
    kind: Kind,
    taken: Option<(String, Box<dyn Source>)>,
    passed_over: Vec<PassedOver>,
}

impl Preferred {
    /// No way yet to a source of this kind. Without any it opens as [`Lack::Absent`].
    pub fn new(kind: Kind) -> Self {
        Self { kind, ways: Vec::new() }
    }

    /// Adds a way that is tried when all before it failed, called `name` in what is reported.
    pub fn or<S, E>(
        mut self,
        name: impl Into<String>,
        open: impl FnOnce() -> Result<S, E> + Send + 'static,
    ) -> Self
    where
        S: Source + 'static,
        E: Lacking,
    {
        let open = || match open() {
            Ok(source) => Ok(Box::new(source) as Box<dyn Source>),
            Err(error) => Err(Box::new(error) as Box<dyn Lacking>),
        };
        self.ways.push(Way { name: name.into(), open: Box::new(open) });
        self
    }

    /// Tries one after the other, and stops at the first that opens; the others are never
    /// touched. A source of the other kind, or one that [lacks](Source::lack) something already,
    /// is closed again and passed over.
    ///
    /// Blocks for as long as opening takes, which for a device may be a second; in an async
    /// program that is for `spawn_blocking`.
    pub fn open(self) -> Opened {
        let mut passed_over = Vec::new();
        for Way { name, open } in self.ways {
            let (lack, why) = match open() {
                Ok(source) if source.codec().kind() != self.kind => (Lack::Unusable, None),
                Ok(source) => match source.lack() {
                    Some(lack) => (lack, None),
                    None => return Opened { kind: self.kind, taken: Some((name, source)), passed_over },
                },
                Err(why) => (why.lack(), Some(why)),
            };
            passed_over.push(PassedOver { name, lack, why });
        }
        Opened { kind: self.kind, taken: None, passed_over }
    }
}

impl PassedOver {
    /// What the way was called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which of the three causes it was.
    pub fn lack(&self) -> Lack {
        self.lack
    }

    /// What opening it failed with; `None` when it opened and could not be used here.
    pub fn why(&self) -> Option<&dyn Lacking> {
        self.why.as_deref()
    }
}

impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.why {
            Some(why) => write!(f, "{}: {why}", self.name),
            None => write!(f, "{}: it opened, and cannot be used here", self.name),
        }
    }
}

impl Opened {
    /// Which way was taken; `None` if none opened.
    pub fn taken(&self) -> Option<&str> {
        self.taken.as_ref().map(|(name, _)| name.as_str())
    }

    /// The ways that were tried before it, in the order of preference.
    pub fn passed_over(&self) -> &[PassedOver] {
        &self.passed_over
    }

    /// The source itself.
    pub fn into_source(self) -> Option<Box<dyn Source>> {
        self.taken.map(|(_, source)| source)
    }

    /// The cause nearest to being mended, of all that were met: what was declined is there and
    /// works, what is unusable is at least there.
    fn best_lack(&self) -> Lack {
        let nearness = |lack: Lack| match lack {
            Lack::Declined => 2,
            Lack::Unusable => 1,
            Lack::Absent => 0,
        };
        let causes = self.passed_over.iter().map(|passed| passed.lack);
        causes.max_by_key(|lack| nearness(*lack)).unwrap_or(Lack::Absent)
    }
}

impl Source for Opened {
    /// Of one that holds nothing: what is usual for its kind.
    fn codec(&self) -> Codec {
        match (&self.taken, self.kind) {
            (Some((_, source)), _) => source.codec(),
            (None, Kind::Video) => Codec::H264,
            (None, Kind::Audio) => Codec::Opus,
        }
    }

    fn next_due(&self) -> Duration {
        self.taken.as_ref().map_or(Duration::ZERO, |(_, source)| source.next_due())
    }

    fn lack(&self) -> Option<Lack> {
        match &self.taken {
            Some((_, source)) => source.lack(),
            None => Some(self.best_lack()),
        }
    }

    fn want(&mut self, wish: Option<VideoWish>) {
        if let Some((_, source)) = &mut self.taken {
            source.want(wish);
        }
    }

    fn next_frame(&mut self, key: bool) -> Result<Next, SourceError> {
        match &mut self.taken {
            Some((_, source)) => source.next_frame(key),
            None => Ok(Next::Over),
        }
    }
}

impl fmt::Debug for Preferred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ways.iter().map(|way| &way.name)).finish()
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("kind", &self.kind)
            .field("taken", &self.taken())
            .field("passed_over", &self.passed_over)
            .finish()
    }
}
