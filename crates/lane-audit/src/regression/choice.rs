//! Which features and which C: by the likelihood of the given labels out of fold.

use rayon::prelude::*;

use lane_metrics::ClassId;

use super::folds::stratified_part;
use super::{Folds, Labelled, RegressionConfig, log_softmax, out_of_fold};
use crate::features::Features;
use crate::ranking_error::RankingError;

/// How features and C are chosen, and what is computed with them.
#[derive(Clone, Debug, PartialEq)]
pub struct ChoiceConfig {
    /// C to choose from, ascending.
    pub inverse_penalties: Vec<f64>,
    /// Folds.
    pub n_folds: u8,
    /// Ways to deal the folds; log-probabilities are averaged over them.
    pub n_repeats: u64,
    /// Deals the folds.
    pub seed: u64,
    /// With more rows than this, the choice is made on a stratified part of the next field's
    /// size, and folds are dealt once. Not measured: a choice among six needs no more rows, and
    /// repeats help less the more rows there are.
    pub many_rows: usize,
    /// Rows of that part, about.
    pub rows_for_choice: usize,
    /// Tolerance and iterations; its C is not used.
    pub regression: RegressionConfig,
}

impl Default for ChoiceConfig {
    fn default() -> Self {
        Self {
            inverse_penalties: vec![1.0, 3.0, 10.0],
            n_folds: 5,
            n_repeats: 3,
            seed: 1,
            many_rows: 20_000,
            rows_for_choice: 10_000,
            regression: RegressionConfig::default(),
        }
    }
}

/// One of the combinations tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// Which features, by their place in the list.
    pub features: usize,
    /// C.
    pub inverse_penalty: f64,
    /// Mean log-probability of the given label, out of fold.
    pub log_likelihood: f64,
}

/// What was chosen, and what it says of every row.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The combination chosen.
    pub chosen: Cell,
    /// All that were tried.
    pub cells: Vec<Cell>,
    /// Out-of-fold probabilities, row-major, shape `[n_rows, n_classes]`, rows sum to 1.
    pub probabilities: Vec<f64>,
    /// Ways to deal the folds that were averaged over.
    pub n_repeats: u64,
}

/// Chooses features and C by the out-of-fold likelihood of the given labels, with the
/// one-standard-error rule for C, then computes out-of-fold probabilities with them.
///
/// ```text
/// ℓ_i      = log P_i,y_i out of fold
/// features   those of the highest mean ℓ over all C; of equals the first
/// C          the smallest with mean(d) ≤ sd(d) / √n,  d_i = ℓ_i(best C) − ℓ_i(C)
/// ```
///
/// # Errors
///
/// Those of [`Labelled::new`], [`Folds::deal`] and [`out_of_fold`]; [`RankingError::Setting`]
/// without features, C or repeats.
pub fn choose(
    features: &[&Features],
    labels: &[ClassId],
    n_classes: usize,
    config: &ChoiceConfig,
) -> Result<Choice, RankingError> {
    check(features, config)?;
    let n_parts = match labels.len() {
        n_rows if n_rows > config.many_rows => n_rows.div_ceil(config.rows_for_choice.max(1)),
        _ => 1,
    };
    let tried = if n_parts == 1 {
        try_all(features, labels, n_classes, config)?
    } else {
        let rows = stratified_part(labels, n_parts, config.seed);
        let parts: Vec<_> = features.iter().map(|features| features.select(&rows)).collect();
        let labels: Vec<_> = rows.iter().map(|row| labels[*row]).collect();
        try_all(&parts.iter().collect::<Vec<_>>(), &labels, n_classes, config)?
    };
    let chosen = pick(&tried);
    let cells = tried.iter().map(|tried| tried.cell).collect();
    let n_repeats = if n_parts == 1 { config.n_repeats } else { 1 };
    let rows = Labelled::new(features[tried[chosen].cell.features], labels, n_classes)?;
    let cell = tried[chosen].cell;
    let first = if n_parts == 1 {
        tried.into_iter().nth(chosen).map(|tried| tried.log_probabilities)
    } else {
        None
    };
    let probabilities = repeat(rows, cell, first, n_repeats, config)?;
    Ok(Choice { chosen: cell, cells, probabilities, n_repeats })
}

fn check(features: &[&Features], config: &ChoiceConfig) -> Result<(), RankingError> {
    let counts = [
        ("features", features.len()),
        ("inverse_penalties", config.inverse_penalties.len()),
        ("n_repeats", config.n_repeats as usize),
    ];
    match counts.into_iter().find(|(_, count)| *count == 0) {
        Some((name, _)) => Err(RankingError::Setting { name, value: 0.0, expected: "at least 1" }),
        None => Ok(()),
    }
}

/// A cell with what it says of every row.
struct Tried {
    cell: Cell,
    /// Log-probability of each given label.
    of_labels: Vec<f64>,
    log_probabilities: Vec<f64>,
}

