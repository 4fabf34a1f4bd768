//! The loss of a row that a method minimises: cross-entropy, or a robust loss in its place.
//!
//! ```text
//! ℓ_i in epoch e = −log p_i           for e < delay
//!                  the configured one after
//! ```
//!
//! The delay lets a network learn what labels have in common before it doubts any: Piecewise-zero
//! with a cutoff above 1/C would give a fresh network nothing to learn from.

use burn::tensor::{Int, Tensor};
use lane_losses::cross_entropy;
use lane_losses::robust::{RobustKind, RobustLoss};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::error::TrainError;
use crate::method::{Loss, Step};
use crate::methods::Facts;
use crate::setting::within;

/// The loss of a row, and from which epoch on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LossConfig {
    /// The loss; absent = cross-entropy, or the one the method is named after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<RobustKind>,
    /// First epochs under cross-entropy; absent = a fifth of all for `blurry` and `piecewise-zero`,
    /// else none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<u32>,
    /// Settings of the loss, as its module in [`lane_losses`] names them (`gamma`, `cutoff`, `q`,
    /// `alpha`, `beta`, …); absent = the defaults for the number of classes.
    #[serde(flatten)]
    pub settings: toml::Table,
}

/// The loss of a row in every epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct InnerLoss {
    loss: RobustLoss,
    delay: u32,
    n_classes: usize,
}

impl InnerLoss {
    /// The configured loss; cross-entropy where none is.
    ///
    /// # Errors
    ///
    /// [`TrainError::Setting`] or [`TrainError::Loss`] where a setting is out of range or is none
    /// of that loss's.
    pub fn new(config: &Config, facts: Facts) -> Result<Self, TrainError> {
        Self::of(config, facts, config.loss.kind.unwrap_or_default())
    }

    /// What the user of `config` should know before training, whichever method takes the loss.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn warning_of(config: &Config, facts: Facts) -> Result<Option<String>, TrainError> {
        let named = || RobustKind::ALL.into_iter().find(|it| it.as_str() == config.method.as_str());
        let kind = config.loss.kind.or_else(named).unwrap_or_default();
        Ok(Self::of(config, facts, kind)?.warning())
    }

    /// The loss a method is named after, with the configured settings.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); also where the configuration asks for another loss.
    pub fn of(config: &Config, facts: Facts, kind: RobustKind) -> Result<Self, TrainError> {
        let LossConfig { kind: asked, delay, settings } = &config.loss;
        if let Some(other) = asked.filter(|other| *other != kind) {
            let expected = format!("{}, after which the method is named, or absent", kind.as_str());
            return Err(TrainError::setting("loss.kind", other.as_str(), expected));
        }
        let loss = with_settings(&RobustLoss::for_classes(kind, facts.n_classes), settings)?;
        loss.validate(facts.n_classes)?;
        let epochs = config.epochs();
        let delay = delay.unwrap_or(match kind {
            RobustKind::Blurry | RobustKind::PiecewiseZero if epochs > 1 => epochs.div_ceil(5),
            _ => 0,
        });
        within("loss.delay", f64::from(delay), 0.0, f64::from(epochs.saturating_sub(1)))?;
        Ok(Self { loss, delay, n_classes: facts.n_classes })
    }

    /// Cross-entropy over `n_classes` classes.
    pub fn cross_entropy(n_classes: usize) -> Self {
        Self { loss: RobustLoss::CrossEntropy, delay: 0, n_classes }
    }

    /// What the user should know before training, if anything.
    pub fn warning(&self) -> Option<String> {
        let what = if self.loss.dead_at_start(self.n_classes) {
            "gives a fresh network nothing to learn from"
        } else if self.loss.reversed_at_start(self.n_classes) {
            "pushes a fresh network away from every label"
        } else {
            return None;
        };
        (self.delay == 0).then(|| {
            let name = self.name();
            format!("{name} {what} with {} classes: set `loss.delay` to 1 or more", self.n_classes)
        })
    }

    /// Its name in logs.
    pub fn name(&self) -> &'static str {
        match self.loss.kind() {
            RobustKind::CrossEntropy => "cross_entropy",
            kind => kind.as_str(),
        }
    }

    /// The loss of every row in epoch `epoch` (from 0), shape `[n]`; `logits` `[n, C]`, `labels`
    /// `[n]`.
    pub fn per_row(&self, logits: Tensor<2>, labels: Tensor<1, Int>, epoch: u32) -> Tensor<1> {
        self.loss.in_epoch(epoch, self.delay).per_row(logits, labels)
    }

    /// The mean over all views of the first stream's batch, from network 0.
    ///
    /// # Errors
    ///
    /// [`TrainError::Mismatch`] if it did not run on the batch.
    pub fn mean(&self, step: &Step<'_>) -> Result<Tensor<1>, TrainError> {
        let batch = &step.batches[0];
        let logits = batch.output(0)?.logits.clone();
        Ok(cross_entropy::over_rows(self.per_row(logits, batch.targets.clone(), step.epoch)))
    }

    /// The mean as a method's whole loss.
    ///
    /// # Errors
    ///
    /// As [`mean`](Self::mean).
    pub fn loss(&self, step: &Step<'_>) -> Result<Loss, TrainError> {
        let total = self.mean(step)?;
        Ok(Loss { terms: vec![(self.name(), total.clone())], total })
    }
}

