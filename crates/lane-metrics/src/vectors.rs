//! Loops over f64 in the widest vectors that the processor has.
//!
//! [`widest`] runs a function compiled for AVX-512, for AVX2 or for the target's baseline, whichever
//! the processor at hand can do (with the feature `simd`; without it, for the baseline alone). What
//! it calls has to be inlined into it to be compiled so, hence `inline(always)` throughout.
//!
//! Sums are taken in the same lanes everywhere and nothing is fused, so that the bits of a result
//! depend neither on the processor nor on the feature.
#![expect(clippy::inline_always, reason = "compiled for wide vectors only where it is inlined")]

/// Values looked at side by side: the widest vector of any processor.
const LANES: usize = 8;

/// Sums kept side by side, so that one addition need not wait for the one before.
const SUMS: usize = 2 * LANES;

/// `work(arguments)` in the widest vectors.
#[cfg(feature = "simd")]
pub(crate) fn widest<A, R>(work: impl FnOnce(A) -> R, arguments: A) -> R {
    struct Call<W, A>(W, A);

    impl<A, R, W: FnOnce(A) -> R> pulp::WithSimd for Call<W, A> {
        type Output = R;

        #[inline(always)]
        fn with_simd<S: pulp::Simd>(self, _: S) -> R {
            (self.0)(self.1)
        }
    }

    pulp::Arch::new().dispatch(Call(work, arguments))
}

/// `work(arguments)`.
#[cfg(not(feature = "simd"))]
pub(crate) fn widest<A, R>(work: impl FnOnce(A) -> R, arguments: A) -> R {
    work(arguments)
}

/// Sum of all values.
#[inline(always)]
pub(crate) fn sum(values: &[f64]) -> f64 {
    let (chunks, rest) = values.as_chunks::<SUMS>();
    let mut sums = [0.0; SUMS];
    for chunk in chunks {
        for lane in 0..SUMS {
            sums[lane] += chunk[lane];
        }
    }
    let (chunks, rest) = rest.as_chunks::<LANES>();
    let mut halves: [f64; LANES] = std::array::from_fn(|lane| sums[lane] + sums[lane + LANES]);
    for chunk in chunks {
        for lane in 0..LANES {
            halves[lane] += chunk[lane];
        }
    }
    let quarters: [f64; 4] = std::array::from_fn(|lane| halves[lane] + halves[lane + 4]);
    let all = (quarters[0] + quarters[2]) + (quarters[1] + quarters[3]);
    rest.iter().fold(all, |sum, it| sum + it)
}

/// The largest value, at least 0.
#[inline(always)]
pub(crate) fn largest(values: &[f64]) -> f64 {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for chunk in chunks {
        for lane in 0..LANES {
            lanes[lane] = larger(lanes[lane], chunk[lane]);
        }
    }
    rest.iter().chain(&lanes).copied().fold(0.0, larger)
}

/// Whether no value is below 0 or above `most`; NaN may pass.
#[inline(always)]
pub(crate) fn none_outside(values: &[f64], most: f64) -> bool {
    let (chunks, rest) = values.as_chunks::<SUMS>();
    let (mut lowest, mut highest) = ([0.0; SUMS], [0.0; SUMS]);
    for chunk in chunks {
        for lane in 0..SUMS {
            lowest[lane] = smaller(lowest[lane], chunk[lane]);
            highest[lane] = larger(highest[lane], chunk[lane]);
        }
    }
    let low = rest.iter().chain(&lowest).copied().fold(0.0, smaller);
    let high = rest.iter().chain(&highest).copied().fold(0.0, larger);
    low >= 0.0 && high <= most
}

/// How many values reach the limit beside them.
#[inline(always)]
pub(crate) fn n_reaching(values: &[f64], limits: &[f64]) -> u64 {
    let ((chunks, rest), (limits, others)) =
        (values.as_chunks::<LANES>(), limits.as_chunks::<LANES>());
    let mut counts = [0_u64; LANES];
    for (chunk, limits) in chunks.iter().zip(limits) {
        for lane in 0..LANES {
            counts[lane] += u64::from(chunk[lane] >= limits[lane]);
        }
    }
    let n: u64 = rest.iter().zip(others).map(|(value, limit)| u64::from(value >= limit)).sum();
    n + counts.iter().sum::<u64>()
}

/// The place of the first value that reaches the limit beside it.
#[inline(always)]
pub(crate) fn first_reaching(values: &[f64], limits: &[f64]) -> Option<usize> {
    let pieces = values.chunks(LANES).zip(limits.chunks(LANES));
    for (at, (values, limits)) in pieces.enumerate() {
        if n_reaching(values, limits) > 0 {
            let reaches = |(value, limit): (&f64, &f64)| value >= limit;
            return values.iter().zip(limits).position(reaches).map(|it| at * LANES + it);
        }
    }
    None
}

