//! `cartography-easy`, `cartography-hard`, `cartography-ambiguous`: train, look at the data map, and
//! train afresh on one part of it.
//!
//! ```text
//! phase 1   plain training; q_i^e = softmax(z_i^e)[y_i] of every epoch e
//! map       confidence = mean_e q_i^e,  variability = deviation_e q_i^e           (section 2)
//! phase 2   a fresh network on int(fraction · N) rows: the highest confidence (easy), the lowest
//!           (hard), or the highest variability (ambiguous)
//! ```
//!
//! The second training has as many steps as the first by default: its epochs show the kept rows
//! several times over. With `cartography.budget = "epochs"` it shows them once an epoch, and is
//! shorter by the fraction.
//!
//! Probabilities are those of the training passes, dropout on, as in the authors' program.
//!
//! Suspicion of a row: 1 − confidence, from phase 1. Flagged when its label was predicted in less
//! than half of the epochs. A row outside the kept part is listed with that reason and weight 0; that
//! says nothing of its label.
//!
//! Departures: exactly `int(fraction · N)` rows are kept where the program keeps one more; ties go
//! to the lower row, so that with one epoch, where every variability is 0, the ambiguous part is
//! the head of the file. A class that loses all its rows is said so, and stays lost.
//!
//! Source: Swayamdipta et al.: *Dataset Cartography*, EMNLP 2020, section 4.

use lane_data::{RowId, sample, seed};
use lane_metrics::ClassId;
use lane_metrics::cartography::{MapConfig, MapPoint, Region, select};
use lane_metrics::weights::MarginWeights;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::error::TrainError;
use crate::inner_loss::InnerLoss;
use crate::method::{
    EpochPlan, EpochStart, Loss, Method, OwnParameters, Pass, Phase, PhaseStart, Remembered, Step,
    Stream, Verdict,
};
use crate::methods::{Entry, Facts};
use crate::setting::within;

/// The line in the list of methods.
pub const CARTOGRAPHY_EASY: Entry = Entry {
    name: "cartography-easy",
    about: "train twice: the second time on the third that was easiest to learn",
    least_views: 1,
    build: |config, facts| Ok(Box::new(Cartography::new(config, facts, Region::Easy)?)),
};

/// The line in the list of methods.
pub const CARTOGRAPHY_HARD: Entry = Entry {
    name: "cartography-hard",
    about: "train twice: the second time on the third that was hardest to learn",
    least_views: 1,
    build: |config, facts| Ok(Box::new(Cartography::new(config, facts, Region::Hard)?)),
};

/// The line in the list of methods.
pub const CARTOGRAPHY_AMBIGUOUS: Entry = Entry {
    name: "cartography-ambiguous",
    about: "train twice: the second time on the third whose label was believed most on and off",
    least_views: 1,
    build: |config, facts| Ok(Box::new(Cartography::new(config, facts, Region::Ambiguous)?)),
};

/// The data map of a run, and what the `cartography-*` methods make of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CartographyConfig {
    /// Share of the rows kept, above 0 and at most 1.
    pub fraction: f64,
    /// How long the second training is.
    pub budget: Budget,
    /// Widen the variability by its own uncertainty.
    pub include_ci: bool,
    /// Only the first so many epochs make the map; absent = all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burn_out: Option<u32>,
}

impl Default for CartographyConfig {
    fn default() -> Self {
        Self { fraction: 1.0 / 3.0, budget: Budget::Steps, include_ci: false, burn_out: None }
    }
}

impl CartographyConfig {
    /// What the map itself depends on.
    pub fn map(&self) -> MapConfig {
        MapConfig { include_ci: self.include_ci, burn_out: self.burn_out }
    }
}

/// How long the training on the kept part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Budget {
    /// As many steps as the training on all rows.
    Steps,
    /// As many epochs.
    Epochs,
}

/// Two trainings and what the first says of the rows.
#[derive(Debug)]
pub struct Cartography {
    region: Region,
    settings: CartographyConfig,
    inner: InnerLoss,
    epochs: u32,
    points: Vec<MapPoint>,
    kept: Vec<RowId>,
}

