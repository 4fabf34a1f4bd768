//! Everything that distinguishes one run from another.
//!
//! A run reads one TOML file and `key=value` settings on top of it, fills in the defaults below and
//! writes the result into its folder as `config.toml`. Defaults that the paper leaves open were
//! chosen by the sweeps in `docs/results/`; `docs/DEPARTURES.md` lists each with its alternative.

use std::path::{Path, PathBuf};

use lane_data::Columns;
use lane_data::order::Bucketing;
use lane_losses::label_aware_contrastive::ContrastiveConfig;
use lane_metrics::weights::{Quantity, WeightConfig};
use lane_models::{Kernels, Pooling};
use serde::{Deserialize, Serialize};

use crate::device::{DeviceName, recommended};
use crate::error::TrainError;
use crate::folds::CrossValidationConfig;
use crate::inner_loss::LossConfig;
use crate::methods::MethodName;
use crate::methods::aum::AumConfig;
use crate::methods::cartography::CartographyConfig;
use crate::methods::co_teaching::CoTeachingConfig;
use crate::methods::disc::DiscConfig;
use crate::methods::dividemix::DivideMixConfig;
use crate::methods::hmw::HmwConfig;
use crate::methods::lane::LaneConfig;
use crate::methods::lcl::LclConfig;
use crate::methods::margin_mixture::MixtureConfig;
use crate::methods::noise_layer::NoiseLayerConfig;
use crate::methods::peer_loss::PeerLossConfig;
use crate::methods::scl::SclConfig;
use crate::methods::unicon::UniconConfig;
use crate::setting::{Setting, positive, within};
pub use crate::views::{ViewConfig, ViewKind};

/// One training run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The method, as `lane methods` lists it.
    #[serde(default = "lane")]
    pub method: MethodName,
    /// One seed for order, initialisation, dropout and views.
    #[serde(default = "one")]
    pub seed: u64,
    /// Where to compute; by default what `lane devices` recommends.
    #[serde(default = "recommended")]
    pub device: DeviceName,
    /// Whether the run folder gets a `model/`; a frozen encoder is saved whole each time.
    #[serde(default = "yes")]
    pub save_model: bool,
    /// Whether `dynamics.parquet` keeps logits, as `lane export` needs them.
    #[serde(default)]
    pub save_logits: bool,
    /// The files and their columns.
    pub data: DataConfig,
    /// The encoder and what stands on it.
    #[serde(default)]
    pub model: ModelConfig,
    /// Optimizer, schedule, batches, epochs.
    #[serde(default)]
    pub training: TrainingConfig,
    /// Versions of each text shown to the networks.
    #[serde(default)]
    pub views: ViewConfig,
    /// Whether every training row is also predicted by networks that never saw it.
    #[serde(default)]
    pub cross_validation: CrossValidationConfig,
    /// How averaged margins become weights (Eq. 4–6).
    #[serde(default)]
    pub weights: WeightConfig,
    /// The rest of LANE: which terms, how mixed.
    #[serde(default)]
    pub lane: LaneConfig,
    /// The label-aware contrastive loss (Eq. 8).
    #[serde(default)]
    pub contrastive: ContrastiveConfig,
    /// `margin-mixture`.
    #[serde(default)]
    pub mixture: MixtureConfig,
    /// The loss of a row, where a method leaves it open.
    #[serde(default)]
    pub loss: LossConfig,
    /// The data map, and `cartography-*`.
    #[serde(default)]
    pub cartography: CartographyConfig,
    /// `noise-layer`.
    #[serde(default)]
    pub noise_layer: NoiseLayerConfig,
    /// `peer-loss`.
    #[serde(default)]
    pub peer_loss: PeerLossConfig,
    /// `aum`.
    #[serde(default)]
    pub aum: AumConfig,
    /// `scl`.
    #[serde(default)]
    pub scl: SclConfig,
    /// `lcl`.
    #[serde(default)]
    pub lcl: LclConfig,
    /// `hmw`.
    #[serde(default)]
    pub hmw: HmwConfig,
    /// `co-teaching`.
    #[serde(default)]
    pub co_teaching: CoTeachingConfig,
    /// `dividemix`.
    #[serde(default)]
    pub dividemix: DivideMixConfig,
    /// `disc`.
    #[serde(default)]
    pub disc: DiscConfig,
    /// `unicon`.
    #[serde(default)]
    pub unicon: UniconConfig,
}

