//! What is read, and what is refused before it costs anything.

use super::{KEPT_SIDE, MAX_SIDE, Still, StillError};
use crate::Rgb;
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};

const RED: [u8; 3] = [220, 20, 20];

fn jpeg(width: u32, height: u32) -> Vec<u8> {
    let picture = Rgb::filled(width, height, RED);
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, 95)
        .write_image(picture.pixels(), width, height, ExtendedColorType::Rgb8)
        .expect("memory takes everything");
    file
}

/// A PNG whose header says this size, with a check sum that fits, and hardly a byte behind it.
fn bomb(width: u32, height: u32) -> Vec<u8> {
    let mut file = Rgb::filled(1, 1, RED).to_png();
    file[16..20].copy_from_slice(&width.to_be_bytes());
    file[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = crc32(&file[12..29]);
    file[29..33].copy_from_slice(&crc.to_be_bytes());
    file
}

/// Of a chunk's type and content, as PNG wants it (ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 },
        )
    })
}

// F51
#[test]
fn png_and_jpeg_are_read_in_their_colours() {
    for file in [Rgb::filled(40, 30, RED).to_png(), jpeg(40, 30)] {
        let still = Still::decode(&file).expect("a good file");
        assert_eq!((still.width(), still.height()), (40, 30));
        let [_, u, v, opacity] = still.at(20, 15);
        assert!(v > 180 && u < 120 && opacity == 255, "red: {u} {v} {opacity}");
        assert_eq!(still.at(99, 99), still.at(39, 29), "outside is as the edge");
    }
}

// F51
#[test]
fn a_large_picture_is_kept_small_and_in_its_shape() {
    let still = Still::decode(&Rgb::filled(2048, 1024, RED).to_png()).expect("a good file");
    assert_eq!((still.width(), still.height()), (KEPT_SIDE, KEPT_SIDE / 2));
}

// F51, S7: refused by its header, whatever would follow.
#[test]
fn a_header_that_names_too_many_pixels_is_refused_with_its_size() {
    for (width, height) in [(60_000, 60_000), (MAX_SIDE + 1, 1), (8000, 8000), (i32::MAX as u32, 2)] {
        let refused = Still::decode(&bomb(width, height)).expect_err("too large");
        assert_eq!(refused, StillError::TooLarge { width, height }, "{refused}");
    }
}

// F51, R19
#[test]
fn what_is_no_picture_is_refused_and_says_what_would_do() {
    assert_eq!(Still::decode(b""), Err(StillError::Empty));
    for file in [&b"hello, world"[..], b"GIF89a\x01\x00\x01\x00\x00\x00\x00", &[0; 4096]] {
        let refused = Still::decode(file).expect_err("no picture");
        assert!(refused == StillError::Unknown && refused.to_string().contains("PNG"), "{refused}");
    }
    for whole in [Rgb::filled(64, 64, RED).to_png(), jpeg(64, 64)] {
        for end in 1..whole.len() - 16 {
            // A JPEG may be shown as far as it goes; whatever is said of it, nobody panics.
            if let Err(refused) = Still::decode(&whole[..end]) {
                assert!(matches!(refused, StillError::Unknown | StillError::Damaged(_)), "{end}: {refused}");
            }
        }
        for at in (0..whole.len()).step_by(3) {
            let mut bent = whole.clone();
            bent[at] ^= 0x55;
            let _ = Still::decode(&bent);
        }
    }
}
