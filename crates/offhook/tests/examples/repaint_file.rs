//! A film repainted into another, over WebRTC against a studio of its own.

use crate::programs::repaint_file::program;
use crate::screen::{Screen, bounded};
use offhook_media::h264::Decoder;
use offhook_media::{Clip, ClipSpec};

const FILM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../media/assets/bunny-640x360-25fps.h264");

/// How often a film is repainted that did not come back nearly whole. A studio on a machine that stands still
/// for a moment returns fewer pictures rather than later ones, and the whole film is repainted anew here.
const TRIES: usize = 6;

/// F42, F50, F61: the film is whole, it is a film, and it is as the prompt says.
#[cfg(feature = "webrtc")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_film_is_repainted_into_another() {
    let folder = std::env::temp_dir().join(format!("offhook-repaint-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the system's place for such things can be written to");
    let to = folder.join("grey.ivf");
    let name = to.display().to_string();
    let sent = Clip::open(FILM).expect("the sample").spec();
    let mut most = 0;
    for _ in 0..TRIES {
        let mut screen = Screen::default();
        bounded(program(&[FILM, &name, "greyscale"], &mut screen)).await.expect("the studio is there");
        let lines = screen.lines();
        assert!(lines.len() == 1 && lines[0].ends_with(&format!("are in {name}")), "{lines:?}");
        let ClipSpec { width, height, frames, .. } = Clip::open(&to).expect("it is a film").spec();
        assert_eq!((width, height), (sent.width, sent.height));
        assert!(frames <= sent.frames, "{frames} of {}", sent.frames);
        assert!(lines[0].starts_with(&format!("{frames} of {} pictures", sent.frames)), "{lines:?}");
        most = most.max(frames);
        if is_nearly(frames, sent.frames) {
            break;
        }
    }
    assert!(is_nearly(most, sent.frames), "{most} of {} pictures in {TRIES} tries", sent.frames);
    let film = Clip::open(&to).expect("it is a film");
    let mut decoder = Decoder::new().expect("a decoder");
    let mut pictures = 0;
    for frame in film.frames() {
        let Some(picture) = decoder.decode_frame(frame).expect("each decodes") else { continue };
        pictures += 1;
        assert!(picture.u().iter().chain(picture.v()).all(|chroma| chroma.abs_diff(128) <= 6), "{pictures}");
    }
    assert!(pictures > 0);

    // What cannot be done leaves no file, and says why.
    let none = folder.join("none.ivf").display().to_string();
    let mut screen = Screen::default();
    let refused = bounded(program(&[FILM, &none, "a dragon over the sea"], &mut screen)).await;
    let text = refused.expect_err("no such word").to_string();
    assert!(text.contains("greyscale"), "the studio says what it knows: {text}");
    let missing = bounded(program(&["no/such/film.h264", &none], &mut screen)).await;
    assert!(missing.expect_err("no such file").to_string().contains("no/such/film.h264"));
    assert_eq!(std::fs::read_dir(&folder).expect("it is there").count(), 1, "only the whole film");
    let _ = std::fs::remove_dir_all(&folder);
}

/// Started with nothing, as the README has it.
#[cfg(feature = "webrtc")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_arguments_the_sample_is_repainted() {
    let mut screen = Screen::default();
    bounded(program(&[], &mut screen)).await.expect("the studio is there");
    let lines = screen.lines();
    let [line] = &*lines else { panic!("{lines:?}") };
    let (_, to) = line.split_once("are in ").expect("it says where");
    assert!(Clip::open(to).is_ok_and(|film| film.spec().frames > 1), "{line}");
    std::fs::remove_file(to).expect("it was just read");
}

/// At least 95 % of what was sent.
fn is_nearly(frames: usize, sent: usize) -> bool {
    frames * 100 >= sent * 95
}
