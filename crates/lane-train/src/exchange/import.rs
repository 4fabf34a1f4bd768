//! Scores of another program as a run leaves them: a data map, and suspicious rows first.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use lane_audit::training::{Seen, Training, TrainingLog};
use lane_data::read::{self, LabelPolicy};
use lane_data::{Columns, Dataset, RowId};
use lane_metrics::ClassId;
use lane_metrics::cartography::{MapConfig, MapPoint};
use serde::Serialize;

use super::error::{ExchangeError, Fault};
use super::{aum, cartography, targets};
use crate::data_map::{self, MapRow};
use crate::error::TrainError;
use crate::labels_file::{self, LabelLine};

/// What `lane import` is asked for.
#[derive(Clone, Debug)]
pub struct ImportRequest {
    /// A folder of `dynamics_epoch_N.jsonl`, `aum_values.csv` or `full_aum_records.csv`.
    pub from: PathBuf,
    /// The folder to write to.
    pub out: PathBuf,
    /// The rows the scores are of, joined by id.
    pub data: Option<PathBuf>,
    /// Columns of that file.
    pub columns: Columns,
    /// How the data map is made from epochs.
    pub map: MapConfig,
    /// Replace existing files.
    pub force: bool,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImportSummary {
    /// `cartography` or `aum`.
    pub format: &'static str,
    /// Rows scored.
    pub n_rows: usize,
    /// Epochs read, where the format has them.
    pub n_epochs: Option<u32>,
    /// Classes, where the format has them.
    pub n_classes: Option<usize>,
    /// Rows with a negative averaged margin.
    pub n_flagged: usize,
    /// The files written.
    pub files: Vec<PathBuf>,
}

/// Reads scores and writes `data_map.csv` and, with data, `labels.csv`.
///
/// `score` is minus the averaged margin and `flagged` says that it is negative, as after method
/// `base`; `weight` is 1, since both programs train plainly; `suggested` is empty where only averaged
/// margins are known.
///
/// # Errors
///
/// [`ExchangeError`] and [`lane_data::DataError`] for what is wrong with the files; nothing is
/// written then.
pub fn import(request: &ImportRequest) -> Result<ImportSummary, TrainError> {
    let scores = Scores::read(&request.from, request.map)?;
    let data = match &request.data {
        Some(path) => Some(read::dataset(path, &request.columns, LabelPolicy::Discover)?),
        None => None,
    };
    let joined = data.as_ref().map(|data| Joined::new(&scores, data)).transpose()?;
    let mut names = vec!["data_map.csv".to_owned()];
    names.extend(data.as_ref().map(|_| "labels.csv".to_owned()));
    let files = targets(&request.out, &names, request.force)?;
    match &joined {
        Some(joined) => joined.write(&files[0], &files[1])?,
        None => scores.write_map(&files[0], 0..scores.ids().len())?,
    }
    let training = scores.training();
    Ok(ImportSummary {
        format: if training.is_some() { "cartography" } else { "aum" },
        n_rows: scores.ids().len(),
        n_epochs: training.map(|it| it.n_epochs),
        n_classes: training.map(|it| it.n_classes),
        n_flagged: (0..scores.ids().len()).filter(|&row| scores.aum(row) < 0.0).count(),
        files,
    })
}

/// The scores at `from` in the order of `data`, whose rows and classes they are joined to.
///
/// # Errors
///
/// As [`import()`].
pub(crate) fn training(from: &Path, data: &Dataset) -> Result<Training, TrainError> {
    let scores = Scores::read(from, MapConfig::default())?;
    let Joined { places, names, .. } = Joined::new(&scores, data)?;
    let training = match scores {
        Scores::Training(training) => training.log.finish(),
        Scores::Values(values, _) => {
            let mut log = TrainingLog::new(values.aums.len(), MapConfig::default())?;
            let seen = |(row, aum): (u32, &f64)| Seen::of_margin(RowId(row), *aum as f32);
            log.add_epoch(1, &(0..).zip(&values.aums).map(seen).collect::<Vec<_>>())?;
            log.finish()
        }
    };
    Ok(training.select(&places, |class| names.get(class.index()).copied().flatten()))
}

/// What was read, in the order of the file.
enum Scores {
    Training(Box<cartography::Training>),
    Values(aum::AumValues, PathBuf),
}

impl Scores {
    fn read(from: &Path, map: MapConfig) -> Result<Self, TrainError> {
        if from.is_dir() {
            let folder = cartography::find(from)
                .ok_or_else(|| ExchangeError::UnknownFormat { path: from.into() })?;
            return Ok(Self::Training(Box::new(cartography::read(&folder, map)?)));
        }
        Ok(Self::Values(aum::read(from)?, from.into()))
    }

    fn training(&self) -> Option<&cartography::Training> {
        match self {
            Self::Training(training) => Some(training),
            Self::Values(..) => None,
        }
    }

    fn ids(&self) -> &[String] {
        match self {
            Self::Training(training) => &training.ids,
            Self::Values(values, _) => &values.ids,
        }
    }

