//! One method against another at the same place, with a paired bootstrap interval.
//!
//! ```text
//! d   = mean over common seeds s of  score(method, s) − score(reference, s)
//! d_b = the same over the seeds and test rows of resample b
//! [ d_(2.5 %), d_(97.5 %) ]                                the percentile interval
//! ```
//!
//! Where not every run has test predictions, only seeds are resampled, which takes two of them.

use std::collections::BTreeMap;

use anyhow::Result;

use super::place::Place;
use super::predictions::Predictions;
use super::resamples::{RunScores, row_scores, seed_draws};
use super::score::{Score, plain_scores};

/// The methods that others are compared with.
pub(super) const REFERENCES: [&str; 2] = ["base", "lane"];
/// Seeds that, resampled without rows, can tell a sign at the 5 % level: fewer agree by chance too
/// often, three of them one time in four.
pub(super) const LEAST_SEEDS: usize = 6;
/// Scores by their place in [`Score::place`].
const SCORES: [Score; 3] = [Score::Accuracy, Score::MacroF1, Score::WeightedF1];
const LEVEL: f64 = 0.95;

/// What was resampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Basis {
    Nothing,
    Seeds,
    Rows,
    SeedsAndRows,
}

impl Basis {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Seeds => "seeds",
            Self::Rows => "rows",
            Self::SeedsAndRows => "seeds and rows",
        }
    }
}

/// A difference in each score, and what it is under each resample.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Contrast {
    means: [Option<f64>; 3],
    resampled: [Vec<f32>; 3],
    pub(super) basis: Basis,
    n_seeds: usize,
}

/// A difference and its interval, fractions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Difference {
    pub(super) mean: f64,
    pub(super) interval: Option<(f64, f64)>,
    /// Whether too little was resampled for the interval to tell a sign.
    pub(super) is_thin: bool,
}

impl Difference {
    /// 1 or −1 where the interval leaves 0 out, and was made of enough to tell.
    pub(super) fn sign(&self) -> Option<f64> {
        let (low, high) = self.interval.filter(|_| !self.is_thin)?;
        (low > 0.0 || high < 0.0).then(|| low.signum())
    }
}

/// Every method against each reference, at one place.
#[derive(Debug, Default)]
pub(super) struct Contrasts {
    by_pair: BTreeMap<(String, &'static str), Contrast>,
    /// Runs whose test predictions are not those of their `result.json`, and are not used.
    pub(super) n_unfit: usize,
}

impl Contrasts {
    pub(super) fn get(&self, method: &str, reference: &'static str) -> Option<&Contrast> {
        self.by_pair.get(&(method.to_owned(), reference))
    }

    pub(super) fn difference(
        &self,
        method: &str,
        reference: &'static str,
        score: Score,
    ) -> Option<Difference> {
        mean_difference(&[self.get(method, reference)?], score)
    }

    pub(super) fn bases(&self) -> impl Iterator<Item = Basis> {
        self.by_pair.values().map(|contrast| contrast.basis)
    }

    pub(super) fn of(place: &Place<'_>) -> Result<Self> {
        let (runs, n_unfit) = scored_runs(place)?;
        let seeds: Vec<u64> = runs.keys().map(|(_, seed)| *seed).collect();
        let n_seeds = seeds.iter().max().map_or(0, |seed| *seed as usize);
        let draws = seed_draws(&place.key(), n_seeds);
        let mut contrasts = BTreeMap::new();
        for reference in REFERENCES {
            for method in place.methods().filter(|method| *method != reference) {
                let pairs: Vec<Pair<'_>> = (runs.iter())
                    .filter(|((name, _), _)| name == method)
                    .filter_map(|((_, seed), run)| {
                        Some([run, runs.get(&(reference.to_owned(), *seed))?])
                    })
                    .collect();
                contrasts.extend(
                    contrast(&pairs, &draws).map(|it| ((method.to_owned(), reference), it)),
                );
            }
        }
        Ok(Self { by_pair: contrasts, n_unfit })
    }
}

/// The mean of differences over places, its interval from resamples of all of them at once.
pub(super) fn mean_difference(contrasts: &[&Contrast], score: Score) -> Option<Difference> {
    let at = score.place();
    let means = contrasts.iter().map(|it| it.means[at]).collect::<Option<Vec<f64>>>()?;
    if means.is_empty() {
        return None;
    }
    let n = means.len() as f64;
    let n_resampled = contrasts.iter().map(|it| it.resampled[at].len()).min()?;
    let resampled = (0..n_resampled)
        .map(|b| contrasts.iter().map(|it| f64::from(it.resampled[at][b])).sum::<f64>() / n);
    let has_rows = contrasts.iter().all(|it| it.basis >= Basis::Rows);
    let n_seeds: usize = contrasts.iter().map(|it| it.n_seeds).sum();
    Some(Difference {
        mean: means.iter().sum::<f64>() / n,
        interval: interval(resampled.collect()),
        is_thin: !has_rows && n_seeds < LEAST_SEEDS,
    })
}

fn interval(mut values: Vec<f64>) -> Option<(f64, f64)> {
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().checked_sub(1)? as f64;
    #[expect(clippy::cast_sign_loss, reason = "a share of a length")]
    let at = |share: f64| values[(share * last).round() as usize];
    Some((at((1.0 - LEVEL) / 2.0), at(f64::midpoint(1.0, LEVEL))))
}

/// A run: its scores, and those under each resample of rows where it has predictions.
struct Scored {
    scores: [Option<f64>; 3],
    by_rows: Option<RunScores>,
}

type Pair<'a> = [&'a Scored; 2];

