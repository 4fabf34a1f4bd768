//! Who is labelled: distances between prediction and label, a cut-off, as many rows from every class.

use lane_metrics::ClassId;
use lane_metrics::softmax::log_sum_exp;
use serde::{Deserialize, Serialize};

use super::UniconConfig;

/// Unit of the Jensen-Shannon divergence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Logarithm {
    /// Bits: 0..=1.
    Two,
    /// Nats, as in the authors' code: 0..=0.693, with 1e-10 inside each logarithm.
    Natural,
}

/// Added to both probabilities in a logarithm of the authors' code.
const AUTHORS_OFFSET: f64 = 1e-10;

/// The labelled rows of an epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Selection {
    /// d of every row.
    pub distances: Vec<f64>,
    /// `d_cut`.
    pub cutoff: f64,
    /// Whether the row is labelled.
    pub labelled: Vec<bool>,
}

impl Selection {
    /// w of a labelled row: 1 below a distance of ½, `1 − d` from there.
    pub fn of_label(&self, row: usize) -> f64 {
        let distance = self.distances[row];
        if distance < 0.5 { 1.0 } else { 1.0 - distance }
    }

    /// What the row's own label counts for: w, and 0 where it is unlabelled.
    pub fn weight(&self, row: usize) -> f64 {
        if self.labelled[row] { self.of_label(row) } else { 0.0 }
    }

    /// Whether a row lies above the cut-off and stayed unlabelled.
    pub fn is_far(&self, row: usize) -> bool {
        !self.labelled[row] && self.distances[row] >= self.cutoff
    }
}

/// Mean over networks of the softmax of their logits, row-major `[rows, C]`.
pub fn mean_probabilities(logits: &[Vec<f32>; 2], n_classes: usize) -> Vec<f64> {
    let softmax = |row: &[f32]| -> Vec<f64> {
        let log_sum = log_sum_exp(row);
        row.iter().map(|z| (f64::from(*z) - log_sum).exp()).collect()
    };
    let rows = logits[0].chunks_exact(n_classes).zip(logits[1].chunks_exact(n_classes));
    rows.flat_map(|(one, other)| {
        softmax(one).into_iter().zip(softmax(other)).map(|(p, q)| f64::midpoint(p, q))
    })
    .collect()
}

/// Chooses the labelled rows by mean probabilities, row-major `[rows, C]`.
pub fn select(
    probabilities: &[f64],
    labels: &[ClassId],
    n_classes: usize,
    settings: &UniconConfig,
) -> Selection {
    let distances: Vec<f64> = probabilities
        .chunks_exact(n_classes)
        .zip(labels)
        .map(|(row, label)| distance(row, *label, settings.logarithm))
        .collect();
    let cutoff = cutoff(&distances, settings.high, settings.divisor);
    let n_each = n_each(n_near(&distances, cutoff), n_classes);
    let n = distances.len();
    let mut labelled = vec![false; n];
    for class in 0..n_classes {
        let mut rows: Vec<usize> = (0..n).filter(|&row| labels[row].index() == class).collect();
        rows.sort_by(|&left, &right| distances[left].total_cmp(&distances[right]));
        rows.into_iter().take(n_each).for_each(|row| labelled[row] = true);
    }
    Selection { distances, cutoff, labelled }
}

/// The Jensen-Shannon divergence between `p` and certainty of `label`.
fn distance(p: &[f64], label: ClassId, logarithm: Logarithm) -> f64 {
    let term = |weight: f64, other: f64| match logarithm {
        // The smallest number above 0 has no half, and so nothing to be divided by.
        Logarithm::Two if weight <= 0.0 || other <= 0.0 => 0.0,
        Logarithm::Two => weight * (weight / other).log2(),
        Logarithm::Natural => weight * ((weight + AUTHORS_OFFSET) / (other + AUTHORS_OFFSET)).ln(),
    };
    let sum: f64 = p
        .iter()
        .enumerate()
        .map(|(class, &p)| {
            let given = f64::from(u8::from(class == label.index()));
            let middle = f64::midpoint(p, given);
            term(p, middle) + term(given, middle)
        })
        .sum();
    sum / 2.0
}

