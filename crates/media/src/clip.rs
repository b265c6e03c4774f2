//! A clip: an encoded video file in memory, played once or over and over. The formats are in
//! `annexb` and `ivf`; the names of other formats, for the error, in `clip/sniff.rs`; key frames
//! where the file has none in `clip/reencoding.rs`.

mod error;
#[cfg(feature = "h264")]
mod reencoding;
mod sniff;
#[cfg(test)]
mod tests;

pub use error::ClipError;
pub use sniff::{Looks, looks_like};

use crate::annexb;
use crate::ivf;
use crate::rate::FrameRate;
use crate::source::{Next, Source, SourceError};
use bytes::Bytes;
use error::Problem;
use offhook_transport::media::{Codec, EncodedFrame};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The largest file that is opened: clips are held in memory whole.
pub const MAX_FILE: u64 = 256 << 20;

/// The sample: five seconds of "Big Buck Bunny", (c) Blender Foundation, CC BY 3.0
/// (peach.blender.org), 640x360, 25 frames a second, H.264 constrained baseline.
#[cfg(feature = "samples")]
pub const SAMPLE: &[u8] = include_bytes!("../assets/bunny-640x360-25fps.h264");

/// The line that goes wherever the sample or pictures of it go.
#[cfg(feature = "samples")]
pub const SAMPLE_ATTRIBUTION: &str = "Big Buck Bunny, (c) Blender Foundation, CC BY 3.0 (peach.blender.org)";

/// What a clip is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClipSpec {
    /// The codec of every frame.
    pub codec: Codec,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The rate it plays at; for IVF the average.
    pub frame_rate: FrameRate,
    /// Frames in one pass.
    pub frames: usize,
    /// From the start of the first frame to the end of the last.
    pub duration: Duration,
}

/// An encoded video file in memory. Cloning shares the bytes and plays from the start.
///
/// As a [`Source`] it repeats for ever, unless [`once`](Clip::once): each pass follows the last
/// without a gap, times go on rising. What a wish for a key frame does depends on which of them it is,
/// since inside an encoded file there is none:
///
/// - repeating, it jumps to the next one (at the end: to the first). Pictures are left out, and whoever
///   comes late sees one at once.
/// - once, it leaves nothing out; [`once`](Clip::once) says where the key frame comes from.
#[derive(Debug)]
pub struct Clip {
    film: Arc<Film>,
    repeat: bool,
    /// The frame to come.
    next: usize,
    /// When the frame to come is due.
    clock: Duration,
    /// Since a wish for a key frame, to the file's next; of one that is played once.
    #[cfg(feature = "h264")]
    anew: Option<reencoding::Reencoding>,
}

#[derive(Debug)]
struct Film {
    spec: ClipSpec,
    frames: Vec<EncodedFrame>,
}

#[cfg(feature = "h264")]
impl Film {
    /// Does any of it decode? Mostly the first does, and that is the end of it. What cannot be looked into
    /// is believed.
    fn has_a_picture(&self) -> bool {
        if self.spec.codec != Codec::H264 {
            return true;
        }
        let Ok(mut decoder) = crate::h264::Decoder::new() else { return true };
        self.frames.iter().any(|frame| matches!(decoder.decode_frame(frame), Ok(Some(_))))
    }
}

