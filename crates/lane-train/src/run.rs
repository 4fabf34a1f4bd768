//! One run from configuration to run folder.

use std::path::Path;
use std::time::Instant;

use lane_data::RowId;

use crate::config::Config;
use crate::data_map::{self, MapRow};
use crate::dynamics::{Dynamics, DynamicsConfig, MeanProbabilities, TrainingMap};
use crate::error::TrainError;
use crate::experiment::{Experiment, Split};
use crate::folds::Folds;
use crate::history::History;
use crate::labels_file::{self, LabelLine};
use crate::method::Verdict;
use crate::predictions_file;
use crate::progress::Observer;
use crate::record::{DataRecord, Machine, Program, Record, RunResult, peak_memory_bytes};
use crate::run_folder::RunFolder;
use crate::saved::save_model;
use crate::scores::detection_scores;
use crate::trainer::{Sinks, Trained, Trainer};

/// Who runs, for the record.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The program.
    pub program: Program,
    /// Its arguments.
    pub command: Vec<String>,
}

/// Trains as `config` says and leaves a run folder at `out`.
///
/// # Errors
///
/// Anything wrong with configuration, data or encoder before the first step
/// ([`TrainError::is_usage`]); afterwards divergence and failed writes.
pub fn train(
    config: Config,
    out: &Path,
    force: bool,
    invocation: &Invocation,
    observer: &mut dyn Observer,
) -> Result<RunResult, TrainError> {
    let started = Instant::now();
    if !force && out.join("result.json").exists() {
        return Err(TrainError::OutputExists { path: out.into() });
    }
    let experiment = Experiment::prepare(config, observer)?;
    let folds = Folds::plan(&experiment)?;
    let folder = RunFolder::create(out, force)?;
    folder.write("config.toml", &config_text(&experiment.config)?)?;

    let mut history = History::create(&folder, &experiment)?;
    let n_rows = experiment.train.dataset.examples.len();
    let mut dynamics = Dynamics::create(
        &folder.file("dynamics.parquet"),
        n_rows,
        experiment.labels().len(),
        DynamicsConfig {
            map: experiment.config.cartography.map(),
            save_logits: experiment.config.save_logits,
        },
    )?;
    let trained = Trainer::new(&experiment)?.run(&mut Sinks {
        history: &mut history,
        dynamics: &mut dynamics,
        observer,
    })?;
    let seen = dynamics.finish()?;

    let verdicts = trained.method.verdicts(&trained.margins);
    write_labels(&folder, &experiment.train, &verdicts, &seen.means)?;
    write_data_map(&folder, &experiment.train, &seen.last_whole)?;
    if let Some(test) = &experiment.test {
        let path = folder.file("test_predictions.csv");
        predictions_file::write(&path, test, history.test_predictions())?;
    }
    if experiment.config.save_model {
        let n_predictors = trained.method.n_predictors();
        save_model(&folder.file("model"), &experiment, &trained.networks, n_predictors)?;
    }
    let mut result = result(&experiment, &history, &trained, &verdicts)?;
    if let Some(folds) = folds {
        let out_of_fold = folds.run(&experiment, observer)?;
        out_of_fold.finish(&folder, &experiment.train, &mut result)?;
    }
    folder.write_json("record.json", &record(&experiment, invocation, started))?;
    folder.write_json("result.json", &result)?;
    Ok(result)
}

fn config_text(config: &Config) -> Result<String, TrainError> {
    toml::to_string(config)
        .map_err(|error| TrainError::Config { path: None, message: error.to_string() })
}

fn result(
    experiment: &Experiment,
    history: &History,
    trained: &Trained,
    verdicts: &[Verdict],
) -> Result<RunResult, TrainError> {
    let (Some(best), Some(last)) = (history.best(), history.epochs.last()) else {
        return Err(TrainError::Mismatch {
            found: "a run without epochs".into(),
            expected: "at least one".into(),
        });
    };
    let detection = match (history.wrong(), history.rankings(&trained.margins)?) {
        (Some(wrong), Some(by)) => Some(detection_scores(verdicts, wrong, by)?),
        _ => None,
    };
    Ok(RunResult {
        method: experiment.config.method,
        seed: experiment.config.seed,
        n_train: experiment.train.dataset.examples.len(),
        test: best.test,
        best: best.clone(),
        r#final: last.clone(),
        epochs: history.epochs.clone(),
        detection,
    })
}

fn record(experiment: &Experiment, invocation: &Invocation, started: Instant) -> Record {
    let splits =
        [Some(&experiment.train), experiment.validation.as_ref(), experiment.test.as_ref()];
    let data = splits.into_iter().flatten().map(|split| DataRecord {
        split: split.name.into(),
        path: split.dataset.path.display().to_string(),
        sha256: split.dataset.sha256.clone(),
        n_rows: split.dataset.examples.len(),
    });
    let translations = experiment.views.translations().map(|translations| DataRecord {
        split: "back-translation".into(),
        path: translations.path().display().to_string(),
        sha256: translations.sha256().into(),
        n_rows: translations.n_rows(),
    });
    Record {
        program: invocation.program.clone(),
        machine: Some(Machine::here()),
        command: invocation.command.clone(),
        device: experiment.config.device.to_string(),
        threads: rayon::current_num_threads(),
        seed: experiment.config.seed,
        data: data.chain(translations).collect(),
        thesaurus: experiment.views.thesaurus_identity().map(Into::into),
        encoder: experiment.encoder.fingerprint.clone(),
        encoder_tensors: experiment
            .encoder
            .report
            .as_ref()
            .map(|report| (report.matched.len(), report.unused.clone())),
        seconds: started.elapsed().as_secs_f64(),
        peak_memory_bytes: peak_memory_bytes(),
    }
}

/// `labels.csv`: training rows, most suspicious first; equal suspicion keeps the order of the file.
fn write_labels(
    folder: &RunFolder,
    train: &Split,
    verdicts: &[Verdict],
    means: &MeanProbabilities,
) -> Result<(), TrainError> {
    let mut order: Vec<usize> = (0..verdicts.len()).collect();
    order.sort_by(|&left, &right| verdicts[right].suspicion.total_cmp(&verdicts[left].suspicion));
    let labels = &train.dataset.labels;
    let line = |row: usize| {
        let (example, verdict) = (&train.dataset.examples[row], &verdicts[row]);
        LabelLine {
            row: row as u32,
            id: &example.id,
            text: &example.text,
            label: labels.name(example.label),
            suggested: labels
                .name(verdict.suggested.unwrap_or_else(|| means.suggestion(RowId(row as u32)))),
            score: verdict.suspicion,
            weight: verdict.weight,
            flagged: verdict.flagged,
            reason: verdict.removed.unwrap_or_default(),
        }
    };
    labels_file::write(&folder.file("labels.csv"), order.into_iter().map(line))
}

/// `data_map.csv`: where the last training that showed every row put each of them.
fn write_data_map(
    folder: &RunFolder,
    train: &Split,
    training: &TrainingMap,
) -> Result<(), TrainError> {
    let rows = train.dataset.examples.iter().zip((0..).map(RowId)).map(|(example, row)| MapRow {
        id: &example.id,
        point: training.map.point(row),
        aum: training.margins.aum(row),
    });
    data_map::write(&folder.file("data_map.csv"), rows)
}
