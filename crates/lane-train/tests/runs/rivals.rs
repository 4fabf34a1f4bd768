//! What the rivals do to rows and labels, and where their definitions end.

use std::collections::BTreeSet;

use lane_train::{Config, MethodName, TrainError};

use crate::support::{Corpus, Listed, N_TRAIN, Run};

/// The third of the training rows that `cartography-*` keep.
const THIRD: usize = N_TRAIN / 3;

fn named(name: &str) -> MethodName {
    name.parse().unwrap()
}

fn run(corpus: &Corpus, name: &str, method: &str, settings: &[&str]) -> Result<Run, TrainError> {
    corpus.run(name, corpus.config(named(method), settings))
}

/// A configuration over two classes, without the files of three.
fn of_two_classes(corpus: &Corpus, method: MethodName, settings: &[&str]) -> Config {
    let mut config = corpus.config(method, settings);
    config.data.train = corpus.path("two.csv");
    (config.data.validation, config.data.test) = (None, None);
    config
}

fn finite(run: &Run) -> bool {
    run.labels().iter().all(|line| line.score.is_finite() && (0.0..=1.0).contains(&line.weight))
}

fn kept(labels: &[Listed]) -> BTreeSet<u32> {
    labels.iter().filter(|line| line.reason.is_empty()).map(|line| line.row).collect()
}

/// Rows shown in one epoch, counted through all phases.
fn shown(run: &Run, epoch: u32) -> BTreeSet<u32> {
    let looks = run.dynamics();
    looks.iter().filter(|look| look.epoch == epoch).map(|look| look.row).collect()
}

#[test]
fn one_epoch_is_enough_for_every_method() {
    let corpus = Corpus::new();
    for method in MethodName::all() {
        let config = corpus.config(method, &["training.epochs=1"]);
        assert!(finite(&corpus.run(method.as_str(), config).unwrap()), "{method}");
    }
}

#[test]
fn a_row_alone_in_its_batch_is_no_trouble_to_any_method() {
    let corpus = Corpus::new();
    for method in MethodName::all() {
        let settings = ["training.epochs=1", "training.batch_size=1"];
        let run = corpus.run(method.as_str(), corpus.config(method, &settings)).unwrap();
        assert!(finite(&run), "{method}");
    }
}

#[test]
fn two_classes_are_enough_for_every_method_but_hmw() {
    let corpus = Corpus::new();
    for method in MethodName::all().filter(|method| method.as_str() != "hmw") {
        let run = corpus.run(method.as_str(), of_two_classes(&corpus, method, &[])).unwrap();
        assert!(finite(&run), "{method}");
    }
}

#[test]
fn hmw_refuses_two_classes_before_training_unless_it_looks_at_the_margin_alone() {
    let corpus = Corpus::new();
    let Err(error) = corpus.run("both", of_two_classes(&corpus, named("hmw"), &[])) else {
        panic!("it ran")
    };
    assert!(error.is_usage(), "{error}");
    assert!(error.to_string().contains("at least 3 classes"), "{error}");
    assert!(!corpus.path("both").exists());
    let margin = of_two_classes(&corpus, named("hmw"), &["hmw.slice.parts=margin"]);
    assert!(finite(&corpus.run("margin", margin).unwrap()));
}

#[test]
fn cartography_trains_the_second_time_on_the_third_it_keeps() {
    let corpus = Corpus::new();
    for region in ["easy", "hard", "ambiguous"] {
        let method = format!("cartography-{region}");
        let run = run(&corpus, &method, &method, &[]).unwrap();
        let labels = run.labels();
        assert_eq!(kept(&labels).len(), THIRD, "{region}");
        for epoch in [3, 4] {
            assert_eq!(shown(&run, epoch), kept(&labels), "{region}, epoch {epoch}");
        }
        let left_out = labels.iter().find(|line| !line.reason.is_empty()).unwrap();
        assert!(left_out.reason.starts_with("not among the "), "{}", left_out.reason);
    }
}

