//! What each kind promises, whatever the labels.

use lane_data::ClassId;
use lane_data::noise::{self, NoiseConfig, NoiseInput, NoiseKind, Transition, sampling};
use proptest::prelude::*;

use super::{inject, labels};

/// Some labels, how many classes there are, and a rate.
fn any_labels() -> impl Strategy<Value = (Vec<ClassId>, usize, f64)> {
    (2_usize..12).prop_flat_map(|n_classes| {
        let label = (0..n_classes as u16).prop_map(ClassId);
        (prop::collection::vec(label, 0..300), Just(n_classes), 0.0..=1.0)
    })
}

fn counts(labels: &[ClassId], n_classes: usize) -> Vec<usize> {
    let mut counts = vec![0; n_classes];
    for label in labels {
        counts[label.index()] += 1;
    }
    counts
}

/// A deterministic table of features, shape `[n_rows, 4]`.
fn features(n_rows: usize) -> Vec<f32> {
    (0..n_rows * 4).map(|at| ((at * 37) % 11) as f32 / 11.0 - 0.5).collect()
}

proptest! {
    #[test]
    fn uniform_flips_exactly_the_floor_and_never_to_the_same_class(
        (old, n_classes, rate) in any_labels(), seed: u64,
    ) {
        let noisy = inject(NoiseKind::Uniform, rate, &old, n_classes, seed).unwrap();
        prop_assert_eq!(noisy.n_flipped(), sampling::n_selected(rate, old.len()));
        for ((old, new), flipped) in old.iter().zip(&noisy.labels).zip(&noisy.flipped) {
            prop_assert_eq!(old != new, *flipped);
            prop_assert!(new.index() < n_classes);
        }
    }

    #[test]
    fn shuffle_keeps_class_counts_and_touches_at_most_the_floor(
        (old, n_classes, rate) in any_labels(), seed: u64,
    ) {
        let noisy = inject(NoiseKind::Shuffle, rate, &old, n_classes, seed).unwrap();
        prop_assert_eq!(counts(&noisy.labels, n_classes), counts(&old, n_classes));
        prop_assert!(noisy.n_flipped() <= sampling::n_selected(rate, old.len()));
        prop_assert!(noisy.warnings.is_empty());
    }

    #[test]
    fn inclusive_flips_at_most_the_floor((old, n_classes, rate) in any_labels(), seed: u64) {
        let noisy = inject(NoiseKind::UniformInclusive, rate, &old, n_classes, seed).unwrap();
        prop_assert!(noisy.n_flipped() <= sampling::n_selected(rate, old.len()));
    }

    #[test]
    fn pairwise_flips_to_the_next_class_only((old, n_classes, rate) in any_labels(), seed: u64) {
        let noisy = inject(NoiseKind::Pairwise, rate, &old, n_classes, seed).unwrap();
        for (old, new) in old.iter().zip(&noisy.labels) {
            prop_assert!(new == old || new.index() == (old.index() + 1) % n_classes);
        }
    }

    #[test]
    fn every_kind_is_a_function_of_its_arguments_and_counts_its_flips(
        (old, n_classes, rate) in any_labels(), seed: u64,
    ) {
        let matrix = Transition::uniform_inclusive(rate, n_classes).unwrap();
        let features = features(old.len());
        let input = NoiseInput { transition: Some(&matrix), features: Some((&features, 4)) };
        for kind in NoiseKind::ALL {
            let config = NoiseConfig::new(kind, rate);
            let noisy = noise::inject(&old, n_classes, &config, seed, input).unwrap();
            let again = noise::inject(&old, n_classes, &config, seed, input).unwrap();
            prop_assert_eq!(&noisy, &again);
            let share = noisy.n_flipped() as f64 / old.len().max(1) as f64;
            prop_assert!((noisy.realised_rate - share).abs() < 1e-12);
            prop_assert_eq!((noisy.kind, noisy.seed), (kind, seed));
        }
    }

    #[test]
    fn rate_zero_is_the_identity((old, n_classes, _) in any_labels(), seed: u64) {
        let matrix = Transition::pairwise(0.0, n_classes).unwrap();
        let features = features(old.len());
        let input = NoiseInput { transition: Some(&matrix), features: Some((&features, 4)) };
        for kind in NoiseKind::ALL {
            let config = NoiseConfig::new(kind, 0.0);
            let noisy = noise::inject(&old, n_classes, &config, seed, input).unwrap();
            prop_assert_eq!(&noisy.labels, &old);
        }
    }
}

/// Six thousand rows, class shares .5, .3, .2.
fn many() -> Vec<ClassId> {
    labels(&[0, 1, 0, 2, 0, 1, 0, 2, 0, 1]).repeat(600)
}

