//! Files of two other programs, read and written: dataset cartography's training dynamics, and the
//! tables of the Python package `aum`.
//!
//! | file | what a line is | here |
//! | --- | --- | --- |
//! | `dynamics_epoch_N.jsonl` | a row: `{"guid", "logits_epoch_N", "gold"}`, N from 0, any order | [`cartography`] |
//! | `aum_values.csv` | a row: `sample_id,aum`, highest first | [`aum`] |
//! | `full_aum_records.csv` | a row in an epoch: its label's and its best rival's logit, margin, AUM so far | [`aum`] |
//!
//! [`import()`] turns either into a data map and a list of suspicious rows as a run leaves them,
//! [`export()`] turns a run into either, or into one table of its dynamics. Nothing is written before everything has been read.

pub mod aum;
pub mod cartography;
mod dynamics_csv;
mod error;
mod export;
mod import;

use std::path::{Path, PathBuf};

use lane_data::DataError;

use crate::error::TrainError;

pub use error::{ExchangeError, Fault};
pub use export::{ExportRequest, ExportSummary, Format, export};
pub(crate) use import::training;
pub use import::{ImportRequest, ImportSummary, import};

/// The files to write, refused if one is there and may not be replaced; makes the folder.
fn targets(folder: &Path, names: &[String], force: bool) -> Result<Vec<PathBuf>, TrainError> {
    let paths: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).collect();
    if let Some(path) = paths.iter().find(|path| !force && path.exists()) {
        return Err(DataError::Exists { path: path.clone() }.into());
    }
    std::fs::create_dir_all(folder).map_err(TrainError::io("create", folder))?;
    Ok(paths)
}