#[test]
fn the_easy_and_the_hard_third_are_the_ends_of_one_ranking() {
    let corpus = Corpus::new();
    let labels = |region: &str| {
        let method = format!("cartography-{region}");
        run(&corpus, &method, &method, &[]).unwrap().labels()
    };
    let (easy, hard) = (labels("easy"), labels("hard"));
    let score = |row: u32| easy[row as usize].score;
    let highest_of_easy = kept(&easy).into_iter().map(score).fold(0.0, f64::max);
    let lowest_of_hard = kept(&hard).into_iter().map(score).fold(1.0, f64::min);
    assert!(highest_of_easy <= lowest_of_hard, "{highest_of_easy} against {lowest_of_hard}");
}

#[test]
fn with_one_epoch_nothing_varies_and_the_ambiguous_third_is_the_head_of_the_file() {
    let corpus = Corpus::new();
    let run = run(&corpus, "run", "cartography-ambiguous", &["training.epochs=1"]).unwrap();
    assert_eq!(kept(&run.labels()), (0..THIRD as u32).collect());
}

#[test]
fn a_class_that_the_map_filters_away_is_said_and_training_goes_on() {
    let corpus = Corpus::new();
    let settings = ["cartography.fraction=0.05"];
    let run = run(&corpus, "run", "cartography-hard", &settings).unwrap();
    assert!(
        run.notes.iter().any(|note| note.contains("of 3 classes have no row")),
        "{:?}",
        run.notes
    );
    assert_eq!(kept(&run.labels()).len(), 2);
}

#[test]
fn aum_relabels_disjoint_rows_to_a_class_of_their_own_in_its_two_runs() {
    let corpus = Corpus::new();
    let run = run(&corpus, "run", "aum", &[]).unwrap();
    let thresholds = |epoch| -> BTreeSet<u32> {
        let looks = run.dynamics();
        looks.iter().filter(|it| it.epoch == epoch && it.label == 3).map(|it| it.row).collect()
    };
    let (first, second) = (thresholds(1), thresholds(3));
    assert_eq!((first.len(), second.len()), (N_TRAIN / 4, N_TRAIN / 4));
    assert!(first.is_disjoint(&second));
    assert_eq!((thresholds(2), thresholds(4), thresholds(5).len()), (first, second, 0));
    assert_eq!(shown(&run, 5), kept(&run.labels()));
    assert!(run.notes.iter().any(|note| note.contains("10 threshold samples")), "{:?}", run.notes);
}

#[test]
fn aum_keeps_the_best_row_of_a_class_it_would_wipe_out() {
    let corpus = Corpus::new();
    let settings = ["aum.threshold.fixed=1e9"];
    let run = run(&corpus, "run", "aum", &settings).unwrap();
    let labels = run.labels();
    assert!(labels.iter().all(|line| line.flagged == 1));
    let kept: Vec<&Listed> = labels.iter().filter(|line| line.reason.is_empty()).collect();
    let classes: BTreeSet<&str> = kept.iter().map(|line| line.label.as_str()).collect();
    assert_eq!((kept.len(), classes.len()), (3, 3));
    for best in kept {
        let mut of_class = labels.iter().filter(|line| line.label == best.label);
        assert!(of_class.all(|line| best.score <= line.score));
    }
    assert!(run.notes.iter().any(|note| note.contains("more than half")), "{:?}", run.notes);
}

#[test]
fn without_a_threshold_to_fall_below_aum_keeps_every_row() {
    let corpus = Corpus::new();
    let run = run(&corpus, "run", "aum", &["aum.threshold.fixed=-1e9"]).unwrap();
    assert_eq!(kept(&run.labels()).len(), N_TRAIN);
    assert!(run.labels().iter().all(|line| line.flagged == 0 && line.reason.is_empty()));
}

#[test]
fn the_noise_layer_has_its_options() {
    let corpus = Corpus::new();
    for (name, settings) in [
        ("soft", &["noise_layer.init=soft"][..]),
        ("epsilon", &["noise_layer.init=epsilon", "noise_layer.plain_epochs=1"]),
        ("complex", &["noise_layer.model=complex"]),
        ("mixed", &["noise_layer.beta=0.5"]),
    ] {
        assert!(finite(&run(&corpus, name, "noise-layer", settings).unwrap()), "{name}");
    }
}

