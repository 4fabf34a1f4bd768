//! Rows of token ids as one rectangle.
//!
//! ```text
//! ids[i, j] = tokens[i][j]  for j < lengths[i],  else the pad id       shape [n_rows, width]
//! padding fraction = 1 − Σ lengths / Σ (n_rows · width)                range 0..1
//! ```

use lane_metrics::RowId;

/// A batch of token ids, padded on the right to its longest row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaddedBatch {
    /// Row-major token ids, shape `[n_rows, width]`.
    pub ids: Vec<i32>,
    /// Tokens before the padding, shape `[n_rows]`.
    pub lengths: Vec<u32>,
    /// Rows.
    pub n_rows: usize,
    /// Tokens of the longest row.
    pub width: usize,
}

impl PaddedBatch {
    /// Whether any row is shorter than the batch, so that a mask is needed.
    pub fn is_padded(&self) -> bool {
        self.lengths.iter().any(|length| *length as usize != self.width)
    }

    /// Part of the rectangle that is padding; 0 for an empty batch.
    pub fn padding_fraction(&self) -> f64 {
        let tokens: u64 = self.lengths.iter().map(|length| u64::from(*length)).sum();
        fraction(tokens, self.ids.len() as u64)
    }
}

/// Pad `rows` to the longest of them.
///
/// Token ids come from a vocabulary, so they fit the signed integers that tensors use; an id
/// over `i32::MAX` would be no id at all and becomes the pad id.
pub fn pad(rows: &[&[u32]], pad_id: u32) -> PaddedBatch {
    let width = rows.iter().map(|row| row.len()).max().unwrap_or(0);
    let pad_id = i32::try_from(pad_id).unwrap_or(0);
    let mut ids = Vec::with_capacity(rows.len() * width);
    for (index, row) in rows.iter().enumerate() {
        ids.extend(row.iter().map(|id| i32::try_from(*id).unwrap_or(pad_id)));
        ids.resize((index + 1) * width, pad_id);
    }
    let lengths = rows.iter().map(|row| row.len() as u32).collect();
    PaddedBatch { ids, lengths, n_rows: rows.len(), width }
}

/// Part of all rectangles of an epoch that is padding; `lengths` are indexed by row id.
pub fn padding_fraction(batches: &[Vec<RowId>], lengths: &[u32]) -> f64 {
    let length = |row: &RowId| u64::from(lengths.get(row.index()).copied().unwrap_or(0));
    let tokens: u64 = batches.iter().flatten().map(length).sum();
    let cells: u64 = batches
        .iter()
        .map(|batch| batch.len() as u64 * batch.iter().map(length).max().unwrap_or(0))
        .sum();
    fraction(tokens, cells)
}

fn fraction(tokens: u64, cells: u64) -> f64 {
    if cells == 0 { 0.0 } else { 1.0 - tokens as f64 / cells as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_rows_are_filled_on_the_right() {
        let batch = pad(&[&[5, 6, 7], &[8], &[]], 9);
        assert_eq!(batch.ids, [5, 6, 7, 8, 9, 9, 9, 9, 9]);
        assert_eq!(batch.lengths, [3, 1, 0]);
        assert_eq!((batch.n_rows, batch.width, batch.is_padded()), (3, 3, true));
        assert!((batch.padding_fraction() - 5.0 / 9.0).abs() < 1e-12);
    }

    #[test]
    fn rows_of_one_length_need_no_mask() {
        let batch = pad(&[&[1, 2], &[3, 4]], 0);
        assert!(!batch.is_padded());
        assert!(batch.padding_fraction().abs() < 1e-12);
    }

    #[test]
    fn batch_of_nothing_is_empty_and_unpadded() {
        let batch = pad(&[], 0);
        assert_eq!((batch.n_rows, batch.width, batch.is_padded()), (0, 0, false));
        assert!(batch.padding_fraction().abs() < 1e-12);
        assert!(padding_fraction(&[], &[]).abs() < 1e-12);
    }

    #[test]
    fn padding_of_an_epoch_is_summed_over_its_batches() {
        let batches = [vec![RowId(0), RowId(1)], vec![RowId(2)]];
        assert!((padding_fraction(&batches, &[4, 2, 10]) - 2.0 / 18.0).abs() < 1e-12);
    }
}
