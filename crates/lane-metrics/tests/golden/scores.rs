//! `metrics.json`: classification and detection scores, checked there against scikit-learn; and
//! the softmax of `base_ce.json`.

use lane_metrics::classification::ConfusionCounts;
use lane_metrics::{Logits, detection, softmax};

use crate::file::{
    F32, check, check_all, classes, flags, list, matrix, number, numbers, read, stated,
};

#[test]
fn classification_scores_agree() {
    let file = read("metrics.json");
    let (inputs, expected, tolerance) = (&file["inputs"], &file["expected"], stated(&file));
    let (truth, predicted) = (classes(&inputs["y_true"]), classes(&inputs["y_pred"]));
    assert_eq!(inputs["n_classes"], 4);
    let counts = ConfusionCounts::new(&truth, &predicted, 4).unwrap();
    for (row, theirs) in counts.rows().zip(list(&expected["confusion_true_row"])) {
        let ours: Vec<_> = row.iter().map(|&it| it as f64).collect();
        check_all("confusion", &ours, theirs, tolerance);
    }
    let per_class = list(&expected["per_class_p_r_f1_support"]);
    for (ours, theirs) in counts.per_class().iter().zip(per_class) {
        let ours = [ours.precision, ours.recall, ours.f1, ours.support as f64];
        check_all("per class", &ours, theirs, tolerance);
    }
    let scores = counts.scores();
    for (ours, name) in [
        (scores.accuracy, "accuracy"),
        (scores.micro_f1, "micro_f1"),
        (scores.macro_f1, "macro_f1_present_classes(sklearn default)"),
        (scores.macro_f1_declared, "macro_f1_all_declared_classes"),
        (scores.weighted_f1, "weighted_f1"),
        (scores.balanced_accuracy, "macro_recall=balanced_accuracy"),
    ] {
        check(name, ours, number(&expected[name]), tolerance);
    }
}

#[test]
fn detection_scores_agree() {
    let file = read("metrics.json");
    let (inputs, expected, tolerance) = (&file["inputs"], &file["expected"], stated(&file));
    let (scores, wrong) = (numbers(&inputs["scores"]), flags(&inputs["is_error"]));
    let threshold = number(&inputs["flag_threshold"]);
    let flagged: Vec<_> = scores.iter().map(|&it| it >= threshold).collect();
    let detection = detection::of_scores(&scores, &wrong, &flagged).unwrap();
    for (ours, name) in [
        (detection.precision, "det_precision"),
        (detection.recall, "det_recall"),
        (detection.f1, "det_f1"),
        (detection.balanced_accuracy, "det_balanced_accuracy"),
        (detection.auroc.unwrap(), "auroc"),
        (detection.average_precision.unwrap(), "average_precision"),
    ] {
        check(name, ours, number(&expected[name]), tolerance);
    }
    assert_eq!((detection.n_flagged, detection.n_wrong), (4, 4));
}

#[test]
fn detection_edges_agree() {
    let file = read("metrics.json");
    let edge = &file["expected"]["edge"];
    let scores = numbers(&file["inputs"]["scores"]);
    let wrong = flags(&file["inputs"]["is_error"]);
    let no_flags = detection::of_scores(&scores, &wrong, &vec![false; wrong.len()]).unwrap();
    let ours = [no_flags.precision, no_flags.recall, no_flags.f1];
    for (ours, name) in ours.into_iter().zip(["precision", "recall", "f1"]) {
        check(name, ours, number(&edge["no_flags"][name]), stated(&file));
    }
    assert!(edge["no_true_errors"]["auroc"].is_null());
    let none_wrong = vec![false; wrong.len()];
    assert_eq!(detection::auroc(&scores, &none_wrong).unwrap(), None);
    assert_eq!(detection::average_precision(&scores, &none_wrong).unwrap(), None);
}

#[test]
fn probabilities_of_the_given_labels_agree() {
    let file = read("base_ce.json");
    let logits = matrix(&file["inputs"]["logits"]);
    let probabilities = softmax::of_logits(Logits::new(&logits, 3).unwrap());
    let labels = classes(&file["inputs"]["y"]);
    let rows = probabilities.chunks(3).zip(&labels);
    let ours: Vec<_> = rows.map(|(row, label)| f64::from(row[label.index()])).collect();
    check_all("p", &ours, &file["expected"]["p_t"], F32);
    let losses = list(&file["expected"]["ce"]["per_sample"]).iter().map(number);
    for ((row, label), loss) in logits.chunks(3).zip(&labels).zip(losses) {
        let ours = softmax::log_sum_exp(row) - f64::from(row[label.index()]);
        check("cross-entropy", ours, loss, F32);
    }
}
