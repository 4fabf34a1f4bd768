//! Metrics come to the same bits on any number of threads, and however many ask at once: each is
//! computed on the thread that asks, and none keeps anything between calls.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use lane_metrics::cartography::{DataMap, Look, MapConfig};
use lane_metrics::classification::ConfusionCounts;
use lane_metrics::confident_learning::{self, Filter, LabeledRows, scores};
use lane_metrics::hyperspherical_margin::{self, SliceConfig};
use lane_metrics::mixture::{self, MixtureConfig};
use lane_metrics::threshold_samples::percentile;
use lane_metrics::weights::{MarginWeights, WeightConfig};
use lane_metrics::{ClassId, Logits, Probabilities, RowId, detection, softmax, summary};

const N_ROWS: usize = 997;
const N_CLASSES: usize = 7;

/// Logits that differ all over and round in every sum.
fn logits(seed: usize) -> Vec<f32> {
    let walk = |at: usize| ((at * at + seed) as f64 * 0.618_033_988_749_895).fract();
    (0..N_ROWS * N_CLASSES).map(|at| 8.0 * walk(at) as f32 - 4.0).collect()
}

/// Every metric of one run over the rows, in one text: floats as JSON come back to the bit.
fn everything() -> String {
    let labels: Vec<_> = (0..N_ROWS).map(|row| ClassId((row * 31 % N_CLASSES) as u16)).collect();
    let rows: Vec<_> = (0..N_ROWS as u32).map(RowId).collect();
    let mut weights = MarginWeights::new(N_ROWS, WeightConfig::default()).unwrap();
    let mut map = DataMap::new(N_ROWS, MapConfig::default()).unwrap();
    for epoch in 0..3 {
        let (z, z_pi) = (logits(epoch), logits(epoch + 100));
        let z = Logits::new(&z, N_CLASSES).unwrap();
        let w = softmax::of_logits(Logits::new(&z_pi, N_CLASSES).unwrap());
        weights.start_epoch();
        let auxiliary = Probabilities::new(&w, N_CLASSES).ok();
        weights.update(&rows, &labels, z, auxiliary).unwrap();
        for (row, values) in rows.iter().zip(z.rows()) {
            let look = Look::of_logits(values, labels[row.index()]).unwrap();
            map.record(*row, epoch as u32, look).unwrap();
        }
    }
    let alm: Vec<_> = rows.iter().map(|row| -weights.averages().alm(*row).unwrap()).collect();
    let lambda: Vec<_> = rows.iter().map(|row| weights.weight(*row)).collect();
    let wrong: Vec<_> = (0..N_ROWS).map(|row| row % 5 == 0).collect();
    let flagged: Vec<_> = lambda.iter().map(|it| *it < 0.5).collect();
    let found = detection::of_scores(&alm, &wrong, &flagged).unwrap();
    let mixture = mixture::fit(&alm, &MixtureConfig::default()).unwrap();
    let p = softmax::of_logits(Logits::new(&logits(7), N_CLASSES).unwrap());
    let distances: Vec<_> = p.iter().map(|it| 1.0 - it).collect();
    let slices =
        hyperspherical_margin::of_batch(&distances, N_CLASSES, &labels, &SliceConfig::default());
    let predicted: Vec<_> = p
        .chunks(N_CLASSES)
        .map(|row| {
            ClassId((1..N_CLASSES).fold(0, |a, b| if row[b] > row[a] { b } else { a }) as u16)
        })
        .collect();
    let counts = ConfusionCounts::new(&labels, &predicted, N_CLASSES).unwrap();
    let parts = [
        serde_json::to_value((&weights, map.points().unwrap(), &lambda)).unwrap(),
        serde_json::to_value((found, mixture, slices.unwrap())).unwrap(),
        serde_json::to_value((counts.scores(), counts.per_class())).unwrap(),
        serde_json::to_value((summary::of_values(&alm), percentile(&alm, 99.0).unwrap())).unwrap(),
        confident(&p, &labels),
    ];
    parts.map(|part| part.to_string()).concat()
}

fn confident(p: &[f32], labels: &[ClassId]) -> serde_json::Value {
    let p: Vec<_> = p.iter().map(|&it| f64::from(it)).collect();
    let rows = LabeledRows::new(&p, labels, N_CLASSES).unwrap();
    let joint = confident_learning::estimate(rows).unwrap();
    let flags = Filter::ALL.map(|filter| confident_learning::flags(rows, &joint, filter).unwrap());
    let by = [
        scores::self_confidence(rows),
        scores::normalized_margin(rows),
        scores::confidence_weighted_entropy(rows),
        scores::adjusted_self_confidence(rows, joint.thresholds()).unwrap(),
        scores::adjusted_normalized_margin(rows, joint.thresholds()).unwrap(),
    ];
    let ranked = confident_learning::ranked(&flags[0], &by[0]).unwrap();
    serde_json::to_value((&joint, joint.noise(), flags.to_vec(), by.to_vec(), ranked)).unwrap()
}

#[test]
fn every_metric_is_the_same_to_the_bit_on_one_two_three_and_eight_threads() {
    let alone = everything();
    assert!(alone.len() > 100_000 && alone == everything());
    for n_threads in [1, 2, 3, 8] {
        let all: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..n_threads).map(|_| scope.spawn(everything)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(all.iter().all(|it| *it == alone), "{n_threads} threads");
    }
}
