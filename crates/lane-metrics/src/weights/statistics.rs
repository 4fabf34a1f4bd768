//! Mean and variance of the negative averages: exact over a list, or kept while values change.
//!
//! ```text
//! N  = { i : visited, A_i < 0 },   n = |N|
//! μ  = (1/n) Σ_N A_i                                                     (LANE, Eq. 5)
//! σ² = (1/n) Σ_N (A_i − μ)²          population variance                 (LANE, Eq. 6)
//! ```
//!
//! A: AUM or ALM, in logit units; μ < 0 and σ² ≥ 0, both 0 when N is empty. Everything is f64.
//!
//! Kept values are summed about a shift c close to μ, S₁ = Σ (A − c) and S₂ = Σ (A − c)², so
//! that μ = c + S₁/n and σ² = S₂/n − (S₁/n)² lose few digits. Adding and taking away leaves
//! rounding behind; [`Running::is_worn`] says when it could show, and whoever keeps the values
//! then recomputes.

use serde::{Deserialize, Serialize};

/// n, μ and σ² of the negative averages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NegativeStatistics {
    /// How many averages are negative.
    pub n: u64,
    /// μ, in logit units; 0 when there are none.
    pub mean: f64,
    /// σ², in squared logit units; 0 below two values.
    pub variance: f64,
}

impl NegativeStatistics {
    /// Exact statistics of the negative ones among `values`, in two passes.
    ///
    /// ```
    /// use lane_metrics::weights::NegativeStatistics;
    ///
    /// let statistics = NegativeStatistics::of_values([-5.0, -1.0, 2.0].into_iter());
    /// assert_eq!((statistics.n, statistics.mean, statistics.variance), (2, -3.0, 4.0));
    /// ```
    pub fn of_values(values: impl Iterator<Item = f64> + Clone) -> Self {
        Running::of_values(values).statistics()
    }

    /// The same n and μ, with the mean squared deviation of only those values below μ.
    #[must_use]
    pub fn below_mean(self, values: impl Iterator<Item = f64>) -> Self {
        let deviations = values.filter(|&value| value < 0.0 && value < self.mean);
        let (n, sum) = deviations.fold((0_u64, 0.0), |(n, sum), value| {
            (n + 1, sum + (value - self.mean) * (value - self.mean))
        });
        Self { variance: if n == 0 { 0.0 } else { sum / n as f64 }, ..self }
    }

    /// The statistics of the same values, each multiplied by `factor`.
    pub(crate) fn scaled(self, factor: f64) -> Self {
        let (mean, variance) = (self.mean * factor, self.variance * factor * factor);
        Self { mean, variance, ..self }
    }
}

/// n, S₁ and S₂ about a shift, kept while values come and go. Non-negative values pass through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Running {
    n: u64,
    shift: f64,
    sum: f64,
    sum_squares: f64,
    /// The largest S₂ since the sums were exact: what has been rounded is a sliver of it.
    peak: f64,
}

/// n·σ² below this part of the largest S₂ has too few digits left.
const WORN: f64 = 1e-6;

impl Running {
    /// Exact sums: a first pass for the mean, a second about it.
    pub(crate) fn of_values(values: impl Iterator<Item = f64> + Clone) -> Self {
        // Starting from a value of N makes n equal values give that value and no variance.
        let start = values.clone().find(|&value| value < 0.0).unwrap_or_default();
        let mean = Self::about(start, values.clone()).statistics().mean;
        Self::about(mean, values)
    }

    fn about(shift: f64, values: impl Iterator<Item = f64>) -> Self {
        let empty = Self { shift, ..Self::default() };
        let mut exchange = empty.exchange();
        values.for_each(|value| exchange.replace(0.0, value));
        empty.after(&exchange)
    }

    /// An empty exchange of values with this N.
    pub(crate) fn exchange(&self) -> Exchange {
        Exchange { shift: self.shift, ..Exchange::default() }
    }

    /// N after an exchange that began with this one.
    #[must_use]
    #[expect(clippy::cast_sign_loss, reason = "counts, whole and never negative")]
    pub(crate) fn after(self, exchange: &Exchange) -> Self {
        let [n_out, n_in] = exchange.n;
        let [sum_out, sum_in] = exchange.sum;
        let [squares_out, squares_in] = exchange.sum_squares;
        let sum_squares = self.sum_squares + (squares_in - squares_out);
        Self {
            n: self.n + n_in as u64 - n_out as u64,
            shift: self.shift,
            sum: self.sum + (sum_in - sum_out),
            sum_squares,
            peak: self.peak.max(self.sum_squares + squares_in),
        }
    }

