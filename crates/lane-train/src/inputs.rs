//! What the networks are fed: token ids, or the embeddings of a frozen encoder, of every view of
//! every row of one split.

use burn::tensor::{Device, Tensor, TensorData};
use lane_data::{PaddedBatch, RowId, Tokenizer, augment, pad, seed};
use lane_models::{NetworkInput, TokenBatch};

use crate::config::{ViewConfig, ViewKind};
use crate::error::TrainError;

/// The inputs of one split.
#[derive(Debug)]
pub enum Inputs {
    /// Word-piece ids: `views[v][row]`.
    Tokens {
        /// By view, by row.
        views: Vec<Vec<Vec<u32>>>,
        /// What fills up a short row.
        pad_id: u32,
    },
    /// Pooled embeddings: `views[v]` is row-major `[rows, width]`.
    Features {
        /// By view.
        views: Vec<Vec<f32>>,
        /// Width of an embedding.
        width: usize,
    },
}

/// One batch on the device.
#[derive(Debug)]
pub enum Gathered {
    /// Token ids and mask.
    Tokens(TokenBatch),
    /// Embeddings, shape `[n, width]`.
    Features(Tensor<2>),
}

impl Gathered {
    /// The form the networks take.
    pub fn input(&self) -> NetworkInput<'_> {
        match self {
            Self::Tokens(batch) => NetworkInput::Tokens(batch),
            Self::Features(features) => NetworkInput::Features(features.clone()),
        }
    }
}

impl Inputs {
    /// Token ids of all views of `texts`.
    ///
    /// # Errors
    ///
    /// [`TrainError::Data`] if a text cannot be tokenized.
    pub fn tokenize(
        texts: &[&str],
        tokenizer: &Tokenizer,
        max_length: usize,
        views: &ViewConfig,
        run_seed: u64,
    ) -> Result<Self, TrainError> {
        let views = views
            .kinds
            .iter()
            .enumerate()
            .map(|(number, kind)| {
                let made = make_view(texts, *kind, views, run_seed, number as u64);
                let made: Vec<&str> = made.iter().map(AsRef::as_ref).collect();
                Ok(tokenizer.encode(&made, max_length)?)
            })
            .collect::<Result<_, TrainError>>()?;
        Ok(Self::Tokens { views, pad_id: tokenizer.pad_id() })
    }

    /// Views of each row.
    pub fn n_views(&self) -> usize {
        match self {
            Self::Tokens { views, .. } => views.len(),
            Self::Features { views, .. } => views.len(),
        }
    }

    /// Length of each row in tokens, the longest of its views; 1 for embeddings.
    pub fn lengths(&self) -> Vec<u32> {
        match self {
            Self::Tokens { views, .. } => {
                let n_rows = views.first().map_or(0, Vec::len);
                (0..n_rows).map(|row| views.iter().map(|view| view[row].len() as u32).max().unwrap_or(1)).collect()
            }
            Self::Features { views, width } => vec![1; views.first().map_or(0, |view| view.len() / width)],
        }
    }

    /// Views `0..n_views` of `rows` in one batch, view by view.
    pub fn gather(&self, rows: &[RowId], n_views: usize, device: &Device) -> Gathered {
        match self {
            Self::Tokens { views, pad_id } => {
                let texts: Vec<&[u32]> = views[..n_views]
                    .iter()
                    .flat_map(|view| rows.iter().map(|row| view[row.index()].as_slice()))
                    .collect();
                Gathered::Tokens(token_batch(&pad(&texts, *pad_id), device))
            }
            Self::Features { views, width } => {
                let mut values = Vec::with_capacity(n_views * rows.len() * width);
                for view in &views[..n_views] {
                    for row in rows {
                        values.extend_from_slice(&view[row.index() * width..][..*width]);
                    }
                }
                let shape = [n_views * rows.len(), *width];
                Gathered::Features(Tensor::from_data(TensorData::new(values, shape), device))
            }
        }
    }
}

fn token_batch(batch: &PaddedBatch, device: &Device) -> TokenBatch {
    let shape = [batch.n_rows, batch.width];
    let mask = batch.is_padded().then(|| {
        let kept = batch.lengths.iter().flat_map(|&length| {
            (0..batch.width as u32).map(move |at| if at < length { 1.0_f32 } else { 0.0 })
        });
        Tensor::from_data(TensorData::new(kept.collect::<Vec<_>>(), shape), device)
    });
    TokenBatch { ids: Tensor::from_data(TensorData::new(batch.ids.clone(), shape), device), mask }
}

/// One view of every text; the view's number keeps two deletions of one text apart.
pub(crate) fn make_view<'a>(
    texts: &[&'a str],
    kind: ViewKind,
    config: &ViewConfig,
    run_seed: u64,
    number: u64,
) -> Vec<std::borrow::Cow<'a, str>> {
    match kind {
        ViewKind::Original | ViewKind::Repeat => texts.iter().map(|&text| text.into()).collect(),
        ViewKind::Deletion => texts
            .iter()
            .zip(0..)
            .map(|(text, row)| {
                let seed = seed::stream(run_seed, "augmentation", &[number, row]);
                augment::delete_words(text, config.deletion_probability, seed).into()
            })
            .collect(),
    }
}
