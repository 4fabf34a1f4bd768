//! Splits, draws and losses of the golden file, and where their definitions end.

use super::*;

fn golden() -> serde_json::Value {
    serde_json::from_str(include_str!("../../../../../fixtures/golden/dividemix.json")).unwrap()
}

#[test]
fn the_golden_losses_are_split_as_expected() {
    for case in ["separated", "overlap"] {
        let expected = &golden()["expected"][case];
        let raw: Vec<f64> = serde_json::from_value(expected["raw"].clone()).unwrap();
        let labelled: Vec<bool> = serde_json::from_value(expected["labeled"].clone()).unwrap();
        let clean: Vec<f64> = serde_json::from_value(expected["prob_small_mean"].clone()).unwrap();
        let split = split(&raw, 0.5, 1).unwrap();
        assert_eq!(split.labelled, labelled, "{case}");
        for (ours, theirs) in split.clean.iter().zip(&clean) {
            assert!((ours - theirs).abs() < 1e-9, "{case}: {ours} against {theirs}");
        }
    }
}

#[test]
fn equal_losses_make_every_row_labelled() {
    let split = split(&[0.7; 5], 0.5, 1).unwrap();
    assert_eq!((split.labelled, split.clean), (vec![true; 5], vec![1.0; 5]));
}

#[test]
fn a_split_without_labelled_rows_takes_a_batch_of_the_lowest_losses() {
    let split = split(&[0.9, 0.1, 0.5, 2.0], 1.0, 2).unwrap();
    assert_eq!(split.labelled, [false, true, true, false]);
}

#[test]
fn a_draw_keeps_more_of_the_row_than_of_its_partner() {
    for seed in 0..50 {
        let (lambda, order) = draw(0.75, 7, seed).unwrap();
        assert!((0.5..=1.0).contains(&lambda), "{lambda}");
        let mut sorted = order;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..7).collect::<Vec<_>>());
    }
}
