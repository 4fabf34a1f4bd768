//! Whether the two sides did the same work; a fast bench that computes something else is no bench.
//!
//! Compared is what both report: parameters, rows, tokens of every step, the checksum of embeddings
//! (1e-4: different kernels add in different orders), and the mean loss (a quarter: the heads are
//! drawn from different generators). A key that either side lacks is passed over.

use anyhow::{Result, ensure};
use serde_json::Value;

use super::contender::Sample;

const SAME_LOSS: f64 = 0.25;
const SAME_EMBEDDING: f64 = 1e-4;

/// Refuses a round in which the sides did not do the same.
pub(super) fn check(ours: &Sample, theirs: &Sample) -> Result<()> {
    let (ours, theirs) = (&ours.report, &theirs.report);
    for key in ["n_parameters", "batch_size", "width", "n_rows", "n_tokens", "dropout"] {
        let [a, b] = [&ours[key], &theirs[key]].map(Value::as_f64);
        near(key, a, b, 0.0)?;
    }
    let tokens = |report: &Value| of_steps(report, "n_tokens");
    for (number, (a, b)) in tokens(ours).into_iter().zip(tokens(theirs)).enumerate() {
        near(&format!("n_tokens of step {}", number + 1), Some(a), Some(b), 0.0)?;
    }
    near("mean loss", mean_loss(ours), mean_loss(theirs), SAME_LOSS)?;
    let sums = [ours, theirs].map(|report| &report["checksum"]);
    near("mean of embeddings", sums[0]["mean"].as_f64(), sums[1]["mean"].as_f64(), SAME_EMBEDDING)?;
    for at in 0..4 {
        let [a, b] = sums.map(|sum| sum["first"][at].as_f64());
        near("first embedding", a, b, SAME_EMBEDDING)?;
    }
    Ok(())
}

fn near(what: &str, ours: Option<f64>, theirs: Option<f64>, within: f64) -> Result<()> {
    if let (Some(ours), Some(theirs)) = (ours, theirs) {
        let same = (ours - theirs).abs() <= within;
        ensure!(same, "the sides did not do the same: {what} is {ours}, the rival's {theirs}");
    }
    Ok(())
}

fn of_steps(report: &Value, key: &str) -> Vec<f64> {
    let steps = report["steps"].as_array().map_or(&[][..], Vec::as_slice);
    steps.iter().filter_map(|step| step[key].as_f64()).collect()
}

fn mean_loss(report: &Value) -> Option<f64> {
    let losses = of_steps(report, "loss");
    (!losses.is_empty()).then(|| losses.iter().sum::<f64>() / losses.len() as f64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn refused(ours: &Value, theirs: &Value) -> Option<String> {
        let sample = |report: &Value| Sample {
            ms: Vec::new(),
            peak_memory_bytes: None,
            report: report.clone(),
            command: String::new(),
        };
        check(&sample(ours), &sample(theirs)).err().map(|error| error.to_string())
    }

    #[test]
    fn the_same_work_passes_and_so_does_what_is_not_told() {
        let ours = json!({"n_parameters": 7, "steps": [{"loss": 1.38, "n_tokens": 64}]});
        let theirs = json!({"n_parameters": 7, "steps": [{"loss": 1.45, "n_tokens": 64}]});
        assert_eq!(refused(&ours, &theirs), None);
        assert_eq!(refused(&ours, &json!({"ms": 1.0})), None);
    }

    #[test]
    fn other_work_is_named_with_both_figures() {
        let ours = json!({"steps": [{"loss": 1.0, "n_tokens": 64}]});
        let fewer = refused(&ours, &json!({"steps": [{"loss": 1.0, "n_tokens": 32}]})).unwrap();
        assert!(fewer.ends_with("n_tokens of step 1 is 64, the rival's 32"), "{fewer}");
        let worse = refused(&ours, &json!({"steps": [{"loss": 2.0, "n_tokens": 64}]})).unwrap();
        assert!(worse.ends_with("mean loss is 1, the rival's 2"), "{worse}");
        let sums = |mean: f64| json!({"checksum": {"mean": mean, "first": [0.0, 0.0]}});
        assert!(refused(&sums(0.5), &sums(0.500_01)).is_none());
        assert!(refused(&sums(0.5), &sums(0.501)).unwrap().contains("mean of embeddings"));
    }
}
