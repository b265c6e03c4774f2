//! An image of five megabytes over a narrow line, while pictures flow: how long it takes beside what
//! the line can do, and whom it disturbs. That nobody is alarmed by it is the point.

use crate::ms;
use crate::place::{Place, Wanted};
use crate::table::Table;
use offhook::{CallingState, Change, ChangeOutcome, Event};
use offhook_media::Rgb;
use offhook_netrig::{Conditions, Direction};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep, timeout};

/// Bytes a second, each way: 512 kb/s.
const RATE: u64 = 64_000;
/// What the line holds before it takes nothing more in, as a modem does.
const QUEUE: usize = 32 * 1024;
/// Headers of a packet, as the relay counts them.
const HEADERS: u64 = 40;
/// Bytes of a piece of an upload, and of the text that it becomes: base64 and a frame around it.
const PIECE: u64 = 16_384;
const PIECE_AS_TEXT: u64 = 22_000;
/// Sides of a picture that is all noise, of three bytes a pixel: 5 MB.
const SIDES: (u32, u32) = (1_300, 1_283);
/// And of a tenth of that.
const QUICK: (u32, u32) = (410, 406);
/// Measured side by side; each has a line of its own.
const RUNS: usize = 4;
const QUICK_RUNS: usize = 1;
/// Messages on the narrow line before the image is set.
const BEFORE: usize = 10;
/// Between two messages. Each waits for its receipt.
const PACE: Duration = Duration::from_millis(500);
/// Far longer than the line takes for it.
const PATIENCE: Duration = Duration::from_secs(400);

/// What one upload came to.
struct Upload {
    bytes: usize,
    took: Duration,
    /// What went up on the signaling's line meanwhile, and in how many packets.
    carried: (u64, u64),
    steps: usize,
    recoveries: usize,
    faults: usize,
    stalls: usize,
    gap: f64,
    /// Round trips of small messages, in milliseconds: before, and beside it.
    before: Vec<f64>,
    beside: Vec<f64>,
    /// Bytes of media a second, up and down.
    media: (f64, f64),
}

/// Measures it, and prints the table.
pub(crate) fn run(runtime: &Runtime, is_quick: bool) {
    let (sides, runs) = if is_quick { (QUICK, QUICK_RUNS) } else { (SIDES, RUNS) };
    let uploads: Vec<Upload> =
        runtime.block_on(super::many(runs, move || play(sides))).into_iter().flatten().collect();
    let mut table = Table::new("image");
    let each = |value: fn(&Upload) -> f64| uploads.iter().map(value).collect::<Vec<_>>();
    table.row("from set to the ack", "s", &mut each(|upload| upload.took.as_secs_f64()), None);
    table.row("the line's ideal for its bytes, as text in frames", "s", &mut each(Upload::ideal), None);
    table.row(
        "from set to the ack, of the ideal",
        "times",
        &mut each(|upload| upload.of_ideal()),
        Some("≤ 1.1"),
    );
    table.row("what the line carried, of what it can", "%", &mut each(Upload::used), None);
    let alarm = Some("= 0");
    table.row(
        "recoveries and changes of state",
        "count",
        &mut each(|upload| upload.recoveries as f64),
        alarm,
    );
    table.row(
        "losses, errors, failed dials and messages",
        "count",
        &mut each(|upload| upload.faults as f64),
        alarm,
    );
    table.row("stalls of the picture", "count", &mut each(|upload| upload.stalls as f64), alarm);
    table.row(
        "steps of progress that were told",
        "count",
        &mut each(|upload| upload.steps as f64),
        Some("≥ 90"),
    );
    table.row(
        "longest gap between two received pictures",
        "ms",
        &mut each(|upload| upload.gap),
        Some("≤ 500"),
    );
    let (mut before, mut beside) = (Vec::new(), Vec::new());
    for upload in &uploads {
        before.extend(&upload.before);
        beside.extend(&upload.beside);
    }
    table.row("a message to its receipt, on the line without the image", "ms", &mut before, None);
    table.row("a message to its receipt, beside the image", "ms", &mut beside, Some("p95 ≤ 2500"));
    if let Some(upload) = uploads.first() {
        table.note(&format!(
            "{} bytes of PNG that nothing makes smaller, to a studio that paints 25 pictures a second meanwhile",
            upload.bytes
        ));
        table.note(&format!(
            "512 kb/s each way through the relay, a buffer of 32 KiB; signaling and media have such a line each, and media takes {:.0} kb/s of its own up and {:.0} down",
            upload.media.0 * 8.0 / 1000.0,
            upload.media.1 * 8.0 / 1000.0
        ));
    }
    let lost = runs - uploads.len();
    if lost > 0 {
        table.note(&format!("{lost} of {runs} runs did not end with the image in effect"));
    }
    table.print();
}

