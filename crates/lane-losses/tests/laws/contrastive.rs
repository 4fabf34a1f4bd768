//! Contrastive losses, and what does not depend on the order of rows.

use lane_losses::{
    cross_entropy,
    label_aware_contrastive::{self, ContrastiveConfig, Denominator, OwnWeight, Reduction},
    label_contrastive::{self, LabelContrastiveConfig},
    supervised_contrastive::{self, SupervisedContrastiveConfig},
};
use proptest::prelude::*;

use crate::batch::{Batch, CLASSES, LABELS, WIDTH, all_finite, batches, near};

impl Batch {
    fn contrastive(&self, config: &ContrastiveConfig) -> f32 {
        let (h, pi) = (self.embeddings(), self.logits());
        label_aware_contrastive::loss(h, pi, self.labels(), config).into_scalar()
    }
}

fn configs() -> impl Strategy<Value = ContrastiveConfig> {
    let denominator = prop_oneof![Just(Denominator::Negatives), Just(Denominator::AllOthers)];
    let own_weight = prop_oneof![Just(OwnWeight::Inside), Just(OwnWeight::Outside)];
    let reduction =
        prop_oneof![Just(Reduction::BatchMean), Just(Reduction::ValidMean), Just(Reduction::Sum)];
    (denominator, own_weight, reduction, any::<bool>()).prop_map(
        |(denominator, own_weight, reduction, attach_auxiliary)| ContrastiveConfig {
            denominator,
            own_weight,
            reduction,
            attach_auxiliary,
            ..ContrastiveConfig::default()
        },
    )
}

proptest! {
    #[test]
    fn order_of_rows_leaves_every_loss_alone(batch in batches(3.0), config in configs()) {
        let mean = |it: &Batch| cross_entropy::mean(it.logits(), it.labels()).into_scalar::<f32>();
        let reversed = batch.reversed();
        prop_assert!(near(mean(&batch), mean(&reversed)));
        let (a, b) = (batch.contrastive(&config), reversed.contrastive(&config));
        prop_assert!(near(a, b), "{a} became {b}");
    }

    #[test]
    fn the_contrastive_loss_and_its_gradients_are_finite(batch in batches(1e18), config in configs()) {
        let (h, pi) = (batch.embeddings(), batch.logits());
        let loss = label_aware_contrastive::loss(h.clone(), pi.clone(), batch.labels(), &config);
        let gradients = loss.backward();
        prop_assert!(loss.into_scalar::<f32>().is_finite());
        prop_assert!(all_finite(h.grad(&gradients)) && all_finite(pi.grad(&gradients)));
    }

    #[test]
    fn the_losses_it_is_related_to_and_their_gradients_are_finite(batch in batches(1e18)) {
        let (h, pi) = (batch.embeddings(), batch.logits());
        let supervised =
            supervised_contrastive::loss(h.clone(), batch.labels(), &SupervisedContrastiveConfig::default());
        let config = LabelContrastiveConfig::default();
        let label_aware = label_contrastive::loss(h.clone(), pi.clone(), batch.labels(), &config);
        let loss = supervised + label_aware;
        let gradients = loss.backward();
        prop_assert!(loss.into_scalar::<f32>().is_finite());
        prop_assert!(all_finite(h.grad(&gradients)) && all_finite(pi.grad(&gradients)));
    }

    #[test]
    fn length_of_embeddings_does_not_matter(batch in batches(3.0), config in configs(), scale in 0.01_f32..100.0) {
        let mut scaled = batch.clone();
        scaled.embeddings.iter_mut().flatten().for_each(|x| *x *= scale);
        let (a, b) = (batch.contrastive(&config), scaled.contrastive(&config));
        prop_assert!(near(a, b), "{a} became {b}");
    }

    #[test]
    fn against_all_others_with_one_common_row_of_weights_the_loss_is_supervised_contrastive(batch in batches(3.0)) {
        // With w the same for every class it cancels: what is left is Khosla et al. 2020, eq. 2.
        let mut batch = batch;
        batch.logits.iter_mut().for_each(|row| *row = [0.0; CLASSES]);
        let config = ContrastiveConfig {
            denominator: Denominator::AllOthers,
            reduction: Reduction::Sum,
            ..ContrastiveConfig::default()
        };
        let ours = batch.contrastive(&config);
        prop_assert!(near(reference(&batch, 0.3), ours));
        let config = SupervisedContrastiveConfig { reduction: Reduction::Sum, temperature: 0.3 };
        let named = supervised_contrastive::loss(batch.embeddings(), batch.labels(), &config);
        let named = named.into_scalar::<f32>();
        prop_assert!(near(ours, named), "{ours} became {named}");
        prop_assert!(ours >= -1e-5 && named >= -1e-5, "{ours} or {named} is negative");
    }

    #[test]
    fn a_batch_of_one_class_has_no_negatives_and_costs_nothing(batch in batches(3.0), label in LABELS) {
        let mut batch = batch;
        batch.labels.fill(label);
        prop_assert!(batch.contrastive(&ContrastiveConfig::default()).abs() <= 0.0);
    }
}

