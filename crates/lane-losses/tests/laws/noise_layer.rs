//! The noise layer.

use burn::tensor::{Device, Tensor, TensorData};
use lane_losses::{cross_entropy, noise_layer};
use proptest::prelude::*;

use crate::batch::{Batch, CLASSES, LABELS, all_finite, batches, data, extreme_batches, near};

fn square(values: &[f64]) -> Tensor<2> {
    let values: Vec<f32> = values.iter().map(|&it| it as f32).collect();
    let data = TensorData::new(values, [CLASSES, CLASSES]);
    Tensor::from_data(data, &Device::flex().autodiff()).require_grad()
}

/// A matrix of logits, from even to one-sided beyond reason.
fn matrices() -> impl Strategy<Value = Vec<f64>> {
    let cell = prop_oneof![-3.0..3.0, -1e4..1e4, Just(0.0)];
    prop::collection::vec(cell, CLASSES * CLASSES)
}

proptest! {
    #[test]
    fn the_loss_is_finite_and_never_negative_and_its_gradients_are_finite(
        batch in extreme_batches(), matrix in matrices(),
    ) {
        let (z, b) = (batch.logits(), square(&matrix));
        let per_row = noise_layer::per_row(z.clone(), batch.labels(), b.clone());
        let gradients = per_row.clone().sum().backward();
        prop_assert!(all_finite(z.grad(&gradients)) && all_finite(b.grad(&gradients)));
        for loss in data(per_row) {
            // The floor is 1e-12.
            prop_assert!((-1e-6..=27.632).contains(&loss), "{loss}");
        }
    }

    #[test]
    fn a_layer_without_noise_changes_nothing(batch in batches(3.0)) {
        let identity = square(&noise_layer::from_rate(CLASSES, 0.0));
        let through = data(noise_layer::per_row(batch.logits(), batch.labels(), identity));
        let plain = data(cross_entropy::per_row(batch.logits(), batch.labels()));
        for (through, plain) in through.into_iter().zip(plain) {
            prop_assert!(near(plain, through), "{plain} became {through}");
        }
    }

    #[test]
    fn the_complex_model_starts_as_the_simple_one(batch in batches(3.0), matrix in matrices()) {
        let simple = noise_layer::per_row(batch.logits(), batch.labels(), square(&matrix));
        let h = batch.embeddings();
        let [_, width] = h.dims();
        let u = Tensor::zeros([CLASSES, CLASSES, width], &h.device());
        let matrices = noise_layer::transition_of(h, u, square(&matrix));
        let complex = noise_layer::per_row_with(batch.logits(), batch.labels(), matrices);
        for (simple, complex) in data(simple).into_iter().zip(data(complex)) {
            prop_assert!(near(simple, complex), "{simple} became {complex}");
        }
    }

    #[test]
    fn probabilities_of_all_given_labels_sum_to_one(batch in batches(3.0), rate in 0.0..1.0) {
        let b = noise_layer::from_rate(CLASSES, rate);
        let mut sums = vec![0.0; batch.labels.len()];
        for label in LABELS {
            let mut batch = batch.clone();
            batch.labels.fill(label);
            let per_row = noise_layer::per_row(batch.logits(), batch.labels(), square(&b));
            for (sum, loss) in sums.iter_mut().zip(data(per_row)) {
                *sum += (-loss).exp();
            }
        }
        prop_assert!(sums.iter().all(|&sum| near(sum, 1.0)), "{sums:?}");
    }
}

#[test]
fn a_batch_without_rows_has_no_losses() {
    let batch = Batch { embeddings: vec![], logits: vec![], labels: vec![] };
    let b = square(&noise_layer::from_rate(CLASSES, 0.2));
    assert!(data(noise_layer::per_row(batch.logits(), batch.labels(), b)).is_empty());
}
