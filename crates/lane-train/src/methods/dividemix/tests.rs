//! Splits, draws and losses of the golden file, and where their definitions end.

use super::*;
use crate::methods::staged::{self, Answers, Stage, empty_batch, output, plan, rows_of, term};
use crate::transfer;

fn golden() -> serde_json::Value {
    serde_json::from_str(include_str!("../../../../../fixtures/golden/dividemix.json")).unwrap()
}

#[test]
fn the_golden_losses_are_split_as_expected() {
    for case in ["separated", "overlap"] {
        let expected = &golden()["expected"][case];
        let raw: Vec<f64> = serde_json::from_value(expected["raw"].clone()).unwrap();
        let labelled: Vec<bool> = serde_json::from_value(expected["labeled"].clone()).unwrap();
        let clean: Vec<f64> = serde_json::from_value(expected["prob_small_mean"].clone()).unwrap();
        let split = split(&raw, 0.5, 1).unwrap();
        assert_eq!(split.labelled, labelled, "{case}");
        for (ours, theirs) in split.clean.iter().zip(&clean) {
            assert!((ours - theirs).abs() < 1e-9, "{case}: {ours} against {theirs}");
        }
    }
}

#[test]
fn equal_losses_make_every_row_labelled() {
    let split = split(&[0.7; 5], 0.5, 1).unwrap();
    assert_eq!((split.labelled, split.clean), (vec![true; 5], vec![1.0; 5]));
}

#[test]
fn a_split_without_labelled_rows_takes_a_batch_of_the_lowest_losses() {
    let split = split(&[0.9, 0.1, 0.5, 2.0], 1.0, 2).unwrap();
    assert_eq!(split.labelled, [false, true, true, false]);
}

#[test]
fn a_draw_keeps_more_of_the_row_than_of_its_partner() {
    for seed in 0..50 {
        let (lambda, order) = draw(0.75, 7, seed).unwrap();
        assert!((0.5..=1.0).contains(&lambda), "{lambda}");
        let mut sorted = order;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..7).collect::<Vec<_>>());
    }
}

#[test]
fn a_draw_over_one_row_mixes_it_with_itself() {
    let (lambda, order) = draw(0.75, 1, 3).unwrap();
    assert_eq!(order, [0]);
    let row = Tensor::<2>::from_data([[1.5_f32, -2.0]], &burn::tensor::Device::flex());
    let mixed = transfer::read(semi_supervised::mixed(row, &order, lambda));
    assert!((mixed[0] - 1.5).abs() < 1e-6 && (mixed[1] + 2.0).abs() < 1e-6, "{mixed:?}");
}

#[test]
fn draws_stay_numbers_for_every_alpha_that_is_accepted() {
    for alpha in [f64::MIN_POSITIVE, 1e-100, 1e-9, 1e-3, 0.1, 1.0, 1e3, 1e9, 1e100, f64::MAX] {
        for seed in 0..50 {
            let (lambda, _) = draw(alpha, 2, seed).unwrap();
            assert!((0.5..=1.0).contains(&lambda), "{alpha}: {lambda}");
        }
    }
}

#[test]
fn a_single_row_and_rows_as_hard_as_each_other_are_labelled() {
    for losses in [&[0.3][..], &[0.3, 0.3], &[0.0; 9]] {
        let split = split(losses, 0.5, 1).unwrap();
        assert_eq!(split.labelled, vec![true; losses.len()]);
    }
}

#[test]
fn a_difference_in_the_last_bit_still_gives_posteriors_that_are_numbers() {
    let split = split(&[1.0, 1.0, 1.0 + f64::EPSILON], 0.5, 1).unwrap();
    assert!(split.clean.iter().all(|clean| (0.0..=1.0).contains(clean)), "{:?}", split.clean);
    assert!(split.labelled.contains(&true));
}

#[test]
fn a_batch_larger_than_the_set_labels_all_of_it_where_the_mixture_labels_nobody() {
    assert_eq!(split(&[0.9, 0.1, 0.5], 1.0, 32).unwrap().labelled, [true; 3]);
}

fn method(settings: &[&str]) -> DivideMix {
    let config = staged::config("dividemix", settings);
    DivideMix::new(&config, Facts { n_rows: 4, n_classes: 3 }).unwrap()
}

/// Logits under which the label 0 is easy in the rows told, and hard in the others.
fn easy(rows: [bool; 4]) -> Vec<[f32; 3]> {
    rows.map(|is| if is { [4.0, 0.0, 0.0] } else { [-4.0, 0.0, 1.0] }).to_vec()
}

#[test]
fn each_network_learns_by_the_split_of_the_other_made_before_either_moved() {
    let mut method = method(&["training.epochs=5"]);
    let (first, second) = (easy([true, true, false, false]), easy([true, false, true, false]));
    let answers = Answers::new([&first, &second]);
    let plan = plan(&mut method, [1, 5], &[0; 4], &answers);
    assert_eq!(*answers.asked.borrow(), [0, 1]);
    let trained: Vec<_> = plan.passes.iter().map(|pass| pass.trained.clone()).collect();
    assert_eq!(trained, [[0], [1]]);
    assert_eq!(rows_of(&plan, 0), [[0, 2], [0, 1]]);
    assert_eq!(rows_of(&plan, 1), [[1, 3], [2, 3]]);
    let flagged: Vec<bool> = verdicts(&method).iter().map(|it| it.flagged).collect();
    assert_eq!(flagged, [false, false, false, true]);
}

fn verdicts(method: &DivideMix) -> Vec<Verdict> {
    let config = lane_metrics::weights::WeightConfig::default();
    method.verdicts(&MarginWeights::new(4, config).unwrap())
}

