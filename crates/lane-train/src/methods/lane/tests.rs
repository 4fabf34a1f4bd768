//! Eq. 7 to 9 by hand, view by view.

use burn::tensor::{Device, Int};
use lane_metrics::ClassId;
use lane_models::{Output, TrainingStep};

use super::*;
use crate::networks::Networks;
use crate::transfer;

const LOGITS: [[f32; 3]; 2] = [[2.0, 0.5, -1.0], [0.2, -0.3, 0.7]];
const OTHER_VIEW: [[f32; 3]; 2] = [[0.1, 0.9, 0.3], [-1.0, 0.4, 1.1]];
const LABELS: [u16; 2] = [0, 1];
const N_CLASSES: usize = 3;

fn tensor(rows: &[[f32; 3]]) -> Tensor<2> {
    Tensor::from_data(TensorData::new(rows.concat(), [rows.len(), 3]), &Device::flex())
}

/// Two rows seen in `views`, view by view; logits serve as embeddings too.
fn batch(views: &[[[f32; 3]; 2]]) -> StepBatch {
    let targets: Vec<i32> = LABELS.map(i32::from).repeat(views.len());
    let n = targets.len();
    let output = Output { logits: tensor(&views.concat()), embedding: tensor(&views.concat()) };
    StepBatch {
        rows: vec![RowId(0), RowId(1)],
        labels: LABELS.map(ClassId).to_vec(),
        targets: Tensor::<1, Int>::from_data(TensorData::new(targets, [n]), &Device::flex()),
        n_views: views.len(),
        outputs: vec![Some(output.clone()), Some(output)],
    }
}

fn cross_entropy_of(row: [f32; 3], label: u16) -> f64 {
    let row = row.map(f64::from);
    row.iter().map(|z| z.exp()).sum::<f64>().ln() - row[usize::from(label)]
}

fn weighted(views: &[[[f32; 3]; 2]], weights: &[f32]) -> f64 {
    let weights = weights.repeat(views.len());
    let inner = InnerLoss::cross_entropy(N_CLASSES);
    transfer::read_scalar(weighted_loss(&inner, 0, &batch(views), &weights).unwrap())
}

#[test]
fn the_weight_of_a_row_goes_with_each_of_its_views() {
    let weights = [0.25, 0.8];
    let of_view = |view: [[f32; 3]; 2]| -> f64 {
        (0..2).map(|row| f64::from(weights[row]) * cross_entropy_of(view[row], LABELS[row])).sum()
    };
    let expected = (of_view(LOGITS) + of_view(OTHER_VIEW)) / 4.0;
    let ours = weighted(&[LOGITS, OTHER_VIEW], &weights);
    assert!((ours - expected).abs() < 1e-6, "{ours} against {expected}");
}

#[test]
fn views_that_are_alike_change_nothing() {
    let weights = [0.25, 0.8];
    let one = weighted(&[LOGITS], &weights);
    for n_views in [2, 3] {
        assert!((weighted(&vec![LOGITS; n_views], &weights) - one).abs() < 1e-6);
    }
    let auxiliary = |n_views: usize| {
        let (loss, _) =
            auxiliary_terms(&batch(&vec![LOGITS; n_views]), &ContrastiveConfig::default(), 0.0)
                .unwrap();
        transfer::read_scalar(loss)
    };
    assert!((auxiliary(1) - auxiliary(2)).abs() < 1e-6);
}

#[test]
fn views_without_weights_are_left_out_of_the_mean() {
    let inner = InnerLoss::cross_entropy(N_CLASSES);
    let two_views = batch(&[LOGITS, OTHER_VIEW]);
    let loss = weighted_loss(&inner, 0, &two_views, &[0.25, 0.8]).unwrap();
    let original = weighted(&[LOGITS], &[0.25, 0.8]);
    assert!((transfer::read_scalar(loss) - original).abs() < 1e-6);
}

#[test]
fn weights_of_one_give_plain_cross_entropy_and_of_zero_nothing() {
    let plain = (0..2).map(|row| cross_entropy_of(LOGITS[row], LABELS[row])).sum::<f64>() / 2.0;
    assert!((weighted(&[LOGITS], &[1.0, 1.0]) - plain).abs() < 1e-6);
    assert!(weighted(&[LOGITS], &[0.0, 0.0]).abs() < 1e-12);
}

#[test]
fn a_contrastive_term_without_weight_is_zero() {
    let terms = |weight| {
        auxiliary_terms(&batch(&[LOGITS, OTHER_VIEW]), &ContrastiveConfig::default(), weight)
            .unwrap()
    };
    assert!(transfer::read_scalar(terms(0.0).1).abs() < 1e-12);
    assert!(transfer::read_scalar(terms(1.0).1).abs() > 1e-3);
}

#[test]
fn a_network_that_did_not_run_is_named() {
    let mut batch = batch(&[LOGITS]);
    batch.outputs[AUXILIARY] = None;
    let error =
        auxiliary_terms(&batch, &ContrastiveConfig::default(), 1.0).unwrap_err().to_string();
    assert!(error.contains("network 1, which did not run"), "{error}");
}

/// The weighted term of LANE's loss over two views, unweighted.
fn weighted_term(settings: &[&str]) -> f64 {
    let all = ["data.train=rows.csv"].iter().chain(settings).map(|text| text.parse().unwrap());
    let config = Config::resolve(None, &all.collect::<Vec<_>>()).unwrap();
    let mut lane = Lane::new(&config, Facts { n_rows: 2, n_classes: N_CLASSES }).unwrap();
    lane.weighted = false;
    let margins = MarginWeights::new(2, lane.weighting().0).unwrap();
    let loss = lane.loss(&Step {
        phase: 0,
        epoch: 0,
        progress: 0.0,
        trained: &[0, 1],
        seed: 1,
        batches: &[batch(&[LOGITS, OTHER_VIEW])],
        networks: &Networks { members: Vec::new(), own: Vec::new() },
        margins: &margins,
        forward: &TrainingStep::new(1),
    });
    let (name, term) = loss.unwrap().terms.swap_remove(0);
    assert_eq!(name, "weighted_cross_entropy");
    transfer::read_scalar(term)
}

#[test]
fn cross_entropy_is_of_all_views_or_of_the_original_alone() {
    let mean = |views: &[[[f32; 3]; 2]]| {
        let of_view = |view: &[[f32; 3]; 2]| -> f64 {
            (0..2).map(|row| cross_entropy_of(view[row], LABELS[row])).sum()
        };
        views.iter().map(of_view).sum::<f64>() / (2 * views.len()) as f64
    };
    let close = |settings: &[&str], expected: f64| {
        let found = weighted_term(settings);
        assert!((found - expected).abs() < 1e-6, "{settings:?}: {found}, expected {expected}");
    };
    close(&[], mean(&[LOGITS, OTHER_VIEW]));
    close(&["lane.ce_views=original-only"], mean(&[LOGITS]));
}
