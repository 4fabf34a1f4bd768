//! How well a score of suspicion finds the rows whose labels are wrong.
//!
//! ```text
//! AUROC = P(s_wrong > s_right) + ½ P(s_wrong = s_right)
//! AP    = Σ_k (R_k − R_{k−1}) P_k     over the distinct scores, highest first
//! ```
//!
//! Scores: the higher, the more likely mislabeled (−AUM, −ALM, 1 − λ, loss, …), shape `[n]`.
//! Precision, recall, F1 and balanced accuracy go by the method's own flags; any 0/0 is 0. AUROC
//! and AP go by the scores; without wrong rows, or without right ones, they have no value and
//! are none, not 0. All lie in 0..=1.
//!
//! Rank by −ALM rather than by 1 − λ: most weights are exactly 1, and ties decide then.

use serde::{Deserialize, Serialize};

use crate::error::MetricsError;

/// How well wrong labels were found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// Share of the flagged rows that are wrong; 0 when nothing is flagged.
    pub precision: f64,
    /// Share of the wrong rows that are flagged; 0 when nothing is wrong.
    pub recall: f64,
    /// Harmonic mean of the two; 0 when both are.
    pub f1: f64,
    /// Mean of the share of wrong rows flagged and the share of right rows not flagged, over
    /// those of the two kinds that occur.
    pub balanced_accuracy: f64,
    /// Chance that a wrong row scores above a right one, ties for half.
    pub auroc: Option<f64>,
    /// Area under the steps of precision over recall.
    pub average_precision: Option<f64>,
    /// Rows flagged.
    pub n_flagged: usize,
    /// Rows that are wrong.
    pub n_wrong: usize,
}

/// All detection scores of a set.
///
/// ```
/// use lane_metrics::detection;
///
/// let scores = [2.5, 0.1, 1.0, -3.0]; // −ALM
/// let wrong = [true, false, false, false];
/// let flagged = [true, false, true, false];
/// let detection = detection::of_scores(&scores, &wrong, &flagged)?;
/// assert_eq!((detection.precision, detection.recall), (0.5, 1.0));
/// assert_eq!(detection.auroc, Some(1.0));
/// # Ok::<(), lane_metrics::MetricsError>(())
/// ```
///
/// # Errors
///
/// [`MetricsError::CountMismatch`] when the lists differ in length,
/// [`MetricsError::ValueNotFinite`] on the first score that is NaN.
pub fn of_scores(
    scores: &[f64],
    wrong: &[bool],
    flagged: &[bool],
) -> Result<Detection, MetricsError> {
    let ranks = Ranks::new(scores, wrong)?;
    check_count("flags", flagged.len(), scores.len())?;
    let count = |of: &dyn Fn(bool, bool) -> bool| {
        wrong.iter().zip(flagged).filter(|&(&wrong, &flagged)| of(wrong, flagged)).count()
    };
    let hits = count(&|wrong, flagged| wrong && flagged);
    let n_flagged = count(&|_, flagged| flagged);
    let n_right = wrong.len() - ranks.n_wrong;
    let recall = ratio(hits, ranks.n_wrong);
    let passed = ratio(n_right - (n_flagged - hits), n_right);
    Ok(Detection {
        precision: ratio(hits, n_flagged),
        recall,
        f1: ratio(2 * hits, n_flagged + ranks.n_wrong),
        balanced_accuracy: match (ranks.n_wrong, n_right) {
            (0, _) => passed,
            (_, 0) => recall,
            _ => f64::midpoint(recall, passed),
        },
        auroc: ranks.auroc(),
        average_precision: ranks.average_precision(),
        n_flagged,
        n_wrong: ranks.n_wrong,
    })
}

/// AUROC alone; none without wrong rows or without right ones.
///
/// # Errors
///
/// As [`of_scores`].
pub fn auroc(scores: &[f64], wrong: &[bool]) -> Result<Option<f64>, MetricsError> {
    Ok(Ranks::new(scores, wrong)?.auroc())
}

/// Average precision alone; none without wrong rows or without right ones.
///
/// # Errors
///
/// As [`of_scores`].
pub fn average_precision(scores: &[f64], wrong: &[bool]) -> Result<Option<f64>, MetricsError> {
    Ok(Ranks::new(scores, wrong)?.average_precision())
}

/// Wrong and right rows at each distinct score, highest score first.
struct Ranks {
    groups: Vec<(usize, usize)>,
    n_wrong: usize,
    n_right: usize,
}

