//! Noise that depends on the row itself.
//!
//! ```text
//! q_i ~ N(r, 0.1²) truncated to [0, 1]
//! W_y ~ N(0, 1), shape [width, C], one for each class
//! a = x_i · W_{y_i},  a_{y_i} = −∞
//! P_i = q_i · softmax(a),  P_i[y_i] = 1 − q_i;   the new label is drawn from P_i
//! ```
//!
//! Range 0..=1, the row P sums to 1; the realised rate is about the mean of q.
//!
//! For text, x is a frozen sentence vector, standardized and divided by √width: the source
//! works on pixels in [0, 1], and unscaled vectors of some hundred entries make softmax(a)
//! one-hot. The scaling is the caller's; [`standardize`] does it.
//!
//! Xia, Liu, Han, et al. *Part-dependent Label Noise: Towards Instance-dependent Label Noise*.
//! `NeurIPS` 2020, algorithm 2. <https://arxiv.org/abs/2006.07836>

use lane_metrics::ClassId;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::sampling;
use crate::error::DataError;
use crate::seed;

/// Standard deviation of the flip probabilities in the source.
pub const SPREAD: f64 = 0.1;

/// Smaller features of a constant column are not blown up.
const LEAST_DEVIATION: f64 = 1e-12;

/// Tries before a draw is moved to the nearer end; with a rate in 0..=1 half of all draws fall
/// inside at a small spread, so this is reached only for absurd spreads.
const MAX_TRIES: u32 = 10_000;

/// How flip probabilities are spread over rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Law {
    /// Their mean before truncation, 0.0..=1.0.
    pub rate: f64,
    /// Their standard deviation before truncation, from 0 up.
    pub spread: f64,
}

/// P of one row, shape `[n_classes]`.
///
/// `weights` is W of the row's label, row-major, shape `[width, n_classes]`.
pub fn probabilities(
    features: &[f64],
    weights: &[f64],
    flip_probability: f64,
    label: ClassId,
    n_classes: usize,
) -> Vec<f64> {
    let mut scores = vec![0.0; n_classes];
    for (feature, row) in features.iter().zip(weights.chunks(n_classes.max(1))) {
        for (score, weight) in scores.iter_mut().zip(row) {
            *score += feature * weight;
        }
    }
    let other = |class: usize| class != label.index();
    let largest = scores
        .iter()
        .enumerate()
        .filter(|(class, _)| other(*class))
        .fold(f64::NEG_INFINITY, |largest, (_, score)| largest.max(*score));
    let mut total = 0.0;
    for (class, score) in scores.iter_mut().enumerate() {
        *score = if other(class) { (*score - largest).exp() } else { 0.0 };
        total += *score;
    }
    for (class, score) in scores.iter_mut().enumerate() {
        *score =
            if other(class) { flip_probability * *score / total } else { 1.0 - flip_probability };
    }
    scores
}

/// Features as the header asks for: each column to mean 0 and deviation 1, divided by √width.
///
/// Shape `[n_rows, width]` in and out; a constant column becomes 0.
pub fn standardize(features: &[f32], width: usize) -> Vec<f32> {
    if width == 0 || features.is_empty() {
        return Vec::new();
    }
    let n_rows = (features.len() / width).max(1) as f64;
    let mut means = vec![0.0_f64; width];
    for (at, value) in features.iter().enumerate() {
        means[at % width] += f64::from(*value) / n_rows;
    }
    let mut variances = vec![0.0_f64; width];
    for (at, value) in features.iter().enumerate() {
        variances[at % width] += (f64::from(*value) - means[at % width]).powi(2) / n_rows;
    }
    let scale = (width as f64).sqrt();
    let scaled = |(at, value): (usize, &f32)| {
        let deviation = variances[at % width].sqrt().max(LEAST_DEVIATION);
        ((f64::from(*value) - means[at % width]) / deviation / scale) as f32
    };
    features.iter().enumerate().map(scaled).collect()
}

