//! What a look at some rows says of all of them.

use super::*;
use crate::model::{Audit, AuditRow};

fn looked(n_rows: usize, n_looked: usize, n_wrong: usize) -> Looked {
    Looked { n_rows, n_looked, n_wrong }
}

/// An audit of `n_rows` rows, the first `n_flagged` of them flagged.
fn audit(n_rows: u32, n_flagged: u32) -> Audit {
    let row = |row| AuditRow { row, flagged: row < n_flagged, ..AuditRow::default() };
    Audit { rows: (0..n_rows).rev().map(row).collect(), ..Audit::default() }
}

#[test]
fn the_estimate_is_said_in_one_sentence() {
    let many = looked(1_000_000, 30, 24);
    let found = Reviewed::new(many, looked(1_000_000, 0, 0), 1).unwrap();
    let expected = "of 30 flagged rows looked at, 24 wrong: precision 0.80 (0.66 to 0.90)";
    assert_eq!(found.sentence(), expected);
    assert_eq!((found.recall, found.share_wrong), (None, None));
    let both = Reviewed::new(many, looked(9_000_000, 30, 1), 1).unwrap().sentence();
    assert!(both.starts_with(expected), "{both}");
    assert!(both.contains("; of 30 others, 1 wrong: recall 0.73 ("), "{both}");
    assert!(both.contains("), share of wrong labels 0.11 ("), "{both}");
    let nothing = Reviewed::new(looked(9, 0, 0), looked(9, 3, 1), 1).unwrap();
    assert_eq!((nothing.precision, nothing.sentence()), (None, String::new()));
}

#[test]
fn what_was_seen_to_the_last_row_is_known() {
    let found = Reviewed::new(looked(10, 10, 8), looked(20, 20, 2), 1).unwrap();
    let known = |it: Option<Estimate>, value: f64| {
        let it = it.unwrap();
        let off = [it.value, it.low, it.high].map(|it| (it - value).abs());
        assert!(off.iter().all(|it| *it < 1e-12), "{it:?}");
    };
    known(found.precision, 0.8);
    known(found.recall, 0.8);
    known(found.share_wrong, 10.0 / 30.0);
}

#[test]
fn where_no_wrong_label_was_found_there_is_no_recall() {
    let found = Reviewed::new(looked(100, 30, 0), looked(900, 30, 0), 1).unwrap();
    assert!(found.recall.is_none());
    assert!(found.precision.unwrap().high > 0.02 && found.share_wrong.unwrap().high > 0.02);
}

#[test]
fn impossible_counts_are_refused() {
    for wrong in [looked(5, 6, 1), looked(5, 3, 4)] {
        assert!(Reviewed::new(wrong, looked(5, 5, 5), 1).is_err());
        assert!(Reviewed::new(looked(5, 5, 5), wrong, 1).is_err());
    }
}

#[test]
fn a_sample_has_the_rows_asked_for_mixed_and_depends_on_the_seed_alone() {
    let audit = audit(500, 100);
    let sample = Sample::draw(&audit, SampleSize::default(), 7);
    let n = |flagged| sample.rows.iter().filter(|it| it.flagged == flagged).count();
    assert_eq!((n(true), n(false), sample.n_flagged, sample.n_unflagged), (30, 30, 100, 400));
    assert!(sample.rows.iter().all(|it| it.flagged == (it.row < 100)));
    let first = sample.rows[..30].iter().filter(|it| it.flagged).count();
    assert!((8..=22).contains(&first), "{first} flagged rows among the first 30");
    assert_eq!(sample, Sample::draw(&audit, SampleSize::default(), 7));
    assert_ne!(sample.rows, Sample::draw(&audit, SampleSize::default(), 8).rows);
    assert!(sample.fits(&audit));
}

