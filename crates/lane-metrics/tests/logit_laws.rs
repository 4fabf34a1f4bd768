//! What must hold of margins, softmax, label-aware margins and their averages whatever the numbers.
//!
//! Logits are drawn on a grid of 1/64, where sums are exact in f32: a law that says "unchanged"
//! is then held to the bit.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use lane_metrics::averages::{MarginAverages, Visit};
use lane_metrics::cartography::Look;
use lane_metrics::margin::{self, Margin};
use lane_metrics::{ClassId, Logits, RowId, label_aware, softmax};
use proptest::collection::vec;
use proptest::prelude::*;

/// A row of logits, one of its classes, and an order of its classes.
fn rows() -> impl Strategy<Value = (Vec<f32>, ClassId, Vec<usize>)> {
    (2_usize..24).prop_flat_map(|n| {
        let row = vec((-512_i16..512).prop_map(|it| f32::from(it) / 64.0), n);
        (row, (0..n as u16).prop_map(ClassId), Just((0..n).collect::<Vec<_>>()).prop_shuffle())
    })
}

fn margin_of(row: &[f32], label: ClassId) -> Margin {
    margin::of_row(row, label).unwrap()
}

fn softmax_of(row: &[f32]) -> Vec<f32> {
    softmax::of_logits(Logits::new(row, row.len()).unwrap())
}

fn moved(row: &[f32], by: f32) -> Vec<f32> {
    row.iter().map(|it| it + by).collect()
}

/// Class `order[k]` in place k.
fn permuted<T: Copy>(row: &[T], order: &[usize]) -> Vec<T> {
    order.iter().map(|k| row[*k]).collect()
}

fn new_name(order: &[usize], class: ClassId) -> ClassId {
    ClassId(order.iter().position(|k| *k == class.index()).unwrap() as u16)
}

