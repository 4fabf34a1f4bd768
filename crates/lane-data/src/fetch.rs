//! A data set from the hub onto disk, prepared and with a record of where it came from.
//!
//! `OUT/NAME/` gets `train.csv`, `validation.csv` and `test.csv` with the columns `text,label`, and
//! `source.json` ([`Record`]). The folder is made under another name and renamed, so it is there
//! whole or not at all.
//!
//! A file is held against the SHA-256 of the manifest; where that has none, against the one in the
//! `source.json` of the folder that is being replaced. So the first fetch records and the next one
//! checks, as long as the folder is kept.

mod clock;
mod error;
mod folder;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

pub use self::error::FetchError;
use self::folder::Target;
use crate::hub::{Hub, HubFile, Repository, Transfers};
use crate::manifest::prepare::{LocalFile, Summary, prepare};
use crate::manifest::{HubSource, Manifest, Part, Source, SourceFile, SplitRule};
use crate::read::hash_of_file;
use crate::write::Existing;

/// The contents of `source.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Name of the set.
    pub name: String,
    /// The name its authors use.
    pub title: String,
    /// Terms of use, as the manifest states them.
    pub license: String,
    /// SHA-256 of the manifest.
    pub manifest_sha256: String,
    /// The repository.
    pub repository: String,
    /// The revision that the manifest asks for; `main` where it asks for none.
    pub revision: String,
    /// The server that was asked, or would have been.
    pub endpoint: String,
    /// The program.
    pub program: String,
    /// When the set was prepared, in UTC.
    pub prepared_at: String,
    /// The files it was made from.
    pub files: Vec<FileRecord>,
    /// How rows became train, validation and test.
    pub split: SplitRule,
    /// How one label a row came about.
    pub reduction: String,
    /// What was read, left out and written.
    pub rows: Summary,
}

/// One file that a set was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// What it holds.
    pub part: Part,
    /// Its path in the repository.
    pub path: String,
    /// The commit it was taken from.
    pub commit: String,
    /// The server's name for its contents.
    pub etag: Option<String>,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// What that was held against.
    pub checked_against: Checked,
}

/// What a hash was held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Checked {
    /// The manifest.
    Manifest,
    /// The record of an earlier fetch.
    EarlierFetch,
    /// Nothing: this is the first fetch.
    Nothing,
}

/// A set that is there.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Its folder.
    pub folder: PathBuf,
    /// Where it came from.
    pub record: Record,
    /// Whether it had been there before and was left as it was.
    pub was_there: bool,
}

impl Fetched {
    /// What the record shows that a reader should know: sizes other than the official ones.
    pub fn warnings(&self, manifest: &Manifest) -> Vec<String> {
        let sizes = manifest.sizes;
        let parts = [
            ("train", sizes.train),
            ("validation", sizes.validation),
            ("test", sizes.test),
            ("all", Some(sizes.total)),
        ];
        let differs = |(part, official): (&str, Option<usize>)| {
            let (found, official) = (self.record.rows.read.get(part)?.rows, official?);
            let warning =
                format!("{part} has {found} rows at the source, the official number is {official}");
            (found != official).then_some(warning)
        };
        parts.into_iter().filter_map(differs).collect()
    }
}

/// Puts the set of `manifest` into `out/NAME`.
///
/// A finished folder of the same manifest is left as it is, unless `existing` says to replace it.
///
/// # Errors
///
/// [`FetchError::MustBeAsked`] if the set is not on the hub, [`FetchError::Occupied`] if something
/// else has the folder's name, [`FetchError::Changed`] if a file has another hash than expected;
/// [`FetchError::Hub`] and [`FetchError::Data`] for what went wrong under way.
pub fn fetch(
    manifest: &Manifest,
    out: &Path,
    existing: Existing,
    hub: &Hub,
    transfers: &mut dyn Transfers,
) -> Result<Fetched, FetchError> {
    let source = match &manifest.source {
        Source::Hub(source) => source,
        Source::Request(source) => return Err(FetchError::MustBeAsked(Box::new(source.clone()))),
    };
    let target = Target::open(out, &manifest.name)?;
    if let (Existing::Keep, Some(earlier)) = (existing, target.earlier()) {
        return if earlier.manifest_sha256 == manifest.sha256 {
            Ok(Fetched { folder: target.folder(), record: earlier.clone(), was_there: true })
        } else {
            Err(FetchError::OtherManifest { folder: target.folder() })
        };
    }
    let mut files = Vec::new();
    for file in &source.files {
        files.push(fetch_file(source, file, target.earlier(), hub, transfers)?);
    }
    let local = files.iter().map(|(record, file)| LocalFile {
        part: record.part,
        name: record.path.clone(),
        path: file.path.clone(),
    });
    let work = target.begin()?;
    let rows = prepare(source, &local.collect::<Vec<_>>(), work.path())?;
    let files = files.into_iter().map(|(record, _)| record).collect();
    let record = record(manifest, source, hub.endpoint(), files, rows);
    let folder = target.finish(work, &record)?;
    Ok(Fetched { folder, record, was_there: false })
}

fn fetch_file(
    source: &HubSource,
    file: &SourceFile,
    earlier: Option<&Record>,
    hub: &Hub,
    transfers: &mut dyn Transfers,
) -> Result<(FileRecord, HubFile), FetchError> {
    let repository = Repository::data_set(&source.repository, source.revision.as_deref());
    let found = hub.file(&repository, &file.path, transfers)?;
    let sha256 = hash_of_file(&found.path)?;
    let recorded = earlier.filter(|it| it.repository == source.repository);
    let recorded = recorded.and_then(|it| it.files.iter().find(|it| it.path == file.path));
    let (expected, checked_against) = match (&file.sha256, recorded) {
        (Some(expected), _) => (Some(expected), Checked::Manifest),
        (None, Some(recorded)) => (Some(&recorded.sha256), Checked::EarlierFetch),
        (None, None) => (None, Checked::Nothing),
    };
    if let Some(expected) = expected.filter(|expected| **expected != sha256) {
        return Err(FetchError::Changed {
            file: file.path.clone(),
            repository: source.repository.clone(),
            found: sha256,
            expected: expected.clone(),
            checked_against,
        });
    }
    let record = FileRecord {
        part: file.part,
        path: file.path.clone(),
        commit: found.commit.clone(),
        etag: found.etag.clone(),
        sha256,
        checked_against,
    };
    Ok((record, found))
}

fn record(
    manifest: &Manifest,
    source: &HubSource,
    endpoint: &str,
    files: Vec<FileRecord>,
    rows: Summary,
) -> Record {
    Record {
        name: manifest.name.clone(),
        title: manifest.title.clone(),
        license: manifest.license.clone(),
        manifest_sha256: manifest.sha256.clone(),
        repository: source.repository.clone(),
        revision: source.revision.clone().unwrap_or_else(|| "main".into()),
        endpoint: endpoint.into(),
        program: concat!("lane ", env!("CARGO_PKG_VERSION")).into(),
        prepared_at: clock::utc(SystemTime::now()),
        files,
        split: source.split,
        reduction: manifest.reduction.clone(),
        rows,
    }
}
