//! What a painter promises: the newest recipe from the next picture on, and an end with its input.

use super::{Orders, Painter, Said};
use crate::studio::Recipe;
use offhook_media::I420;
use offhook_media::h264::{Decoder, Encoder, EncoderOptions};
use offhook_transport::Epoch;
use offhook_transport::media::{Codec, EncodedFrame, Kind, Remote, RemoteSink, Tap, TrackSpec, local};
use std::time::Duration;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// A painter with both its ends, and a source of coloured pictures.
struct Bench {
    remote: Remote,
    sink: RemoteSink,
    returned: Tap,
    painter: Painter,
    encoder: Encoder,
    decoder: Decoder,
    sent: u32,
}

impl Bench {
    fn new(edge: usize) -> Self {
        let remote = Remote::new();
        remote.switch_to(Epoch(0));
        let (sender, returned) = local(TrackSpec { codec: Codec::H264, label: "studio".into() });
        let orders = Orders { bitrate: 1_000_000, edge };
        let painter = Painter::start(remote.receiver(Kind::Video), sender, Recipe::default(), orders);
        Self {
            sink: remote.sink(Epoch(0)),
            remote,
            returned: returned.tap(),
            painter: painter.expect("a thread"),
            encoder: Encoder::new(EncoderOptions::default()).expect("an encoder"),
            decoder: Decoder::new().expect("a decoder"),
            sent: 0,
        }
    }

    fn frame(&mut self, side: u32) -> EncodedFrame {
        let mut picture = I420::black(side, side).expect("even and small");
        picture.planes_mut().0.fill(100);
        picture.planes_mut().1.fill(60);
        self.sent += 1;
        self.encoder.force_key_frame();
        let pts = Duration::from_millis(40) * self.sent;
        self.encoder.encode(&picture, pts).expect("it encodes").expect("a key frame is never left out")
    }

    /// Sends one and gives the blueness of what comes back for it.
    async fn through(&mut self) -> u8 {
        let frame = self.frame(64);
        assert!(self.sink.push(&frame));
        let back = timeout(PATIENCE, self.returned.next()).await.expect("in time").expect("it paints");
        let shown = self.decoder.decode_frame(&back).expect("it decodes").expect("no reordering");
        shown.u()[32 * 16 + 16]
    }
}

#[tokio::test]
async fn a_new_recipe_holds_from_the_next_picture_on() {
    let mut bench = Bench::new(640);
    assert!(bench.through().await.abs_diff(60) < 8, "without a prompt it stays as it came");
    bench.painter.paint_with(Recipe::read("greyscale").expect("a known word"));
    assert!(bench.through().await.abs_diff(128) < 8);
    bench.painter.paint_with(Recipe::default());
    assert!(bench.through().await.abs_diff(60) < 8);
}

/// R5, R9: what does not come in cannot go out, and nobody is to wait for it.
#[tokio::test]
async fn a_painter_without_pictures_says_that_it_pauses() {
    let mut bench = Bench::new(640);
    bench.through().await;
    assert_eq!(timeout(PATIENCE, bench.painter.next()).await, Ok(Said::FirstPicture));
    assert_eq!(timeout(PATIENCE, bench.painter.next()).await, Ok(Said::Paused));
    bench.through().await;
    assert_eq!(timeout(PATIENCE, bench.painter.next()).await, Ok(Said::Resumed));
}

#[tokio::test]
async fn a_painter_tells_of_its_first_picture_and_of_its_end() {
    let mut bench = Bench::new(640);
    bench.through().await;
    assert_eq!(timeout(PATIENCE, bench.painter.next()).await, Ok(Said::FirstPicture));
    bench.remote.close();
    assert_eq!(timeout(PATIENCE, bench.painter.next()).await, Ok(Said::Stopped));
    timeout(PATIENCE, bench.painter.ended()).await.expect("it has ended");
}

#[tokio::test]
async fn a_picture_over_the_limit_is_left_out_and_the_next_one_painted() {
    let mut bench = Bench::new(64);
    let large = bench.frame(128);
    assert!(bench.sink.push(&large));
    assert!(bench.through().await.abs_diff(60) < 8);
}

/// F55, R9: a source that grows too large in the midst of it is no dead path. Pictures come all the time.
#[tokio::test]
async fn a_painter_whose_pictures_are_too_large_says_that_it_pauses_until_they_fit() {
    let mut bench = Bench::new(64);
    bench.through().await;
    assert_eq!(timeout(PATIENCE, bench.painter.next()).await, Ok(Said::FirstPicture));
    let paused = loop {
        let large = bench.frame(128);
        assert!(bench.sink.push(&large));
        // Far more often than what makes a silence.
        match timeout(Duration::from_millis(100), bench.painter.next()).await {
            Ok(said) => break said,
            Err(_) => assert!(bench.sent < 15, "larger pictures came for longer than a silence lasts"),
        }
    };
    assert_eq!(paused, Said::Paused);
    bench.through().await;
    assert_eq!(timeout(PATIENCE, bench.painter.next()).await, Ok(Said::Resumed));
}

/// A machine that cannot keep up: the stream's time runs at half the pace of the painter's.
#[tokio::test]
async fn a_picture_that_is_too_large_for_the_machine_is_painted_at_half_its_size() {
    let mut bench = Bench::new(1920);
    let mut picture = I420::black(1280, 720).expect("even and small");
    picture.planes_mut().0.fill(100);
    let frame = bench.encoder.encode(&picture, Duration::ZERO).expect("it encodes").expect("a key frame");
    let mut at = Duration::ZERO;
    let size = loop {
        assert!(bench.sink.push(&EncodedFrame { pts: at, ..frame.clone() }));
        let begun = std::time::Instant::now();
        let back = timeout(PATIENCE, bench.returned.next()).await.expect("in time").expect("it paints");
        at += begun.elapsed() / 2;
        let shown = bench.decoder.decode_frame(&back).expect("it decodes").expect("no reordering");
        if shown.width() != 1280 || at > Duration::from_secs(30) {
            break (shown.width(), shown.height());
        }
    };
    assert_eq!(size, (640, 360), "after {at:?} of the stream");
    let said = [bench.painter.next().await, bench.painter.next().await];
    assert!(said.contains(&Said::KeepsUpWith(Some(360))), "{said:?}");
    bench.remote.close();
    bench.painter.ended().await;
}

/// R14: before a state is in effect nothing goes back, however much comes in.
#[tokio::test]
async fn a_recipe_that_is_held_hands_nothing_on_until_another_takes_its_place() {
    let mut bench = Bench::new(640);
    bench.painter.paint_with(Recipe::default().held());
    for _ in 0..5 {
        let frame = bench.frame(64);
        assert!(bench.sink.push(&frame));
    }
    // What is sent after it is the first that comes back.
    bench.painter.paint_with(Recipe::read("greyscale").expect("a known word"));
    let mut seen = None;
    while seen.is_none() {
        let frame = bench.frame(64);
        assert!(bench.sink.push(&frame));
        seen = timeout(Duration::from_millis(500), bench.returned.next()).await.ok().flatten();
    }
    let back = seen.expect("just seen");
    let shown = bench.decoder.decode_frame(&back).expect("it decodes").expect("no reordering");
    assert!(shown.u()[32 * 16 + 16].abs_diff(128) < 8, "never as it was while it was held");
}
