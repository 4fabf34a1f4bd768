//! The four classification scores of a set of predictions.
//!
//! ```text
//! F1_c = 2 TP_c / (n_predicted_c + n_true_c)        accuracy = micro F1 = Σ_c TP_c / n
//! macro F1    = mean of F1_c over the classes that occur in truth or prediction
//! weighted F1 = Σ_c n_true_c · F1_c / n
//! ```
//!
//! As `lane` defines them, written once more for resamples of the rows: with one predicted class a
//! row, pooled F1 is the accuracy, so three numbers make all four. Sixteen resamples are scored side
//! by side, since every method of a large grid is scored on thousands of them.

use serde::Deserialize;

/// Resamples that are counted and scored together.
pub(super) const LANES: usize = 16;
/// One number for each of them.
pub(super) type Lanes = [u32; LANES];
/// A score of each of them.
pub(super) type ScoreLanes = [f32; LANES];

/// How the paper's tables and ours name a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum Score {
    Accuracy,
    MicroF1,
    MacroF1,
    WeightedF1,
}

impl Score {
    pub(super) const ALL: [Self; 4] =
        [Self::Accuracy, Self::MicroF1, Self::MacroF1, Self::WeightedF1];

    /// As in `result.json` and in the CSV files.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::MicroF1 => "micro_f1",
            Self::MacroF1 => "macro_f1",
            Self::WeightedF1 => "weighted_f1",
        }
    }

    pub(super) fn name_final(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy_final",
            Self::MicroF1 => "micro_f1_final",
            Self::MacroF1 => "macro_f1_final",
            Self::WeightedF1 => "weighted_f1_final",
        }
    }

    /// As in a heading.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::MicroF1 => "micro F1",
            Self::MacroF1 => "macro F1",
            Self::WeightedF1 => "weighted F1",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|score| score.name() == name)
    }

    /// Its place among the three numbers of [`scores_of`].
    pub(super) fn place(self) -> usize {
        match self {
            Self::Accuracy | Self::MicroF1 => 0,
            Self::MacroF1 => 1,
            Self::WeightedF1 => 2,
        }
    }
}

/// A predicted class, and whether it is right, as one number: where the row is counted.
pub(super) fn code(predicted: u16, label: u16) -> u32 {
    2 * u32::from(predicted) + u32::from(predicted == label)
}

/// How often each [`code`] occurs where row `r` counts `weights[r]` times.
pub(super) fn count(codes: &[u32], weights: &[Lanes], n_codes: usize) -> Vec<Lanes> {
    let mut counts: Vec<Lanes> = vec![[0; LANES]; n_codes];
    for (&code, weight) in codes.iter().zip(weights) {
        let sums = &mut counts[code as usize];
        for (sum, &weight) in sums.iter_mut().zip(weight) {
            *sum = sum.wrapping_add(weight);
        }
    }
    counts
}

/// Accuracy, macro F1 and weighted F1 from how often each label and each [`code`] occurs.
pub(super) fn scores_of(n_true: &[Lanes], counts: &[Lanes]) -> [ScoreLanes; 3] {
    let mut sums = [[0.0; LANES]; 3];
    let (mut n_rows, mut n_present) = ([0.0; LANES], [0.0; LANES]);
    for (n_true, pair) in n_true.iter().zip(counts.chunks_exact(2)) {
        for lane in 0..LANES {
            let (support, right) = (n_true[lane] as f32, pair[1][lane] as f32);
            let both = support + pair[0][lane] as f32 + right;
            let f1 = 2.0 * right / both.max(1.0);
            sums[0][lane] += right;
            sums[1][lane] += f1;
            sums[2][lane] += support * f1;
            n_rows[lane] += support;
            n_present[lane] += both.min(1.0);
        }
    }
    for lane in 0..LANES {
        sums[0][lane] /= n_rows[lane].max(1.0);
        sums[1][lane] /= n_present[lane].max(1.0);
        sums[2][lane] /= n_rows[lane].max(1.0);
    }
    sums
}

/// The scores of predictions as they are, each row counted once.
pub(super) fn plain_scores(codes: &[u32], labels: &[u16], n_classes: usize) -> [f32; 3] {
    let weights = vec![[1; LANES]; labels.len()];
    let truth: Vec<u32> = labels.iter().map(|&label| u32::from(label)).collect();
    let n_true = count(&truth, &weights, n_classes);
    scores_of(&n_true, &count(codes, &weights, 2 * n_classes)).map(|lanes| lanes[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(labels: &[u16], predicted: &[u16], n_classes: usize) -> [f32; 3] {
        let codes: Vec<u32> =
            predicted.iter().zip(labels).map(|(&it, &label)| code(it, label)).collect();
        plain_scores(&codes, labels, n_classes)
    }

    fn assert_close(found: [f32; 3], expected: [f32; 3]) {
        let is_close = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(is_close, "{found:?}, expected {expected:?}");
    }

    #[test]
    fn scores_are_those_of_scikit_learn() {
        // f1_score([0,0,1,1,2], [0,1,1,1,0]): per class 0.5, 0.8, 0; macro 0.4333, weighted 0.52.
        assert_close(scores(&[0, 0, 1, 1, 2], &[0, 1, 1, 1, 0], 3), [0.6, 1.3 / 3.0, 0.52]);
    }

    #[test]
    fn a_class_that_never_occurs_does_not_count_and_one_only_predicted_counts_as_zero() {
        assert_close(scores(&[0, 1], &[0, 1], 5), [1.0, 1.0, 1.0]);
        assert_close(scores(&[0, 0], &[0, 1], 3), [0.5, 1.0 / 3.0, 2.0 / 3.0]);
        assert_close(scores(&[], &[], 3), [0.0, 0.0, 0.0]);
    }

    #[test]
    fn a_row_that_counts_twice_is_two_rows() {
        let mut weights = vec![[1; LANES]; 3];
        weights[0][1] = 2;
        let counts = count(&[1, 1, 2], &weights, 4);
        assert_eq!((counts[1][0], counts[1][1], counts[2][1]), (2, 3, 1));
    }

    #[test]
    fn every_score_is_found_by_its_name() {
        assert!(Score::ALL.iter().all(|score| Score::named(score.name()) == Some(*score)));
        assert_eq!(Score::named("f1"), None);
    }
}
