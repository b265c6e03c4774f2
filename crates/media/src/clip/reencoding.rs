//! A key frame where a file has none: from a wish on, pictures of an H.264 clip are decoded and encoded
//! anew, until the file comes to a key frame of its own. Which clips do so, and when, is in `clip`.

use super::{ClipSpec, Film};
use crate::annexb;
use crate::h264::{Decoder, EncodeError, Encoder, EncoderOptions};
use crate::i420::I420;
use offhook_transport::media::{Codec, EncodedFrame};
use std::time::Duration;

/// A key frame of the file's own that is no further away is waited for. Far sides ask again after 200 ms
/// at the soonest, and two key frames close to each other are a burst that nobody needs.
const NEAR: Duration = Duration::from_millis(200);

/// So many pixels are decoded at a time, to come from the last key frame to the picture that is due:
/// eight pictures of 640 × 360, about 8 ms. The frame that is due must not wait for more.
const AT_A_TIME: u64 = 8 * 640 * 360;

/// Fewer pictures at a time would hardly gain on the clip, which goes on meanwhile.
const FEWEST_AT_A_TIME: u64 = 3;

/// What stands for a picture of the file.
#[derive(Debug)]
pub(super) enum Coded {
    /// What the file has.
    AsItIs,
    /// This.
    Anew(EncodedFrame),
    /// Nothing: the file is damaged here, and what it has needs pictures that nobody was sent.
    Nothing,
}

/// From a wish for a key frame to the file's next.
#[derive(Debug)]
pub(super) struct Reencoding {
    decoder: Decoder,
    encoder: Encoder,
    options: EncoderOptions,
    /// The picture to be decoded next.
    at: usize,
    at_a_time: u64,
    /// Did it give a picture? From there on the file's own need what nobody was sent.
    begun: bool,
}

impl Reencoding {
    /// For a wish that comes with picture `at`. `None` where the file has a key frame soon, or where
    /// it cannot be: another codec, or no memory for one.
    pub(super) fn begin(film: &Film, at: usize) -> Option<Self> {
        let now = film.frames.get(at)?.pts;
        let soon = |frame: &&EncodedFrame| frame.pts.saturating_sub(now) <= NEAR;
        if film.spec.codec != Codec::H264 || film.frames[at..].iter().take_while(soon).any(can_begin) {
            return None;
        }
        let options = options(film);
        Some(Self {
            decoder: Decoder::new().ok()?,
            encoder: Encoder::new(options).ok()?,
            options,
            at: film.frames[..at].iter().rposition(can_begin)?,
            at_a_time: at_a_time(&film.spec),
            begun: false,
        })
    }

    /// What stands for picture `at`, which follows that of the last call, at `pts`. With `key` it shall
    /// be a key frame; the first that is encoded is one.
    ///
    /// # Errors
    /// When the encoder fails, and a new one too. Where it had not given a picture yet the file's own can still be sent.
    pub(super) fn picture(
        &mut self,
        film: &Film,
        at: usize,
        pts: Duration,
        key: bool,
    ) -> Result<Coded, EncodeError> {
        let Some(picture) = self.decode_up_to(film, at) else {
            return Ok(if self.begun { Coded::Nothing } else { Coded::AsItIs });
        };
        if key {
            self.encoder.force_key_frame();
        }
        let coded = match self.encoder.encode(&picture, pts) {
            Ok(Some(coded)) => Some(coded),
            // The encoder leaves out only what takes many times its bit rate, and never a key frame; and this
            // clip is whole.
            Ok(None) => {
                self.encoder.force_key_frame();
                self.encoder.encode(&picture, pts)?
            }
            // The codec fails at a cut to what is far richer, and then for good. A new one knows nothing of it.
            Err(_) => {
                self.encoder = Encoder::new(self.options)?;
                self.encoder.encode(&picture, pts)?
            }
        };
        self.begun |= coded.is_some();
        Ok(match coded {
            Some(coded) => Coded::Anew(coded),
            None if self.begun => Coded::Nothing,
            None => Coded::AsItIs,
        })
    }

    /// Did it give a picture?
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Picture `at`, if it can be decoded, and if it is not too far away for this time.
    fn decode_up_to(&mut self, film: &Film, at: usize) -> Option<I420> {
        let mut picture = None;
        for _ in 0..self.at_a_time {
            let Some(frame) = film.frames.get(self.at).filter(|_| self.at <= at) else { break };
            picture = self.decoder.decode_frame(frame).ok().flatten();
            self.at += 1;
        }
        picture.filter(|_| self.at > at)
    }
}

/// Can whoever has nothing begin with it? In an IVF file a key frame may lack its parameter sets, and
/// then needs those that were sent last, which may be the encoder's.
pub(super) fn can_begin(frame: &EncodedFrame) -> bool {
    frame.key && annexb::find_sps(&frame.data).is_some()
}

fn at_a_time(spec: &ClipSpec) -> u64 {
    let pixels = u64::from(spec.width) * u64::from(spec.height);
    (AT_A_TIME / pixels.max(1)).max(FEWEST_AT_A_TIME)
}

/// Encoded in real time, a picture takes about twice what it took where there was time.
fn options(film: &Film) -> EncoderOptions {
    let bytes: u64 = film.frames.iter().map(|frame| frame.data.len() as u64).sum();
    let rate = 2.0 * 8.0 * bytes as f64 / film.spec.duration.as_secs_f64().max(0.04);
    let least = EncoderOptions::default();
    // The conversion saturates, and the encoder holds it to what it can.
    EncoderOptions {
        bitrate: (rate as u32).max(least.bitrate),
        frame_rate: film.spec.frame_rate,
        key_every: None,
    }
}
