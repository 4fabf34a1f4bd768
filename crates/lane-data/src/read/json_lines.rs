//! JSONL: one object a line, its keys the column names.
//!
//! Blank lines are skipped. A key stands once in its object. A label or an id is a string or an integer, a text a string.

use std::borrow::Cow;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::Source;
use super::collect::{Row, RowSink};
use crate::columns::{Chosen, Want};
use crate::error::DataError;
use crate::place::Place;
use crate::shown;

type Object = Map<String, Value>;

pub(super) fn rows(
    source: Source<'_>,
    bytes: &[u8],
    sink: &mut dyn RowSink,
) -> Result<(), DataError> {
    let mut first: Option<(Place, Chosen)> = None;
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let place = Place::Line(index as u64 + 1);
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let object = object(source, place, line)?;
        let (first_place, chosen) = match &mut first {
            Some(known) => known,
            none => none.insert((place, choose(source, place, &object)?)),
        };
        check_optional(source, place, *first_place, &object, chosen)?;
        push(source, place, &object, chosen, sink)?;
    }
    Ok(())
}

fn object(source: Source<'_>, place: Place, line: &[u8]) -> Result<Object, DataError> {
    let path = source.path;
    let text = std::str::from_utf8(line).map_err(|err| DataError::NotUtf8 {
        path: path.into(),
        place,
        column: format!("unknown (character {})", err.valid_up_to() + 1),
        byte: line.get(err.valid_up_to()).copied().unwrap_or_default(),
    })?;
    if text.trim_start().starts_with('{') {
        let object: Result<Distinct, _> = serde_json::from_str(text);
        return object.map(|it| it.0).map_err(|err| broken(path, place, &err));
    }
    match serde_json::from_str::<Value>(text) {
        Ok(other) => Err(DataError::NotAnObject { path: path.into(), place, found: kind(&other) }),
        Err(_) if text.trim() == "[" => {
            Err(DataError::NotAnObject { path: path.into(), place, found: "an array" })
        }
        Err(err) => Err(broken(path, place, &err)),
    }
}

fn broken(path: &Path, place: Place, err: &serde_json::Error) -> DataError {
    let (at, reason) = (err.column(), without_position(&err.to_string()));
    DataError::BrokenJson { path: path.into(), place, at, reason }
}

/// An object with each key once; of a key that stands twice, `serde_json` alone keeps the last.
struct Distinct(Object);

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Distinct;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Distinct, A::Error> {
                let mut object = Object::new();
                while let Some(key) = map.next_key::<String>()? {
                    if object.contains_key(&key) {
                        let reason = format!("key `{}` stands there twice", shown::shown(&key));
                        return Err(serde::de::Error::custom(reason));
                    }
                    object.insert(key, map.next_value()?);
                }
                Ok(Distinct(object))
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

/// The parser saw one line only, so its "line 1" would mislead.
fn without_position(message: &str) -> String {
    match message.split(" at line ").next().unwrap_or(message) {
        "recursion limit exceeded" => "nested more than 127 levels deep".into(),
        reason => reason.into(),
    }
}

fn choose(source: Source<'_>, place: Place, object: &Object) -> Result<Chosen, DataError> {
    let found: Vec<String> = object.keys().cloned().collect();
    source.columns.choose(source.want, source.path, place, &found)
}

/// A `gold` or `id` that turns up after the first row would otherwise be lost in silence.
fn check_optional(
    source: Source<'_>,
    place: Place,
    first: Place,
    object: &Object,
    chosen: &Chosen,
) -> Result<(), DataError> {
    let labelled = source.want == Want::Labelled;
    for (name, absent) in [("gold", labelled && chosen.gold.is_none()), ("id", chosen.id.is_none())]
    {
        if absent && object.contains_key(name) {
            let (path, column) = (source.path.into(), name.into());
            return Err(DataError::UnevenColumn { path, place, column, first });
        }
    }
    Ok(())
}

fn push(
    source: Source<'_>,
    place: Place,
    object: &Object,
    chosen: &Chosen,
    sink: &mut dyn RowSink,
) -> Result<(), DataError> {
    let value = |column: &str| {
        object.get(column).ok_or_else(|| DataError::MissingColumn {
            path: source.path.into(),
            place,
            column: column.into(),
            found: object.keys().cloned().collect(),
        })
    };
    let wrong = |column: &str, found: &Value, expected| DataError::WrongType {
        path: source.path.into(),
        place,
        column: column.into(),
        found: shown(found),
        expected,
    };
    let name = |column: &Option<String>| {
        let Some(column) = column else { return Ok(None) };
        let value = value(column)?;
        let name = name_of(value);
        name.map(Some).ok_or_else(|| wrong(column, value, "a string or an integer"))
    };
    let text = match value(&chosen.text)? {
        Value::String(text) => text.as_str(),
        // Refused as an empty text by the collector, like an empty CSV field.
        Value::Null => "",
        other => return Err(wrong(&chosen.text, other, "a string")),
    };
    let (label, gold, id) = (name(&chosen.label)?, name(&chosen.gold)?, name(&chosen.id)?);
    let (label, gold, id) = (label.as_deref(), gold.as_deref(), id.as_deref());
    sink.push(chosen, Row { place, text, label, gold, id })
}

/// A label or an id; a null is an empty one, which the collector refuses.
fn name_of(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(name) => Some(Cow::Borrowed(name)),
        Value::Number(number) if number.is_i64() || number.is_u64() => {
            Some(Cow::Owned(number.to_string()))
        }
        Value::Null => Some(Cow::Borrowed("")),
        _ => None,
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Number(number) => format!("the number {number}"),
        Value::Bool(truth) => truth.to_string(),
        other => kind(other).into(),
    }
}

/// What a JSON value is called in messages.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
