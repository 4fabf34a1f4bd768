//! Hyperspherical margin weights: how near a row lies to its class, gathered over the epochs.
//!
//! ```text
//! d_ic  = (1 − cos(f_i, W_c)) / 2,  in 0..=1             f_i features, W_c rows of the head
//! o1_i  = min { d_ic : c ≠ y_i }                          the nearest rival
//! o̅_i   = mean of the next K = max(int((C−2)·ρ), 1) distances after it
//! ω_i^e = ½ [ σ(α (o1_i − d_iy)) + exp(β (o1_i − o̅_i)) ]         slice of epoch e, in 0..=1
//! v_i   = Σ_{s≤e} ω_i^s · a_s,   a = softmax_{s≤e}( 1 + cos(π s / E) )    annealed integral
//! ```
//!
//! The first part of a slice is a margin (AUM): near 1 where the row lies nearer to its class
//! than to any other. The second (TKUM) is near 1 where several rivals are equally near, so that
//! none stands out as the true class; it needs a third class ([`MetricsError::NoThirdClass`]),
//! and [`Parts::Margin`] leaves it out. Early epochs, from 0 on, have the larger share of v. The
//! loss takes v as a constant factor, without gradient. Everything is f64; 16 bytes a row.
//!
//! Departure: the shares run over the epochs a row was seen in, so that a row left out of an
//! epoch keeps a mean. The equations are those of the authors' code; the paper's own could not
//! be compared.
//!
//! Zhang, Li, Wang, Li, Liu. *Learning with Noisy Labels Using Hyperspherical Margin Weighting*.
//! AAAI 2024. <https://doi.org/10.1609/aaai.v38i15.29626>

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::averages::check_rows;
use crate::error::MetricsError;
use crate::id::{ClassId, RowId};
use crate::margin::{check_count, check_labels};

/// Below this a vector has no direction; its cosine with any other is then 0 or next to it.
pub const NORM_FLOOR: f64 = 1e-12;

/// Which parts of ω count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Parts {
    /// The mean of both.
    #[default]
    Both,
    /// `σ(α (o1 − d_y))` alone: the margin. The only one for two classes.
    Margin,
    /// `exp(β (o1 − o̅))` alone: how little the nearest rival stands out.
    Rivals,
}

/// The settings of ω; defaults are those of the authors' code.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SliceConfig {
    /// α, from 0 up.
    pub alpha: f64,
    /// β, from 0 up.
    pub beta: f64,
    /// ρ, in 0..=1: the part of the further rivals that is looked at.
    pub top_rate: f64,
    /// Which parts count.
    pub parts: Parts,
}

impl Default for SliceConfig {
    fn default() -> Self {
        Self { alpha: 100.0, beta: 100.0, top_rate: 0.01, parts: Parts::Both }
    }
}

impl SliceConfig {
    /// Checks the ranges, and that `n_classes` are enough for the parts.
    ///
    /// # Errors
    ///
    /// [`MetricsError::SettingOutOfRange`], [`MetricsError::TooFewClasses`] below 2 and
    /// [`MetricsError::NoThirdClass`] below 3 unless only the margin counts.
    pub fn validate(&self, n_classes: usize) -> Result<(), MetricsError> {
        for (field, value) in [("alpha", self.alpha), ("beta", self.beta)] {
            if !(value.is_finite() && value >= 0.0) {
                let expected = "a finite number from 0";
                return Err(MetricsError::SettingOutOfRange { field, value, expected });
            }
        }
        if !(0.0..=1.0).contains(&self.top_rate) {
            let (field, value, expected) = ("top_rate", self.top_rate, "a number in 0..=1");
            return Err(MetricsError::SettingOutOfRange { field, value, expected });
        }
        match (n_classes, self.parts) {
            (0 | 1, _) => Err(MetricsError::TooFewClasses { n_classes }),
            (2, Parts::Both | Parts::Rivals) => Err(MetricsError::NoThirdClass { n_classes }),
            _ => Ok(()),
        }
    }

