//! What a clip that is played into a session costs, in shares of a core: the client, the server and
//! the persona that says it again, all in this one process.

use crate::rig::{Bench, Path};
use crate::table::Table;
use offhook::{Join, Played, Sound};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::time::sleep;

/// As long as a long sentence.
const CLIP: Duration = Duration::from_secs(10);
const RATE: u32 = 48_000;
/// The system counts a process's time in hundredths of a second, on Linux always.
const TICKS: f64 = 100.0;

/// User and system time of this process until now, in seconds (proc(5), `/proc/pid/stat`, 14 and 15).
fn spent() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The program's name may hold anything, and ends with the last bracket.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / TICKS)
}

/// The share of a core that is used while this goes on, in per cent.
async fn share(meanwhile: impl Future<Output = ()>) -> Option<f64> {
    let (before, began) = (spent()?, Instant::now());
    meanwhile.await;
    Some((spent()? - before) / began.elapsed().as_secs_f64() * 100.0)
}

/// Two voices in harmony, so that the encoder has something to do.
fn clip() -> (Sound, f64) {
    let count = CLIP.as_secs() as u32 * RATE;
    let wave = |n: u32, hertz: f32| (n as f32 / RATE as f32 * hertz * std::f32::consts::TAU).sin();
    let samples: Vec<f32> = (0..count).map(|n| (wave(n, 220.0) + wave(n, 331.0)) / 4.0).collect();
    let began = Instant::now();
    let sound = Sound::from_samples(&samples, RATE, 1).expect("a tone can be encoded");
    (sound, began.elapsed().as_secs_f64() * 1000.0)
}

pub(crate) fn run(runtime: &Runtime, runs: usize) {
    let mut table = Table::new("voice");
    let (mut silent, mut playing, mut encoding) = (Vec::new(), Vec::new(), Vec::new());
    runtime.block_on(async {
        let bench = Bench::start(Path::Loopback).await;
        let session = bench.join(Join::new().model("echo").voice()).await;
        // What a join brings about is over.
        sleep(Duration::from_secs(1)).await;
        for _ in 0..runs {
            silent.extend(share(sleep(CLIP)).await);
            let (sound, took) = clip();
            encoding.push(took);
            let played = async {
                let playing = session.play_audio(sound).expect("it has a voice");
                assert_eq!(playing.await, Played::Whole, "nobody stops it");
            };
            playing.extend(share(played).await);
        }
        session.leave().await.released().await;
        bench.stop().await;
    });
    table.row("a clip of 10 s, encoded before it is played", "ms", &mut encoding, None);
    table.row("a session that is silent, of a core", "%", &mut silent, None);
    table.row("while a clip of 10 s is played, of a core", "%", &mut playing, Some("< 5"));
    table.note("client, server and the echo persona together; silence is sent and answered, too");
    table.print();
}
