//! What is read from a run's `result.json` and `record.json`.
//!
//! A value that is not there stays blank: without gold labels there is nothing to detect, and not
//! every method keeps every average.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

/// A number of a run: its name in `cells.csv` and where it stands in `result.json` (JSON pointers,
/// the first that is there counts).
#[derive(Debug)]
pub(super) struct Metric {
    pub(super) name: &'static str,
    pointers: &'static [&'static str],
}

/// All numbers kept of a run, test split unless said otherwise; fractions, `seconds` apart.
pub(super) const METRICS: &[Metric] = &[
    Metric { name: "accuracy", pointers: &["/best/test/accuracy", "/accuracy"] },
    Metric { name: "accuracy_final", pointers: &["/final/test/accuracy"] },
    Metric { name: "micro_f1", pointers: &["/best/test/micro_f1", "/micro_f1"] },
    Metric { name: "micro_f1_final", pointers: &["/final/test/micro_f1"] },
    Metric { name: "macro_f1", pointers: &["/best/test/macro_f1", "/macro_f1"] },
    Metric { name: "macro_f1_final", pointers: &["/final/test/macro_f1"] },
    Metric { name: "weighted_f1", pointers: &["/best/test/weighted_f1", "/weighted_f1"] },
    Metric { name: "weighted_f1_final", pointers: &["/final/test/weighted_f1"] },
    Metric {
        name: "balanced_accuracy",
        pointers: &["/best/test/balanced_accuracy", "/balanced_accuracy"],
    },
    Metric { name: "average_precision", pointers: &["/detection/average_precision"] },
    Metric { name: "average_precision_aum", pointers: &["/detection/by/aum/average_precision"] },
    Metric { name: "average_precision_alm", pointers: &["/detection/by/alm/average_precision"] },
    Metric { name: "auroc", pointers: &["/detection/auroc"] },
    Metric { name: "detection_precision", pointers: &["/detection/precision"] },
    Metric { name: "detection_recall", pointers: &["/detection/recall"] },
    Metric { name: "detection_f1", pointers: &["/detection/f1"] },
    Metric { name: "detection_balanced_accuracy", pointers: &["/detection/balanced_accuracy"] },
    Metric { name: "confident_learning_f1", pointers: &["/detection/confident_learning/both/f1"] },
    Metric {
        name: "confident_learning_balanced_accuracy",
        pointers: &["/detection/confident_learning/both/balanced_accuracy"],
    },
    Metric {
        name: "confident_learning_precision",
        pointers: &["/detection/confident_learning/both/precision"],
    },
    Metric {
        name: "confident_learning_recall",
        pointers: &["/detection/confident_learning/both/recall"],
    },
    Metric {
        name: "confident_learning_average_precision",
        pointers: &["/detection/confident_learning/average_precision"],
    },
    Metric { name: "best_epoch", pointers: &["/best/epoch"] },
    Metric { name: "final_epoch", pointers: &["/final/epoch"] },
    Metric { name: "validation_accuracy", pointers: &["/best/validation/accuracy"] },
    Metric { name: "seconds", pointers: &["/record/seconds"] },
    Metric { name: "peak_memory_bytes", pointers: &["/record/peak_memory_bytes"] },
];

/// Words kept of a run, as [`METRICS`] keeps numbers: what made it, where, and out of what.
pub(super) const ORIGINS: &[(&str, &str)] = &[
    ("version", "/record/program/version"),
    ("revision", "/record/program/revision"),
    ("dirty", "/record/program/dirty"),
    ("compiler", "/record/program/compiler"),
    ("burn", "/record/program/burn"),
    ("system", "/record/machine/system"),
    ("processor", "/record/machine/processor"),
    ("cores", "/record/machine/cores"),
    ("device", "/record/device"),
    ("threads", "/record/threads"),
    ("encoder", "/record/encoder"),
    ("train_sha256", "/record/sha256/train"),
    ("validation_sha256", "/record/sha256/validation"),
    ("test_sha256", "/record/sha256/test"),
];

/// Accuracy after one epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Epoch {
    /// From 1 in the training that counts; methods that train twice go on counting in the file.
    pub(super) number: u64,
    pub(super) test: Option<f64>,
    pub(super) validation: Option<f64>,
}

/// One number for each of [`METRICS`], a word for each of [`ORIGINS`], and the learning curve.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RunResult {
    pub(super) values: Vec<Option<f64>>,
    pub(super) origins: Vec<Option<String>>,
    pub(super) epochs: Vec<Epoch>,
}

