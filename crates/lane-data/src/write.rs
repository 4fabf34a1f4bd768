//! Noisy labels onto disk, with everything needed to know how they came about.
//!
//! `NAME.csv` gets the columns `id,text,label,gold,flipped`; beside it `NAME.noise.json` says
//! which noise it is. Both are written to temporary files in the same folder and renamed, so a
//! reader never sees half a file.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::dataset::Dataset;
use crate::error::DataError;
use crate::noise::{Injection, NoiseKind};
use crate::open;

/// What to do with a file that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// Leave it and refuse.
    #[default]
    Keep,
    /// Replace it.
    Replace,
}

/// The contents of `NAME.noise.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoiseRecord {
    /// The rule by which labels were changed.
    pub kind: NoiseKind,
    /// The part of the rows that was asked for.
    pub requested_rate: f64,
    /// The part of the rows whose label differs from the one before.
    pub realised_rate: f64,
    /// The seed of the noise.
    pub seed: u64,
    /// Rows of the file.
    pub n_rows: usize,
    /// Rows whose label differs from the one before.
    pub n_flipped: usize,
    /// SHA-256 of the file before the noise.
    pub source_sha256: String,
}

/// Write `dataset` with the labels of `injection` to `path`, and its record beside it.
///
/// The `gold` column is the data set's own where it has one, else the label before the noise.
/// Returns the path of the record.
///
/// # Errors
///
/// [`DataError::Exists`] if either file is there and `existing` says to keep it;
/// [`DataError::WrongSize`] if the injection was made for other rows;
/// [`DataError::Write`] if the disk refuses.
pub fn noisy_csv(
    path: &Path,
    dataset: &Dataset,
    injection: &Injection,
    existing: Existing,
) -> Result<PathBuf, DataError> {
    let n_expected = dataset.n_rows();
    for n_found in [injection.labels.len(), injection.flipped.len()] {
        if n_found != n_expected {
            return Err(DataError::WrongSize { what: "the injected noise", n_found, n_expected });
        }
    }
    check_labels(dataset, injection)?;
    let record_path = path.with_extension("noise.json");
    for target in [path, &record_path] {
        check_target(target, existing)?;
    }
    file(path, existing, |out| write_rows(out, dataset, injection))?;
    file(&record_path, existing, |out| write_record(out, dataset, injection))?;
    Ok(record_path)
}

fn check_labels(dataset: &Dataset, injection: &Injection) -> Result<(), DataError> {
    let n_classes = dataset.n_classes();
    match injection.labels.iter().position(|label| label.index() >= n_classes) {
        Some(row) => {
            let label = injection.labels[row].0;
            Err(DataError::LabelOutOfRange { row, label, n_classes })
        }
        None => Ok(()),
    }
}

fn write_rows(out: &mut dyn Write, dataset: &Dataset, injection: &Injection) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(["id", "text", "label", "gold", "flipped"])?;
    let rows = dataset.examples.iter().zip(&injection.labels).zip(&injection.flipped);
    for ((example, label), flipped) in rows {
        csv.write_record([
            example.id.as_str(),
            example.text.as_str(),
            dataset.labels.name(*label),
            dataset.labels.name(example.gold.unwrap_or(example.label)),
            if *flipped { "1" } else { "0" },
        ])?;
    }
    csv.flush()
}

fn write_record(out: &mut dyn Write, dataset: &Dataset, injection: &Injection) -> io::Result<()> {
    let record = NoiseRecord {
        kind: injection.kind,
        requested_rate: injection.requested_rate,
        realised_rate: injection.realised_rate,
        seed: injection.seed,
        n_rows: dataset.n_rows(),
        n_flipped: injection.n_flipped(),
        source_sha256: dataset.sha256.clone(),
    };
    serde_json::to_writer_pretty(&mut *out, &record)?;
    out.write_all(b"\n")
}

/// What stands at `path` may be replaced, and be replaced by renaming.
fn check_target(path: &Path, existing: Existing) -> Result<(), DataError> {
    // A link that leads nowhere is there too.
    if existing == Existing::Keep && path.symlink_metadata().is_ok() {
        return Err(DataError::Exists { path: path.into() });
    }
    open::check_target(path).map_err(|source| DataError::Write { path: path.into(), source })
}

/// Write one file so that it is there whole or not at all.
///
/// # Errors
///
/// [`DataError::Exists`]; [`DataError::Write`], also where a folder, a link or a device stands.
pub fn file(
    path: &Path,
    existing: Existing,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), DataError> {
    let refused = |source| DataError::Write { path: path.into(), source };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    check_target(path, existing)?;
    if !folder.is_dir() {
        return Err(refused(io::Error::new(io::ErrorKind::NotFound, "there is no such folder")));
    }
    let temporary = temporary_in(folder).map_err(refused)?;
    let mut out = BufWriter::new(temporary);
    fill(&mut out).map_err(refused)?;
    let temporary = out.into_inner().map_err(|err| refused(err.into_error()))?;
    temporary.as_file().sync_all().map_err(refused)?;
    let moved = match existing {
        Existing::Replace => temporary.persist(path),
        // Refuses also a file that appeared since the check.
        Existing::Keep => temporary.persist_noclobber(path),
    };
    match moved {
        Ok(_) => Ok(()),
        Err(err) if err.error.kind() == io::ErrorKind::AlreadyExists => {
            Err(DataError::Exists { path: path.into() })
        }
        Err(err) => Err(refused(err.error)),
    }
}

/// A temporary file with the permissions of an ordinary one; the default is private, and
/// renaming would keep it so.
fn temporary_in(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".lane-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}
