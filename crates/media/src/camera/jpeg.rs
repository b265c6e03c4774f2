//! JPEG (ITU-T T.81) as cameras give it, to planes: by itself, or as a frame of Motion JPEG, which
//! leaves the Huffman tables out. The decoding itself is zune-jpeg's; here is what is let in.

use super::format::Damage;
use crate::i420::I420;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// The beginning of every picture.
const BEGIN: [u8; 2] = [0xff, 0xd8];
/// A segment that says: a frame of Motion JPEG. Tables that are missing are those of T.81 annex
/// K.3 then; of a picture that has its own it changes nothing.
const MOTION: [u8; 10] = [0xff, 0xe0, 0x00, 0x08, b'A', b'V', b'I', b'1', 0, 0];

/// The picture in `bytes`, which has to be of this size. A last odd row or column is left out.
///
/// Takes memory for a picture of this size while it decodes, whatever the bytes say. A picture that
/// ends in the middle is damaged, and so is one that holds what cannot be; where less than its last
/// row of blocks is missing, that is not seen.
///
/// # Errors
/// [`Damage`], of which the camera knows nothing: the next picture may be whole.
pub(super) fn picture(bytes: &[u8], width: u32, height: u32) -> Result<I420, Damage> {
    let Some(rest) = bytes.strip_prefix(&BEGIN) else {
        return Err(if bytes.is_empty() { Damage::Empty } else { Damage::NoJpeg });
    };
    let marked = [&BEGIN[..], &MOTION, rest].concat();
    // Judged by its header, before anything is allocated for it.
    let options = DecoderOptions::default()
        .set_max_width(width as usize)
        .set_max_height(height as usize)
        .set_strict_mode(true)
        .jpeg_set_out_colorspace(ColorSpace::YCbCr);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&marked), options);
    let broken = |error: zune_jpeg::errors::DecodeErrors| Damage::Jpeg(short(&error.to_string()));
    decoder.decode_headers().map_err(broken)?;
    let info = decoder.info().ok_or(Damage::NoJpeg)?;
    let said = (u32::from(info.width), u32::from(info.height));
    if said != (width, height) {
        return Err(Damage::Size { said, agreed: (width, height) });
    }
    let samples = match decoder.input_colorspace() {
        Some(ColorSpace::YCbCr) => 3,
        Some(ColorSpace::Luma) => {
            decoder.set_options(options.jpeg_set_out_colorspace(ColorSpace::Luma));
            1
        }
        _ => return Err(Damage::Colours),
    };
    let mut pixels = vec![0; width as usize * height as usize * samples];
    decoder.decode_into(&mut pixels).map_err(broken)?;
    planes(&pixels, width, height, samples)
}

/// JFIF's samples use the whole of a byte, video's a part of it (BT.601); chroma of four pixels
/// is averaged into one.
fn planes(pixels: &[u8], width: u32, height: u32, samples: usize) -> Result<I420, Damage> {
    let mut picture = I420::black(width & !1, height & !1).map_err(Damage::Raw)?;
    let (stride, columns) = (width as usize * samples, picture.width() as usize);
    let (y, u, v) = picture.planes_mut();
    let luma = |sample: u8| (16 + (u32::from(sample) * 219 + 127) / 255) as u8;
    for (row, y) in pixels.chunks_exact(stride).zip(y.chunks_exact_mut(columns)) {
        for (pixel, y) in row.chunks_exact(samples).zip(y) {
            *y = luma(pixel[0]);
        }
    }
    if samples == 3 {
        // Four samples at once: 128 is their sum's 512.
        let chroma = |sum: i32| (128 + ((sum - 512) * 224 + 510).div_euclid(1_020)) as u8;
        let rows = pixels.chunks_exact(stride * 2);
        let chromas = u.chunks_exact_mut(columns / 2).zip(v.chunks_exact_mut(columns / 2));
        for (pair, (u, v)) in rows.zip(chromas) {
            let (above, below) = pair.split_at(stride);
            let blocks = above.chunks_exact(6).zip(below.chunks_exact(6));
            for (((a, b), u), v) in blocks.zip(u).zip(v) {
                let sum = |at: usize| [a[at], a[at + 3], b[at], b[at + 3]].map(i32::from).iter().sum();
                (*u, *v) = (chroma(sum(1)), chroma(sum(2)));
            }
        }
    }
    Ok(picture)
}

/// A decoder's words, cut to what fits a sentence.
fn short(words: &str) -> String {
    words.chars().filter(|c| !c.is_control()).take(200).collect()
}