impl Ranks {
    fn new(scores: &[f64], wrong: &[bool]) -> Result<Self, MetricsError> {
        check_count("true answers", wrong.len(), scores.len())?;
        if let Some(position) = scores.iter().position(|it| it.is_nan()) {
            return Err(MetricsError::ValueNotFinite { position, value: scores[position] });
        }
        // + 0.0 makes the two zeros one, so that they tie.
        let mut pairs: Vec<_> =
            scores.iter().map(|it| it + 0.0).zip(wrong.iter().copied()).collect();
        pairs.sort_unstable_by(|(a, _), (b, _)| b.total_cmp(a));
        let groups: Vec<_> = pairs
            .chunk_by(|(a, _), (b, _)| a.total_cmp(b).is_eq())
            .map(|tied| {
                let n_wrong = tied.iter().filter(|(_, wrong)| *wrong).count();
                (n_wrong, tied.len() - n_wrong)
            })
            .collect();
        let n_wrong = groups.iter().map(|group| group.0).sum();
        Ok(Self { groups, n_wrong, n_right: scores.len() - n_wrong })
    }

    fn is_one_sided(&self) -> bool {
        self.n_wrong == 0 || self.n_right == 0
    }

    fn auroc(&self) -> Option<f64> {
        if self.is_one_sided() {
            return None;
        }
        let mut n_right_below = self.n_right;
        let mut area = 0.0;
        for &(wrong, right) in &self.groups {
            n_right_below -= right;
            area += wrong as f64 * (n_right_below as f64 + 0.5 * right as f64);
        }
        Some(area / (self.n_wrong as f64 * self.n_right as f64))
    }

    fn average_precision(&self) -> Option<f64> {
        if self.is_one_sided() {
            return None;
        }
        let (mut n_found, mut n_seen) = (0, 0);
        let mut area = 0.0;
        for &(wrong, right) in &self.groups {
            n_found += wrong;
            n_seen += wrong + right;
            area += ratio(wrong, self.n_wrong) * ratio(n_found, n_seen);
        }
        Some(area)
    }
}

fn check_count(found: &'static str, n_found: usize, n_expected: usize) -> Result<(), MetricsError> {
    if n_found == n_expected {
        return Ok(());
    }
    Err(MetricsError::CountMismatch { found, n_found, expected: "scores", n_expected })
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_flagged_scores_0_by_flags_and_still_ranks() {
        let found = of_scores(&[3.0, 1.0], &[true, false], &[false, false]).unwrap();
        assert_eq!((found.precision, found.recall, found.f1), (0.0, 0.0, 0.0));
        assert_eq!((found.auroc, found.average_precision), (Some(1.0), Some(1.0)));
        assert_eq!((found.n_flagged, found.n_wrong), (0, 1));
    }

    #[test]
    fn without_wrong_rows_or_without_right_ones_ranking_has_no_value() {
        for wrong in [[false; 2], [true; 2]] {
            let found = of_scores(&[3.0, 1.0], &wrong, &[true, false]).unwrap();
            assert_eq!((found.auroc, found.average_precision), (None, None));
        }
        assert_eq!(auroc(&[], &[]).unwrap(), None);
    }

    #[test]
    fn all_tied_is_a_coin_toss() {
        let wrong = [true, false, false, false];
        assert_eq!(auroc(&[0.0, -0.0, 0.0, 0.0], &wrong).unwrap(), Some(0.5));
        assert_eq!(average_precision(&[1.0; 4], &wrong).unwrap(), Some(0.25));
    }

    #[test]
    fn infinite_scores_rank_and_nan_is_refused() {
        let wrong = [true, false];
        assert_eq!(auroc(&[f64::INFINITY, 1.0], &wrong).unwrap(), Some(1.0));
        assert_eq!(
            auroc(&[1.0, f64::NAN], &wrong).unwrap_err().to_string(),
            "the value at position 1 is NaN, expected a finite number"
        );
    }

    #[test]
    fn lists_that_do_not_pair_up_are_refused() {
        let error = auroc(&[1.0], &[true, false]).unwrap_err();
        assert_eq!(error.to_string(), "2 true answers but 1 scores");
        let error = of_scores(&[1.0], &[true], &[]).unwrap_err();
        assert_eq!(error.to_string(), "0 flags but 1 scores");
    }
}
