//! A threshold for averaged margins, from rows whose label is known to be wrong.
//!
//! A random part of the rows is relabelled to an extra class C before a training run over
//! C + 1 classes: no network can find a reason for that label, so their averaged margins show
//! what a wrong label looks like.
//!
//! ```text
//! τ = 99th percentile of { AUM_t : t a threshold sample }
//! flagged_i = AUM_i ≤ τ                                                    (percentile rule)
//! flagged_i = |{ t : AUM_t > AUM_i }| / |{ t }| > 1 %             (count rule, authors' code)
//! ```
//!
//! A threshold sample says nothing of its own label, so a second run has a disjoint set, and a
//! row is removed only if flagged in every run in which it was an ordinary row. AUMs are in
//! logit units, comparable within one run only: each run brings its own threshold.
//!
//! With fewer than 100 threshold samples the count rule means "below the highest of them".
//! Which rows become threshold samples is drawn by the caller; [`disjoint_sets`] cuts the sets
//! out of the random order it brings.
//!
//! Pleiss, Zhang, Elenberg, Weinberger. *Identifying Mislabeled Data using the Area Under the
//! Margin Ranking*. NeurIPS 2020, section 4. <https://arxiv.org/abs/2001.10528>

use serde::{Deserialize, Serialize};

use crate::error::MetricsError;
use crate::id::{ClassId, RowId};
use crate::margin::check_labels;

/// How many rows are relabelled in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SampleCount {
    /// ⌊N/(C+1)⌋, as the paper says: the extra class is as large as the others.
    #[default]
    Paper,
    /// ⌊N/C⌋, as the authors' code does.
    Code,
}

impl SampleCount {
    /// Threshold samples of one run over `n_rows` rows of `n_classes` classes, at least one.
    pub fn of(self, n_rows: usize, n_classes: usize) -> usize {
        let n_parts = match self {
            Self::Paper => n_classes.saturating_add(1),
            Self::Code => n_classes.max(1),
        };
        (n_rows / n_parts).max(1)
    }
}

/// When a row is flagged.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// AUM at or below this percentile of the threshold samples' AUMs, in 0..=100.
    Percentile(f64),
    /// More than this share of the threshold samples, in 0..=1, lies strictly above the row.
    Count(f64),
    /// AUM at or below this number of logits, whatever the threshold samples say.
    Fixed(f64),
}

impl Default for Rule {
    fn default() -> Self {
        Self::Percentile(99.0)
    }
}

impl Rule {
    /// Flags for `aums`, in their order, from the AUMs of the threshold samples of the same run.
    ///
    /// ```
    /// use lane_metrics::threshold_samples::Rule;
    ///
    /// let thresholds = [-1.0, 0.0, 1.0];
    /// assert_eq!(Rule::Percentile(50.0).flags(&thresholds, &[0.5, 0.0, -2.0])?, [false, true, true]);
    /// # Ok::<(), lane_metrics::MetricsError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`MetricsError::SettingOutOfRange`] for a rule out of its range,
    /// [`MetricsError::TooFewValues`] without threshold samples where the rule asks them,
    /// [`MetricsError::ValueNotFinite`] on the first AUM that is no number.
    pub fn flags(self, thresholds: &[f64], aums: &[f64]) -> Result<Vec<bool>, MetricsError> {
        check_finite(aums)?;
        let at_or_below = |limit: f64| aums.iter().map(|&aum| aum <= limit).collect();
        match self {
            Self::Percentile(percent) => percentile(thresholds, percent).map(at_or_below),
            Self::Count(share) => by_count(thresholds, share, aums),
            Self::Fixed(limit) => {
                let (field, expected) = ("threshold", "a finite number");
                if !limit.is_finite() {
                    return Err(MetricsError::SettingOutOfRange { field, value: limit, expected });
                }
                Ok(at_or_below(limit))
            }
        }
    }
}

fn by_count(thresholds: &[f64], share: f64, aums: &[f64]) -> Result<Vec<bool>, MetricsError> {
    if !(0.0..=1.0).contains(&share) {
        let (field, expected) = ("count", "a share in 0..=1");
        return Err(MetricsError::SettingOutOfRange { field, value: share, expected });
    }
    let sorted = sorted(thresholds)?;
    let above = |aum: f64| sorted.len() - sorted.partition_point(|&it| it <= aum);
    Ok(aums.iter().map(|&aum| above(aum) as f64 / sorted.len() as f64 > share).collect())
}

/// The value below which `percent` of the values lie, linear between two of them.
///
/// The value at position `percent/100 · (n−1)` of the sorted list, as `numpy.percentile` takes
/// it by default.
///
/// # Errors
///
/// [`MetricsError::SettingOutOfRange`] outside 0..=100, [`MetricsError::TooFewValues`] without
/// values, [`MetricsError::ValueNotFinite`] on the first NaN or infinity.
pub fn percentile(values: &[f64], percent: f64) -> Result<f64, MetricsError> {
    if !(0.0..=100.0).contains(&percent) {
        let (field, expected) = ("percentile", "a number in 0..=100");
        return Err(MetricsError::SettingOutOfRange { field, value: percent, expected });
    }
    let sorted = sorted(values)?;
    let position = percent / 100.0 * (sorted.len() - 1) as f64;
    // In 0..n by the checks above.
    #[expect(clippy::cast_sign_loss, reason = "a position is at least 0")]
    let below = position as usize;
    let above = (below + 1).min(sorted.len() - 1);
    let (low, high, share) = (sorted[below], sorted[above], position.fract());
    // From the nearer end, so that share 1 would give the upper value exactly.
    Ok(if share < 0.5 { low + (high - low) * share } else { high - (high - low) * (1.0 - share) })
}

