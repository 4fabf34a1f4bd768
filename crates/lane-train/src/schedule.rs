//! The learning rate by optimizer step.
//!
//! ```text
//! lr(s) = base · s / warmup                         for s < warmup
//! lr(s) = base · (total − s) / (total − warmup)     after, down to 0 at s = total
//! ```
//!
//! Steps count from 0, so that with warm-up the first step has rate 0, as in the reference
//! implementations of BERT fine-tuning.

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

#[cfg(test)]
mod tests {
    use super::LinearSchedule;

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
    fn stays_at_zero_past_the_end() {
        let schedule = LinearSchedule { base: 1.0, warmup: 0, total: 3, constant: false };
        assert!(schedule.at(7).abs() < f64::EPSILON);
    }
}
