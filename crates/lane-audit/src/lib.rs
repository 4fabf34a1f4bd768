//! Audits of labels: what they say, how they are kept, how they are shown.
//!
//! ```text
//! scores of a training run, out-of-fold probabilities ──► Audit ──► audit/labels.csv   one line a row
//!                                                                   audit/audit.json   everything else
//!                                                                   audit/report.html
//! ```
//!
//! Nothing here trains or knows burn; an audit can be made from what other programs logged.
#![doc = include_str!("../README.md")]

pub mod classes;
pub mod duplicates;
mod error;
mod folder;
pub mod model;
pub mod reason;
pub mod report;

pub use error::AuditError;
pub use folder::{read, write};
pub use model::{Audit, AuditRow, RowKind, Summary};
