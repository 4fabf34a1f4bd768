//! Quantiles of the beta distribution.
//!
//! ```text
//! I_x(a, b) = x^a (1 − x)^b / (a B(a, b)) · 1/(1+ d₁/(1+ d₂/(1+ …)))           x < (a + 1) / (a + b + 2)
//! d_{2m+1}  = −(a + m)(a + b + m) x / ((a + 2m)(a + 2m + 1))
//! d_{2m}    = m (b − m) x / ((a + 2m − 1)(a + 2m))
//! I_x(a, b) = 1 − I_{1−x}(b, a)                                                 elsewhere
//! ```
//!
//! The fraction is evaluated from the front (modified Lentz); the quantile by Newton's steps kept
//! within the bracket that holds it. Within 1e-9 of the distribution function for a, b in ½ to 10⁴;
//! what is left is the spacing of numbers next to 1 (NIST Digital Library of Mathematical Functions, 8.17).

/// Beta(a, b).
#[derive(Clone, Copy, Debug)]
pub(super) struct Beta {
    a: f64,
    b: f64,
    /// log B(a, b).
    log_of_function: f64,
}

const TINY: f64 = 1e-300;

impl Beta {
    /// Of two parameters above 0.
    pub(super) fn new(a: f64, b: f64) -> Self {
        let log_of_function = libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b);
        Self { a, b, log_of_function }
    }

    /// Chance of a value up to `x`, in 0..=1.
    pub(super) fn distribution(self, x: f64) -> f64 {
        let Self { a, b, log_of_function } = self;
        if x <= 0.0 || x >= 1.0 {
            return f64::from(x >= 1.0);
        }
        let front = (a * x.ln() + b * (-x).ln_1p() - log_of_function).exp();
        if x < (a + 1.0) / (a + b + 2.0) {
            front / (a * fraction(a, b, x))
        } else {
            1.0 - front / (b * fraction(b, a, 1.0 - x))
        }
    }

    fn density(self, x: f64) -> f64 {
        ((self.a - 1.0) * x.ln() + (self.b - 1.0) * (-x).ln_1p() - self.log_of_function).exp()
    }

    /// The value that the chance `at`, above 0 and below 1, lies below.
    pub(super) fn quantile(self, at: f64) -> f64 {
        let (mut low, mut high, mut x) = (0.0, 1.0, self.a / (self.a + self.b));
        for _ in 0..100 {
            let error = self.distribution(x) - at;
            if error.abs() < 1e-13 {
                break;
            }
            (low, high) = if error > 0.0 { (low, x) } else { (x, high) };
            let step = x - error / self.density(x);
            let next = if step > low && step < high { step } else { f64::midpoint(low, high) };
            if (next - x).abs() <= 1e-15 * x {
                break;
            }
            x = next;
        }
        x
    }
}

/// 1 + d₁/(1 + d₂/(1 + …)), d as above.
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    let (mut value, mut up, mut down) = (1.0, 1.0, 0.0);
    for step in 1..500_u32 {
        let half = f64::from(step / 2);
        let term = if step % 2 == 1 {
            -(a + half) * (a + b + half) * x / ((a + 2.0 * half) * (a + 2.0 * half + 1.0))
        } else {
            half * (b - half) * x / ((a + 2.0 * half - 1.0) * (a + 2.0 * half))
        };
        down = 1.0 / not_zero(1.0 + term * down);
        up = not_zero(1.0 + term / up);
        value *= up * down;
        if (up * down - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}

fn not_zero(value: f64) -> f64 {
    if value.abs() < TINY { TINY } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distribution_of_known_cases() {
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-13, "{found}");
        // Uniform; x²; arcsine.
        near(Beta::new(1.0, 1.0).distribution(0.3), 0.3);
        near(Beta::new(2.0, 1.0).distribution(0.3), 0.09);
        let arcsine = 2.0 / std::f64::consts::PI * 0.3_f64.sqrt().asin();
        near(Beta::new(0.5, 0.5).distribution(0.3), arcsine);
    }

    #[test]
    fn quantiles_undo_the_distribution() {
        for (a, b) in [(0.5, 0.5), (0.5, 30.5), (30.5, 0.5), (24.5, 6.5), (1000.5, 3.5)] {
            let beta = Beta::new(a, b);
            for at in [5e-5, 0.05, 0.3, 0.5, 0.95, 0.99995] {
                let found = beta.distribution(beta.quantile(at));
                assert!((found - at).abs() < 1e-9, "{a} {b} {at}: {found}");
            }
        }
    }
}