fn sorted(values: &[f64]) -> Result<Vec<f64>, MetricsError> {
    if values.is_empty() {
        return Err(MetricsError::TooFewValues { at_least: 1, n_values: 0 });
    }
    check_finite(values)?;
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    Ok(sorted)
}

fn check_finite(values: &[f64]) -> Result<(), MetricsError> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(position) => Err(MetricsError::ValueNotFinite { position, value: values[position] }),
        None => Ok(()),
    }
}

/// `n_sets` disjoint sets of `n_each` rows from a random order of the rows, each ascending.
///
/// # Errors
///
/// [`MetricsError::NotEnoughRows`] when the order is too short, [`MetricsError::RowRepeated`]
/// when it names a row twice.
pub fn disjoint_sets(
    order: &[RowId],
    n_sets: usize,
    n_each: usize,
) -> Result<Vec<Vec<RowId>>, MetricsError> {
    let n_rows = order.len();
    if n_sets.checked_mul(n_each).is_none_or(|needed| n_rows < needed) {
        return Err(MetricsError::NotEnoughRows { n_sets, n_each, n_rows });
    }
    let mut all = order.to_vec();
    all.sort_unstable();
    if let Some(pair) = all.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(MetricsError::RowRepeated { row: pair[0].0 });
    }
    let set = |number: usize| {
        let mut set = order[number * n_each..][..n_each].to_vec();
        set.sort_unstable();
        set
    };
    Ok((0..n_sets).map(set).collect())
}

/// What one run with threshold samples said of every row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThresholdRun {
    /// Whether the rule flagged the row, shape `[n_rows]`; what stands at a threshold sample does
    /// not count.
    pub flagged: Vec<bool>,
    /// Whether the row kept its own label in this run, shape `[n_rows]`.
    pub ordinary: Vec<bool>,
}

/// Which rows to keep, shape `[n_rows]`: all but those flagged in every run in which they were
/// ordinary.
///
/// A row that was a threshold sample in every run was never judged and is kept. Two runs give
/// what the authors' `ceil(1 − flags / runs)` gives.
///
/// # Errors
///
/// [`MetricsError::TooFewValues`] without runs, [`MetricsError::CountMismatch`] when lists of the
/// runs differ in length.
pub fn keep(runs: &[ThresholdRun]) -> Result<Vec<bool>, MetricsError> {
    let Some(first) = runs.first() else {
        return Err(MetricsError::TooFewValues { at_least: 1, n_values: 0 });
    };
    let n_expected = first.flagged.len();
    let lists = runs.iter().flat_map(|run| [&run.flagged, &run.ordinary]);
    if let Some(list) = lists.into_iter().find(|list| list.len() != n_expected) {
        let (found, n_found, expected) = ("rows of a run", list.len(), "rows of the first");
        return Err(MetricsError::CountMismatch { found, n_found, expected, n_expected });
    }
    let removed = |row: usize| {
        let mut judged = runs.iter().filter(|run| run.ordinary[row]).peekable();
        judged.peek().is_some() && judged.all(|run| run.flagged[row])
    };
    Ok((0..n_expected).map(|row| !removed(row)).collect())
}

/// Takes back the removal of the row with the highest AUM of every class that lost all its rows.
///
/// Returns the classes and the rows taken back, by class; a class without rows has none to lose.
/// Without this a class would vanish from the classifier trained on what was kept.
///
/// # Errors
///
/// [`MetricsError::CountMismatch`] when the lists differ in length,
/// [`MetricsError::LabelOutOfRange`], [`MetricsError::ValueNotFinite`]; nothing is changed then.
pub fn rescue_lost_classes(
    keep: &mut [bool],
    labels: &[ClassId],
    aums: &[f64],
    n_classes: usize,
) -> Result<Vec<(ClassId, RowId)>, MetricsError> {
    for (found, n_found) in [("labels", labels.len()), ("averaged margins", aums.len())] {
        if n_found != keep.len() {
            let (expected, n_expected) = ("rows", keep.len());
            return Err(MetricsError::CountMismatch { found, n_found, expected, n_expected });
        }
    }
    check_labels(labels, n_classes)?;
    check_finite(aums)?;
    let mut best: Vec<Option<usize>> = vec![None; n_classes];
    let mut has_rows = vec![false; n_classes];
    for (row, label) in labels.iter().map(|label| label.index()).enumerate() {
        has_rows[label] |= keep[row];
        if best[label].is_none_or(|other| aums[other] < aums[row]) {
            best[label] = Some(row);
        }
    }
    let lost = (0..n_classes).filter(|&class| !has_rows[class]);
    let rescued: Vec<_> = lost
        .filter_map(|class| Some((ClassId(class as u16), RowId(best[class]? as u32))))
        .collect();
    for (_, row) in &rescued {
        keep[row.index()] = true;
    }
    Ok(rescued)
}

#[cfg(test)]
mod tests;
