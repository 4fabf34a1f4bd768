//! Whole losses, and where their definitions end.

use lane_metrics::cartography::{DataMap, MapConfig};

use super::*;
use crate::methods::staged::{
    self, Answers, Stage, WIDTH, batch_from, empty_batch, output, plan, rows_of, term,
};
use crate::transfer;

fn method(settings: &[&str]) -> Unicon {
    let config = staged::config("unicon", settings);
    Unicon::new(&config, Facts { n_rows: 4, n_classes: 3 }).unwrap()
}

/// The stage with the projections that the method begins with.
fn stage(method: &mut Unicon) -> Stage {
    let config = lane_metrics::weights::WeightConfig::default();
    let margins = MarginWeights::new(4, config).unwrap();
    let at = PhaseStart {
        phase: 0,
        labels: &[],
        n_classes: 3,
        margins: &margins,
        map: &DataMap::new(0, MapConfig::default()).unwrap(),
        embedding_width: WIDTH,
        scorer: None,
        seed: 5,
    };
    let mut notes = Vec::new();
    let own = method.begin(&at, &mut |note| notes.push(note.to_owned())).unwrap();
    assert_eq!(notes.len(), 1);
    let mut stage = Stage::new();
    let device = burn::tensor::Device::flex().autodiff();
    stage.networks = stage.networks.with_own(&own.matrices, &device);
    stage
}

const SAID: [[f32; 3]; 3] = [[2.0, 0.5, -1.0], [0.2, -0.3, 0.7], [1.0, 0.9, -0.5]];
const SEEN: [[f32; 2]; 3] = [[1.0, 0.2], [0.3, 0.9], [-0.5, 0.4]];

/// One labelled row and two unlabelled ones, in three views.
fn parts() -> [StepBatch; 2] {
    let said = |times: usize| output(&SAID.repeat(times), &SEEN.repeat(times));
    [batch_from(0, &[1], &[said(1), said(1)]), batch_from(1, &[0, 2], &[said(2), said(2)])]
}

fn chosen(distances: [f64; 4]) -> Selection {
    let labelled = vec![true, false, false, false];
    Selection { distances: distances.to_vec(), cutoff: 0.4, labelled }
}

#[test]
fn the_loss_is_the_sum_that_the_golden_file_names() {
    let golden: serde_json::Value =
        serde_json::from_str(include_str!("../../../../../fixtures/golden/unicon.json")).unwrap();
    let formula = golden["expected"]["total_formula"].as_str().unwrap();
    assert!(formula.starts_with("Lx + lambda_u*ramp*Lu + 0.025*simclr + penalty"), "{formula}");
    let mut method = method(&["training.epochs=10", "unicon.unlabelled_weight=30"]);
    method.selection = Some(chosen([0.1, 0.9, 0.9, 0.9]));
    let stage = stage(&mut method);
    let batches = parts();
    // Two plain epochs, then four in which the weight rises: nothing at the first step.
    for (epoch, weight) in [(2, 0.0), (4, 15.0), (6, 30.0), (9, 30.0)] {
        let loss = method.loss(&stage.step([epoch, 10], &[0], &batches)).unwrap();
        let of = |name| term(&loss, name);
        assert!(of("unlabelled") > 0.0 && of("contrastive") > 0.0);
        let expected =
            of("labelled") + weight * of("unlabelled") + 0.025 * of("contrastive") + of("balance");
        let total = of("loss");
        assert!((total - expected).abs() < 1e-5, "epoch {epoch}: {total} against {expected}");
    }
}

#[test]
fn without_unlabelled_rows_nothing_is_guessed_and_nothing_contrasted() {
    let mut method = method(&["training.epochs=10", "unicon.unlabelled_weight=30"]);
    method.selection = Some(chosen([0.1; 4]));
    let stage = stage(&mut method);
    let [labelled, _] = parts();
    let batches = [labelled, empty_batch()];
    let loss = method.loss(&stage.step([9, 10], &[0], &batches)).unwrap();
    for name in ["unlabelled", "contrastive"] {
        assert!(term(&loss, name).abs() < 1e-12, "{name}");
    }
    let rest = term(&loss, "labelled") + term(&loss, "balance");
    assert!((term(&loss, "loss") - rest).abs() < 1e-6);
    let gradients = loss.total.backward();
    let embedding = &batches[0].output(0).unwrap().embedding;
    let gradient = transfer::read(embedding.grad(&gradients).unwrap());
    assert!(gradient.iter().all(|it| it.is_finite()) && gradient.iter().any(|it| *it != 0.0));
}