proptest! {
    #[test]
    fn a_margin_is_the_lead_over_every_other_class_and_a_tie_with_one((row, label, _) in rows()) {
        let Margin { value, rival } = margin_of(&row, label);
        let leads = (0..row.len()).filter(|k| *k != label.index()).map(|k| row[label.index()] - row[k]);
        prop_assert!(leads.clone().all(|lead| value <= lead));
        prop_assert!((row[label.index()] - row[rival.index()]).to_bits() == value.to_bits());
        prop_assert!(rival != label);
        let first = (0..row.len()).find(|k| *k != label.index() && row[*k] >= row[rival.index()]);
        prop_assert_eq!(first, Some(rival.index()), "ties go to the lowest class");
    }

    #[test]
    fn a_constant_added_to_all_logits_moves_no_margin_and_no_probability(
        (row, label, _) in rows(), by in (-512_i16..512).prop_map(|it| f32::from(it) / 8.0),
    ) {
        let far = moved(&row, by);
        prop_assert_eq!(margin_of(&far, label), margin_of(&row, label));
        for (a, b) in softmax_of(&row).iter().zip(softmax_of(&far)) {
            prop_assert!((a - b).abs() <= 1e-7 * a, "{a} became {b}");
        }
        let difference = softmax::log_sum_exp(&far) - softmax::log_sum_exp(&row);
        prop_assert!((difference - f64::from(by)).abs() < 1e-12);
        let inverse = |row: &[f32]| label_aware::inverse_probability(row, label);
        prop_assert!((inverse(&row) / inverse(&far) - 1.0).abs() < 1e-12);
        let looks = [&row, &far].map(|row| Look::of_logits(row, label).unwrap());
        prop_assert!((looks[0].p_label - looks[1].p_label).abs() < 1e-15);
        prop_assert_eq!(looks[0].correct, looks[1].correct);
    }

    #[test]
    fn a_margin_scales_with_the_logits((row, label, _) in rows(), power in -20_i32..20) {
        let factor = 2_f32.powi(power);
        let scaled: Vec<f32> = row.iter().map(|it| it * factor).collect();
        let (ours, plain) = (margin_of(&scaled, label), margin_of(&row, label));
        prop_assert_eq!(ours, Margin { value: plain.value * factor, rival: plain.rival });
    }

    #[test]
    fn classes_by_other_names_have_the_same_margin_and_the_same_probability(
        (row, label, order) in rows(),
    ) {
        let renamed = permuted(&row, &order);
        let (plain, ours) = (margin_of(&row, label), margin_of(&renamed, new_name(&order, label)));
        prop_assert_eq!(ours.value.to_bits(), plain.value.to_bits());
        prop_assert_eq!(renamed[ours.rival.index()].to_bits(), row[plain.rival.index()].to_bits());
        let expected = permuted(&softmax_of(&row), &order);
        for (a, b) in softmax_of(&renamed).into_iter().zip(expected) {
            prop_assert!((a - b).abs() <= 1e-7 * b);
        }
    }

    #[test]
    fn what_a_label_gains_its_margin_gains((row, label, _) in rows(), gain in 1_u8..255) {
        let gain = f32::from(gain) / 64.0;
        let mut raised = row.clone();
        raised[label.index()] += gain;
        let (plain, ours) = (margin_of(&row, label), margin_of(&raised, label));
        prop_assert_eq!(ours, Margin { value: plain.value + gain, rival: plain.rival });
    }

    #[test]
    fn at_most_one_label_of_a_row_has_a_positive_margin_and_it_is_the_likeliest((row, _, _) in rows()) {
        let classes = || (0..row.len() as u16).map(ClassId);
        let leads: Vec<_> = classes().filter(|it| margin_of(&row, *it).value > 0.0).collect();
        prop_assert!(leads.len() <= 1);
        let correct: Vec<_> =
            classes().filter(|it| Look::of_logits(&row, *it).unwrap().correct).collect();
        prop_assert_eq!(correct.len(), 1);
        prop_assert!(leads.iter().all(|it| *it == correct[0]));
        let p: f64 = classes().map(|it| Look::of_logits(&row, it).unwrap().p_label).sum();
        prop_assert!((p - 1.0).abs() < 1e-12);
    }

    #[test]
    fn of_two_classes_the_margins_are_opposite_and_their_logistic_is_the_probability(
        a in -512_i16..512, b in -512_i16..512,
    ) {
        let row = [f32::from(a) / 64.0, f32::from(b) / 64.0];
        let m = margin_of(&row, ClassId(0)).value;
        prop_assert!((m + margin_of(&row, ClassId(1)).value).abs() <= 0.0);
        let p = f64::from(softmax_of(&row)[0]);
        prop_assert!((p - 1.0 / (1.0 + (-f64::from(m)).exp())).abs() <= 1e-7 * p);
    }

    #[test]
    fn probabilities_add_up_to_1_and_keep_the_order_of_the_logits((row, _, _) in rows()) {
        let p = softmax_of(&row);
        let sum: f64 = p.iter().map(|&it| f64::from(it)).sum();
        prop_assert!((sum - 1.0).abs() < 1e-6, "{sum}");
        for (a, p_a) in row.iter().zip(&p) {
            prop_assert!(row.iter().zip(&p).all(|(b, p_b)| a > b || p_a <= p_b));
        }
    }

    #[test]
    fn the_log_of_the_sum_lies_within_log_c_above_the_largest((row, _, _) in rows()) {
        let largest = f64::from(row.iter().copied().fold(f32::NEG_INFINITY, f32::max));
        let above = softmax::log_sum_exp(&row) - largest;
        prop_assert!(0.0 < above && above <= (row.len() as f64).ln() + 1e-12, "{above}");
    }

    #[test]
    fn the_less_likely_the_rival_the_further_a_negative_margin_is_stretched(
        value in -100.0_f32..100.0, w in 0.0..=1.0_f32, less in 0.0..=1.0_f32, floor in 1e-6..0.5_f32,
    ) {
        let margin = Margin { value, rival: ClassId(1) };
        let of = |w| label_aware::of_margin(margin, w, floor);
        prop_assert!(of(w * less) <= of(w));
        prop_assert_eq!(of(1.0).to_bits(), value.to_bits(), "a certain rival stretches nothing");
        prop_assert!(of(w).abs() <= value.abs() / floor * (1.0 + 1e-6));
    }

    #[test]
    fn from_logits_and_from_probabilities_label_aware_margins_agree(
        (row, label, _) in rows(), value in -50.0_f32..50.0,
    ) {
        let margin = Margin { value, rival: label };
        let by_w = label_aware::of_margin(margin, softmax_of(&row)[label.index()], 1e-6);
        let by_z = label_aware::of_logits(margin, &row, 1e-6);
        prop_assert!((by_w - by_z).abs() <= 1e-6 * by_z.abs(), "{by_w}, {by_z}");
    }

    #[test]
    fn averages_are_means_in_any_order_and_lie_between_the_visits(
        visits in vec((-100.0_f32..100.0, -100.0_f32..100.0), 1..30), cut in 0_usize..30,
    ) {
        let averaged = |visits: &[(f32, f32)]| {
            let mut averages = MarginAverages::new(1).unwrap();
            for &(margin, label_aware) in visits {
                let label_aware_margin = Some(label_aware);
                averages.record(&Visit { margin, label_aware_margin, ..Visit::default() }).unwrap();
            }
            [averages.aum(RowId(0)), averages.alm(RowId(0))]
        };
        let list = |at: usize| visits.iter().map(move |it| f64::from(if at == 0 { it.0 } else { it.1 }));
        let ours = averaged(&visits).map(Option::unwrap);
        for (at, ours) in ours.into_iter().enumerate() {
            let exact = list(at).sum::<f64>() / visits.len() as f64;
            prop_assert!((ours - exact).abs() < 1e-11, "{ours}, {exact}");
            let (low, high) = (list(at).fold(f64::INFINITY, f64::min), list(at).fold(f64::NEG_INFINITY, f64::max));
            prop_assert!(low - 1e-11 <= ours && ours <= high + 1e-11);
        }
        let mut turned = visits.clone();
        turned.rotate_left(cut % visits.len());
        turned.reverse();
        for (a, b) in averaged(&turned).into_iter().zip(ours) {
            prop_assert!((a.unwrap() - b).abs() < 1e-11);
        }
        // Of two halves the whole is the mean by their sizes.
        let (first, last) = visits.split_at(cut.min(visits.len()));
        if let ([Some(first_mean), _], [Some(last_mean), _]) = (averaged(first), averaged(last)) {
            let joined = first_mean * first.len() as f64 + last_mean * last.len() as f64;
            prop_assert!((joined / visits.len() as f64 - ours[0]).abs() < 1e-11);
        }
    }
}
