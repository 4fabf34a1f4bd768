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
    Metric { name: "weighted_f1", pointers: &["/best/test/weighted_f1", "/weighted_f1"] },
    Metric { name: "weighted_f1_final", pointers: &["/final/test/weighted_f1"] },
    Metric { name: "macro_f1", pointers: &["/best/test/macro_f1", "/macro_f1"] },
    Metric { name: "macro_f1_final", pointers: &["/final/test/macro_f1"] },
    Metric { name: "micro_f1", pointers: &["/best/test/micro_f1", "/micro_f1"] },
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
    Metric { name: "best_epoch", pointers: &["/best/epoch"] },
    Metric { name: "final_epoch", pointers: &["/final/epoch"] },
    Metric { name: "validation_accuracy", pointers: &["/best/validation/accuracy"] },
    Metric { name: "seconds", pointers: &["/record/seconds"] },
];

/// One number for each of [`METRICS`].
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RunResult {
    pub(super) values: Vec<Option<f64>>,
}

impl RunResult {
    /// Reads `result.json` and, for the time it took, `record.json` if that is there.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let mut json = read_json(&folder.join("result.json"))?;
        let record = folder.join("record.json");
        if record.exists() {
            json["record"] = read_json(&record)?;
        }
        Ok(Self::of(&json))
    }

    /// The numbers of a result.
    pub(super) fn of(json: &Value) -> Self {
        let value = |metric: &Metric| {
            metric.pointers.iter().find_map(|pointer| json.pointer(pointer)?.as_f64())
        };
        Self { values: METRICS.iter().map(value).collect() }
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
    fn names_of_numbers_are_unique() {
        let mut names: Vec<_> = METRICS.iter().map(|metric| metric.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), METRICS.len());
    }
}
