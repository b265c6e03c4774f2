//! `offhook demo`: the main job, whole, on this machine. The stage and
//! who watches it are in `trial/`, what happens is in `script.rs`, what is written about it in `report.rs`; here they are put together.

mod report;
mod script;

use crate::Outcome;
use crate::args::Demo;
use crate::census::Census;
use crate::trial::log::Log;
use crate::trial::screen::Screen;
use crate::trial::stage::Stage;
use crate::trial::witness::Witness;
use crate::trial::{SETTLE, TrialError, make_folder, output};
use crate::{input, signals};
use report::Report;
use script::Script;
use std::sync::Arc;

/// What the studio is asked for, in this order; the last one while the network is gone.
const PROMPTS: [&str; 4] = ["sepia", "posterize", "edges", "pixelate and invert"];
/// What there is before the first prompt.
const PLAIN: &str = "original";
/// Steps of a run, for the bar.
const STEPS: u64 = 12;
/// What the network's chance is drawn from; the demo has none of it.
const SEED: u64 = 7;

/// Plays it. Ctrl-C at any moment stops it, says goodbye, and writes what there is.
pub(crate) async fn run(args: Demo) -> Result<Outcome, TrialError> {
    let clip = input::open(&args.input)?;
    make_folder(&args.out)?;
    let screen = Screen::new(args.json, STEPS);
    let log = Arc::new(Log::create(&args.out.join("events.jsonl"), args.json).map_err(output(&args.out))?);
    let mut report = Report::default();
    let mut stage = None;
    // The runtime keeps a pair of sockets for signals from the first use on: no leak of ours.
    let mut interrupt = signals::Interrupt::listen().map_err(TrialError::Signal)?;
    let before = Census::take();
    let (played, stopped) = tokio::select! {
        played = play(&args, clip, &log, &screen, &mut report, &mut stage) => (Some(played), None),
        stop = interrupt.seen() => (None, Some(stop)),
    };
    screen.step("closing the server");
    if let Some(stage) = stage.take() {
        stage.strike().await;
    }
    played.transpose()?;
    // Everything on the stage is gone now; what is still there was leaked.
    screen.step("counting what is left");
    let (tasks, sockets) = Census::settle(before, SETTLE).await;
    report.leaked(tasks, sockets);
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
    args: &Demo,
    clip: offhook_media::Clip,
    log: &Arc<Log>,
    screen: &Screen,
    report: &mut Report,
    stage: &mut Option<Stage>,
) -> Result<(), TrialError> {
    screen.step("painting what each prompt should look like");
    let known = clip.clone();
    let bar = screen.clone();
    let prompts: Vec<&str> = std::iter::once(PLAIN).chain(PROMPTS).collect();
    let witness =
        tokio::task::spawn_blocking(move || Witness::prepare(&known, &prompts, |share| bar.part(share)));
    let witness = Arc::new(witness.await??);
    let stage = stage.insert(Stage::set(SEED).await?);
    log.begin();
    let script = Script { args, clip, log: log.clone(), screen, stage, witness };
    script.play(report).await;
    Ok(())
}
