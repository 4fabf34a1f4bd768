//! What cannot be scored, and what is said of it.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, Int64Array, StringArray, UInt32Array};
use lane_rescore::{ByteSize, Epochs, RescoreError, RescoreRequest, Score, rescore};

use crate::support::{Column, Look, Place, columns, scattered, write};

/// The refusal, after which nothing new lies there.
#[track_caller]
fn refused(place: &Place, request: &RescoreRequest) -> RescoreError {
    let before = place.names();
    let error = rescore(request).unwrap_err();
    assert_eq!(place.names(), before, "{error}");
    error
}

#[track_caller]
fn said(looks: &[Look]) -> String {
    let place = Place::with(looks);
    let error = refused(&place, &place.request(Score::Aum));
    assert!(error.is_usage());
    error.to_string()
}

#[test]
fn values_that_no_training_logs_are_named_with_row_and_epoch() {
    let look = Look::new(7, 3);
    for (look, column, expected) in [
        (Look { margin: f32::NAN, ..look }, "`margin` is NaN", "a finite number"),
        (
            Look { aware: Some(f32::INFINITY), ..look },
            "`label_aware_margin` is inf",
            "a finite number or nothing",
        ),
        (Look { weight: f32::NEG_INFINITY, ..look }, "`weight` is -inf", "a finite number"),
        (Look { p_label: f32::NAN, ..look }, "`p_label` is NaN", "a probability, 0 to 1"),
        (Look { p_label: -0.25, ..look }, "`p_label` is -0.25", "a probability, 0 to 1"),
        (Look { p_label: 1.25, ..look }, "`p_label` is 1.25", "a probability, 0 to 1"),
    ] {
        let others = [Look::new(7, 2), Look::new(8, 3), look];
        assert_eq!(said(&others), format!("row 7, epoch 3: {column}, expected {expected}"));
    }
}

#[test]
fn a_row_that_one_epoch_holds_twice_is_refused_and_the_hint_says_why() {
    let place = Place::new();
    for name in ["a.parquet", "b.parquet"] {
        write(&place.path(name), columns(&scattered(30, 2)), None);
    }
    let error = refused(&place, &place.request(Score::Aum));
    assert!(error.to_string().contains("twice, expected once"), "{error}");
    assert!(error.hint().unwrap().contains("the files of one training"));
}

fn with(name: &str, column: ArrayRef) -> Vec<Column> {
    let mut columns = columns(&[Look::new(0, 1), Look::new(1, 2)]);
    columns.iter_mut().find(|it| it.0 == name).unwrap().1 = column;
    columns
}

#[test]
fn empty_fields_and_numbers_that_do_not_fit_are_refused() {
    let cases: [(&str, ArrayRef, &str); 5] = [
        (
            "epoch",
            Arc::new(UInt32Array::from(vec![Some(1), None])),
            "a line has no row or no epoch",
        ),
        (
            "weight",
            Arc::new(Float32Array::from(vec![Some(1.0), None])),
            "row 1, epoch 2: `weight` is empty",
        ),
        ("row", Arc::new(Int64Array::from(vec![0, -1])), "-1"),
        ("label", Arc::new(Int64Array::from(vec![0, 70_000])), "70000"),
        (
            "margin",
            Arc::new(StringArray::from(vec!["1", "2"])),
            "found `margin` as Utf8, expected Float32",
        ),
    ];
    for (name, column, expected) in cases {
        for epochs in [None, Some(Epochs { first: 1, last: 9 })] {
            let place = Place::new();
            write(&place.path("dynamics.parquet"), with(name, column.clone()), None);
            let mut request = place.request(Score::Aum);
            request.epochs = epochs;
            let error = refused(&place, &request);
            assert!(error.to_string().contains(expected), "{name}: {error}");
        }
    }
}