/// R·N, the rows nearer to their labels than the cut-off.
fn n_near(distances: &[f64], cutoff: f64) -> usize {
    distances.iter().filter(|distance| **distance < cutoff).count()
}

/// ⌊R·N/C⌋, the rows labelled of every class; never none.
fn n_each(n_near: usize, n_classes: usize) -> usize {
    (n_near / n_classes.max(1)).max(1)
}

/// The mean distance, lowered towards the smallest where it is above `high`.
fn cutoff(distances: &[f64], high: f64, divisor: f64) -> f64 {
    let mean = distances.iter().sum::<f64>() / distances.len().max(1) as f64;
    let smallest = distances.iter().copied().fold(f64::INFINITY, f64::min);
    if mean > high { mean - (mean - smallest) / divisor } else { mean }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn golden() -> Value {
        serde_json::from_str(include_str!("../../../../../fixtures/golden/unicon.json")).unwrap()
    }

    fn numbers(value: &Value) -> Vec<f64> {
        match value {
            Value::Array(items) => items.iter().flat_map(numbers).collect(),
            value => vec![value.as_f64().unwrap()],
        }
    }

    fn selection(logarithm: Logarithm) -> Selection {
        let inputs = &golden()["inputs"];
        let (first, second) = (numbers(&inputs["pred_net1"]), numbers(&inputs["pred_net2"]));
        let mean: Vec<f64> =
            first.iter().zip(&second).map(|(p, q)| f64::midpoint(*p, *q)).collect();
        let labels = [0, 0, 2, 1, 1, 0].map(ClassId);
        select(&mean, &labels, 3, &UniconConfig { logarithm, ..UniconConfig::default() })
    }

    #[track_caller]
    fn agrees(logarithm: Logarithm, distances: &str, unit: &str) {
        let expected = &golden()["expected"];
        let of_unit = |key: &str| &expected[format!("{key}_{unit}")];
        let ours = selection(logarithm);
        for (ours, theirs) in ours.distances.iter().zip(numbers(&expected[distances])) {
            assert!((ours - theirs).abs() < 1e-9, "{ours} against {theirs}");
        }
        assert!((ours.cutoff - of_unit("threshold").as_f64().unwrap()).abs() < 1e-9);
        let n_near = n_near(&ours.distances, ours.cutoff);
        let share = n_near as f64 / ours.distances.len() as f64;
        assert!((share - of_unit("R").as_f64().unwrap()).abs() < 1e-9, "{share}");
        assert_eq!(n_each(n_near, 3) as u64, of_unit("per_class").as_u64().unwrap());
        let labelled: Vec<usize> =
            ours.labelled.iter().enumerate().filter(|(_, is)| **is).map(|(row, _)| row).collect();
        assert_eq!(
            labelled,
            serde_json::from_value::<Vec<usize>>(of_unit("selected").clone()).unwrap()
        );
    }

    #[test]
    fn bits_give_the_golden_distances_and_rows() {
        agrees(Logarithm::Two, "jsd_exact_base2_paper_range_0_1", "base2");
    }

    #[test]
    fn nats_give_those_of_the_authors_code() {
        agrees(Logarithm::Natural, "jsd_natural_log_author", "natural");
        let ours = selection(Logarithm::Natural);
        let weights: Vec<f64> = (0..6).map(|row| ours.of_label(row)).collect();
        assert_eq!(weights, numbers(&golden()["expected"]["weight_natural_author"]));
    }

    #[test]
    fn a_mean_above_the_limit_is_lowered() {
        let expected = &golden()["expected"]["cutoff_when_mean_above_d_mu"];
        let distances = numbers(&expected["d"]);
        let lowered = cutoff(&distances, 0.7, 5.0);
        assert!((lowered - expected["threshold"].as_f64().unwrap()).abs() < 1e-9, "{lowered}");
        let mean = cutoff(&distances, 1.0, 5.0);
        assert!((mean - expected["mean"].as_f64().unwrap()).abs() < 1e-9, "{mean}");
    }

    #[test]
    fn nats_stay_below_the_limit_so_that_no_mean_of_them_is_lowered() {
        let certain = [0.0, 1.0, 0.0];
        let farthest = distance(&certain, ClassId(0), Logarithm::Natural);
        let golden = golden();
        let expected = golden["expected"]["max_possible_natural"].as_f64().unwrap();
        assert!((farthest - expected).abs() < 1e-8, "{farthest}");
        assert!(farthest < UniconConfig::default().high);
        assert!(
            (cutoff(&[farthest; 3], UniconConfig::default().high, 5.0) - farthest).abs() < 1e-12
        );
        assert!((distance(&certain, ClassId(0), Logarithm::Two) - 1.0).abs() < 1e-12);
    }

    /// Probabilities of three rows or more: sure of class 0, so that distance says what the label is.
    fn chosen(probabilities: &[[f64; 3]], labels: &[u16]) -> Vec<bool> {
        let labels: Vec<ClassId> = labels.iter().copied().map(ClassId).collect();
        select(&probabilities.concat(), &labels, 3, &UniconConfig::default()).labelled
    }

    const NEAR: [f64; 3] = [0.9, 0.05, 0.05];
    const FAR: [f64; 3] = [0.1, 0.45, 0.45];

    #[test]
    fn a_class_with_fewer_rows_than_its_share_is_taken_whole() {
        // Seven of nine are near: two of each class, and class 1 has one row alone.
        let sure = |class: usize| [0, 1, 2].map(|c| if c == class { 0.9 } else { 0.05 });
        let rows = [sure(0), sure(0), sure(0), sure(0), FAR, sure(1), sure(2), sure(2), sure(0)];
        let labels = [0, 0, 0, 0, 0, 1, 2, 2, 2];
        let labelled = chosen(&rows, &labels);
        assert_eq!(labelled, [true, true, false, false, false, true, true, true, false]);
    }

    #[test]
    fn with_fewer_near_rows_than_classes_every_class_still_gets_its_nearest() {
        assert_eq!(n_each(2, 3), 1);
        let rows = [NEAR, FAR, [0.3, 0.4, 0.3], FAR, [0.4, 0.3, 0.3]];
        let labelled = chosen(&rows, &[0, 0, 1, 2, 2]);
        assert_eq!(labelled, [true, false, true, true, false]);
    }

    #[test]
    fn a_class_without_a_row_has_none_to_give() {
        let labelled = chosen(&[NEAR, NEAR, FAR, FAR], &[0, 0, 2, 2]);
        assert_eq!(labelled, [true, false, true, false]);
        assert!(chosen(&[], &[]).is_empty());
    }

    #[test]
    fn with_one_row_of_each_class_nobody_is_unlabelled() {
        assert_eq!(chosen(&[NEAR, FAR, NEAR], &[0, 1, 2]), [true; 3]);
    }

    #[test]
    fn the_smallest_probability_there_is_adds_nothing_to_a_distance() {
        let p = [1.0, f64::from_bits(1), 0.0];
        for logarithm in [Logarithm::Two, Logarithm::Natural] {
            let ours = distance(&p, ClassId(0), logarithm);
            assert!(ours.abs() < 1e-9, "{logarithm:?}: {ours}");
        }
    }

    #[test]
    fn every_class_keeps_one_row_where_none_is_near() {
        let labels = [0, 1, 2].map(ClassId);
        // All as far from their labels as the mean: nobody is below the cut-off.
        let even = vec![1.0 / 3.0; 9];
        let selection = select(&even, &labels, 3, &UniconConfig::default());
        assert_eq!(selection.labelled, [true; 3]);
    }
}
