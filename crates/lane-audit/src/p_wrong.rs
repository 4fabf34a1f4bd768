//! The probability that a label is wrong, row by row.
//!
//! F, TPR and π as in [`planted_flips`](crate::planted_flips), by
//! [`suspicion`](crate::suspicion), every row's label changed to each other class alike; u, a and P
//! as in [`noise_matrix`](crate::noise_matrix).
//!
//! ```text
//! slope_i  of the least concave majorant of (0, 0), (F(m), π TPR(m)), m = 1..n, at row i's score;
//!          held in .001..=.99
//! d        share of rows with argmax P ≠ y
//! p_i      = logit⁻¹( logit slope_i − d + 1.35 a / (u + a) )
//! ```
//!
//! Among rows of one score, π dTPR/dF is the share of wrong ones if wrong labels fall as the
//! planted ones do. The slope of the majorant is that ratio made to fall with the rank and nothing
//! else: it is the isotonic regression of planted flips against observed rows. p falls with the
//! rank too, so rows are ranked by it as by the suspicion.
//!
//! Two things move all rows of a file together. Where the model disagrees with many labels, the
//! task is hard and more of the disagreement is the model's own; where noise goes one way (a beside
//! u), the model has learned part of it and π misses that part. The two weights were fitted on the
//! row-wise likelihood of 75 files of five public sets with made noise (uniform at 5 to 40 %, by
//! pairs at 20 %, three seeds). On 51 files of two other sets and of a third kind of noise the
//! expected calibration error is .048, the Brier score .085 (.150 with the true share for all).
//!
//! Tried and dropped, with the error on the 75 files (.050 here): slopes alone (.064, and half of
//! the truth for the share under noise by pairs), 1 − R (.10), 1 − `P_iy` (.46: every hard row), these
//! with fitted temperatures and mixed, flips planted by T (.059), and up to nine features of the
//! file, which did better on the files they were fitted to and worse when a set was left out.
//! `fixtures/reference/calibration.py` makes the table of what p is worth.
//!
//! Labels that are wrong in a way the model has learned too look right to it, and p is near 0 for
//! them: see [`NOT_COUNTED`](crate::cut_off::NOT_COUNTED).

use crate::planted_flips::PlantedFlips;
use crate::suspicion::Judge;

const WEIGHT_OF_DISAGREEMENT: f64 = -1.0;
const WEIGHT_OF_DIRECTION: f64 = 1.35;
/// Slopes are held in here, where logits would end.
const LEAST: f64 = 0.001;
const MOST: f64 = 0.99;

/// The probability that each label is wrong, in the order of the rows, shape `[n_rows]`.
///
/// `suspicions` are those of `judge`, `planted` the flips planted against them.
pub(crate) fn of_rows(judge: &Judge<'_>, suspicions: &[f64], planted: &PlantedFlips) -> Vec<f64> {
    let noise = judge.noise();
    let shift = WEIGHT_OF_DISAGREEMENT * disagreement(judge)
        + WEIGHT_OF_DIRECTION * noise.directed / noise.share_wrong();
    let slopes = slopes(planted);
    let of_row = |suspicion: &f64| {
        // Of equal scores the first: all of them have one slope.
        let at = planted.thresholds().partition_point(|threshold| threshold > suspicion);
        let slope = slopes[at.min(slopes.len() - 1)].clamp(LEAST, MOST);
        let logit = (slope / (1.0 - slope)).ln() + shift;
        1.0 / (1.0 + (-logit).exp())
    };
    suspicions.iter().map(of_row).collect()
}

/// Slope of the least concave majorant of π TPR over F, at each threshold.
fn slopes(planted: &PlantedFlips) -> Vec<f64> {
    let thresholds = planted.thresholds();
    let (n_rows, share) = (thresholds.len(), planted.share_wrong());
    let recalls = planted.recalls();
    // Corners of the majorant: rows at or above, and flips that wrong rows are worth.
    let mut corners = vec![(0_usize, 0.0)];
    let steepness = |from: (usize, f64), to: (usize, f64)| {
        (to.1 - from.1) * n_rows as f64 / (to.0 - from.0) as f64
    };
    for at in 0..n_rows {
        // Of equal scores only the last has all rows at or above it counted.
        if thresholds.get(at + 1).is_some_and(|next| *next >= thresholds[at]) {
            continue;
        }
        let corner = (at + 1, share * recalls[at]);
        while let [.., before, last] = corners[..] {
            if steepness(before, last) > steepness(last, corner) {
                break;
            }
            corners.pop();
        }
        corners.push(corner);
    }
    let flat = |pair: &[(usize, f64)]| {
        std::iter::repeat_n(steepness(pair[0], pair[1]), pair[1].0 - pair[0].0)
    };
    corners.windows(2).flat_map(flat).collect()
}

/// d: the share of rows whose most probable class is not their label.
pub(crate) fn disagreement(judge: &Judge<'_>) -> f64 {
    let rows = judge.rows();
    let agrees = |(values, label): &(&[f64], usize)| {
        // Of equals the first, as everywhere.
        let before = values[..*label].iter().all(|value| *value < values[*label]);
        before && values[*label..].iter().all(|value| *value <= values[*label])
    };
    let agreeing = rows.rows().filter(agrees).count();
    1.0 - agreeing as f64 / rows.n_rows() as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn planted(scores: Vec<f64>, flips: &[f64]) -> PlantedFlips {
        let mut planted = PlantedFlips::new(scores);
        for flip in flips {
            planted.plant(*flip, 1.0);
        }
        planted
    }

    #[test]
    fn where_only_flips_score_high_the_slope_is_one_there_and_none_elsewhere() {
        let scores = (0..100).map(|row| f64::from(row < 30)).collect();
        let slopes = slopes(&planted(scores, &[1.0; 10]));
        assert!(slopes[..30].iter().all(|it| (it - 1.0).abs() < 1e-12), "{slopes:?}");
        assert!(slopes[30..].iter().all(|it| it.abs() < 1e-12), "{slopes:?}");
    }

    #[test]
    fn a_dent_is_bridged() {
        // No flips at the best score, all at the second: one slope for both.
        let scores = [[3.0; 30], [2.0; 30], [1.0; 30]].concat();
        let slopes = slopes(&planted(scores, &[2.0; 10]));
        assert!((slopes[0] - slopes[59]).abs() < 1e-12 && slopes[0] > 0.9, "{slopes:?}");
        assert!(slopes[60].abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn slopes_fall_and_are_worth_the_share_of_wrong_labels(
            scores in prop::collection::vec(0..9_u8, 30..80),
            flips in prop::collection::vec(0..9_u8, 1..50),
        ) {
            let numbers = |it: &[u8]| it.iter().map(|it| f64::from(*it)).collect::<Vec<_>>();
            let planted = planted(numbers(&scores), &numbers(&flips));
            let slopes = slopes(&planted);
            prop_assert_eq!(slopes.len(), scores.len());
            prop_assert!(slopes.windows(2).all(|pair| pair[0] + 1e-9 >= pair[1]));
            let mean = slopes.iter().sum::<f64>() / scores.len() as f64;
            let found = planted.recalls().last().copied().unwrap() * planted.share_wrong();
            prop_assert!((mean - found).abs() < 1e-9, "{} {}", mean, found);
        }
    }
}
