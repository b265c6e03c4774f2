//! The window, on a screen in memory: what stands on the glass is the picture that the studio
//! painted. The screen is `Xvfb`, whose pixels are a file in the form that `xwd` writes.

use crate::common::{Running, Server, env, folder, join, until};
use offhook_media::h264::{Encoder, EncoderOptions};
use offhook_media::{FrameRate, I420};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const WIDTH: u32 = 640;
const HEIGHT: u32 = 360;

/// A screen that nobody looks at.
struct Screen {
    _xvfb: Running,
    display: String,
    pixels: PathBuf,
}

impl Screen {
    /// None where there is no program for it, with the reason.
    fn start(dir: &Path) -> Option<Self> {
        let mut command = Command::new("Xvfb");
        command.args([
            "-displayfd",
            "1",
            "-screen",
            "0",
            "800x600x24",
            "-br",
            "-nocursor",
            "-noreset",
            "-nolisten",
            "tcp",
            "-fbdir",
        ]);
        let mut xvfb = match Running::start(command.arg(dir).stdin(Stdio::null()).stderr(Stdio::null())) {
            Ok(xvfb) => xvfb,
            Err(error) => {
                println!("skipped: Xvfb does not start ({error}); install xvfb to have the window looked at");
                return None;
            }
        };
        let number = xvfb.next_line().expect("it says which display it is");
        Some(Self { _xvfb: xvfb, display: format!(":{number}"), pixels: dir.join("Xvfb_screen0") })
    }

    /// Every pixel as red, green, blue, row by row, and how many are in a row.
    fn look(&self) -> (usize, Vec<[u8; 3]>) {
        let file = fs::read(&self.pixels).expect("it is there while the screen is");
        // XWDFile.h: words of 32 bits, most significant byte first, whatever the pixels' order is.
        let word = |at: usize| {
            u32::from_be_bytes(file[at * 4..][..4].try_into().expect("four bytes are four bytes")) as usize
        };
        let (header, width, height, order, bits, line, colours) =
            (word(0), word(4), word(5), word(7), word(11), word(12), word(19));
        assert_eq!((word(1), bits), (7, 32), "the form that is read here");
        let first = header + colours * 12;
        let dot = |bytes: &[u8]| match order {
            0 => [bytes[2], bytes[1], bytes[0]],
            _ => [bytes[1], bytes[2], bytes[3]],
        };
        let rows = file[first..].chunks_exact(line).take(height);
        (width, rows.flat_map(|row| row[..width * 4].chunks_exact(4).map(dot)).collect())
    }

    /// The window's picture: all that is not the bare screen. None while it is not of this size.
    fn window(&self) -> Option<I420> {
        let (width, pixels) = self.look();
        let lit = || pixels.iter().enumerate().filter(|(_, dot)| **dot != [0; 3]).map(|(at, _)| at);
        let (left, right) = (lit().map(|at| at % width).min()?, lit().map(|at| at % width).max()?);
        let (top, bottom) = (lit().next()? / width, lit().next_back()? / width);
        if (right - left + 1, bottom - top + 1) != (WIDTH as usize, HEIGHT as usize) {
            return None;
        }
        let rows = (top..=bottom).flat_map(|row| &pixels[row * width + left..=row * width + right]);
        let rgb: Vec<u8> = rows.flatten().copied().collect();
        Some(I420::from_rgb(WIDTH, HEIGHT, &rgb).expect("it is of this size"))
    }
}

/// A picture in colours, none of it black, whose left is not like its right.
fn picture(mirrored: bool) -> I420 {
    let mut picture = I420::black(WIDTH, HEIGHT).expect("even sides");
    let across = WIDTH / 8;
    // Bars from dark to light; one red block and one blue one.
    let colours = [40, 60, 80, 110, 140, 170, 200, 230].map(|luma| [luma, 128, 128]);
    let place = |x: u32, width: u32| if mirrored { WIDTH - x - width } else { x };
    for (bar, colour) in (0..).zip(colours) {
        picture.fill_rect(place(bar * across, across), 0, across, HEIGHT, colour);
    }
    picture.fill_rect(place(400, 160), 40, 160, 120, [82, 90, 240]);
    picture.fill_rect(place(40, 120), 200, 120, 120, [60, 220, 110]);
    picture
}

/// Two seconds of it, as a file.
fn film(dir: &Path) -> PathBuf {
    let options = EncoderOptions { key_every: Some(25), ..EncoderOptions::default() };
    let mut encoder = Encoder::new(options).expect("the codec is there");
    let mut stream = Vec::new();
    for number in 0..50 {
        let frame = encoder.encode(&picture(false), FrameRate::DEFAULT.due(number)).expect("it is a picture");
        stream.extend(frame.into_iter().flat_map(|frame| frame.data));
    }
    let path = dir.join("still.h264");
    fs::write(&path, stream).expect("the folder was made");
    path
}

// F61
#[test]
fn the_window_shows_the_picture_that_the_studio_painted() {
    let dir = folder("screen");
    let Some(screen) = Screen::start(&dir) else { return };
    let (_, bare) = screen.look();
    assert!(bare.iter().all(|dot| *dot == [0; 3]), "nothing stands on it yet");

    let server = Server::start();
    let film = film(&dir).to_string_lossy().into_owned();
    let arguments = ["--window", "--prompt", "mirror", "--input", &film];
    let command = join(&mut env(server.joining(120, &arguments), "DISPLAY", &screen.display));
    let painted = picture(true);
    let apart = |picture: &I420, other: &I420| picture.mean_abs_difference(other).expect("of one size");
    let shown = until("the painted picture", || screen.window().filter(|seen| apart(seen, &painted) < 4.0));
    // Every plane, so that its colours are right, too.
    assert!(apart(&shown, &picture(false)) > 20.0, "it is not what was sent");
    assert!(shown.psnr(&painted).expect("of one size") > 25.0);
    assert_eq!(command.interrupt(), Some(130), "a window is no reason to stay");
    let bare = || screen.look().1.iter().all(|dot| *dot == [0; 3]).then_some(());
    until("the end of the window", bare);
}
