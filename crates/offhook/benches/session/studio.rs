//! The studio at 720 lines and 25 pictures a second: does it keep up, and how much of a core is its
//! painter's. The client, its encoder's work aside (the clip is encoded beforehand), is in the same
//! process and not counted.

use crate::rig::{Bench, Path};
use crate::table::Table;
use offhook::{Clip, Join};
use offhook_media::h264::{Encoder, EncoderOptions};
use offhook_media::{FrameRate, Pattern};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::time::{sleep, timeout};

const SIZE: (u32, u32) = (1280, 720);
/// What each of them costs is a matter of the filter.
const LOOKS: &[&str] = &["original", "sepia", "edges", "blur", "pixelate and invert"];
/// Measured for so long, each.
const SPAN: Duration = Duration::from_secs(8);
const TICKS: f64 = 100.0;

/// Processor time of the painters' threads until now, in seconds (proc(5)).
fn painters() -> Option<f64> {
    let mut ticks = 0.0;
    for task in std::fs::read_dir("/proc/self/task").ok()?.flatten() {
        let Ok(stat) = std::fs::read_to_string(task.path().join("stat")) else { continue };
        let Some((name, rest)) = stat.rsplit_once(')') else { continue };
        if name.ends_with("(offhook-studio") {
            let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
            ticks += [11, 12].iter().filter_map(|at| fields.get(*at)?.parse::<f64>().ok()).sum::<f64>();
        }
    }
    Some(ticks / TICKS)
}

/// A moving pattern that the decoder has something to do with.
fn clip() -> Clip {
    let pattern = Pattern::new(SIZE.0, SIZE.1).expect("a size");
    let options = EncoderOptions { bitrate: 3_000_000, key_every: Some(50), ..EncoderOptions::default() };
    let mut encoder = Encoder::new(options).expect("the codec is compiled in");
    let frames = (0..100).filter_map(|number| {
        encoder.encode(&pattern.frame(number), FrameRate::DEFAULT.due(number)).expect("a picture encodes")
    });
    let stream: Vec<u8> = frames.flat_map(|frame| frame.data.to_vec()).collect();
    Clip::from_bytes("the pattern", stream.into()).expect("it was just encoded")
}

pub(crate) fn run(runtime: &Runtime, is_quick: bool) {
    let mut table = Table::new("studio at 720p25");
    let looks = if is_quick { &LOOKS[..2] } else { LOOKS };
    let mut smaller = BTreeMap::new();
    runtime.block_on(async {
        let bench = Bench::start(Path::Loopback).await;
        let session = bench.join(Join::new().prompt(looks[0]).publish(clip())).await;
        let mut video = session.remote_video().await.expect("it has media").decoded();
        for look in looks {
            session.set_prompt(*look).await.expect("it is one of the studio's");
            // What waited, and the codecs' first pictures.
            let warm = async { while video.next().await.is_some() {} };
            let _ = timeout(Duration::from_secs(2), warm).await;
            let (before, began) = (painters(), Instant::now());
            let mut pictures = 0;
            let count = async {
                while let Some(picture) = video.next().await {
                    pictures += 1;
                    if (picture.picture.width(), picture.picture.height()) != SIZE {
                        *smaller.entry(*look).or_insert(0) += 1;
                    }
                }
            };
            let _ = timeout(SPAN, count).await;
            let took = began.elapsed().as_secs_f64();
            let spent = painters().zip(before).map(|(after, before)| (after - before) / took * 100.0);
            let rate = f64::from(pictures) / took;
            table.row(&format!("{look}: pictures a second that come back"), "1/s", &mut [rate], Some("≥ 24"));
            if let Some(spent) = spent {
                table.row(&format!("{look}: the painter, of a core"), "%", &mut [spent], Some("≤ 100"));
            }
        }
        session.leave().await.released().await;
        bench.stop().await;
        sleep(Duration::from_millis(100)).await;
    });
    table.note(
        "decoded, painted, encoded; the codec is as fast as it is with nasm where that was there to build it",
    );
    for (look, count) in smaller {
        table.note(&format!(
            "{look}: {count} pictures came back smaller, because this machine did not keep up"
        ));
    }
    table.print();
}
