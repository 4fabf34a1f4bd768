//! Small files to serve, and a manifest for them.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, ListArray, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use parquet::arrow::ArrowWriter;

use crate::place::Place;
use crate::server::Manner;

pub(crate) fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

pub(crate) fn strings(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

pub(crate) fn numbers(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

pub(crate) fn lists(values: &[&[i64]]) -> ArrayRef {
    let values =
        values.iter().map(|list| Some(list.iter().map(|it| Some(*it)).collect::<Vec<_>>()));
    Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(values))
}

/// Six rows of train in Parquet, two of test in CSV.
pub(crate) const REVIEWS: &str = r#"
title = "Reviews"
task = "stars"
classes = 2
metric = "accuracy"
sizes = { total = 8, train = 6, test = 2 }
paper = "nothing"
reduction = "none needed"
license = "CC0"
citation = "nobody"
confirmed = true

[source]
kind = "hub"
repository = "org/reviews"
clean = ["collapse-spaces"]
columns = { text = ["text"], label = "label" }
labels = { form = "number", names = ["bad", "good"] }
split = { rule = "hold-out", validation = 2, seed = 1 }
files = [
    { part = "train", path = "data/train.parquet" },
    { part = "test", path = "test.csv" },
]
"#;

pub(crate) const TEST: &[u8] = b"label,text\r\n1,\"so, so  good\"\r\n0,no\r\n";

pub(crate) fn train() -> Vec<u8> {
    let text = strings(&["a", "b", "c", "d", "e", "f"]);
    parquet(vec![("text", text), ("label", numbers(&[0, 1, 0, 1, 0, 1]))])
}

impl Place {
    /// `reviews.toml`, and its files on the server.
    pub(crate) fn with_reviews(train_manner: Manner, test_manner: Manner) -> Self {
        let place = Self::new();
        place.write("reviews.toml", REVIEWS);
        place.server.serve("org/reviews", "data/train.parquet", &train(), train_manner);
        place.server.serve("org/reviews", "test.csv", TEST, test_manner);
        place
    }
}
