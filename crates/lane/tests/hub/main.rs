//! `lane data` and `hub:` encoders against a server on this machine that answers as the hub does.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod cache;
mod data_sets;
mod faults;
mod place;
mod server;
mod tables;
