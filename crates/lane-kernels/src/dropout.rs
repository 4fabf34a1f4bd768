//! Dropout factors that are a function of seed, row and column alone.
//!
//! ```text
//! factor(row, column) = 1 / (1 − p)   if hash(seed, row, column) ≥ p · 2³²
//!                       0             otherwise
//! ```
//!
//! A factor needs no factor before it, so forward and backward make the same ones without keeping
//! them, and neither the number of threads nor the padding left out can be seen in them. Rows and
//! columns are those of the padded batch.
//!
//! A row's key comes from splitmix64 (Steele, Lea, Flood 2014); a column is hashed under it by a
//! 32-bit multiply-and-shift finalizer with the key entering twice, eight operations that vectorize.

use crate::Real;

/// 2⁶⁴ divided by the golden ratio, the step of splitmix64's counter.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// The factors of one dropout layer in one forward pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    key: u64,
    threshold: u32,
    kept: f64,
}

impl Dropout {
    /// Factors that are zero with probability `p`, drawn under `key`; none where `p` is zero.
    #[expect(clippy::cast_sign_loss, reason = "a probability is not negative")]
    pub fn new(p: f64, key: u64) -> Option<Self> {
        let threshold = (p * 2.0_f64.powi(32)) as u32;
        (p > 0.0).then(|| Self { key, threshold, kept: 1.0 / (1.0 - p) })
    }

    /// The same factors counted from row `first`: its row 0 is row `first` of this.
    ///
    /// A part of a batch so drops what the whole batch would.
    #[must_use]
    pub fn from_row(self, first: usize) -> Self {
        Self { key: self.key.wrapping_add((first as u64).wrapping_mul(STEP)), ..self }
    }

    /// The factors of one row.
    #[inline]
    pub fn row<T: Real>(&self, row: usize) -> DropoutRow<T> {
        let bits = mix(self.key.wrapping_add((row as u64).wrapping_mul(STEP)));
        DropoutRow {
            keys: [bits as u32, (bits >> 32) as u32],
            threshold: self.threshold,
            kept: T::of(self.kept),
        }
    }
}

/// The factors of one row, by column.
#[derive(Clone, Copy, Debug)]
pub struct DropoutRow<T> {
    keys: [u32; 2],
    threshold: u32,
    kept: T,
}

impl<T: Real> DropoutRow<T> {
    /// 0, or what a kept entry is multiplied by.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "vectorized only where it is inlined")]
    pub fn factor(&self, column: usize) -> T {
        let mut x = (column as u32) ^ self.keys[0];
        x = (x ^ (x >> 16)).wrapping_mul(0x21F0_AAAD);
        x = (x ^ (x >> 15)).wrapping_add(self.keys[1]).wrapping_mul(0x735A_2D97);
        x ^= x >> 15;
        if x >= self.threshold { self.kept } else { T::ZERO }
    }
}

/// splitmix64's finalizer: every input bit moves every output bit.
pub fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: usize = 700;
    const COLUMNS: usize = 384;

    fn kept(p: f64, key: u64) -> Vec<bool> {
        let dropout = Dropout::new(p, mix(key)).unwrap();
        let row = |row| {
            let row = dropout.row::<f32>(row);
            (0..COLUMNS).map(move |column| row.factor(column) > 0.0)
        };
        (0..ROWS).flat_map(row).collect()
    }

    fn share(of: impl Iterator<Item = bool>) -> f64 {
        let all: Vec<bool> = of.collect();
        all.iter().filter(|&&it| it).count() as f64 / all.len() as f64
    }

    #[track_caller]
    fn close(share: f64, expected: f64) {
        // Five standard deviations of a binomial share.
        let tolerance = 5.0 * (expected * (1.0 - expected) / (ROWS * COLUMNS) as f64).sqrt();
        assert!((share - expected).abs() < tolerance, "{share}, expected {expected}");
    }

    #[test]
    #[cfg_attr(miri, ignore = "shares of many, without memory to watch over")]
    fn the_kept_share_is_one_minus_p() {
        for p in [0.05, 0.1, 0.5, 0.9] {
            close(share(kept(p, 3).into_iter()), 1.0 - p);
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "shares of many, without memory to watch over")]
    fn entries_seeds_rows_and_columns_apart_are_independent() {
        let mask = kept(0.5, 1);
        let agree = |a: &[bool], b: &[bool]| share(a.iter().zip(b).map(|(a, b)| a == b));
        close(agree(&mask, &kept(0.5, 2)), 0.5);
        for distance in [1, 2, 16, COLUMNS, 2 * COLUMNS, 64 * COLUMNS] {
            let n = mask.len() - distance;
            let same = agree(&mask[..n], &mask[distance..]);
            assert!((same - 0.5).abs() < 0.006, "{distance} apart: {same}");
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "shares of many, without memory to watch over")]
    fn every_column_is_kept_about_as_often() {
        let mask = kept(0.1, 9);
        for column in 0..COLUMNS {
            let share = share(mask.iter().skip(column).step_by(COLUMNS).copied());
            assert!((share - 0.9).abs() < 0.06, "column {column}: {share}");
        }
    }

    #[test]
    fn a_kept_entry_makes_up_for_the_dropped() {
        let row = Dropout::new(0.2, 5).unwrap().row::<f64>(0);
        let factors: Vec<f64> = (0..1000).map(|column| row.factor(column)).collect();
        assert!(factors.iter().all(|&it| it < 1e-15 || (it - 1.25).abs() < 1e-15));
    }

    #[test]
    fn factors_counted_from_a_row_are_those_of_the_rows_after_it() {
        let whole = Dropout::new(0.3, 11).unwrap();
        let rest = whole.from_row(5);
        for row in 0..20 {
            let factors = |dropout: &Dropout, row| {
                let row = dropout.row::<f32>(row);
                (0..COLUMNS).map(move |column| row.factor(column)).collect::<Vec<_>>()
            };
            assert_eq!(factors(&rest, row), factors(&whole, 5 + row));
        }
    }

    #[test]
    fn no_dropout_is_none() {
        assert_eq!(Dropout::new(0.0, 5), None);
    }
}