#[test]
fn a_single_strong_view_is_contrasted_with_the_text_and_a_row_alone_has_no_rival() {
    let mut method = method(&["training.epochs=10"]);
    method.selection = Some(chosen([0.1, 0.9, 0.9, 0.9]));
    let stage = stage(&mut method);
    let said = |n: usize| output(&SAID[..n], &SEEN[..n]);
    let of = |labels: &[u16]| {
        let unlabelled = output(
            &SAID.repeat(2)[..2 * labels.len()],
            &[[1.0, 0.2], [0.3, 0.9], [-0.5, 0.4], [0.7, -0.6]][..2 * labels.len()],
        );
        let batches = [
            batch_from(0, &[1], &[said(2), said(2)]),
            batch_from(1, labels, &[unlabelled.clone(), unlabelled]),
        ];
        term(&method.mixed_loss(1, &stage.step([9, 10], &[1], &batches)).unwrap(), "contrastive")
    };
    assert!(of(&[0]).abs() < 1e-6 && of(&[0, 2]) > 0.0);
}

#[test]
fn a_label_is_believed_whole_below_half_a_bit_and_less_and_less_above() {
    let selection = chosen([0.49, 0.5, 0.7, 1.0]);
    let weights: Vec<f64> = (0..4).map(|row| selection.of_label(row)).collect();
    for (ours, expected) in weights.iter().zip([1.0, 0.5, 0.3, 0.0]) {
        assert!((ours - expected).abs() < 1e-12, "{weights:?}");
    }
}

#[test]
fn a_label_of_weight_zero_leaves_the_prediction_of_the_network_itself() {
    let mut method = method(&["training.epochs=10", "unicon.temperature=1"]);
    let targets = |method: &Unicon| {
        let batches = parts();
        let step = Stage::new();
        let targets = method.targets(0, &step.step([9, 10], &[0], &batches)).unwrap();
        transfer::read(targets.slice([0..1, 0..3]))
    };
    method.selection = Some(chosen([1.0; 4]));
    let own = burn::tensor::activation::softmax(output(&SAID[..1], &SEEN[..1]).logits, 1);
    for (ours, own) in targets(&method).iter().zip(transfer::read(own)) {
        assert!((ours - own).abs() < 1e-6, "{ours} against {own}");
    }
    method.selection = Some(chosen([0.1; 4]));
    assert_eq!(targets(&method), [0.0, 1.0, 0.0]);
}

#[test]
fn both_networks_learn_by_one_choice_made_by_both() {
    let mut method = method(&["training.epochs=5"]);
    let sure = [[5.0, 0.0, 0.0], [5.0, 0.0, 0.0], [0.0, 5.0, 0.0], [0.0, 0.0, 5.0]];
    let answers = Answers::new([&sure, &sure]);
    let plan = plan(&mut method, [1, 5], &[0, 1, 1, 2], &answers);
    assert_eq!(*answers.asked.borrow(), [0, 1]);
    assert_eq!(rows_of(&plan, 0), [[0, 2, 3], [0, 2, 3]]);
    assert_eq!(rows_of(&plan, 1), [[1], [1]]);
    let trained: Vec<_> = plan.passes.iter().map(|pass| pass.trained.clone()).collect();
    assert_eq!(trained, [[0], [1]]);
}

#[test]
fn a_single_epoch_is_plain_and_judges_nobody() {
    let mut method = method(&["training.epochs=1"]);
    let even = [[0.5; 3]; 4];
    let plan = plan(&mut method, [0, 1], &[0, 1, 2, 0], &Answers::new([&even, &even]));
    assert_eq!((plan.passes.len(), rows_of(&plan, 0)), (1, vec![vec![0, 1, 2, 3]]));
    let config = lane_metrics::weights::WeightConfig::default();
    for verdict in method.verdicts(&MarginWeights::new(4, config).unwrap()) {
        assert!(!verdict.flagged && (verdict.weight - 1.0).abs() < 1e-12);
    }
}
