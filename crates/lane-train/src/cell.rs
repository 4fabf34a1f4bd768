//! One cell of a [grid](crate::grid): a run that says by itself what it is made of.
//!
//! ```text
//! id = sha256( format, configuration without places of files, hashes of input files )
//! ```
//!
//! The id knows a cell again wherever its files lie and whatever it is called. To run a cell is safe to
//! repeat and to do in several processes at once: what is finished is kept, what is not is run by the
//! first to come while the others wait, and a folder that holds another cell is not touched.
//!
//! A line that another version of lane wrote is refused, never run under other settings than it says:
//! fields it does not know are an error, and defaults that changed change the id.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::checkpoint::{self, Every};
use crate::config::Config;
use crate::encoder::{self, EncoderSource};
use crate::error::TrainError;
use crate::progress::Observer;
use crate::record::RunResult;
use crate::run::{Invocation, RunOptions, resume_with, train_with};
use crate::run_folder::RunFolder;

/// The form of a line. It grows when the meaning of a field changes.
pub const FORMAT: u32 = 1;
/// How long to wait before asking again whether another process is done with a cell.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(50);

/// Hashes of what a cell reads, by role: `train`, `validation`, `test`, `encoder`,
/// `back-translation`.
pub type Inputs = BTreeMap<String, String>;

/// One line of `cells.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// [`FORMAT`] of the program that wrote it.
    pub format: u32,
    /// What it is made of, hashed.
    pub id: String,
    /// Where it stands in tables.
    pub place: Place,
    /// The run folder; as all paths, from the folder of the list if it is not absolute.
    pub out: PathBuf,
    /// Every setting.
    pub config: Config,
    /// Hashes of what it reads.
    pub inputs: Inputs,
}

/// Where a cell stands in tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The data set.
    pub dataset: String,
    /// Share of its labels made wrong.
    pub noise: f64,
    /// The method, or what a variant of it is called.
    pub variant: String,
    /// The run's seed.
    pub seed: u64,
}

/// What became of a cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It was run now.
    Ran(Box<RunResult>),
    /// It was finished before.
    Kept,
}

/// Who runs a cell, and whether it may be kept.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The list.
    pub list: &'a Path,
    /// The cell's line, from 0.
    pub index: usize,
    /// Run it again although it is finished.
    pub force: bool,
    /// How often a checkpoint is written; absent = as the run was begun, [`Every::default`] at first.
    pub every: Option<Every>,
    /// For the record.
    pub invocation: &'a Invocation,
}

impl Cell {
    /// A cell and its id.
    ///
    /// # Errors
    ///
    /// [`TrainError::Config`] if a setting cannot be written.
    pub fn new(place: Place, config: Config, inputs: Inputs) -> Result<Self, TrainError> {
        let out = Path::new("runs")
            .join(&place.dataset)
            .join(format!("noise-{}", place.noise))
            .join(&place.variant)
            .join(format!("seed-{}", place.seed));
        let mut cell = Self { format: FORMAT, id: String::new(), place, out, config, inputs };
        cell.id = cell.hash()?;
        Ok(cell)
    }

    /// The cell on line `index`, counted from 0.
    ///
    /// # Errors
    ///
    /// [`TrainError::Io`]; [`TrainError::Cell`] where there is no such line, or one of another version.
    pub fn read(list: &Path, index: usize) -> Result<Self, TrainError> {
        let file = lane_data::open::ordinary(list).map_err(TrainError::io("read", list))?;
        let mut n_lines = 0;
        for (at, line) in BufReader::new(file).split(b'\n').enumerate() {
            let line = line.map_err(TrainError::io("read", list))?;
            if at == index {
                let refused =
                    |message| TrainError::Cell { path: list.into(), line: at + 1, message };
                let line = std::str::from_utf8(&line)
                    .map_err(|error| refused(format!("not valid UTF-8: {error}")))?;
                return Self::of_line(line).map_err(refused);
            }
            n_lines = at + 1;
        }
        let expected = format!("an index below the {n_lines} cells of `{}`", list.display());
        Err(TrainError::setting("--index", index, expected))
    }

