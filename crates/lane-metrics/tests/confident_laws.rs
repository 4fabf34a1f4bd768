//! What must hold of confident learning whatever the numbers.
//!
//! Probabilities are k/1024, so that their sums are exact and many of them equal.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use lane_metrics::ClassId;
use lane_metrics::confident_learning::{self, ConfidentJoint, Filter, LabeledRows, scores};
use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Clone, Debug)]
struct Problem {
    n_classes: usize,
    values: Vec<f64>,
    labels: Vec<ClassId>,
}

impl Problem {
    fn rows(&self) -> LabeledRows<'_> {
        LabeledRows::new(&self.values, &self.labels, self.n_classes).unwrap()
    }

    fn joint(&self) -> ConfidentJoint {
        confident_learning::estimate(self.rows()).unwrap()
    }

    fn flagged(&self, filter: Filter) -> Vec<bool> {
        confident_learning::flags(self.rows(), &self.joint(), filter).unwrap()
    }

    fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.n_classes..][..self.n_classes]
    }

    /// The rows in another order.
    fn permuted(&self, order: &[usize]) -> Self {
        let values = order.iter().flat_map(|row| self.row(*row)).copied().collect();
        let labels = order.iter().map(|row| self.labels[*row]).collect();
        Self { n_classes: self.n_classes, values, labels }
    }

    /// Class k called `names[k]`.
    fn renamed(&self, names: &[usize]) -> Self {
        let mut renamed = self.clone();
        for row in 0..self.labels.len() {
            for (class, name) in names.iter().enumerate() {
                renamed.values[row * self.n_classes + name] = self.row(row)[class];
            }
            renamed.labels[row] = ClassId(names[self.labels[row].index()] as u16);
        }
        renamed
    }

    /// The same problem with probabilities that differ all over.
    fn without_ties(mut self) -> Self {
        for (at, value) in self.values.iter_mut().enumerate() {
            // An irrational walk, no two steps alike, far below the grid.
            let walk = ((at * at) as f64 * 0.618_033_988_749_895).fract();
            *value = (*value + 1e-4 * walk) / 1.0001;
        }
        self
    }
}

/// A distribution in steps of 1/1024 from weights.
fn distribution(weights: &[u32]) -> Vec<f64> {
    let sum: u32 = weights.iter().sum::<u32>().max(1);
    let mut steps: Vec<u32> = weights.iter().map(|it| it * 1024 / sum).collect();
    steps[0] += 1024 - steps.iter().sum::<u32>();
    steps.into_iter().map(|it| f64::from(it) / 1024.0).collect()
}

fn problem() -> impl Strategy<Value = Problem> {
    (2_usize..7, 1_usize..60).prop_flat_map(|(n_classes, n_rows)| {
        let rows = vec(vec(0_u32..20, n_classes), n_rows);
        let labels = vec((0..n_classes as u16).prop_map(ClassId), n_rows);
        (rows, labels, any::<bool>()).prop_map(move |(mut rows, labels, lean)| {
            for (row, label) in rows.iter_mut().zip(&labels).filter(|_| lean) {
                row[label.index()] += 20;
            }
            let values = rows.iter().flat_map(|row| distribution(row)).collect();
            Problem { n_classes, values, labels }
        })
    })
}

fn with_order() -> impl Strategy<Value = (Problem, Vec<usize>, Vec<usize>)> {
    problem().prop_flat_map(|problem| {
        let rows = Just((0..problem.labels.len()).collect::<Vec<_>>()).prop_shuffle();
        let names = Just((0..problem.n_classes).collect::<Vec<_>>()).prop_shuffle();
        (Just(problem), rows, names)
    })
}

fn argmax(row: &[f64]) -> usize {
    (1..row.len()).fold(0, |best, it| if row[it] > row[best] { it } else { best })
}

