//! One line of an epoch, checked by itself.

use std::path::Path;

use lane_data::MAX_CLASSES;
use lane_data::shown::list;
use lane_metrics::ClassId;
use serde_json::{Map, Value};

use super::lines;
use crate::exchange::error::{ExchangeError, Fault};

/// A row as one epoch saw it.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Line of the file, from 1.
    pub(super) number: u64,
    pub(super) id: String,
    pub(super) gold: ClassId,
    pub(super) logits: Vec<f32>,
    epoch: u32,
}

/// All lines of an epoch's file.
pub(super) fn all(path: &Path, epoch: u32) -> Result<Vec<Line>, ExchangeError> {
    let parse = |(number, bytes): (u64, Vec<u8>)| {
        Line::parse(&bytes, number, epoch).map_err(|fault| ExchangeError::line(path, number, fault))
    };
    let all: Vec<Line> = lines(path)?.into_iter().map(parse).collect::<Result<_, _>>()?;
    if all.is_empty() {
        return Err(ExchangeError::NoRows { path: path.into() });
    }
    Ok(all)
}

impl Line {
    /// The name of the field of logits.
    pub(super) fn field(&self) -> String {
        format!("logits_epoch_{}", self.epoch)
    }

    fn parse(bytes: &[u8], number: u64, epoch: u32) -> Result<Self, Fault> {
        let object = object(bytes, epoch)?;
        let id = match get(&object, "guid")? {
            Value::String(id) => id.trim().to_owned(),
            Value::Number(id) if id.is_i64() || id.is_u64() => id.to_string(),
            other => return Err(wrong("guid", other, "a string or an integer")),
        };
        if id.is_empty() {
            return Err(Fault::EmptyId { field: "guid".into() });
        }
        let logits = logits(&object, &format!("logits_epoch_{epoch}"))?;
        let gold = get(&object, "gold")?;
        let class = gold.as_i64().map(i128::from).or_else(|| gold.as_u64().map(i128::from));
        let Some(class) = class else { return Err(wrong("gold", gold, "an integer")) };
        let known = u16::try_from(class).ok().filter(|gold| usize::from(*gold) < logits.len());
        let Some(gold) = known else {
            let (gold, n_classes) = (class.to_string(), logits.len());
            return Err(Fault::GoldOutOfRange { gold, n_classes });
        };
        Ok(Self { number, id, gold: ClassId(gold), logits, epoch })
    }
}

fn object(bytes: &[u8], epoch: u32) -> Result<Map<String, Value>, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|_| Fault::NotUtf8)?;
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => Err(Fault::NotAnObject { found: kind(&other) }),
        Err(error) => Err(not_json(text, &error, epoch)),
    }
}

/// Python writes what is no number as `NaN` and `Infinity`, which JSON does not know.
fn not_json(text: &str, error: &serde_json::Error, epoch: u32) -> Fault {
    let at = error.column();
    let rest = text.get(at.saturating_sub(1)..).unwrap_or_default().trim_start_matches('-');
    if let Some(word) = ["NaN", "Infinity"].into_iter().find(|word| rest.starts_with(word)) {
        return Fault::NotFinite { field: format!("logits_epoch_{epoch}"), found: word.into() };
    }
    let message = error.to_string();
    let reason = match message.split(" at line ").next().unwrap_or(&message) {
        "recursion limit exceeded" => "nested more than 127 levels deep".into(),
        reason => reason.into(),
    };
    Fault::BrokenJson { at, reason }
}

fn logits(object: &Map<String, Value>, field: &str) -> Result<Vec<f32>, Fault> {
    let value = get(object, field)?;
    let Value::Array(list) = value else { return Err(wrong(field, value, "a list of numbers")) };
    if MAX_CLASSES < list.len() {
        return Err(Fault::TooManyClasses { field: field.into(), n_found: list.len() });
    }
    if list.len() < 2 {
        return Err(Fault::TooFewClasses { field: field.into(), n_found: list.len() });
    }
    list.iter()
        .map(|item| {
            let Some(logit) = item.as_f64() else {
                return Err(wrong(field, item, "a list of numbers"));
            };
            let logit = logit as f32;
            if !logit.is_finite() {
                return Err(Fault::NotFinite { field: field.into(), found: item.to_string() });
            }
            Ok(logit)
        })
        .collect()
}

fn get<'a>(object: &'a Map<String, Value>, field: &str) -> Result<&'a Value, Fault> {
    object.get(field).ok_or_else(|| {
        let found: Vec<String> = object.keys().cloned().collect();
        Fault::MissingField { field: field.into(), found: list(&found) }
    })
}

fn wrong(field: &str, found: &Value, expected: &'static str) -> Fault {
    Fault::WrongType { field: field.into(), found: kind(found).into(), expected }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