/// Refuses section `loss`, for a method whose loss is its own.
///
/// # Errors
///
/// [`TrainError::Setting`] if anything is set there.
pub(crate) fn refuse(config: &Config) -> Result<(), TrainError> {
    if config.loss == LossConfig::default() {
        return Ok(());
    }
    let expected = format!("absent: `{}` has a loss of its own", config.method);
    Err(TrainError::setting("loss", "given", expected))
}

/// `loss` with `settings` laid over its own.
fn with_settings(loss: &RobustLoss, settings: &toml::Table) -> Result<RobustLoss, TrainError> {
    let message = |error: &dyn std::fmt::Display| error.to_string().trim_end().to_owned();
    let config = |message| TrainError::Config { path: None, message };
    let mut table = toml::Table::try_from(loss).map_err(|error| config(message(&error)))?;
    for (key, value) in settings {
        if table.insert(key.clone(), value.clone()).is_none() {
            let known: Vec<_> =
                table.keys().filter(|name| *name != key && *name != "kind").collect();
            let expected = format!("one of the settings of {}: {known:?}", loss.kind().as_str());
            return Err(TrainError::setting("loss", key, expected));
        }
    }
    table
        .try_into()
        .map_err(|error: toml::de::Error| config(format!("`loss`: {}", message(&error))))
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use lane_losses::blurry::{self, BlurryConfig};

    use super::*;
    use crate::transfer;

    #[test]
    fn two_of_five_epochs_are_those_of_cross_entropy_as_in_the_golden_file() {
        let golden: serde_json::Value =
            serde_json::from_str(include_str!("../../../fixtures/golden/schedules.json")).unwrap();
        let expected = golden["expected"]["blurry_delay2_of_5"].as_array().unwrap();
        let settings =
            ["data.train=rows.csv", "method=blurry", "training.epochs=5", "loss.delay=2"];
        let config = Config::resolve(None, &settings.map(|it| it.parse().unwrap())).unwrap();
        let facts = Facts { n_rows: 2, n_classes: 3 };
        let loss = InnerLoss::of(&config, facts, RobustKind::Blurry).unwrap();
        let device = Device::flex();
        let logits = Tensor::<2>::from_data([[2.0_f32, 0.5, -1.0], [0.2, -0.3, 0.7]], &device);
        let labels = Tensor::<1, Int>::from_data([0_i32, 1], &device);
        let plain = transfer::read(cross_entropy::per_row(logits.clone(), labels.clone()));
        let robust = blurry::per_row(logits.clone(), labels.clone(), &BlurryConfig::default());
        let robust = transfer::read(robust);
        assert_ne!(plain, robust);
        assert_eq!(expected.len(), 5);
        for (epoch, name) in (0..).zip(expected) {
            let ours = transfer::read(loss.per_row(logits.clone(), labels.clone(), epoch));
            assert_eq!(ours, if name == "ce" { &*plain } else { &*robust }, "epoch {epoch}");
        }
    }
}
