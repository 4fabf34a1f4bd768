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

pub mod assemble;
pub mod classes;
pub mod cut_off;
pub mod duplicates;
mod error;
pub mod features;
mod folder;
pub mod model;
pub mod noise_matrix;
pub mod p_wrong;
pub mod planted_flips;
pub mod rank_by;
mod ranking_error;
pub mod reason;
pub mod regression;
pub mod report;
pub mod reviewed;
pub mod suspicion;
pub mod tf_idf;
pub mod training;

pub use assemble::{Material, assemble};
pub use error::AuditError;
pub use folder::{read, write};
pub use model::{Audit, AuditRow, RowKind, Summary};
pub use rank_by::RankBy;
pub use ranking_error::RankingError;