/// Every combination, features first, on the same folds.
fn try_all(
    features: &[&Features],
    labels: &[ClassId],
    n_classes: usize,
    config: &ChoiceConfig,
) -> Result<Vec<Tried>, RankingError> {
    let folds = Folds::deal(labels, config.n_folds, config.seed)?;
    let cells: Vec<_> = (0..features.len())
        .flat_map(|at| config.inverse_penalties.iter().map(move |penalty| (at, *penalty)))
        .collect();
    let attempt = |(at, inverse_penalty): (usize, f64)| -> Result<Tried, RankingError> {
        let rows = Labelled::new(features[at], labels, n_classes)?;
        let regression = RegressionConfig { inverse_penalty, ..config.regression };
        let log_probabilities = out_of_fold(rows, &folds, regression)?;
        let of_labels: Vec<_> = log_probabilities
            .chunks_exact(n_classes)
            .zip(labels)
            .map(|(row, label)| row[label.index()])
            .collect();
        let log_likelihood = mean(of_labels.iter().copied());
        let cell = Cell { features: at, inverse_penalty, log_likelihood };
        Ok(Tried { cell, of_labels, log_probabilities })
    };
    cells.into_par_iter().map(attempt).collect()
}

/// The place of the cell to use.
fn pick(tried: &[Tried]) -> usize {
    let better = |best: usize, at: usize| {
        if tried[at].cell.log_likelihood > tried[best].cell.log_likelihood { at } else { best }
    };
    let best = (0..tried.len()).fold(0, better);
    let as_good = |at: &usize| {
        tried[*at].cell.features == tried[best].cell.features
            && within_one_error(&tried[best].of_labels, &tried[*at].of_labels)
    };
    (0..best).find(as_good).unwrap_or(best)
}

/// Whether `other` falls short of `best` by no more than the standard error of the difference.
fn within_one_error(best: &[f64], other: &[f64]) -> bool {
    let n_rows = best.len() as f64;
    let differences = || best.iter().zip(other).map(|(best, other)| best - other);
    let mean = mean(differences());
    let squares: f64 = differences().map(|it| (it - mean).powi(2)).sum();
    mean <= (squares / (n_rows - 1.0).max(1.0)).sqrt() / n_rows.sqrt()
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n_values = values.len().max(1) as f64;
    values.sum::<f64>() / n_values
}

/// Probabilities of the chosen cell, with log-probabilities averaged over ways to deal the folds.
fn repeat(
    rows: Labelled<'_>,
    cell: Cell,
    first: Option<Vec<f64>>,
    n_repeats: u64,
    config: &ChoiceConfig,
) -> Result<Vec<f64>, RankingError> {
    let regression =
        RegressionConfig { inverse_penalty: cell.inverse_penalty, ..config.regression };
    let start = u64::from(first.is_some());
    let others = (start..n_repeats).into_par_iter().map(|repeat| {
        let seed = config.seed.wrapping_add(repeat);
        let folds = Folds::deal(rows.labels, config.n_folds, seed)?;
        out_of_fold(rows, &folds, regression)
    });
    let others = others.collect::<Result<Vec<_>, RankingError>>()?;
    let mut all = first.into_iter().chain(others);
    let mut sums = all.next().unwrap_or_default();
    for other in all {
        sums.iter_mut().zip(other).for_each(|(sum, other)| *sum += other);
    }
    for row in sums.chunks_exact_mut(rows.n_classes) {
        for sum in row.iter_mut() {
            *sum /= n_repeats as f64;
        }
        log_softmax(row);
        for value in row.iter_mut() {
            *value = value.exp();
        }
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(features: usize, inverse_penalty: f64, of_labels: &[f64]) -> Tried {
        let log_likelihood = mean(of_labels.iter().copied());
        Tried {
            cell: Cell { features, inverse_penalty, log_likelihood },
            of_labels: of_labels.to_vec(),
            log_probabilities: Vec::new(),
        }
    }

    #[test]
    fn the_smallest_c_within_one_standard_error_of_the_best_is_taken() {
        // Short of the best by 0.1 in the mean; the standard error of that is 0.1, then 0.01.
        let best = tried(0, 10.0, &[-1.0; 4]);
        let unsure = tried(0, 3.0, &[-1.3, -0.9, -1.3, -0.9]);
        let sure = tried(0, 1.0, &[-1.11, -1.09, -1.11, -1.09]);
        assert_eq!(pick(&[sure, unsure, best]), 1);
    }

    #[test]
    fn features_are_those_of_the_likeliest_cell() {
        let cells = [(0, 1.0, -0.8), (0, 3.0, -0.9), (1, 1.0, -0.95), (1, 3.0, -0.7)];
        let cells = cells.map(|(at, c, value)| tried(at, c, &[value; 3]));
        assert_eq!(pick(&cells), 3, "a cell of other features is no smaller C of these");
    }
}
