//! Sets, thresholds and losses of the golden file.

use serde_json::Value;

use super::*;
use crate::methods::staged::{self, Answers, Stage, output, plan, rows_of, term};

fn golden() -> Value {
    serde_json::from_str(include_str!("../../../../../fixtures/golden/disc.json")).unwrap()
}

fn method(settings: &[&str]) -> Disc {
    let all = ["data.train=rows.csv", "method=disc"].iter().chain(settings);
    let all: Vec<_> = all.map(|text| text.parse().unwrap()).collect();
    let facts = Facts { n_rows: 4, n_classes: 3 };
    Disc::new(&Config::resolve(None, &all).unwrap(), facts).unwrap()
}

fn numbers(value: &Value) -> Vec<f32> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        value => vec![value.as_f64().unwrap() as f32],
    }
}

#[track_caller]
fn close(ours: &[f32], theirs: &[f32]) {
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert!((ours - theirs).abs() < 1e-6, "{ours} against {theirs}");
    }
}

fn flags(value: &Value) -> Vec<bool> {
    serde_json::from_value(value.clone()).unwrap()
}

#[test]
fn three_epochs_are_sorted_as_in_the_golden_file() {
    let golden = golden();
    let labels = [0, 1, 0, 2].map(ClassId);
    let mut disc = method(&["disc.momentum=0.9"]);
    let epochs = golden["inputs"]["epochs"].as_array().unwrap();
    let selections = golden["expected"]["selection"].as_array().unwrap();
    for (seen, expected) in epochs.iter().zip(selections) {
        disc.recorded = [numbers(&seen["w"]), numbers(&seen["s"])];
        let before = |view: usize| disc.thresholds.iter().map(|it| it[view]).collect::<Vec<_>>();
        close(&before(0), &numbers(&expected["tau_w"]));
        close(&before(1), &numbers(&expected["tau_s"]));
        let needed: Vec<f32> = disc.thresholds.iter().map(|it| needed(*it, 0.5)).collect();
        close(&needed, &numbers(&expected["threshold_correct"]));
        disc.sort(&labels, 3);
        let is = |wanted: fn(&Set) -> bool| disc.sets.iter().map(wanted).collect::<Vec<_>>();
        assert_eq!(is(|set| *set == Set::Clean), flags(&expected["clean"]));
        assert_eq!(is(|set| *set == Set::Hard), flags(&expected["hard"]));
        let corrected = is(|set| matches!(set, Set::Corrected(_)));
        assert_eq!(corrected, flags(&expected["corrected"]));
        assert_eq!(is(|set| *set != Set::None), flags(&expected["mix_set"]));
        let mixed: Vec<u16> = disc
            .sets
            .iter()
            .zip(labels)
            .map(|(set, given)| if let Set::Corrected(label) = set { label.0 } else { given.0 })
            .collect();
        assert_eq!(
            mixed,
            serde_json::from_value::<Vec<u16>>(expected["mix_labels"].clone()).unwrap()
        );
        for (view, key) in ["tau_w_next", "tau_s_next"].into_iter().enumerate() {
            let after: Vec<f32> = disc.thresholds.iter().map(|it| it[view]).collect();
            close(&after, &numbers(&expected[key]));
        }
    }
}

#[test]
fn clean_rows_cost_cross_entropy_and_hard_rows_gce_in_both_views() {
    let golden = golden();
    let (seen, flags_of) = (&golden["inputs"]["epochs"][1], &golden["expected"]["selection"][0]);
    let expected = &golden["expected"]["batch_loss_epoch1_with_flags_of_epoch0"];
    let logits: Vec<f32> =
        ["w", "s"].iter().flat_map(|view| numbers(&seen[*view])).map(f32::ln).collect();
    let device = burn::tensor::Device::flex();
    let logits = Tensor::<2>::from_data(TensorData::new(logits, [8, 3]), &device);
    let labels = Tensor::<1, Int>::from_data([0_i32, 1, 0, 2, 0, 1, 0, 2], &device);
    let clean = over_both_views(
        cross_entropy::per_row(logits.clone(), labels.clone()),
        &flags(&flags_of["clean"]),
    );
    let hard = over_both_views(
        generalized_cross_entropy::per_row(logits, labels, &GceConfig::default()),
        &flags(&flags_of["hard"]),
    );
    for (ours, key) in [(clean, "clean_term"), (hard, "hard_term_gce0.7")] {
        let (ours, theirs) = (transfer::read_scalar(ours), expected[key].as_f64().unwrap());
        assert!((ours - theirs).abs() < 1e-6, "{key}: {ours} against {theirs}");
    }
}

