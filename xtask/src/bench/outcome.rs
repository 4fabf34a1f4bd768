//! What a case came to.
//!
//! ```text
//! time    median over all timed steps of all rounds; where steps differ in size,
//!         mean over steps of (median over rounds)
//! ratio   our time / the rival's
//! spread  smallest and largest ratio of one round's times
//! memory  largest over rounds
//! ```

use std::fmt;

use super::case::Case;
use super::contender::Sample;

/// A case, measured.
pub(super) struct Outcome {
    pub(super) case: Case,
    pub(super) threads: u32,
    pub(super) ours: Side,
    pub(super) rival: Option<Side>,
}

/// One side over all rounds.
pub(super) struct Side {
    pub(super) samples: Vec<Sample>,
    pub(super) ms: f64,
    pub(super) peak_memory_bytes: Option<u64>,
}

impl Side {
    fn new(samples: Vec<Sample>, varies: bool) -> Self {
        let ms = if varies {
            mean_of_medians(&samples)
        } else {
            median(samples.iter().flat_map(|sample| &sample.ms).copied())
        };
        let peak_memory_bytes = samples.iter().filter_map(|it| it.peak_memory_bytes).max();
        Self { samples, ms, peak_memory_bytes }
    }
}

/// Each step against itself in the other rounds.
fn mean_of_medians(samples: &[Sample]) -> f64 {
    let n_steps = samples.iter().map(|sample| sample.ms.len()).min().unwrap_or(0);
    let of_step = |step: usize| median(samples.iter().map(|sample| sample.ms[step]));
    (0..n_steps).map(of_step).sum::<f64>() / n_steps.max(1) as f64
}

/// The middle value, the mean of the middle two of an even number; 0 of none.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        n if n.is_multiple_of(2) => f64::midpoint(values[middle - 1], values[middle]),
        _ => values[middle],
    }
}

impl Outcome {
    pub(super) fn new(case: Case, threads: u32, ours: Vec<Sample>, theirs: Vec<Sample>) -> Self {
        let varies = case.varies;
        let rival = (!theirs.is_empty()).then(|| Side::new(theirs, varies));
        Self { case, threads, ours: Side::new(ours, varies), rival }
    }

    pub(super) fn ratio(&self) -> Option<f64> {
        Some(self.ours.ms / self.rival.as_ref()?.ms)
    }

    /// Smallest and largest ratio of a round.
    pub(super) fn spread(&self) -> Option<(f64, f64)> {
        let rounds = self.ours.samples.iter().zip(&self.rival.as_ref()?.samples);
        let of_round = |sample: &Sample| {
            if self.case.varies {
                sample.ms.iter().sum()
            } else {
                median(sample.ms.iter().copied())
            }
        };
        let ratios: Vec<f64> = rounds.map(|(a, b)| of_round(a) / of_round(b)).collect();
        let least = ratios.iter().copied().min_by(f64::total_cmp)?;
        Some((least, ratios.iter().copied().max_by(f64::total_cmp)?))
    }

    pub(super) fn memory_ratio(&self) -> Option<f64> {
        let ours = self.ours.peak_memory_bytes? as f64;
        Some(ours / self.rival.as_ref()?.peak_memory_bytes? as f64)
    }

    /// Whether the time is within its bar; nothing where there is none to compare with.
    pub(super) fn met(&self) -> Option<bool> {
        Some(self.ratio()? <= self.case.bar?)
    }

    /// The same of memory.
    pub(super) fn memory_met(&self) -> Option<bool> {
        Some(self.memory_ratio()? <= self.case.memory_bar?)
    }

    pub(super) fn n_missed(&self) -> usize {
        [self.met(), self.memory_met()].into_iter().filter(|met| *met == Some(false)).count()
    }
}

/// As in progress lines.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} threads: {:.0} ms", self.case.name, self.threads, self.ours.ms)?;
        if let (Some(rival), Some(ratio)) = (&self.rival, self.ratio()) {
            write!(f, ", {} {:.0} ms, ratio {ratio:.2}", self.case.rival_name, rival.ms)?;
        }
        if let Some(ratio) = self.memory_ratio() {
            write!(f, ", memory {ratio:.2}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn sample(ms: &[f64]) -> Sample {
        let report = Value::Null;
        Sample { ms: ms.to_vec(), peak_memory_bytes: Some(1), report, command: String::new() }
    }

    #[track_caller]
    fn check(rounds: &[&[f64]], varies: bool, expected: f64) {
        let side = Side::new(rounds.iter().map(|ms| sample(ms)).collect(), varies);
        assert!((side.ms - expected).abs() < 1e-12, "{}", side.ms);
    }

    #[test]
    fn steps_alike_are_put_together_and_one_slow_step_does_not_count() {
        check(&[&[10.0, 11.0, 900.0], &[12.0, 10.0]], false, 11.0);
    }

    #[test]
    fn steps_of_different_size_are_compared_with_themselves() {
        check(&[&[1.0, 100.0], &[2.0, 120.0], &[900.0, 110.0]], true, 56.0);
    }
}