impl Cartography {
    /// The method that keeps `region`.
    ///
    /// # Errors
    ///
    /// [`TrainError::Setting`] for a fraction that keeps nothing or more than all, or a burn-out of 0.
    pub fn new(config: &Config, facts: Facts, region: Region) -> Result<Self, TrainError> {
        let settings = config.cartography.clone();
        within("cartography.fraction", settings.fraction, f64::MIN_POSITIVE, 1.0)?;
        within("cartography.burn_out", f64::from(settings.burn_out.unwrap_or(1)), 1.0, f64::MAX)?;
        Ok(Self {
            region,
            settings,
            inner: InnerLoss::new(config, facts)?,
            epochs: config.epochs(),
            points: Vec::new(),
            kept: Vec::new(),
        })
    }

    fn removed(&self) -> &'static str {
        match self.region {
            Region::Easy => "not among the easiest to learn",
            Region::Hard => "not among the hardest to learn",
            Region::Ambiguous => "not among the most ambiguous",
        }
    }
}

impl Method for Cartography {
    fn phases(&self) -> Vec<Phase> {
        vec![Phase { name: "map", ..Phase::only(self.epochs, 1) }, Phase::only(self.epochs, 1)]
    }

    fn begin(
        &mut self,
        at: &PhaseStart<'_>,
        note: &mut dyn FnMut(&str),
    ) -> Result<OwnParameters, TrainError> {
        if at.phase > 0 {
            self.points = at.map.points()?;
            self.kept = select(&self.points, self.region, self.settings.fraction)?;
            let lost = lost_classes(&self.kept, at.labels, at.n_classes);
            if lost > 0 {
                note(&format!("{lost} of {} classes have no row in the part kept", at.n_classes));
            }
        }
        Ok(OwnParameters::default())
    }

    fn plan(&mut self, at: &EpochStart<'_>) -> Result<EpochPlan, TrainError> {
        if at.phase == 0 {
            return Ok(EpochPlan::plain(at.labels, 1));
        }
        let n_rows = match self.settings.budget {
            Budget::Steps => at.labels.len(),
            Budget::Epochs => self.kept.len(),
        };
        Ok(EpochPlan { passes: passes(&self.kept, n_rows, at) })
    }

    fn loss(&mut self, step: &Step<'_>) -> Result<Loss, TrainError> {
        self.inner.loss(step)
    }

    fn memory(&mut self) -> Vec<&mut dyn Remembered> {
        vec![&mut self.points, &mut self.kept]
    }

    fn verdicts(&self, _margins: &MarginWeights) -> Vec<Verdict> {
        let mut verdicts: Vec<Verdict> = self
            .points
            .iter()
            .map(|point| Verdict {
                weight: 0.0,
                flagged: 2 * point.correctness < point.n_epochs,
                removed: Some(self.removed()),
                ..Verdict::of(1.0 - point.confidence)
            })
            .collect();
        for row in &self.kept {
            let verdict = &mut verdicts[row.index()];
            (verdict.weight, verdict.removed) = (1.0, None);
        }
        verdicts
    }
}

/// Passes over `kept` until `n_rows` rows were shown, the last one over a random part of them.
fn passes(kept: &[RowId], n_rows: usize, at: &EpochStart<'_>) -> Vec<Pass> {
    let pass = |rows: Vec<RowId>, first: bool| {
        let stream = Stream { recorded: first, ..Stream::of(rows, at.labels) };
        Pass { streams: vec![stream], trained: vec![0] }
    };
    let mut passes: Vec<Pass> =
        (0..n_rows / kept.len()).map(|number| pass(kept.to_vec(), number == 0)).collect();
    let n_left = n_rows % kept.len();
    if n_left > 0 {
        let seed = seed::stream(at.seed, "cartography", &[u64::from(at.epoch)]);
        let part = sample::rows(kept.len(), n_left, seed);
        passes.push(pass(part.into_iter().map(|place| kept[place.index()]).collect(), false));
    }
    passes
}

/// Classes that occur among `labels` and not among those of `kept`.
pub(crate) fn lost_classes(kept: &[RowId], labels: &[ClassId], n_classes: usize) -> usize {
    let mut rows = vec![[0_u32; 2]; n_classes];
    for label in labels {
        rows[label.index()][0] += 1;
    }
    for row in kept {
        rows[labels[row.index()].index()][1] += 1;
    }
    rows.iter().filter(|[all, kept]| *all > 0 && *kept == 0).count()
}
