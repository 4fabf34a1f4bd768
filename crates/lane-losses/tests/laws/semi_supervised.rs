//! Guessed labels, mixing, and the losses of mixed rows.

use burn::tensor::{Tensor, activation::softmax};
use lane_losses::cross_entropy;
use lane_losses::peer::{self, PeerConfig};
use lane_losses::semi_supervised::{self, MixedLoss};
use proptest::prelude::*;

use crate::batch::{Batch, CLASSES, all_finite, batches, data, extreme_batches, near};

fn probabilities(batch: &Batch) -> Tensor<2> {
    softmax(batch.logits(), 1)
}

fn rows(tensor: Tensor<2>) -> Vec<Vec<f32>> {
    data(tensor).chunks(CLASSES).map(<[f32]>::to_vec).collect()
}

fn adds_up(row: &[f32]) -> bool {
    near(row.iter().sum::<f32>(), 1.0) && row.iter().all(|it| (0.0..=1.0 + 1e-6).contains(it))
}

proptest! {
    #[test]
    fn sharpening_keeps_a_distribution_its_order_and_at_1_itself(
        batch in batches(6.0), temperature in 0.05_f64..1.0,
    ) {
        let plain = rows(probabilities(&batch));
        let sharp = rows(semi_supervised::sharpened(probabilities(&batch), temperature));
        let same = rows(semi_supervised::sharpened(probabilities(&batch), 1.0));
        for ((plain, sharp), same) in plain.iter().zip(&sharp).zip(&same) {
            prop_assert!(adds_up(sharp), "{sharp:?}");
            prop_assert!(plain.iter().zip(same).all(|(a, b)| near(*a, *b)));
            let top = |row: &[f32]| row.iter().copied().fold(0.0, f32::max);
            prop_assert!(top(sharp) >= top(plain) - 1e-6, "{plain:?} became {sharp:?}");
            for (a, sharp_a) in plain.iter().zip(sharp) {
                prop_assert!(plain.iter().zip(sharp).all(|(b, sharp_b)| a > b || sharp_a <= sharp_b));
            }
        }
    }

    #[test]
    fn a_refined_label_is_a_distribution_between_the_given_one_and_the_guess(
        batch in batches(3.0), weight in 0.0_f32..=1.0,
    ) {
        let n = batch.labels.len();
        let weights = Tensor::<1>::full([n], weight, &batch.logits().device());
        let refined = rows(semi_supervised::refined(batch.labels(), weights, probabilities(&batch)));
        let guesses = rows(probabilities(&batch));
        for ((refined, guess), label) in refined.iter().zip(guesses).zip(&batch.labels) {
            prop_assert!(adds_up(refined), "{refined:?}");
            for (k, (refined, guess)) in refined.iter().zip(guess).enumerate() {
                let given = f32::from(u8::from(*label == k as i32));
                prop_assert!(near(*refined, weight * given + (1.0 - weight) * guess));
            }
        }
    }

    #[test]
    fn mixing_at_1_keeps_rows_and_at_any_share_their_sum(batch in batches(3.0), lambda in 0.0_f64..=1.0) {
        let n = batch.labels.len() as i32;
        let order: Vec<i32> = (0..n).rev().collect();
        let of = |lambda| data(semi_supervised::mixed(batch.logits(), &order, lambda));
        prop_assert_eq!(of(1.0), batch.logits.concat());
        prop_assert_eq!(of(0.0), batch.reversed().logits.concat());
        let (mixed, plain) = (of(lambda), batch.logits.concat());
        for k in 0..CLASSES {
            let sum = |all: &[f32]| all.iter().skip(k).step_by(CLASSES).sum::<f32>();
            prop_assert!((sum(&mixed) - sum(&plain)).abs() < 1e-4);
        }
    }

    #[test]
    fn losses_of_mixed_rows_are_finite_bounded_and_blind_to_a_constant(
        batch in extreme_batches(), n_labelled in 0_usize..10, constant in -64_i16..64,
    ) {
        let n_labelled = n_labelled.min(batch.labels.len());
        let targets = || semi_supervised::one_hot(batch.labels(), CLASSES);
        let z = batch.logits();
        let MixedLoss { labelled, unlabelled, balance } = MixedLoss::of(z.clone(), targets(), n_labelled);
        let penalty = semi_supervised::confidence_penalty(z.clone());
        let total = labelled.clone() + unlabelled.clone() + balance.clone() + penalty.clone();
        let gradients = total.backward();
        prop_assert!(all_finite(z.grad(&gradients)));
        let number = |it: Tensor<1>| it.into_scalar::<f32>();
        let (x, u, reg, penalty) = (number(labelled), number(unlabelled), number(balance), number(penalty));
        prop_assert!(x.is_finite() && x >= 0.0);
        prop_assert!((0.0..=0.5 + 1e-6).contains(&u), "{u}: two distributions differ by 2 over 4 classes");
        prop_assert!((-1e-6..=27.7).contains(&reg), "{reg}");
        prop_assert!(penalty <= 1e-6 && penalty >= -(CLASSES as f32).ln() - 1e-5, "{penalty}");
        let moved = MixedLoss::of(z + f32::from(constant) / 64.0, targets(), n_labelled);
        prop_assert!((number(moved.unlabelled) - u).abs() < 1e-3 && near(number(moved.labelled).max(1.0), x.max(1.0)));
    }

    #[test]
    fn soft_labels_at_their_limit_are_labels_and_mix_as_their_losses_do(
        batch in batches(3.0), other in 0_i32..4, share in 0.0_f32..=1.0,
    ) {
        let hard = |batch: &Batch| data(cross_entropy::per_row(batch.logits(), batch.labels()));
        let targets = |batch: &Batch| semi_supervised::one_hot(batch.labels(), CLASSES);
        let soft = data(cross_entropy::soft(batch.logits(), targets(&batch)));
        let plain = hard(&batch);
        prop_assert!(soft.iter().zip(&plain).all(|(a, b)| near(*a, *b)));
        let mut second = batch.clone();
        second.labels.fill(other);
        let mixed = targets(&batch) * share + targets(&second) * (1.0 - share);
        let mixed = data(cross_entropy::soft(batch.logits(), mixed));
        for ((mixed, a), b) in mixed.iter().zip(&plain).zip(hard(&second)) {
            prop_assert!(near(*mixed, share * a + (1.0 - share) * b));
        }
    }

    #[test]
    fn weights_of_1_and_0_are_the_mean_and_nothing(batch in batches(5.0), weight in 0.0_f32..4.0) {
        let n = batch.labels.len();
        let of = |weight: f32| {
            let weights = Tensor::<1>::full([n], weight, &batch.logits().device());
            cross_entropy::weighted(batch.logits(), batch.labels(), weights).into_scalar::<f32>()
        };
        let mean = cross_entropy::mean(batch.logits(), batch.labels()).into_scalar::<f32>();
        prop_assert!(near(of(1.0), mean) && of(0.0).abs() <= 0.0);
        prop_assert!(near(of(weight), weight * mean));
    }

    #[test]
    fn peers_in_expectation_cost_the_mean_over_the_labels_and_one_label_cancels(
        batch in batches(5.0), label in 0_i32..4,
    ) {
        let config = PeerConfig::default();
        let prior = |shares: [f32; CLASSES]| Tensor::<1>::from_data(shares, &batch.logits().device());
        let expected = data(peer::expected(batch.logits(), prior([0.25; CLASSES]), &config));
        let mut sums = vec![0.0; batch.labels.len()];
        for k in 0..CLASSES as i32 {
            let mut every = batch.clone();
            every.labels.fill(k);
            let of = data(peer::per_row(every.logits(), every.labels(), &config));
            sums.iter_mut().zip(of).for_each(|(sum, it)| *sum += it / CLASSES as f32);
        }
        prop_assert!(expected.iter().zip(&sums).all(|(a, b)| near(*a, *b)));
        // Where every given label is the same, agreeing with it pays nothing.
        let mut same = batch.clone();
        same.labels.fill(label);
        let shares = std::array::from_fn(|k| f32::from(u8::from(k as i32 == label)));
        let loss = peer::expected_loss(same.logits(), same.labels(), prior(shares), &config);
        prop_assert!(loss.into_scalar::<f32>().abs() < 1e-4);
    }
}
