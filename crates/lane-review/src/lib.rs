//! A person looks through an audit of labels, and the file is corrected by what was decided.
//!
//! ```text
//! audit/labels.csv ──► Review ──Server──► a page on 127.0.0.1, one row at a time
//!                                │
//!                                ▼
//!                      audit/decisions.sqlite ──apply──► NAME.corrected.csv, NAME.changes.csv
//! ```
//!
//! `audit/sample.json` holds rows drawn at random, by which the flags are judged, where that was asked for.
//! Decisions are only ever added, undoing included, and are on disk before the page is told so.
//! The audited file is never written to.
#![doc = include_str!("../README.md")]

pub mod agreement;
pub mod apply;
mod decision;
mod error;
mod estimate;
mod review;
mod server;
mod store;

pub use apply::{ApplyRequest, ApplySummary, apply};
pub use decision::{Decision, Standing};
pub use error::ReviewError;
pub use lane_audit::RowKind;
pub use lane_audit::reviewed::Reviewed;
pub use review::Review;
pub use server::{Server, ServerOptions};
pub use store::Store;
