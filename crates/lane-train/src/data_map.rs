//! `data_map.csv`: where training put each row, in row order.
//!
//! `row,id,confidence,variability,correctness,forgetfulness,threshold_closeness,aum`: the quantities
//! of [`lane_metrics::cartography`] and the averaged margin, of the label a row was trained with. A
//! field is empty where it is not known: the row was not seen, or another program did not say.

use std::path::Path;

use lane_metrics::cartography::MapPoint;

use crate::error::TrainError;
use crate::run_folder::write_atomically;

/// One line of the file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MapRow<'a> {
    /// The row's id.
    pub id: &'a str,
    /// Its place on the map.
    pub point: Option<MapPoint>,
    /// Its averaged margin.
    pub aum: Option<f64>,
}

/// Writes the file, one line for each of `rows`, numbered from 0.
///
/// # Errors
///
/// [`TrainError::Io`].
pub fn write<'a>(path: &Path, rows: impl Iterator<Item = MapRow<'a>>) -> Result<(), TrainError> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let failed = |error: csv::Error| TrainError::io("write", path)(error.into());
    table
        .write_record([
            "row",
            "id",
            "confidence",
            "variability",
            "correctness",
            "forgetfulness",
            "threshold_closeness",
            "aum",
        ])
        .map_err(failed)?;
    for (number, row) in rows.enumerate() {
        table.write_record(record(number, &row)).map_err(failed)?;
    }
    let bytes =
        table.into_inner().map_err(|error| TrainError::io("write", path)(error.into_error()))?;
    write_atomically(path, &bytes)
}

fn record(number: usize, row: &MapRow<'_>) -> [String; 8] {
    let of = |pick: fn(&MapPoint) -> String| row.point.as_ref().map(pick).unwrap_or_default();
    [
        number.to_string(),
        row.id.to_owned(),
        of(|it| it.confidence.to_string()),
        of(|it| it.variability.to_string()),
        of(|it| it.correctness.to_string()),
        of(|it| it.forgetfulness.to_string()),
        of(|it| it.threshold_closeness.to_string()),
        row.aum.map(|aum| aum.to_string()).unwrap_or_default(),
    ]
}
