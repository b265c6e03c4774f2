//! What is the same on both sides of the comparison: ten senders of the clip, the counts, and the
//! processor time of the far side's threads.

use crate::native_common::clip;
use crate::{FAR, MEMBERS};
use offhook_transport::StatsTotals;
use offhook_transport::media::{Codec, EncodedFrame, LocalTrack, TrackSender, TrackSpec, local};
use std::time::{Duration, Instant};
use tokio::time::{interval, sleep};

/// What a member calls its picture.
pub(crate) const LABEL: &str = "camera";
const FRAME: Duration = Duration::from_millis(40);
/// What is under way when the last frame was handed in has arrived by then.
pub(crate) const REST: Duration = Duration::from_millis(100);
/// Seconds of the clip that may go by before everybody gets everything.
const WARM: usize = 30;

/// The members' cameras, each with a place in the clip.
pub(crate) struct Crowd {
    clip: Vec<EncodedFrame>,
    cameras: Vec<Camera>,
}

struct Camera {
    sender: TrackSender,
    /// Of the clip.
    at: usize,
    /// Since the beginning: time does not run back where the clip does.
    sent: u32,
}

impl Crowd {
    pub(crate) fn new(many: usize) -> (Self, Vec<LocalTrack>) {
        let spec = || TrackSpec { codec: Codec::H264, label: LABEL.into() };
        let (senders, tracks): (Vec<_>, Vec<_>) = (0..many).map(|_| local(spec())).unzip();
        let cameras = senders.into_iter().map(|sender| Camera { sender, at: 0, sent: 0 }).collect();
        (Self { clip: clip(), cameras }, tracks)
    }

    /// Sends so many frames of each, one camera a little after another. Wishes for key frames are
    /// granted only where `keys` says so: else every run has the same packets.
    pub(crate) async fn play(&mut self, frames: usize, keys: bool) {
        let many = self.cameras.len();
        let mut ticks = interval(FRAME / many as u32);
        for _ in 0..frames {
            for camera in &mut self.cameras {
                ticks.tick().await;
                camera.send(&self.clip, keys);
            }
        }
    }

    fn rewind(&mut self) {
        self.cameras.iter_mut().for_each(|camera| camera.at = 0);
    }
}

impl Camera {
    fn send(&mut self, clip: &[EncodedFrame], keys: bool) {
        if keys && self.sender.key_frame_wanted() {
            while !clip[self.at % clip.len()].key {
                self.at += 1;
            }
        }
        let mut frame = clip[self.at % clip.len()].clone();
        frame.pts = FRAME * self.sent;
        self.sender.try_send(frame);
        self.at += 1;
        self.sent += 1;
    }
}

/// Packets of all members together.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, of: &StatsTotals) {
        self.sent += of.packets_sent;
        self.received += of.packets_received;
    }

    fn since(self, before: Self) -> Self {
        Self { sent: self.sent - before.sent, received: self.received - before.received }
    }

    fn due(self) -> u64 {
        self.sent * (MEMBERS as u64 - 1)
    }
}

/// One run of the clip through the room.
pub(crate) struct Run {
    counts: Counts,
    took: Duration,
    /// Of the far side's threads, where the system says it.
    spent: Option<Duration>,
    /// By the far side, as it says.
    pub(crate) dropped: u64,
}

impl Run {
    pub(crate) fn micros_a_packet(&self) -> Option<f64> {
        Some(self.spent?.as_secs_f64() * 1e6 / self.counts.received as f64)
    }

    pub(crate) fn rate(&self) -> f64 {
        self.counts.received as f64 / self.took.as_secs_f64()
    }

    pub(crate) fn missing(&self) -> f64 {
        self.counts.due() as f64 - self.counts.received as f64
    }
}

/// Waits until everybody gets what everybody sends, and measures then. `count` says what had been
/// counted when nothing was under way any more.
pub(crate) async fn measured(
    crowd: &mut Crowd,
    frames: usize,
    mut count: impl AsyncFnMut() -> Counts,
) -> Run {
    let mut before = count().await;
    for second in 0.. {
        crowd.play(25, true).await;
        sleep(REST).await;
        let now = count().await;
        let flow = now.since(before);
        before = now;
        if flow.sent > 0 && flow.received == flow.due() {
            break;
        }
        assert!(second < WARM, "of {} packets due {} arrived, and it stays so", flow.due(), flow.received);
    }
    crowd.rewind();
    let (began, spent) = (Instant::now(), spent());
    crowd.play(frames, false).await;
    let took = began.elapsed();
    sleep(REST).await;
    let spent = self::spent().zip(spent).and_then(|(after, before)| after.checked_sub(before));
    let counts = count().await.since(before);
    Run { counts, took, spent, dropped: 0 }
}

/// Processor time of the far side's threads until now (`/proc/pid/task/tid/schedstat`: nanoseconds on
/// a processor, user and system).
fn spent() -> Option<Duration> {
    let mut nanos = 0;
    for task in std::fs::read_dir("/proc/self/task").ok()?.flatten() {
        let read = |file: &str| std::fs::read_to_string(task.path().join(file)).ok();
        if read("comm")?.trim_end() != FAR {
            continue;
        }
        nanos += read("schedstat")?.split_ascii_whitespace().next()?.parse::<u64>().ok()?;
    }
    (nanos > 0).then(|| Duration::from_nanos(nanos))
}
