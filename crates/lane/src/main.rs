//! `lane`: trains text classifiers that stand noisy labels, and finds the labels that are wrong.

mod args;
mod commands;
mod print;
mod progress;
mod stop;

use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    quiet_decoder();
    let args = args::Args::parse();
    match commands::run(args) {
        Ok(()) => print::success(),
        Err(error) => print::failure(&error),
    }
}

/// A decoder that gives up on damaged data is answered for as an error; its panic is not news.
fn quiet_decoder() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !lane_train::is_decoding() {
            usual(panic);
        }
    }));
}
