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

/// Something to do in the widest vectors. A trait and no closure, because only a method can be made
/// to be inlined.
pub(crate) trait Loop {
    /// What comes of it.
    type Output;

    /// Does it; to be `inline(always)`.
    fn run(self) -> Self::Output;
}

/// `work.run()` in the widest vectors.
#[cfg(feature = "simd")]
pub(crate) fn widest<W: Loop>(work: W) -> W::Output {
    struct Call<W>(W);

    impl<W: Loop> pulp::WithSimd for Call<W> {
        type Output = W::Output;

        #[inline(always)]
        fn with_simd<S: pulp::Simd>(self, _: S) -> W::Output {
            self.0.run()
        }
    }

    pulp::Arch::new().dispatch(Call(work))
}

/// `work.run()`.
#[cfg(not(feature = "simd"))]
pub(crate) fn widest<W: Loop>(work: W) -> W::Output {
    work.run()
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
    rest.iter().copied().fold(largest_lane(lanes), larger)
}

/// The largest value but one that is `own`, at least 0.
///
/// The two largest of all tell it, without a look at where `own` stands.
#[inline(always)]
pub(crate) fn largest_but(values: &[f64], own: f64) -> f64 {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let (mut first, mut second) = ([0.0; LANES], [0.0; LANES]);
    for chunk in chunks {
        for lane in 0..LANES {
            second[lane] = larger(second[lane], smaller(first[lane], chunk[lane]));
            first[lane] = larger(first[lane], chunk[lane]);
        }
    }
    let (mut highest, mut next) = (0.0, 0.0);
    for value in first.iter().chain(rest) {
        next = larger(next, smaller(highest, *value));
        highest = larger(highest, *value);
    }
    if own < highest { highest } else { larger(next, largest_lane(second)) }
}

#[inline(always)]
fn largest_lane(lanes: [f64; LANES]) -> f64 {
    let quarters: [f64; 4] = std::array::from_fn(|lane| larger(lanes[lane], lanes[lane + 4]));
    larger(larger(quarters[0], quarters[2]), larger(quarters[1], quarters[3]))
}

/// Whether some `own` − value lies below the limit beside it.
#[inline(always)]
pub(crate) fn any_lead_below(own: f64, values: &[f64], limits: &[f64]) -> bool {
    let ((chunks, rest), (limits, others)) =
        (values.as_chunks::<LANES>(), limits.as_chunks::<LANES>());
    let mut found = [0_u64; LANES];
    for (chunk, limits) in chunks.iter().zip(limits) {
        for lane in 0..LANES {
            found[lane] |= u64::from(own - chunk[lane] < limits[lane]);
        }
    }
    let any = rest.iter().zip(others).fold(0, |any, (p, limit)| any | u64::from(own - p < *limit));
    found.iter().fold(any, |any, it| any | it) != 0
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

/// Which values reach the limits beside them, and which is the largest: one look at each value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reached {
    /// How many reach theirs.
    pub(crate) n: u64,
    /// The last that does.
    pub(crate) last: usize,
    /// The place of the largest, the lowest of several; of values from 0 up.
    pub(crate) largest: usize,
}

#[inline(always)]
pub(crate) fn reached(values: &[f64], limits: &[f64]) -> Reached {
    let ((chunks, rest), (limits, others)) =
        (values.as_chunks::<LANES>(), limits.as_chunks::<LANES>());
    let (mut n, mut last) = ([0_u64; LANES], [0_u64; LANES]);
    let (mut best, mut place) = ([0.0; LANES], [u64::MAX; LANES]);
    let mut start = 0_u64;
    for (chunk, limits) in chunks.iter().zip(limits) {
        for lane in 0..LANES {
            let at = start + lane as u64;
            let reaches = chunk[lane] >= limits[lane];
            n[lane] += u64::from(reaches);
            last[lane] = if reaches { at } else { last[lane] };
            let leads = chunk[lane] > best[lane];
            place[lane] = if leads { at } else { place[lane] };
            best[lane] = larger(best[lane], chunk[lane]);
        }
        start += LANES as u64;
    }
    let (mut all, mut last) = (n.iter().sum(), last.into_iter().fold(0, u64::max));
    let highest = largest_lane(best);
    let is_highest = |lane: usize| if best[lane] >= highest { place[lane] } else { u64::MAX };
    let mut place = (0..LANES).map(is_highest).fold(u64::MAX, u64::min);
    let mut best = highest;
    for ((value, limit), at) in rest.iter().zip(others).zip(start..) {
        let reaches = value >= limit;
        all += u64::from(reaches);
        last = if reaches { at } else { last };
        place = if *value > best { at } else { place };
        best = larger(best, *value);
    }
    // Where all are 0, none leads.
    let largest = if place == u64::MAX { 0 } else { place as usize };
    Reached { n: all, last: last as usize, largest }
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
            let best = (0..n).reduce(|a, b| if values[b] > values[a] { b } else { a });
            let expected = Reached {
                n: reaching.len() as u64,
                last: reaching.last().copied().unwrap_or(0),
                largest: best.unwrap_or(0),
            };
            assert_eq!(reached(values, limits), expected);
            for at in 0..n {
                let others = [&values[..at], &values[at + 1..]].concat();
                let expected = others.iter().copied().fold(0.0, f64::max);
                assert!((largest_but(values, values[at]) - expected).abs() == 0.0);
            }
            let below = (0..n).any(|it| 0.5 - values[it] < limits[it] - 1.0);
            let limits: Vec<f64> = limits.iter().map(|it| it - 1.0).collect();
            assert_eq!(any_lead_below(0.5, values, &limits), below);
            for at in 0..n {
                let mut spoilt = values.to_vec();
                assert!(none_outside(&spoilt, 1.0));
                for bad in [-1e-9, 1.5] {
                    spoilt[at] = bad;
                    assert!(!none_outside(&spoilt, 1.0));
                }
            }
        }
    }

    struct Terms<'a>(&'a [f64]);

    impl Loop for Terms<'_> {
        type Output = (Vec<f64>, f64);

        #[inline(always)]
        fn run(self) -> (Vec<f64>, f64) {
            (self.0.iter().map(|it| p_ln_p(*it)).collect(), sum(self.0))
        }
    }

    #[test]
    fn wide_vectors_change_no_bit() {
        let values: Vec<f64> = (0..999).map(|it| 1.0 / f64::from(it + 3)).collect();
        assert_eq!(widest(Terms(&values)), Terms(&values).run());
    }
}
