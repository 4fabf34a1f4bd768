//! Few-shot classification by a chat model, with examples of which some are mislabelled on purpose.
//!
//! ```text
//! train ──examples──► Shot ──prompt──► Question ──┐
//!                                 test ───────────┴──► ChatRequest ──ChatModel──► Reply ──parse──► class ──► scores
//! ```
//!
//! The comparison of LANE's appendix D (Table 7): a language model sees 100 labelled examples, 20 of
//! them with a wrong label, and names the label of each test text; mean and deviation over runs with
//! different examples. The paper gives neither prompt nor decoding; ours are in [`prompt`] and
//! [`config`], and `docs/DEPARTURES.md` lists what was chosen.
//!
//! A [`chat::ChatModel`] is a server ([`http`], asked again by [`retry`]), a recording
//! ([`recorded::Replayed`]), or one that is recorded ([`recorded::Recording`]). Nothing is sent
//! before data, settings and run folder have been checked, and no reply is asked for twice.
#![doc = include_str!("../README.md")]

mod ask;
pub mod chat;
pub mod config;
pub mod error;
pub mod examples;
mod experiment;
mod folder;
pub mod http;
pub mod parse;
mod progress;
pub mod prompt;
pub mod record;
pub mod recorded;
pub mod retry;
mod run;
pub mod scores;

pub use config::Config;
pub use error::FewShotError;
pub use experiment::{Estimate, Experiment};
pub use progress::{Progress, Silent};
pub use run::{Target, run};