    /// The file that names the rows, and the line of each.
    fn place(&self, at: usize) -> (&Path, u64) {
        match self {
            Self::Training(training) => (&training.first, training.lines[at]),
            Self::Values(values, path) => (path, values.lines[at]),
        }
    }

    fn aum(&self, at: usize) -> f64 {
        match self {
            // Every row was seen in every epoch, and there is at least one.
            Self::Training(training) => training.log.of(RowId(at as u32)).aum.unwrap_or_default(),
            Self::Values(values, _) => values.aums[at],
        }
    }

    fn point(&self, at: usize) -> Option<MapPoint> {
        self.training()?.log.point(RowId(at as u32))
    }

    fn write_map(&self, path: &Path, order: impl Iterator<Item = usize>) -> Result<(), TrainError> {
        let row = |at: usize| MapRow {
            id: &self.ids()[at],
            point: self.point(at),
            aum: Some(self.aum(at)),
        };
        data_map::write(path, order.map(row))
    }
}

/// Scores beside the rows they are of.
struct Joined<'a> {
    scores: &'a Scores,
    data: &'a Dataset,
    /// Place among the scores of each row of the data.
    places: Vec<usize>,
    /// The label that each class of the logits stands for, where a row shows it.
    names: Vec<Option<ClassId>>,
}

impl<'a> Joined<'a> {
    fn new(scores: &'a Scores, data: &'a Dataset) -> Result<Self, ExchangeError> {
        let ids = data.examples.iter().map(|example| example.id.as_str());
        let rows: HashMap<&str, usize> = ids.zip(0..).collect();
        let mut places = vec![None; data.n_rows()];
        for (at, id) in scores.ids().iter().enumerate() {
            let Some(&row) = rows.get(id.as_str()) else {
                let (path, line) = scores.place(at);
                let fault = Fault::UnknownId { id: id.clone(), known: data.path.clone() };
                return Err(ExchangeError::line(path, line, fault));
            };
            places[row] = Some(at);
        }
        let mut missing = places.iter().zip(&data.examples).filter(|(place, _)| place.is_none());
        if let Some((_, example)) = missing.next() {
            return Err(ExchangeError::RowsMissing {
                path: scores.place(0).0.into(),
                known: data.path.clone(),
                n_missing: 1 + missing.count(),
                id: example.id.clone(),
            });
        }
        let places: Vec<usize> = places.into_iter().flatten().collect();
        let names = match scores.training() {
            Some(training) => names(training, data, &places)?,
            None => Vec::new(),
        };
        Ok(Self { scores, data, places, names })
    }

    fn write(&self, map: &Path, labels: &Path) -> Result<(), TrainError> {
        let mut order: Vec<usize> = (0..self.places.len()).collect();
        let aum = |row: usize| self.scores.aum(self.places[row]);
        order.sort_by(|&left, &right| aum(left).total_cmp(&aum(right)));
        labels_file::write(labels, order.into_iter().map(|row| self.line(row)))?;
        self.scores.write_map(map, self.places.iter().copied())
    }

    fn line(&self, row: usize) -> LabelLine<'a> {
        let (example, place) = (&self.data.examples[row], self.places[row]);
        let aum = self.scores.aum(place);
        LabelLine {
            row: row as u32,
            id: &example.id,
            text: &example.text,
            label: self.data.labels.name(example.label),
            suggested: self.suggestion(place).unwrap_or_default(),
            score: 0.0 - aum, // and not −0 where the average is 0
            weight: 1.0,
            flagged: aum < 0.0,
            reason: "",
        }
    }

    fn suggestion(&self, place: usize) -> Option<&'a str> {
        let class = self.scores.training()?.means.suggestion(RowId(place as u32));
        self.names[class.index()].map(|label| self.data.labels.name(label))
    }
}

/// Which label each class of the logits is, told by the rows: both number the labels their own way.
fn names(
    training: &cartography::Training,
    data: &Dataset,
    places: &[usize],
) -> Result<Vec<Option<ClassId>>, ExchangeError> {
    let mut labels: Vec<Option<(ClassId, usize)>> = vec![None; training.n_classes];
    let mut golds: Vec<Option<(ClassId, usize)>> = vec![None; data.n_classes()];
    for (row, example) in data.examples.iter().enumerate() {
        let gold = training.golds[places[row]];
        let differ = |other: String| ExchangeError::LabelsDiffer {
            path: training.first.clone(),
            gold: gold.0,
            id: example.id.clone(),
            label: data.labels.name(example.label).into(),
            other,
        };
        let (label, first) = *labels[gold.index()].get_or_insert((example.label, row));
        if label != example.label {
            let (name, id) = (data.labels.name(label), &data.examples[first].id);
            return Err(differ(format!("`{name}` for row `{id}`")));
        }
        let (class, first) = *golds[example.label.index()].get_or_insert((gold, row));
        if class != gold {
            let id = &data.examples[first].id;
            return Err(differ(format!("that label is class {class} of row `{id}`")));
        }
    }
    Ok(labels.into_iter().map(|it| it.map(|(label, _)| label)).collect())
}
