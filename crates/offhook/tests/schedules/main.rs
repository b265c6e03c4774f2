//! Seeded schedules of trouble over the whole facade, in virtual time: whatever befalls a
//! session, an acknowledged prompt is not lost, an old one is not applied, a muted track is not
//! heard, and what listeners are told obeys one grammar. A run that never met a class of fault,
//! a state or an event fails as well.
//!
//! A seed that fails is printed; it goes into `proptest-regressions/offhook-schedules.txt`,
//! which is played first. One seed alone: `OFFHOOK_SCHEDULE=<seed>`.
#![allow(unreachable_pub, reason = "modules of one test binary")]

mod grammar;
mod life;
mod oracle;
mod plan;
mod reached;

use life::live;
use reached::Reached;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// So many schedules, each of its own seed.
const SCHEDULES: u64 = 10_000;
/// Whoever shares the machine wants some of it too.
const THREADS: usize = 2;
/// Seeds that failed once.
const REGRESSIONS: &str = include_str!("../../../../proptest-regressions/offhook-schedules.txt");

fn known() -> Vec<u64> {
    let lines = REGRESSIONS.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.parse().expect("a seed is a number")).collect()
}

/// One schedule, on a runtime of its own whose clock stands still until everybody waits.
fn play(seed: u64) -> Result<Reached, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O").block_on(live(seed))
}

fn play_all(seeds: impl Iterator<Item = u64> + Send) -> Reached {
    let (seeds, all) = (Mutex::new(seeds), Mutex::new(Reached::default()));
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let Some(seed) = seeds.lock().expect("nobody panics with it").next() else { return };
                    let played = std::panic::catch_unwind(|| play(seed))
                        .unwrap_or_else(|_| Err("it panicked; its message is above".into()));
                    match played {
                        Ok(reached) => all.lock().expect("nobody panics with it").merge(reached),
                        Err(why) => {
                            let mut failed = failed.lock().expect("nobody panics with it");
                            failed.push(format!("seed {seed}: {why}"));
                            if failed.len() >= 5 {
                                return;
                            }
                        }
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("the threads are over");
    assert!(failed.is_empty(), "schedules that failed:\n{}", failed.join("\n"));
    all.into_inner().expect("the threads are over")
}

/// Never: an acknowledged prompt lost, an old one applied, a muted track heard; and B3
/// livekit/client-sdk-android#105, B5 livekit/client-sdk-flutter#500 (every `Reconnecting` ends
/// in exactly one of joined, failed or left), R3 (one ending, last), R14, R15, F1, F2, F4, F5, F14.
#[test]
fn no_schedule_of_faults_loses_a_prompt_revives_an_old_one_or_lets_a_muted_track_be_heard() {
    static RUN: AtomicU64 = AtomicU64::new(0);
    if let Ok(one) = std::env::var("OFFHOOK_SCHEDULE") {
        let seed = one.parse().expect("OFFHOOK_SCHEDULE is a seed, a number");
        match play(seed) {
            Ok(reached) => return eprintln!("seed {seed} holds: {reached:#?}"),
            Err(why) => panic!("seed {seed}: {why}"),
        }
    }
    let began = std::time::Instant::now();
    let seeds = known().into_iter().chain(1..=SCHEDULES).inspect(|_| {
        RUN.fetch_add(1, Ordering::Relaxed);
    });
    let reached = play_all(seeds);
    eprintln!("{} schedules, seeds 1 to {SCHEDULES}, in {:?}", RUN.load(Ordering::Relaxed), began.elapsed());
    let missing = reached.missing();
    assert!(missing.is_empty(), "never met in {SCHEDULES} schedules: {missing:?}");
    eprintln!("{reached:#?}");
}
