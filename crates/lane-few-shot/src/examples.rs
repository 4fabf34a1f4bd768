//! Which training rows are shown to the model, in which order, and with which label.
//!
//! Each run draws its own rows. Exactly `⌊wrong_share · shots⌋` of them get a label drawn evenly
//! from the other classes, as `lane noise --kind uniform` does it. The truth a label is wrong
//! against is the row's gold label, or the given one where the file has no gold column. Without a
//! `wrong_share` every row keeps its given label, right or wrong.
//!
//! | stream | index | decides |
//! |---|---|---|
//! | `few-shot/rows` | run | the rows |
//! | `few-shot/wrong` | run | which get a wrong label, and which one |
//! | `few-shot/order` | run | the order in the prompt |

use lane_data::noise::{self, NoiseConfig, NoiseInput, NoiseKind};
use lane_data::{Dataset, sample, seed};
use lane_metrics::{ClassId, RowId};
use serde::{Deserialize, Serialize};

use crate::error::FewShotError;

/// How rows are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// Every row alike.
    #[default]
    Uniform,
    /// As many of each class as can be; classes that run out leave their places to the others.
    Stratified,
}

/// Examples of a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExampleConfig {
    /// How many.
    pub shots: usize,
    /// How they are drawn.
    pub sampling: Sampling,
    /// Share of them to mislabel, 0 to 1; none shows the given labels as they are.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub wrong_share: Option<f64>,
}

/// One example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shot {
    /// Its row in the training file.
    pub row: RowId,
    /// Its label as far as is known.
    pub truth: ClassId,
    /// The label it is shown with.
    pub shown: ClassId,
}

impl Shot {
    /// Whether it is shown with a wrong label.
    pub fn is_wrong(&self) -> bool {
        self.shown != self.truth
    }
}

/// The examples of one run, in the order of the prompt; a function of the arguments alone.
///
/// # Errors
///
/// [`FewShotError::Setting`] for more shots than rows; [`FewShotError::Data`] for a share outside
/// 0..=1.
pub fn draw(
    train: &Dataset,
    config: &ExampleConfig,
    seed: u64,
    run: u32,
) -> Result<Vec<Shot>, FewShotError> {
    let n_rows = train.n_rows();
    if n_rows < config.shots {
        let expected = format!("at most the {n_rows} rows of the training file");
        return Err(FewShotError::setting("shots", config.shots, expected));
    }
    let stream = |name| seed::stream(seed, name, &[u64::from(run)]);
    let rows = match config.sampling {
        Sampling::Uniform => sample::rows(n_rows, config.shots, stream("few-shot/rows")),
        Sampling::Stratified => stratified(train, config.shots, stream("few-shot/rows")),
    };
    let truth: Vec<ClassId> = rows.iter().map(|row| truth_of(train, *row)).collect();
    let shown = match config.wrong_share {
        None => rows.iter().map(|row| train.examples[row.index()].label).collect(),
        Some(share) => {
            let noise = NoiseConfig::new(NoiseKind::Uniform, share);
            let seed = stream("few-shot/wrong");
            noise::inject(&truth, train.n_classes(), &noise, seed, NoiseInput::default())?.labels
        }
    };
    let order = sample::permutation(rows.len(), stream("few-shot/order"));
    let shot = |at: usize| Shot { row: rows[at], truth: truth[at], shown: shown[at] };
    Ok(order.into_iter().map(|it| shot(it.index())).collect())
}

fn truth_of(train: &Dataset, row: RowId) -> ClassId {
    let example = &train.examples[row.index()];
    example.gold.unwrap_or(example.label)
}

/// Round after round a row of every class, until there are enough.
fn stratified(train: &Dataset, shots: usize, seed: u64) -> Vec<RowId> {
    let mut of_class = vec![Vec::new(); train.n_classes()];
    for row in sample::permutation(train.n_rows(), seed) {
        of_class[truth_of(train, row).index()].push(row);
    }
    // Whoever gets one example more than the others is left to chance, not to the alphabet.
    let turns = sample::permutation(train.n_classes(), seed);
    let mut rows = Vec::with_capacity(shots);
    for round in 0..train.n_rows() {
        let next = turns.iter().filter_map(|class| of_class[class.index()].get(round));
        rows.extend(next.take(shots - rows.len()));
        if rows.len() == shots {
            break;
        }
    }
    rows
}

#[cfg(test)]
mod tests;
