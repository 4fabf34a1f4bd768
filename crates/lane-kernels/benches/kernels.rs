//! The kernels by themselves, at the sizes of all-MiniLM-L6-v2 with 32 texts of 64 tokens.
//!
//! `<module>/<operation>/<columns>x<rows>`; products count floating-point operations, so that
//! criterion prints a rate. `cargo bench --workspace --bench kernels --profile dev` shares the build
//! of burn with everything else.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use lane_kernels::layer::{self, Linear, Parameters, Pass};
use lane_kernels::layer_norm::{self, Norm, Summands};
use lane_kernels::product::{Job, Matrix, MatrixMut, run};
use lane_kernels::{Buffer, Dropout, LayerDropout, Outputs, Packing, Spread, attention, gelu};

const TEXTS: usize = 32;
const WIDTH: usize = 64;
const ROWS: usize = TEXTS * WIDTH;
const HIDDEN: usize = 384;
const INNER: usize = 1536;
const HEADS: usize = 12;

fn numbers(n: usize) -> Vec<f32> {
    (0..n).map(|at| ((at * 7919) % 10_007) as f32 / 5003.0 - 1.0).collect()
}

fn buffer(n: usize) -> Buffer<f32> {
    let mut buffer = Buffer::new(n);
    buffer.copy_from_slice(&numbers(n));
    buffer
}

fn packing() -> Packing {
    Packing::new(&[WIDTH as u32; TEXTS], WIDTH)
}

/// `[m, k] · [k, n]` forward, and the two products of its backward pass.
fn products(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("product");
    for (k, n) in [(HIDDEN, HIDDEN), (HIDDEN, INNER), (INNER, HIDDEN)] {
        let (x, w, dy) = (numbers(ROWS * k), numbers(k * n), numbers(ROWS * n));
        let [x, w, dy] = [Matrix::new(&x, k), Matrix::new(&w, n), Matrix::new(&dy, n)];
        let (mut y, mut dx, mut dw) = (vec![0.0; ROWS * n], vec![0.0; ROWS * k], vec![0.0; k * n]);
        group.throughput(Throughput::Elements(2 * (ROWS * k * n) as u64));
        let size = format!("{k}x{n}x{ROWS}");
        group.bench_function(BenchmarkId::new("forward", &size), |bencher| {
            bencher.iter(|| run(&[Job::new(MatrixMut::new(&mut y, n), x, w)], Spread::Parallel));
        });
        group.bench_function(BenchmarkId::new("dx", &size), |bencher| {
            bencher.iter(|| {
                let out = MatrixMut::new(&mut dx, k);
                run(&[Job::new(out, dy, w.transposed())], Spread::Parallel);
            });
        });
        group.bench_function(BenchmarkId::new("dw", &size), |bencher| {
            bencher.iter(|| {
                let out = MatrixMut::new(&mut dw, n);
                run(&[Job::new(out, x.transposed(), dy)], Spread::Parallel);
            });
        });
    }
    group.finish();
}

fn elementwise(criterion: &mut Criterion) {
    let size = format!("{INNER}x{ROWS}");
    let bias = numbers(INNER);
    criterion.bench_function(&format!("gelu/forward/{size}"), |bencher| {
        let (mut h, mut y) = (numbers(ROWS * INNER), vec![0.0; ROWS * INNER]);
        bencher.iter(|| {
            for (h, y) in h.chunks_exact_mut(INNER).zip(y.chunks_exact_mut(INNER)) {
                gelu::forward(black_box(h), &bias, y);
            }
        });
    });
    let size = format!("{HIDDEN}x{ROWS}");
    let (bias, residual) = (numbers(HIDDEN), numbers(ROWS * HIDDEN));
    let rows: Vec<usize> = (0..ROWS).collect();
    let masked = || Dropout::new(0.1, 1).map(|dropout| (dropout, &rows[..]));
    let norm = Norm { gamma: &bias, beta: &bias, epsilon: 1e-12 };
    criterion.bench_function(&format!("layer_norm/forward/{size}"), |bencher| {
        let mut y = vec![0.0; ROWS * HIDDEN];
        bencher.iter_batched(
            || Summands { product: buffer(ROWS * HIDDEN), bias: &bias, residual: &residual },
            |summands| layer_norm::forward(summands, norm, masked(), &mut y, Spread::Parallel),
            BatchSize::LargeInput,
        );
    });
}

fn attention(criterion: &mut Criterion) {
    let packing = packing();
    let plan = attention::Plan {
        queries: &packing,
        keys: &packing,
        hidden: HIDDEN,
        heads: HEADS,
        dropout: Dropout::new(0.1, 1),
        spread: Spread::Parallel,
    };
    let (query, key_value) = (numbers(ROWS * HIDDEN), numbers(ROWS * 2 * HIDDEN));
    let inputs = attention::Inputs { query: &query, key_value: &key_value };
    let (mut probabilities, mut context) =
        (vec![0.0; plan.n_probabilities()], vec![0.0; ROWS * HIDDEN]);
    criterion.bench_function(&format!("attention/forward/{HIDDEN}x{ROWS}"), |bencher| {
        bencher.iter(|| attention::forward(inputs, &plan, &mut probabilities, &mut context));
    });
}

fn layers(criterion: &mut Criterion) {
    let sizes = [
        HIDDEN * HIDDEN,
        HIDDEN,
        HIDDEN * HIDDEN,
        HIDDEN,
        HIDDEN * HIDDEN,
        HIDDEN,
        HIDDEN * HIDDEN,
        HIDDEN,
        HIDDEN,
        HIDDEN,
        HIDDEN * INNER,
        INNER,
        INNER * HIDDEN,
        HIDDEN,
        HIDDEN,
        HIDDEN,
    ];
    let all: Vec<Vec<f32>> =
        sizes.iter().map(|&n| numbers(n).iter().map(|it| 0.05 * it).collect()).collect();
    let linear = |at: usize| Linear { weight: &all[at], bias: &all[at + 1] };
    let norm = |at: usize| Norm { gamma: &all[at], beta: &all[at + 1], epsilon: 1e-12 };
    let parameters = Parameters {
        query: linear(0),
        key: linear(2),
        value: linear(4),
        attention_output: linear(6),
        attention_norm: norm(8),
        intermediate: linear(10),
        output: linear(12),
        output_norm: norm(14),
    };
    let packing = packing();
    let dropout = LayerDropout {
        probabilities: Dropout::new(0.1, 1),
        attention: Dropout::new(0.1, 2),
        output: Dropout::new(0.1, 3),
    };
    let x = numbers(ROWS * HIDDEN);
    for (name, outputs) in [("all", Outputs::All), ("first", Outputs::First)] {
        let spread = Spread::Parallel;
        let pass = Pass { packing: &packing, heads: HEADS, outputs, dropout, spread };
        let size = format!("{HIDDEN}x{ROWS}");
        criterion.bench_function(&format!("layer/forward-{name}/{size}"), |bencher| {
            bencher.iter(|| layer::forward(&x, &parameters, &pass));
        });
        criterion.bench_function(&format!("layer/backward-{name}/{size}"), |bencher| {
            bencher.iter_batched(
                || layer::forward(&x, &parameters, &pass),
                |(y, saved)| {
                    let gradients = layer::backward(&y, &x, &parameters, saved, &pass);
                    assert_eq!(gradients.x.len(), x.len());
                    gradients
                },
                BatchSize::LargeInput,
            );
        });
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    products(&mut criterion);
    elementwise(&mut criterion);
    attention(&mut criterion);
    layers(&mut criterion);
    criterion.final_summary();
}
