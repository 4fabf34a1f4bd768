//! The step of AdamW on host memory, in place.
//!
//! ```text
//! g ← scale · g
//! m ← β₁m + (1−β₁)g,  v ← β₂v + (1−β₂)g²
//! p ← keep · p − rate · m / (√v · root_scale + ε)
//! ```
//!
//! Reading and writing seven numbers for each parameter is what it costs; at the width of the
//! baseline the square roots and quotients would cost more. Loshchilov, Hutter: *Decoupled Weight
//! Decay Regularization*, ICLR 2019.

use crate::simd::kernel;

/// The numbers of one parameter tensor's step.
#[derive(Clone, Copy, Debug)]
pub struct Factors<T> {
    /// Of the gradient, for clipping.
    pub scale: T,
    /// β₁ and β₂.
    pub betas: [T; 2],
    /// Of the old value: one minus decay.
    pub keep: T,
    /// Of the first moment: the learning rate, corrected for the moment's start at zero.
    pub rate: T,
    /// Of the second moment's root, likewise.
    pub root_scale: T,
    /// ε.
    pub epsilon: T,
}

kernel! {
    /// Moves `values`; all slices are as long.
    pub fn step<T, FUSED>(values: &mut [T], gradient: &[T], moments: (&mut [T], &mut [T]), by: Factors<T>) {
        let n = values.len();
        let (gradient, first, second) = (&gradient[..n], &mut moments.0[..n], &mut moments.1[..n]);
        let [beta_1, beta_2] = by.betas;
        for i in 0..n {
            let g = gradient[i] * by.scale;
            let m = beta_1 * first[i] + (T::ONE - beta_1) * g;
            let v = beta_2 * second[i] + (T::ONE - beta_2) * g * g;
            first[i] = m;
            second[i] = v;
            values[i] = values[i] * by.keep - by.rate * m / (v.sqrt() * by.root_scale + by.epsilon);
        }
    }
}

kernel! {
    /// The same where the gradient is zero.
    pub fn coast<T, FUSED>(values: &mut [T], moments: (&mut [T], &mut [T]), by: Factors<T>) {
        let n = values.len();
        let (first, second) = (&mut moments.0[..n], &mut moments.1[..n]);
        let [beta_1, beta_2] = by.betas;
        for i in 0..n {
            let (m, v) = (beta_1 * first[i], beta_2 * second[i]);
            first[i] = m;
            second[i] = v;
            values[i] = values[i] * by.keep - by.rate * m / (v.sqrt() * by.root_scale + by.epsilon);
        }
    }
}

kernel! {
    /// The same where the moments are zero too.
    pub fn decay<T, FUSED>(values: &mut [T], keep: T) {
        for value in values {
            *value *= keep;
        }
    }
}

kernel! {
    /// Adds `Σ x²` to `total`, summed in f64.
    pub fn add_squares<T, FUSED>(x: &[T], total: &mut f64) {
        const LANES: usize = 16;
        let mut lanes = [0.0_f64; LANES];
        let (chunks, rest) = x.as_chunks::<LANES>();
        for chunk in chunks {
            for i in 0..LANES {
                let value = chunk[i].as_f64();
                lanes[i] += value * value;
            }
        }
        *total += crate::sums::halved(lanes, |a, b| a + b);
        for value in rest {
            *total += value.as_f64() * value.as_f64();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BY: Factors<f64> = Factors {
        scale: 0.5,
        betas: [0.9, 0.999],
        keep: 0.99,
        rate: 0.1,
        root_scale: 2.0,
        epsilon: 1e-8,
    };

    fn run(gradient: f64, start: [f64; 2]) -> [f64; 3] {
        let (mut value, mut first, mut second) = ([3.0; 20], [start[0]; 20], [start[1]; 20]);
        step(&mut value, &[gradient; 20], (&mut first, &mut second), BY);
        [value[19], first[19], second[19]]
    }

    #[test]
    fn a_step_is_the_equations() {
        let [value, first, second] = run(4.0, [1.0, 9.0]);
        let (m, v) = (0.9 + 0.1 * 2.0, 0.999 * 9.0 + 0.001 * 4.0);
        let expected = 3.0 * 0.99 - 0.1 * m / (f64::sqrt(v) * 2.0 + 1e-8);
        for (ours, theirs) in [(value, expected), (first, m), (second, v)] {
            assert!((ours - theirs).abs() < 1e-12, "{ours}, expected {theirs}");
        }
    }

    #[test]
    fn without_a_gradient_it_coasts_and_without_moments_it_decays() {
        let (mut value, mut first, mut second) = ([3.0; 20], [1.0; 20], [9.0; 20]);
        coast(&mut value, (&mut first, &mut second), BY);
        let ours = [value[19], first[19], second[19]].map(f64::to_bits);
        assert_eq!(ours, run(0.0, [1.0, 9.0]).map(f64::to_bits));
        let mut value = [3.0; 20];
        decay(&mut value, BY.keep);
        assert_eq!(value[19].to_bits(), run(0.0, [0.0, 0.0])[0].to_bits());
    }

    #[test]
    fn squares_of_all_entries_are_added() {
        let x: Vec<f32> = (1..=37).map(|it| it as f32).collect();
        let mut total = 1.0;
        add_squares(&x, &mut total);
        assert!((total - (1.0 + 37.0 * 38.0 * 75.0 / 6.0)).abs() < 1e-9);
    }
}