impl Clip {
    /// Opens a file: H.264 in Annex B or IVF, or VP8 in IVF, told apart by content.
    ///
    /// Blocks while it reads. An Annex B file that does not say its frame rate plays at
    /// [`FrameRate::DEFAULT`]; see [`open_at`](Clip::open_at).
    ///
    /// # Errors
    /// Missing, unreadable, empty, cut off, or another format or codec; the text says what to
    /// do about it. With the feature `h264` also H.264 of which no picture decodes: without it a file cut
    /// off inside its only picture opens, and nothing of it can be shown.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ClipError> {
        Self::open_with(path.as_ref(), None)
    }

    /// [`open`](Clip::open), at a given frame rate, whatever the file says.
    ///
    /// # Errors
    /// As [`open`](Clip::open).
    pub fn open_at(path: impl AsRef<Path>, rate: FrameRate) -> Result<Self, ClipError> {
        Self::open_with(path.as_ref(), Some(rate))
    }

    /// A clip from bytes in memory; `name` stands for the path in errors.
    ///
    /// # Errors
    /// As [`open`](Clip::open), less what only files can be.
    pub fn from_bytes(name: impl Into<PathBuf>, data: Bytes) -> Result<Self, ClipError> {
        Self::read(&name.into(), &data, None)
    }

    /// The sample clip ([`SAMPLE`]), compiled in.
    ///
    /// # Panics
    /// Never: a test opens the same bytes.
    #[cfg(feature = "samples")]
    pub fn sample() -> Self {
        Self::from_bytes("the sample clip", Bytes::from_static(SAMPLE)).expect("the sample is a valid clip")
    }

    /// The clip, if it is in this codec.
    ///
    /// # Errors
    /// [`ClipError::OtherCodec`] with the command that converts it.
    pub fn require(self, codec: Codec) -> Result<Self, ClipError> {
        let is = self.film.spec.codec;
        if is == codec { Ok(self) } else { Err(ClipError::OtherCodec { is, wanted: codec }) }
    }

    /// Plays it one time only, and whole: every picture of the file, in order, each once, whatever key
    /// frames are wished for. What is muted or lost on the way is not sent again.
    ///
    /// Asked for a key frame (RFC 4585, 6.3.1) in between two of the file, an H.264 clip is encoded anew
    /// from that picture to the file's next key frame, unless that comes within 200 ms. What precedes it,
    /// from the file's last key frame on, has to be decoded first, a few pictures with each that is sent:
    /// at 640 × 360 eight, so that two seconds after the last key frame the new one is there within 300 ms,
    /// and ten seconds after it in one and a half. Until the file's own, each picture costs its decoding and
    /// encoding. A picture that is damaged in the file is left out of what is encoded anew.
    ///
    /// Without the feature `h264`, and for VP8, the wish waits for the file's next key frame; after the
    /// last there is none, and a far side that lost that one sees no more of it.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.repeat = false;
        self
    }

    /// What it is.
    pub fn spec(&self) -> ClipSpec {
        self.film.spec
    }

    /// The frames of one pass, in order, with times from zero. Each shares the clip's bytes.
    pub fn frames(&self) -> impl ExactSizeIterator<Item = &EncodedFrame> {
        self.film.frames.iter()
    }

    /// Decodes every picture once, which alone shows a file cut off inside its last picture.
    /// Computes: about a tenth of a second for five seconds of 640 × 360. A clip that is not
    /// H.264 cannot be looked into and passes.
    ///
    /// # Errors
    /// [`ClipError::Damaged`] with the first picture that does not decode.
    #[cfg(feature = "h264")]
    pub fn verify(&self) -> Result<(), ClipError> {
        if self.film.spec.codec != Codec::H264 {
            return Ok(());
        }
        let frames = self.film.spec.frames;
        let damaged = |frame| ClipError::Damaged { frame, frames };
        let mut decoder = crate::h264::Decoder::new().map_err(|_| damaged(0))?;
        for (number, frame) in self.frames().enumerate() {
            let picture = decoder.decode_frame(frame).map_err(|_| damaged(number))?;
            picture.ok_or_else(|| damaged(number))?;
        }
        Ok(())
    }

    fn open_with(path: &Path, rate: Option<FrameRate>) -> Result<Self, ClipError> {
        let unreadable = |source| ClipError::from_io(path, source);
        let file = File::open(path).map_err(unreadable)?;
        let meta = file.metadata().map_err(unreadable)?;
        if meta.is_dir() {
            return Err(ClipError::unreadable(path, Problem::Directory));
        }
        let mut data = Vec::with_capacity(usize::try_from(meta.len().min(MAX_FILE)).unwrap_or(0));
        // A pipe has no length and a file may grow: what counts is what was read.
        file.take(MAX_FILE + 1).read_to_end(&mut data).map_err(unreadable)?;
        if data.len() as u64 > MAX_FILE {
            return Err(ClipError::TooLarge { path: path.to_owned(), limit: MAX_FILE });
        }
        Self::read(path, &Bytes::from(data), rate)
    }

    fn read(path: &Path, data: &Bytes, rate: Option<FrameRate>) -> Result<Self, ClipError> {
        let film = match looks_like(data) {
            Looks::Nothing => return Err(ClipError::Empty { path: path.to_owned() }),
            Looks::Ivf => read_ivf(path, data, rate)?,
            Looks::AnnexB => read_annexb(path, data, rate)?,
            looks => return Err(ClipError::OtherFormat { path: path.to_owned(), looks }),
        };
        #[cfg(feature = "h264")]
        if !film.has_a_picture() {
            return Err(ClipError::NoPicture { path: path.to_owned(), frames: film.spec.frames });
        }
        Ok(Self::from_the_start(Arc::new(film), true))
    }

    fn from_the_start(film: Arc<Film>, repeat: bool) -> Self {
        Self {
            film,
            repeat,
            next: 0,
            clock: Duration::ZERO,
            #[cfg(feature = "h264")]
            anew: None,
        }
    }

    /// How long frame `at` is shown.
    fn shown_for(&self, at: usize) -> Duration {
        let frames = &self.film.frames;
        let end = frames.get(at + 1).map_or(self.film.spec.duration, |next| next.pts);
        end.saturating_sub(frames[at].pts)
    }

    /// The first key frame at or after `from`.
    fn key_from(&self, from: usize) -> Option<usize> {
        let later = self.film.frames.get(from..)?.iter().position(|frame| frame.key)?;
        Some(from + later)
    }

    /// The next frame, and none left out for the sake of a key frame.
    fn next_of_all(&mut self, key: bool) -> Result<Next, SourceError> {
        let (at, pts) = (self.next, self.clock);
        let Some(own) = self.film.frames.get(at).cloned() else {
            #[cfg(feature = "h264")]
            {
                self.anew = None;
            }
            return Ok(Next::Over);
        };
        self.clock += self.shown_for(at);
        self.next = at + 1;
        let own = EncodedFrame { pts, ..own };
        #[cfg(feature = "h264")]
        {
            self.next_anew(at, own, key)
        }
        #[cfg(not(feature = "h264"))]
        {
            // The file's next key frame is an answer to it.
            let _ = key;
            Ok(Next::Frame(own))
        }
    }

    /// Picture `at`, which in the file is `own`, encoded anew if that has to be.
    #[cfg(feature = "h264")]
    fn next_anew(&mut self, at: usize, own: EncodedFrame, key: bool) -> Result<Next, SourceError> {
        use reencoding::{Coded, Reencoding, can_begin};
        if can_begin(&own) {
            self.anew = None;
            return Ok(Next::Frame(own));
        }
        if key && self.anew.is_none() {
            self.anew = Reencoding::begin(&self.film, at);
        }
        let Some(anew) = &mut self.anew else { return Ok(Next::Frame(own)) };
        match anew.picture(&self.film, at, own.pts, key) {
            Ok(Coded::AsItIs) => Ok(Next::Frame(own)),
            Ok(Coded::Anew(frame)) => Ok(Next::Frame(frame)),
            Ok(Coded::Nothing) => Ok(Next::Nothing),
            Err(error) if anew.has_begun() => Err(error.into()),
            Err(_) => {
                // Too small to be encoded, say: the wish waits for the file.
                self.anew = None;
                Ok(Next::Frame(own))
            }
        }
    }
}

