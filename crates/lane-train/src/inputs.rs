//! What the networks are fed: token ids, or the embeddings of a frozen encoder, of every view of
//! every row of one split.

use std::ops::Range;

use burn::tensor::{Device, Tensor, TensorData};
use lane_data::{PaddedBatch, RowId, Tokenizer, pad};
use lane_models::{NetworkInput, TokenBatch};

use crate::error::TrainError;
use crate::views::Views;

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
#[expect(clippy::large_enum_variant, reason = "one lives at a time, for one batch")]
pub enum Gathered {
    /// Token ids and mask.
    Tokens(TokenBatch),
    /// Embeddings, shape `[n, width]`.
    Features(Tensor<2>),
}

impl Gathered {
    /// Number of texts, or of embeddings.
    pub fn n(&self) -> usize {
        match self {
            Self::Tokens(batch) => batch.n_texts(),
            Self::Features(features) => features.dims()[0],
        }
    }

    /// Those of `range`, padded as they are here.
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Self {
        match self {
            Self::Tokens(batch) => Self::Tokens(batch.part(range)),
            Self::Features(features) => Self::Features(features.clone().slice_dim(0, range)),
        }
    }

    /// The same on the device without autodiff, for a network that is there.
    #[must_use]
    pub fn inner(&self) -> Self {
        match self {
            Self::Tokens(batch) => Self::Tokens(batch.inner()),
            Self::Features(features) => Self::Features(features.clone().inner()),
        }
    }

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
    /// [`TrainError::Data`] if a text cannot be tokenized, [`TrainError::Io`] if the cache of made
    /// texts cannot be written.
    pub fn tokenize(
        texts: &[&str],
        tokenizer: &Tokenizer,
        max_length: usize,
        views: &Views,
    ) -> Result<Self, TrainError> {
        let views = (0..views.kinds().len())
            .map(|number| {
                let made = views.texts(number, texts)?;
                let made: Vec<&str> = made.iter().map(AsRef::as_ref).collect();
                views.tokenize(number, &made, tokenizer, max_length)
            })
            .collect::<Result<_, TrainError>>()?;
        Ok(Self::Tokens { views, pad_id: tokenizer.pad_id() })
    }

