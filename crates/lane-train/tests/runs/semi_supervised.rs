//! Whole runs of the methods that sort the rows anew each epoch, at the ends of their definitions.

use lane_train::TrainError;
use serde_json::Value;

use crate::support::{Corpus, Listed, N_TRAIN, Run};

const FOUR: [&str; 4] = ["co-teaching", "dividemix", "disc", "unicon"];

fn try_run(corpus: &Corpus, name: &str, method: &str, more: &[&str]) -> Result<Run, TrainError> {
    corpus.run(name, corpus.config(method.parse().unwrap(), more))
}

/// A run whose every number is one.
fn run(corpus: &Corpus, name: &str, method: &str, settings: &[&str]) -> Run {
    let run = try_run(corpus, name, method, settings).unwrap();
    for line in run.labels() {
        assert!(line.score.is_finite() && (0.0..=1.0).contains(&line.weight), "{name}: {line:?}");
    }
    for line in run.metrics("train") {
        assert!(line["loss"].is_number(), "{name}: {line}");
    }
    run
}

fn of(line: &Value, name: &str) -> f64 {
    line[name].as_f64().unwrap_or_else(|| panic!("no {name} in {line}"))
}

/// A corpus with a training file of these rows, `text,label`.
fn corpus_of(rows: &[&str]) -> Corpus {
    let corpus = Corpus::new();
    corpus.write("train.csv", &format!("text,label\n{}\n", rows.join("\n")));
    corpus
}

const ONE_OF_EACH: [&str; 3] = ["I saw the wren,bird", "copper again,metal", "old frost,weather"];

/// Whether a row counts as much as one can.
fn whole(line: &Listed) -> bool {
    (line.weight - 1.0).abs() < 1e-12
}

fn n_flagged(run: &Run) -> usize {
    run.labels().iter().filter(|line| line.flagged == 1).count()
}

#[test]
fn with_one_epoch_there_is_no_split_and_nobody_is_flagged() {
    let corpus = Corpus::new();
    for method in ["dividemix", "disc", "unicon"] {
        let run = run(&corpus, method, method, &["training.epochs=1"]);
        assert_eq!(n_flagged(&run), 0, "{method}");
        assert!(run.labels().iter().all(whole), "{method}");
    }
}

#[test]
fn plain_epochs_beyond_the_last_leave_a_run_plain() {
    let corpus = Corpus::new();
    for method in ["dividemix", "disc", "unicon"] {
        let plain = format!("{method}.plain_epochs=9");
        let run = run(&corpus, method, method, &[&plain]);
        for line in run.metrics("train") {
            assert!(line["unlabelled"].is_null() && line["mixup"].is_null(), "{method}: {line}");
        }
    }
}

#[test]
fn a_batch_larger_than_the_set_is_one_step_for_each_method() {
    let corpus = Corpus::new();
    for method in FOUR {
        run(&corpus, method, method, &["training.batch_size=64", "training.epochs=3"]);
    }
}

#[test]
fn last_batches_of_one_to_five_rows_are_no_trouble_to_any_method() {
    let corpus = Corpus::new();
    for (n_left, batch_size) in [(1, 13), (2, 19), (3, 37), (4, 9), (5, 35)] {
        assert_eq!(N_TRAIN % batch_size, n_left);
        for method in FOUR {
            let size = format!("training.batch_size={batch_size}");
            run(&corpus, &format!("{method}-{n_left}"), method, &[&size]);
        }
    }
}

#[test]
fn three_rows_of_three_classes_are_enough() {
    let corpus = corpus_of(&ONE_OF_EACH);
    for method in FOUR {
        run(&corpus, method, method, &["training.epochs=3"]);
    }
}

#[test]
fn a_class_of_the_labels_may_have_a_single_row() {
    let mut rows = vec!["I saw the wren,bird"; 9];
    rows.extend(["copper again,metal", "old frost,weather", "old haze,weather"]);
    let corpus = corpus_of(&rows);
    for method in FOUR {
        run(&corpus, method, method, &["training.epochs=3", "training.batch_size=4"]);
    }
}

#[test]
fn with_nothing_to_forget_co_teaching_keeps_every_row() {
    let corpus = Corpus::new();
    let run = run(&corpus, "run", "co-teaching", &["co_teaching.forget_rate=0"]);
    assert!(run.labels().iter().all(|line| whole(line) && line.flagged == 0));
}

