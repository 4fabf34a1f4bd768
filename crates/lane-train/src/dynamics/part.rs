//! One epoch of training dynamics as a file of its own, known by its hash.

use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{failed, writer};
use crate::checkpoint::ensure;
use crate::error::TrainError;
use crate::run_folder::write_atomically;

/// An epoch that is written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    epoch: u32,
    n_rows: usize,
    sha256: String,
}

impl Part {
    /// What does not fit the run, if anything does not.
    pub(super) fn check(&self, n_rows: usize, epoch: u32) -> Result<(), String> {
        ensure(self.epoch <= epoch, "written epoch", self.epoch)?;
        ensure(self.n_rows <= n_rows, "number of written rows", self.n_rows)
    }

    /// Writes an epoch into `folder`.
    pub(super) fn write(
        folder: &Path,
        epoch: u32,
        batch: &RecordBatch,
    ) -> Result<Self, TrainError> {
        let part = Self { epoch, n_rows: batch.num_rows(), sha256: String::new() };
        let path = part.path(folder);
        let mut bytes = Vec::new();
        let mut writer = writer(&mut bytes, &batch.schema(), &path)?;
        writer.write(batch).map_err(|error| failed(&path, error))?;
        writer.close().map_err(|error| failed(&path, error))?;
        write_atomically(&path, &bytes)?;
        Ok(Self { sha256: crate::hex(&Sha256::digest(&bytes)), ..part })
    }

    /// The epoch's rows, in one piece as they were written; none where no row was seen.
    pub(super) fn read(&self, folder: &Path) -> Result<Option<RecordBatch>, TrainError> {
        let path = self.path(folder);
        let damaged = |error: &dyn std::fmt::Display| {
            TrainError::io("read back", &path)(std::io::Error::other(error.to_string()))
        };
        let reader = ParquetRecordBatchReaderBuilder::try_new(self.open(folder)?)
            .and_then(|reader| reader.with_batch_size(self.n_rows.max(1)).build())
            .map_err(|error| damaged(&error))?;
        reader.last().transpose().map_err(|error| damaged(&error))
    }

    /// The file, if it is what was written.
    pub(super) fn open(&self, folder: &Path) -> Result<std::fs::File, TrainError> {
        let path = self.path(folder);
        let read = TrainError::io("read back", &path);
        let found = match std::fs::read(&path) {
            Ok(bytes) => crate::hex(&Sha256::digest(bytes)),
            Err(error) => return Err(read(error)),
        };
        if found == self.sha256 {
            return std::fs::File::open(&path).map_err(read);
        }
        let short = |hash: &str| hash.chars().take(12).collect::<String>();
        let (found, expected) = (short(&found), short(&self.sha256));
        let what = format!("it was changed: sha256 {found}…, expected {expected}…");
        Err(read(std::io::Error::other(what)))
    }

    fn path(&self, folder: &Path) -> PathBuf {
        folder.join(format!("epoch-{:05}.parquet", self.epoch))
    }
}