impl Clone for Clip {
    fn clone(&self) -> Self {
        Self::from_the_start(self.film.clone(), self.repeat)
    }
}

impl Source for Clip {
    fn codec(&self) -> Codec {
        self.film.spec.codec
    }

    fn next_due(&self) -> Duration {
        self.clock
    }

    fn next_frame(&mut self, key: bool) -> Result<Next, SourceError> {
        if !self.repeat {
            return self.next_of_all(key);
        }
        let here = if key { self.key_from(self.next) } else { Some(self.next) };
        let at = here.filter(|at| *at < self.film.frames.len()).unwrap_or(0);
        let frame = EncodedFrame { pts: self.clock, ..self.film.frames[at].clone() };
        self.clock += self.shown_for(at);
        self.next = at + 1;
        Ok(Next::Frame(frame))
    }
}

fn read_annexb(path: &Path, data: &Bytes, rate: Option<FrameRate>) -> Result<Film, ClipError> {
    let stream = annexb::parse(data).map_err(|source| ClipError::AnnexB { path: path.to_owned(), source })?;
    // Baseline has no reordering; the others do, and then file order is not display order.
    if !stream.sps.is_baseline() {
        return Err(ClipError::Profile { path: path.to_owned(), profile: stream.sps.profile });
    }
    let said = stream.sps.frame_rate.and_then(|(frames, seconds)| FrameRate::new(frames, seconds).ok());
    let rate = rate.or(said).unwrap_or_default();
    let count = stream.units.len();
    let spec = ClipSpec {
        codec: Codec::H264,
        width: stream.sps.width,
        height: stream.sps.height,
        frame_rate: rate,
        frames: count,
        duration: rate.due(count as u64),
    };
    let frames = stream.units.into_iter().zip(0u64..).map(|(unit, number)| EncodedFrame {
        codec: Codec::H264,
        data: unit.data,
        pts: rate.due(number),
        key: unit.key,
    });
    Ok(Film { spec, frames: frames.collect() })
}

