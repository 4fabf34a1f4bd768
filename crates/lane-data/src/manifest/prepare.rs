//! Source files in, `train.csv`, `validation.csv` and `test.csv` out.
//!
//! The files are streamed, twice where rows have to be counted before they are divided, so that a
//! set of millions of rows needs little memory. What is written is a function of the files and the
//! manifest alone.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::partition::{Split, partition};
use super::rule::{self, Dropped, Reason, Row};
use super::table::{self, RawRow};
use super::{HubSource, Part, SplitRule};
use crate::error::DataError;
use crate::place::Place;
use crate::read::hash_of_file;

/// A source file at hand.
#[derive(Clone, Debug)]
pub struct LocalFile {
    /// What it holds.
    pub part: Part,
    /// Its name at the source, whose extension tells the format.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

/// What was read and written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// By part of the source.
    pub read: BTreeMap<String, PartRead>,
    /// By part of the prepared set.
    pub written: BTreeMap<String, SplitWritten>,
}

/// What was read of a part of the source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartRead {
    /// Rows in its files.
    pub rows: usize,
    /// Rows of these that were left out.
    pub dropped: Dropped,
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitWritten {
    /// Its rows.
    pub rows: usize,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Rows of each class.
    pub labels: BTreeMap<String, usize>,
}

/// Writes the three files into `folder`, which exists.
///
/// # Errors
///
/// What [`table::rows`] refuses, [`DataError::UnlistedLabel`], [`DataError::EmptyPart`],
/// [`DataError::Write`].
pub fn prepare(
    source: &HubSource,
    files: &[LocalFile],
    folder: &Path,
) -> Result<Summary, DataError> {
    let mut writers = Writers::create(folder)?;
    let mut summary = Summary::default();
    for part in [Part::Train, Part::Validation, Part::Test, Part::All] {
        let files: Vec<_> = files.iter().filter(|file| file.part == part).collect();
        if files.is_empty() {
            continue;
        }
        let read = write_part(source, part, &files, &mut writers)?;
        summary.read.insert(name(part).into(), read);
    }
    summary.written = writers.finish()?;
    match summary.written.values().find(|split| split.rows == 0) {
        Some(_) => Err(DataError::EmptyPart {
            n_rows: summary.written.values().map(|split| split.rows).sum(),
        }),
        None => Ok(summary),
    }
}

fn name(part: Part) -> &'static str {
    match part {
        Part::Train => "train",
        Part::Validation => "validation",
        Part::Test => "test",
        Part::All => "all",
    }
}

fn write_part(
    source: &HubSource,
    part: Part,
    files: &[&LocalFile],
    writers: &mut Writers,
) -> Result<PartRead, DataError> {
    let whole = match part {
        Part::Train | Part::All => Split::Train,
        Part::Validation => Split::Validation,
        Part::Test => Split::Test,
    };
    let divided = match source.split {
        SplitRule::Official => false,
        SplitRule::HoldOut { .. } => part == Part::Train,
        SplitRule::Fractions { .. } => part == Part::All,
    };
    let places = if divided {
        let mut n_rows = 0;
        each_row(source, files, &mut |_| {
            n_rows += 1;
            Ok(())
        })?;
        partition(source.split, n_rows)?
    } else {
        None
    };
    let mut at = 0;
    each_row(source, files, &mut |row| {
        let split = places.as_ref().and_then(|it| it.get(at)).copied().unwrap_or(whole);
        at += 1;
        writers.write(split, &row)
    })
}

/// Hands every row that the rule keeps to `take`.
fn each_row(
    source: &HubSource,
    files: &[&LocalFile],
    take: &mut dyn FnMut(Row) -> Result<(), DataError>,
) -> Result<PartRead, DataError> {
    let mut read = PartRead::default();
    let mut keys = HashSet::new();
    for file in files {
        table::rows(&file.path, &file.name, &source.columns, &mut |place, raw| {
            read.rows += 1;
            match one_row(source, file, place, raw, &mut keys)? {
                Ok(row) => take(row)?,
                Err(reason) => read.dropped.count(reason),
            }
            Ok(())
        })?;
    }
    Ok(read)
}

fn one_row(
    source: &HubSource,
    file: &LocalFile,
    place: Place,
    raw: RawRow,
    keys: &mut HashSet<String>,
) -> Result<Result<Row, Reason>, DataError> {
    let row = rule::apply(source, &raw).map_err(|unknown| DataError::UnlistedLabel {
        path: PathBuf::from(&file.name),
        place,
        column: source.columns.label.clone(),
        label: unknown.label.into(),
        expected: unknown.expected.into(),
    })?;
    // Only rows that are kept take up a key.
    let is_repeated = row.is_ok() && raw.key.is_some_and(|key| !keys.insert(key));
    Ok(if is_repeated { Err(Reason::RepeatedKey) } else { row })
}

/// The three files being written.
struct Writers {
    splits: Vec<Writer>,
}

struct Writer {
    path: PathBuf,
    csv: csv::Writer<BufWriter<File>>,
    labels: BTreeMap<String, usize>,
}

impl Writers {
    fn create(folder: &Path) -> Result<Self, DataError> {
        let create = |split: Split| {
            let path = folder.join(format!("{}.csv", split.as_str()));
            let file = File::create(&path).map_err(refused(&path))?;
            let mut csv = csv::Writer::from_writer(BufWriter::new(file));
            csv.write_record(["text", "label"]).map_err(|error| refused(&path)(error.into()))?;
            Ok(Writer { path, csv, labels: BTreeMap::new() })
        };
        Ok(Self { splits: Split::ALL.into_iter().map(create).collect::<Result<_, _>>()? })
    }