/// The place of the first value that is at least `limit`.
#[inline(always)]
pub(crate) fn first_at_least(values: &[f64], limit: f64) -> Option<usize> {
    let (chunks, rest) = values.as_chunks::<LANES>();
    for (at, chunk) in chunks.iter().enumerate() {
        let bits = (0..LANES).fold(0, |bits, lane| bits | u32::from(chunk[lane] >= limit) << lane);
        if bits != 0 {
            return Some(at * LANES + bits.trailing_zeros() as usize);
        }
    }
    let start = values.len() - rest.len();
    rest.iter().position(|it| *it >= limit).map(|it| start + it)
}

// Without NaN to mind, each is a single instruction; `f64::max` is three.
#[inline(always)]
fn larger(a: f64, b: f64) -> f64 {
    if b > a { b } else { a }
}

#[inline(always)]
fn smaller(a: f64, b: f64) -> f64 {
    if b < a { b } else { a }
}

/// ln of a positive normal number, without branches or calls so that it runs in vectors.
///
/// x = 2^e m with m in √½..√2, and ln m = 2 (s + s³/3 + s⁵/5 + …) with s = (m − 1) / (m + 1),
/// |s| < 0.172: nine terms leave less than 1e-15 of it. A subnormal x gives some finite number.
#[inline(always)]
pub(crate) fn ln(x: f64) -> f64 {
    const ONE: u64 = 1023 << 52;
    const TWO_TO_52: u64 = 1075 << 52;
    let shifted = x.to_bits() + ONE - std::f64::consts::FRAC_1_SQRT_2.to_bits();
    let biased = shifted >> 52;
    let mantissa = f64::from_bits(x.to_bits() + ONE - (biased << 52));
    // An integer below 2^52 in the low bits of 2^52 is the float 2^52 + integer.
    let exponent = f64::from_bits(TWO_TO_52 | biased) - f64::from_bits(TWO_TO_52 | 1023);
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    // Two chains of products, so that one need not wait for the other.
    let square = ratio * ratio;
    let fourth = square * square;
    let (mut even, mut odd) = (1.0 / 17.0, 1.0 / 15.0);
    for (a, b) in [(13.0, 11.0), (9.0, 7.0), (5.0, 3.0)] {
        even = even * fourth + 1.0 / a;
        odd = odd * fourth + 1.0 / b;
    }
    let series = even * fourth + odd * square + 1.0;
    2.0 * ratio * series + exponent * std::f64::consts::LN_2
}

/// p ln p, with 0 ln 0 = 0.
#[inline(always)]
pub(crate) fn p_ln_p(p: f64) -> f64 {
    let term = p * ln(p);
    if p > 0.0 { term } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_is_that_of_the_standard_library() {
        let mut x = 1.000_001;
        while x > 1e-300 {
            assert!((ln(x) - x.ln()).abs() <= 2e-15 * x.ln().abs(), "{x}");
            x *= 0.999;
        }
        assert!(ln(1.0).to_bits() == 0);
    }

    #[test]
    fn probabilities_of_zero_and_less_than_normal_add_nothing() {
        let terms = [0.0, 1.0, -0.0, 5e-324].map(p_ln_p);
        assert!(terms.iter().all(|it| it.abs() < 1e-300), "{terms:?}");
        assert!((2.0 * p_ln_p(0.5) + 2_f64.ln()).abs() < 1e-15);
    }

    #[test]
    fn lanes_give_what_one_value_after_the_other_gives() {
        let values: Vec<f64> = (0..70).map(|it| f64::from((it * 29) % 71) / 70.0).collect();
        let limits: Vec<f64> = (0..70).map(|it| f64::from((it * 31) % 97) / 70.0).collect();
        for n in 0..70 {
            let (values, limits) = (&values[..n], &limits[..n]);
            assert!((sum(values) - values.iter().sum::<f64>()).abs() < 1e-12);
            assert!((largest(values) - values.iter().copied().fold(0.0, f64::max)).abs() == 0.0);
            let reaching: Vec<usize> = (0..n).filter(|it| values[*it] >= limits[*it]).collect();
            assert_eq!(n_reaching(values, limits), reaching.len() as u64);
            assert_eq!(first_reaching(values, limits), reaching.first().copied());
            for limit in [0.0, 0.5, 0.99, 2.0] {
                let expected = values.iter().position(|it| *it >= limit);
                assert_eq!(first_at_least(values, limit), expected);
            }
            for at in 0..n {
                let mut spoilt = values.to_vec();
                assert!(none_outside(&spoilt, 1.0));
                spoilt[at] = -1e-9;
                assert!(!none_outside(&spoilt, 1.0));
                spoilt[at] = 1.5;
                assert!(!none_outside(&spoilt, 1.0));
            }
        }
    }

    #[test]
    fn wide_vectors_change_no_bit() {
        let values: Vec<f64> = (0..999).map(|it| 1.0 / f64::from(it + 3)).collect();
        let terms = |values: &[f64]| values.iter().map(|it| p_ln_p(*it)).collect::<Vec<_>>();
        assert_eq!(widest(terms, &values), terms(&values));
        assert_eq!(widest(sum, &values).to_bits(), sum(&values).to_bits());
    }
}