proptest! {
    #[test]
    fn both_is_what_the_two_prunings_share(problem in problem()) {
        let by_class = problem.flagged(Filter::PruneByClass);
        let by_rate = problem.flagged(Filter::PruneByNoiseRate);
        let shared: Vec<_> = by_class.iter().zip(by_rate).map(|(a, b)| *a && b).collect();
        prop_assert_eq!(problem.flagged(Filter::Both), shared);
    }

    #[test]
    fn a_row_predicted_as_its_label_is_never_flagged(problem in problem()) {
        let differs = problem.flagged(Filter::PredictedNeqGiven);
        for (row, (differs, label)) in differs.iter().zip(&problem.labels).enumerate() {
            // On this grid the label's slack of 1e-6 only settles ties.
            let row = problem.row(row);
            prop_assert_eq!(*differs, row[argmax(row)] > row[label.index()]);
        }
        for filter in Filter::ALL.into_iter().take(5) {
            let flagged = problem.flagged(filter);
            prop_assert!(flagged.iter().zip(&differs).all(|(a, b)| a <= b), "{:?}", filter);
        }
    }

    #[test]
    fn calibrated_counts_add_up_to_the_labels(problem in problem()) {
        let joint = problem.joint();
        let rows = joint.calibrated().chunks(problem.n_classes);
        let sums: Vec<u64> = rows.map(|row| row.iter().sum()).collect();
        prop_assert_eq!(sums.as_slice(), joint.thresholds().label_counts());
        prop_assert_eq!(sums.iter().sum::<u64>(), problem.labels.len() as u64);
        let counted: u64 = joint.counted().iter().sum();
        prop_assert!(counted <= (problem.labels.len() + problem.n_classes) as u64);
        let noise = joint.noise();
        prop_assert!((noise.joint_matrix().iter().sum::<f64>() - 1.0).abs() < 1e-12);
        prop_assert!((noise.true_prior().iter().sum::<f64>() - 1.0).abs() < 1e-12);
        for given in (0..problem.n_classes as u16).map(ClassId) {
            let classes = (0..problem.n_classes as u16).map(ClassId);
            let sum: f64 = classes.map(|truth| noise.true_if_given(truth, given)).sum();
            let is_given = problem.labels.contains(&given);
            prop_assert!((sum - f64::from(u8::from(is_given))).abs() < 1e-12);
        }
    }

    #[test]
    fn no_class_loses_more_rows_than_its_counts_say(problem in problem()) {
        let (joint, n) = (problem.joint(), problem.n_classes);
        let counts = joint.prune_counts();
        let by_class = problem.flagged(Filter::PruneByClass);
        let by_rate = problem.flagged(Filter::PruneByNoiseRate);
        for class in 0..n {
            let flagged = |flags: &[bool]| {
                let rows = flags.iter().zip(&problem.labels);
                rows.filter(|(flag, label)| **flag && label.index() == class).count() as u64
            };
            let n_given = joint.thresholds().label_counts()[class];
            prop_assert!(flagged(&by_class) <= n_given.saturating_sub(counts[class * n + class]));
            let off: u64 = counts[class * n..][..n].iter().sum::<u64>() - counts[class * n + class];
            prop_assert!(flagged(&by_rate) <= off.min(n_given.saturating_sub(1)));
        }
    }

    #[test]
    fn scores_lie_in_0_to_1_and_a_flag_by_score_is_the_lowest(problem in problem()) {
        let (rows, joint) = (problem.rows(), problem.joint());
        let thresholds = joint.thresholds();
        let self_confidence = scores::self_confidence(rows);
        let margin = scores::normalized_margin(rows);
        let entropy = scores::confidence_weighted_entropy(rows);
        let adjusted = scores::adjusted_self_confidence(rows, thresholds).unwrap();
        let adjusted_margin = scores::adjusted_normalized_margin(rows, thresholds).unwrap();
        for list in [&self_confidence, &margin, &entropy, &adjusted, &adjusted_margin] {
            prop_assert!(list.iter().all(|it| (0.0..=1.0).contains(it)), "{:?}", list);
        }
        for (score, filter) in
            [(self_confidence, Filter::LowSelfConfidence), (margin, Filter::LowNormalizedMargin)]
        {
            let flagged = problem.flagged(filter);
            let n_flagged = flagged.iter().filter(|it| **it).count() as u64;
            prop_assert_eq!(n_flagged, joint.n_issues());
            let of = |flag: bool| score.iter().zip(&flagged).filter(move |it| *it.1 == flag);
            let highest = of(true).map(|it| *it.0).fold(0.0, f64::max);
            prop_assert!(of(false).all(|it| *it.0 >= highest));
        }
    }

    #[test]
    fn rows_in_another_order_are_flagged_alike((problem, order, _) in with_order()) {
        let problem = problem.without_ties();
        let permuted = problem.permuted(&order);
        let (ours, theirs) = (problem.joint(), permuted.joint());
        prop_assert_eq!(ours.calibrated(), theirs.calibrated());
        for filter in Filter::ALL {
            let whole = problem.flagged(filter);
            let expected: Vec<_> = order.iter().map(|row| whole[*row]).collect();
            prop_assert_eq!(permuted.flagged(filter), expected, "{:?}", filter);
        }
    }

    #[test]
    fn classes_by_other_names_are_counted_alike((problem, _, names) in with_order()) {
        let problem = problem.without_ties();
        let renamed = problem.renamed(&names);
        let (joint, theirs, n) = (problem.joint(), renamed.joint(), problem.n_classes);
        for at in 0..n * n {
            let moved = names[at / n] * n + names[at % n];
            prop_assert_eq!(joint.counted()[at], theirs.counted()[moved]);
        }
        // Rounding of equal remainders depends on the order of classes; these filters do not.
        for filter in Filter::ALL.into_iter().skip(3) {
            prop_assert_eq!(problem.flagged(filter), renamed.flagged(filter), "{:?}", filter);
        }
    }
}
