//! From one vector a token to one vector a text.
//!
//! ```text
//! cls:   h_i = x[i, 0]
//! mean:  h_i = Σ_t m_it x[i, t] / max(Σ_t m_it, 1)            m = 1 for a token, 0 for padding
//! ```

use std::{fmt, str::FromStr};

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// Which vector stands for the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pooling {
    /// The vector of the first token, `[CLS]`.
    #[default]
    Cls,
    /// The mean over the tokens, padding left out.
    Mean,
}

impl fmt::Display for Pooling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Pooling::Cls => "cls",
            Pooling::Mean => "mean",
        })
    }
}

/// The text names no pooling.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown pooling `{found}`, expected `cls` or `mean`")]
pub struct UnknownPooling {
    found: String,
}

impl FromStr for Pooling {
    type Err = UnknownPooling;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "cls" => Ok(Pooling::Cls),
            "mean" => Ok(Pooling::Mean),
            found => Err(UnknownPooling { found: found.into() }),
        }
    }
}

/// `states`: `[n, width, hidden]`, `mask`: `[n, width]` or none; returns `[n, hidden]`.
pub(crate) fn pool(states: Tensor<3>, mask: Option<&Tensor<2>>, how: Pooling) -> Tensor<2> {
    let [n, width, hidden] = states.dims();
    match (how, mask) {
        (Pooling::Cls, _) => states.slice([0..n, 0..1]).reshape([n, hidden]),
        (Pooling::Mean, None) => states.mean_dim(1).reshape([n, hidden]),
        (Pooling::Mean, Some(mask)) => {
            let n_tokens = mask.clone().sum_dim(1).clamp_min(1); // [n, 1]
            let sum = (states * mask.clone().reshape([n, width, 1])).sum_dim(1); // [n, 1, hidden]
            sum.reshape([n, hidden]) / n_tokens
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[track_caller]
    fn check(how: Pooling, mask: Option<[[f32; 3]; 2]>, expected: [f32; 2]) {
        let device = Device::flex();
        let states =
            Tensor::<3>::from_data([[[1.0_f32], [2.0], [6.0]], [[4.0], [8.0], [100.0]]], &device);
        let mask = mask.map(|mask| Tensor::from_data(mask, &device));
        let pooled = pool(states, mask.as_ref(), how).into_data().try_to_vec::<f32>().unwrap();
        assert_eq!(pooled, expected);
    }

    #[test]
    fn cls_is_the_first_token() {
        check(Pooling::Cls, None, [1.0, 4.0]);
    }

    #[test]
    fn the_mean_without_a_mask_is_over_all_tokens() {
        check(Pooling::Mean, None, [3.0, 112.0 / 3.0]);
    }

    #[test]
    fn the_mean_leaves_padding_out() {
        check(Pooling::Mean, Some([[1.0, 1.0, 1.0], [1.0, 1.0, 0.0]]), [3.0, 6.0]);
    }

    #[test]
    fn a_row_of_nothing_but_padding_is_zero() {
        check(Pooling::Mean, Some([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]), [3.0, 0.0]);
    }

    #[test]
    fn names_go_back_and_forth() {
        for how in [Pooling::Cls, Pooling::Mean] {
            assert_eq!(how.to_string().parse(), Ok(how));
        }
        let refused = "max".parse::<Pooling>().unwrap_err().to_string();
        assert_eq!(refused, "unknown pooling `max`, expected `cls` or `mean`");
    }
}
