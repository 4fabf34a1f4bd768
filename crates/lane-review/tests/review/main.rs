//! Reviews held and applied, from the outside.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod applied;
mod client;
mod decided;
mod estimated;
mod folder;
mod formats;
mod killed;
mod refusals;
