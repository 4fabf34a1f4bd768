//! Label sets as files make them.

use lane_data::read::{self, LabelPolicy};
use lane_data::{ClassId, Columns, DataError, Dataset, LabelSet};

use super::{dataset, refusal, refused, with_file};

fn against(known: &LabelSet, text: &str) -> Result<Dataset, DataError> {
    with_file("test.csv", text.as_bytes(), |path| {
        read::dataset(path, &Columns::default(), LabelPolicy::Known(known))
    })
}

#[test]
fn classes_are_those_of_the_label_and_gold_columns_together() {
    let read = dataset("a.csv", "text,label,gold\nx,b,c\ny,a,a\nz,b,b\nw,a,a\n").unwrap();
    assert_eq!(read.labels.names(), ["a", "b", "c"]);
    assert_eq!(read.gold_labels().unwrap()[0], ClassId(2));
    assert_eq!(read.warnings, ["class `c` occurs in the gold column only (line 2)"]);
}

#[test]
fn integer_labels_are_numbered_in_numeric_order() {
    let read = dataset("a.csv", "text,label\nx,10\ny,9\nz,10\nw,9\n").unwrap();
    assert_eq!(read.labels.names(), ["9", "10"]);
    assert_eq!(read.given_labels(), [ClassId(1), ClassId(0), ClassId(1), ClassId(0)]);
}

#[test]
fn class_with_one_row_is_warned_about_by_line() {
    let read = dataset("a.csv", "text,label\nx,a\ny,b\nz,a\n").unwrap();
    assert_eq!(read.warnings, ["class `b` has one row only (line 3)"]);
}

#[test]
fn one_row_warning_points_at_the_given_label_not_at_an_earlier_gold() {
    let read = dataset("a.csv", "text,label,gold\nx,a,b\ny,a,a\nz,b,b\n").unwrap();
    assert_eq!(read.warnings, ["class `b` has one row only (line 4)"]);
}

#[test]
fn file_with_one_class_is_refused() {
    let message = "a.csv: every row has the label `a`, expected at least 2 classes";
    refused("a.csv", "text,label\nx,a\ny, a\n", message, None);
    // Another class among the gold labels does not make the given ones differ.
    refused("a.csv", "text,label,gold\nx,a,a\ny,a,b\n", message, None);
}

#[test]
fn label_that_training_did_not_see_is_refused_with_the_nearest() {
    let known = LabelSet::from_names(["joy", "anger"]).unwrap();
    let (message, hint) = refusal(against(&known, "text,label\nx,joy\ny,angre\n"));
    assert_eq!(
        message,
        "test.csv, line 3, column `label`: label `angre` does not occur in the training data"
    );
    assert_eq!(hint.as_deref(), Some("the nearest label of the training data is `anger`"));
    let (message, hint) = refusal(against(&known, "text,label,gold\nx,joy,sadness\n"));
    assert_eq!(
        message,
        "test.csv, line 2, column `gold`: label `sadness` does not occur in the training data"
    );
    assert_eq!(hint, None);
}

#[test]
fn known_classes_keep_their_numbers_and_one_of_them_suffices() {
    let known = LabelSet::from_names(["joy", "anger"]).unwrap();
    let read = against(&known, "text,label\nx,anger\n").unwrap();
    assert_eq!(read.given_labels(), [ClassId(1)]);
    assert_eq!(read.labels, known);
    assert!(read.warnings.is_empty());
}

#[test]
fn more_classes_than_sixteen_bits_number_are_refused() {
    let rows: Vec<String> = (0..=1 << 16).map(|class| format!("x,c{class}")).collect();
    let text = format!("text,label\n{}\n", rows.join("\n"));
    refused(
        "a.csv",
        text,
        "a.csv, line 65538, column `label`: more than 65536 distinct labels",
        Some("is this the label column?"),
    );
}
