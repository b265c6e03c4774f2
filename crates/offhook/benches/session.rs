//! What a session costs, on loopback and over a bad network: join, leave, leaks, rings, a voice, the studio.
//!
//! `cargo bench -p offhook --bench session -- join|leave|leak|ring|voice|studio`. Tables for people go to
//! stderr, one JSON object a table to stdout; `cargo xtask bench` collects them. Not a test:
//! nothing here fails on time.

#[path = "session/allocator.rs"]
mod allocator;
#[path = "session/rig.rs"]
mod rig;
#[path = "session/ring.rs"]
mod ring;
#[path = "session/studio.rs"]
mod studio;
#[path = "session/table.rs"]
mod table;
#[path = "session/voice.rs"]
mod voice;

use futures_util::StreamExt;
use offhook::{Clip, Join, Joined, Session};
use rig::{Bench, Path};
use std::time::{Duration, Instant};
use table::Table;
use tokio::runtime::Runtime;

#[global_allocator]
static ALLOCATOR: allocator::Counting = allocator::Counting;

fn main() {
    let part = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_keep_alive(Duration::from_millis(200))
        .build()
        .expect("a runtime is what this measures on");
    match part.as_deref() {
        None | Some("all") => {
            join(&runtime);
            leave(&runtime);
            leak(&runtime);
            rings(&runtime);
            voices(&runtime);
            studio::run(&runtime, is_quick());
        }
        Some("join") => join(&runtime),
        Some("leave") => leave(&runtime),
        Some("leak") => leak(&runtime),
        Some("ring") => rings(&runtime),
        Some("voice") => voices(&runtime),
        Some("studio") => studio::run(&runtime, is_quick()),
        Some(other) => eprintln!("no part is called {other}: join, leave, leak, ring, voice, studio"),
    }
}

fn rings(runtime: &Runtime) {
    ring::one_by_one(runtime, if is_quick() { 5 } else { 60 });
    ring::at_once(runtime);
}

fn is_quick() -> bool {
    std::env::args().any(|argument| argument == "--quick")
}

fn voices(runtime: &Runtime) {
    voice::run(runtime, if is_quick() { 1 } else { 5 });
}

fn join(runtime: &Runtime) {
    for (name, path, rounds) in
        [("join", Path::Loopback, 60), ("join at 50 ms round trip, 2 % loss", Path::Slow, 30)]
    {
        let mut table = Table::new(name);
        let mut steps: [Vec<f64>; 4] = Default::default();
        let mut joined = Vec::new();
        let mut pictured = Vec::new();
        runtime.block_on(async {
            let bench = Bench::start(path).await;
            // The first joins pay for pages and code that no later one pays for.
            for round in 0..rounds + 3 {
                let once = join_once(&bench).await;
                if round >= 3 {
                    joined.push(once.joined);
                    pictured.push(once.pictured);
                    steps.iter_mut().zip(once.steps).for_each(|(all, one)| all.extend(one));
                }
            }
            bench.stop().await;
        });
        let (to_joined, to_picture) = match path {
            Path::Loopback => (Some("≤ 12, p95 ≤ 30"), Some("≤ 150")),
            Path::Slow | Path::Relayed => (None, None),
        };
        table.row("join() to joined, first prompt included", "ms", &mut joined, to_joined);
        for (what, step) in
            ["to searching", "to preparing", "to connecting", "to 100 %"].iter().zip(&mut steps)
        {
            table.row(&format!("join() {what}"), "ms", step, None);
        }
        table.row("join() to the first decoded, repainted picture", "ms", &mut pictured, to_picture);
        table.note("socket, signaling, ICE, DTLS, data channel; one certificate per session; no queue");
        table.print();
    }
}

struct Once {
    joined: f64,
    pictured: f64,
    steps: [Option<f64>; 4],
}

async fn join_once(bench: &Bench) -> Once {
    let began = Instant::now();
    let joining = bench.idle().join(Join::new().prompt("sepia").publish(Clip::sample()));
    let mut progress = joining.progress();
    let watch = tokio::spawn(async move {
        let mut steps = [None; 4];
        while let Some(progress) = progress.next().await {
            let step = (usize::from(progress.percent()) / 25).clamp(1, 4) - 1;
            if progress.percent() > 0 {
                steps[step].get_or_insert(ms(began.elapsed()));
            }
        }
        steps
    });
    let session = joining.await.expect("the server is there and the credential is good");
    let joined = ms(began.elapsed());
    let mut frames = session.remote_video().await.expect("it has media").decoded();
    frames.next().await.expect("the studio sends pictures");
    let pictured = ms(began.elapsed());
    finish(session).await;
    Once { joined, pictured, steps: watch.await.expect("it only reads") }
}

async fn finish(session: Session<Joined>) {
    session.leave().await.released().await;
}

fn leave(runtime: &Runtime) {
    let mut table = Table::new("leave");
    let (mut returned, mut released) = (Vec::new(), Vec::new());
    runtime.block_on(async {
        let bench = Bench::start(Path::Loopback).await;
        for _ in 0..50 {
            let session = bench.join(Join::new().publish(Clip::sample())).await;
            let began = Instant::now();
            let leaving = session.leave();
            returned.push(ms(began.elapsed()));
            leaving.await.released().await;
            released.push(ms(began.elapsed()));
        }
        bench.stop().await;
    });
    table.row("leave() returns", "ms", &mut returned, Some("≤ 1"));
    table.row("leave() to released(), the far side answers", "ms", &mut released, Some("≤ 50"));
    let mut dead = Vec::new();
    runtime.block_on(async {
        for _ in 0..5 {
            let bench = Bench::start(Path::Relayed).await;
            let session = bench.join(Join::new().publish(Clip::sample())).await;
            bench.black_hole();
            let began = Instant::now();
            session.leave().await.released().await;
            dead.push(ms(began.elapsed()));
            bench.stop().await;
        }
    });
    table.row("leave() to released(), the far side is a black hole", "ms", &mut dead, Some("≤ 1200"));
    table.print();
}

fn leak(runtime: &Runtime) {
    const CYCLES: usize = 200;
    let mut table = Table::new("leak");
    let (before, after, at_50, at_end) = runtime.block_on(async {
        let bench = Bench::start(Path::Loopback).await;
        // The first session makes what all share.
        finish(bench.join(Join::new().publish(Clip::sample())).await).await;
        let before = bench.settle().await;
        let mut at_50 = 0;
        for cycle in 0..CYCLES {
            finish(bench.join(Join::new().publish(Clip::sample())).await).await;
            if cycle + 1 == 50 {
                bench.settle().await;
                at_50 = allocator::live();
            }
        }
        let after = bench.settle().await;
        let at_end = allocator::live();
        bench.stop().await;
        (before, after, at_50, at_end)
    });
    let more = |now: usize, before: usize| now as f64 - before as f64;
    table.row("tasks more than before", "tasks", &mut [more(after.tasks, before.tasks)], Some("= 0"));
    table.row("descriptors more than before", "fds", &mut [more(after.fds, before.fds)], Some("= 0"));
    table.row("threads more than before", "threads", &mut [more(after.threads, before.threads)], Some("≤ 0"));
    let growth = more(at_end, at_50) / at_50 as f64 * 100.0;
    table.row("live bytes, cycle 200 over cycle 50", "%", &mut [growth], Some("< 1"));
    table.note(&format!("{CYCLES} cycles of join and leave with media, client and server in one process"));
    table.print();
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
