//! Who comes first, and what does not matter.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const N_CLASSES: usize = 3;

/// Probabilities of `n_rows` rows, some of them 0 or 1, and labels.
pub(crate) fn any_rows(n_rows: usize) -> impl Strategy<Value = (Vec<f64>, Vec<ClassId>)> {
    let row = (vec(0_u8..20, N_CLASSES), 0..N_CLASSES).prop_map(|(mut weights, sure)| {
        weights[sure] += 1;
        let sum: u32 = weights.iter().copied().map(u32::from).sum();
        weights.into_iter().map(|it| f64::from(it) / f64::from(sum)).collect::<Vec<_>>()
    });
    (vec(row, n_rows).prop_map(|rows| rows.concat()), vec((0_u16..3).prop_map(ClassId), n_rows))
}

#[test]
fn a_label_that_the_model_does_not_share_ranks_first() {
    let mut probabilities = [0.8, 0.1, 0.1].repeat(30);
    probabilities[12..15].copy_from_slice(&[0.01, 0.98, 0.01]);
    let labels = [ClassId(0); 30];
    let judge = Judge::new(OutOfFold::new(&probabilities, &labels, 3).unwrap());
    assert_eq!(ranking(&judge.suspicions())[0], RowId(4));
    assert_eq!(judge.suggestions()[4].label, ClassId(1));
    assert!(judge.suggestions()[4].probability > judge.suggestions()[5].probability);
    assert!(judge.stands()[4] < judge.stands()[5]);
}

#[test]
fn equals_rank_in_the_order_of_the_file() {
    assert_eq!(ranking(&[1.0, 2.0, 1.0, 2.0]), [1, 3, 0, 2].map(RowId));
}

proptest! {
    #[test]
    fn scores_are_finite_and_in_their_range((probabilities, labels) in any_rows(40)) {
        let judge = Judge::new(OutOfFold::new(&probabilities, &labels, N_CLASSES).unwrap());
        for suspicion in judge.suspicions() {
            prop_assert!(suspicion.is_finite() && (-1e-9..87.0).contains(&suspicion));
        }
        for (suggestion, label) in judge.suggestions().into_iter().zip(&labels) {
            prop_assert!((0.0..=1.0 + 1e-9).contains(&suggestion.probability));
            prop_assert_ne!(suggestion.label, *label);
        }
        prop_assert!(judge.stands().iter().all(|it| (0.0..=1.0 + 1e-9).contains(it)));
    }

    #[test]
    fn permuted_rows_give_permuted_scores(
        (probabilities, labels) in any_rows(40),
        order in Just((0..40).collect::<Vec<usize>>()).prop_shuffle(),
    ) {
        let plain = Judge::new(OutOfFold::new(&probabilities, &labels, N_CLASSES).unwrap());
        let of_row = |row: &usize| probabilities[row * N_CLASSES..][..N_CLASSES].to_vec();
        let moved: Vec<_> = order.iter().flat_map(of_row).collect();
        let moved_labels: Vec<_> = order.iter().map(|row| labels[*row]).collect();
        let judge = Judge::new(OutOfFold::new(&moved, &moved_labels, N_CLASSES).unwrap());
        let (plain, moved) = (plain.suspicions(), judge.suspicions());
        for (place, row) in order.into_iter().enumerate() {
            prop_assert!((plain[row] - moved[place]).abs() < 1e-9);
        }
    }

    #[test]
    fn every_label_of_a_row_is_judged_as_the_given_one_is(
        (probabilities, labels) in any_rows(30),
    ) {
        let judge = Judge::new(OutOfFold::new(&probabilities, &labels, N_CLASSES).unwrap());
        let given = judge.suspicions();
        judge.for_each_row(|row, all| {
            assert_eq!(all[labels[row].index()].to_bits(), given[row].to_bits());
        });
    }
}
