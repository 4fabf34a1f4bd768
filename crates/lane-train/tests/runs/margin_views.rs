//! Where LANE's margins come from, seen in whole runs.
//!
//! A view that repeats the text gives the same margins as the text wherever there is no dropout, so
//! that averages over views, or an average for each, must then come out as with the text alone.

use lane_train::MethodName;

use crate::support::{Corpus, Run};

const REPEATED: [&str; 2] = ["views.kinds=[\"original\", \"repeat\"]", "lane.margin_mode=eval"];

fn run(corpus: &Corpus, name: &str, settings: &[&str]) -> Run {
    corpus.run(name, corpus.config(MethodName::LANE, settings)).unwrap()
}

/// Score and weight of every row.
fn judged(run: &Run) -> Vec<[f64; 2]> {
    run.labels().iter().map(|line| [line.score, line.weight]).collect()
}

fn farthest(left: &Run, right: &Run) -> f64 {
    let pairs = judged(left).into_iter().zip(judged(right));
    let apart = pairs.flat_map(|(a, b)| [(a[0] - b[0]).abs(), (a[1] - b[1]).abs()]);
    apart.fold(0.0, f64::max)
}

#[test]
fn margins_without_dropout_of_repeated_views_are_those_of_the_text() {
    let corpus = Corpus::new();
    let original = run(&corpus, "original", &REPEATED);
    for views in ["mean", "independent"] {
        let setting = format!("lane.margin_views={views}");
        let other = run(&corpus, views, &[&REPEATED[..], &[&setting]].concat());
        let apart = farthest(&original, &other);
        assert!(apart < 1e-4, "{views}: {apart}");
    }
}

#[test]
fn margins_with_dropout_differ_between_repeated_views() {
    let corpus = Corpus::new();
    let original = run(&corpus, "original", &REPEATED[..1]);
    let mean = run(&corpus, "mean", &[REPEATED[0], "lane.margin_views=mean"]);
    assert!(farthest(&original, &mean) > 1e-3);
}

#[test]
fn independent_views_have_weights_of_their_own_and_verdicts_by_row() {
    let corpus = Corpus::new();
    let settings = ["views.kinds=[\"original\", \"deletion\"]", "views.deletion_probability=0.5"];
    let shared = run(&corpus, "shared", &settings);
    let independent =
        run(&corpus, "independent", &[&settings[..], &["lane.margin_views=independent"]].concat());
    assert_eq!(independent.labels().len(), shared.labels().len());
    assert!(farthest(&shared, &independent) > 1e-3);
    assert!(independent.result.detection.is_some());
}
