//! `lcl`: cross-entropy beside a contrastive loss whose pairs a second network weighs by label.
//!
//! ```text
//! L   = λ · CE(θ) + (1 − λ) · mean a_i + λ · CE(Π)                                 (Eq. 4, 5)
//! a_i = −w_{i,y_i} (1/|P_i|) Σ_{p∈P_i} [ s_ip − log Σ_{k≠i} w_{i,y_k} e^{s_ik} ],  w = softmax(z^Π)
//! ```
//!
//! Network 0 is the classifier θ, network 1 the helper Π; θ alone predicts. λ = 0.5, τ = 0.3. The
//! helper learns through the weights too. `w_{i,y_i}` stands before the logarithm, as the authors'
//! erratum and code have it; `lcl.own_weight = "inside"` is the printed form.
//!
//! The paper gives each text a second view with synonyms, so that every anchor has a positive; here
//! that is `views.kinds`, and with the text alone an anchor without a positive in its batch is
//! skipped.
//!
//! Suspicion of a row: −AUM of θ; flagged when negative.
//!
//! Source: Suresh, Ong: *Not All Negatives are Equal: Label-Aware Contrastive Loss for Fine-grained
//! Text Classification*, EMNLP 2021.

use lane_losses::cross_entropy;
use lane_losses::label_contrastive::{self, LabelContrastiveConfig, OwnWeight};
use lane_metrics::weights::MarginWeights;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::error::TrainError;
use crate::inner_loss::InnerLoss;
use crate::method::{Loss, Method, Phase, Step, Verdict};
use crate::methods::base::by_margin;
use crate::methods::{Entry, Facts};
use crate::setting::{positive, within};

/// The line in the list of methods.
pub const LCL: Entry = Entry {
    name: "lcl",
    about: "cross-entropy beside a contrastive loss weighted by a helper network",
    least_views: 1,
    build: |config, facts| Ok(Box::new(Lcl::new(config, facts)?)),
};

/// `lcl`: balance, temperature, and where the anchor's weight stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LclConfig {
    /// λ, the share of both cross-entropies, in 0..=1.
    pub lambda: f64,
    /// τ, above 0.
    pub temperature: f64,
    /// Where the weight of the anchor's own class stands.
    pub own_weight: OwnWeight,
}

impl Default for LclConfig {
    fn default() -> Self {
        Self { lambda: 0.5, temperature: 0.3, own_weight: OwnWeight::Outside }
    }
}

/// A classifier, and a helper that weighs its pairs.
#[derive(Debug)]
pub struct Lcl {
    lambda: f64,
    contrastive: LabelContrastiveConfig,
    inner: InnerLoss,
    epochs: u32,
}

impl Lcl {
    /// The method with the configured balance.
    ///
    /// # Errors
    ///
    /// [`TrainError::Setting`] out of range.
    pub fn new(config: &Config, facts: Facts) -> Result<Self, TrainError> {
        let LclConfig { lambda, temperature, own_weight } = config.lcl;
        within("lcl.lambda", lambda, 0.0, 1.0)?;
        positive("lcl.temperature", temperature)?;
        let contrastive =
            LabelContrastiveConfig { temperature, own_weight, ..LabelContrastiveConfig::default() };
        Ok(Self {
            lambda,
            contrastive,
            inner: InnerLoss::new(config, facts)?,
            epochs: config.epochs(),
        })
    }
}

impl Method for Lcl {
    fn phases(&self) -> Vec<Phase> {
        vec![Phase::only(self.epochs, 2)]
    }

    fn loss(&mut self, step: &Step<'_>) -> Result<Loss, TrainError> {
        let batch = &step.batches[0];
        let embedding = batch.output(0)?.embedding.clone();
        let helper_logits = batch.output(1)?.logits.clone();
        let targets = batch.targets.clone();
        let helper = cross_entropy::mean(helper_logits.clone(), targets.clone());
        let contrastive =
            label_contrastive::loss(embedding, helper_logits, targets, &self.contrastive);
        let plain = self.inner.mean(step)?;
        let both = (plain.clone() + helper.clone()).mul_scalar(self.lambda);
        let total = both + contrastive.clone().mul_scalar(1.0 - self.lambda);
        let terms = vec![
            (self.inner.name(), plain),
            ("helper_cross_entropy", helper),
            ("contrastive", contrastive),
        ];
        Ok(Loss { total, terms })
    }

    fn verdicts(&self, margins: &MarginWeights) -> Vec<Verdict> {
        by_margin(margins)
    }
}