    fn write(&mut self, split: Split, row: &Row) -> Result<(), DataError> {
        let Some(writer) = self.splits.get_mut(split as usize) else { return Ok(()) };
        let written = writer.csv.write_record([&row.text, &row.label]);
        written.map_err(|error| refused(&writer.path)(error.into()))?;
        match writer.labels.get_mut(&row.label) {
            Some(count) => *count += 1,
            None => {
                writer.labels.insert(row.label.clone(), 1);
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<BTreeMap<String, SplitWritten>, DataError> {
        let finish = |(split, writer): (Split, Writer)| {
            let Writer { path, csv, labels } = writer;
            let buffer = csv.into_inner().map_err(|error| refused(&path)(error.into_error()))?;
            let file = buffer.into_inner().map_err(|error| refused(&path)(error.into_error()))?;
            file.sync_all().map_err(refused(&path))?;
            let (rows, sha256) = (labels.values().sum(), hash_of_file(&path)?);
            Ok((split.as_str().to_owned(), SplitWritten { rows, sha256, labels }))
        };
        Split::ALL.into_iter().zip(self.splits).map(finish).collect()
    }
}

fn refused(path: &Path) -> impl FnOnce(io::Error) -> DataError {
    move |source| DataError::Write { path: path.into(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Manifest;
    use crate::manifest::Source;

    const DIALOGUES: &str = r#"
        title = "Dialogues as their authors publish them"
        task = "emotion"
        classes = 2
        metric = "accuracy"
        sizes = { total = 5 }
        paper = "-"
        reduction = "one row a dialogue"
        license = "none"
        citation = "none"
        confirmed = true
        [source]
        kind = "hub"
        repository = "o/n"
        clean = ["decode-commas", "collapse-spaces"]
        files = [{ part = "train", path = "a.csv" }, { part = "train", path = "b.jsonl" }, { part = "test", path = "t.tsv" }]
        columns = { text = ["prompt"], label = "context", key = "conv_id" }
        labels = { form = "name", names = ["joyful", "sad"] }
        split = { rule = "hold-out", validation = 2, seed = 7 }
    "#;

    fn source() -> HubSource {
        match Manifest::parse("dialogues", DIALOGUES).unwrap().source {
            Source::Hub(source) => *source,
            Source::Request(_) => unreachable!(),
        }
    }

    fn files(folder: &Path, contents: &[(Part, &str, &str)]) -> Vec<LocalFile> {
        let file = |(part, name, text): &(Part, &str, &str)| {
            let path = folder.join(name.replace('.', "-"));
            std::fs::write(&path, text).unwrap();
            LocalFile { part: *part, name: (*name).into(), path }
        };
        contents.iter().map(file).collect()
    }

    const TRAIN: (Part, &str, &str) = (
        Part::Train,
        "a.csv",
        "conv_id,context,prompt\n1,sad,I lost_comma_  it\n1,sad,I lost_comma_  it\n2,joyful,won\n3,sad,\n3,sad,rain\n",
    );
    const MORE: (Part, &str, &str) = (
        Part::Train,
        "b.jsonl",
        "{\"conv_id\":4,\"context\":\"joyful\",\"prompt\":\"sun\"}\n{\"conv_id\":2,\"context\":\"joyful\",\"prompt\":\"won\"}\n",
    );
    const TEST: (Part, &str, &str) =
        (Part::Test, "t.tsv", "conv_id\tcontext\tprompt\n9\tsad\tgone\n");

    #[test]
    fn parts_are_cleaned_counted_and_divided_and_no_row_is_in_two() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path(), &[TRAIN, MORE, TEST]);
        let summary = prepare(&source(), &files, folder.path()).unwrap();
        let dropped = Dropped { no_text: 1, repeated_key: 2, ..Dropped::default() };
        assert_eq!(summary.read["train"], PartRead { rows: 7, dropped });
        assert_eq!(summary.read["test"].rows, 1);
        let rows = |name: &str| {
            let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
            text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(rows("test.csv"), ["gone,sad"]);
        assert_eq!((rows("train.csv").len(), rows("validation.csv").len()), (2, 2));
        let mut all = [rows("train.csv"), rows("validation.csv")].concat();
        all.sort();
        assert_eq!(all, ["\"I lost, it\",sad", "rain,sad", "sun,joyful", "won,joyful"]);
        let again = tempfile::tempdir().unwrap();
        assert_eq!(prepare(&source(), &files, again.path()).unwrap(), summary);
    }

    #[test]
    fn a_label_that_is_not_listed_is_refused_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let odd = (Part::Test, "t.tsv", "conv_id\tcontext\tprompt\n9\tSad\tgone\n");
        let error = prepare(&source(), &files(folder.path(), &[TRAIN, odd]), folder.path());
        let message =
            "t.tsv, line 2, column `context`: found label `Sad`, expected one of joyful, sad";
        assert_eq!(error.unwrap_err().to_string(), message);
    }

    #[test]
    fn a_part_that_would_be_empty_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let few = (Part::Train, "a.csv", "conv_id,context,prompt\n1,sad,x\n2,sad,y\n");
        let error = prepare(&source(), &files(folder.path(), &[few, TEST]), folder.path());
        assert!(error.unwrap_err().to_string().starts_with("2 rows are too few"));
        let none = (Part::Test, "t.tsv", "conv_id\tcontext\tprompt\n9\tsad\t\n");
        let error = prepare(&source(), &files(folder.path(), &[TRAIN, none]), folder.path());
        assert!(matches!(error, Err(DataError::EmptyPart { .. })));
    }
}
