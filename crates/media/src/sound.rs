//! Pieces of sound, whole and ready to be sent: Opus packets, read from Ogg Opus as they are, or
//! encoded from WAV and raw samples (feature `opus`). Playing them in time is `voice`'s.

#[cfg(feature = "opus")]
mod encode;
mod error;
mod ogg;
mod packet;
#[cfg(test)]
mod tests;
#[cfg(feature = "opus")]
mod wav;

#[cfg(feature = "audio")]
pub(crate) use encode::{FRAME, FrameEncoder, RATE, mix};
pub use error::SoundError;
#[cfg(feature = "audio")]
pub(crate) use packet::lasts;
pub(crate) use packet::{SILENCE, SILENCE_LASTS};

use bytes::Bytes;
use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The longest sound that is taken. A longer one is played in pieces.
pub const LONGEST: Duration = Duration::from_secs(600);

/// One packet, and how long it sounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Opus, without a container.
    pub data: Bytes,
    /// At most 120 ms (RFC 7587 section 4.2).
    pub lasts: Duration,
}

/// A piece of sound: Opus packets in memory. Cloning shares them.
///
/// Making one may decode, resample and encode, about a hundredth of its length in computing; in
/// an async program, do that for long ones on a blocking thread. Playing one costs next to
/// nothing, however often.
#[derive(Clone)]
pub struct Sound {
    packets: Arc<[Packet]>,
    lasts: Duration,
}

impl Sound {
    /// Opens a file: Ogg Opus, or WAV with the feature `opus`. Told apart by what is in it.
    ///
    /// # Errors
    /// [`SoundError`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SoundError> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|source| SoundError::Open { path: path.to_owned(), source })?;
        Self::read(BufReader::new(file))
    }

    /// Reads what [`open`](Self::open) reads from anywhere.
    ///
    /// # Errors
    /// [`SoundError`].
    pub fn read(mut from: impl Read + Seek) -> Result<Self, SoundError> {
        let mut magic = [0; 4];
        let read = read_up_to(&mut from, &mut magic)?;
        from.rewind().map_err(SoundError::Read)?;
        match &magic[..read] {
            b"OggS" => Self::from_packets(ogg::packets(from)?),
            #[cfg(feature = "opus")]
            b"RIFF" => wav::read(from),
            #[cfg(not(feature = "opus"))]
            b"RIFF" => Err(SoundError::NeedsEncoder),
            _ => Err(SoundError::Unknown),
        }
    }

    /// Takes samples as they are: interleaved, from -1 to 1, 8 kHz to 192 kHz, one to eight
    /// channels in the order of WAV. More than two are mixed down to two.
    ///
    /// # Errors
    /// [`SoundError`].
    #[cfg(feature = "opus")]
    pub fn from_samples(samples: &[f32], rate: u32, channels: u16) -> Result<Self, SoundError> {
        encode::encode(samples, rate, channels)
    }

    /// Takes Opus packets, each of which says itself how long it is.
    ///
    /// # Errors
    /// [`SoundError::Broken`] for what is no Opus packet, [`SoundError::Empty`],
    /// [`SoundError::TooLong`].
    pub fn from_packets(packets: impl IntoIterator<Item = Bytes>) -> Result<Self, SoundError> {
        let mut all = Vec::new();
        let mut lasts = Duration::ZERO;
        for data in packets {
            let length = packet::lasts(&data).ok_or(SoundError::Broken("a packet is not Opus"))?;
            lasts += length;
            if lasts > LONGEST {
                return Err(SoundError::TooLong);
            }
            all.push(Packet { data, lasts: length });
        }
        if all.is_empty() {
            return Err(SoundError::Empty);
        }
        Ok(Self { packets: all.into(), lasts })
    }

    /// How long it sounds.
    pub fn lasts(&self) -> Duration {
        self.lasts
    }

    #[cfg(test)]
    pub(crate) fn shared(&self) -> Arc<[Packet]> {
        self.packets.clone()
    }

    /// Its packets, in order; never none.
    pub fn packets(&self) -> &[Packet] {
        &self.packets
    }
}

impl fmt::Debug for Sound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes: usize = self.packets.iter().map(|packet| packet.data.len()).sum();
        f.debug_struct("Sound").field("lasts", &self.lasts).field("bytes", &bytes).finish()
    }
}

fn read_up_to(from: &mut impl Read, into: &mut [u8]) -> Result<usize, SoundError> {
    let mut filled = 0;
    while filled < into.len() {
        match from.read(&mut into[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(SoundError::Read(error)),
        }
    }
    Ok(filled)
}