fn lane() -> MethodName {
    MethodName::LANE
}

fn yes() -> bool {
    true
}

fn one() -> u64 {
    1
}

/// The files of a run and the columns to read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Rows to learn from; labels may be wrong.
    pub train: PathBuf,
    /// Rows that choose the best epoch; none = the last epoch is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<PathBuf>,
    /// Rows that are scored and never choose anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<PathBuf>,
    /// Column of the text.
    #[serde(default = "text")]
    pub text_column: String,
    /// Column of the given label.
    #[serde(default = "label")]
    pub label_column: String,
    /// Column of the true label, where known; absent = `gold` if the file has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gold_column: Option<String>,
    /// Column of the row's own id; absent = `id` if the file has it, else the row number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_column: Option<String>,
}

fn text() -> String {
    "text".into()
}

fn label() -> String {
    "label".into()
}

impl DataConfig {
    /// The columns in the form the readers take.
    pub fn columns(&self) -> Columns {
        Columns {
            text: self.text_column.clone(),
            label: self.label_column.clone(),
            gold: self.gold_column.clone(),
            id: self.id_column.clone(),
        }
    }
}

/// The encoder and what stands on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelConfig {
    /// A folder, `hub:ORG/NAME`, or `tiny`.
    pub encoder: String,
    /// How token vectors become one: `cls` or `mean`; absent = `cls`, `mean` with a frozen encoder.
    ///
    /// An encoder that is trained learns to gather a text in `[CLS]`; a frozen sentence encoder was
    /// trained on means, and its `[CLS]` says little (0.51 against 0.80 on TREC at 40 % noise).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pooling: Option<Pooling>,
    /// Compute embeddings once, train only a two-layer head.
    pub freeze_encoder: bool,
    /// Word pieces kept of a text, `[CLS]` and `[SEP]` included.
    pub max_length: usize,
    /// Largest vocabulary of encoder `tiny`.
    pub tiny_vocabulary: usize,
    /// Dropout of the head; absent = the encoder's own `hidden_dropout_prob`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropout: Option<f64>,
    /// What computes the encoder on device `flex`: `fused` or `plain`. The numbers are the same but
    /// for rounding.
    pub kernels: Kernels,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            encoder: "tiny".into(),
            pooling: None,
            freeze_encoder: false,
            max_length: 128,
            tiny_vocabulary: 4000,
            dropout: None,
            kernels: Kernels::default(),
        }
    }
}

impl ModelConfig {
    /// How token vectors become one.
    pub fn pooling(&self) -> Pooling {
        self.pooling.unwrap_or(if self.freeze_encoder { Pooling::Mean } else { Pooling::Cls })
    }
}

/// Optimizer, schedule, batches, epochs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingConfig {
    /// Passes over the training rows; absent = 5 (40 with a frozen encoder, 15 with `tiny`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs: Option<u32>,
    /// Rows of one optimizer step.
    pub batch_size: usize,
    /// Texts, each view counted, that a network is run on at a time in a step; absent = all of the
    /// step's. Fewer take less memory and more time, and train the same but for rounding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub micro_batch: Option<usize>,
    /// Rows of one scoring batch.
    pub scoring_batch_size: usize,
    /// Peak learning rate; absent = 2e-5 (1e-3 with a frozen encoder, 2e-3 with `tiny`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lr: Option<f64>,
    /// Share of the steps spent warming up, in 0..1.
    pub warmup: f64,
    /// Decoupled weight decay, none on biases and layer norms.
    pub weight_decay: f64,
    /// Largest global norm of the gradient; 0 = no clipping.
    pub clip_norm: f64,
    /// Batches of rows of like length (`length`) or not (`off`).
    pub bucketing: Bucketing,
    /// Stop after this many epochs without a better validation score; absent = never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience: Option<u32>,
    /// The validation score that chooses the best epoch.
    pub metric: SelectionMetric,
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self {
            epochs: None,
            batch_size: 32,
            micro_batch: None,
            scoring_batch_size: 64,
            lr: None,
            warmup: 0.0,
            weight_decay: 0.01,
            clip_norm: 1.0,
            bucketing: Bucketing::Length,
            patience: None,
            metric: SelectionMetric::Accuracy,
        }
    }
}

/// The validation score that chooses the best epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SelectionMetric {
    /// Share of rows predicted right.
    Accuracy,
    /// Mean F1 over classes.
    MacroF1,
    /// F1 weighted by class size.
    WeightedF1,
}

