//! How losses of a row relate to each other, to their labels and to their classes.

use burn::tensor::{Int, Tensor};
use lane_losses::active_negative;
use lane_losses::generalized_cross_entropy::GceConfig;
use lane_losses::mean_absolute_error;
use lane_losses::normalized;
use lane_losses::robust::RobustLoss;
use lane_losses::symmetric_cross_entropy;
use proptest::prelude::*;

use crate::batch::{Batch, CLASSES, batches, data, near};
use crate::per_row::losses;

type PerRow = fn(Tensor<2>, Tensor<1, Int>) -> Tensor<1>;

/// The label of every row moved on by `by`.
fn relabelled(batch: &Batch, by: i32) -> Batch {
    let mut other = batch.clone();
    other.labels.iter_mut().for_each(|label| *label = (*label + by) % CLASSES as i32);
    other
}

fn alike(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| near(*a, *b))
}

proptest! {
    #[test]
    fn a_symmetric_loss_over_all_labels_of_a_row_is_the_same_for_every_row(batch in batches(8.0)) {
        let others = (CLASSES - 1) as f32;
        let symmetric: [(&str, PerRow, f32); 6] = [
            ("mae", mean_absolute_error::per_row, others),
            ("rce", symmetric_cross_entropy::rce, others * -1e-4_f32.ln()),
            ("nce", normalized::nce, 1.0),
            ("nfl", |z, y| normalized::nfl(z, y, 0.5), 1.0),
            ("nnce", active_negative::nnce, others),
            ("nnfl", |z, y| active_negative::nnfl(z, y, 0.5), others),
        ];
        for (name, loss, expected) in symmetric {
            let mut sums = vec![0.0; batch.labels.len()];
            for by in 0..CLASSES as i32 {
                let other = relabelled(&batch, by);
                let of = data(loss(other.logits(), other.labels()));
                sums.iter_mut().zip(of).for_each(|(sum, it)| *sum += it);
            }
            prop_assert!(sums.iter().all(|sum| near(expected, *sum)), "{name}: {sums:?}");
        }
    }

    #[test]
    fn classes_by_other_names_cost_the_same_and_rows_in_another_order_too(
        batch in batches(8.0), by in 1..CLASSES,
    ) {
        let mut renamed = batch.clone();
        renamed.logits.iter_mut().for_each(|row| row.rotate_right(by));
        renamed.labels.iter_mut().for_each(|label| *label = (*label + by as i32) % CLASSES as i32);
        let reversed = batch.reversed();
        for (name, loss) in losses() {
            let plain = data(loss(batch.logits(), batch.labels()));
            let of_renamed = data(loss(renamed.logits(), renamed.labels()));
            prop_assert!(alike(&plain, &of_renamed), "{name}: {plain:?} became {of_renamed:?}");
            let mut turned = data(loss(reversed.logits(), reversed.labels()));
            turned.reverse();
            prop_assert!(alike(&plain, &turned), "{name}: {plain:?} became {turned:?}");
        }
    }

    #[test]
    fn the_likelier_its_label_the_less_a_row_costs(batch in batches(6.0), gain in 0.1_f32..4.0) {
        let mut likelier = batch.clone();
        for (row, label) in likelier.logits.iter_mut().zip(&batch.labels) {
            row[usize::try_from(*label).unwrap()] += gain;
        }
        // Two let go of unlikely labels on purpose, and a longer row of unit length is another row.
        let falls = |name: &str| !["Blurry", "PiecewiseZero", "of unit"].iter().any(|it| name.starts_with(it));
        for (name, loss) in losses().into_iter().filter(|it| falls(&it.0)) {
            let before = data(loss(batch.logits(), batch.labels()));
            let after = data(loss(likelier.logits(), likelier.labels()));
            for (before, after) in before.into_iter().zip(after) {
                prop_assert!(after <= before + 1e-5 * before.max(1.0), "{name}: {before}, {after}");
            }
        }
    }

    #[test]
    fn generalized_cross_entropy_is_bounded_by_its_q_and_ends_at_the_absolute_error(
        batch in batches(30.0), q in 0.01_f64..1.0,
    ) {
        let of = |q| data(RobustLoss::Gce(GceConfig { q }).per_row(batch.logits(), batch.labels()));
        prop_assert!(of(q).iter().all(|it| f64::from(*it) <= 1.0 / q + 1e-5));
        // Up to the least probability that is told from none.
        let mae = data(mean_absolute_error::per_row(batch.logits(), batch.labels()));
        prop_assert!(of(1.0).iter().zip(&mae).all(|(a, b)| (a - b).abs() < 1e-6));
        prop_assert!(mae.iter().all(|it| (0.0..=1.0).contains(it)));
    }

    #[test]
    fn shares_of_a_loss_lie_in_0_to_1(batch in batches(1e6)) {
        let shares: [PerRow; 4] = [
            normalized::nce,
            |z, y| normalized::nfl(z, y, 0.5),
            active_negative::nnce,
            |z, y| active_negative::nnfl(z, y, 0.5),
        ];
        for share in shares {
            let values = data(share(batch.logits(), batch.labels()));
            prop_assert!(values.iter().all(|it| (0.0..=1.0 + 1e-6).contains(it)), "{values:?}");
        }
    }
}
