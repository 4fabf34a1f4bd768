//! `aum_values.csv` and `full_aum_records.csv`, as the Python package `aum` 1.0.2 writes them.
//!
//! ```text
//! sample_id,aum                                             one line a row, highest AUM first
//! sample_id,num_measurements,target_logit,target_val,other_logit,other_val,margin,aum
//!                                     one line a row and epoch, by id and number of measurement
//! ```
//!
//! `target_logit` and `other_logit` are the classes of the label and of its best rival, `aum` is the
//! mean margin so far. Equal AUMs stay in the order of the rows, where the package leaves it open;
//! ids are ordered as text. The package fails on a batch of one row; nothing here depends on batches.

use std::collections::HashMap;
use std::path::Path;

use lane_data::read::Table;
use lane_metrics::{ClassId, MetricsError, margin};

use super::error::{ExchangeError, Fault};

/// The columns of `aum_values.csv`.
pub const VALUE_COLUMNS: [&str; 2] = ["sample_id", "aum"];
/// The columns of `full_aum_records.csv`.
pub const RECORD_COLUMNS: [&str; 8] = [
    "sample_id",
    "num_measurements",
    "target_logit",
    "target_val",
    "other_logit",
    "other_val",
    "margin",
    "aum",
];

/// Averaged margins by row, in the order in which the file first names them.
#[derive(Clone, Debug, PartialEq)]
pub struct AumValues {
    /// The rows' names.
    pub ids: Vec<String>,
    /// The mean margin of each.
    pub aums: Vec<f64>,
    /// The line that last spoke of each.
    pub lines: Vec<u64>,
}

/// Reads either file; which one is told by its header, and further columns are passed over.
///
/// Of `full_aum_records.csv` the margins are averaged anew.
///
/// # Errors
///
/// [`ExchangeError`] with file and line: no such columns, one twice, broken quotes, no rows, a row twice, measurements that do
/// not count up from 1, values that are no finite numbers.
pub fn read(path: &Path) -> Result<AumValues, ExchangeError> {
    let table = Table::read(path)?;
    let find = |name: &'static str| find(path, &table, name);
    let (Some(id), Some(aum)) = (find("sample_id")?, find("aum")?) else {
        return Err(ExchangeError::UnknownFormat { path: path.into() });
    };
    let values = match (find("num_measurements")?, find("margin")?) {
        (Some(number), Some(margin)) => records(path, &table, [id, number, margin])?,
        _ => values(path, &table, [id, aum])?,
    };
    if values.ids.is_empty() {
        return Err(ExchangeError::NoRows { path: path.into() });
    }
    Ok(values)
}

/// Where a column stands; twice is once too often.
fn find(path: &Path, table: &Table, name: &'static str) -> Result<Option<usize>, ExchangeError> {
    let mut places = (0..).zip(table.header()).filter(|(_, column)| *column == name);
    match (places.next(), places.next()) {
        (Some(_), Some(_)) => {
            Err(ExchangeError::line(path, 1, Fault::RepeatedColumn { column: name }))
        }
        (found, _) => Ok(found.map(|(at, _)| at)),
    }
}

/// One line of either file.
struct Fields<'a> {
    path: &'a Path,
    line: u64,
    record: &'a [&'a str],
}

impl Fields<'_> {
    fn fault(&self, fault: Fault) -> ExchangeError {
        ExchangeError::line(self.path, self.line, fault)
    }

    fn id(&self, column: usize) -> Result<String, ExchangeError> {
        match self.record.get(column) {
            None | Some(&"") => Err(self.fault(Fault::EmptyId { field: "sample_id".into() })),
            Some(&id) => Ok(id.to_owned()),
        }
    }

    fn number(&self, column: usize, field: &str) -> Result<f64, ExchangeError> {
        let text = self.record.get(column).copied().unwrap_or_default();
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(value),
            Ok(_) => {
                let (field, found) = (field.into(), text.into());
                Err(self.fault(Fault::NotFinite { field, found }))
            }
            Err(_) => {
                let (field, found) = (field.into(), format!("`{text}`"));
                Err(self.fault(Fault::WrongType { field, found, expected: "a number" }))
            }
        }
    }
}

