//! What a person's look at rows drawn at random says of all of them.
//!
//! ```text
//! k of n rows are flagged. Of m flagged rows looked at x were wrong, of m₀ others x₀.
//! p, p₀       Beta(x + ½, m − x + ½), Beta(x₀ + ½, m₀ − x₀ + ½), each drawn in to its x/m by
//!             √(1 − m/k), √(1 − m₀/(n − k)): without replacement, and sure when all were seen
//! precision   x/m                                            5 % and 95 % quantile of p
//! share       (k x/m + (n − k) x₀/m₀) / n                    the same quantiles of
//! recall      (k x/m) / (k x/m + (n − k) x₀/m₀)              2000 pairs of p and p₀
//! ```
//!
//! The interval of a share of few rows is that of Jeffreys' prior. Pairs are made of 2000
//! evenly spread quantiles of p and of p₀, paired at random, so that only the pairing is left to
//! chance; the same seed gives the same pairs.
//!
//! Unlike what [`cut_off`](crate::cut_off) says, this holds for mistakes of every kind, those that
//! the model has learned too: a person looked. It holds for rows **drawn at random**, as
//! [`Sample`] does, not for the first of the ranking; and "wrong" is what that person finds wrong.
//!
//! How often the 90 % intervals hold the truth, of 2000 looks each at 30 + 30 of 2500 rows, 500 of
//! them flagged:
//!
//! | wrong of the 500 | wrong of the others | precision | recall | share |
//! |---|---|---|---|---|
//! | 400 | 100 | .911 | .941 | .896 |
//! | 250 | 200 | .906 | .894 | .885 |
//! | 450 | 20 | .908 | .964 | .908 |
//! | 100 | 60 | .890 | .935 | .918 |

mod beta;
mod sample;

use serde::{Deserialize, Serialize};

pub use self::sample::{Sample, SampleSize, SampledRow};
use crate::model::Estimate;
use crate::ranking_error::RankingError;
use lane_data::sample::permutation;
use lane_data::seed::stream;

/// How sure the intervals are.
pub const CONFIDENCE: f64 = 0.9;
const TAIL: f64 = (1.0 - CONFIDENCE) / 2.0;
const N_PAIRS: u32 = 2000;

/// Rows of one kind, flagged or not, and what a look at some of them showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// Rows of this kind.
    pub n_rows: usize,
    /// Of them, rows that were looked at, drawn at random.
    pub n_looked: usize,
    /// Of those, rows whose label was found wrong.
    pub n_wrong: usize,
}

/// What the rows looked at say of all rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reviewed {
    /// Flagged rows.
    pub flagged: Looked,
    /// All others.
    pub unflagged: Looked,
    /// Share of the flagged rows whose label is wrong.
    pub precision: Option<Estimate>,
    /// Share of the wrong labels that are flagged; absent where no other row was looked at, and
    /// where no wrong label was found.
    pub recall: Option<Estimate>,
    /// Share of all labels that are wrong; absent where no other row was looked at.
    pub share_wrong: Option<Estimate>,
    /// How sure the intervals are.
    pub confidence: f64,
}

impl Reviewed {
    /// The estimates; `seed` pairs the quantiles.
    ///
    /// # Errors
    ///
    /// [`RankingError::Metrics`] for more rows looked at than there are, or more wrong ones than
    /// were looked at.
    pub fn new(flagged: Looked, unflagged: Looked, seed: u64) -> Result<Self, RankingError> {
        flagged.check()?;
        unflagged.check()?;
        let nothing = Self { flagged, unflagged, confidence: CONFIDENCE, ..Self::default() };
        if flagged.n_looked == 0 {
            return Ok(nothing);
        }
        let precision = flagged.estimate();
        let seen_or_none = unflagged.n_looked > 0 || unflagged.n_rows == 0;
        let (recall, share) =
            if seen_or_none { of_all(flagged, unflagged, seed) } else { (None, None) };
        Ok(Self { precision: Some(precision), recall, share_wrong: share, ..nothing })
    }