#[test]
fn with_nearly_everything_to_forget_co_teaching_keeps_one_row_of_each_batch_and_network() {
    let corpus = Corpus::new();
    let settings = ["co_teaching.forget_rate=0.99", "co_teaching.ramp_epochs=1"];
    let run = run(&corpus, "run", "co-teaching", &settings);
    // Five batches, in each of which either network keeps one row.
    let kept: f64 = run.labels().iter().map(|line| 2.0 * line.weight).sum();
    assert!((kept - 10.0).abs() < 1e-9, "{kept}");
}

#[test]
fn to_forget_everything_is_refused_before_training() {
    let corpus = Corpus::new();
    let settings = ["co_teaching.forget_rate=1"];
    let Err(error) = try_run(&corpus, "run", "co-teaching", &settings) else { panic!("it ran") };
    assert!(error.is_usage());
    let expected = "`co_teaching.forget_rate` is 1, expected a number from 0 and below 1";
    assert_eq!(error.to_string(), expected);
    assert!(!corpus.path("run").exists());
}

#[test]
fn the_two_networks_begin_apart() {
    let corpus = Corpus::new();
    for method in ["co-teaching", "dividemix", "unicon"] {
        let run = run(&corpus, method, method, &["training.epochs=1"]);
        let line = &run.metrics("train")[0];
        assert!((of(line, "first") - of(line, "second")).abs() > 1e-6, "{method}: {line}");
    }
}

#[test]
fn both_networks_of_a_pair_that_predicts_together_are_saved() {
    let corpus = Corpus::new();
    for method in ["dividemix", "unicon"] {
        let run = run(&corpus, method, method, &["training.epochs=3"]);
        let [first, second] = ["model", "model/second"]
            .map(|folder| run.bytes(&format!("{folder}/model.safetensors")));
        assert!(first != second, "{method}");
    }
}

#[test]
fn a_split_that_labels_nobody_labels_one_batch_of_the_lowest_losses() {
    let corpus = Corpus::new();
    let settings = ["dividemix.threshold=1", "training.batch_size=2", "training.epochs=3"];
    let run = run(&corpus, "run", "dividemix", &settings);
    // Two rows under each network are labelled, too few for three classes; the rest are guessed.
    assert!((N_TRAIN - 4..=N_TRAIN - 2).contains(&n_flagged(&run)), "{}", n_flagged(&run));
    assert!(of(&run.metrics("train")[2], "unlabelled") > 0.0);
}

#[test]
fn a_split_that_labels_everybody_leaves_the_labelled_term_and_the_balance() {
    let corpus = Corpus::new();
    // A rate so small that losses stay together and no posterior is exactly 0.
    let settings = ["dividemix.threshold=0", "training.lr=1e-6", "training.epochs=3"];
    let run = run(&corpus, "run", "dividemix", &settings);
    assert_eq!(n_flagged(&run), 0);
    for line in &run.metrics("train")[1..] {
        assert!(of(line, "unlabelled") == 0.0, "{line}");
        let rest = of(line, "labelled") + of(line, "balance");
        assert!((of(line, "loss") - rest).abs() < 1e-5, "{line}");
    }
}

#[test]
fn the_unlabelled_weigh_nothing_at_their_first_step_and_something_at_the_next() {
    let corpus = Corpus::new();
    for method in ["dividemix", "unicon"] {
        // One step a pass; one plain epoch of five, then two in which the weight rises to 10.
        let weight = format!("{method}.unlabelled_weight=10");
        let settings = ["training.batch_size=64", "training.epochs=5", weight.as_str()];
        let run = run(&corpus, method, method, &settings);
        for (epoch, weight) in [(1, 0.0), (2, 5.0), (3, 10.0), (4, 10.0)] {
            let line = &run.metrics("train")[epoch];
            assert!(of(line, "unlabelled") > 0.0, "{line}");
            let contrastive = line["contrastive"].as_f64().unwrap_or(0.0);
            let expected = of(line, "labelled")
                + weight * of(line, "unlabelled")
                + of(line, "balance")
                + 0.025 * contrastive;
            assert!((of(line, "loss") - expected).abs() < 1e-4, "{method}, {expected}: {line}");
        }
    }
}

#[test]
fn a_pair_of_rows_is_split_without_trouble() {
    let corpus = corpus_of(&ONE_OF_EACH[..2]);
    let mut config = corpus.config("dividemix".parse().unwrap(), &["training.epochs=3"]);
    (config.data.validation, config.data.test) = (None, None);
    let run = corpus.run("run", config).unwrap();
    assert!(run.labels().iter().all(|line| line.score.is_finite()));
}