    /// K, for at least 3 classes.
    fn n_further(&self, n_classes: usize) -> usize {
        // At most C − 2 because the rate is at most 1.
        #[expect(clippy::cast_sign_loss, reason = "both factors are at least 0")]
        let part = ((n_classes - 2) as f64 * self.top_rate) as usize;
        part.max(1)
    }
}

/// Distance of a feature vector from a row of the head, shape `[width]` both, in 0..=1.
///
/// # Errors
///
/// [`MetricsError::CountMismatch`] when the two differ in length,
/// [`MetricsError::ValueNotFinite`] on the first entry that is no number.
pub fn distance(features: &[f64], class_row: &[f64]) -> Result<f64, MetricsError> {
    if features.len() != class_row.len() {
        return Err(MetricsError::CountMismatch {
            found: "features",
            n_found: features.len(),
            expected: "weights of the class",
            n_expected: class_row.len(),
        });
    }
    check_finite(features)?;
    check_finite(class_row)?;
    let dot = |one: &[f64], other: &[f64]| one.iter().zip(other).map(|(a, b)| a * b).sum::<f64>();
    let norm = |vector: &[f64]| dot(vector, vector).sqrt().max(NORM_FLOOR);
    let cosine = dot(features, class_row) / (norm(features) * norm(class_row));
    Ok((1.0 - cosine.clamp(-1.0, 1.0)) / 2.0)
}

/// ω of one row from its distances, shape `[n_classes]`, in 0..=1.
///
/// ```
/// use lane_metrics::ClassId;
/// use lane_metrics::hyperspherical_margin::{SliceConfig, of_row};
///
/// let near = of_row(&[0.1, 0.6, 0.6], ClassId(0), &SliceConfig::default())?;
/// let far = of_row(&[0.6, 0.1, 0.9], ClassId(0), &SliceConfig::default())?;
/// assert!(near > 0.99 && far < 0.01);
/// # Ok::<(), lane_metrics::MetricsError>(())
/// ```
///
/// # Errors
///
/// As [`SliceConfig::validate`]; [`MetricsError::LabelOutOfRange`],
/// [`MetricsError::ValueNotFinite`].
pub fn of_row(
    distances: &[f64],
    label: ClassId,
    config: &SliceConfig,
) -> Result<f64, MetricsError> {
    config.validate(distances.len())?;
    check_labels(&[label], distances.len())?;
    check_finite(distances)?;
    Ok(of_checked_row(distances, label, config, &mut Vec::with_capacity(distances.len())))
}

/// ω of a batch from its distances, row-major, shape `[n_rows, n_classes]`; shape `[n_rows]`.
///
/// # Errors
///
/// As [`of_row`]; [`MetricsError::Ragged`] when the distances do not fill whole rows,
/// [`MetricsError::CountMismatch`] when labels and rows differ in number.
pub fn of_batch(
    distances: &[f32],
    n_classes: usize,
    labels: &[ClassId],
    config: &SliceConfig,
) -> Result<Vec<f64>, MetricsError> {
    config.validate(n_classes)?;
    if !distances.len().is_multiple_of(n_classes) {
        return Err(MetricsError::Ragged { len: distances.len(), n_classes });
    }
    check_count(labels.len(), distances.len() / n_classes)?;
    check_labels(labels, n_classes)?;
    let distances: Vec<f64> = distances.iter().map(|&it| f64::from(it)).collect();
    check_finite(&distances)?;
    let mut rivals = Vec::with_capacity(n_classes);
    let rows = distances.chunks_exact(n_classes).zip(labels);
    Ok(rows.map(|(row, &label)| of_checked_row(row, label, config, &mut rivals)).collect())
}