fn read_ivf(path: &Path, data: &Bytes, rate: Option<FrameRate>) -> Result<Film, ClipError> {
    let problem = |source| ClipError::Ivf { path: path.to_owned(), source };
    let ivf::File { header, mut frames } = ivf::parse(data).map_err(problem)?;
    let Some(key) = frames.iter().position(|frame| frame.key) else {
        return Err(ClipError::AnnexB { path: path.to_owned(), source: annexb::AnnexBError::NoKeyFrame });
    };
    frames.drain(..key);
    let base = frames[0].pts;
    frames.iter_mut().for_each(|frame| frame.pts -= base);
    let (mut width, mut height) = (u32::from(header.width), u32::from(header.height));
    if header.codec == Codec::H264 {
        let sps = annexb::find_sps(&frames[0].data).ok_or_else(|| ClipError::AnnexB {
            path: path.to_owned(),
            source: annexb::AnnexBError::NoHeaders,
        })?;
        if !sps.is_baseline() {
            return Err(ClipError::Profile { path: path.to_owned(), profile: sps.profile });
        }
        (width, height) = (sps.width, sps.height);
    }
    let rate = match rate {
        Some(rate) => {
            frames.iter_mut().zip(0u64..).for_each(|(frame, number)| frame.pts = rate.due(number));
            rate
        }
        None => average_rate(&frames, &header),
    };
    let last = frames.last().map_or(Duration::ZERO, |frame| frame.pts);
    let spec = ClipSpec {
        codec: header.codec,
        width,
        height,
        frame_rate: rate,
        frames: frames.len(),
        duration: last + rate.interval(),
    };
    Ok(Film { spec, frames })
}

/// The header's rate is often a tick rate (90000, 1000), so the frames themselves are asked.
fn average_rate(frames: &[EncodedFrame], header: &ivf::Header) -> FrameRate {
    let span = frames.last().map_or(Duration::ZERO, |frame| frame.pts).as_millis();
    let measured = (frames.len() > 1 && span > 0)
        .then(|| Some((u32::try_from((frames.len() - 1) * 1000).ok()?, u32::try_from(span).ok()?)))
        .flatten()
        .and_then(|(count, span)| FrameRate::new(count, span).ok());
    measured.or_else(|| FrameRate::new(header.rate, header.scale).ok()).unwrap_or_default()
}
