//! Confident learning over made-up out-of-fold probabilities, beside cleanlab on the same ones.
//!
//! `find/FILTER/10x1000000` checks a million rows of 10 classes and makes of them thresholds,
//! joint and flags; `scores/NAME/10x1000000` checks them and scores every row. One thread.
//! `fixtures/reference/bench_peers.py` draws the same arrays and times cleanlab's
//! `find_label_issues` and `get_label_quality_scores` on them.
//!
//! A fifth of the labels are drawn at random, the others are the most probable class.
//!
//! `-- --times 10x1000000` prints one time in milliseconds a case, as JSON, instead of criterion's
//! statistics: `cargo xtask bench --peers` asks for it in turn with cleanlab.

use std::hint::black_box;
use std::time::Instant;

use criterion::{BenchmarkId, Criterion, Throughput};
use lane_metrics::confident_learning::{self, Filter, LabeledRows, RawRows, scores};
use lane_metrics::{ClassId, MetricsError};

const SIZES: [(usize, usize); 4] =
    [(10, 100_000), (100, 100_000), (10, 1_000_000), (100, 1_000_000)];

const FILTERS: [Filter; 3] = [Filter::PruneByNoiseRate, Filter::Both, Filter::ConfidentLearning];

type Score = fn(LabeledRows<'_>) -> Vec<f64>;

const SCORES: [(&str, Score); 3] = [
    ("self_confidence", scores::self_confidence),
    ("normalized_margin", scores::normalized_margin),
    ("confidence_weighted_entropy", scores::confidence_weighted_entropy),
];

/// Share of the rows whose label is drawn at random.
const WRONG: f64 = 0.2;

struct Problem {
    n_classes: usize,
    values: Vec<f64>,
    labels: Vec<ClassId>,
}

impl Problem {
    /// Logits in −4..4 row by row, then for each row a chance and another label.
    fn new(n_classes: usize, n_rows: usize) -> Self {
        let mut random = Random(1);
        let mut values = Vec::with_capacity(n_classes * n_rows);
        values.resize_with(n_classes * n_rows, || 8.0 * random.fraction() - 4.0);
        let mut label = |row: &mut [f64]| {
            let best = (1..n_classes).fold(0, |a, b| if row[b] > row[a] { b } else { a });
            for logit in &mut *row {
                *logit = logit.exp();
            }
            let sum: f64 = row.iter().sum();
            for value in row {
                *value /= sum;
            }
            let is_wrong = random.fraction() < WRONG;
            let other = random.below(n_classes);
            ClassId(if is_wrong { other } else { best } as u16)
        };
        let labels = values.chunks_exact_mut(n_classes).map(&mut label).collect();
        Self { n_classes, values, labels }
    }

    fn rows(&self) -> Result<RawRows<'_>, MetricsError> {
        RawRows::new(&self.values, &self.labels, self.n_classes)
    }

    fn score(&self, score: Score) -> Result<Vec<f64>, MetricsError> {
        scores::over(self.rows()?, score)
    }

    fn find(&self, filter: Filter) -> Result<usize, MetricsError> {
        let (_, flagged) = confident_learning::find(self.rows()?, filter)?;
        Ok(flagged.iter().filter(|it| **it).count())
    }
}

/// A linear congruential generator that the script in Python repeats.
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        self.0 >> 40
    }

    /// In 0..1.
    fn fraction(&mut self) -> f64 {
        self.bits() as f64 / f64::from(1 << 24)
    }

    fn below(&mut self, n: usize) -> usize {
        ((self.bits() * n as u64) >> 24) as usize
    }
}

/// Runs every case of one size some times after a warm-up and prints a line of JSON for each.
#[expect(clippy::print_stdout, reason = "the command that asked reads it")]
fn print_times(size: &str) -> Result<(), MetricsError> {
    let numbers = size.split_once('x').map(|(a, b)| (a.parse(), b.parse()));
    let Some((Ok(n_classes), Ok(n_rows))) = numbers else { return Ok(()) };
    let problem = Problem::new(n_classes, n_rows);
    let print = |case: String, ms: f64, answer: f64| {
        let line = serde_json::json!({ "case": case, "size": size, "ms": ms, "answer": answer });
        println!("{line}");
    };
    let n_times = (20_000_000 / (n_classes * n_rows).max(1)).clamp(1, 7);
    for filter in FILTERS {
        let (ms, n_flagged) = median_ms(n_times, || black_box(&problem).find(filter))?;
        print(format!("find/{}", filter.name()), ms, n_flagged as f64);
    }
    for (name, score) in SCORES {
        let (ms, scores) = median_ms(n_times, || black_box(&problem).score(score))?;
        print(format!("scores/{name}"), ms, scores.iter().sum::<f64>() / n_rows as f64);
    }
    Ok(())
}

/// Median time after a warm-up, and what was computed.
fn median_ms<T>(
    n_times: usize,
    mut run: impl FnMut() -> Result<T, MetricsError>,
) -> Result<(f64, T), MetricsError> {
    let mut answer = run()?;
    let mut times = Vec::new();
    for _ in 0..n_times {
        let start = Instant::now();
        answer = run()?;
        times.push(1e3 * start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok((times[times.len() / 2], answer))
}

#[expect(clippy::print_stdout, reason = "how many rows are flagged is compared by eye")]
fn main() -> Result<(), MetricsError> {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|it| it == "--times") {
        return arguments.get(at + 1).map_or(Ok(()), |size| print_times(size));
    }
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    for (n_classes, n_rows) in SIZES {
        let problem = Problem::new(n_classes, n_rows);
        let id = format!("{n_classes}x{n_rows}");
        for filter in FILTERS {
            let mut group = criterion.benchmark_group(format!("find/{}", filter.name()));
            group.throughput(Throughput::Elements(n_rows as u64));
            group.bench_function(BenchmarkId::from_parameter(&id), |bencher| {
                bencher.iter(|| black_box(&problem).find(filter));
            });
            group.finish();
            println!("{id} {}: {} flagged", filter.name(), problem.find(filter)?);
        }
        for (name, score) in SCORES {
            let mut group = criterion.benchmark_group(format!("scores/{name}"));
            group.throughput(Throughput::Elements(n_rows as u64));
            group.bench_function(BenchmarkId::from_parameter(&id), |bencher| {
                bencher.iter(|| black_box(&problem).score(score));
            });
            group.finish();
        }
    }
    criterion.final_summary();
    Ok(())
}