    /// n, μ and σ² of what is in N now.
    pub(crate) fn statistics(&self) -> NegativeStatistics {
        if self.n == 0 {
            return NegativeStatistics::default();
        }
        let n = self.n as f64;
        let (mean, variance) = (self.shift + self.sum / n, self.squares_about_mean() / n);
        NegativeStatistics { n: self.n, mean, variance }
    }

    /// Whether rounding may show: so little is left of S₂ that only a recomputation is exact.
    pub(crate) fn is_worn(&self) -> bool {
        self.peak > 0.0 && (self.n == 0 || self.squares_about_mean() <= WORN * self.peak)
    }

    fn squares_about_mean(&self) -> f64 {
        (self.sum_squares - self.sum * self.sum / self.n as f64).max(0.0)
    }
}

/// What leaves N and what enters it during one batch: `[out, in]` of n, S₁ and S₂.
///
/// Both sides are added up alike and set off against each other only at the end, so that one
/// operation serves the two.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Exchange {
    shift: f64,
    n: [f64; 2],
    sum: [f64; 2],
    sum_squares: [f64; 2],
}

impl Exchange {
    /// Takes `old` out of N and `new` into it, each only if it is negative.
    ///
    /// `old` must be in N if it is negative. Written without a jump on the signs, which follow
    /// no pattern a processor could learn.
    #[inline]
    pub(crate) fn replace(&mut self, old: f64, new: f64) {
        for (side, value) in [old, new].into_iter().enumerate() {
            let counts = if value < 0.0 { 1.0 } else { 0.0 };
            let deviation = counts * (value - self.shift);
            self.n[side] += counts;
            self.sum[side] += deviation;
            self.sum_squares[side] += deviation * deviation;
        }
    }
}

/// Welford's mean and variance of every negative value ever shown to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Seen {
    n: u64,
    mean: f64,
    squares_about_mean: f64,
}

impl Seen {
    pub(crate) fn add(&mut self, value: f64) {
        if value < 0.0 {
            let before = value - self.mean;
            self.n += 1;
            self.mean += before / self.n as f64;
            self.squares_about_mean += before * (value - self.mean);
        }
    }

    pub(crate) fn statistics(&self) -> NegativeStatistics {
        let variance = if self.n == 0 { 0.0 } else { self.squares_about_mean / self.n as f64 };
        NegativeStatistics { n: self.n, mean: self.mean, variance }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> NegativeStatistics {
        NegativeStatistics::of_values(values.iter().copied())
    }

    #[test]
    fn only_negative_values_count() {
        assert_eq!(of(&[0.0, -1.0, -3.0, 5.0]), of(&[-1.0, -3.0]));
        assert_eq!(of(&[1.0, 0.0]), NegativeStatistics::default());
    }

    #[test]
    fn equal_values_have_exactly_no_variance() {
        let statistics = of(&[-0.1; 7]);
        assert_eq!(statistics, NegativeStatistics { n: 7, mean: -0.1, variance: 0.0 });
    }

    fn after(running: Running, replaced: &[(f64, f64)]) -> Running {
        let mut exchange = running.exchange();
        for &(old, new) in replaced {
            exchange.replace(old, new);
        }
        running.after(&exchange)
    }

    #[test]
    fn values_that_come_and_go_leave_the_others() {
        let running = after(Running::default(), &[(0.0, -1.0), (0.0, -4.0), (0.0, -3.0)]);
        let running = after(running, &[(-4.0, 2.0), (0.0, 1.0), (-3.0, -5.0)]);
        assert_eq!(running.statistics(), of(&[-1.0, -5.0]));
    }

    #[test]
    fn a_value_that_dwarfed_the_others_wears_the_sums_out() {
        let running = after(Running::default(), &[(0.0, -1.0), (0.0, -2.0), (0.0, -1e9)]);
        assert!(!running.is_worn());
        assert!(after(running, &[(-1e9, 0.0)]).is_worn());
        assert!(!Running::of_values([-1.0, -2.0].into_iter()).is_worn());
        assert!(!Running::of_values([-1.0, -1.0].into_iter()).is_worn());
    }

    #[test]
    fn welford_sees_every_value_ever_shown() {
        let mut seen = Seen::default();
        for value in [-5.0, -1.0, 2.0] {
            seen.add(value);
        }
        assert_eq!(seen.statistics(), of(&[-5.0, -1.0]));
    }

    #[test]
    fn the_part_below_the_mean_is_measured_from_the_mean_of_all() {
        let values = [-5.0, -1.0, -0.0, 3.0];
        let statistics = of(&values).below_mean(values.into_iter());
        assert_eq!(statistics, NegativeStatistics { n: 2, mean: -3.0, variance: 4.0 });
        let none_below = of(&[-2.0; 2]).below_mean([-2.0; 2].into_iter());
        assert_eq!(none_below, NegativeStatistics { n: 2, mean: -2.0, variance: 0.0 });
    }
}
