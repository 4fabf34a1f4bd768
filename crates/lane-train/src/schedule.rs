//! What changes through a phase: the learning rate by optimizer step, the weight of unlabelled rows.
//!
//! ```text
//! lr(s) = base · s / warmup                         for s < warmup
//! lr(s) = base · (total − s) / (total − warmup)     after, down to 0 at s = total
//! λ_u(e) = weight · clip((e − plain) / ramp, 0, 1)   e epochs and parts of one, from the start
//! ```
//!
//! Steps count from 0, so that with warm-up the first step has rate 0, as in the reference
//! implementations of BERT fine-tuning.

use lane_losses::semi_supervised;

/// Linear decay to zero after an optional linear warm-up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearSchedule {
    /// The rate at the end of the warm-up.
    pub base: f64,
    /// Steps of warm-up.
    pub warmup: u64,
    /// Steps in all.
    pub total: u64,
    /// Keep `base` after the warm-up instead of decaying.
    pub constant: bool,
}

impl LinearSchedule {
    /// The rate of step `step`, in `0..=base`.
    pub fn at(&self, step: u64) -> f64 {
        if step < self.warmup {
            return self.base * step as f64 / self.warmup as f64;
        }
        if self.constant {
            return self.base;
        }
        let decaying = self.total.saturating_sub(self.warmup).max(1);
        self.base * self.total.saturating_sub(step) as f64 / decaying as f64
    }
}

/// `λ_u`, the weight of the unlabelled rows: zero through the plain epochs, then rising evenly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnlabelledRamp {
    /// `λ_u` at the end.
    pub weight: f64,
    /// Epochs of plain training before it rises.
    pub plain_epochs: u32,
    /// Epochs in which it rises; with 0 it is there at once.
    pub ramp_epochs: f64,
}

impl UnlabelledRamp {
    /// The weight `epochs` after the start of the phase, in `0..=weight`.
    pub fn at(&self, epochs: f64) -> f64 {
        let since = epochs - f64::from(self.plain_epochs);
        semi_supervised::ramped(self.weight, since, self.ramp_epochs)
    }
}

#[cfg(test)]
mod tests {
    use super::{LinearSchedule, UnlabelledRamp};

    fn golden() -> serde_json::Value {
        serde_json::from_str(include_str!("../../../fixtures/golden/schedules.json")).unwrap()
    }

    #[track_caller]
    fn check(warmup: u64, key: &str) {
        let golden = golden();
        let schedule = LinearSchedule { base: 2e-5, warmup, total: 10, constant: false };
        let expected = golden["expected"][key].as_array().unwrap();
        for (step, value) in expected.iter().enumerate() {
            let ours = schedule.at(step as u64);
            assert!(
                (ours - value.as_f64().unwrap()).abs() < 1e-15,
                "step {step}: {ours} against {value}"
            );
        }
    }

    #[test]
    fn decays_linearly_to_zero_without_warm_up() {
        check(0, "linear_no_warmup");
    }

    #[test]
    fn rises_from_zero_during_warm_up() {
        check(2, "linear_warmup2");
    }

    #[test]
    fn the_weight_of_the_unlabelled_rises_over_sixteen_epochs_after_the_plain_one() {
        for (weight, key) in
            [(25.0, "lambda_u_ramp_25_over_16"), (30.0, "lambda_u_ramp_30_over_16")]
        {
            let ramp = UnlabelledRamp { weight, plain_epochs: 1, ramp_epochs: 16.0 };
            let golden = golden();
            let expected = golden["expected"][key].as_array().unwrap();
            assert_eq!(expected.len(), 20);
            for (epoch, value) in (0_u32..).zip(expected) {
                let ours = ramp.at(f64::from(epoch));
                assert!((ours - value.as_f64().unwrap()).abs() < 1e-12, "{key}, epoch {epoch}");
            }
        }
    }

    #[test]
    fn the_weight_of_the_unlabelled_is_zero_at_the_first_step_that_has_some() {
        for (epochs, plain_epochs) in [(5, 1), (7, 2), (10, 3), (40, 8), (49, 10)] {
            let ramp = UnlabelledRamp { weight: 25.0, plain_epochs, ramp_epochs: 2.0 };
            // As a step counts it: a share of the phase, times its epochs.
            let progress = f64::from(plain_epochs) / f64::from(epochs);
            assert!(ramp.at(progress * f64::from(epochs)) < 1e-12, "{plain_epochs} of {epochs}");
        }
    }

    #[test]
    fn a_ramp_of_no_epochs_is_at_its_end_from_the_start() {
        let ramp = UnlabelledRamp { weight: 3.0, plain_epochs: 1, ramp_epochs: 0.0 };
        assert!((ramp.at(1.0) - 3.0).abs() < f64::EPSILON);
    }

    #[test]
    fn stays_at_zero_past_the_end() {
        let schedule = LinearSchedule { base: 1.0, warmup: 0, total: 3, constant: false };
        assert!(schedule.at(7).abs() < f64::EPSILON);
    }
}