#[test]
fn the_noise_layer_learns_and_the_classifier_under_it_predicts() {
    let corpus = Corpus::new();
    let run = run(&corpus, "run", "noise-layer", &[]).unwrap();
    let phases: Vec<_> = run
        .metrics("train")
        .iter()
        .map(|line| line["phase"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(phases, ["plain", "train", "train"]);
    assert!(run.metrics("train")[2]["noisy_cross_entropy"].is_number());
}

#[test]
fn peer_loss_stays_finite_when_it_takes_off_more_than_it_adds() {
    let corpus = Corpus::new();
    for (name, expected) in [("drawn", "false"), ("expected", "true")] {
        let expected = format!("peer_loss.expected={expected}");
        let settings = ["peer_loss.alpha=20", "training.epochs=4", expected.as_str()];
        assert!(finite(&run(&corpus, name, "peer-loss", &settings).unwrap()), "{name}");
    }
}

#[test]
fn a_robust_loss_may_take_the_place_of_cross_entropy_inside_other_methods() {
    let corpus = Corpus::new();
    for method in ["base", "lane", "aum", "scl", "margin-mixture", "cartography-easy", "lcl"] {
        let weights = |name: &str, settings: &[&str]| {
            let run = run(&corpus, &format!("{method}-{name}"), method, settings).unwrap();
            run.bytes("model/model.safetensors")
        };
        assert!(weights("plain", &[]) != weights("gce", &["loss.kind=gce"]), "{method}");
    }
}

#[test]
fn a_delay_makes_the_first_epochs_those_of_cross_entropy() {
    let corpus = Corpus::new();
    let losses = |name: &str, method: &str, settings: &[&str]| -> Vec<f64> {
        let run = run(&corpus, name, method, settings).unwrap();
        run.metrics("train").iter().map(|line| line["loss"].as_f64().unwrap()).collect()
    };
    let plain = losses("base", "base", &["training.epochs=3"]);
    let delayed = losses("delayed", "mae", &["training.epochs=3", "loss.delay=2"]);
    assert_eq!(plain[..2], delayed[..2]);
    assert_ne!(plain[2].to_bits(), delayed[2].to_bits());
}

#[test]
fn a_loss_that_starts_dead_is_warned_of_and_one_with_a_delay_is_not() {
    let corpus = Corpus::new();
    let notes = |name: &str, settings: &[&str]| {
        run(&corpus, name, "piecewise-zero", settings).unwrap().notes.join("; ")
    };
    let dead = notes("dead", &["loss.cutoff=0.34", "loss.delay=0"]);
    assert!(dead.contains("nothing to learn from with 3 classes"), "{dead}");
    let settings = ["loss.kind=piecewise-zero", "loss.cutoff=0.34", "loss.delay=0"];
    let inside = run(&corpus, "inside", "lane", &settings).unwrap().notes.join("; ");
    assert!(inside.contains("nothing to learn from"), "{inside}");
    assert!(!notes("delayed", &["loss.cutoff=0.34"]).contains("nothing to learn"));
    assert!(!notes("low", &["loss.cutoff=0.32", "loss.delay=0"]).contains("nothing to learn"));
}

#[test]
fn settings_of_another_loss_and_losses_of_another_method_are_refused() {
    let corpus = Corpus::new();
    let refusal = |method: &str, settings: &[&str]| {
        let Err(error) = run(&corpus, "refused", method, settings) else { panic!("it ran") };
        assert!(error.is_usage(), "{error}");
        error.to_string()
    };
    let text = refusal("gce", &["loss.gamma=1"]);
    assert!(text.contains("gamma") && text.contains('q'), "{text}");
    let text = refusal("gce", &["loss.kind=mae"]);
    assert!(text.contains("`loss.kind` is mae") && text.contains("gce"), "{text}");
    let text = refusal("gce", &["loss.q=2"]);
    assert!(text.contains('2') && text.contains("<= 1"), "{text}");
    let text = refusal("hmw", &["loss.kind=gce"]);
    assert!(text.contains("`hmw` has a loss of its own"), "{text}");
    let text = refusal("mae", &["loss.q=0.5"]);
    assert!(text.contains('q'), "{text}");
    let text = refusal("aum", &["aum.threshold.percentile=120"]);
    assert!(text.contains("120"), "{text}");
    let text = refusal("cartography-easy", &["cartography.fraction=0"]);
    assert!(text.contains("cartography.fraction"), "{text}");
    let text = refusal("peer-loss", &["peer_loss.plain_epochs=2"]);
    assert!(text.contains("peer_loss.plain_epochs"), "{text}");
    assert!(!corpus.path("refused").exists());
}
