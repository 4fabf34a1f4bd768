//! The built command, run as a user runs it.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod bench;
mod exchange;
mod frozen;
mod help;
mod noise;
mod refusals;
mod rounds;
mod support;
mod translate;
mod views;
