//! Development commands: `cargo xtask <command>`.
//!
//! xtask depends on no crate of this workspace, so that it builds in seconds and runs when they do
//! not build. Commands that need the product run the binary `lane`.
//!
//! Exit codes: 0 done, 1 something failed, 2 wrong usage.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line prints")]

mod bench;
mod browser;
mod check;
mod corpus;
mod csv;
mod disk;
mod fuzz;
mod golden;
mod kill;
mod lane_binary;
mod layers;
mod libtorch;
mod links;
mod markdown;
mod memory;
mod reproduce;
mod shell;
mod slurm;
mod soak;
mod supply;
mod tidy;
mod trial;
mod unsafety;
mod whole_file;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Development commands of the lane workspace")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Everything that has to pass before a change goes in, cheapest first
    Check {
        /// Instead, run cells through a real Slurm of one node (as root, with Debian's slurm-wlm)
        #[arg(long, group = "instead")]
        slurm: bool,
        /// Instead, kill runs at random moments, go on with them, and compare every byte (minutes)
        #[arg(long, group = "instead")]
        kill: bool,
        /// Instead, fill the disk under a run, and forbid writing to it (as root)
        #[arg(long, group = "instead")]
        disk: bool,
        /// Instead, licences, bans, sources and advisories of every dependency (with cargo-deny)
        #[arg(long, group = "instead")]
        supply: bool,
        /// Instead, the kernels under Miri and `AddressSanitizer`, or under valgrind (minutes)
        #[arg(long, group = "instead")]
        memory: bool,
        /// Instead, train for two hundred epochs and see that memory stays flat (minutes)
        #[arg(long, group = "instead")]
        soak: bool,
        /// Instead, the report and the review in headless Chromium (needs Python with playwright)
        #[arg(long, group = "instead")]
        browser: bool,
    },
    /// Headers, file sizes and names, trailing blanks, links, the built-in corpus
    Tidy,
    /// Which crate may depend on which
    Layers,
    /// Write the built-in corpus anew
    Corpus {
        /// Compare with what is committed; write nothing
        #[arg(long)]
        check: bool,
    },
    /// Run the reference scripts in fixtures/golden (needs Python with torch, see `LANE_PYTHON`)
    Golden {
        /// Compare with what is committed; write nothing
        #[arg(long)]
        check: bool,
    },
    /// Run the readers on what a fuzzer makes up (needs a C++ compiler)
    Fuzz(fuzz::Options),
    /// Make the folder of libtorch that `--features tch` is built with, from `PyTorch`'s wheels
    Libtorch(libtorch::Options),
    /// Train, tabulate and draw: without options, the quick run on the built-in corpus
    Reproduce(Box<reproduce::Options>),
    /// Time `lane` on this machine, in turn with PyTorch where asked
    Bench(Box<bench::Options>),
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    let root = root();
    match command {
        Command::Check { slurm: true, .. } => slurm::run(&root)?,
        Command::Check { kill: true, .. } => kill::run(&root)?,
        Command::Check { disk: true, .. } => disk::run(&root)?,
        Command::Check { supply: true, .. } => supply::run(&root)?,
        Command::Check { memory: true, .. } => memory::run(&root)?,
        Command::Check { soak: true, .. } => soak::run(&root)?,
        Command::Check { browser: true, .. } => browser::run(&root)?,
        Command::Check { .. } => check::run(&root)?,
        Command::Tidy => tidy::run(&root)?,
        Command::Layers => layers::run(&root)?,
        Command::Corpus { check } => corpus::run(&root, check)?,
        Command::Golden { check } => golden::run(&root, check)?,
        Command::Fuzz(options) => return fuzz::run(&root, &options),
        Command::Bench(options) => return bench::run(&root, &options),
        Command::Libtorch(options) => libtorch::run(&root, &options)?,
        Command::Reproduce(options) => return reproduce::run(&root, &options),
    }
    Ok(ExitCode::SUCCESS)
}

/// The root of the repository: the folder above this crate's.
fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}
