//! Whole runs of a small corpus, and the optimizer against another.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod adamw;
mod best_epoch;
mod determinism;
mod devices;
mod divergence;
mod folders;
mod folds;
mod frozen;
mod kernels;
mod margin_views;
mod resume;
mod rivals;
mod semi_supervised;
mod support;
mod timed_steps;
