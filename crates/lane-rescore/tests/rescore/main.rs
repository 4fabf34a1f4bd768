//! Rankings of logs, against DuckDB and against lane-metrics, and what is refused.
#![cfg(feature = "datafusion")]
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod duckdb;
mod files;
mod golden;
mod laws;
mod memory;
mod refusals;
mod support;
