//! What can go wrong in a run, and whether anything had been started by then.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use lane_audit::{AuditError, RankingError};
use lane_data::hub::HubError;
use lane_data::open::is_wrong_place;
use lane_data::shown::shown;
use lane_data::{DataError, RowId};
use lane_losses::LossError;
use lane_metrics::MetricsError;
use lane_models::ModelError;

use crate::device::DeviceName;
use crate::divergence::{Fault, Place, WayBack, listed};
use crate::exchange::ExchangeError;
use crate::setting::Setting;

/// An error of training, scoring or reading a run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A setting has a value that cannot be meant.
    #[error("`{}` is {}, expected {expected}", shown(.key), shown(.found))]
    Setting {
        /// Dotted name of the setting, as `--set` takes it.
        key: String,
        /// The value found.
        found: String,
        /// What would do.
        expected: String,
    },
    /// The configuration does not parse; the message names the key and its place.
    #[error("failed to read the configuration{}: {message}", .path.as_ref().map(|path| format!(" `{}`", path.display())).unwrap_or_default())]
    Config {
        /// The file, if it came from one.
        path: Option<PathBuf>,
        /// What the parser said.
        message: String,
    },
    /// A table of similarities that does not fit the classes of the data.
    #[error("{}, {message}", .path.display())]
    Similarity {
        /// The table.
        path: PathBuf,
        /// Where, what was found, and what was expected.
        message: String,
    },
    /// A data file cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// An encoder or a saved model cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// An audit cannot be made, read or written.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// A finished audit stands where this one would be written.
    #[error("`{}` already holds a finished audit", .path.display())]
    AuditExists {
        /// The folder.
        path: PathBuf,
    },
    /// A file of another program, or for one, cannot be used.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// A setting of a loss that has no meaning.
    #[error(transparent)]
    Loss(#[from] LossError),
    /// Settings or data that a method is not defined for.
    #[error("method `{method}`: {source}")]
    Refused {
        /// Its name.
        method: &'static str,
        /// What is wrong.
        source: MetricsError,
    },
    /// Logits or labels that the arithmetic refuses.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The network produced a value that is no number: training diverged.
    #[error(
        "training diverged in epoch {epoch}, step {step}: {what} became NaN or infinite for rows {rows}{}",
        .way_back.as_ref().map(|way_back| format!("; {way_back}")).unwrap_or_default()
    )]
    NotFinite {
        /// Epoch, from 1.
        epoch: u32,
        /// Step within the epoch, from 1.
        step: usize,
        /// Which quantity.
        what: Cow<'static, str>,
        /// Ids of the rows concerned.
        rows: String,
        /// Where the run can be taken up; none where it is kept nowhere.
        way_back: Option<Box<WayBack>>,
    },
    /// A network that is not being trained gave rows logits that are no numbers.
    #[error("the logits of {network} are NaN or infinite for rows {rows} of split `{split}`")]
    LogitsNotFinite {
        /// Which network.
        network: String,
        /// Which split.
        split: &'static str,
        /// Ids of the rows concerned.
        rows: String,
    },
    /// Two parts of a run do not belong together.
    #[error("{found}; expected {expected}")]
    Mismatch {
        /// What was found.
        found: String,
        /// What would do.
        expected: String,
    },
    /// A line of a list of cells that cannot be run here.
    #[error("`{}` line {line}: {message}", .path.display())]
    Cell {
        /// The list.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What was found, and what was expected.
        message: String,
    },
    /// A finished run stands where this one would be written.
    #[error("`{}` already holds a finished run", .path.display())]
    OutputExists {
        /// The folder.
        path: PathBuf,
    },
    /// A training that cannot fit into memory.
    #[error("training needs at least {:.2} GB of memory, and {:.2} GB can be had", *needed as f64 / 1e9, *available as f64 / 1e9)]
    Memory {
        /// Bytes that it takes at least.
        needed: u64,
        /// Bytes there are.
        available: u64,
        /// What takes less.
        advice: &'static str,
    },
    /// Another process writes where this run would be written.
    #[error("another process is writing to `{}`; expected one at a time", .path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// A run that was stopped stands where this one would be written.
    #[error("`{}` holds a run that was stopped and can go on", .path.display())]
    Unfinished {
        /// The folder.
        path: PathBuf,
    },
    /// The run was told to stop, and can go on.
    #[error("stopped in epoch {epoch} after {n_steps} steps; all of it is kept in `{}`", .path.display())]
    Stopped {
        /// The run folder.
        path: PathBuf,
        /// Epoch, from 1.
        epoch: u32,
        /// Steps taken, counted through all phases.
        n_steps: u64,
    },
    /// The run was told to stop between its folds, and can go on from its last checkpoint.
    #[error("stopped after {n_done} folds, which will be trained again, in `{}`", .path.display())]
    StoppedInFolds {
        /// The run folder.
        path: PathBuf,
        /// Folds trained.
        n_done: usize,
    },
    /// The run was told to stop while another process was at it.
    #[error("stopped while waiting for the process at `{}`", .path.display())]
    StoppedWaiting {
        /// The run folder.
        path: PathBuf,
    },
    /// A checkpoint that cannot be gone on from.
    #[error("checkpoint `{}` cannot be used: {message}", .path.display())]
    Checkpoint {
        /// Its folder, or the file in it.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// No device has this name.
    #[error("device `{found}` is not known, expected one of {expected}")]
    Device {
        /// Name given.
        found: String,
        /// The names there are.
        expected: &'static str,
    },
    /// The device asked for is not in this build.
    #[error(
        "device `{device}` is not in this build; `cargo build --release --features {feature}` makes one that has it"
    )]
    DeviceNotBuilt {
        /// Name given.
        device: DeviceName,
        /// The feature that builds it.
        feature: &'static str,
    },
    /// The device asked for is not on this machine, or its driver does not open it.
    #[error("device `{device}` cannot be used on this machine: {reason}")]
    DeviceMissing {
        /// Name given.
        device: DeviceName,
        /// What is missing.
        reason: String,
    },
    /// An encoder on the hub could not be fetched.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// A part of the program that is not in this build.
    #[error(
        "{what} is not in this build; `cargo build --release -p lane --features {feature}` makes one that has it"
    )]
    NotBuilt {
        /// What was asked for.
        what: &'static str,
        /// The feature that builds it.
        feature: &'static str,
    },
    /// A translation model cannot be used.
    #[cfg(feature = "translate")]
    #[error(transparent)]
    Translate(#[from] lane_translate::TranslateError),
    /// The trained classifier could not be written.
    #[error("failed to save the model")]
    Save(#[source] ModelError),
    /// The trained classifier's tokenizer could not be written.
    #[error("failed to save the tokenizer")]
    SaveTokenizer(#[source] DataError),
    /// A file could not be read or written.
    #[error("failed to {action} `{}`", .path.display())]
    Io {
        /// `read`, `write`, `create`, …
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl From<RankingError> for TrainError {
    fn from(error: RankingError) -> Self {
        Self::Audit(error.into())
    }
}

impl TrainError {
    /// Whether the fault lies in what the user gave, found before anything ran (exit code 2).
    pub fn is_usage(&self) -> bool {
        match self {
            #[cfg(feature = "translate")]
            Self::Translate(error) => error.is_usage(),
            Self::Data(error) => error.is_usage(),
            Self::Io { action: "create", source, .. }
            | Self::Model(ModelError::Io { action: "create", source, .. }) => {
                is_wrong_place(source)
            }
            Self::Model(ModelError::Io { action: "write", .. }) => false,
            Self::Io { action: "read", .. }
            | Self::Model(_)
            | Self::Setting { .. }
            | Self::Config { .. }
            | Self::Similarity { .. }
            | Self::Exchange(_)
            | Self::Audit(AuditError::Ranking(_) | AuditError::NoScore { .. })
            | Self::AuditExists { .. }
            | Self::Loss(_)
            | Self::Refused { .. }
            | Self::Mismatch { .. }
            | Self::Cell { .. }
            | Self::OutputExists { .. }
            | Self::InUse { .. }
            | Self::Unfinished { .. }
            | Self::Memory { .. }
            | Self::Device { .. }
            | Self::DeviceNotBuilt { .. }
            | Self::DeviceMissing { .. }
            | Self::NotBuilt { .. } => true,
            _ => false,
        }
    }

    /// Whether the run was told to stop; nothing is wrong with it.
    pub fn is_stop(&self) -> bool {
        matches!(
            self,
            Self::Stopped { .. } | Self::StoppedInFolds { .. } | Self::StoppedWaiting { .. }
        )
    }

    /// One remedy, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Data(error) => error.hint(),
            Self::Exchange(error) => error.hint(),
            Self::Similarity { .. } => Some(
                "the first row names every class of the data once, then follows one row for each, in the same order".into(),
            ),
            Self::OutputExists { .. } | Self::AuditExists { .. } => Some("choose another --out, or give --force".into()),
            Self::InUse { .. } => Some("wait until it has ended, or choose another --out".into()),
            Self::Memory { advice, .. } => Some(format!("try {advice}")),
            Self::Unfinished { path } => Some(format!(
                "`lane train --resume {}` goes on with it, --force starts over",
                path.display()
            )),
            Self::Stopped { path, .. } | Self::StoppedInFolds { path, .. } => {
                Some(format!("`lane train --resume {}` goes on", path.display()))
            }
            Self::Checkpoint { .. } => {
                Some("to begin the run anew, remove its folder `checkpoint`".into())
            }
            // A part of the dynamics, of which there is one copy.
            Self::Io { action: "read back", .. } => Some(
                "no checkpoint of the run can do without it: put it back, or remove the folder `checkpoint` to begin anew".into(),
            ),
            Self::NotFinite { way_back: Some(way_back), .. } => Some(way_back.hint()),
            Self::NotFinite { .. } => {
                Some("try a lower --lr, or `--set training.clip_norm=0.5`".into())
            }
            Self::Hub(error) => error
                .hint()
                .map(Into::into)
                .or_else(|| Some("download it once and give its folder as --encoder".into())),
            Self::Device { .. } | Self::DeviceNotBuilt { .. } | Self::DeviceMissing { .. } => {
                Some("`lane devices` lists what this build and this machine offer".into())
            }
            _ => None,
        }
    }

    /// A fault of training, with the rows by the ids they have in their file.
    pub(crate) fn diverged(fault: &Fault, id: impl Fn(RowId) -> String) -> Self {
        let Fault { place, what, rows } = fault;
        let (what, rows) = (what.clone().into(), listed(rows, id));
        Self::NotFinite { epoch: place.epoch, step: place.step, what, rows, way_back: None }
    }

    /// Logits of a scoring pass within training, as a fault of training.
    pub(crate) fn in_training(self, place: Place) -> Self {
        let Self::LogitsNotFinite { network, split, rows } = self else { return self };
        let what = format!("the logits of {network} on split `{split}`").into();
        Self::NotFinite { epoch: place.epoch, step: place.step, what, rows, way_back: None }
    }

    /// The same, with where the run can be taken up.
    pub(crate) fn with_way_back(self, found: impl FnOnce() -> Option<WayBack>) -> Self {
        let Self::NotFinite { epoch, step, what, rows, way_back: None } = self else { return self };
        Self::NotFinite { epoch, step, what, rows, way_back: found().map(Box::new) }
    }

    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }

    /// What the parser of TOML says, with the place; the line itself may be of any length.
    pub(crate) fn toml(path: &Path, text: &str, error: &toml::de::Error) -> Self {
        let at = error.span().map(|span| place_in(text, span.start));
        let reason = error.message().trim_end();
        let message = at.map_or_else(|| reason.into(), |at| format!("{at}: {reason}"));
        Self::Config { path: Some(path.into()), message }
    }

    /// Names the file where it is the file that has the setting at fault.
    pub(crate) fn named(self, path: &Path, table: &toml::Table, settings: &[Setting]) -> Self {
        let Self::Setting { key, .. } = &self else { return self };
        let mut parts = key.split('.');
        let first = parts.next().and_then(|part| table.get(part));
        let held = parts.fold(first, |at, part| at?.get(part));
        if held.is_none() || settings.iter().any(|setting| setting.key() == key) {
            return self;
        }
        Self::Config { path: Some(path.into()), message: self.to_string() }
    }

    pub(crate) fn setting(key: &str, found: impl ToString, expected: impl Into<String>) -> Self {
        Self::Setting { key: key.into(), found: found.to_string(), expected: expected.into() }
    }
}

/// Line and character of a byte.
fn place_in(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    format!("line {line}, character {}", before[start..].chars().count() + 1)
}
