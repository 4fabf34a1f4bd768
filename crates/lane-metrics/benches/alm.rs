//! What keeping ALM and its weights costs, against the cheapest pass that reads the same logits.
//!
//! `alm/update/10x1000000` takes a million rows of 10 classes through the public interface in
//! batches: all checks, margin, label-aware margin, averages, running statistics. `alm/max_pass/10x1000000` only takes the largest logit of each
//! of the same rows. One thread; the first may cost at most twice the second.
//!
//! The labels of a fifth of the rows are drawn at random and the others lead, as after a few
//! epochs on data with a fifth of the labels wrong.
//!
//! `-- --times 10x1000000` prints one time in milliseconds for AUM alone and one for AUM and ALM, as
//! JSON: `cargo xtask bench --peers` asks for it in turn with the Python package aum.

use std::hint::black_box;
use std::time::Instant;

use criterion::{BenchmarkId, Criterion, Throughput};
use lane_metrics::weights::{MarginWeights, Quantity, WeightConfig};
use lane_metrics::{ClassId, MetricsError, Probabilities, RawLogits, RowId};

const SIZES: [(usize, usize); 4] =
    [(10, 100_000), (10, 1_000_000), (100, 100_000), (100, 1_000_000)];

/// Rows taken in at once, as in a training step.
const BATCH: usize = 256;

/// Share of the rows whose label is drawn at random; the others carry the class with the largest
/// logit.
const WRONG: f32 = 0.2;

/// An epoch through the public interface.
type Update = fn(&Epoch, &mut MarginWeights) -> Result<(), MetricsError>;

struct Epoch {
    n_classes: usize,
    rows: Vec<RowId>,
    labels: Vec<ClassId>,
    logits: Vec<f32>,
    auxiliary: Vec<f32>,
}

impl Epoch {
    fn new(n_classes: usize, n_rows: usize) -> Self {
        let mut random = Random(1);
        let n_values = n_classes * n_rows;
        let logits: Vec<_> = (0..n_values).map(|_| 8.0 * random.fraction() - 4.0).collect();
        let auxiliary = (0..n_values).map(|_| random.fraction()).collect();
        let label = |row: &[f32]| {
            let best = (0..n_classes).max_by(|&a, &b| row[a].total_cmp(&row[b]));
            let other = random.below(n_classes);
            ClassId(if random.fraction() < WRONG { other } else { best.unwrap_or(0) } as u16)
        };
        let labels = logits.chunks_exact(n_classes).map(label).collect();
        let rows = (0..n_rows as u32).map(RowId).collect();
        Self { n_classes, rows, labels, logits, auxiliary }
    }

    fn update(&self, weights: &mut MarginWeights) -> Result<(), MetricsError> {
        let width = BATCH * self.n_classes;
        let ids = self.rows.chunks(BATCH).zip(self.labels.chunks(BATCH));
        let outputs = self.logits.chunks(width).zip(self.auxiliary.chunks(width));
        for ((rows, labels), (logits, auxiliary)) in ids.zip(outputs) {
            let logits = RawLogits::new(logits, self.n_classes)?;
            let auxiliary = Probabilities::new(auxiliary, self.n_classes)?;
            weights.update(rows, labels, logits, Some(auxiliary))?;
        }
        Ok(())
    }

    /// As [`Self::update`] without an auxiliary network.
    fn update_aum(&self, weights: &mut MarginWeights) -> Result<(), MetricsError> {
        let batches = self.rows.chunks(BATCH).zip(self.labels.chunks(BATCH));
        for ((rows, labels), logits) in batches.zip(self.logits.chunks(BATCH * self.n_classes)) {
            weights.update(rows, labels, RawLogits::new(logits, self.n_classes)?, None)?;
        }
        Ok(())
    }

    fn max_pass(&self, largest: &mut Vec<f32>) {
        let rows = self.logits.chunks_exact(self.n_classes);
        largest.clear();
        largest.extend(rows.map(|row| row.iter().copied().fold(f32::NEG_INFINITY, f32::max)));
    }
}

/// A linear congruential generator: the data need only be spread out and the same every time.
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 40) as u32
    }

    /// In 0..1.
    fn fraction(&mut self) -> f32 {
        self.bits() as f32 / (1 << 24) as f32
    }

    fn below(&mut self, n: usize) -> usize {
        self.bits() as usize % n
    }
}

/// Two epochs each of AUM and of AUM and ALM; prints the time of the second.
#[expect(clippy::print_stdout, reason = "the command that asked reads it")]
fn print_times(size: &str) -> Result<(), MetricsError> {
    let numbers = size.split_once('x').map(|(a, b)| (a.parse(), b.parse()));
    let Some((Ok(n_classes), Ok(n_rows))) = numbers else { return Ok(()) };
    let epoch = Epoch::new(n_classes, n_rows);
    let aum = WeightConfig { quantity: Quantity::Aum, ..WeightConfig::default() };
    let cases: [(&str, WeightConfig, Update); 2] = [
        ("aum/update", aum, Epoch::update_aum),
        ("alm/update", WeightConfig::default(), Epoch::update),
    ];
    for (case, config, update) in cases {
        let mut weights = MarginWeights::new(n_rows, config)?;
        update(&epoch, &mut weights)?;
        let start = Instant::now();
        update(black_box(&epoch), &mut weights)?;
        let ms = 1e3 * start.elapsed().as_secs_f64();
        let aum = |row: &RowId| weights.averages().aum(*row).unwrap_or_default();
        let n_negative = epoch.rows.iter().filter(|row| aum(row) < 0.0).count();
        let line = serde_json::json!({ "case": case, "size": size, "ms": ms, "answer": n_negative as f64 });
        println!("{line}");
    }
    Ok(())
}

fn main() -> Result<(), MetricsError> {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|it| it == "--times") {
        return arguments.get(at + 1).map_or(Ok(()), |size| print_times(size));
    }
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    for (n_classes, n_rows) in SIZES {
        let epoch = Epoch::new(n_classes, n_rows);
        let id = format!("{n_classes}x{n_rows}");

        let mut weights = MarginWeights::new(n_rows, WeightConfig::default())?;
        let mut group = criterion.benchmark_group("alm/update");
        group.throughput(Throughput::Elements(n_rows as u64));
        group.bench_function(BenchmarkId::from_parameter(&id), |bencher| {
            bencher.iter(|| assert!(epoch.update(black_box(&mut weights)).is_ok()));
        });
        group.finish();

        let mut largest = Vec::with_capacity(n_rows);
        let mut group = criterion.benchmark_group("alm/max_pass");
        group.throughput(Throughput::Elements(n_rows as u64));
        group.bench_function(BenchmarkId::from_parameter(&id), |bencher| {
            bencher.iter(|| {
                epoch.max_pass(black_box(&mut largest));
                assert_eq!(largest.len(), n_rows);
            });
        });
        group.finish();
    }
    criterion.final_summary();
    Ok(())
}
