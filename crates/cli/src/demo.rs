//! `offhook demo`: the main job, whole, on this machine. The stage is set in `stage.rs`, what
//! happens is in `script.rs`, who watches the pictures in `witness.rs`, what is written about it
//! in `log.rs`, `report.rs` and `timeline.rs`; here they are put together.

mod log;
mod report;
mod screen;
mod script;
mod stage;
mod timeline;
mod watch;
mod witness;

use crate::Outcome;
use crate::args::Demo;
use crate::census::Census;
use crate::{input, serve};
use log::Log;
use report::Report;
use screen::Screen;
use script::Script;
use stage::Stage;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
pub(crate) use watch::describe;
use witness::Witness;

/// What the studio is asked for, in this order; the last one while the network is gone.
const PROMPTS: [&str; 4] = ["sepia", "posterize", "edges", "pixelate and invert"];
/// What there is before the first prompt.
const PLAIN: &str = "original";
/// How long what is on its way out may take before it counts as leaked.
const SETTLE: Duration = Duration::from_secs(5);

/// A demo that could not be played.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    #[error(transparent)]
    Input(#[from] input::InputError),
    #[error("{} cannot be written ({source}); choose another place with --out", path.display())]
    Output { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Witness(#[from] witness::WitnessError),
    #[error(transparent)]
    Stage(#[from] stage::StageError),
    #[error("the witness's thread died: {0}")]
    Thread(#[from] tokio::task::JoinError),
    #[error("Ctrl-C cannot be waited for: {0}")]
    Signal(std::io::Error),
}

/// Plays it. Ctrl-C at any moment stops it, says goodbye, and writes what there is.
pub(crate) async fn run(args: Demo) -> Result<Outcome, DemoError> {
    let clip = input::open(&args.input)?;
    make_folder(&args.out)?;
    let screen = Screen::new(args.json);
    let log = Arc::new(Log::create(&args.out.join("events.jsonl"), args.json).map_err(output(&args.out))?);
    let mut report = Report::default();
    let mut stage = None;
    // The runtime keeps a pair of sockets for signals from the first use on: no leak of ours.
    let mut interrupt = serve::Interrupt::listen().map_err(DemoError::Signal)?;
    let before = Census::take();
    let played = tokio::select! {
        played = play(&args, clip, &log, &screen, &mut report, &mut stage) => Some(played),
        () = interrupt.seen() => None,
    };
    screen.step("closing the server");
    if let Some(stage) = stage.take() {
        stage.strike().await;
    }
    let interrupted = played.is_none();
    played.transpose()?;
    // Everything on the stage is gone now; what is still there was leaked.
    screen.step("counting what is left");
    let (tasks, sockets) = Census::settle(before, SETTLE).await;
    report.leaked(tasks, sockets);
    report.write(&args, &log).map_err(output(&args.out))?;
    screen.finish();
    if interrupted {
        eprintln!("stopped; {tasks} tasks and {sockets} sockets were left");
        return Ok(Outcome::Interrupted);
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
) -> Result<(), DemoError> {
    screen.step("painting what each prompt should look like");
    let known = clip.clone();
    let bar = screen.clone();
    let prompts: Vec<&str> = std::iter::once(PLAIN).chain(PROMPTS).collect();
    let witness =
        tokio::task::spawn_blocking(move || Witness::prepare(&known, &prompts, |share| bar.part(share)));
    let witness = Arc::new(witness.await??);
    let stage = stage.insert(Stage::set().await?);
    log.begin();
    let script = Script { args, clip, log: log.clone(), screen, stage, witness };
    script.play(report).await;
    Ok(())
}

fn make_folder(path: &Path) -> Result<(), DemoError> {
    std::fs::create_dir_all(path).map_err(output(path))?;
    // Said now, not after a minute: is it really writable?
    let probe = path.join(".offhook-probe");
    std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe)).map_err(output(path))
}

fn output(path: &Path) -> impl Fn(std::io::Error) -> DemoError + '_ {
    |source| DemoError::Output { path: path.to_owned(), source }
}
