//! The same seed gives the same bytes, another seed others.

use lane_train::MethodName;

use crate::support::{Corpus, Run};

const FILES: [&str; 8] = [
    "config.toml",
    "data_map.csv",
    "result.json",
    "labels.csv",
    "metrics.jsonl",
    "model/model.safetensors",
    "dynamics.parquet",
    "test_predictions.csv",
];

fn differing(left: &Run, right: &Run) -> Vec<&'static str> {
    FILES.into_iter().filter(|name| left.bytes(name) != right.bytes(name)).collect()
}

#[test]
fn the_same_run_twice_leaves_the_same_bytes() {
    let corpus = Corpus::new();
    for method in MethodName::all() {
        let run = |name: &str| {
            corpus.run(&format!("{method}-{name}"), corpus.config(method, &[])).unwrap()
        };
        assert_eq!(differing(&run("first"), &run("second")), [""; 0], "{method}");
    }
}

#[test]
fn views_and_order_are_drawn_from_the_seed_too() {
    let corpus = Corpus::new();
    let settings = ["views.kinds=[\"original\", \"deletion\"]", "views.deletion_probability=0.4"];
    let run = |name: &str| corpus.run(name, corpus.config(MethodName::LANE, &settings)).unwrap();
    assert_eq!(differing(&run("first"), &run("second")), [""; 0]);
}

#[test]
fn another_seed_gives_other_weights() {
    let corpus = Corpus::new();
    let run = |seed: &str| {
        corpus.run(seed, corpus.config(MethodName::BASE, &[&format!("seed={seed}")])).unwrap()
    };
    let differing = differing(&run("1"), &run("2"));
    assert!(differing.contains(&"model/model.safetensors"), "{differing:?}");
    assert!(differing.contains(&"dynamics.parquet"), "{differing:?}");
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let corpus = Corpus::new();
    for method in [MethodName::BASE, MethodName::LANE] {
        let run = |n_threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            let config = corpus.config(method, &[]);
            let name = format!("{method}-{n_threads}-threads");
            let run = pool.install(|| corpus.run(&name, config)).unwrap();
            let record: serde_json::Value =
                serde_json::from_slice(&run.bytes("record.json")).unwrap();
            assert_eq!(record["threads"], n_threads);
            run
        };
        let alone = run(1);
        for n_threads in [2, 3, 8] {
            assert_eq!(differing(&alone, &run(n_threads)), [""; 0], "{method}, {n_threads}");
        }
    }
}

/// AdamW divides by the size of a gradient, so that where one is nearly zero rounding can turn its
/// step; what the first epoch sums up stays the same to four digits.
#[test]
fn micro_batches_train_every_method_as_whole_batches_do() {
    let corpus = Corpus::new();
    for method in MethodName::all() {
        let run = |name: &str, settings: &[&str]| {
            let views = ["views.kinds=[\"original\", \"deletion\"]"];
            let config = corpus.config(method, &[&views, settings].concat());
            corpus.run(&format!("{method}-{name}"), config).unwrap()
        };
        let (whole, parts) = (run("whole", &[]), run("parts", &["training.micro_batch=5"]));
        let loss = |run: &Run| run.metrics("train")[0]["loss"].as_f64().unwrap();
        let (whole, parts) = (loss(&whole), loss(&parts));
        assert!((whole - parts).abs() < 1e-4 * whole.abs().max(1.0), "{method}: {whole}, {parts}");
    }
}
