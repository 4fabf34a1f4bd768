//! The copy with other labels: written under another name, read back, compared, then renamed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use lane_data::read::{self, LabelPolicy};
use lane_data::write::Existing;
use lane_data::{Columns, DataError, Dataset, LabelSet};
use tempfile::NamedTempFile;

use super::{delimited, json_lines, parquet};
use crate::error::ReviewError;

/// Where the copy goes.
pub(super) struct Target<'a> {
    pub(super) path: &'a Path,
    pub(super) existing: Existing,
    /// Whether it will never be renamed.
    pub(super) dry_run: bool,
}

pub(super) fn refuse_existing(path: &Path, existing: Existing) -> Result<(), ReviewError> {
    if existing == Existing::Keep && path.exists() {
        return Err(DataError::Exists { path: path.into() }.into());
    }
    Ok(())
}

/// A copy of `source` with these labels, by row, that has no name yet.
pub(super) fn make(
    source: &Path,
    columns: &Columns,
    labels: &BTreeMap<usize, &str>,
    target: &Target<'_>,
) -> Result<NamedTempFile, ReviewError> {
    let extension = source.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let temporary = temporary(target, &extension)
        .map_err(|source| DataError::Write { path: target.path.into(), source })?;
    let label = columns.label.as_str();
    if extension == "parquet" {
        parquet::relabel(source, temporary.as_file(), label, labels)?;
    } else {
        let read = |error| DataError::Read { path: source.into(), source: error };
        let bytes = std::fs::read(source).map_err(read)?;
        let relabelled = match extension.as_str() {
            "csv" => delimited::relabel(&bytes, b',', label, labels),
            "tsv" => delimited::relabel(&bytes, b'\t', label, labels),
            "jsonl" | "ndjson" => json_lines::relabel(&bytes, label, labels),
            _ => return Err(DataError::UnknownFormat { path: source.into(), extension }.into()),
        };
        put(temporary.as_file(), &relabelled)
            .map_err(|source| DataError::Write { path: target.path.into(), source })?;
    }
    compare(source, temporary.path(), columns, labels)?;
    Ok(temporary)
}

/// In the folder of the target, so that it can be renamed; elsewhere where nothing is to be left.
fn temporary(target: &Target<'_>, extension: &str) -> io::Result<NamedTempFile> {
    let suffix = format!(".{extension}");
    let mut builder = tempfile::Builder::new();
    builder.prefix(".lane-").suffix(&suffix);
    if target.dry_run {
        return builder.tempfile();
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    match target.path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => builder.tempfile_in(folder),
        _ => builder.tempfile_in("."),
    }
}

fn put(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)
}

/// The copy must read as the source does but for the labels that were to change.
fn compare(
    source: &Path,
    copy: &Path,
    columns: &Columns,
    labels: &BTreeMap<usize, &str>,
) -> Result<(), ReviewError> {
    let before = read::dataset(source, columns, LabelPolicy::Discover)?;
    let names = before.labels.names().iter().map(String::as_str);
    let all = LabelSet::discover(names.chain(labels.values().copied()))?;
    let after = read::dataset(copy, columns, LabelPolicy::Known(&all))?;
    let differs = |row: &usize| !is_as_meant(*row, &before, &after, labels.get(row).copied());
    let n_rows = before.n_rows().max(after.n_rows());
    match (0..n_rows).find(differs) {
        Some(row) => Err(ReviewError::NotAsMeant { path: source.into(), row }),
        None => Ok(()),
    }
}

fn is_as_meant(row: usize, before: &Dataset, after: &Dataset, label: Option<&str>) -> bool {
    let (Some(old), Some(new)) = (before.examples.get(row), after.examples.get(row)) else {
        return false;
    };
    let gold = |set: &Dataset, gold: Option<lane_data::ClassId>| {
        gold.map(|class| set.labels.name(class).to_owned())
    };
    let expected = label.unwrap_or(before.labels.name(old.label));
    (&old.id, &old.text) == (&new.id, &new.text)
        && after.labels.name(new.label) == expected
        && gold(before, old.gold) == gold(after, new.gold)
}

/// Gives the copy its name.
pub(super) fn rename(temporary: NamedTempFile, target: &Target<'_>) -> Result<(), ReviewError> {
    let refused = |source| DataError::Write { path: target.path.into(), source };
    temporary.as_file().sync_all().map_err(refused)?;
    let moved = match target.existing {
        Existing::Replace => temporary.persist(target.path),
        // Refuses also a file that appeared since the check.
        Existing::Keep => temporary.persist_noclobber(target.path),
    };
    match moved {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            Err(DataError::Exists { path: target.path.into() }.into())
        }
        Err(error) => Err(refused(error.error).into()),
    }
}
