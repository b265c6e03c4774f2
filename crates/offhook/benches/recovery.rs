//! How long a session is away: from each kind of loss through a relay, over a move, and for a
//! thousand sessions at once; and that it is not while a large image is sent over a narrow line.
//!
//! `cargo bench -p offhook --bench recovery -- relay|migration|herd|address|image [--quick]`. Tables for people
//! go to stderr, one JSON object a table to stdout; `cargo xtask bench` collects them. To look
//! closer: `relay 50 rejoined` measures the scenes of that name at 50 ms alone, and `RUST_LOG`
//! shows what is logged meanwhile. Not a test: nothing here fails on time. What is lost and how
//! it is measured is in `recovery/scenes.rs`, the network it happens on in `recovery/place.rs`.

#[cfg(target_os = "linux")]
#[path = "recovery/address.rs"]
mod address;
#[cfg(target_os = "linux")]
#[path = "../tests/far_side/mod.rs"]
mod far_side;
#[path = "recovery/herd.rs"]
mod herd;
#[path = "recovery/image.rs"]
mod image;
#[cfg(target_os = "linux")]
#[path = "../tests/far_side/laptop.rs"]
mod laptop;
#[path = "recovery/migration.rs"]
mod migration;
#[path = "recovery/place.rs"]
mod place;
#[path = "recovery/scenes.rs"]
mod scenes;
#[path = "session/table.rs"]
mod table;

use scenes::Scene;
use std::time::Duration;
use table::Table;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

/// Measured at a time: each waits most of its life, and has a server, a relay and a session of
/// its own.
const SIDE_BY_SIDE: usize = 10;
/// Runs of each scene.
const RUNS: usize = 30;
const QUICK: usize = 4;

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_quick = arguments.iter().any(|argument| argument == "--quick");
    let runs = if is_quick { QUICK } else { RUNS };
    arguments.retain(|argument| !argument.starts_with('-'));
    if let Ok(filter) = std::env::var("RUST_LOG") {
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    }
    match arguments.first().map(String::as_str) {
        None | Some("all") => {
            relay(runs, &[]);
            migration(runs);
            herd::run(runs);
            address(runs);
            image::run(&runtime(), is_quick);
        }
        Some("relay") => relay(runs, &arguments[1..]),
        Some("migration") => migration(runs),
        Some("herd") => herd::run(runs),
        Some("address") => address(runs),
        Some("image") => image::run(&runtime(), is_quick),
        Some(other) => eprintln!("no part is called {other}: relay, migration, herd, address, image"),
    }
}

#[cfg(target_os = "linux")]
fn address(runs: usize) {
    address::run(runs);
}

#[cfg(not(target_os = "linux"))]
fn address(_: usize) {
    let mut table = Table::new("change of address");
    table.note("not measured: needs Linux");
    table.print();
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime is what this measures on")
}

/// All scenes at all round trips; or those of one word, at those round trips.
fn relay(runs: usize, only: &[String]) {
    let runtime = runtime();
    let (numbers, words): (Vec<_>, Vec<_>) = only.iter().partition(|word| word.parse::<u64>().is_ok());
    let is_wanted = |trip: u64| numbers.is_empty() || numbers.contains(&&trip.to_string());
    for round_trip in [0_u64, 50, 200].into_iter().filter(|trip| is_wanted(*trip)).map(Duration::from_millis)
    {
        let mut table = Table::new(&format!("recovery at {} ms round trip", round_trip.as_millis()));
        for scene in Scene::ALL {
            if !words.iter().all(|word| scene.name().contains(word.as_str())) {
                continue;
            }
            let measured = runtime.block_on(many(runs, move || scenes::play(scene, round_trip)));
            for (what, unit, target) in scene.rows(round_trip) {
                let mut samples: Vec<f64> = measured
                    .iter()
                    .flatten()
                    .filter(|(name, _)| *name == what)
                    .map(|(_, value)| *value)
                    .collect();
                table.row(&format!("{}: {what}", scene.name()), unit, &mut samples, target.as_deref());
            }
            let without = measured.iter().filter(|samples| samples.is_empty()).count();
            if without > 0 {
                table.note(&format!(
                    "{}: {without} of {} runs gave nothing to measure",
                    scene.name(),
                    measured.len()
                ));
            }
        }
        table.note("through the relay: signaling over ws, media by its own way; each run is a fresh session");
        table.note(&format!(
            "{SIDE_BY_SIDE} runs at a time, each with a server, a relay and a client, in one process"
        ));
        table.print();
    }
}

fn migration(runs: usize) {
    let round_trip = Duration::from_millis(50);
    let mut table = Table::new("migration at 50 ms round trip");
    let measured = runtime().block_on(many(runs, move || migration::play(round_trip)));
    let (mut gaps, mut took): (Vec<f64>, Vec<f64>) = measured.iter().flatten().copied().unzip();
    table.row("longest gap between two received pictures", "ms", &mut gaps, Some("≤ 100"));
    table.row("go-away to Joined on the other server", "ms", &mut took, None);
    let lost = measured.iter().filter(|run| run.is_none()).count();
    table.row("runs that did not end on the other server", "count", &mut [lost as f64], Some("= 0"));
    table.note("25 pictures a second, so 40 ms lie between two in any case; media through the relay, signaling direct");
    table.print();
}

/// So many runs, a few of them at a time.
async fn many<T, F, R>(runs: usize, run: F) -> Vec<T>
where
    T: Send + 'static,
    F: Fn() -> R,
    R: Future<Output = T> + Send + 'static,
{
    let (mut under_way, mut done) = (JoinSet::new(), Vec::new());
    for _ in 0..runs {
        if under_way.len() >= SIDE_BY_SIDE {
            done.extend(under_way.join_next().await.map(|ran| ran.expect("a run does not panic")));
        }
        under_way.spawn(run());
    }
    while let Some(ran) = under_way.join_next().await {
        done.push(ran.expect("a run does not panic"));
    }
    done
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
