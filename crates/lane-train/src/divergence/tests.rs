//! What is said of losses that are no numbers, and when.

use burn::tensor::{Device, TensorData};
use lane_metrics::ClassId;
use lane_models::Output;

use super::*;

fn numbers<const D: usize>(values: &[f32], shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), &Device::flex().autodiff())
}

fn loss(total: f32, terms: &[(&'static str, f32)]) -> Loss {
    let terms = terms.iter().map(|(name, value)| (*name, numbers(&[*value], [1]))).collect();
    Loss { total: numbers(&[total], [1]), terms }
}

/// Rows 4 and 7 in two views, through networks 0 and 2.
fn batch(logits: [[f32; 8]; 2]) -> StepBatch {
    let output = |logits: &[f32; 8]| {
        Some(Output { logits: numbers(logits, [4, 2]), embedding: numbers(&[0.0; 4], [4, 1]) })
    };
    let mut batch = StepBatch::empty(3, &Device::flex().autodiff());
    batch.rows = vec![RowId(4), RowId(7)];
    batch.labels = vec![ClassId(0); 2];
    batch.n_views = 2;
    batch.outputs = vec![output(&logits[0]), None, output(&logits[1])];
    batch
}

fn at(step: usize) -> Place {
    Place { epoch: 3, step }
}

#[test]
fn the_first_step_whose_loss_is_no_number_is_told_with_its_rows_and_its_term() {
    let mut watch = Watch::default();
    let batches = [batch([[0.0; 8]; 2])];
    for (step, total) in [(5, 0.5), (6, f32::INFINITY), (7, f32::NAN)] {
        watch.add(at(step), &batches, &loss(total, &[("fit", 0.1), ("pull", total)]), None);
    }
    let fault = watch.settle().unwrap_err();
    let what = "the loss (term `pull`)".to_owned();
    assert_eq!(fault, Fault { place: at(6), what, rows: vec![RowId(4), RowId(7)] });
    assert_eq!(watch.settle(), Ok(()), "told once");
}

#[test]
fn a_loss_from_logits_that_are_no_numbers_names_the_network_and_only_its_spoilt_rows() {
    let mut spoilt = [0.0; 8];
    spoilt[6] = f32::NAN; // row 7 in its second view
    let told = |auxiliary| {
        let mut watch = Watch::default();
        watch.add(at(1), &[batch([[0.0; 8], spoilt])], &loss(f32::NAN, &[]), auxiliary);
        watch.settle().unwrap_err()
    };
    let fault = told(None);
    assert_eq!((fault.what.as_str(), fault.rows), ("the logits of network 3", vec![RowId(7)]));
    assert_eq!(told(Some(2)).what, "the logits of the auxiliary network");
}

#[test]
fn losses_that_cross_with_later_logits_are_judged_in_their_order() {
    let mut watch = Watch::default();
    let batches = [batch([[0.0; 8]; 2])];
    watch.add(at(1), &batches, &loss(0.5, &[]), None);
    watch.add(at(2), &batches, &loss(0.25, &[]), None);
    let logits = numbers(&[1.0, 2.0], [1, 2]);
    let (host, totals) = transfer::read_step_with(&logits, None, 1, watch.totals());
    assert_eq!((host.logits, totals.as_slice()), (vec![1.0, 2.0], [0.5, 0.25].as_slice()));
    assert_eq!(watch.judge(&totals), Ok(()));
    assert!(watch.totals().is_empty());
}

#[test]
fn without_logits_to_cross_with_losses_wait_for_some_steps_and_no_longer() {
    let mut watch = Watch::default();
    let batches = [batch([[0.0; 8]; 2])];
    for step in 1..UNREAD {
        watch.add(at(step), &batches, &loss(f32::NAN, &[]), None);
        assert_eq!(watch.settle_if_many(), Ok(()));
    }
    watch.add(at(UNREAD), &batches, &loss(0.0, &[]), None);
    assert_eq!(watch.settle_if_many().unwrap_err().place, at(1));
}

#[test]
fn few_rows_are_named_each_once_and_many_are_counted() {
    let name = |row: RowId| format!("r{}", row.0);
    let rows = |ids: &[u32]| ids.iter().copied().map(RowId).collect::<Vec<_>>();
    assert_eq!(listed(&rows(&[3, 1, 3]), name), "r1, r3");
    let many: Vec<u32> = (0..11).collect();
    assert_eq!(listed(&rows(&many), name), "r0, r1, r2, r3, r4, r5, r6, r7 and 3 more");
}

#[test]
fn what_a_method_refuses_is_told_of_the_logits_behind_it_and_else_left_as_it_is() {
    let mut spoilt = [0.0; 8];
    spoilt[1] = f32::INFINITY;
    let refused = || TrainError::Metrics(lane_metrics::MetricsError::AuxiliaryMissing);
    let fault = behind(&refused(), at(2), &[batch([spoilt, [0.0; 8]])], None).unwrap();
    assert_eq!((fault.what.as_str(), fault.rows), ("the logits of the classifier", vec![RowId(4)]));
    assert_eq!(behind(&refused(), at(2), &[batch([[0.0; 8]; 2])], None), None);
    let other = TrainError::Mismatch { found: String::new(), expected: String::new() };
    assert_eq!(behind(&other, at(2), &[batch([spoilt, [0.0; 8]])], None), None);
}