#[test]
fn the_momentum_is_rescaled_to_the_epochs_of_the_run() {
    for (epochs, expected) in [(10, 0.82), (5, 0.67), (200, 0.99)] {
        let ours = method(&[&format!("training.epochs={epochs}")]).momentum;
        assert!((ours - expected).abs() < 0.005, "{epochs}: {ours}");
    }
}

#[test]
fn a_row_believed_in_no_view_needs_a_clear_other_label_to_be_corrected() {
    let of = |view: [f32; 3]| set_of([&view, &view], ClassId(0), [0.3, 0.3], 0.5);
    assert_eq!(of([0.05, 0.9, 0.05]), Set::Corrected(ClassId(1)));
    assert_eq!(of([0.2, 0.6, 0.2]), Set::None);
    assert_eq!(of([0.31, 0.6, 0.09]), Set::Clean);
    let high = [0.005, 0.99, 0.005];
    assert_eq!(set_of([&high, &high], ClassId(0), [0.8, 0.8], 0.5), Set::None);
}

#[test]
fn no_label_has_to_be_believed_beyond_the_cap() {
    assert!((needed([0.3, 0.3], 0.5) - 0.8).abs() < 1e-6);
    assert!((needed([0.9, 0.8], 0.5) - 0.99).abs() < 1e-6);
    let view = [0.002, 0.996, 0.002];
    assert_eq!(set_of([&view, &view], ClassId(0), [0.9, 0.9], 1.0), Set::Corrected(ClassId(1)));
}

#[test]
fn thresholds_start_at_one_over_the_rows_or_over_the_classes() {
    assert_eq!(method(&[]).thresholds, [[0.25; 2]; 4]);
    assert_eq!(method(&["disc.start=classes"]).thresholds, [[1.0 / 3.0; 2]; 4]);
}

#[test]
fn a_momentum_given_is_taken_as_it_is_and_one_of_1_is_refused() {
    assert!((method(&["disc.momentum=0.95", "training.epochs=5"]).momentum - 0.95).abs() < 1e-6);
    let config = staged::config("disc", &["disc.momentum=1"]);
    let error = Disc::new(&config, Facts { n_rows: 4, n_classes: 3 }).unwrap_err();
    assert_eq!(error.to_string(), "`disc.momentum` is 1, expected a number from 0 and below 1");
}

const VIEWS: [[f32; 3]; 4] =
    [[2.0, 0.5, -1.0], [0.2, -0.3, 0.7], [1.0, 0.9, -0.5], [0.1, 0.8, 0.2]];
const SEEN: [[f32; 2]; 4] = [[1.0, 0.2], [0.3, 0.9], [-0.5, 0.4], [0.6, -0.7]];

/// Two rows in two views, labelled 0 and 1.
fn two_rows() -> StepBatch {
    staged::batch(&[0, 1], &[output(&VIEWS, &SEEN)])
}

/// The loss of [`two_rows`] after the plain epochs, the rows being in these sets.
fn loss_of(sets: [Set; 2], batch: &[StepBatch]) -> Loss {
    let mut disc = method(&["training.epochs=5"]);
    disc.sets[..2].copy_from_slice(&sets);
    disc.loss(&Stage::new().step([3, 5], &[0], batch)).unwrap()
}

/// Cross-entropy of the embeddings at `places` as they are, under one label each.
fn unmixed(places: [usize; 2], label: i32) -> f64 {
    let stage = Stage::new();
    let network = &stage.networks.members[0];
    let of = |place: usize| {
        let embedding = output(&VIEWS[..1], &SEEN[place..=place]).embedding;
        let labels = Tensor::<1, Int>::from_data([label], &embedding.device());
        let logits = network.classify(embedding, Mode::Evaluate);
        transfer::read_scalar(cross_entropy::mean(logits, labels).inner())
    };
    of(places[0]) + of(places[1])
}

