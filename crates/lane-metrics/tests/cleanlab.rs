//! What cleanlab 2.9.0 computed, from `fixtures/peers/cleanlab`: counts and flagged rows exactly,
//! scores to 1e-6.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use std::path::{Path, PathBuf};

use lane_metrics::ClassId;
use lane_metrics::MetricsError;
use lane_metrics::confident_learning::{
    self, ConfidentJoint, Filter, LabeledRows, RowBlocks, scores,
};
use serde_json::Value;

const PROBLEMS: [&str; 2] = ["1000x5", "2000x20_class7_absent"];

struct Problem {
    n_classes: usize,
    probabilities: Vec<f64>,
    labels: Vec<ClassId>,
    /// The columns of their scores.
    scores: [Vec<f64>; 5],
    outputs: Value,
}

impl Problem {
    fn read(name: &str) -> Self {
        let outputs = std::fs::read_to_string(file(&format!("{name}.json"))).unwrap();
        let outputs: Value = serde_json::from_str(&outputs).unwrap();
        let labels = outputs["labels"].as_array().unwrap().iter();
        let table = array(&format!("{name}_scores.npy"));
        Self {
            n_classes: outputs["k"].as_u64().unwrap() as usize,
            probabilities: array(&format!("{name}_probabilities.npy")),
            labels: labels.map(|it| ClassId(it.as_u64().unwrap() as u16)).collect(),
            scores: [0, 1, 2, 3, 4].map(|at| table.iter().skip(at).step_by(5).copied().collect()),
            outputs,
        }
    }

    fn rows(&self) -> LabeledRows<'_> {
        LabeledRows::new(&self.probabilities, &self.labels, self.n_classes).unwrap()
    }

    fn joint(&self) -> ConfidentJoint {
        confident_learning::estimate(self.rows()).unwrap()
    }

    fn numbers(&self, pointer: &str) -> Vec<f64> {
        flat(self.outputs.pointer(pointer).unwrap())
    }
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/peers/cleanlab").join(name)
}

/// The doubles of a `.npy` file in row-major order.
fn array(name: &str) -> Vec<f64> {
    let bytes = std::fs::read(file(name)).unwrap();
    let n_header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = std::str::from_utf8(&bytes[10..10 + n_header]).unwrap();
    assert!(header.contains("'<f8', 'fortran_order': False"), "{header}");
    let (values, rest) = bytes[10 + n_header..].as_chunks::<8>();
    assert!(rest.is_empty());
    values.iter().map(|it| f64::from_le_bytes(*it)).collect()
}

fn flat(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(list) => list.iter().flat_map(flat).collect(),
        _ => vec![value.as_f64().unwrap()],
    }
}

fn as_numbers(counts: &[u64]) -> Vec<f64> {
    counts.iter().map(|it| *it as f64).collect()
}

#[track_caller]
fn close(what: &str, ours: &[f64], theirs: &[f64], tolerance: f64) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (at, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        assert!((ours - theirs).abs() <= tolerance, "{what} {at}: ours {ours}, theirs {theirs}");
    }
}

#[test]
fn thresholds_joints_and_noise_matrices_agree() {
    for name in PROBLEMS {
        let problem = Problem::read(name);
        let (joint, n) = (problem.joint(), problem.n_classes);
        let theirs = problem.numbers("/confident_thresholds");
        close("threshold", joint.thresholds().values(), &theirs, 1e-12);
        let counted = problem.numbers("/confident_joint_uncalibrated");
        assert_eq!(as_numbers(joint.counted()), counted, "{name}");
        let calibrated = problem.numbers("/confident_joint_calibrated");
        assert_eq!(as_numbers(joint.calibrated()), calibrated, "{name}");
        let noise = joint.noise();
        close("joint", noise.joint_matrix(), &problem.numbers("/estimate_joint"), 1e-12);
        let pair = |at: usize| (ClassId((at / n) as u16), ClassId((at % n) as u16));
        let given_if_true = (0..n * n).map(pair).map(|(j, k)| noise.given_if_true(j, k));
        let theirs = problem.numbers("/noise_matrix");
        close("noise", &given_if_true.collect::<Vec<_>>(), &theirs, 1e-12);
        let true_if_given = (0..n * n).map(pair).map(|(k, j)| noise.true_if_given(k, j));
        let theirs = problem.numbers("/inverse_noise_matrix");
        close("inverse", &true_if_given.collect::<Vec<_>>(), &theirs, 1e-12);
        // Theirs never lets a true class go below 1e-5 of the whole.
        close("true prior", noise.true_prior(), &problem.numbers("/py"), 1.1e-5);
    }
}

