//! `noise-layer`: a matrix of how labels get mistaken for each other, learnt on top of the classifier.
//!
//! ```text
//! simple    Θ = row-softmax(b),  b ∈ R^{C×C},  Θ_ij = P(label j | true class i)
//! complex   Θ_ij(h) = softmax_j(u_ij · h + b_ij),  u ∈ R^{C×C×d}, h the sentence embedding
//! q_i = p_i Θ,   L = (1 − β) · mean(−log q_{i,y_i}) + β · mean(−log p_{i,y_i})
//! ```
//!
//! Phase 1 trains the classifier alone: long enough to know the classes, not so long that it has the
//! wrong labels by heart, for then it confuses nothing. Its predictions on the training rows against their labels
//! are the first matrix, `b_ij = log(conf_ij / Σ_j conf_ij + 1e-8)`, counted by class
//! (`init = "hard"`) or by probability (`"soft"`); a class that was never predicted gets the row of
//! noise rate ε instead. Phase 2 goes on with everything together, b and u at
//! `noise_layer.lr_factor` times the encoder's rate and without decay. `init = "epsilon"` starts
//! from noise rate ε with a little jitter, after phase 1 has broken the symmetry of the classes.
//! The classifier predicts with p, never with q.
//!
//! Suspicion of a row: −AUM over both phases; flagged when negative.
//!
//! Source: Goldberger, Ben-Reuven: *Training Deep Neural-Networks Using a Noise Adaptation Layer*,
//! ICLR 2017. Rates for b and u and the clamp of q at 1e-12 are ours; β is the authors' code.

use lane_data::{RowId, seed};
use lane_losses::{cross_entropy, noise_layer};
use lane_metrics::ClassId;
use lane_metrics::softmax::log_sum_exp;
use lane_metrics::weights::MarginWeights;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::error::TrainError;
use crate::inner_loss;
use crate::method::{Loss, Matrix, Method, OwnParameters, Phase, PhaseStart, Start, Step, Verdict};
use crate::methods::Entry;
use crate::methods::base::by_margin;
use crate::setting::{positive, within};

/// The line in the list of methods.
pub const NOISE_LAYER: Entry = Entry {
    name: "noise-layer",
    about: "a learnt matrix of label confusions on top of the classifier",
    least_views: 1,
    build: |config, _| Ok(Box::new(NoiseLayer::new(config)?)),
};

/// `noise-layer`: which matrix, from what, how fast.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NoiseLayerConfig {
    /// Whether the matrix depends on the text.
    pub model: Model,
    /// Where the matrix starts.
    pub init: Init,
    /// ε, the assumed noise rate, in 0..1.
    pub epsilon: f64,
    /// Epochs without the layer; absent = a fifth of those with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plain_epochs: Option<u32>,
    /// β, the share of plain cross-entropy beside the layer's, in 0..=1.
    pub beta: f64,
    /// Learning rate of b and u over the encoder's.
    pub lr_factor: f64,
}

impl Default for NoiseLayerConfig {
    fn default() -> Self {
        Self {
            model: Model::Simple,
            init: Init::Hard,
            epsilon: 0.2,
            plain_epochs: None,
            beta: 0.0,
            lr_factor: 10.0,
        }
    }
}

/// Whether the matrix depends on the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// One matrix.
    Simple,
    /// A matrix for each text, from its embedding.
    Complex,
}

/// Where the matrix starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Init {
    /// From the classes predicted.
    Hard,
    /// From the probabilities predicted.
    Soft,
    /// From noise rate ε.
    Epsilon,
}

/// Two phases and the matrix.
#[derive(Debug)]
pub struct NoiseLayer {
    settings: NoiseLayerConfig,
    epochs: u32,
    plain_epochs: u32,
}

impl NoiseLayer {
    /// The method with the configured matrix.
    ///
    /// # Errors
    ///
    /// [`TrainError::Setting`] out of range.
    pub fn new(config: &Config) -> Result<Self, TrainError> {
        let (settings, epochs) = (config.noise_layer.clone(), config.epochs());
        inner_loss::refuse(config)?;
        within("noise_layer.epsilon", settings.epsilon, 1e-6, 0.999)?;
        within("noise_layer.beta", settings.beta, 0.0, 1.0)?;
        positive("noise_layer.lr_factor", settings.lr_factor)?;
        let plain_epochs = settings.plain_epochs.unwrap_or(epochs.div_ceil(5));
        positive("noise_layer.plain_epochs", f64::from(plain_epochs))?;
        Ok(Self { settings, epochs, plain_epochs })
    }

