//! A small corpus of our own, and runs over it.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use arrow::array::{UInt16Array, UInt32Array};
use lane_train::record::{Program, RunResult};
use lane_train::run::Invocation;
use lane_train::{Config, MethodName, Observer, Setting, TrainError, train};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

const CLASSES: [(&str, [&str; 4]); 3] = [
    ("bird", ["wren", "heron", "plover", "finch"]),
    ("metal", ["copper", "nickel", "pewter", "zinc"]),
    ("weather", ["drizzle", "thunder", "frost", "haze"]),
];
const ADJECTIVES: [&str; 5] = ["small", "old", "bright", "distant", "plain"];
const VERBS: [&str; 5] = ["saw", "wrote about", "photographed", "dreamt of", "looked for"];

pub(crate) const N_TRAIN: usize = 40;

/// Three classes: 40 rows to learn from with every fifth label wrong, 12 to choose by, 12 to score.
pub(crate) struct Corpus {
    folder: TempDir,
}

impl Corpus {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let corpus = Self { folder };
        corpus.write("train.csv", &rows("train", 0, N_TRAIN, |row| usize::from(row % 5 == 4)));
        corpus.write("clean.csv", &rows("clean", 0, 16, |_| 0));
        corpus.write("validation.csv", &rows("validation", 61, 12, |_| 0));
        corpus.write("test.csv", &rows("test", 83, 12, |_| 0));
        let two = rows("two", 0, N_TRAIN, |_| 0);
        let two: Vec<_> = two.lines().filter(|line| !line.ends_with("weather")).collect();
        corpus.write("two.csv", &two.join("\n"));
        let scrambled = rows("test", 83, 12, |row| 1 + row % 2);
        let without_gold: Vec<_> =
            scrambled.lines().map(|line| line.rsplit_once(',').unwrap().0).collect();
        corpus.write("scrambled.csv", &without_gold.join("\n"));
        corpus
    }

    pub(crate) fn write(&self, name: &str, rows: &str) {
        std::fs::write(self.path(name), rows).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Two epochs of `tiny` on all three files, `settings` on top.
    pub(crate) fn config(&self, method: MethodName, settings: &[&str]) -> Config {
        let mut all = vec![Setting::new("method", method.as_str())];
        for split in ["train", "validation", "test"] {
            let path = self.path(&format!("{split}.csv"));
            all.push(Setting::new(format!("data.{split}"), path.display().to_string()));
        }
        let usual =
            ["device=flex", "training.epochs=2", "training.batch_size=8", "model.max_length=16"];
        all.extend(usual.iter().chain(settings).map(|text| text.parse().unwrap()));
        Config::resolve(None, &all).unwrap()
    }

    /// Runs into the folder `name` of the corpus.
    pub(crate) fn run(&self, name: &str, config: Config) -> Result<Run, TrainError> {
        let path = self.path(name);
        let program = Program { version: "test".into(), ..Program::default() };
        let invocation = Invocation { program, command: Vec::new() };
        let mut notes = Notes::default();
        let result = train(config, &path, false, &invocation, &mut notes)?;
        Ok(Run { path, result, notes: notes.0 })
    }
}

/// Keeps what a run says to its user.
#[derive(Default)]
struct Notes(Vec<String>);

impl Observer for Notes {
    fn note(&mut self, text: &str) {
        self.0.push(text.into());
    }
}

/// A finished run.
pub(crate) struct Run {
    pub(crate) path: PathBuf,
    pub(crate) result: RunResult,
    pub(crate) notes: Vec<String>,
}

/// One line of `labels.csv`.
#[derive(Debug, Deserialize)]
pub(crate) struct Listed {
    pub(crate) row: u32,
    pub(crate) label: String,
    pub(crate) score: f64,
    pub(crate) weight: f64,
    pub(crate) flagged: u8,
    pub(crate) reason: String,
}

/// One row of one epoch in `dynamics.parquet`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) epoch: u32,
    pub(crate) row: u32,
    pub(crate) label: u16,
}

impl Run {
    /// `labels.csv` in the order of the rows.
    pub(crate) fn labels(&self) -> Vec<Listed> {
        let mut table = csv::Reader::from_path(self.path.join("labels.csv")).unwrap();
        let mut lines: Vec<Listed> = table.deserialize().map(Result::unwrap).collect();
        lines.sort_by_key(|line| line.row);
        lines
    }

    /// `dynamics.parquet`, epoch by epoch.
    pub(crate) fn dynamics(&self) -> Vec<Look> {
        let file = std::fs::File::open(self.path.join("dynamics.parquet")).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
        let mut looks = Vec::new();
        for batch in reader.map(Result::unwrap) {
            let numbers = |name: &str| -> &UInt32Array {
                batch.column_by_name(name).unwrap().as_any().downcast_ref().unwrap()
            };
            let labels = batch.column_by_name("label").unwrap();
            let labels: &UInt16Array = labels.as_any().downcast_ref().unwrap();
            let places = numbers("epoch").values().iter().zip(numbers("row").values());
            looks.extend(places.zip(labels.values()).map(|((&epoch, &row), &label)| Look {
                epoch,
                row,
                label,
            }));
        }
        looks
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        let path = self.path.join(name);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The lines of `metrics.jsonl` of one split.
    pub(crate) fn metrics(&self, split: &str) -> Vec<Value> {
        let text = String::from_utf8(self.bytes("metrics.jsonl")).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["split"] == split).collect()
    }
}

/// Rows `first..first + n` of an endless list, the class of each moved on by `wrong`.
fn rows(prefix: &str, first: usize, n: usize, wrong: impl Fn(usize) -> usize) -> String {
    let mut text = String::from("id,text,label,gold\n");
    for row in first..first + n {
        let class = row % CLASSES.len();
        let (gold, words) = CLASSES[class];
        let given = CLASSES[(class + wrong(row)) % CLASSES.len()].0;
        let (word, adjective) = (words[row / 3 % 4], ADJECTIVES[row * 7 / 4 % 5]);
        let verb = VERBS[row * 11 / 5 % 5];
        writeln!(text, "{prefix}-{row},I {verb} the {adjective} {word} again,{given},{gold}")
            .unwrap();
    }
    text
}

/// An error and its causes, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Names of what stands in a folder, sorted.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
