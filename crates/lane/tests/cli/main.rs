//! The built command, run as a user runs it.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod audit;
mod bench;
mod concurrent;
mod divergence;
mod exchange;
mod few_shot;
mod frozen;
mod help;
mod network;
mod noise;
mod refusals;
mod rescore;
mod review;
mod rounds;
#[expect(dead_code, reason = "what the wire tests of lane-few-shot use and these do not")]
#[path = "../../../lane-few-shot/tests/few_shot/server.rs"]
mod server;
mod stop;
mod streams;
mod support;
mod translate;
mod views;
