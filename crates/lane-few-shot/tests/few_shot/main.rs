//! Golden values, the wire format against a server on this machine, and whole runs.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod golden;
mod runs;
mod server;
mod wire;