/// New labels for rows with `features` (row-major values and width).
///
/// # Errors
///
/// [`DataError::WrongSize`] unless there are `width` features for each row;
/// [`DataError::BadEntry`] on the first feature that is not finite, and for such a spread.
pub(super) fn draw(
    labels: &[ClassId],
    n_classes: usize,
    features: (&[f32], usize),
    law: Law,
    seed: u64,
) -> Result<Vec<ClassId>, DataError> {
    check(labels.len(), features, law)?;
    let (features, width) = features;
    let mut flips = seed::generator(seed, "noise/instance-flips", &[]);
    let mut draws = seed::generator(seed, "noise/instance-labels", &[]);
    let chances: Vec<(f64, f64)> =
        labels.iter().map(|_| (flip_probability(law, &mut flips), draws.random::<f64>())).collect();
    let mut noisy = labels.to_vec();
    // Class by class, so that one W is held at a time: all of them would be C²·width numbers.
    for class in 0..n_classes {
        let label = ClassId(class as u16);
        if !labels.contains(&label) {
            continue;
        }
        let mut generator = seed::generator(seed, "noise/instance-weights", &[class as u64]);
        let weights: Vec<f64> =
            StandardNormal.sample_iter(&mut generator).take(width * n_classes).collect();
        for row in (0..labels.len()).filter(|row| labels[*row] == label) {
            let x: Vec<f64> =
                features[row * width..][..width].iter().map(|value| f64::from(*value)).collect();
            let (flip, u) = chances[row];
            let law = probabilities(&x, &weights, flip, label, n_classes);
            noisy[row] = sampling::class_at(&law, u);
        }
    }
    Ok(noisy)
}

fn check(n_rows: usize, (features, width): (&[f32], usize), law: Law) -> Result<(), DataError> {
    let (n_found, n_expected) = (features.len(), n_rows.saturating_mul(width));
    if n_found != n_expected || width == 0 {
        let what = "the feature table";
        return Err(DataError::WrongSize { what, n_found, n_expected: n_expected.max(n_rows) });
    }
    if let Some(at) = features.iter().position(|value| !value.is_finite()) {
        return Err(DataError::BadEntry {
            what: "the feature",
            row: at / width,
            column: at % width,
            value: f64::from(features[at]),
            expected: "a finite number",
        });
    }
    if !(law.spread.is_finite() && 0.0 <= law.spread) {
        return Err(DataError::Spread { spread: law.spread });
    }
    Ok(())
}

/// q of one row, by rejection; rate 0 flips nothing, so that it is the identity.
fn flip_probability(law: Law, generator: &mut ChaCha8Rng) -> f64 {
    if law.rate <= 0.0 {
        return 0.0;
    }
    let mut drawn = law.rate;
    for _ in 0..MAX_TRIES {
        let normal: f64 = StandardNormal.sample(generator);
        drawn = law.rate + law.spread * normal;
        if (0.0..=1.0).contains(&drawn) {
            return drawn;
        }
    }
    drawn.clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_keeps_its_label_with_the_rest_of_the_probability() {
        let law = probabilities(&[1.0, -1.0], &[0.3, 0.1, 0.2, 0.9, 0.5, 0.4], 0.25, ClassId(1), 3);
        assert!((law[1] - 0.75).abs() < 1e-12);
        assert!((law.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn huge_scores_stay_probabilities() {
        let law = probabilities(&[1e300], &[1.0, 2.0, -1.0], 0.5, ClassId(0), 3);
        assert!((law[1] - 0.5).abs() < 1e-12 && law.iter().all(|p| p.is_finite()), "{law:?}");
    }

    #[test]
    fn standardized_columns_have_mean_zero_and_share_unit_length() {
        let scaled = standardize(&[1.0, 7.0, 3.0, 7.0], 2);
        let root = std::f32::consts::FRAC_1_SQRT_2;
        for (got, expected) in scaled.iter().zip([-root, 0.0, root, 0.0]) {
            assert!((got - expected).abs() < 1e-6, "{scaled:?}");
        }
        assert!(standardize(&[], 3).is_empty());
        assert!(standardize(&[1.0], 0).is_empty());
    }
}