#[test]
fn the_number_of_wrong_labels_and_the_health_agree() {
    for name in PROBLEMS {
        let problem = Problem::read(name);
        let (joint, outputs) = (problem.joint(), &problem.outputs);
        assert_eq!(joint.n_issues(), outputs["num_label_issues"]["off_diagonal"]);
        let calibrated = &outputs["num_label_issues"]["off_diagonal_calibrated"];
        assert_eq!(joint.n_issues_calibrated(), *calibrated);
        let health = outputs["overall_label_health_score"].as_f64().unwrap();
        close("health", &[joint.health()], &[health], 1e-12);
    }
}

#[test]
fn every_filter_flags_the_same_rows() {
    for name in PROBLEMS {
        let problem = Problem::read(name);
        let joint = problem.joint();
        for filter in Filter::ALL {
            let flagged = confident_learning::flags(problem.rows(), &joint, filter).unwrap();
            let ours = (0..).zip(&flagged).filter(|(_, it)| **it).map(|(row, _)| f64::from(row));
            let theirs = problem.numbers(&format!("/issues/{}", filter.name()));
            assert_eq!(ours.collect::<Vec<_>>(), theirs, "{name} {filter:?}");
        }
    }
}

#[test]
fn scores_and_rankings_agree() {
    for name in PROBLEMS {
        let problem = Problem::read(name);
        let (rows, joint) = (problem.rows(), problem.joint());
        let thresholds = joint.thresholds();
        let ours = [
            scores::self_confidence(rows),
            scores::normalized_margin(rows),
            scores::confidence_weighted_entropy(rows),
            scores::adjusted_self_confidence(rows, thresholds).unwrap(),
            scores::adjusted_normalized_margin(rows, thresholds).unwrap(),
        ];
        for (at, (ours, theirs)) in ours.iter().zip(&problem.scores).enumerate() {
            close(&format!("score {at}"), ours, theirs, 1e-12);
        }
        let filter = Filter::PruneByNoiseRate;
        let flagged = confident_learning::flags(rows, &joint, filter).unwrap();
        let names = ["self_confidence", "normalized_margin", "confidence_weighted_entropy"];
        for (score, name) in ours.iter().zip(names) {
            let ranked = confident_learning::ranked(&flagged, score).unwrap();
            let ranked: Vec<_> = ranked.iter().map(|row| f64::from(row.0)).collect();
            let theirs = problem.numbers(&format!("/ranked_prune_by_noise_rate/{name}"));
            assert_eq!(ranked, theirs, "{name}");
        }
    }
}

/// A problem in blocks of some rows, as a reader of a file hands them out.
struct InBlocks<'a>(&'a Problem, usize);

impl RowBlocks for InBlocks<'_> {
    type Error = MetricsError;

    fn each_block(
        &mut self,
        take: &mut dyn FnMut(LabeledRows<'_>) -> Result<(), MetricsError>,
    ) -> Result<(), MetricsError> {
        let Self(problem, n_rows) = self;
        let values = problem.probabilities.chunks(*n_rows * problem.n_classes);
        for (number, (values, labels)) in values.zip(problem.labels.chunks(*n_rows)).enumerate() {
            let first = number * *n_rows;
            take(LabeledRows::numbered(first, values, labels, problem.n_classes)?)?;
        }
        Ok(())
    }
}

#[test]
fn rows_in_blocks_give_what_rows_at_once_give() {
    let problem = Problem::read(PROBLEMS[1]);
    let joint = problem.joint();
    for n_rows in [1, 7, 64, 1999, 2000] {
        let mut blocks = InBlocks(&problem, n_rows);
        assert_eq!(confident_learning::estimate(&mut blocks).unwrap(), joint);
        for filter in Filter::ALL {
            let whole = confident_learning::flags(problem.rows(), &joint, filter).unwrap();
            let ours = confident_learning::flags(&mut blocks, &joint, filter).unwrap();
            assert!(ours == whole, "{filter:?} in blocks of {n_rows}");
        }
    }
}
