//! Ogg Opus (RFC 7845): the packets of the first stream, as they are.

use super::SoundError;
use bytes::Bytes;
use ogg::{OggReadError, PacketReader};
use std::io::{Read, Seek};

/// The longest packet that is taken: three frames' worth of Opus is 3,828 bytes; what is longer
/// is not sound.
const LONGEST: usize = 16 * 1024;
/// More of them than ten minutes of the shortest have.
const MOST: usize = 600 * 400;

pub(super) fn packets(from: impl Read + Seek) -> Result<Vec<Bytes>, SoundError> {
    let mut reader = PacketReader::new(from);
    let mut next = || reader.read_packet().map_err(broken);
    let head = next()?.ok_or(SoundError::Empty)?;
    let stream = head.stream_serial();
    check_head(&head.data)?;
    let tags = next()?.ok_or(SoundError::Empty)?;
    if !tags.data.starts_with(b"OpusTags") {
        return Err(SoundError::Broken("its second packet has no tags"));
    }
    let mut packets = Vec::new();
    while let Some(packet) = next()? {
        if packet.stream_serial() != stream {
            continue;
        }
        if packet.data.len() > LONGEST {
            return Err(SoundError::Broken("a packet is longer than Opus packets are"));
        }
        if packets.len() == MOST {
            return Err(SoundError::TooLong);
        }
        packets.push(Bytes::from(packet.data));
    }
    Ok(packets)
}

/// RFC 7845 section 5.1.
fn check_head(head: &[u8]) -> Result<(), SoundError> {
    let Some([version, channels, _, _, _, _, _, _, _, _, family, ..]) = head.strip_prefix(b"OpusHead") else {
        return Err(SoundError::NotTaken("Ogg without Opus in it".to_owned()));
    };
    if version >> 4 != 0 {
        return Err(SoundError::NotTaken(format!("version {version} of Ogg Opus")));
    }
    if *family != 0 || !matches!(channels, 1 | 2) {
        return Err(SoundError::NotTaken(format!(
            "Ogg Opus with {channels} channels, and two at most are taken"
        )));
    }
    Ok(())
}

fn broken(error: OggReadError) -> SoundError {
    match error {
        OggReadError::ReadError(error) => SoundError::Read(error),
        _ => SoundError::Broken("its Ogg pages are damaged"),
    }
}
