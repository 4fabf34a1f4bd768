//! Classes counted by hand, refusals, laws.

use proptest::prelude::*;

use super::*;

fn row(label: u16, suggested: u16, flagged: bool, probabilities: &[f32]) -> Row<'_> {
    let (label, suggested) = (ClassId(label), ClassId(suggested));
    Row { label, suggested, flagged, p_wrong: None, probabilities: Some(probabilities) }
}

fn names(n_classes: usize) -> Vec<String> {
    (0..n_classes).map(|at| format!("c{at}")).collect()
}

fn classes(n_classes: usize, rows: &[Row<'_>]) -> Classes {
    let mut tally = Tally::new(n_classes);
    for &row in rows {
        tally.add(row).unwrap();
    }
    tally.finish(&names(n_classes)).unwrap()
}

#[test]
fn three_classes_by_hand() {
    let found = classes(
        3,
        &[
            row(0, 0, false, &[0.75, 0.25, 0.0]),
            row(0, 1, true, &[0.25, 0.75, 0.0]),
            row(1, 1, false, &[0.25, 0.75, 0.0]),
            row(2, 2, false, &[0.0, 0.0, 1.0]),
        ],
    );
    let rows: Vec<_> = found.mean_probabilities.rows().map(<[f64]>::to_vec).collect();
    // The flagged row is left out.
    assert_eq!(rows, [[0.75, 0.25, 0.0], [0.25, 0.75, 0.0], [0.0, 0.0, 1.0]]);
    let distance = |a, b| found.mean_probabilities.label_distance(ClassId(a), ClassId(b));
    // (0.25 + 0.25) / (0.75 + 0.75) = 1/3
    assert!((distance(0, 1) - 2.0 / 3.0).abs() < 1e-12);
    assert!((distance(0, 2) - 1.0).abs() < 1e-12 && distance(1, 1).abs() < 1e-12);
    let first = ClassHealth {
        label: "c0".into(),
        n_rows: 2,
        n_flagged: 1,
        n_suggested: 0,
        health: 0.5,
        self_confidence: Some(0.5),
    };
    assert_eq!(found.health[0], first);
    assert_eq!(found.health[1].n_suggested, 1);
    let pair = ClassPair { label: "c0".into(), suggested: "c1".into(), n_rows: 1, share: 0.5 };
    assert_eq!(found.pairs, [pair]);
}

#[test]
fn labels_confused_more_than_told_apart_are_at_distance_zero() {
    let rows = [row(0, 0, false, &[0.2, 0.8]), row(1, 1, false, &[0.9, 0.1])];
    let found = classes(2, &rows).mean_probabilities;
    assert!(found.label_distance(ClassId(0), ClassId(1)).abs() < 1e-12);
}

#[test]
fn health_follows_the_probabilities_that_labels_are_wrong() {
    let mut tally = Tally::new(1);
    for p_wrong in [Some(0.25), None] {
        tally.add(Row { p_wrong, probabilities: None, ..row(0, 0, false, &[]) }).unwrap();
    }
    let health = tally.finish(&names(1)).unwrap().health;
    assert!((health[0].health - 0.875).abs() < 1e-12);
    assert_eq!(health[0].self_confidence, None);
}

#[test]
fn classes_that_nobody_saw_are_healthy_and_apart() {
    let found = classes(2, &[]);
    assert!((found.health[0].health - 1.0).abs() < 1e-12 && found.pairs.is_empty());
    let distance = found.mean_probabilities.label_distance(ClassId(0), ClassId(1));
    assert!((distance - 1.0).abs() < 1e-12);
}

#[test]
fn rows_that_do_not_fit_the_classes_are_refused() {
    let refused = |row: Row<'_>| Tally::new(2).add(row).unwrap_err().to_string();
    insta::assert_snapshot!(
        [
            refused(row(2, 0, false, &[0.5, 0.5])),
            refused(row(0, 0, false, &[1.0])),
            refused(row(0, 0, false, &[0.5, f32::NAN])),
            refused(Row { p_wrong: Some(1.5), ..row(0, 0, false, &[1.0, 0.0]) }),
            Tally::new(2).finish(&names(1)).unwrap_err().to_string(),
        ]
        .join("\n"),
        @r"
    row 0 has class 2, expected one below 2
    row 0 has 1 probabilities, expected 2
    row 0 has NaN as the probability of class 1
    row 0 has a probability of 1.5 that the label is wrong
    1 names of classes, expected 2
    "
    );
}

prop_compose! {
    fn a_row()(label in 0..3_u16, suggested in 0..3_u16, flagged: bool,
               raw in prop::array::uniform3(0.01_f32..1.0))
               -> (u16, u16, bool, [f32; 3]) {
        let sum: f32 = raw.iter().sum();
        (label, suggested, flagged, raw.map(|it| it / sum))
    }
}

fn of_rows(rows: &[(u16, u16, bool, [f32; 3])]) -> Classes {
    let rows: Vec<_> = rows.iter().map(|(a, b, flag, p)| row(*a, *b, *flag, p)).collect();
    classes(3, &rows)
}

proptest! {
    #[test]
    fn distances_are_symmetric_and_within_range(rows in prop::collection::vec(a_row(), 0..20)) {
        let found = of_rows(&rows).mean_probabilities;
        for (a, b) in [(0, 1), (0, 2), (1, 2), (1, 1)] {
            let (a, b) = (ClassId(a), ClassId(b));
            let distance = found.label_distance(a, b);
            prop_assert!((0.0..=1.0).contains(&distance));
            prop_assert_eq!(distance.to_bits(), found.label_distance(b, a).to_bits());
        }
    }

    #[test]
    fn the_order_of_rows_changes_nothing_but_rounding(
        rows in prop::collection::vec(a_row(), 0..20),
    ) {
        let reversed: Vec<_> = rows.iter().rev().copied().collect();
        let (first, second) = (of_rows(&rows), of_rows(&reversed));
        prop_assert_eq!(&first.pairs, &second.pairs);
        let values = first.mean_probabilities.values.iter();
        for (a, b) in values.zip(&second.mean_probabilities.values) {
            prop_assert!((a - b).abs() < 1e-12);
        }
    }

    #[test]
    fn other_numbers_for_the_classes_permute_the_distances(
        rows in prop::collection::vec(a_row(), 1..20),
    ) {
        // Class c becomes (c + 1) mod 3.
        let next = |class: u16| (class + 1) % 3;
        let moved: Vec<_> = rows
            .iter()
            .map(|&(a, b, flag, [x, y, z])| (next(a), next(b), flag, [z, x, y]))
            .collect();
        let (first, second) = (of_rows(&rows), of_rows(&moved));
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            let before = first.mean_probabilities.label_distance(ClassId(a), ClassId(b));
            let after =
                second.mean_probabilities.label_distance(ClassId(next(a)), ClassId(next(b)));
            prop_assert!((before - after).abs() < 1e-12);
        }
    }
}