impl Upload {
    /// Every piece becomes text, and the text packets of at most 1,460 bytes; in seconds.
    fn ideal(&self) -> f64 {
        let text = self.bytes as u64 * PIECE_AS_TEXT / PIECE;
        (text + text.div_ceil(1_460) * HEADERS) as f64 / RATE as f64
    }

    fn of_ideal(&self) -> f64 {
        self.took.as_secs_f64() / self.ideal()
    }

    fn used(&self) -> f64 {
        let (bytes, packets) = self.carried;
        (bytes + packets * HEADERS) as f64 / (RATE as f64 * self.took.as_secs_f64()) * 100.0
    }
}

async fn play(sides: (u32, u32)) -> Option<Upload> {
    let place = Place::set(Wanted::default()).await?;
    let upload = upload(&place, noise(sides)).await;
    place.strike().await;
    upload
}

async fn upload(place: &Place, image: Vec<u8>) -> Option<Upload> {
    place.rig.set(Direction::Both, Conditions::clear().rate(RATE).queue(QUEUE));
    let mut before = Vec::new();
    for _ in 0..BEFORE {
        before.push(message(place).await?);
        sleep(PACE).await;
    }
    let (bytes, carried) = (image.len(), place.signaling_up());
    let (began, measured) = (Instant::now(), media(place));
    let mut setting = std::pin::pin!(place.session.set(Change::new().prompt("original").image(image)));
    let mut beside = Vec::new();
    let talk = async {
        loop {
            beside.extend(message(place).await);
            sleep(PACE).await;
        }
    };
    let set = async {
        tokio::select! {
            set = &mut setting => set,
            () = talk => unreachable!("it talks for ever"),
        }
    };
    timeout(PATIENCE, set).await.ok()?.ok()?;
    let took = began.elapsed();
    let (after, now) = (place.signaling_up(), media(place));
    let rate = |before: u64, after: u64| after.saturating_sub(before) as f64 / took.as_secs_f64();
    // The last of what was told of it.
    place
        .event(began, |event| {
            matches!(event, Event::Change { outcome: ChangeOutcome::Applied, .. }).then_some(())
        })
        .await?;
    let told = place.look(|notes| {
        let since = notes.events.iter().filter(|(at, _)| *at >= began);
        since.map(|(_, event)| event.clone()).collect::<Vec<_>>()
    });
    let count = |fits: fn(&Event) -> bool| told.iter().filter(|event| fits(event)).count();
    let recovers = |event: &Event| {
        matches!(event, Event::StateChanged(_) | Event::Recovered { .. } | Event::MigrationStarted(_))
    };
    let fails = |event: &Event| {
        matches!(
            event,
            Event::LinkLost { .. } | Event::Error(_) | Event::Attempt(_) | Event::MessageUnanswered { .. }
        )
    };
    for event in told.iter().filter(|event| recovers(event) || fails(event)) {
        eprintln!("alarmed: {event:?}");
    }
    let is_joined = place.session.state() == CallingState::Joined;
    is_joined.then(|| Upload {
        bytes,
        took,
        carried: (after.0 - carried.0, after.1 - carried.1),
        steps: count(|event| matches!(event, Event::Uploading { .. })),
        recoveries: count(recovers),
        faults: count(fails),
        stalls: count(|event| matches!(event, Event::PictureStalled { .. })),
        gap: place.longest_gap(began),
        before,
        beside,
        media: (rate(measured.0, now.0), rate(measured.1, now.1)),
    })
}

/// A small message and its receipt, in milliseconds.
async fn message(place: &Place) -> Option<f64> {
    let asked = Instant::now();
    place.session.send("chat", "are you there?").await.ok()?;
    Some(ms(asked.elapsed()))
}

/// Bytes of media sent and received until now, as of the newest statistics.
fn media(place: &Place) -> (u64, u64) {
    place.look(|notes| {
        let newest = notes.events.iter().rev().find_map(|(_, event)| match event {
            Event::Stats(stats) => Some((stats.bytes_sent, stats.bytes_received)),
            _ => None,
        });
        newest.unwrap_or_default()
    })
}

/// A PNG file of noise.
fn noise((width, height): (u32, u32)) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let mut picture = Rgb::filled(width, height, [0; 3]);
    for y in 0..height {
        for x in 0..width {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [red, green, blue, _] = state.to_be_bytes();
            picture.fill_rect(x, y, 1, 1, [red, green, blue]);
        }
    }
    picture.to_png()
}
