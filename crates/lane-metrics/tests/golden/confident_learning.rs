//! `confident_learning.json`: twelve rows of three classes, with cleanlab's answers.

use lane_metrics::confident_learning::{self, ConfidentJoint, Filter, LabeledRows, scores};
use lane_metrics::{ClassId, detection};
use serde_json::Value;

use crate::file::{check, check_all, classes, flags, indices, list, number, numbers, read, stated};

struct Case {
    file: Value,
    probabilities: Vec<f64>,
    labels: Vec<ClassId>,
}

impl Case {
    fn read() -> Self {
        let file = read("confident_learning.json");
        let probabilities = list(&file["inputs"]["pred_probs"]).iter().flat_map(numbers).collect();
        let labels = classes(&file["inputs"]["y"]);
        Self { file, probabilities, labels }
    }

    fn rows(&self) -> LabeledRows<'_> {
        LabeledRows::new(&self.probabilities, &self.labels, 3).unwrap()
    }

    fn joint(&self) -> ConfidentJoint {
        confident_learning::estimate(self.rows()).unwrap()
    }

    fn flagged(&self, filter: Filter) -> Vec<bool> {
        confident_learning::flags(self.rows(), &self.joint(), filter).unwrap()
    }
}

fn matrix_of_counts(value: &Value) -> Vec<u64> {
    list(value).iter().flat_map(indices).map(|it| it as u64).collect()
}

#[test]
fn thresholds_and_counts_agree() {
    let case = Case::read();
    let (joint, expected) = (case.joint(), &case.file["expected"]);
    let tolerance = stated(&case.file);
    check_all("t", joint.thresholds().values(), &expected["thresholds"], tolerance);
    assert_eq!(joint.counted(), matrix_of_counts(&expected["joint_raw"]));
    assert_eq!(joint.calibrated(), matrix_of_counts(&expected["joint_calibrated"]));
    // Theirs has the true class by row.
    let theirs = matrix_of_counts(&expected["prune_counts"]);
    let transposed: Vec<_> = (0..9).map(|at| theirs[at % 3 * 3 + at / 3]).collect();
    assert_eq!(joint.prune_counts(), transposed);
}

#[test]
fn flagged_rows_and_their_order_agree() {
    let case = Case::read();
    let expected = &case.file["expected"];
    for filter in [Filter::PruneByClass, Filter::PruneByNoiseRate, Filter::Both] {
        assert_eq!(case.flagged(filter), flags(&expected[filter.name()]), "{filter:?}");
    }
    assert_eq!(case.flagged(Filter::PredictedNeqGiven), flags(&expected["predicted_neq_given"]));
    let off_diagonal = indices(&expected["confident_learning_off_diagonal_indices"]);
    let flagged = case.flagged(Filter::ConfidentLearning);
    let ours: Vec<_> = (0..flagged.len()).filter(|row| flagged[*row]).collect();
    assert_eq!(ours, off_diagonal);
    let self_confidence = scores::self_confidence(case.rows());
    let both = case.flagged(Filter::Both);
    let ranked = confident_learning::ranked(&both, &self_confidence).unwrap();
    let ranked: Vec<_> = ranked.iter().map(|row| row.index()).collect();
    assert_eq!(ranked, indices(&expected["ranked_both_self_confidence"]));
}

#[test]
fn scores_and_what_they_find_agree() {
    let case = Case::read();
    let (expected, tolerance) = (&case.file["expected"], stated(&case.file));
    let self_confidence = scores::self_confidence(case.rows());
    check_all("self-confidence", &self_confidence, &expected["self_confidence"], tolerance);
    let margins = scores::normalized_margin(case.rows());
    check_all("normalized margin", &margins, &expected["normalized_margin"], tolerance);
    let suspicion: Vec<_> = self_confidence.iter().map(|it| -it).collect();
    let wrong = flags(&case.file["inputs"]["true_errors"]);
    let found = detection::of_scores(&suspicion, &wrong, &case.flagged(Filter::Both)).unwrap();
    for (ours, name) in [(found.precision, "precision"), (found.recall, "recall"), (found.f1, "f1")]
    {
        check(name, ours, number(&expected[name]), tolerance);
    }
}
