//! Facts about pacing, on a paused clock: time moves only when everything waits.

use super::*;
use crate::clip::Clip;
use crate::source::SourceTrack;
use bytes::Bytes;
use offhook_transport::media::{Codec, EncodedFrame, LocalTrack, Tap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// 25 frames a second, a key frame first and when asked for; counts how often it was read.
struct Ticker {
    number: u32,
    end: u32,
    read: Arc<AtomicU64>,
    nothing_at: Option<u32>,
}

impl Ticker {
    fn new(end: u32) -> (Self, Arc<AtomicU64>) {
        let read = Arc::new(AtomicU64::new(0));
        (Self { number: 0, end, read: read.clone(), nothing_at: None }, read)
    }
}

impl Source for Ticker {
    fn codec(&self) -> Codec {
        Codec::H264
    }

    fn next_due(&self) -> Duration {
        Duration::from_millis(40) * self.number
    }

    fn next_frame(&mut self, key: bool) -> Result<Next, SourceError> {
        self.read.fetch_add(1, Ordering::SeqCst);
        if self.number == self.end {
            return Ok(Next::Over);
        }
        let pts = self.next_due();
        self.number += 1;
        if self.nothing_at == Some(self.number - 1) {
            return Ok(Next::Nothing);
        }
        Ok(Next::Frame(EncodedFrame {
            codec: Codec::H264,
            data: Bytes::new(),
            pts,
            key: key || pts.is_zero(),
        }))
    }
}

fn tapped(source: impl Source + 'static) -> (Pump, LocalTrack, Tap) {
    let (track, pump) = SourceTrack::new("camera", source);
    let tap = track.track().tap();
    (pump, track.track().clone(), tap)
}

/// Lets the pump play for `length` of virtual time.
async fn play(pump: &mut Pump, length: Duration) {
    assert!(tokio::time::timeout(length, pump.run()).await.is_err(), "the pump goes on");
}

fn waiting(tap: &mut Tap) -> Vec<EncodedFrame> {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    std::iter::from_fn(|| match tap.poll_next(&mut cx) {
        std::task::Poll::Ready(frame) => frame,
        std::task::Poll::Pending => None,
    })
    .collect()
}

#[tokio::test(start_paused = true)]
async fn every_frame_is_sent_at_its_own_time_and_delays_do_not_add_up() {
    let (ticker, _) = Ticker::new(200);
    let (mut pump, _track, mut tap) = tapped(ticker);
    let start = Instant::now();
    let (end, ()) = tokio::join!(pump.run(), async {
        for number in 0..200u32 {
            let frame = tap.next().await.unwrap();
            assert_eq!(frame.pts, Duration::from_millis(40) * number);
            let late = start.elapsed().saturating_sub(frame.pts);
            // The clock of tokio ticks in milliseconds; the first look costs one more.
            assert!(start.elapsed() >= frame.pts && late <= Duration::from_millis(2), "{number}: {late:?}");
        }
    });
    assert!(matches!(end, PumpEnd::Over));
    assert_eq!(pump.played(), 200);
}

#[tokio::test(start_paused = true)]
async fn the_sample_clip_loops_for_as_long_as_it_is_played() {
    let clip =
        Clip::from_bytes("clip", Bytes::from_static(include_bytes!("../../assets/bunny-640x360-25fps.h264")));
    let (mut pump, track, mut tap) = tapped(clip.unwrap());
    let reader = tokio::spawn(async move {
        let mut times = Vec::new();
        while let Some(frame) = tap.next().await {
            times.push((frame.pts, frame.key));
        }
        times
    });
    // A connection listens before the first frame; else its tap asks for a second key frame.
    tokio::task::yield_now().await;
    play(&mut pump, Duration::from_secs(12)).await;
    assert_eq!(track.taps(), 1);
    drop(pump);
    let times = reader.await.unwrap();
    assert!((300..=301).contains(&times.len()), "{}", times.len());
    assert!(times.windows(2).all(|pair| pair[1].0 == pair[0].0 + Duration::from_millis(40)));
    assert!(times[0].1 && times[125].1 && times[250].1, "each pass begins with a key frame");
}

// F50, F61
#[tokio::test(start_paused = true)]
async fn a_clip_played_once_comes_whole_to_a_far_side_that_asks_all_the_time() {
    let clip =
        Clip::from_bytes("clip", Bytes::from_static(include_bytes!("../../assets/bunny-640x360-25fps.h264")));
    let (mut pump, _track, mut tap) = tapped(clip.unwrap().once());
    let (end, times) = tokio::join!(
        async {
            let end = pump.run().await;
            drop(pump);
            end
        },
        async {
            let mut times = Vec::new();
            while let Some(frame) = tap.next().await {
                tap.want_key_frame();
                times.push(frame.pts);
            }
            times
        }
    );
    assert!(matches!(end, PumpEnd::Over));
    let whole: Vec<_> = (0..125).map(|number| Duration::from_millis(40) * number).collect();
    assert_eq!(times, whole);
}

#[tokio::test(start_paused = true)]
async fn a_wish_for_a_key_frame_reaches_the_source_with_the_next_frame() {
    let (ticker, _) = Ticker::new(1000);
    let (mut pump, _track, mut tap) = tapped(ticker);
    play(&mut pump, Duration::from_millis(390)).await;
    assert_eq!(waiting(&mut tap).iter().filter(|frame| frame.key).count(), 1);
    tap.want_key_frame();
    play(&mut pump, Duration::from_millis(390)).await;
    let later = waiting(&mut tap);
    assert!(later[0].key && later[1..].iter().all(|frame| !frame.key));
}

#[tokio::test(start_paused = true)]
async fn a_far_side_that_asks_all_the_time_gets_four_key_frames_a_second() {
    let (ticker, _) = Ticker::new(10_000);
    let (mut pump, _track, mut tap) = tapped(ticker);
    let mut keys = 0;
    for _ in 0..250 {
        tap.want_key_frame();
        play(&mut pump, Duration::from_millis(40)).await;
        keys += waiting(&mut tap).iter().filter(|frame| frame.key).count();
    }
    assert!((38..=42).contains(&keys), "{keys} in ten seconds");
}

#[tokio::test(start_paused = true)]
async fn a_wish_that_met_no_picture_is_still_open() {
    let (mut ticker, _) = Ticker::new(10);
    ticker.nothing_at = Some(3);
    let (mut pump, _track, mut tap) = tapped(ticker);
    play(&mut pump, Duration::from_millis(100)).await;
    assert_eq!(waiting(&mut tap).len(), 3);
    tap.want_key_frame();
    assert!(matches!(pump.run().await, PumpEnd::Over));
    let rest = waiting(&mut tap);
    assert_eq!(rest[0].pts, Duration::from_millis(160), "frame 3 was left out");
    assert!(rest[0].key);
}

/// R4: a source nobody takes is not read.
#[tokio::test(start_paused = true)]
async fn a_source_is_read_only_while_a_connection_takes_its_track() {
    let (ticker, read) = Ticker::new(1000);
    let (track, mut pump) = SourceTrack::new("camera", ticker);
    play(&mut pump, Duration::from_secs(1)).await;
    assert_eq!(read.load(Ordering::SeqCst), 0);
    let mut tap = track.track().tap();
    play(&mut pump, Duration::from_millis(205)).await;
    let frames = waiting(&mut tap);
    assert!((5..=6).contains(&frames.len()), "{}", frames.len());
    assert!(frames[0].key && frames[0].pts.is_zero());
    drop(tap);
    let before = read.load(Ordering::SeqCst);
    play(&mut pump, Duration::from_secs(1)).await;
    assert_eq!(read.load(Ordering::SeqCst), before);
}

/// R4: once the gate has closed, no frame is read and none is sent.
#[tokio::test(start_paused = true)]
async fn a_gate_holds_the_source_while_muted_and_ends_the_pump_when_closed() {
    let (ticker, read) = Ticker::new(1000);
    let (pump, _track, mut tap) = tapped(ticker);
    let gate = Gate::new();
    let mut pump = pump.gated(gate.clone());
    play(&mut pump, Duration::from_secs(1)).await;
    assert_eq!(read.load(Ordering::SeqCst), 0, "gates begin muted (R14)");
    gate.open();
    play(&mut pump, Duration::from_millis(200)).await;
    let frames = waiting(&mut tap);
    assert!(frames[0].key && frames.len() >= 4, "the wish for a key frame outlived the muting");
    gate.close();
    let before = read.load(Ordering::SeqCst);
    assert!(matches!(pump.run().await, PumpEnd::Closed));
    assert_eq!(read.load(Ordering::SeqCst), before);
}

#[tokio::test(start_paused = true)]
async fn after_a_long_stall_the_schedule_moves_and_nothing_bursts() {
    let (ticker, read) = Ticker::new(1000);
    let (mut pump, _track, _tap) = tapped(ticker);
    play(&mut pump, Duration::from_millis(100)).await;
    let before = read.load(Ordering::SeqCst);
    let mut run = Box::pin(pump.run());
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(run.as_mut().poll(&mut cx).is_pending());
    tokio::time::advance(Duration::from_secs(30)).await;
    assert!(tokio::time::timeout(Duration::from_millis(100), run).await.is_err());
    let read = read.load(Ordering::SeqCst) - before;
    assert!((1..=5).contains(&read), "{read} frames after a stall of 750");
}

#[tokio::test(start_paused = true)]
async fn stopping_from_elsewhere_does_not_wait_for_the_next_frame() {
    let (ticker, _) = Ticker::new(1000);
    let (mut pump, _track, _tap) = tapped(ticker);
    let stopper = pump.stopper();
    let task = tokio::spawn(async move {
        let end = pump.run().await;
        (end, pump)
    });
    tokio::time::sleep(Duration::from_millis(90)).await;
    let told = Instant::now();
    stopper.stop();
    stopper.stop();
    let (end, mut pump) = task.await.unwrap();
    assert!(matches!(end, PumpEnd::Stopped));
    assert_eq!(told.elapsed(), Duration::ZERO);
    assert!(stopper.is_stopped());
    assert!(matches!(pump.run().await, PumpEnd::Stopped), "for good");
}

/// F13: the same open source is published again without being opened again.
#[tokio::test(start_paused = true)]
async fn a_source_outlives_its_pump() {
    let (ticker, _) = Ticker::new(1000);
    let (mut pump, _track, mut tap) = tapped(ticker);
    play(&mut pump, Duration::from_millis(100)).await;
    assert_eq!(waiting(&mut tap).len(), 3);
    let source = pump.into_source();
    assert!(tap.next().await.is_none(), "the old track ended with its pump");
    assert_eq!(source.next_due(), Duration::from_millis(120), "and the source stands where it stood");
    let (mut pump, _track, mut tap) = tapped(source);
    play(&mut pump, Duration::from_millis(100)).await;
    assert!(waiting(&mut tap)[0].key);
}