/// Supervised contrastive loss in f64, summed over the anchors that have a positive.
fn reference(batch: &Batch, temperature: f64) -> f32 {
    let unit: Vec<Vec<f64>> = batch.embeddings.iter().map(unit_length).collect();
    let similarity = |a: usize, b: usize| {
        unit[a].iter().zip(&unit[b]).map(|(x, y)| x * y).sum::<f64>() / temperature
    };
    let n = unit.len();
    let mut sum = 0.0;
    for a in 0..n {
        let others = || (0..n).filter(move |&b| b != a);
        let log_sum = others().map(|b| similarity(a, b).exp()).sum::<f64>().ln();
        let positives: Vec<usize> =
            others().filter(|&b| batch.labels[a] == batch.labels[b]).collect();
        let losses = positives.iter().map(|&p| log_sum - similarity(a, p)).sum::<f64>();
        sum += losses / positives.len().max(1) as f64;
    }
    sum as f32
}

fn unit_length(row: &[f32; WIDTH]) -> Vec<f64> {
    let length = row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt().max(1e-12);
    row.iter().map(|&x| f64::from(x) / length).collect()
}

#[test]
fn an_embedding_of_zeros_has_no_direction_and_a_finite_gradient() {
    let batch = Batch {
        embeddings: vec![[0.0; WIDTH], [1.0; WIDTH], [0.0; WIDTH]],
        logits: vec![[0.0; CLASSES]; 3],
        labels: vec![0, 0, 1],
    };
    let h = batch.embeddings();
    let config = ContrastiveConfig::default();
    let loss = label_aware_contrastive::loss(h.clone(), batch.logits(), batch.labels(), &config);
    let gradients = loss.backward();
    assert!(loss.into_scalar::<f32>().is_finite() && all_finite(h.grad(&gradients)));
}

#[test]
fn a_batch_without_rows_costs_nothing() {
    let batch = Batch { embeddings: vec![], logits: vec![], labels: vec![] };
    let (h, y) = (batch.embeddings(), || batch.labels());
    let config = SupervisedContrastiveConfig::default();
    let supervised = supervised_contrastive::loss(h.clone(), y(), &config);
    let config = LabelContrastiveConfig::default();
    let label_aware = label_contrastive::loss(h.clone(), batch.logits(), y(), &config);
    let loss = supervised + label_aware;
    let gradients = loss.backward();
    assert!(loss.into_scalar::<f32>().abs() <= 0.0);
    assert!(h.grad(&gradients).is_some_and(|it| it.dims() == [0, WIDTH]));
    assert!(batch.contrastive(&ContrastiveConfig::default()).abs() <= 0.0);
}
