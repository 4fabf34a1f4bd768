//! The label-aware margin: a negative margin, stretched where the rival is unlike the example.
//!
//! ```text
//! LM_i = M_i / max(w_i[j_i], floor)   if M_i < 0,   else M_i              (LANE, Eq. 3)
//! ```
//!
//! M and j: the classifier's [margin](crate::margin) and rival; w = softmax(z^Π): the auxiliary
//! network's probabilities. In logit units, same sign as M, never closer to 0 than M. A margin
//! of exactly 0 is left alone.
//!
//! Read it with care: w\[j\] is the auxiliary network's probability of class j *for this
//! example*, not a distance between two labels. Where that network agrees that the example is a
//! j, w\[j\] → 1 and nothing is stretched; where it has memorised the given label, w\[j\] → 0
//! and the floor decides.
//!
//! Departures: the floor (the paper has none; w may underflow to 0), and a quotient beyond f32
//! is cut to the largest finite f32.

use crate::id::ClassId;
use crate::margin::Margin;
use crate::softmax::log_sum_exp;

/// The least probability divided by unless a config says otherwise.
pub const DEFAULT_FLOOR: f32 = 1e-6;

/// Label-aware margin from the rival's probability w\[j\]; `floor` is the least number divided by.
///
/// Table 1 of the paper: one example, two given labels, the same margin −0.6. Where the
/// auxiliary network holds the rival for likely (0.8955) the margin hardly moves; where it
/// does not (0.5217) it nearly doubles.
///
/// ```
/// use lane_metrics::ClassId;
/// use lane_metrics::label_aware::{DEFAULT_FLOOR, of_margin};
/// use lane_metrics::margin::Margin;
///
/// let margin = Margin { value: -0.6, rival: ClassId(1) };
/// assert!((of_margin(margin, 0.8955, DEFAULT_FLOOR) - -0.67).abs() < 1e-3); // anger
/// assert!((of_margin(margin, 0.5217, DEFAULT_FLOOR) - -1.15).abs() < 1e-3); // trust
/// ```
#[inline]
pub fn of_margin(margin: Margin, rival_probability: f32, floor: f32) -> f32 {
    if margin.value < 0.0 {
        (margin.value / rival_probability.max(floor)).max(f32::MIN)
    } else {
        margin.value
    }
}

/// Label-aware margin from the auxiliary network's logits of that row, shape `[n_classes]`.
///
/// Divides by no probability that was rounded to 0 on the way: 1/w\[j\] is taken as
/// [`inverse_probability`], cut at 1/`floor`.
///
/// # Panics
///
/// When the rival names no column of `auxiliary_row`.
pub fn of_logits(margin: Margin, auxiliary_row: &[f32], floor: f32) -> f32 {
    if margin.value < 0.0 {
        let stretch = inverse_probability(auxiliary_row, margin.rival).min(1.0 / f64::from(floor));
        (f64::from(margin.value) * stretch).max(f64::from(f32::MIN)) as f32
    } else {
        margin.value
    }
}

/// 1 / softmax(z)\[class\] = exp(logsumexp(z) − z\[class\]), in f64; at least 1, may be infinite.
///
/// # Panics
///
/// When `class` names no column of `row`.
pub fn inverse_probability(row: &[f32], class: ClassId) -> f64 {
    (log_sum_exp(row) - f64::from(row[class.index()])).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trailing(value: f32) -> Margin {
        Margin { value, rival: ClassId(1) }
    }

    #[test]
    fn a_margin_of_zero_or_more_is_left_alone() {
        for value in [0.0, -0.0, 0.4] {
            assert_eq!(Some(of_margin(trailing(value), 1e-9, 1e-6)), Some(value));
            assert_eq!(Some(of_logits(trailing(value), &[0.0, -50.0], 1e-6)), Some(value));
        }
    }

    #[test]
    fn a_certain_rival_stretches_nothing() {
        assert_eq!(Some(of_margin(trailing(-0.6), 1.0, 1e-6)), Some(-0.6));
    }

    #[test]
    fn the_floor_is_the_least_divisor() {
        assert_eq!(Some(of_margin(trailing(-0.5), 0.0, 0.25)), Some(-2.0));
        assert_eq!(Some(of_logits(trailing(-0.5), &[0.0, -1e9], 0.25)), Some(-2.0));
    }

    #[test]
    fn a_quotient_beyond_f32_is_cut_and_stays_finite() {
        assert_eq!(Some(of_margin(trailing(-3e38), 1e-6, 1e-6)), Some(f32::MIN));
        assert_eq!(Some(of_logits(trailing(-3e38), &[0.0, -60.0], 1e-6)), Some(f32::MIN));
    }

    #[test]
    fn from_logits_and_from_probabilities_agree() {
        let row = [0.1, 0.4, 0.6];
        let w = crate::softmax::of_logits(crate::Logits::new(&row, 3).unwrap());
        let difference =
            of_logits(trailing(-1.0), &row, 1e-6) - of_margin(trailing(-1.0), w[1], 1e-6);
        assert!(difference.abs() < 1e-6, "{difference}");
    }
}