impl RunResult {
    /// Reads `result.json` and, for the time it took, `record.json` if that is there.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let mut json = read_json(&folder.join("result.json"))?;
        let record = folder.join("record.json");
        if record.exists() {
            json["record"] = read_json(&record)?;
            json["record"]["sha256"] = hashes(&json["record"]);
        }
        Ok(Self::of(&json))
    }

    /// The numbers of a result.
    pub(super) fn of(json: &Value) -> Self {
        let value = |metric: &Metric| {
            metric.pointers.iter().find_map(|pointer| json.pointer(pointer)?.as_f64())
        };
        let origin = |(_, pointer): &(&str, &str)| json.pointer(pointer).and_then(word);
        Self {
            values: METRICS.iter().map(value).collect(),
            origins: ORIGINS.iter().map(origin).collect(),
            epochs: epochs(json),
        }
    }

    /// What is known of where it comes from.
    pub(super) fn origin(&self, name: &str) -> Option<&str> {
        let at = ORIGINS.iter().position(|(known, _)| *known == name)?;
        self.origins[at].as_deref()
    }

    pub(super) fn get(&self, name: &str) -> Option<f64> {
        let at = METRICS.iter().position(|metric| metric.name == name)?;
        self.values[at]
    }

    /// The two numbers worth a progress line.
    pub(super) fn headline(&self) -> String {
        let shown = |name| self.get(name).map_or_else(|| "–".to_owned(), |it| format!("{it:.3}"));
        format!("accuracy {}, average precision {}", shown("accuracy"), shown("average_precision"))
    }
}

/// A string as it is, a number or a truth value as JSON writes it.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// The hashes of the data, by split.
fn hashes(record: &Value) -> Value {
    let listed = record["data"].as_array().map_or(&[][..], Vec::as_slice);
    let hash = |file: &Value| Some((file["split"].as_str()?.to_owned(), file["sha256"].clone()));
    Value::Object(listed.iter().filter_map(hash).collect())
}

fn epochs(json: &Value) -> Vec<Epoch> {
    let listed = json["epochs"].as_array().map_or(&[][..], Vec::as_slice);
    let first = listed.first().and_then(|epoch| epoch["epoch"].as_u64()).unwrap_or(1);
    let epoch = |epoch: &Value| {
        Some(Epoch {
            number: (epoch["epoch"].as_u64()? + 1).checked_sub(first)?,
            test: epoch["test"]["accuracy"].as_f64(),
            validation: epoch["validation"]["accuracy"].as_f64(),
        })
    };
    listed.iter().filter_map(epoch).collect()
}

fn read_json(path: &Path) -> Result<Value> {
    let text =
        fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("failed to parse {}", path.display()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_best_epoch_the_final_one_and_detection_are_told_apart() {
        let result = RunResult::of(&json!({
            "accuracy": 0.5,
            "best": {"epoch": 3, "test": {"accuracy": 0.9}},
            "final": {"epoch": 12, "test": {"accuracy": 0.7}},
            "detection": {"average_precision": 0.8, "by": {"aum": {"average_precision": 0.6}, "alm": null}},
        }));
        assert_eq!(result.get("accuracy"), Some(0.9));
        assert_eq!(result.get("accuracy_final"), Some(0.7));
        assert_eq!(result.get("average_precision_aum"), Some(0.6));
        assert_eq!(result.get("average_precision_alm"), None);
        assert_eq!(result.get("final_epoch"), Some(12.0));
        assert_eq!(result.headline(), "accuracy 0.900, average precision 0.800");
    }

    #[test]
    fn an_empty_result_is_all_blanks() {
        let result = RunResult::of(&json!({}));
        assert!(result.values.iter().all(Option::is_none));
        assert_eq!(result.headline(), "accuracy –, average precision –");
    }

    #[test]
    fn the_top_level_stands_in_for_a_best_epoch_that_is_not_given() {
        assert_eq!(RunResult::of(&json!({"accuracy": 0.5})).get("accuracy"), Some(0.5));
    }

    #[test]
    fn a_second_training_counts_its_epochs_from_one() {
        let result = RunResult::of(&json!({"epochs": [
            {"epoch": 21, "test": {"accuracy": 0.5}, "validation": {"accuracy": 0.4}},
            {"epoch": 22, "test": {"accuracy": 0.6}},
        ]}));
        let first = Epoch { number: 1, test: Some(0.5), validation: Some(0.4) };
        let second = Epoch { number: 2, test: Some(0.6), validation: None };
        assert_eq!(result.epochs, [first, second]);
    }

    #[test]
    fn what_made_a_run_is_kept_in_words() {
        let program = json!({"version": "lane 0.1.0", "revision": "abc", "dirty": true});
        let result = RunResult::of(&json!({"record": {"program": program, "threads": 2}}));
        assert_eq!(result.origin("dirty"), Some("true"));
        assert_eq!((result.origin("threads"), result.origin("encoder")), (Some("2"), None));
    }

    #[test]
    fn names_of_numbers_are_unique() {
        let mut names: Vec<_> = METRICS.iter().map(|metric| metric.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), METRICS.len());
    }
}
