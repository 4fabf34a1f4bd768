//! The training within an audit, and what its epochs say.

use std::path::Path;

use lane_audit::training::{Seen, Training, TrainingLog};
use lane_data::RowId;
use lane_metrics::ClassId;
use lane_metrics::cartography::{Look, MapConfig};

use super::AuditRequest;
use crate::checkpoint;
use crate::config::Config;
use crate::dynamics::{DynamicsReader, SeenEpoch};
use crate::error::TrainError;
use crate::progress::Observer;
use crate::run::{Invocation, RunOptions, resume_with, train_with};

/// Trains in `run`; goes on with a training that was stopped there, and keeps a finished one of the
/// same settings.
pub(super) fn train(
    request: &AuditRequest,
    run: &Path,
    invocation: &Invocation,
    observer: &mut dyn Observer,
) -> Result<(), TrainError> {
    let config = request.config.clone();
    if !request.force && run.join("result.json").exists() {
        checkpoint::remove_of_finished(run);
        return keep(&config, run, observer);
    }
    let options = RunOptions { force: request.force, every: request.every };
    let result = if !request.force && checkpoint::exist(run) {
        resume_with(config, run, request.every, invocation, observer)
    } else {
        train_with(config, run, options, invocation, observer)
    };
    result.map(drop)
}

/// A finished training of the same settings is kept, of others refused.
fn keep(config: &Config, run: &Path, observer: &mut dyn Observer) -> Result<(), TrainError> {
    let trained = Config::resolve(Some(&run.join("config.toml")), &[])?;
    // A run names the thesaurus it found, which changes nothing where no view needs one.
    let mut asked = config.clone();
    asked.views.thesaurus.clone_from(&trained.views.thesaurus);
    if trained != asked {
        return Err(TrainError::OutputExists { path: run.into() });
    }
    observer.note(&format!("the finished training in `{}` is kept", run.display()));
    Ok(())
}

/// What the epochs of a run's last training say of each of `n_rows` rows.
pub(super) fn log(run: &Path, n_rows: usize) -> Result<Training, TrainError> {
    let path = run.join("dynamics.parquet");
    let mut reader = DynamicsReader::open(&path)?;
    let counted = reader.map_epochs();
    let mut log = TrainingLog::new(n_rows, MapConfig::default())?;
    while let Some(epoch) = reader.next_epoch()? {
        if counted.is_none_or(|(first, last)| (first..=last).contains(&epoch.epoch)) {
            log.add_epoch(epoch.epoch, &seen(&epoch))?;
        }
    }
    Ok(log.finish())
}

fn seen(epoch: &SeenEpoch) -> Vec<Seen> {
    let of_row = |at: usize| Seen {
        row: RowId(epoch.rows[at]),
        margin: epoch.margins[at],
        label_aware_margin: epoch.label_aware_margins[at],
        look: Some(Look {
            p_label: f64::from(epoch.p_labels[at]),
            correct: epoch.predicted[at] == epoch.labels[at],
        }),
        predicted: Some(ClassId(epoch.predicted[at])),
        weight: Some(epoch.weights[at]),
    };
    (0..epoch.rows.len()).map(of_row).collect()
}