#[test]
fn disc_skips_and_counts_steps_none_of_whose_rows_is_in_a_set() {
    let corpus = Corpus::new();
    // A row a step, and thresholds that are what was believed in the epoch before.
    let settings = [
        "training.batch_size=1",
        "training.epochs=4",
        "training.lr=1e-5",
        "disc.momentum=0",
        "disc.sigma=1",
    ];
    let run = run(&corpus, "run", "disc", &settings);
    let lines = run.metrics("train");
    assert!(lines[0]["skipped_steps"].is_null(), "{}", lines[0]);
    let (skipped, left_out) = (of(&lines[3], "skipped_steps"), n_flagged(&run));
    assert!(left_out > 0 && (skipped - left_out as f64).abs() < 1e-9, "{skipped} and {left_out}");
    for line in run.labels().iter().filter(|line| line.flagged == 1) {
        assert_eq!(line.reason, "its label believed in neither view");
    }
}

#[test]
fn thresholds_over_the_classes_sort_out_more_rows_than_those_over_the_set() {
    let corpus = Corpus::new();
    let flagged = |start: &str| {
        let start_setting = format!("disc.start={start}");
        n_flagged(&run(&corpus, start, "disc", &["training.epochs=3", &start_setting]))
    };
    let (of_classes, of_rows) = (flagged("classes"), flagged("rows"));
    assert!(of_rows <= of_classes, "{of_rows} and {of_classes}");
}

#[test]
fn unicon_labels_one_row_of_each_class_where_none_is_near() {
    let corpus = Corpus::new();
    // A cut-off lowered below every distance.
    let settings = ["unicon.high=0", "unicon.divisor=1e-6", "training.epochs=3"];
    let run = run(&corpus, "run", "unicon", &settings);
    assert_eq!(n_flagged(&run), N_TRAIN - 3);
    let mut kept: Vec<_> =
        run.labels().into_iter().filter(|line| line.flagged == 0).map(|line| line.label).collect();
    kept.sort();
    assert_eq!(kept, ["bird", "metal", "weather"]);
}

#[test]
fn unicon_without_unlabelled_rows_neither_guesses_nor_contrasts() {
    let corpus = corpus_of(&ONE_OF_EACH);
    let run = run(&corpus, "run", "unicon", &["training.epochs=3"]);
    for line in &run.metrics("train")[1..] {
        assert!(of(line, "unlabelled") == 0.0 && of(line, "contrastive") == 0.0, "{line}");
        let rest = of(line, "labelled") + of(line, "balance");
        assert!((of(line, "loss") - rest).abs() < 1e-5, "{line}");
    }
}

#[test]
fn unicon_has_its_options() {
    let corpus = Corpus::new();
    for (name, setting) in [
        ("natural", "unicon.logarithm=natural"),
        ("no-contrast", "unicon.contrastive_weight=0"),
        ("three-views", "views.kinds=[\"original\", \"synonym\", \"switchout\"]"),
    ] {
        run(&corpus, name, "unicon", &["training.epochs=3", setting]);
    }
}

#[test]
fn a_second_view_is_added_and_named_where_a_method_compares_two() {
    let corpus = Corpus::new();
    for method in ["disc", "unicon"] {
        for (name, settings) in [("none", &[][..]), ("one", &["views.kinds=1"])] {
            let run = run(&corpus, &format!("{method}-{name}"), method, settings);
            let named = run.notes.iter().any(|it| it.contains(method) && it.contains("`synonym`"));
            assert!(named, "{:?}", run.notes);
        }
        let switchout = ["views.kinds=[\"original\", \"switchout\"]"];
        let run = run(&corpus, &format!("{method}-switchout"), method, &switchout);
        assert!(run.notes.iter().any(|it| it.contains("`switchout`")), "{:?}", run.notes);
    }
}

#[test]
fn a_configuration_with_fewer_views_than_the_method_compares_is_refused() {
    let corpus = Corpus::new();
    for method in ["disc", "unicon"] {
        let mut config = corpus.config(method.parse().unwrap(), &[]);
        config.views.kinds.truncate(1);
        let Err(error) = corpus.run(method, config) else { panic!("{method} ran") };
        assert!(error.is_usage(), "{error}");
        let expected = format!("`views.kinds` is 1, expected at least 2 views for `{method}`");
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn the_text_alone_is_enough_for_co_teaching_and_dividemix() {
    let corpus = Corpus::new();
    for method in ["co-teaching", "dividemix"] {
        run(&corpus, method, method, &["views.kinds=1", "training.epochs=3"]);
        run(&corpus, &format!("{method}-two"), method, &["views.kinds=2", "training.epochs=3"]);
    }
}
