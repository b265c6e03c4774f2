//! WAV: its samples as numbers from -1 to 1.

use super::{LONGEST, Sound, SoundError, encode};
use hound::{Error, SampleFormat, WavReader};
use std::io::{ErrorKind, Read};

pub(super) fn read(from: impl Read) -> Result<Sound, SoundError> {
    let mut reader = WavReader::new(from).map_err(failed)?;
    let spec = reader.spec();
    encode::check(spec.sample_rate, spec.channels)?;
    let frames = u64::from(reader.duration());
    if frames > LONGEST.as_secs() * u64::from(spec.sample_rate) {
        return Err(SoundError::TooLong);
    }
    let samples: Result<Vec<f32>, Error> = match spec.sample_format {
        SampleFormat::Float => reader.samples::<f32>().collect(),
        SampleFormat::Int => {
            let full = (1_u32 << (spec.bits_per_sample.clamp(1, 32) - 1)) as f32;
            reader.samples::<i32>().map(|sample| sample.map(|sample| sample as f32 / full)).collect()
        }
    };
    encode::encode(&samples.map_err(failed)?, spec.sample_rate, spec.channels)
}

fn failed(error: Error) -> SoundError {
    match error {
        // The reader says it so where a file ends too early.
        Error::IoError(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::Other) => {
            SoundError::Broken("it ends before its end")
        }
        Error::IoError(error) => SoundError::Read(error),
        Error::Unsupported => SoundError::NotTaken("WAV that holds no plain samples".to_owned()),
        _ => SoundError::Broken("its WAV header or its samples are damaged"),
    }
}