fn of_checked_row(
    distances: &[f64],
    label: ClassId,
    config: &SliceConfig,
    rivals: &mut Vec<f64>,
) -> f64 {
    rivals.clear();
    let others = distances.iter().enumerate().filter(|(class, _)| *class != label.index());
    rivals.extend(others.map(|(_, distance)| *distance));
    rivals.sort_unstable_by(f64::total_cmp);
    let nearest = rivals[0];
    let margin = || logistic(config.alpha * (nearest - distances[label.index()]));
    let spread = || {
        let further = &rivals[1..=config.n_further(distances.len())];
        let mean = further.iter().sum::<f64>() / further.len() as f64;
        (config.beta * (nearest - mean)).exp()
    };
    match config.parts {
        Parts::Both => f64::midpoint(margin(), spread()),
        Parts::Margin => margin(),
        Parts::Rivals => spread(),
    }
}

/// 1 / (1 + e^−x), without overflow on either side.
fn logistic(x: f64) -> f64 {
    let small = (-x.abs()).exp();
    if x < 0.0 { small / (1.0 + small) } else { 1.0 / (1.0 + small) }
}

fn check_finite(values: &[f64]) -> Result<(), MetricsError> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(position) => Err(MetricsError::ValueNotFinite { position, value: values[position] }),
        None => Ok(()),
    }
}

/// v of every row: the cosine-annealed mean of its ω so far.
///
/// ```
/// use lane_metrics::RowId;
/// use lane_metrics::hyperspherical_margin::AnnealedWeights;
///
/// let mut weights = AnnealedWeights::new(1, 10)?;
/// weights.record(RowId(0), 0, 1.0)?;
/// weights.record(RowId(0), 9, 0.0)?;
/// assert!(weights.weight(RowId(0)) > Some(0.87)); // the early epoch counts more
/// # Ok::<(), lane_metrics::MetricsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnnealedWeights {
    n_epochs: u32,
    /// Σ ω^s · exp(1 + cos) and Σ exp(1 + cos) of each row: no term is above e², so no maximum
    /// need be taken out as in other softmaxes.
    sums: Vec<(f64, f64)>,
}

impl AnnealedWeights {
    /// Weights of rows `0..n_rows` over a training of `n_epochs` epochs.
    ///
    /// # Errors
    ///
    /// [`MetricsError::TooManyRows`]; [`MetricsError::SettingOutOfRange`] without epochs.
    pub fn new(n_rows: usize, n_epochs: u32) -> Result<Self, MetricsError> {
        if u32::try_from(n_rows).is_err() {
            return Err(MetricsError::TooManyRows { n_rows });
        }
        if n_epochs == 0 {
            let (field, expected) = ("n_epochs", "at least 1");
            return Err(MetricsError::SettingOutOfRange { field, value: 0.0, expected });
        }
        Ok(Self { n_epochs, sums: vec![(0.0, 0.0); n_rows] })
    }

    /// Adds ω of a row in epoch `epoch`, from 0. A row seen twice in an epoch counts twice.
    ///
    /// # Errors
    ///
    /// [`MetricsError::RowOutOfRange`], [`MetricsError::EpochOutOfRange`],
    /// [`MetricsError::ValueNotFinite`] (position 0); nothing is added then.
    pub fn record(&mut self, row: RowId, epoch: u32, slice: f64) -> Result<(), MetricsError> {
        check_rows(&[row], self.sums.len())?;
        if self.n_epochs <= epoch {
            return Err(MetricsError::EpochOutOfRange { epoch, n_epochs: self.n_epochs });
        }
        check_finite(&[slice])?;
        let share = (1.0 + (PI * f64::from(epoch) / f64::from(self.n_epochs)).cos()).exp();
        let (weighted, total) = &mut self.sums[row.index()];
        *weighted += slice * share;
        *total += share;
        Ok(())
    }

    /// v of a row; none before it was seen or beyond the data set.
    pub fn weight(&self, row: RowId) -> Option<f64> {
        let (weighted, total) = self.sums.get(row.index())?;
        (*total > 0.0).then(|| weighted / total)
    }

    /// Forgets every epoch.
    pub fn reset(&mut self) {
        self.sums.fill((0.0, 0.0));
    }
}

#[cfg(test)]
mod tests;
