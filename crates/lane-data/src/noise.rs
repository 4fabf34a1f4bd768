//! Label noise, injected on purpose, so that what a method finds can be checked.
//!
//! ```text
//! uniform            exactly ⌊rN⌋ rows, each to a uniformly drawn other class      realised r
//! uniform-bernoulli  each row with probability r to a uniformly drawn other class  realised ≈ r
//! uniform-inclusive  exactly ⌊rN⌋ rows, each to a class drawn from all C           realised ≈ r(C−1)/C
//! shuffle            labels of ⌊rN⌋ rows permuted among themselves                 realised ≈ r(1 − Σ π_c²)
//! pairwise           c → (c+1) mod C with probability r                            realised ≈ r
//! class-conditional  drawn from row y of a given row-stochastic T                  realised ≈ Σ π_c (1 − T_cc)
//! instance           drawn from probabilities that depend on the features          realised ≈ mean q
//! ```
//!
//! N rows, C classes, π the class shares. Noise goes into the training split only; validation
//! and test data stay as they are. The published description ("randomly shuffle the labels of
//! 20 %", also "20 % of the labels are flipped") fits two rules: `uniform` is the default,
//! `shuffle` the literal reading.
//!
//! `uniform-inclusive` follows the `DivideMix` and UNICON code, which fixes the number of rows
//! drawn; its matrix in [`transition`] is the law of one label.
//! `instance`: Xia et al., *Part-dependent Label Noise*, NeurIPS 2020; see [`instance`].

pub mod instance;
mod kind;
pub mod sampling;
pub mod transition;

use lane_metrics::ClassId;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

pub use self::kind::NoiseKind;
pub use self::transition::Transition;
use crate::error::DataError;
use crate::label_set::MAX_CLASSES;
use crate::{sample, seed};

/// Which noise, and how much.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoiseConfig {
    /// The rule.
    pub kind: NoiseKind,
    /// Part of the rows, 0.0..=1.0. For `class-conditional` the matrix decides instead.
    pub rate: f64,
    /// Standard deviation of the flip probabilities of `instance`; 0.1 in Xia et al. 2020.
    #[serde(default = "default_spread")]
    pub instance_spread: f64,
}

fn default_spread() -> f64 {
    instance::SPREAD
}

impl NoiseConfig {
    /// This rule at this rate, everything else as published.
    pub fn new(kind: NoiseKind, rate: f64) -> Self {
        Self { kind, rate, instance_spread: instance::SPREAD }
    }
}

/// What some kinds need beside the labels.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoiseInput<'a> {
    /// For `class-conditional`: row y is the distribution of the new label given label y.
    pub transition: Option<&'a Transition>,
    /// For `instance`: row-major features and their width, shape `[n_rows, width]`.
    pub features: Option<(&'a [f32], usize)>,
}

/// Labels after the noise, and what is to be known about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Injection {
    /// The rule.
    pub kind: NoiseKind,
    /// The seed.
    pub seed: u64,
    /// The new labels, in row order.
    pub labels: Vec<ClassId>,
    /// Whether the new label differs from the old one, in row order.
    pub flipped: Vec<bool>,
    /// The rate asked for; for `class-conditional` the part of these rows that the
    /// matrix flips on average.
    pub requested_rate: f64,
    /// Part of the rows that are flipped.
    pub realised_rate: f64,
    /// Classes that had rows before the noise and have none after it.
    pub emptied: Vec<ClassId>,
    /// What a person should know: the emptied classes, by number.
    pub warnings: Vec<String>,
}

impl Injection {
    /// How many rows have another label than before.
    pub fn n_flipped(&self) -> usize {
        self.flipped.iter().filter(|flipped| **flipped).count()
    }
}

/// Change `labels` by the rule of `config`; a function of the arguments alone.
///
/// # Errors
///
/// [`DataError::TooFewClasses`] below 2 classes, [`DataError::TooManyLabels`] above the most that
/// ids can number, [`DataError::Rate`] for a rate outside 0..=1
/// or not a number, [`DataError::LabelOutOfRange`] on the first label that names no class,
/// [`DataError::MissingInput`] if the kind needs what `input` lacks, and the errors of
/// [`instance`] and [`transition`] for unusable input.
pub fn inject(
    labels: &[ClassId],
    n_classes: usize,
    config: &NoiseConfig,
    seed: u64,
    input: NoiseInput<'_>,
) -> Result<Injection, DataError> {
    check(labels, n_classes, config.rate)?;
    let job = Job { labels, n_classes, rate: config.rate, seed };
    let mut requested_rate = config.rate;
    let noisy = match config.kind {
        NoiseKind::Uniform => job.uniform(),
        NoiseKind::UniformInclusive => job.uniform_inclusive(),
        NoiseKind::Shuffle => job.shuffle(),
        NoiseKind::UniformBernoulli => job.drawn(&Transition::uniform(config.rate, n_classes)?),
        NoiseKind::Pairwise => job.drawn(&Transition::pairwise(config.rate, n_classes)?),
        NoiseKind::ClassConditional => {
            let matrix = input.transition.ok_or_else(|| missing(config.kind, "a matrix"))?;
            matrix.check_classes(n_classes)?;
            requested_rate = matrix.expected_rate(labels);
            job.drawn(matrix)
        }
        NoiseKind::Instance => {
            let features =
                input.features.ok_or_else(|| missing(config.kind, "features of every row"))?;
            let law = instance::Law { rate: config.rate, spread: config.instance_spread };
            instance::draw(labels, n_classes, features, law, seed)?
        }
    };
    Ok(report(labels, noisy, n_classes, config.kind, seed, requested_rate))
}