    fn of_line(line: &str) -> Result<Self, String> {
        const REMEDY: &str = "`lane cells` writes the list anew";
        let value: Value = serde_json::from_str(line).map_err(|error| {
            let (at, message) = (error.column(), error.to_string());
            let reason = message.split(" at line ").next().unwrap_or(&message);
            format!("broken JSON at character {at}: {reason}")
        })?;
        match value.get("format").and_then(Value::as_u64) {
            Some(format) if format == u64::from(FORMAT) => {}
            found => {
                let found = found.map_or("no number".into(), |found| found.to_string());
                return Err(format!("format {found}, expected {FORMAT}; {REMEDY}"));
            }
        }
        let cell: Self = serde_json::from_value(value)
            .map_err(|error| format!("{error}, so another version of lane wrote it; {REMEDY}"))?;
        let hash = cell.hash().map_err(|error| error.to_string())?;
        if hash == cell.id {
            return Ok(cell);
        }
        Err(format!(
            "the cell says it is {} and hashes to {hash}: it was changed by hand, or written by a \
             version of lane with other settings; {REMEDY}",
            cell.id
        ))
    }

    /// Of everything that can be seen in a result but where files lie.
    fn hash(&self) -> Result<String, TrainError> {
        let config = without_places(&self.config)?;
        let mut whole = json!({"format": self.format, "config": config, "inputs": self.inputs});
        whole.sort_all_objects();
        Ok(crate::hex(&Sha256::digest(whole.to_string()))[..32].into())
    }

    /// Whether every input is what the cell was made for.
    fn check_inputs(&self, config: &Config) -> Result<(), TrainError> {
        for (role, name) in files_of(config) {
            let (found, expected) = (hash_of(role, &name)?, self.inputs.get(role));
            if found.as_ref() != expected {
                return Err(TrainError::Mismatch {
                    found: format!("{role} `{name}` with hash {}", found.unwrap_or_default()),
                    expected: format!(
                        "{}, which the cell was made for",
                        expected.map_or("none", String::as_str)
                    ),
                });
            }
        }
        Ok(())
    }
}

/// Runs a cell, or keeps what is finished.
///
/// # Errors
///
/// As [`Cell::read`]; [`TrainError::Mismatch`] where an input changed or the run folder holds another
/// cell; and whatever the run itself ends with, which is kept in `failed.json`.
pub fn run(request: &Request<'_>, observer: &mut dyn Observer) -> Result<Outcome, TrainError> {
    let Request { list, index, force, every, invocation } = *request;
    let cell = Cell::read(list, index)?;
    let base = list.parent().unwrap_or(Path::new(""));
    let (out, config) = (base.join(&cell.out), seen_from(base, cell.config.clone()));
    std::fs::create_dir_all(&out).map_err(TrainError::io("create", &out))?;
    let _lock = lock(&out, observer)?;
    let folder = RunFolder::at(&out);
    refuse_another(&folder, &cell, force)?;
    if !force && folder.file("result.json").exists() {
        checkpoint::remove_of_finished(&out);
        return Ok(Outcome::Kept);
    }
    cell.check_inputs(&config)?;
    folder.write_json("cell.json", &cell)?;
    let failed = folder.file("failed.json");
    // A run that was stopped goes on: it is of this cell, and its inputs are the cell's.
    let ran = if !force && checkpoint::exist(&out) {
        resume_with(config, &out, every, invocation, observer)
    } else {
        train_with(config, &out, RunOptions { force, every }, invocation, observer)
    };
    match ran {
        Ok(result) => {
            if failed.exists() {
                std::fs::remove_file(&failed).map_err(TrainError::io("remove", &failed))?;
            }
            Ok(Outcome::Ran(Box::new(result)))
        }
        // It can go on, or another process is at it.
        Err(error) if error.is_stop() || matches!(error, TrainError::InUse { .. }) => Err(error),
        Err(error) => {
            folder.write_json("failed.json", &json!({"id": cell.id, "error": chain(&error)}))?;
            Err(error)
        }
    }
}

