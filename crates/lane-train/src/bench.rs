//! How fast this build is on this machine: training steps and embeddings, timed.
//!
//! What is timed are the functions that training and embedding themselves run, so a figure here is
//! the price of a step there. Reading files, opening an encoder and warming up are not timed.
//! `fixtures/reference/bench.py` measures the same with PyTorch and prints the same keys.

mod batches;
pub mod embed;
mod network;
pub mod step;

use std::time::Duration;

use lane_models::BertConfig;
pub use lane_models::{Kernels, Parts};
use serde::Serialize;

use crate::error::TrainError;

pub use self::embed::{EmbedReport, EmbedRequest};
pub use self::step::{StepReport, StepRequest};

/// A network of known size with random weights, so that nothing has to be downloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// all-MiniLM-L6-v2: 6 layers, 384 wide, 12 heads.
    Minilm,
    /// bert-base-uncased: 12 layers, 768 wide, 12 heads.
    BertBase,
}

impl Shape {
    /// Every shape.
    pub const ALL: &'static [Self] = &[Self::Minilm, Self::BertBase];

    /// The name used in commands and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Minilm => "minilm",
            Self::BertBase => "bert-base",
        }
    }

    fn config(self) -> BertConfig {
        match self {
            Self::Minilm => BertConfig {
                hidden_size: 384,
                num_hidden_layers: 6,
                intermediate_size: 1536,
                ..BertConfig::default()
            },
            Self::BertBase => BertConfig::default(),
        }
    }
}

impl std::str::FromStr for Shape {
    type Err = TrainError;

    fn from_str(name: &str) -> Result<Self, TrainError> {
        let found = Self::ALL.iter().copied().find(|shape| shape.as_str() == name);
        found.ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|shape| shape.as_str()).collect();
            TrainError::setting("--shape", name, format!("one of {}", known.join(", ")))
        })
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// The middle value, the mean of the middle two of an even number; 0 of none.
fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        n if n.is_multiple_of(2) => f64::midpoint(values[middle - 1], values[middle]),
        _ => values[middle],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_whatever_the_order() {
        assert_eq!(median([3.0, 1.0, 2.0]).to_bits(), 2.0_f64.to_bits());
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]).to_bits(), 2.5_f64.to_bits());
        assert_eq!(median([]).to_bits(), 0.0_f64.to_bits());
    }

    #[test]
    fn names_of_shapes_lead_back_and_others_are_refused_with_those_there_are() {
        for shape in Shape::ALL {
            assert_eq!(shape.as_str().parse::<Shape>().unwrap(), *shape);
        }
        let refused = "bert-large".parse::<Shape>().unwrap_err();
        assert_eq!(
            refused.to_string(),
            "`--shape` is bert-large, expected one of minilm, bert-base"
        );
        assert!(refused.is_usage());
    }
}
