//! Where the ranking is cut, on rows made for it.

use lane_metrics::ClassId;
use proptest::prelude::*;

use super::*;
use crate::noise_matrix::OutOfFold;
use crate::suspicion::tests::any_rows;

/// 300 rows of two classes that the model tells apart; every tenth label is the other one.
fn one_in_ten() -> (Vec<f64>, Vec<ClassId>) {
    let of_row = |row: u16| {
        let sure = 0.9 + f64::from(row % 7) / 100.0;
        if row.is_multiple_of(2) { [sure, 1.0 - sure] } else { [1.0 - sure, sure] }
    };
    let label = |row: u16| ClassId(if row % 20 < 2 { 1 - row % 2 } else { row % 2 });
    ((0..300).flat_map(of_row).collect(), (0..300).map(label).collect())
}

#[test]
fn wrong_labels_that_stand_apart_are_flagged_and_few_others() {
    let (probabilities, labels) = one_in_ten();
    let judge = Judge::new(OutOfFold::new(&probabilities, &labels, 2).unwrap());
    let cut = choose(&judge);
    assert!((30..=36).contains(&cut.n_flagged), "{cut:?}");
    let suspicions = judge.suspicions();
    let found = (0..300).filter(|row| row % 20 < 2 && suspicions[*row] >= cut.cut_off.threshold);
    assert_eq!(found.count(), 30, "{cut:?}");
    assert!(cut.cut_off.recall.value > 0.85, "{cut:?}");
    let of = |wrong: bool| {
        let rows = (0..300).filter(|row| (row % 20 < 2) == wrong);
        let p: Vec<_> = rows.map(|row| cut.p_wrong[row]).collect();
        p.iter().sum::<f64>() / p.len() as f64
    };
    assert!(of(true) > 0.8 && of(false) < 0.05, "{} {}", of(true), of(false));
    assert!((cut.cut_off.share_wrong.value - 0.1).abs() < 0.03, "{cut:?}");
    assert_eq!(cut.cut_off.n_planted, 300);
}

#[test]
fn the_method_says_what_the_recall_is_of() {
    let (probabilities, labels) = one_in_ten();
    let judge = Judge::new(OutOfFold::new(&probabilities, &labels, 2).unwrap());
    let method = choose(&judge).cut_off.method;
    assert!(method.contains(RECALL_IS_OF) && method.contains(NOT_COUNTED), "{method}");
}

#[test]
fn an_interval_widens_with_fewer_rows_and_holds_its_value() {
    let width = |rows| {
        let it = interval(0.6, 0.55, rows);
        assert!(it.low < it.value && it.value < it.high, "{it:?}");
        it.high - it.low
    };
    assert!(width(20.0) > width(200.0) && width(200.0) > width(f64::INFINITY));
    let sure = interval(1.0, 0.55, 100.0);
    assert!(sure.low < 0.99 && sure.high >= 1.0, "{sure:?}");
}

proptest! {
    #[test]
    fn whatever_the_rows_the_estimates_are_shares((probabilities, labels) in any_rows(60)) {
        let judge = Judge::new(OutOfFold::new(&probabilities, &labels, 3).unwrap());
        let cut = choose(&judge);
        prop_assert!((1..=54).contains(&cut.n_flagged), "{cut:?}");
        prop_assert!((1..=60).contains(&cut.n_worth_a_look), "{cut:?}");
        let p = &cut.p_wrong;
        prop_assert!(p.len() == 60 && p.iter().all(|it| (0.0..=1.0).contains(it)), "{p:?}");
        let suspicions = judge.suspicions();
        let ranked = crate::suspicion::ranking(&suspicions);
        prop_assert!(ranked.windows(2).all(|it| p[it[0].index()] >= p[it[1].index()]), "{p:?}");
        let of = |rows: &[lane_metrics::RowId]| rows.iter().map(|it| p[it.index()]).sum::<f64>();
        let n_above = suspicions.iter().filter(|it| **it >= cut.cut_off.threshold).count();
        let (found, all) = (of(&ranked[..n_above]), of(&ranked));
        prop_assert!((cut.cut_off.precision.value - found / n_above as f64).abs() < 1e-9);
        prop_assert!((cut.cut_off.share_wrong.value - all / 60.0).abs() < 1e-9);
        prop_assert!((cut.cut_off.recall.value - found / all).abs() < 1e-9);
        let cut = cut.cut_off;
        for it in [cut.precision, cut.recall, cut.share_wrong] {
            prop_assert!(0.0 <= it.low && it.low <= it.value, "{it:?}");
            prop_assert!(it.value <= it.high && it.high <= 1.0, "{it:?}");
        }
    }
}
