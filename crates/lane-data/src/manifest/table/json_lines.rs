//! JSONL, streamed: one object a line.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde_json::{Map, Value};

use super::{RawRow, Take, missing, unreadable};
use crate::error::DataError;
use crate::manifest::ColumnMap;
use crate::place::Place;
use crate::read::kind_of_json as kind;

pub(super) fn rows(path: &Path, columns: &ColumnMap, take: Take<'_>) -> Result<(), DataError> {
    let file = BufReader::new(File::open(path).map_err(unreadable(path))?);
    for (index, line) in file.lines().enumerate() {
        let line = line.map_err(unreadable(path))?;
        let place = Place::Line(index as u64 + 1);
        let line = line.trim_start_matches('\u{feff}');
        if !line.trim().is_empty() {
            take(place, row(Line { path, place }, line, columns)?)?;
        }
    }
    Ok(())
}

#[derive(Clone, Copy)]
struct Line<'a> {
    path: &'a Path,
    place: Place,
}

fn row(at: Line<'_>, line: &str, columns: &ColumnMap) -> Result<RawRow, DataError> {
    let value: Value = serde_json::from_str(line).map_err(|error| DataError::BrokenJson {
        path: at.path.into(),
        place: at.place,
        at: error.column(),
        reason: error.to_string(),
    })?;
    let Value::Object(object) = &value else {
        let found = kind(&value);
        return Err(DataError::NotAnObject { path: at.path.into(), place: at.place, found });
    };
    let texts = columns.text.iter().map(|name| text(at, object, name)).collect::<Result<_, _>>()?;
    let key = |name: &String| Ok(labels(at, object, name)?.concat());
    Ok(RawRow {
        texts,
        labels: labels(at, object, &columns.label)?,
        key: columns.key.as_ref().map(key).transpose()?,
    })
}

fn column<'a>(
    at: Line<'_>,
    object: &'a Map<String, Value>,
    name: &str,
) -> Result<&'a Value, DataError> {
    object.get(name).ok_or_else(|| {
        let found: Vec<String> = object.keys().cloned().collect();
        missing(at.path, at.place, name, &found)
    })
}

fn text(at: Line<'_>, object: &Map<String, Value>, name: &str) -> Result<String, DataError> {
    match column(at, object, name)? {
        Value::String(text) => Ok(text.clone()),
        Value::Null => Ok(String::new()),
        other => Err(wrong_type(at, name, other, "a string")),
    }
}

fn labels(at: Line<'_>, object: &Map<String, Value>, name: &str) -> Result<Vec<String>, DataError> {
    let one = |value: &Value| match value {
        Value::String(label) => Ok(label.clone()),
        Value::Number(number) if !number.is_f64() => Ok(number.to_string()),
        other => Err(wrong_type(at, name, other, "a string, an integer or a list of them")),
    };
    match column(at, object, name)? {
        Value::Null => Ok(Vec::new()),
        Value::Array(values) => values.iter().map(one).collect(),
        value => Ok(vec![one(value)?]),
    }
}

fn wrong_type(at: Line<'_>, name: &str, found: &Value, expected: &'static str) -> DataError {
    DataError::WrongType {
        path: at.path.into(),
        place: at.place,
        column: name.into(),
        found: kind(found).into(),
        expected,
    }
}