#[test]
fn files_that_are_no_logs_are_refused_by_name() {
    let place = Place::new();
    let request = place.request(Score::Aum);
    assert!(
        refused(&place, &request)
            .to_string()
            .ends_with("holds no dynamics.parquet and no other .parquet file")
    );
    std::fs::write(place.path("a.parquet"), "id,text\n").unwrap();
    let error = refused(&place, &request).to_string();
    assert!(
        error.contains("a.parquet: found") && error.ends_with("expected a Parquet file"),
        "{error}"
    );
    let mut few = columns(&[Look::new(0, 1)]);
    few.truncate(3);
    write(&place.path("a.parquet"), few, None);
    let error = refused(&place, &request).to_string();
    assert!(
        error.ends_with("found columns row, epoch, label, expected a column `margin`"),
        "{error}"
    );
    let missing = RescoreRequest { dynamics: vec![place.path("none")], ..request };
    assert!(refused(&place, &missing).to_string().starts_with("cannot read"));
}

#[test]
fn a_damaged_log_is_named_and_does_not_end_the_program() {
    /// Damage to a value may go unseen; any other is an error that names the file.
    #[track_caller]
    fn is_read_or_named(place: &Place) {
        if let Err(error) = rescore(&place.request(Score::Aum)) {
            let named = error.to_string().contains("dynamics.parquet");
            assert!(
                error.is_usage() && (named || matches!(error, RescoreError::Fault(_))),
                "{error}"
            );
        }
    }

    let place = Place::with(&scattered(3000, 4));
    let whole = std::fs::read(place.path("dynamics.parquet")).unwrap();
    for at in (4..whole.len() - 8).step_by(whole.len() / 40) {
        let mut bytes = whole.clone();
        bytes[at..at + 4].copy_from_slice(&[0xff, 0x00, 0xff, 0x7f]);
        std::fs::write(place.path("dynamics.parquet"), bytes).unwrap();
        is_read_or_named(&place);
    }
    // The footer more closely: it holds types and sizes that decoders take for granted.
    let length = whole[whole.len() - 8..].first_chunk().map_or(0, |it| u32::from_le_bytes(*it));
    for at in (whole.len() - 8 - length as usize..whole.len() - 8).step_by(41) {
        let mut bytes = whole.clone();
        bytes[at] = bytes[at].wrapping_add(1 + (at % 7) as u8);
        std::fs::write(place.path("dynamics.parquet"), bytes).unwrap();
        is_read_or_named(&place);
    }
    std::fs::write(place.path("dynamics.parquet"), &whole[..whole.len() / 2]).unwrap();
    assert!(rescore(&place.request(Score::Aum)).is_err());
}

#[test]
fn files_that_name_other_epochs_need_a_word_from_the_user() {
    let place = Place::new();
    write(&place.path("a.parquet"), columns(&[Look::new(0, 1)]), Some("1-2"));
    write(&place.path("b.parquet"), columns(&[Look::new(1, 1)]), None);
    let mut request = place.request(Score::Aum);
    let error = refused(&place, &request);
    assert!(error.to_string().contains("names epochs 1..2 for its data map"), "{error}");
    assert!(error.to_string().ends_with("names none") && error.hint().is_some());
    request.epochs = Some(Epochs::ALL);
    assert_eq!(rescore(&request).unwrap().n_rows, 2);
}

#[test]
fn epochs_without_a_look_leave_no_ranking() {
    let place = Place::with(&scattered(10, 2));
    let mut request = place.request(Score::Aum);
    request.epochs = Some(Epochs { first: 7, last: 8 });
    assert_eq!(refused(&place, &request).to_string(), "the files hold nothing of epochs 7..8");
}

#[test]
fn settings_without_meaning_are_refused() {
    let place = Place::with(&scattered(10, 2));
    let request = place.request(Score::Aum);
    let low = RescoreRequest { memory: ByteSize(1 << 20), ..request.clone() };
    assert_eq!(refused(&place, &low).to_string(), "memory is 1 MiB, expected at least 64 MiB");
    let other = RescoreRequest { out: place.path("ranking.txt"), ..request.clone() };
    assert!(
        refused(&place, &other)
            .to_string()
            .ends_with("expected a name that ends in .csv or .parquet")
    );
    rescore(&request).unwrap();
    let again = RescoreRequest { force: false, ..request };
    assert!(matches!(refused(&place, &again), RescoreError::Exists { .. }));
}