    /// In words; empty where no flagged row was looked at.
    pub fn sentence(&self) -> String {
        let Some(precision) = self.precision else { return String::new() };
        let shown = |it: Estimate| format!("{:.2} ({:.2} to {:.2})", it.value, it.low, it.high);
        let Looked { n_looked, n_wrong, .. } = self.flagged;
        let flagged = format!(
            "of {n_looked} flagged rows looked at, {n_wrong} wrong: precision {}",
            shown(precision)
        );
        let Looked { n_looked, n_wrong, .. } = self.unflagged;
        let recall = |it| format!("; of {n_looked} others, {n_wrong} wrong: recall {}", shown(it));
        let share = |it| format!(", share of wrong labels {}", shown(it));
        let recall = self.recall.map(recall).unwrap_or_default();
        flagged + &recall + &self.share_wrong.map(share).unwrap_or_default()
    }
}

impl Looked {
    fn check(self) -> Result<(), RankingError> {
        let refuse = |name, value: usize, expected| {
            Err(RankingError::Setting { name, value: value as f64, expected })
        };
        if self.n_looked > self.n_rows {
            return refuse("n_looked", self.n_looked, "no more than there are rows");
        }
        if self.n_wrong > self.n_looked {
            return refuse("n_wrong", self.n_wrong, "no more than were looked at");
        }
        Ok(())
    }

    /// x/m, 0 where nothing was looked at.
    fn share(self) -> f64 {
        if self.n_looked == 0 { 0.0 } else { self.n_wrong as f64 / self.n_looked as f64 }
    }

    /// The value of p at these probabilities, ascending.
    fn quantiles(self, at: impl Iterator<Item = f64>) -> Vec<f64> {
        let (wrong, right) = (self.n_wrong as f64, (self.n_looked - self.n_wrong) as f64);
        let rest = (1.0 - self.n_looked as f64 / self.n_rows.max(1) as f64).sqrt();
        let share = self.share();
        let beta = beta::Beta::new(wrong + 0.5, right + 0.5);
        at.map(|at| share + (beta.quantile(at) - share) * rest).collect()
    }

    fn estimate(self) -> Estimate {
        let ends = self.quantiles([TAIL, 1.0 - TAIL].into_iter());
        around(self.share(), ends[0], ends[1])
    }
}

/// Recall and share of wrong labels.
fn of_all(flagged: Looked, others: Looked, seed: u64) -> (Option<Estimate>, Option<Estimate>) {
    let (n_flagged, n_others) = (flagged.n_rows as f64, others.n_rows as f64);
    let even = || (0..N_PAIRS).map(|at| (f64::from(at) + 0.5) / f64::from(N_PAIRS));
    let (p, q) = (flagged.quantiles(even()), others.quantiles(even()));
    let order = permutation(q.len(), stream(seed, "audit/reviewed", &[]));
    let pairs = p.iter().zip(order).map(|(p, at)| (n_flagged * p, n_others * q[at.index()]));
    let (mut recalls, mut shares): (Vec<_>, Vec<_>) = pairs
        .map(|(found, missed)| {
            (found / (found + missed), (found + missed) / (n_flagged + n_others))
        })
        .unzip();
    let (found, missed) = (n_flagged * flagged.share(), n_others * others.share());
    let share = between(&mut shares, (found + missed) / (n_flagged + n_others));
    // Rows that were all seen leave nothing to chance, not even what a share of nothing is.
    let any = found + missed > 0.0 && recalls.iter().all(|it| it.is_finite());
    (any.then(|| between(&mut recalls, found / (found + missed))), Some(share))
}

/// `value` with an interval from the middle of `values`.
fn between(values: &mut [f64], value: f64) -> Estimate {
    values.sort_unstable_by(f64::total_cmp);
    let tail = (TAIL * values.len() as f64).floor().abs();
    #[expect(clippy::cast_sign_loss, reason = "a count is not negative")]
    let cut_off = tail as usize;
    around(value, values[cut_off], values[values.len() - 1 - cut_off])
}

fn around(value: f64, low: f64, high: f64) -> Estimate {
    Estimate { value, low: low.min(value), high: high.max(value) }
}

#[cfg(test)]
mod tests;
