//! `offhook chaos`: a session under a seeded schedule of faults. What shall happen is in
//! `plan.rs`, the servers of it are in `houses.rs`, that it happens in `play.rs`, what was seen in
//! `record.rs`, what had to hold of it in `rules/`, what is shown of both in `report.rs`; here they
//! are put together.

mod houses;
mod plan;
mod play;
mod record;
mod report;
mod rules;
mod table;

use crate::Outcome;
use crate::args::Chaos;
use crate::census::Census;
use crate::trial::log::Log;
use crate::trial::screen::Screen;
use crate::trial::witness::Witness;
use crate::trial::{SETTLE, TrialError, make_folder, output};
use crate::{input, signals};
use houses::Houses;
use plan::{LOOKS, Plan};
use play::Play;
use record::Record;
use report::Report;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

/// Runs it. Ctrl-C at any moment stops it, says goodbye, and writes what there is.
pub(crate) async fn run(args: Chaos) -> Result<Outcome, TrialError> {
    let clip = input::open(&args.input)?;
    make_folder(&args.out)?;
    let plan = Plan::seeded(args.seed.unwrap_or_else(any_seed), Duration::from_secs(args.seconds.into()));
    let screen = Screen::new(args.json, plan.steps());
    let log = Arc::new(Log::create(&args.out.join("events.jsonl"), args.json).map_err(output(&args.out))?);
    report::announce(&plan, &args, &log);
    let record = Arc::new(Record::default());
    let mut houses = None;
    // The runtime keeps a pair of sockets for signals from the first use on: no leak of ours.
    let mut interrupt = signals::Interrupt::listen().map_err(TrialError::Signal)?;
    let before = Census::take();
    let (played, stopped) = tokio::select! {
        played = play(&plan, clip, &log, &screen, &record, &mut houses) => (Some(played), None),
        stop = interrupt.seen() => (None, Some(stop)),
    };
    screen.step("closing the servers");
    let mut of_servers = 0;
    if let Some(houses) = houses.take() {
        of_servers = houses.strike(SETTLE).await;
    }
    played.transpose()?;
    // Everything on the stage is gone now; what is still there was leaked.
    screen.step("counting what is left");
    let (tasks, sockets) = Census::settle(before, SETTLE).await;
    let tasks = tasks + of_servers;
    record.note(|seen| seen.left_over = Some((tasks, sockets)));
    let report = Report::judge(&plan, &record.take(), stopped.is_some());
    report.write(&args, &log).map_err(output(&args.out))?;
    screen.finish();
    if let Some(stop) = stopped {
        eprintln!("stopped; {tasks} tasks and {sockets} sockets were left");
        return Ok(Outcome::Stopped(stop));
    }
    report.print(&args, &log);
    Ok(if report.held() { Outcome::Fine } else { Outcome::Failed })
}

async fn play(
    plan: &Plan,
    clip: offhook_media::Clip,
    log: &Arc<Log>,
    screen: &Screen,
    record: &Arc<Record>,
    houses: &mut Option<Houses>,
) -> Result<(), TrialError> {
    screen.step("painting what each prompt should look like");
    let known = clip.clone();
    let bar = screen.clone();
    let witness =
        tokio::task::spawn_blocking(move || Witness::prepare(&known, &LOOKS, |share| bar.part(share)));
    let witness = Arc::new(witness.await??);
    let houses = houses.insert(Houses::build(plan.seed).await?);
    log.begin();
    Play { plan, clip, log: log.clone(), screen, houses, witness, record: record.clone() }.play().await;
    Ok(())
}

/// A seed that nobody chose; short enough to be typed again.
fn any_seed() -> u64 {
    RandomState::new().hash_one(()) % 1_000_000_000
}
