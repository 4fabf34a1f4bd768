//! Runs `lane` in a folder of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// What a command left on its streams.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Said {
    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.code, 0, "{}", self.stderr);
        self
    }

    /// All of stdout as one JSON value.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}:\n{}", self.stdout))
    }
}

/// A folder to run in.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).unwrap()
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Names of what stands in the folder, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Runs `lane` with two threads and the words of `line`; `{built-in}` stands for the corpus,
    /// `{marian}` for a small translation model, `{peers}` for the outputs of other programs.
    pub(crate) fn lane(&self, line: &str) -> Said {
        self.lane_with(line, &[])
    }

    pub(crate) fn lane_with(&self, line: &str, environment: &[(&str, &str)]) -> Said {
        self.command(&[], line).envs(environment.iter().copied()).output().unwrap().into()
    }

    /// Begins what [`Place::lane`] runs to its end.
    pub(crate) fn start(&self, line: &str) -> Child {
        let mut command = self.command(&[], line);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// `lane` with the words of `line`, started by the program and its arguments in `under` if there
    /// are any.
    pub(crate) fn command(&self, under: &[&str], line: &str) -> Command {
        let words = line.split_whitespace().map(|it| {
            let it = it.replace("{built-in}", &fixtures("builtin"));
            let it = it.replace("{marian}", &fixtures("golden/marian"));
            it.replace("{peers}", &fixtures("peers"))
        });
        let mut all = under.iter().copied().chain([env!("CARGO_BIN_EXE_lane")]);
        let mut command = Command::new(all.next().unwrap());
        command
            .args(all)
            .args(words)
            .current_dir(self.folder.path())
            .env("RAYON_NUM_THREADS", "2")
            .env("LANE_CACHE", self.path("cache"))
            .env_remove("HF_HUB_CACHE")
            .env("NO_COLOR", "1");
        command
    }

    /// `noisy.csv`: 80 rows of the built-in corpus, 16 of them mislabelled.
    pub(crate) fn with_noise(self) -> Self {
        self.lane("noise --data {built-in}/train.csv --max-rows 80 --rate 0.2 --out noisy.csv")
            .succeeded();
        self
    }
}

pub(crate) fn fixtures(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(name);
    folder.canonicalize().unwrap().display().to_string()
}

/// The files of a run or a cache by name, but for the record with its times.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            let below = files(&entry.path()).into_iter();
            found.extend(below.map(|(file, bytes)| (format!("{name}/{file}"), bytes)));
        } else if name != "record.json" {
            found.insert(name, std::fs::read(entry.path()).unwrap());
        }
    }
    found
}

#[track_caller]
pub(crate) fn same_files(found: &Path, expected: &Path) {
    let (found, expected) = (files(found), files(expected));
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, bytes) in &expected {
        assert!(found[name] == *bytes, "{name} differs");
    }
}
