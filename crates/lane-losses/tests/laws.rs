//! What holds for every batch.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use burn::tensor::{Device, Int, Tensor, TensorData};
use lane_losses::{
    cross_entropy,
    label_aware_contrastive::{self, ContrastiveConfig, Denominator, OwnWeight, Reduction},
};
use proptest::prelude::*;

const CLASSES: usize = 4;
const WIDTH: usize = 5;
const LABELS: std::ops::Range<i32> = 0..4;

/// Rows of embeddings, auxiliary logits and a label.
#[derive(Clone, Debug)]
struct Batch {
    embeddings: Vec<[f32; WIDTH]>,
    logits: Vec<[f32; CLASSES]>,
    labels: Vec<i32>,
}

impl Batch {
    fn embeddings(&self) -> Tensor<2> {
        let data = TensorData::new(self.embeddings.concat(), [self.embeddings.len(), WIDTH]);
        Tensor::from_data(data, &Device::flex().autodiff()).require_grad()
    }

    fn logits(&self) -> Tensor<2> {
        let data = TensorData::new(self.logits.concat(), [self.logits.len(), CLASSES]);
        Tensor::from_data(data, &Device::flex().autodiff()).require_grad()
    }

    fn labels(&self) -> Tensor<1, Int> {
        Tensor::from_data(self.labels.as_slice(), &Device::flex().autodiff())
    }

    fn contrastive(&self, config: &ContrastiveConfig) -> f32 {
        let (h, pi) = (self.embeddings(), self.logits());
        label_aware_contrastive::loss(h, pi, self.labels(), config).into_scalar()
    }

    fn reversed(&self) -> Self {
        let mut reversed = self.clone();
        reversed.embeddings.reverse();
        reversed.logits.reverse();
        reversed.labels.reverse();
        reversed
    }
}

/// Batches of 1 to 9 rows with entries up to `size`; a label may be alone or the only one.
fn batches(size: f32) -> impl Strategy<Value = Batch> {
    let row = (prop::array::uniform(-size..size), prop::array::uniform(-size..size), LABELS);
    prop::collection::vec(row, 1..10).prop_map(|rows| Batch {
        embeddings: rows.iter().map(|row| row.0).collect(),
        logits: rows.iter().map(|row| row.1).collect(),
        labels: rows.iter().map(|row| row.2).collect(),
    })
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

fn all_finite(tensor: Option<Tensor<2>>) -> bool {
    let values = tensor.map(|it| it.into_data().try_to_vec::<f32>().unwrap());
    values.is_none_or(|values| values.iter().all(|it| it.is_finite()))
}

fn near(a: f32, b: f32) -> bool {
    (a - b).abs() <= 1e-4 * a.abs().max(1.0)
}

proptest! {
    #[test]
    fn cross_entropy_is_finite_and_never_negative(batch in batches(1e30)) {
        let z = batch.logits();
        let per_row = cross_entropy::per_row(z.clone(), batch.labels());
        let gradients = per_row.clone().sum().backward();
        prop_assert!(all_finite(z.grad(&gradients)));
        for loss in per_row.into_data().try_to_vec::<f32>().unwrap() {
            prop_assert!(loss.is_finite() && loss >= 0.0, "{loss}");
        }
    }

    #[test]
    fn a_constant_added_to_every_logit_changes_nothing(batch in batches(10.0), constant in -50.0_f32..50.0) {
        let plain = cross_entropy::mean(batch.logits(), batch.labels()).into_scalar::<f32>();
        let moved = cross_entropy::mean(batch.logits() + constant, batch.labels()).into_scalar::<f32>();
        prop_assert!(near(plain, moved), "{plain} became {moved}");
    }

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
        prop_assert!(near(supervised_contrastive(&batch, 0.3), ours));
        prop_assert!(ours >= -1e-5, "{ours} is negative");
    }

    #[test]
    fn a_batch_of_one_class_has_no_negatives_and_costs_nothing(batch in batches(3.0), label in LABELS) {
        let mut batch = batch;
        batch.labels.fill(label);
        prop_assert!(batch.contrastive(&ContrastiveConfig::default()).abs() <= 0.0);
    }
}

/// Supervised contrastive loss in f64, summed over the anchors that have a positive.
fn supervised_contrastive(batch: &Batch, temperature: f64) -> f32 {
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