    /// b of the first joint step, row-major `[C, C]`.
    fn first_matrix(&self, at: &PhaseStart<'_>) -> Result<Vec<f64>, TrainError> {
        let (n, epsilon) = (at.n_classes, self.settings.epsilon);
        if self.settings.init == Init::Epsilon {
            let mut jitter = seed::generator(at.seed, "noise layer", &[]);
            let matrix = noise_layer::from_rate(n, epsilon);
            return Ok(matrix.iter().map(|b| b + 0.01 * jitter.random::<f64>()).collect());
        }
        let rows: Vec<RowId> = (0..at.labels.len() as u32).map(RowId).collect();
        let scorer = at.scorer.ok_or_else(|| TrainError::Mismatch {
            found: "a noise layer without a classifier to start from".into(),
            expected: "the networks of the phase before".into(),
        })?;
        let logits = scorer.logits(0, &rows)?;
        let confusion = confusion(&logits, at.labels, n, self.settings.init);
        Ok(noise_layer::from_confusion(&confusion, n, epsilon))
    }
}

impl Method for NoiseLayer {
    fn phases(&self) -> Vec<Phase> {
        vec![
            Phase { name: "plain", ..Phase::only(self.plain_epochs, 1) },
            Phase { start: Start::Continue, ..Phase::only(self.epochs, 1) },
        ]
    }

    fn begin(
        &mut self,
        at: &PhaseStart<'_>,
        _note: &mut dyn FnMut(&str),
    ) -> Result<OwnParameters, TrainError> {
        if at.phase == 0 {
            return Ok(OwnParameters::default());
        }
        let n = at.n_classes;
        let b = self.first_matrix(at)?.into_iter().map(|b| b as f32).collect();
        let mut matrices = vec![Matrix { values: b, shape: [n, n] }];
        if self.settings.model == Model::Complex {
            matrices.push(Matrix::zeros([n * n, at.embedding_width]));
        }
        Ok(OwnParameters { matrices, lr_factor: self.settings.lr_factor })
    }

    fn loss(&mut self, step: &Step<'_>) -> Result<Loss, TrainError> {
        let batch = &step.batches[0];
        let output = batch.output(0)?;
        let (logits, targets) = (output.logits.clone(), batch.targets.clone());
        let plain = || cross_entropy::mean(logits.clone(), targets.clone());
        let own = &step.networks.own;
        let noisy = match own.as_slice() {
            [] => {
                let total = plain();
                return Ok(Loss { terms: vec![("cross_entropy", total.clone())], total });
            }
            [b] => noise_layer::per_row(logits.clone(), targets.clone(), b.val()),
            [b, u, ..] => {
                let [n, n_squared, d] = [b.dims()[0], u.dims()[0], u.dims()[1]];
                let u = u.val().reshape([n, n_squared / n, d]);
                let transitions = noise_layer::transition_of(output.embedding.clone(), u, b.val());
                noise_layer::per_row_with(logits.clone(), targets.clone(), transitions)
            }
        };
        let noisy = cross_entropy::over_rows(noisy);
        let mut terms = vec![("noisy_cross_entropy", noisy.clone())];
        let beta = self.settings.beta;
        if beta == 0.0 {
            return Ok(Loss { total: noisy, terms });
        }
        let plain = plain();
        terms.push(("cross_entropy", plain.clone()));
        Ok(Loss { total: noisy.mul_scalar(1.0 - beta) + plain.mul_scalar(beta), terms })
    }

    fn verdicts(&self, margins: &MarginWeights) -> Vec<Verdict> {
        by_margin(margins)
    }
}

/// What was predicted (row) against the label given (column), row-major `[C, C]`.
fn confusion(logits: &[f32], labels: &[ClassId], n_classes: usize, init: Init) -> Vec<f64> {
    let mut counts = vec![0.0; n_classes * n_classes];
    for (row, label) in logits.chunks_exact(n_classes).zip(labels) {
        match init {
            Init::Soft => {
                for (class, p) in softmax(row).enumerate() {
                    counts[class * n_classes + label.index()] += p;
                }
            }
            Init::Hard | Init::Epsilon => {
                let predicted = crate::evaluate::argmax(row).index();
                counts[predicted * n_classes + label.index()] += 1.0;
            }
        }
    }
    counts
}

fn softmax(row: &[f32]) -> impl Iterator<Item = f64> + '_ {
    let log_sum = log_sum_exp(row);
    row.iter().map(move |z| (f64::from(*z) - log_sum).exp())
}
