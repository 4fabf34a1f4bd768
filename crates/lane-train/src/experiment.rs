//! From a configuration to the parts of a run, all checked before the first step.

use std::sync::Arc;

use burn::tensor::Device;
use lane_data::read::{self, LabelPolicy};
use lane_data::{Dataset, LabelSet, RowId};
use lane_metrics::ClassId;

use crate::config::Config;
use crate::embeddings::{Embedder, cache_folder};
use crate::encoder::Encoder;
use crate::error::TrainError;
use crate::evaluate::{RowNames, Scoring, TrainScorer};
use crate::inner_loss::InnerLoss;
use crate::inputs::Inputs;
use crate::methods::Facts;
use crate::networks::Networks;
use crate::progress::Observer;
use crate::views::Views;

/// One split, read and made ready for the networks.
#[derive(Debug)]
pub struct Split {
    /// `train`, `validation` or `test`.
    pub name: &'static str,
    /// The rows.
    pub dataset: Dataset,
    /// What the networks are fed.
    pub inputs: Inputs,
    /// Length of each row in tokens.
    pub lengths: Vec<u32>,
}

impl Split {
    /// Some of its rows, numbered anew.
    fn over(&self, rows: &[RowId]) -> Self {
        let dataset = Dataset {
            examples: rows.iter().map(|row| self.dataset.examples[row.index()].clone()).collect(),
            labels: self.dataset.labels.clone(),
            warnings: Vec::new(),
            sha256: self.dataset.sha256.clone(),
            has_gold: self.dataset.has_gold,
            path: self.dataset.path.clone(),
        };
        let lengths = rows.iter().map(|row| self.lengths[row.index()]).collect();
        Self { name: self.name, dataset, inputs: self.inputs.over(rows), lengths }
    }

    /// The labels given.
    pub fn labels(&self) -> Vec<ClassId> {
        self.dataset.examples.iter().map(|example| example.label).collect()
    }

    /// The true labels where the file has them, else the given ones.
    pub fn truth(&self) -> Vec<ClassId> {
        self.dataset.examples.iter().map(|example| example.gold.unwrap_or(example.label)).collect()
    }

    /// Which labels differ from the true ones; none where the file has no gold labels.
    pub fn wrong(&self) -> Option<Vec<bool>> {
        self.dataset.has_gold.then(|| {
            self.dataset
                .examples
                .iter()
                .map(|example| example.gold.is_some_and(|gold| gold != example.label))
                .collect()
        })
    }
}

/// The parts of a run.
#[derive(Debug)]
pub struct Experiment {
    /// The resolved configuration.
    pub config: Config,
    /// Where to compute, without gradients.
    pub device: Device,
    /// The encoder.
    pub encoder: Arc<Encoder>,
    /// What made the views of the training rows.
    pub views: Views,
    /// Rows to learn from.
    pub train: Split,
    /// Rows that choose the epoch.
    pub validation: Option<Split>,
    /// Rows that are only scored.
    pub test: Option<Split>,
}

impl Experiment {
    /// Reads the files, opens the encoder, tokenizes or embeds.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the configuration, the data or the encoder, before any training.
    pub fn prepare(mut config: Config, observer: &mut dyn Observer) -> Result<Self, TrainError> {
        let device = config.device.open()?;
        let columns = config.data.columns();
        let train = read::dataset(&config.data.train, &columns, LabelPolicy::Discover)?;
        let known = |path: &Option<std::path::PathBuf>| {
            path.as_ref()
                .map(|path| read::dataset(path, &columns, LabelPolicy::Known(&train.labels)))
                .transpose()
        };
        let (validation, test) = (known(&config.data.validation)?, known(&config.data.test)?);
        for warning in
            train.warnings.iter().chain(validation.iter().chain(&test).flat_map(|it| &it.warnings))
        {
            observer.note(warning);
        }
        let facts = Facts { n_rows: train.n_rows(), n_classes: train.labels.len() };
        config.method.build(&config, facts)?;
        if let Some(warning) = InnerLoss::warning_of(&config, facts)? {
            observer.note(&warning);
        }
        let views = Views::open(
            &config.views,
            config.seed,
            &train,
            cache_folder().map(|folder| folder.join("views")),
            observer,
        )?;
        // Named in `config.toml`, so that the run can be repeated where another is installed.
        config.views.thesaurus =
            views.thesaurus().map(ToOwned::to_owned).or(config.views.thesaurus);
        let encoder = Encoder::open(
            &config.model,
            train.examples.iter().map(|example| example.text.as_str()),
        )?;
        let embedder = Embedder {
            encoder: &encoder,
            settings: &config.model,
            batch_size: config.training.scoring_batch_size,
            device: &device,
            cache: cache_folder(),
        };
        let plain = Views::plain();
        let mut split = |name, dataset: Dataset, views: &Views| -> Result<Split, TrainError> {
            let inputs = inputs(&config, &embedder, &dataset, views, name, observer)?;
            Ok(Split { name, lengths: inputs.lengths(), inputs, dataset })
        };
        let train = split("train", train, &views)?;
        let validation =
            validation.map(|dataset| split("validation", dataset, &plain)).transpose()?;
        let test = test.map(|dataset| split("test", dataset, &plain)).transpose()?;
        let encoder = Arc::new(encoder);
        Ok(Self { config, device, encoder, views, train, validation, test })
    }

    /// A run over some of the training rows alone, which are numbered anew in the order given; the
    /// classes and the encoder stay. Nothing is read, tokenized or embedded again.
    #[must_use]
    pub fn over(&self, rows: &[RowId], config: Config) -> Self {
        Self {
            config,
            device: self.device.clone(),
            encoder: Arc::clone(&self.encoder),
            views: Views::plain(),
            train: self.train.over(rows),
            validation: None,
            test: None,
        }
    }

    /// Scores training rows with `networks`, which must be without gradients.
    pub fn scorer(&self, networks: Networks) -> TrainScorer<'_> {
        let scoring = Scoring {
            inputs: &self.train.inputs,
            batch_size: self.config.training.scoring_batch_size,
            device: &self.device,
            names: RowNames::of(&self.train),
        };
        TrainScorer { networks, scoring }
    }

    /// What the method may know of the data when it is built.
    pub fn facts(&self) -> Facts {
        Facts { n_rows: self.train.dataset.n_rows(), n_classes: self.labels().len() }
    }

    /// The classes of the data.
    pub fn labels(&self) -> &LabelSet {
        &self.train.dataset.labels
    }
}

fn inputs(
    config: &Config,
    embedder: &Embedder<'_>,
    dataset: &Dataset,
    views: &Views,
    name: &'static str,
    observer: &mut dyn Observer,
) -> Result<Inputs, TrainError> {
    let texts: Vec<&str> = dataset.examples.iter().map(|example| example.text.as_str()).collect();
    if !config.model.freeze_encoder {
        return Inputs::tokenize(
            &texts,
            &embedder.encoder.tokenizer,
            config.model.max_length,
            views,
        );
    }
    embedder.embed(&texts, views, name, observer)
}