/// One process at a time: the lock goes with the process, however it ends.
///
/// Asked for again and again, since a signal does not end the wait of the system.
fn lock(out: &Path, observer: &mut dyn Observer) -> Result<File, TrainError> {
    let path = out.join(".lock");
    let file = File::create(&path).map_err(TrainError::io("create", &path))?;
    let mut is_said = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(TrainError::io("lock", path)(error)),
            Err(TryLockError::WouldBlock) if observer.is_to_stop() => {
                return Err(TrainError::StoppedWaiting { path: out.into() });
            }
            Err(TryLockError::WouldBlock) => {}
        }
        if !is_said {
            observer.note("another process is at this cell; waiting for it");
            is_said = true;
        }
        std::thread::sleep(BETWEEN_ATTEMPTS);
    }
}

fn refuse_another(folder: &RunFolder, cell: &Cell, force: bool) -> Result<(), TrainError> {
    let path = folder.file("cell.json");
    let Ok(text) = std::fs::read_to_string(&path) else { return Ok(()) };
    let found: Option<Value> = serde_json::from_str(&text).ok();
    let found = found.as_ref().and_then(|found| found.get("id")?.as_str()).unwrap_or("no cell");
    if force || found == cell.id {
        return Ok(());
    }
    Err(TrainError::Mismatch {
        found: format!("`{}` holds cell {found}, of other settings or data", path.display()),
        expected: format!("cell {} or an empty folder; --force writes over it", cell.id),
    })
}

fn chain(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(Some(error), |error| error.source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The same settings, with places of files that stand from the folder `base`.
pub(crate) fn seen_from(base: &Path, mut config: Config) -> Config {
    config.data.train = base.join(&config.data.train);
    let others =
        [&mut config.data.validation, &mut config.data.test, &mut config.views.back_translation];
    for path in others {
        *path = path.take().map(|path| base.join(path));
    }
    if let EncoderSource::Folder(folder) = EncoderSource::from(config.model.encoder.as_str()) {
        config.model.encoder = base.join(folder).display().to_string();
    }
    config
}

/// Settings as JSON, without those that say where files lie.
pub(crate) fn without_places(config: &Config) -> Result<Value, TrainError> {
    let mut value = serde_json::to_value(config)
        .map_err(|error| TrainError::Config { path: None, message: error.to_string() })?;
    for (role, _) in files_of(config) {
        let (section, key) = setting_of(role);
        if let Some(section) = value.get_mut(section).and_then(Value::as_object_mut) {
            section.remove(key);
        }
    }
    Ok(value)
}

/// What a run reads, by role; `tiny` is made, not read, and a hub's encoder is as good as a folder.
pub(crate) fn files_of(config: &Config) -> Vec<(&'static str, String)> {
    let text = |path: &Path| path.display().to_string();
    let mut files = vec![("train", text(&config.data.train))];
    let others = [
        ("validation", &config.data.validation),
        ("test", &config.data.test),
        ("back-translation", &config.views.back_translation),
    ];
    files.extend(others.iter().filter_map(|(role, path)| Some((*role, text(path.as_deref()?)))));
    let encoder = &config.model.encoder;
    if EncoderSource::from(encoder.as_str()) != EncoderSource::Tiny {
        files.push(("encoder", encoder.clone()));
    }
    files
}

/// Section and key of the setting that names the file of a role.
fn setting_of(role: &str) -> (&'static str, &'static str) {
    match role {
        "validation" => ("data", "validation"),
        "test" => ("data", "test"),
        "back-translation" => ("views", "back_translation"),
        "encoder" => ("model", "encoder"),
        _ => ("data", "train"),
    }
}

/// The hash of an input.
///
/// # Errors
///
/// [`TrainError::Data`] or [`TrainError::Io`] if it cannot be read.
pub(crate) fn hash_of(role: &str, name: &str) -> Result<Option<String>, TrainError> {
    match role {
        "encoder" => encoder::fingerprint_of(name),
        _ => Ok(Some(lane_data::read::hash_of_file(Path::new(name))?)),
    }
}

#[cfg(test)]
mod tests;
