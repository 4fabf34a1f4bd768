//! Texts of a batch, one after the other, without padding.
//!
//! ```text
//! padded, width 4       packed
//! a b c .               a b c d e f g h i
//! d e . .        →      0     3   5       9      starts
//! f g h i
//! ```
//!
//! Everything but attention works on tokens one by one, so a packed batch costs what its tokens
//! cost; attention runs text by text, so no mask is needed and no padding is ever computed.

use std::ops::Range;

/// Where each text lies among the rows of a packed batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packing {
    starts: Vec<usize>,
    width: usize,
}

impl Packing {
    /// Texts of the given lengths, cut from a padded batch of `width` columns.
    ///
    /// # Panics
    ///
    /// If a text is empty or longer than `width`.
    pub fn new(lengths: &[u32], width: usize) -> Self {
        let mut starts = Vec::with_capacity(lengths.len() + 1);
        let mut at = 0;
        starts.push(at);
        for &length in lengths {
            let length = length as usize;
            assert!((1..=width).contains(&length), "a text of {length} tokens in {width} columns");
            at += length;
            starts.push(at);
        }
        Self { starts, width }
    }

    /// Number of texts.
    pub fn n_texts(&self) -> usize {
        self.starts.len() - 1
    }

    /// Number of tokens, the rows of a packed matrix.
    pub fn n_rows(&self) -> usize {
        self.starts[self.n_texts()]
    }

    /// Columns of the padded batch.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows of a text.
    pub fn rows(&self, text: usize) -> Range<usize> {
        self.starts[text]..self.starts[text + 1]
    }

    /// Rows of every text, in order.
    pub fn texts(&self) -> impl ExactSizeIterator<Item = Range<usize>> + '_ {
        (0..self.n_texts()).map(|text| self.rows(text))
    }

    /// The row each packed row has in the padded batch, `text · width + position`.
    pub fn grid_rows(&self) -> Vec<usize> {
        let of_text = |(text, rows): (usize, Range<usize>)| {
            (0..rows.len()).map(move |position| text * self.width + position)
        };
        self.texts().enumerate().flat_map(of_text).collect()
    }

    /// Runs of whole texts with about `n_rows` rows each, for threads that share nothing.
    pub fn groups(&self, n_rows: usize) -> Vec<Range<usize>> {
        let mut groups = Vec::new();
        let mut first = 0;
        for text in 1..=self.n_texts() {
            let is_full = self.starts[text] - self.starts[first] >= n_rows;
            if is_full || text == self.n_texts() {
                groups.push(first..text);
                first = text;
            }
        }
        groups
    }

    /// The packing of some consecutive texts alone.
    #[must_use]
    pub fn part(&self, texts: Range<usize>) -> Self {
        let offset = self.starts[texts.start];
        let starts = self.starts[texts.start..=texts.end].iter().map(|at| at - offset).collect();
        Self { starts, width: self.width }
    }
}

/// Cuts `values` into one piece for each text, `size(rows)` long.
pub(crate) fn split_by_text<'a, T>(
    mut values: &'a mut [T],
    packing: &Packing,
    size: impl Fn(&Range<usize>) -> usize,
) -> Vec<&'a mut [T]> {
    let mut pieces = Vec::with_capacity(packing.n_texts());
    for rows in packing.texts() {
        let (piece, rest) = values.split_at_mut(size(&rows));
        pieces.push(piece);
        values = rest;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_lie_end_to_end() {
        let packing = Packing::new(&[3, 2, 4], 4);
        assert_eq!((packing.n_texts(), packing.n_rows(), packing.width()), (3, 9, 4));
        assert_eq!(packing.texts().collect::<Vec<_>>(), [0..3, 3..5, 5..9]);
        assert_eq!(packing.grid_rows(), [0, 1, 2, 4, 5, 8, 9, 10, 11]);
    }

    #[test]
    fn groups_hold_whole_texts_and_leave_none_out() {
        let packing = Packing::new(&[3, 2, 4, 1], 4);
        assert_eq!(packing.groups(5), [0..2, 2..4]);
        assert_eq!(packing.groups(1), [0..1, 1..2, 2..3, 3..4]);
        assert_eq!(packing.groups(100), vec![0..4]);
        assert_eq!(packing.part(1..3), Packing::new(&[2, 4], 4));
    }

    #[test]
    #[should_panic(expected = "a text of 0 tokens in 4 columns")]
    fn an_empty_text_is_refused() {
        Packing::new(&[3, 0], 4);
    }
}