#[track_caller]
fn realises(kind: NoiseKind, rate: f64, expected: f64) {
    let realised = inject(kind, rate, &many(), 3, 1).unwrap().realised_rate;
    assert!((realised - expected).abs() < 0.02, "{kind}: {realised}, expected {expected}");
}

#[test]
fn realised_rates_are_those_of_the_table() {
    realises(NoiseKind::Uniform, 0.2, 0.2);
    realises(NoiseKind::UniformBernoulli, 0.2, 0.2);
    realises(NoiseKind::UniformInclusive, 0.3, 0.3 * 2.0 / 3.0);
    realises(NoiseKind::Shuffle, 0.2, 0.124);
    realises(NoiseKind::Pairwise, 0.4, 0.4);
}

#[test]
fn rate_one_flips_every_row() {
    for kind in [NoiseKind::Uniform, NoiseKind::UniformBernoulli, NoiseKind::Pairwise] {
        assert_eq!(inject(kind, 1.0, &many(), 3, 1).unwrap().n_flipped(), 6000, "{kind}");
    }
    assert!(inject(NoiseKind::Shuffle, 1.0, &many(), 3, 1).is_ok());
    assert!(inject(NoiseKind::UniformInclusive, 1.0, &many(), 3, 1).is_ok());
}

#[test]
fn uniform_noise_reaches_every_other_class_alike() {
    let noisy = inject(NoiseKind::Uniform, 1.0, &vec![ClassId(1); 9000], 4, 3).unwrap();
    let counts = counts(&noisy.labels, 4);
    assert_eq!(counts[1], 0);
    assert!([0, 2, 3].iter().all(|class| (2850..3150).contains(&counts[*class])), "{counts:?}");
}

#[test]
fn matrix_decides_the_rate_of_class_conditional_noise() {
    let matrix = Transition::new(vec![1.0, 0.0, 0.5, 0.5], 2).unwrap();
    let old = labels(&[0, 1]).repeat(2000);
    let input = NoiseInput { transition: Some(&matrix), ..NoiseInput::default() };
    let config = NoiseConfig::new(NoiseKind::ClassConditional, 0.9);
    let noisy = noise::inject(&old, 2, &config, 1, input).unwrap();
    assert!((noisy.requested_rate - 0.25).abs() < 1e-12);
    assert!((noisy.realised_rate - 0.25).abs() < 0.02);
    let of_the_first = noisy.flipped.iter().zip(&old).filter(|(_, old)| **old == ClassId(0));
    assert!(of_the_first.clone().all(|(flipped, _)| !flipped));
}

#[test]
fn instance_noise_flips_about_the_rate_and_depends_on_the_features() {
    let old = many();
    let features = features(old.len());
    let turned: Vec<f32> = features.iter().map(|value| -8.0 * value).collect();
    let draw = |features: &[f32]| {
        let input = NoiseInput { features: Some((features, 4)), ..NoiseInput::default() };
        let config = NoiseConfig::new(NoiseKind::Instance, 0.3);
        noise::inject(&old, 3, &config, 1, input).unwrap()
    };
    let noisy = draw(&features);
    assert!((noisy.realised_rate - 0.3).abs() < 0.02, "{}", noisy.realised_rate);
    // The same seed and labels: only the features tell the two apart.
    assert_ne!(noisy.labels, draw(&turned).labels);
}

#[test]
fn seeds_give_different_noise() {
    for kind in [NoiseKind::Uniform, NoiseKind::Shuffle, NoiseKind::Pairwise] {
        let one = inject(kind, 0.2, &many(), 3, 1).unwrap();
        let two = inject(kind, 0.2, &many(), 3, 2).unwrap();
        assert_ne!(one.flipped, two.flipped, "{kind}");
    }
}

#[test]
fn emptied_class_is_warned_about() {
    let noisy = inject(NoiseKind::Pairwise, 1.0, &labels(&[0, 0, 1]), 3, 1).unwrap();
    assert_eq!(noisy.labels, labels(&[1, 1, 2]));
    assert_eq!(noisy.emptied, labels(&[0]));
    assert_eq!(noisy.warnings, ["class 0 has no rows left after the noise"]);
}

#[test]
fn no_rows_stay_no_rows() {
    let noisy = inject(NoiseKind::Uniform, 0.5, &[], 2, 1).unwrap();
    assert_eq!((noisy.labels.len(), noisy.n_flipped()), (0, 0));
    assert!(noisy.realised_rate.abs() < 1e-12);
}

#[test]
fn result_is_pinned_so_that_old_noise_files_can_be_made_again() {
    let noisy = inject(NoiseKind::Uniform, 0.5, &labels(&[0, 1, 2, 3, 0, 1, 2, 3]), 4, 42).unwrap();
    let new: Vec<u16> = noisy.labels.iter().map(|label| label.0).collect();
    assert_eq!(new, [1, 1, 3, 3, 2, 3, 2, 3]);
}