    /// Those of some rows, in the order given.
    #[must_use]
    pub fn over(&self, rows: &[RowId]) -> Self {
        match self {
            Self::Tokens { views, pad_id } => {
                let of_rows = |view: &Vec<Vec<u32>>| {
                    rows.iter().map(|row| view[row.index()].clone()).collect()
                };
                Self::Tokens { views: views.iter().map(of_rows).collect(), pad_id: *pad_id }
            }
            Self::Features { views, width } => {
                let embedding =
                    |view: &[f32], row: &RowId| view[row.index() * width..][..*width].to_vec();
                let of_rows =
                    |view: &Vec<f32>| rows.iter().flat_map(|row| embedding(view, row)).collect();
                Self::Features { views: views.iter().map(of_rows).collect(), width: *width }
            }
        }
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
                (0..n_rows)
                    .map(|row| views.iter().map(|view| view[row].len() as u32).max().unwrap_or(1))
                    .collect()
            }
            Self::Features { views, width } => {
                vec![1; views.first().map_or(0, |view| view.len() / width)]
            }
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
                let PaddedBatch { ids, lengths, .. } = pad(&texts, *pad_id);
                Gathered::Tokens(TokenBatch::new(ids, lengths, device))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[u32]) -> Vec<RowId> {
        rows.iter().copied().map(RowId).collect()
    }

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().convert::<f32>().try_into_vec().unwrap()
    }

    #[test]
    fn a_batch_of_tokens_holds_view_after_view_padded_to_the_longest() {
        let views = vec![
            vec![vec![2, 7, 3], vec![2, 3], vec![2, 8, 9, 3]],
            vec![vec![2, 3], vec![2, 5, 3], vec![2, 3]],
        ];
        let inputs = Inputs::Tokens { views, pad_id: 0 };
        assert_eq!((inputs.n_views(), inputs.lengths()), (2, vec![3, 3, 4]));
        let Gathered::Tokens(batch) = inputs.gather(&rows(&[1, 0]), 2, &Device::flex()) else {
            panic!()
        };
        assert_eq!(batch.ids().dims(), [4, 3]);
        let ids: Vec<i32> = batch.ids().into_data().convert::<i32>().try_into_vec().unwrap();
        assert_eq!(ids, [[2, 3, 0], [2, 7, 3], [2, 5, 3], [2, 3, 0]].concat());
        assert_eq!(
            values(batch.mask().unwrap()),
            [[1.0, 1.0, 0.0], [1.0; 3], [1.0; 3], [1.0, 1.0, 0.0]].concat()
        );
    }

    #[test]
    fn a_batch_of_eight_views_has_as_many_texts_as_in_the_golden_file() {
        let golden: serde_json::Value =
            serde_json::from_str(include_str!("../../../fixtures/golden/augmentation.json"))
                .unwrap();
        let expected = |key: &str| golden["expected"][key].as_u64().unwrap();
        let n_views = crate::views::preset(expected("n_views")).unwrap().len();
        let batch: Vec<RowId> = (0..expected("batch") as u32).map(RowId).collect();
        let inputs =
            Inputs::Tokens { views: vec![vec![vec![2, 3]; batch.len()]; n_views], pad_id: 0 };
        let Gathered::Tokens(gathered) = inputs.gather(&batch, inputs.n_views(), &Device::flex())
        else {
            panic!("embeddings")
        };
        assert_eq!(gathered.ids().dims()[0] as u64, expected("total"));
    }

    #[test]
    fn some_rows_are_picked_from_every_view() {
        let tokens = Inputs::Tokens {
            views: vec![vec![vec![2], vec![3], vec![4]], vec![vec![5], vec![6], vec![7]]],
            pad_id: 0,
        };
        let Inputs::Tokens { views, .. } = tokens.over(&rows(&[2, 0])) else { panic!() };
        assert_eq!(views, [[vec![4], vec![2]], [vec![7], vec![5]]]);
        let features = Inputs::Features { views: vec![vec![1.0, 2.0, 3.0, 4.0]], width: 2 };
        let Inputs::Features { views, .. } = features.over(&rows(&[1])) else { panic!() };
        assert_eq!(views, [[3.0, 4.0]]);
    }

    #[test]
    fn rows_of_one_length_need_no_mask() {
        let inputs = Inputs::Tokens {
            views: vec![vec![vec![2, 7, 3], vec![2, 3], vec![2, 9, 3]]],
            pad_id: 0,
        };
        let Gathered::Tokens(batch) = inputs.gather(&rows(&[0, 2]), 1, &Device::flex()) else {
            panic!()
        };
        assert!(batch.mask().is_none());
    }

    #[test]
    fn a_batch_of_embeddings_holds_view_after_view() {
        let views =
            vec![vec![0.0, 0.5, 1.0, 1.5, 2.0, 2.5], vec![10.0, 10.5, 11.0, 11.5, 12.0, 12.5]];
        let inputs = Inputs::Features { views, width: 2 };
        assert_eq!(inputs.lengths(), [1; 3]);
        let gather = |n_views| match inputs.gather(&rows(&[2, 0]), n_views, &Device::flex()) {
            Gathered::Features(features) => features,
            Gathered::Tokens(_) => panic!("token ids"),
        };
        assert_eq!(gather(2).dims(), [4, 2]);
        assert_eq!(values(gather(2)), [2.0, 2.5, 0.0, 0.5, 12.0, 12.5, 10.0, 10.5]);
        assert_eq!(values(gather(1)), [2.0, 2.5, 0.0, 0.5]);
    }
}
