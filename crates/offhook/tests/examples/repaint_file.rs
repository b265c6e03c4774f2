//! A film repainted into another, over WebRTC against a studio of its own.

use crate::programs::repaint_file::program;
use crate::screen::{Screen, bounded};
use offhook_media::h264::Decoder;
use offhook_media::{Clip, ClipSpec, I420};

const FILM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../media/assets/bunny-640x360-25fps.h264");

/// F42, F50, F61: the film is (nearly) whole and in order, it is a film, and it is as the prompt says.
#[cfg(feature = "webrtc")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_film_is_repainted_into_another() {
    let folder = std::env::temp_dir().join(format!("offhook-repaint-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the system's place for such things can be written to");
    let to = folder.join("grey.ivf");
    let name = to.display().to_string();
    let sent = Clip::open(FILM).expect("the sample");
    let looks: Vec<_> = pictures(&sent).iter().map(small).collect();
    let mut screen = Screen::default();
    bounded(program(&[FILM, &name, "greyscale"], &mut screen)).await.expect("the studio is there");
    let film = Clip::open(&to).expect("it is a film");
    let ClipSpec { width, height, frames, .. } = film.spec();
    assert_eq!((width, height), (sent.spec().width, sent.spec().height));
    let lines = screen.lines();
    assert!(lines.len() == 1 && lines[0].ends_with(&format!("are in {name}")), "{lines:?}");
    assert!(lines[0].starts_with(&format!("{frames} of {} pictures, ", looks.len())), "{lines:?}");
    assert!(frames * 100 >= looks.len() * 95 && frames <= looks.len(), "{lines:?}");
    each_in_its_place(&film, &looks);

    // What cannot be done leaves no file, and says why.
    let none = folder.join("none.ivf").display().to_string();
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

fn pictures(film: &Clip) -> Vec<I420> {
    let mut decoder = Decoder::new().expect("a decoder");
    film.frames()
        .map(|frame| decoder.decode_frame(frame).expect("each decodes").expect("each is a picture"))
        .collect()
}

/// What is compared.
fn small(picture: &I420) -> Vec<u8> {
    picture.scaled(64, 36).expect("a size that can be").y().to_vec()
}

fn apart(one: &[u8], other: &[u8]) -> f64 {
    let sum: u32 = one.iter().zip(other).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
    f64::from(sum) / one.len() as f64
}

/// Each picture is a grey one of its own place in what was sent, by its time; so they are in order, and none
/// is there twice.
fn each_in_its_place(film: &Clip, looks: &[Vec<u8>]) {
    let painted = pictures(film);
    let grey = |plane: &[u8]| plane.iter().all(|chroma| chroma.abs_diff(128) <= 6);
    assert!(painted.iter().all(|picture| grey(picture.u()) && grey(picture.v())));
    // In pictures of the film, 25 a second; the file counts milliseconds.
    let times: Vec<_> = film.frames().map(|frame| (frame.pts.as_millis() as usize + 20) / 40).collect();
    let painted: Vec<_> = painted.iter().map(small).collect();
    // Times are counted from the first that came back. Which one that was, its looks say.
    let from = |first: usize| {
        let places: Option<Vec<_>> = times.iter().map(|time| looks.get(first + time)).collect();
        Some(
            places?.into_iter().zip(&painted).map(|(sent, painted)| apart(sent, painted)).collect::<Vec<_>>(),
        )
    };
    let sum = |apart: &Vec<f64>| apart.iter().sum::<f64>();
    let all = (0..looks.len()).filter_map(|first| Some((first, from(first)?)));
    let (first, apart) =
        all.min_by(|a, b| sum(&a.1).total_cmp(&sum(&b.1))).expect("no later than it was sent");
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
    assert!(apart.iter().all(|apart| *apart < 4.0), "from {first}: {apart:?}");
}