fn missing(kind: NoiseKind, needs: &'static str) -> DataError {
    DataError::MissingInput { kind: kind.name(), needs }
}

fn check(labels: &[ClassId], n_classes: usize, rate: f64) -> Result<(), DataError> {
    if n_classes < 2 {
        return Err(DataError::TooFewClasses { n_classes });
    }
    if MAX_CLASSES < n_classes {
        return Err(DataError::TooManyLabels { n_labels: n_classes, limit: MAX_CLASSES });
    }
    transition::check_rate(rate)?;
    match labels.iter().position(|label| label.index() >= n_classes) {
        Some(row) => Err(DataError::LabelOutOfRange { row, label: labels[row].0, n_classes }),
        None => Ok(()),
    }
}

fn report(
    old: &[ClassId],
    labels: Vec<ClassId>,
    n_classes: usize,
    kind: NoiseKind,
    seed: u64,
    requested_rate: f64,
) -> Injection {
    let flipped: Vec<bool> = old.iter().zip(&labels).map(|(old, new)| old != new).collect();
    let n_flipped = flipped.iter().filter(|flipped| **flipped).count();
    let realised_rate = if old.is_empty() { 0.0 } else { n_flipped as f64 / old.len() as f64 };
    let (before, after) = (present(old, n_classes), present(&labels, n_classes));
    let emptied: Vec<ClassId> = (0..n_classes)
        .filter(|class| before[*class] && !after[*class])
        .map(|class| ClassId(class as u16))
        .collect();
    let warnings = emptied
        .iter()
        .map(|class| format!("class {} has no rows left after the noise", class.0))
        .collect();
    Injection { kind, seed, labels, flipped, requested_rate, realised_rate, emptied, warnings }
}

fn present(labels: &[ClassId], n_classes: usize) -> Vec<bool> {
    let mut present = vec![false; n_classes];
    for label in labels {
        present[label.index()] = true;
    }
    present
}

/// One checked injection.
struct Job<'a> {
    labels: &'a [ClassId],
    n_classes: usize,
    rate: f64,
    seed: u64,
}

impl Job<'_> {
    fn generator(&self, name: &str) -> ChaCha8Rng {
        seed::generator(self.seed, name, &[])
    }

    /// ⌊rN⌋ distinct rows in random order.
    fn selected(&self) -> Vec<u32> {
        let amount = sampling::n_selected(self.rate, self.labels.len());
        sample::choose(self.labels.len(), amount, &mut self.generator("noise/rows"))
    }

    fn uniform(&self) -> Vec<ClassId> {
        let mut generator = self.generator("noise/labels");
        let mut labels = self.labels.to_vec();
        for row in self.selected() {
            let label = &mut labels[row as usize];
            // Drawn from the C − 1 others: numbers at and above the old label move up by one.
            let drawn = generator.random_range(0..self.n_classes as u32 - 1);
            let new = drawn + u32::from(drawn >= u32::from(label.0));
            *label = ClassId(new as u16);
        }
        labels
    }

    fn uniform_inclusive(&self) -> Vec<ClassId> {
        let mut generator = self.generator("noise/labels");
        let mut labels = self.labels.to_vec();
        for row in self.selected() {
            let drawn = generator.random_range(0..self.n_classes as u32);
            labels[row as usize] = ClassId(drawn as u16);
        }
        labels
    }

    fn shuffle(&self) -> Vec<ClassId> {
        let rows: Vec<usize> = self.selected().into_iter().map(|row| row as usize).collect();
        let mut permutation: Vec<usize> = (0..rows.len()).collect();
        sample::shuffle(&mut permutation, &mut self.generator("noise/permutation"));
        sampling::permuted(self.labels, &rows, &permutation)
    }

    fn drawn(&self, matrix: &Transition) -> Vec<ClassId> {
        let mut generator = self.generator("noise/labels");
        let draws = std::iter::repeat_with(|| generator.random::<f64>());
        sampling::of_labels(self.labels, matrix, draws)
    }
}
