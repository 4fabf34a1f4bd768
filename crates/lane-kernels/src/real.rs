//! The number types kernels run on: f32 to train, f64 to check gradients by finite differences.

use std::f32::consts::{FRAC_1_SQRT_2, LOG2_E};
use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub};

use crate::buffer::Pool;

/// `1/√(2π)`, the density of the normal distribution at zero.
const DENSITY_AT_ZERO: f64 = 0.398_942_280_401_432_7;

/// A floating-point number.
pub trait Real:
    Copy
    + Debug
    + Default
    + PartialOrd
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + MulAssign
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// −∞.
    const LOWEST: Self;

    /// The nearest number of this type.
    fn of(value: f64) -> Self;

    /// The same number in f64.
    fn as_f64(self) -> f64;

    /// `self · factor + summand`, rounded once if `FUSED`.
    #[must_use]
    fn mul_add<const FUSED: bool>(self, factor: Self, summand: Self) -> Self;

    /// The square root.
    #[must_use]
    fn sqrt(self) -> Self;

    /// `eˣ` for `x ≤ 88`. Exactly 0 below −87 in f32: a denormal would slow every product it
    /// meets fiftyfold.
    #[must_use]
    fn exp<const FUSED: bool>(self) -> Self;

    /// `(Φ(x), φ(x))`: distribution function and density of the standard normal. In f32 `Φ` is off
    /// by at most 4e-7, rounding included (Abramowitz, Stegun 1964, 7.1.26).
    fn normal<const FUSED: bool>(self) -> (Self, Self);

    /// Where buffers of this type are kept between uses.
    fn pool() -> &'static Pool<Self>;
}

#[allow(clippy::inline_always, reason = "vectorized only where it is inlined")]
impl Real for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const LOWEST: Self = f32::NEG_INFINITY;

    #[inline(always)]
    fn of(value: f64) -> Self {
        value as f32
    }

    #[inline(always)]
    fn as_f64(self) -> f64 {
        f64::from(self)
    }

    #[inline(always)]
    fn mul_add<const FUSED: bool>(self, factor: Self, summand: Self) -> Self {
        if FUSED { f32::mul_add(self, factor, summand) } else { self * factor + summand }
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        f32::sqrt(self)
    }

    /// Range reduction to `|r| ≤ ln2/2` and a polynomial of degree 6 (Cephes `expf`), off by two
    /// units in the last place.
    #[inline(always)]
    fn exp<const FUSED: bool>(self) -> Self {
        const ROUND: f32 = 12_582_912.0; // 1.5 · 2²³: adding it leaves the nearest integer in the low bits
        const LN2_HIGH: f32 = 0.693_359_4;
        const LN2_LOW: f32 = -2.121_944_4e-4;
        const LOWEST: f32 = -87.0;
        let x = if self < LOWEST { LOWEST } else { self };
        let shifted = <f32 as Real>::mul_add::<FUSED>(x, LOG2_E, ROUND);
        let n = shifted - ROUND;
        let r = <f32 as Real>::mul_add::<FUSED>(-n, LN2_HIGH, x);
        let r = <f32 as Real>::mul_add::<FUSED>(-n, LN2_LOW, r);
        let mut p = 1.987_569_1e-4_f32;
        for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
            p = <f32 as Real>::mul_add::<FUSED>(p, r, coefficient);
        }
        let y = <f32 as Real>::mul_add::<FUSED>(p, r * r, r) + 1.0;
        // 2ⁿ, made of the low bits of `shifted`.
        let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3F80_0000));
        if self < LOWEST { 0.0 } else { y * power }
    }

    #[inline(always)]
    fn normal<const FUSED: bool>(self) -> (Self, Self) {
        let bell = Real::exp::<FUSED>(-0.5 * self * self);
        let a = self.abs() * FRAC_1_SQRT_2;
        let t = 1.0 / <f32 as Real>::mul_add::<FUSED>(a, 0.327_591_1, 1.0);
        let mut p = 1.061_405_4_f32;
        for coefficient in [-1.453_152, 1.421_413_7, -0.284_496_72, 0.254_829_6] {
            p = <f32 as Real>::mul_add::<FUSED>(p, t, coefficient);
        }
        let tail = 0.5 * p * t * bell;
        let cdf = if self >= 0.0 { 1.0 - tail } else { tail };
        (cdf, DENSITY_AT_ZERO as f32 * bell)
    }

    fn pool() -> &'static Pool<Self> {
        static POOL: Pool<f32> = Pool::new();
        &POOL
    }
}

#[allow(clippy::inline_always, reason = "vectorized only where it is inlined")]
impl Real for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const LOWEST: Self = f64::NEG_INFINITY;

    #[inline(always)]
    fn of(value: f64) -> Self {
        value
    }

    #[inline(always)]
    fn as_f64(self) -> f64 {
        self
    }

    #[inline(always)]
    fn mul_add<const FUSED: bool>(self, factor: Self, summand: Self) -> Self {
        if FUSED { f64::mul_add(self, factor, summand) } else { self * factor + summand }
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        f64::sqrt(self)
    }

    fn exp<const FUSED: bool>(self) -> Self {
        libm::exp(self)
    }

    fn normal<const FUSED: bool>(self) -> (Self, Self) {
        let cdf = 0.5 * libm::erfc(-self * std::f64::consts::FRAC_1_SQRT_2);
        (cdf, DENSITY_AT_ZERO * libm::exp(-0.5 * self * self))
    }

    fn pool() -> &'static Pool<Self> {
        static POOL: Pool<f64> = Pool::new();
        &POOL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From far below to far above what activations and scores reach.
    fn range() -> impl Iterator<Item = f32> {
        (-120_000..=20_000).map(|at| at as f32 * 1e-3)
    }

    #[test]
    #[cfg_attr(miri, ignore = "arithmetic over many numbers, without memory to watch over")]
    fn exp_is_within_two_units_in_the_last_place_and_never_denormal() {
        for x in range() {
            for ours in [Real::exp::<true>(x), Real::exp::<false>(x)] {
                if x < -87.0 {
                    assert_eq!(ours.to_bits(), 0, "exp({x})");
                    continue;
                }
                let exact = libm::exp(f64::from(x));
                let off = (f64::from(ours) - exact).abs() / exact;
                assert!(off < 2.5e-7 && ours.is_normal(), "exp({x}) = {ours:e}, {off:e} off");
            }
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "arithmetic over many numbers, without memory to watch over")]
    fn the_normal_distribution_is_off_by_at_most_four_in_ten_million() {
        for x in range() {
            let (cdf, density) = Real::normal::<true>(x);
            let (exact_cdf, exact_density) = Real::normal::<true>(f64::from(x));
            assert!((f64::from(cdf) - exact_cdf).abs() < 4e-7, "Φ({x}) = {cdf}");
            assert!((f64::from(density) - exact_density).abs() < 1e-7, "φ({x}) = {density}");
        }
    }
}