fn for_each(
    path: &Path,
    table: &Table,
    mut take: impl FnMut(&Fields<'_>) -> Result<(), ExchangeError>,
) -> Result<(), ExchangeError> {
    table.for_each(|line, record| take(&Fields { path, line, record }))
}

fn values(path: &Path, table: &Table, [id, aum]: [usize; 2]) -> Result<AumValues, ExchangeError> {
    let mut all = AumValues { ids: Vec::new(), aums: Vec::new(), lines: Vec::new() };
    let mut seen: HashMap<String, u64> = HashMap::new();
    for_each(path, table, |fields| {
        let id = fields.id(id)?;
        if let Some(first) = seen.insert(id.clone(), fields.line) {
            return Err(fields.fault(Fault::DuplicateId { id, first }));
        }
        all.aums.push(fields.number(aum, "aum")?);
        all.ids.push(id);
        all.lines.push(fields.line);
        Ok(())
    })?;
    Ok(all)
}

fn records(
    path: &Path,
    table: &Table,
    [id, number, margin]: [usize; 3],
) -> Result<AumValues, ExchangeError> {
    let mut all = AumValues { ids: Vec::new(), aums: Vec::new(), lines: Vec::new() };
    let mut rows: HashMap<String, (usize, u64)> = HashMap::new();
    for_each(path, table, |fields| {
        let id = fields.id(id)?;
        let (row, n_before) = rows.entry(id.clone()).or_insert_with(|| {
            all.ids.push(id.clone());
            all.aums.push(0.0);
            all.lines.push(0);
            (all.ids.len() - 1, 0)
        });
        let expected = *n_before + 1;
        let text = fields.record.get(number).copied().unwrap_or_default();
        let Ok(found) = text.parse::<u64>() else {
            let (field, found) = ("num_measurements".into(), format!("`{text}`"));
            return Err(fields.fault(Fault::WrongType { field, found, expected: "a count" }));
        };
        if found != expected {
            return Err(fields.fault(Fault::Measurement { id, found, expected }));
        }
        let margin = fields.number(margin, "margin")?;
        all.aums[*row] += (margin - all.aums[*row]) / expected as f64;
        if !all.aums[*row].is_finite() {
            return Err(fields.fault(Fault::Overflow { id }));
        }
        all.lines[*row] = fields.line;
        *n_before = expected;
        Ok(())
    })?;
    Ok(all)
}

/// The text of `aum_values.csv`.
///
/// # Errors
///
/// Those of the CSV writer, which writes to memory.
pub fn values_text(rows: &[(&str, f64)]) -> Result<Vec<u8>, csv::Error> {
    let mut order: Vec<&(&str, f64)> = rows.iter().collect();
    order.sort_by(|left, right| right.1.total_cmp(&left.1));
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(VALUE_COLUMNS)?;
    for (id, aum) in order {
        table.write_record([*id, &aum.to_string()])?;
    }
    bytes(table)
}

/// A row in an epoch, for `full_aum_records.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// Row of the data.
    pub row: u32,
    /// 1 for the first epoch of the row, and so on.
    pub number: u32,
    /// The label it was trained with.
    pub label: ClassId,
    /// Its logit.
    pub own: f32,
    /// The best other class.
    pub rival: ClassId,
    /// Its logit.
    pub other: f32,
    /// Mean margin so far.
    pub aum: f64,
}

impl Measurement {
    /// From the logits of a row; `before` is what its last measurement left.
    ///
    /// # Errors
    ///
    /// [`MetricsError`] as [`margin::of_row`].
    pub fn new(
        row: u32,
        label: ClassId,
        logits: &[f32],
        before: Option<&Self>,
    ) -> Result<Self, MetricsError> {
        let found = margin::of_row(logits, label)?;
        let (number, mean) = before.map_or((1, 0.0), |it| (it.number + 1, it.aum));
        Ok(Self {
            row,
            number,
            label,
            own: logits[label.index()],
            rival: found.rival,
            other: logits[found.rival.index()],
            aum: mean + (f64::from(found.value) - mean) / f64::from(number),
        })
    }
}

/// The text of `full_aum_records.csv`; `ids` by row.
///
/// # Errors
///
/// Those of the CSV writer, which writes to memory.
pub fn records_text(
    ids: &[String],
    measurements: &mut [Measurement],
) -> Result<Vec<u8>, csv::Error> {
    let key = |it: &Measurement| (&ids[it.row as usize], it.number);
    measurements.sort_by(|left, right| key(left).cmp(&key(right)));
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(RECORD_COLUMNS)?;
    for it in measurements {
        table.write_record([
            ids[it.row as usize].as_str(),
            &it.number.to_string(),
            &it.label.to_string(),
            &it.own.to_string(),
            &it.rival.to_string(),
            &it.other.to_string(),
            &(it.own - it.other).to_string(),
            &it.aum.to_string(),
        ])?;
    }
    bytes(table)
}

fn bytes(table: csv::Writer<Vec<u8>>) -> Result<Vec<u8>, csv::Error> {
    table.into_inner().map_err(|error| error.into_error().into())
}

#[cfg(test)]
mod tests;