impl Config {
    /// Reads a TOML file (if any), lays `settings` over it and checks the result.
    ///
    /// # Errors
    ///
    /// [`TrainError::Config`] where it does not parse, [`TrainError::Setting`] where a value is out
    /// of range.
    pub fn resolve(file: Option<&Path>, settings: &[Setting]) -> Result<Self, TrainError> {
        let mut table = toml::Table::new();
        if let Some(path) = file {
            let text = lane_data::open::text(path)?;
            table = text.parse().map_err(|error| TrainError::toml(path, &text, &error))?;
        }
        let of_file = file.map(|path| (path, table.clone()));
        for setting in settings {
            setting.apply(&mut table)?;
        }
        let mut config: Self =
            table.try_into().map_err(|error: toml::de::Error| TrainError::Config {
                path: file.map(Into::into),
                message: error.to_string().trim_end().into(),
            })?;
        config.fill_in();
        match (config.check(), of_file) {
            (Err(error), Some((path, table))) => Err(error.named(path, &table, settings)),
            (checked, _) => checked.map(|()| config),
        }
    }

    /// Writes the defaults that depend on other settings.
    fn fill_in(&mut self) {
        let (frozen, tiny) = (self.model.freeze_encoder, self.model.encoder == "tiny");
        self.training.epochs.get_or_insert(match (frozen, tiny) {
            (true, _) => 40,
            (false, true) => 15,
            (false, false) => 5,
        });
        let pooling = self.model.pooling();
        self.model.pooling.get_or_insert(pooling);
        if (1..self.method.least_views()).contains(&self.views.kinds.len()) {
            self.views.kinds = vec![ViewKind::Original, ViewKind::SYNONYM];
        }
        let plain_epochs = self.epochs().div_ceil(4).min(5);
        self.mixture.plain_epochs.get_or_insert(plain_epochs);
        self.mixture.quantity.get_or_insert(if frozen { Quantity::Alm } else { Quantity::Aum });
        self.mixture.contrastive_weight.get_or_insert(f64::from(u8::from(frozen)));
        self.training.lr.get_or_insert(match (frozen, tiny) {
            (true, _) => 1e-3,
            (false, true) => 2e-3,
            (false, false) => 2e-5,
        });
    }

    /// Epochs of a phase that does not say otherwise.
    pub fn epochs(&self) -> u32 {
        self.training.epochs.unwrap_or(5)
    }

    /// Peak learning rate.
    pub fn lr(&self) -> f64 {
        self.training.lr.unwrap_or(2e-5)
    }

    fn check(&self) -> Result<(), TrainError> {
        let training = &self.training;
        positive("training.epochs", f64::from(self.epochs()))?;
        positive("training.batch_size", training.batch_size as f64)?;
        positive("training.scoring_batch_size", training.scoring_batch_size as f64)?;
        if let Some(micro_batch) = training.micro_batch {
            positive("training.micro_batch", micro_batch as f64)?;
        }
        positive("training.lr", self.lr())?;
        within("training.warmup", training.warmup, 0.0, 0.999)?;
        within("training.weight_decay", training.weight_decay, 0.0, f64::MAX)?;
        within("training.clip_norm", training.clip_norm, 0.0, f64::MAX)?;
        within("model.max_length", self.model.max_length as f64, 3.0, 1e6)?;
        within("model.tiny_vocabulary", self.model.tiny_vocabulary as f64, 100.0, 1e6)?;
        within("model.dropout", self.model.dropout.unwrap_or(0.0), 0.0, 0.99)?;
        self.views.check()?;
        self.cross_validation.check()?;
        within("lane.contrastive_weight", self.lane.contrastive_weight, 0.0, f64::MAX)?;
        within("lane.alpha", self.lane.alpha.unwrap_or(0.5), 0.0, 1.0)?;
        within("lane.flag_below", self.lane.flag_below, 0.0, 1.0)?;
        let factor = self.mixture.contrastive_weight.unwrap_or_default();
        within("mixture.contrastive_weight", factor, 0.0, f64::MAX)?;
        positive("contrastive.temperature", self.contrastive.temperature)?;
        self.weights.validate()?;
        if self.lane.alm_skip_epochs >= self.epochs() {
            return Err(TrainError::setting(
                "lane.alm_skip_epochs",
                self.lane.alm_skip_epochs,
                format!("fewer than the {} epochs", self.epochs()),
            ));
        }
        Ok(())
    }
}
