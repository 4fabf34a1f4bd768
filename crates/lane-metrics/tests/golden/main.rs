//! Values computed elsewhere, from `fixtures/golden/*.json`.
//!
//! The files hold f64 inputs and results; every case names its own tolerance. Where a value runs
//! through f32 logits, as this crate takes them, it is compared to what f32 can hold
//! ([`file::F32`]); everything computed from f64 is held to the tolerance of the file.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod aum;
mod confident_learning;
mod file;
mod lane;
mod maps;
mod mixture;
mod scores;
