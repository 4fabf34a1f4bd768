//! What a score would do with a label changed on purpose, without changing any.
//!
//! ```text
//! F(m)    = #{ i : score_i ≥ t_m } / n                         share of rows at or above t_m
//! TPR(m)  = Σ_flips w [score(flip) ≥ t_m] / Σ_flips w          share of flips at or above t_m
//! F       = π · TPR + (1 − π) · FPR  ≥  π · TPR   ⇒   π ≤ min_m F(m) / TPR(m)
//! ```
//!
//! The thresholds t are the scores of the rows as they are, higher being more suspicious. Out of
//! fold, the model that judges a row never saw its label, so the score of the row under any other
//! label can be read from the same probabilities: all n (c − 1) flips are planted at once,
//! exactly, with nothing trained again. What a few flips would do to the *other* rows' models is
//! left out.
//!
//! The share of wrong labels π found so is an upper bound if wrong labels fall as the weights say,
//! and tight where some threshold has none but wrong labels above it. Labels that are wrong in a
//! way the model has learned look like right ones to it: of these no planted flip knows.

/// Scores of the rows as they are, and flips counted against them.
#[derive(Clone, Debug)]
pub struct PlantedFlips {
    thresholds: Vec<f64>,
    caught: Vec<f64>,
    total: f64,
}

impl PlantedFlips {
    /// Takes the scores of the rows as they are, shape `[n]`, any order, none NaN.
    pub fn new(mut scores: Vec<f64>) -> Self {
        scores.sort_unstable_by(|a, b| b.total_cmp(a));
        let caught = vec![0.0; scores.len()];
        Self { thresholds: scores, caught, total: 0.0 }
    }

    /// Plants one flip that would have `score`, as likely as `weight` says.
    pub fn plant(&mut self, score: f64, weight: f64) {
        self.total += weight;
        let first = self.thresholds.partition_point(|threshold| *threshold > score);
        if let Some(caught) = self.caught.get_mut(first) {
            *caught += weight;
        }
    }

    /// Share of flips found at each threshold, highest threshold first, shape `[n]`, in 0..=1 and
    /// never falling; zeros when nothing was planted.
    pub fn recalls(&self) -> Vec<f64> {
        let total = if self.total > 0.0 { self.total } else { 1.0 };
        let mut sum = 0.0;
        let add = |caught: &f64| {
            sum += caught;
            (sum / total).min(1.0)
        };
        self.caught.iter().map(add).collect()
    }

    /// The share of wrong labels that the flips leave room for: min over m > max(20, n/100) of
    /// F(m) / TPR(m), at most 1.
    pub fn share_wrong(&self) -> f64 {
        let n_rows = self.thresholds.len();
        let recalls = self.recalls();
        // Of equal scores only the last has all rows at or above it counted.
        let last_of_its_kind = |at: &usize| {
            self.thresholds.get(at + 1).is_none_or(|next| *next < self.thresholds[*at])
        };
        let ratio = |at: usize| (at + 1) as f64 / n_rows as f64 / recalls[at].max(1e-9);
        let believed = (rows_left_out(n_rows)..n_rows).filter(last_of_its_kind);
        believed.map(ratio).fold(1.0, f64::min)
    }

    /// The scores, highest first.
    pub fn thresholds(&self) -> &[f64] {
        &self.thresholds
    }
}

/// Rows that must be at or above a threshold before its ratio is believed: more than 20, and more
/// than one in a hundred.
pub(crate) fn rows_left_out(n_rows: usize) -> usize {
    (n_rows / 100).max(20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flip_is_found_from_the_first_threshold_not_above_it() {
        let mut flips = PlantedFlips::new(vec![1.0, 3.0, 2.0]);
        for score in [3.5, 3.0, 2.5, 0.5] {
            flips.plant(score, 2.0);
        }
        assert_eq!(flips.thresholds(), [3.0, 2.0, 1.0]);
        assert_eq!(flips.recalls(), [0.5, 0.75, 0.75]);
    }

    #[test]
    fn flips_that_stand_apart_give_the_share_of_rows_that_stand_with_them() {
        // 30 of 100 rows score like flips.
        let mut flips = PlantedFlips::new((0..100).map(|row| f64::from(row < 30)).collect());
        (0..100).for_each(|_| flips.plant(1.0, 1.0));
        assert!((flips.share_wrong() - 0.3).abs() < 1e-12);
    }

    #[test]
    fn nothing_planted_leaves_room_for_anything() {
        let flips = PlantedFlips::new(vec![0.0; 50]);
        assert!((flips.share_wrong() - 1.0).abs() < 1e-12);
    }
}
