//! Token ids of a batch, as the encoder takes them.

use std::ops::Range;
use std::sync::OnceLock;

use burn::tensor::{Device, Int, Tensor, TensorData};
use lane_kernels::nodes::Layout;

/// Texts of token ids, padded on the right to one width.
///
/// Ids and lengths stay on the host: fused kernels take the tokens alone and never see padding.
/// Tensors of ids and mask are made when something asks for them.
#[derive(Clone, Debug)]
pub struct TokenBatch {
    ids: Vec<i32>,
    lengths: Vec<u32>,
    width: usize,
    device: Device,
    tensors: OnceLock<(Tensor<2, Int>, Option<Tensor<2>>)>,
}

impl TokenBatch {
    /// Texts of the given lengths. `ids`: row-major `[n, width]`, each below the vocabulary size;
    /// what stands beyond a text's length is not looked at.
    ///
    /// # Panics
    ///
    /// If there is no text, the ids are no whole number of columns, or a length is not in
    /// `1..=width`.
    pub fn new(ids: Vec<i32>, lengths: Vec<u32>, device: &Device) -> Self {
        let n = lengths.len();
        assert!(n > 0 && ids.len().is_multiple_of(n), "{} token ids for {n} texts", ids.len());
        let width = ids.len() / n;
        for &length in &lengths {
            assert!((1..=width).contains(&(length as usize)), "{length} of {width} tokens");
        }
        Self { ids, lengths, width, device: device.clone(), tensors: OnceLock::new() }
    }

    /// The texts of `range`, padded as they are here.
    ///
    /// # Panics
    ///
    /// If the range is empty or reaches beyond the batch.
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Self {
        let ids = self.ids[range.start * self.width..range.end * self.width].to_vec();
        Self::new(ids, self.lengths[range].to_vec(), &self.device)
    }

    /// The same texts on the device without autodiff, for a network that is there.
    #[must_use]
    pub fn inner(&self) -> Self {
        let device = self.device.clone().inner();
        Self { device, tensors: OnceLock::new(), ..self.clone() }
    }

    /// Number of texts.
    pub fn n_texts(&self) -> usize {
        self.lengths.len()
    }

    /// Columns, the padding included.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Tokens of each text.
    pub fn lengths(&self) -> &[u32] {
        &self.lengths
    }

    /// Token ids, `[n, width]`.
    pub fn ids(&self) -> Tensor<2, Int> {
        self.tensors().0.clone()
    }

    /// 1 for a token, 0 for padding, `[n, width]`; `None` when nothing is padded.
    pub fn mask(&self) -> Option<Tensor<2>> {
        self.tensors().1.clone()
    }

    /// What is added to attention scores, `[n, 1, 1, width]`: zero for a token, and for padding
    /// a number so low that its probability is exactly zero.
    ///
    /// Not minus infinity, which would turn a row of nothing but padding into NaN; not a number
    /// near the end of the exponential's range either, which would leave denormals behind and
    /// slow the backward pass down fiftyfold.
    pub(crate) fn attention_bias(&self) -> Option<Tensor<4>> {
        const PADDING: f32 = 1e9;
        let mask = self.mask()?;
        Some(mask.sub_scalar(1.0).mul_scalar(PADDING).reshape([self.n_texts(), 1, 1, self.width]))
    }

    /// Ids of the tokens alone, text by text.
    pub(crate) fn packed_ids(&self) -> Vec<u32> {
        let texts = self.ids.chunks_exact(self.width).zip(&self.lengths);
        let tokens = texts.flat_map(|(ids, &length)| &ids[..length as usize]);
        // A negative id turns into one that no vocabulary has.
        tokens.map(|id| id.cast_unsigned()).collect()
    }

    /// How the tokens lie when padding is left out.
    pub(crate) fn layout(&self) -> Layout {
        Layout::new(&self.lengths, self.width)
    }

    fn tensors(&self) -> &(Tensor<2, Int>, Option<Tensor<2>>) {
        self.tensors.get_or_init(|| {
            let shape = [self.n_texts(), self.width];
            let is_padded = self.lengths.iter().any(|&length| (length as usize) < self.width);
            let mask = is_padded.then(|| {
                let kept = self.lengths.iter().flat_map(|&length| {
                    (0..self.width as u32).map(move |at| if at < length { 1.0_f32 } else { 0.0 })
                });
                Tensor::from_data(TensorData::new(kept.collect::<Vec<_>>(), shape), &self.device)
            });
            (Tensor::from_data(TensorData::new(self.ids.clone(), shape), &self.device), mask)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch() -> TokenBatch {
        TokenBatch::new(vec![2, 7, 3, 2, 3, 0], vec![3, 2], &Device::flex())
    }

    #[test]
    fn tensors_are_padded_and_packed_ids_are_not() {
        let batch = batch();
        assert_eq!(batch.ids().dims(), [2, 3]);
        let mask = batch.mask().map(|mask| mask.into_data().try_to_vec::<f32>().unwrap());
        assert_eq!(mask, Some(vec![1.0, 1.0, 1.0, 1.0, 1.0, 0.0]));
        assert_eq!(batch.packed_ids(), [2, 7, 3, 2, 3]);
    }

    #[test]
    fn texts_of_one_length_have_no_mask() {
        assert!(TokenBatch::new(vec![2, 3, 2, 3], vec![2, 2], &Device::flex()).mask().is_none());
    }

    #[test]
    fn a_part_keeps_the_width_of_the_whole() {
        let part = batch().part(1..2);
        assert_eq!((part.n_texts(), part.width(), part.lengths()), (1, 3, &[2][..]));
        assert_eq!(part.packed_ids(), [2, 3]);
    }

    #[test]
    #[should_panic(expected = "0 of 2 tokens")]
    fn a_text_without_tokens_is_refused() {
        TokenBatch::new(vec![2, 3, 0, 0], vec![2, 0], &Device::flex());
    }
}
