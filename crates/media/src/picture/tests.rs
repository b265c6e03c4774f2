//! Facts about drawing and PNG files.

use super::*;
use crate::pattern::Pattern;

fn read(bytes: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(io::Cursor::new(bytes)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!(info.color_type, png::ColorType::Rgb);
    (info.width, info.height, pixels)
}

#[test]
fn a_png_holds_the_picture_pixel_by_pixel_and_is_the_same_every_time() {
    let picture = Rgb::from(&Pattern::new(64, 36).unwrap().frame(5));
    let bytes = picture.to_png();
    assert_eq!(bytes, picture.to_png());
    assert_eq!(read(&bytes), (64, 36, picture.pixels().to_vec()));
}

#[test]
fn a_snapshot_is_written_to_a_file_and_replaces_an_older_one() {
    let path = std::env::temp_dir().join(format!("offhook-media-{}-snapshot.png", std::process::id()));
    let pattern = Pattern::new(32, 32).unwrap();
    pattern.frame(0).write_png(&path).unwrap();
    pattern.frame(9).write_png(&path).unwrap();
    let written = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(read(&written).2, pattern.frame(9).to_rgb());
}

#[test]
fn a_path_that_cannot_be_written_is_a_typed_error_with_the_next_step() {
    let picture = Rgb::filled(2, 2, [0, 0, 0]);
    let error = picture.write_png("/nowhere/at/all.png").unwrap_err();
    assert!(matches!(error, WritePictureError::NoFolder { .. }));
    assert_eq!(
        error.to_string(),
        "/nowhere/at/all.png cannot be written: its folder does not exist; make it first"
    );
    let error = picture.write_png(std::env::temp_dir()).unwrap_err();
    assert!(matches!(error, WritePictureError::Io { .. }), "a directory is no file: {error}");
}

#[test]
fn drawing_is_cut_off_at_the_edges() {
    let mut picture = Rgb::filled(10, 10, [1, 2, 3]);
    picture.fill_rect(8, 8, u32::MAX, u32::MAX, [9, 9, 9]);
    picture.put(7, 7, &Rgb::filled(20, 20, [5, 5, 5]));
    picture.put(20, 20, &Rgb::filled(2, 2, [6, 6, 6]));
    picture.text(u32::MAX - 3, 0, 2, [7, 7, 7], "far away");
    assert_eq!(picture.pixel(9, 9), Some([5, 5, 5]));
    assert_eq!(picture.pixel(6, 9), Some([1, 2, 3]));
    assert_eq!(picture.pixel(10, 0), None);
}

#[test]
fn letters_are_drawn_upright_and_from_left_to_right() {
    let mut picture = Rgb::filled(16, 8, [0, 0, 0]);
    picture.text(0, 0, 1, [255, 255, 255], "L");
    let dark = |x: u32| (0..7).filter(|y| picture.pixel(x, *y) == Some([255, 255, 255])).count();
    // The stem of an L stands on the left, its foot is at the bottom.
    assert!(dark(1) >= 6 && dark(6) <= 3, "{} {}", dark(1), dark(6));
    let foot = (0..8).filter(|x| picture.pixel(*x, 6) == Some([255, 255, 255])).count();
    assert!(foot >= 5);
}

#[test]
fn a_text_too_long_is_shortened_to_its_room() {
    assert_eq!(text::fitted("posterize", 2, 1000), "posterize");
    let short = text::fitted("a very long prompt about bunnies", 2, 160);
    assert_eq!(short, "a very...");
    assert!(text::width(&short, 2) <= 160);
    // Emoji and other scripts have no letter here; they must not break the drawing.
    Rgb::filled(64, 8, [0; 3]).text(0, 0, 1, [255; 3], "é ß 🐇 漢");
}
