//! The `offhook` command: `demo`, `chaos`, `serve`, `join`. Reads arguments, sets logging up, runs one
//! of them, and turns what became of it into an exit status: 0 as asked, 1 not, 2 a wrong
//! argument, 130 stopped by Ctrl-C, 143 by SIGTERM.

mod args;
mod census;
mod chaos;
mod demo;
mod devices;
mod input;
mod join;
mod serve;
mod signals;
mod trial;

use args::{Args, Command};
use clap::Parser;
use std::process::ExitCode;

/// How a command ended, when it ended well enough to say so.
pub(crate) enum Outcome {
    /// As asked.
    Fine,
    /// Something that was asked for did not hold; it was said already.
    Failed,
    /// Told to stop, and it stopped in order.
    Stopped(signals::Stop),
}

fn main() -> ExitCode {
    let args = Args::parse();
    logging(&args);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("offhook: no runtime could be started ({error}); check the limit on threads");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(async {
        match args.command {
            Command::Demo(demo) => demo::run(demo).await.map_err(|error| error.to_string()),
            Command::Chaos(chaos) => chaos::run(chaos).await.map_err(|error| error.to_string()),
            Command::Serve(serve) => serve::run(serve).await.map_err(|error| error.to_string()),
            Command::Join(join) => join::run(*join).await.map_err(|error| error.to_string()),
        }
    });
    match outcome {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::FAILURE,
        Ok(Outcome::Stopped(stop)) => ExitCode::from(stop.status()),
        Err(error) => {
            eprintln!("offhook: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Logs go to stderr, so that stdout is for results alone.
fn logging(args: &Args) {
    let level = match args.verbose {
        0 => "error",
        1 => "offhook=info,warn",
        2 => "offhook=debug,info",
        _ => "trace",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("OFFHOOK_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
