//! Sets, thresholds and losses of the golden file.

use serde_json::Value;

use super::*;

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
