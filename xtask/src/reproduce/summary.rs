//! Mean and spread over seeds.
//!
//! ```text
//! mean = (1/n) Σ x_i
//! std  = √( Σ (x_i − mean)² / (n − 1) )        the sample's; none for one value
//! ```

use std::fmt;

/// Of the seeds that gave the number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Summary {
    pub(super) mean: f64,
    pub(super) std: Option<f64>,
    pub(super) n: usize,
}

impl Summary {
    /// Nothing of nothing.
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        let n = values.len();
        if n == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / n as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let std = (n > 1).then(|| (squares / (n - 1) as f64).sqrt());
        Some(Self { mean, std, n })
    }
}

/// `0.873 ± 0.012`, or the mean alone.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(3);
        write!(f, "{:.digits$}", self.mean)?;
        self.std.map_or(Ok(()), |std| write!(f, " ± {std:.digits$}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_is_that_of_a_sample() {
        let summary = Summary::of(&[1.0, 2.0, 3.0]).unwrap();
        assert_eq!(summary, Summary { mean: 2.0, std: Some(1.0), n: 3 });
        assert_eq!(summary.to_string(), "2.000 ± 1.000");
        assert_eq!(format!("{summary:.1}"), "2.0 ± 1.0");
    }

    #[test]
    fn one_value_has_no_spread_and_none_has_no_mean() {
        assert_eq!(Summary::of(&[0.5]).unwrap().to_string(), "0.500");
        assert_eq!(Summary::of(&[]), None);
    }
}