/// By method and seed.
type Runs = BTreeMap<(String, u64), Scored>;

/// The finished runs, and how many have predictions that do not fit.
fn scored_runs(place: &Place<'_>) -> Result<(Runs, usize)> {
    let (mut predictions, mut runs, mut codes) = (Predictions::default(), Vec::new(), Vec::new());
    let mut n_unfit = 0;
    for (cell, result) in place.finished() {
        let scores = SCORES.map(|score| result.get(score.name()));
        let found = predictions.codes_of(&cell.folder)?;
        let fitting = found.filter(|codes| fits(codes, &predictions, scores));
        n_unfit += usize::from(fitting.is_none() && Predictions::are_in(&cell.folder));
        runs.push((cell, scores, fitting.is_some()));
        codes.extend(fitting);
    }
    let codes: Vec<&[u32]> = codes.iter().map(Vec::as_slice).collect();
    let (labels, n_classes) = (predictions.labels(), predictions.n_classes());
    let mut by_rows = row_scores(&place.key(), labels, n_classes, &codes).into_iter();
    let scored = runs.into_iter().map(|(cell, scores, has_rows)| {
        let by_rows = has_rows.then(|| by_rows.next()).flatten();
        ((cell.method.clone(), cell.seed), Scored { scores, by_rows })
    });
    Ok((scored.collect(), n_unfit))
}

/// Whether predictions have the scores that the run reports, as far as it reports them.
fn fits(codes: &[u32], predictions: &Predictions, reported: [Option<f64>; 3]) -> bool {
    let found = plain_scores(codes, predictions.labels(), predictions.n_classes());
    let is_near = |(found, reported): (f32, Option<f64>)| {
        reported.is_none_or(|reported| (f64::from(found) - reported).abs() < 1e-5)
    };
    found.into_iter().zip(reported).all(is_near)
}

fn contrast(pairs: &[Pair<'_>], draws: &[Vec<f64>]) -> Option<Contrast> {
    if pairs.is_empty() {
        return None;
    }
    let has_rows = pairs.iter().flatten().all(|run| run.by_rows.is_some());
    let basis = match (has_rows, pairs.len()) {
        (true, 1) => Basis::Rows,
        (true, _) => Basis::SeedsAndRows,
        (false, 1) => Basis::Nothing,
        (false, _) => Basis::Seeds,
    };
    let means = [0, 1, 2].map(|at| {
        let differences = pairs
            .iter()
            .map(|[method, reference]| Some(method.scores[at]? - reference.scores[at]?));
        let differences = differences.collect::<Option<Vec<f64>>>()?;
        Some(differences.iter().sum::<f64>() / differences.len() as f64)
    });
    let resampled = [0, 1, 2].map(|at| match (basis, means[at]) {
        (Basis::Nothing, _) | (_, None) => Vec::new(),
        _ => {
            let score = |run: &Scored, b: usize| match &run.by_rows {
                Some(scores) if has_rows => scores[b][at],
                _ => run.scores[at].unwrap_or_default() as f32,
            };
            let of_draw = |(b, draw): (usize, &Vec<f64>)| {
                mean_over(pairs, draw, |[method, reference]| score(method, b) - score(reference, b))
            };
            draws.iter().enumerate().map(of_draw).collect()
        }
    });
    Some(Contrast { means, resampled, basis, n_seeds: pairs.len() })
}

/// The mean over pairs of seeds drawn as `draw` says.
fn mean_over(pairs: &[Pair<'_>], draw: &[f64], difference: impl Fn(Pair<'_>) -> f32) -> f32 {
    let n = pairs.len();
    #[expect(clippy::cast_sign_loss, reason = "a share of a length")]
    let drawn = draw[..n].iter().map(|share| pairs[((share * n as f64) as usize).min(n - 1)]);
    drawn.map(difference).sum::<f32>() / n as f32
}

#[cfg(test)]
mod tests;
