//! Numbers in f64 that carry their derivative: formulas written once give value and gradient.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// A value, and its derivative by the variable that was chosen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dual {
    pub(crate) value: f64,
    pub(crate) slope: f64,
}

/// A number that does not depend on the variable.
pub(crate) fn constant(value: f64) -> Dual {
    Dual { value, slope: 0.0 }
}

/// The values as numbers, the one at `chosen` the variable.
pub(crate) fn variables(values: &[f32], chosen: usize) -> Vec<Dual> {
    let one = |(at, &value): (usize, &f32)| {
        let slope = if at == chosen { 1.0 } else { 0.0 };
        Dual { value: f64::from(value), slope }
    };
    values.iter().enumerate().map(one).collect()
}

impl Dual {
    fn map(self, value: f64, slope: f64) -> Self {
        Self { value, slope: if self.slope.abs() > 0.0 { slope * self.slope } else { 0.0 } }
    }

    pub(crate) fn exp(self) -> Self {
        self.map(self.value.exp(), self.value.exp())
    }

    pub(crate) fn ln(self) -> Self {
        self.map(self.value.ln(), 1.0 / self.value)
    }

    pub(crate) fn sqrt(self) -> Self {
        self.map(self.value.sqrt(), 0.5 / self.value.sqrt())
    }

    pub(crate) fn pow(self, power: f64) -> Self {
        self.map(self.value.powf(power), power * self.value.powf(power - 1.0))
    }

    /// `1 − e^−x`, also where that is far below 1.
    pub(crate) fn fallen(self) -> Self {
        self.map(-(-self.value).exp_m1(), (-self.value).exp())
    }

    pub(crate) fn at_most(self, limit: f64) -> Self {
        if self.value > limit { constant(limit) } else { self }
    }

    pub(crate) fn at_least(self, limit: f64) -> Self {
        if self.value < limit { constant(limit) } else { self }
    }

    /// The value alone, as a constant factor of a loss.
    pub(crate) fn detached(self) -> Self {
        constant(self.value)
    }
}

impl Add for Dual {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { value: self.value + other.value, slope: self.slope + other.slope }
    }
}

impl Neg for Dual {
    type Output = Self;
    fn neg(self) -> Self {
        Self { value: -self.value, slope: -self.slope }
    }
}

impl Sub for Dual {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul for Dual {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let slope = self.slope * other.value + self.value * other.slope;
        Self { value: self.value * other.value, slope }
    }
}

impl Mul<f64> for Dual {
    type Output = Self;
    fn mul(self, factor: f64) -> Self {
        Self { value: self.value * factor, slope: self.slope * factor }
    }
}

impl Div for Dual {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        let value = self.value / other.value;
        Self { value, slope: (self.slope - value * other.slope) / other.value }
    }
}

pub(crate) fn sum(values: impl IntoIterator<Item = Dual>) -> Dual {
    values.into_iter().fold(constant(0.0), Add::add)
}

pub(crate) fn log_sum_exp(values: &[Dual]) -> Dual {
    let largest = values.iter().map(|it| it.value).fold(f64::NEG_INFINITY, f64::max);
    sum(values.iter().map(|it| (*it - constant(largest)).exp())).ln() + constant(largest)
}

/// `log softmax`.
pub(crate) fn log_softmax(z: &[Dual]) -> Vec<Dual> {
    let total = log_sum_exp(z);
    z.iter().map(|it| *it - total).collect()
}