#[test]
fn with_equal_losses_nobody_is_unlabelled() {
    let mut method = method(&["training.epochs=5"]);
    let even = [[0.5; 3]; 4];
    let plan = plan(&mut method, [1, 5], &[0, 1, 2, 0], &Answers::new([&even, &even]));
    assert_eq!(rows_of(&plan, 0), [[0, 1, 2, 3], [0, 1, 2, 3]]);
    assert_eq!(rows_of(&plan, 1), [[0; 0], [0; 0]]);
}

#[test]
fn with_nobody_labelled_a_batch_of_the_lowest_losses_is() {
    let settings = ["training.epochs=5", "dividemix.threshold=1", "training.batch_size=2"];
    let logits = [[3.0, 0.0, 0.0], [0.0; 3], [2.0, 0.0, 0.0], [-1.0, 0.0, 0.0]];
    let plan = plan(&mut method(&settings), [1, 5], &[0; 4], &Answers::new([&logits, &logits]));
    assert_eq!(rows_of(&plan, 0), [[0, 2], [0, 2]]);
}

#[test]
fn a_single_epoch_is_plain_and_judges_nobody() {
    let mut method = method(&["training.epochs=1"]);
    let even = [[0.5; 3]; 4];
    let plan = plan(&mut method, [0, 1], &[0, 1, 2, 0], &Answers::new([&even, &even]));
    assert_eq!((plan.passes.len(), rows_of(&plan, 0)), (1, vec![vec![0, 1, 2, 3]]));
    for verdict in verdicts(&method) {
        assert!(!verdict.flagged && verdict.suggested.is_none());
        assert!((verdict.weight - 1.0).abs() < 1e-12);
    }
}

const SEEN: [[f32; 2]; 2] = [[1.0, 0.2], [0.3, 0.9]];

/// Two labelled rows, known to the network trained alone, and two unlabelled ones, known to both.
fn parts(network: usize) -> [StepBatch; 2] {
    let said = || output(&[[2.0, 0.5, -1.0], [0.2, -0.3, 0.7]], &SEEN);
    let mut labelled = staged::batch(&[1, 2], &[said(), said()]);
    labelled.outputs[1 - network] = None;
    [labelled, staged::batch_from(2, &[0, 0], &[said(), said()])]
}

fn splits(clean: [f64; 2]) -> Vec<Split> {
    clean.map(|clean| Split { clean: vec![clean; 4], labelled: vec![true; 4] }).to_vec()
}

#[test]
fn labels_are_refined_by_the_posterior_of_the_other_network() {
    let mut method = method(&["training.epochs=5", "dividemix.temperature=1"]);
    method.splits = splits([0.0, 1.0]);
    let stage = Stage::new();
    let targets = |network: usize| {
        let batches = parts(network);
        let trained = [network];
        let step = stage.step([1, 5], &trained, &batches);
        transfer::read(method.targets(network, &step).unwrap().swap_remove(0))
    };
    // Network 2 believes every label, so that network 1 learns them as they are.
    assert_eq!(targets(0), [0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    let own = burn::tensor::activation::softmax(parts(1)[0].output(1).unwrap().logits.clone(), 1);
    for (ours, own) in targets(1).iter().zip(transfer::read(own)) {
        assert!((ours - own).abs() < 1e-6, "{ours} against {own}");
    }
}

fn loss_of(method: &DivideMix, epoch: u32, batches: &[StepBatch]) -> Loss {
    method.mixed_loss(0, &Stage::new().step([epoch, 10], &[0], batches)).unwrap()
}

#[test]
fn the_unlabelled_weigh_nothing_at_the_first_step_that_has_some_and_more_later() {
    let mut method = method(&["training.epochs=10", "dividemix.unlabelled_weight=25"]);
    method.splits = splits([0.6, 0.6]);
    // Two plain epochs, then four in which the weight rises.
    for (epoch, weight) in [(2, 0.0), (4, 12.5), (6, 25.0), (9, 25.0)] {
        let loss = loss_of(&method, epoch, &parts(0));
        let of = |name| term(&loss, name);
        assert!(of("unlabelled") > 0.0);
        let expected = of("labelled") + weight * of("unlabelled") + of("balance");
        let total = of("loss");
        assert!((total - expected).abs() < 1e-5, "epoch {epoch}: {total} against {expected}");
    }
}

#[test]
fn without_unlabelled_rows_the_labelled_term_and_the_balance_are_left() {
    let mut method = method(&["training.epochs=10", "dividemix.unlabelled_weight=25"]);
    method.splits = splits([0.6, 0.6]);
    let [labelled, _] = parts(0);
    let batches = [labelled, empty_batch()];
    let loss = loss_of(&method, 9, &batches);
    assert!(term(&loss, "unlabelled").abs() < 1e-12);
    let rest = term(&loss, "labelled") + term(&loss, "balance");
    assert!((term(&loss, "loss") - rest).abs() < 1e-6);
    let gradients = loss.total.backward();
    let embedding = &batches[0].output(0).unwrap().embedding;
    let gradient = transfer::read(embedding.grad(&gradients).unwrap());
    assert!(gradient.iter().all(|it| it.is_finite()) && gradient.iter().any(|it| *it != 0.0));
}

#[test]
fn the_network_that_stands_still_gets_no_gradient() {
    let mut method = method(&["training.epochs=10"]);
    method.splits = splits([0.6, 0.6]);
    let batches = parts(0);
    let gradients = loss_of(&method, 9, &batches).total.backward();
    let other = batches[1].output(1).unwrap();
    assert!(other.logits.grad(&gradients).is_none() && other.embedding.grad(&gradients).is_none());
}