#[test]
fn a_sample_of_other_flags_does_not_fit() {
    let sample = Sample::draw(&audit(500, 100), SampleSize::default(), 7);
    assert!(!sample.fits(&audit(500, 101)) && !sample.fits(&audit(499, 100)));
    let small = Sample::draw(&audit(25, 5), SampleSize::default(), 7);
    assert_eq!(small.rows.len(), 25);
}

#[test]
fn a_sample_is_kept_with_the_audit_it_is_of() {
    let (folder, audit) = (tempfile::tempdir().unwrap(), audit(500, 100));
    assert_eq!(Sample::read(folder.path(), &audit).unwrap(), None);
    let sample = Sample::draw(&audit, SampleSize::default(), 7);
    sample.write(folder.path()).unwrap();
    assert_eq!(Sample::read(folder.path(), &audit).unwrap(), Some(sample));
    assert_eq!(Sample::read(folder.path(), &self::audit(500, 99)).unwrap(), None);
    std::fs::write(folder.path().join("sample.json"), "{").unwrap();
    let error = Sample::read(folder.path(), &audit).unwrap_err().to_string();
    assert!(error.contains("sample.json: "), "{error}");
}

#[test]
fn rows_that_nobody_decided_are_not_counted() {
    let sample = Sample::draw(&audit(500, 100), SampleSize::default(), 7);
    let wrong = |row: u32| if row.is_multiple_of(2) { Some(row < 80) } else { None };
    let found = sample.estimate(wrong).unwrap();
    let even = |flagged| {
        let of_kind = sample.rows.iter().filter(|it| it.flagged == flagged);
        of_kind.filter(|it| it.row.is_multiple_of(2)).count()
    };
    assert_eq!((found.flagged.n_looked, found.unflagged.n_looked), (even(true), even(false)));
    assert_eq!(found.unflagged.n_wrong, 0);
    assert!(found.flagged.n_wrong > 0 && found.flagged.n_wrong <= found.flagged.n_looked);
}

/// Share of 90 % intervals that hold the truth: precision, recall, share of wrong labels.
fn coverage(n_wrong_flagged: u32, n_wrong_others: u32) -> [f64; 3] {
    const LOOKS: u64 = 2000;
    let audit = audit(2500, 500);
    let wrong =
        |row: u32| Some(row < n_wrong_flagged || (500..500 + n_wrong_others).contains(&row));
    let (found, missed) = (f64::from(n_wrong_flagged), f64::from(n_wrong_others));
    let truth = [found / 500.0, found / (found + missed), (found + missed) / 2500.0];
    let mut held = [0.0; 3];
    // Few counts are possible, so each is estimated once.
    let mut known = std::collections::BTreeMap::new();
    for seed in 0..LOOKS {
        let sample = Sample::draw(&audit, SampleSize::default(), seed);
        let count = |flagged| {
            let of_kind = sample.rows.iter().filter(|it| it.flagged == flagged);
            of_kind.filter(|it| wrong(it.row) == Some(true)).count()
        };
        let it = known
            .entry((count(true), count(false)))
            .or_insert_with(|| Sample { seed: 0, ..sample.clone() }.estimate(wrong).unwrap());
        let estimates = [it.precision, it.recall, it.share_wrong];
        for (at, estimate) in estimates.into_iter().enumerate() {
            let holds = estimate.is_some_and(|it| (it.low..=it.high).contains(&truth[at]));
            held[at] += f64::from(u8::from(holds)) / LOOKS as f64;
        }
    }
    held
}

#[test]
fn intervals_hold_the_truth_nine_times_in_ten() {
    for (flagged, others) in [(400, 100), (250, 200), (450, 20), (100, 60)] {
        let found = coverage(flagged, others);
        println!("{flagged} of 500, {others} of 2000: {found:.3?}");
        for (what, held) in ["precision", "recall", "share"].into_iter().zip(found) {
            assert!((0.85..=0.97).contains(&held), "{what} {held}, {flagged} and {others}");
        }
    }
}