#[test]
fn a_batch_in_no_set_is_no_step() {
    let batches = [two_rows()];
    let loss = loss_of([Set::None; 2], &batches);
    assert!(loss.is_constant() && term(&loss, "loss").abs() < 1e-12);
}

#[test]
fn a_row_alone_in_its_set_is_mixed_with_itself_and_the_other_terms_are_zero() {
    let batches = [two_rows()];
    for (set, label, alone) in
        [(Set::Clean, 0, "clean"), (Set::Hard, 0, "hard"), (Set::Corrected(ClassId(2)), 2, "mixup")]
    {
        let loss = loss_of([set, Set::None], &batches);
        assert!(!loss.is_constant());
        for term_name in ["clean", "hard"] {
            let value = term(&loss, term_name);
            assert_eq!(value > 0.0, term_name == alone, "{set:?}: {term_name} {value}");
        }
        // Its first view stands at 0 and its second at 2.
        let expected = unmixed([0, 2], label);
        let ours = term(&loss, "mixup");
        assert!((ours - expected).abs() < 1e-5, "{set:?}: {ours} against {expected}");
        let sum = term(&loss, "clean") + term(&loss, "hard") + ours;
        assert!((term(&loss, "loss") - sum).abs() < 1e-6);
    }
}

#[test]
fn a_row_in_no_set_is_not_moved() {
    let batches = [two_rows()];
    let gradients = loss_of([Set::Clean, Set::None], &batches).total.backward();
    let seen = batches[0].output(0).unwrap();
    for gradient in [seen.logits.grad(&gradients), seen.embedding.grad(&gradients)] {
        let gradient = transfer::read(gradient.unwrap());
        let width = gradient.len() / 4;
        let moved: Vec<bool> =
            gradient.chunks_exact(width).map(|row| row.iter().any(|it| *it != 0.0)).collect();
        assert_eq!(moved, [true, false, true, false]);
        assert!(gradient.iter().all(|it| it.is_finite()));
    }
}

#[test]
fn a_hopeless_label_among_the_rows_left_out_makes_no_nan() {
    let batches = [staged::batch(&[0, 1], &[output(&[[300.0, -300.0, 0.0]; 4], &SEEN)])];
    let loss = loss_of([Set::Clean, Set::None], &batches);
    let total = term(&loss, "loss");
    assert!(total.is_finite(), "{total}");
    let gradients = loss.total.backward();
    let gradient = batches[0].output(0).unwrap().logits.grad(&gradients).unwrap();
    assert!(transfer::read(gradient).iter().all(|it| it.is_finite()));
}

#[test]
fn plain_epochs_beyond_the_last_leave_every_epoch_plain() {
    let mut disc = method(&["training.epochs=2", "disc.plain_epochs=9"]);
    let (stage, batches) = (Stage::new(), [two_rows()]);
    for epoch in 0..2 {
        let loss = disc.loss(&stage.step([epoch, 2], &[0], &batches)).unwrap();
        let names: Vec<_> = loss.terms.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["cross_entropy"]);
        let even = [[0.0; 3]; 4];
        let plan = plan(&mut disc, [epoch, 2], &[0, 1, 0, 2], &Answers::new([&even, &even]));
        assert_eq!(rows_of(&plan, 0), [[0, 1, 2, 3]]);
    }
}

#[test]
fn of_more_than_two_views_each_is_compared_with_in_some_steps() {
    let three = [&VIEWS[..], &[[7.0, 0.0, 0.0], [0.0, 7.0, 0.0]]].concat();
    let seen = [&SEEN[..], &[[0.0, 1.0], [1.0, 0.0]]].concat();
    let mut batch = staged::batch(&[0, 1], &[output(&three, &seen)]);
    batch.n_views = 3;
    batch.targets = batch.targets.clone().slice_dim(0, 0..2).repeat_dim(0, 3);
    let second = |seed: u64| {
        let two = two_views(&batch, seed).unwrap();
        assert_eq!((two.n_views, two.targets.dims()), (2, [4]));
        transfer::read(two.output(0).unwrap().logits.clone().inner())[6..9].to_vec()
    };
    assert_eq!(second(0), VIEWS[2]);
    assert_eq!(second(1), [7.0, 0.0, 0.0]);
}
