//! The project's own tasks: `cargo xtask ci`, `tidy`, `codegen`, `fuzz`, `bench` and `chaos`.
//!
//! Only the command line is here; each task is a module of its own name.
#![forbid(unsafe_code)]

mod bench;
mod chaos;
mod ci;
mod code;
mod codegen;
mod fuzz;
mod items;
mod run;
mod tidy;
mod tree;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own tasks.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Everything that must hold before a change is merged, each step timed.
    Ci(ci::Options),
    /// The rules of the house that the compiler cannot hold.
    Tidy {
        /// Print the rules instead of running them.
        #[arg(long)]
        list: bool,
    },
    /// Write what is generated from the code: tables, pictures, the schema, the CLI's help.
    Codegen {
        /// Write nothing; fail when a file differs from what the code gives.
        #[arg(long)]
        check: bool,
    },
    /// Run the fuzz targets.
    Fuzz(fuzz::Options),
    /// Measure, and keep the tables in docs/benchmarks.md.
    Bench(bench::Options),
    /// Run many seeded schedules of `offhook chaos`, and add up how each rule held.
    Chaos(chaos::Options),
}

fn main() -> ExitCode {
    let root = tree::root();
    let done = match Arguments::parse().task {
        Task::Ci(options) => ci::run(&root, &options),
        Task::Tidy { list } => tidy::run(&root, list),
        Task::Codegen { check } => codegen::run(&root, check),
        Task::Fuzz(options) => fuzz::run(&root, &options),
        Task::Bench(options) => bench::run(&root, &options),
        Task::Chaos(options) => chaos::run(&root, &options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
