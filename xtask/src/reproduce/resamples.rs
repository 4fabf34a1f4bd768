//! Resamples of test rows and of seeds, for the paired bootstrap.
//!
//! In resample b every test row counts `w_b[r]` times, the same for all methods and seeds, since they
//! share one test split, and seeds are drawn with replacement, the same ones for both methods of a
//! pair. Rows and seeds are crossed, not nested: rows drawn anew for each seed would pass one test
//! split off as several, and intervals would be too narrow (Owen. *The pigeonhole bootstrap*. Annals of
//! Applied Statistics, 2007. <https://doi.org/10.1214/07-AOAS122>).

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::score::{LANES, Lanes, count, scores_of};
use crate::whole_file::fnv1a;

/// How many resamples; a multiple of [`LANES`].
pub(super) const N_RESAMPLES: usize = 125 * LANES;
/// Every report of the same runs has the same intervals.
pub(super) const SEED: u64 = 1;

/// Scores of one run: three for each resample.
pub(super) type RunScores = Vec<[f32; 3]>;

/// Scores of each run under every resample of the rows; `runs` are codes by row.
pub(super) fn row_scores(
    place: &str,
    labels: &[u16],
    n_classes: usize,
    runs: &[&[u32]],
) -> Vec<RunScores> {
    let mut random = stream(place, "rows");
    let labels: Vec<u32> = labels.iter().map(|&label| u32::from(label)).collect();
    let mut scores = vec![Vec::with_capacity(N_RESAMPLES); runs.len()];
    let mut weights: Vec<Lanes> = vec![[0; LANES]; labels.len()];
    for _ in 0..N_RESAMPLES / LANES {
        draw_rows(&mut random, &mut weights);
        let n_true = count(&labels, &weights, n_classes);
        for (codes, scores) in runs.iter().zip(&mut scores) {
            let lanes = scores_of(&n_true, &count(codes, &weights, 2 * n_classes));
            scores.extend((0..LANES).map(|lane| lanes.map(|score| score[lane])));
        }
    }
    scores
}

/// As many rows as there are, with replacement, in each lane.
fn draw_rows(random: &mut ChaCha8Rng, weights: &mut [Lanes]) {
    weights.fill([0; LANES]);
    let n_rows = weights.len() as u32;
    for draw in 0..LANES * weights.len() {
        weights[random.random_range(0..n_rows) as usize][draw % LANES] += 1;
    }
}

/// Which seeds each resample takes, as shares of however many a pair of methods has in common.
pub(super) fn seed_draws(place: &str, n_seeds: usize) -> Vec<Vec<f64>> {
    let mut random = stream(place, "seeds");
    (0..N_RESAMPLES).map(|_| (0..n_seeds).map(|_| random.random()).collect()).collect()
}

/// Random numbers that depend on what they are for and not on what else is in the report.
fn stream(place: &str, what: &str) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    random.set_stream(fnv1a(format!("{what} {place}").as_bytes()));
    random
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lane_draws_as_many_rows_as_there_are() {
        let mut weights = vec![[7; LANES]; 50];
        draw_rows(&mut stream("a", "rows"), &mut weights);
        for lane in 0..LANES {
            assert_eq!(weights.iter().map(|weight| weight[lane]).sum::<u32>(), 50);
        }
        assert!((0..50).any(|row| weights[row][0] != weights[row][1]));
    }

    #[test]
    fn accuracy_spreads_as_the_binomial_says() {
        // 400 rows, 3 of 4 right: standard error √(0.75 · 0.25 / 400) = 0.02165.
        let codes: Vec<u32> = (0..400).map(|row| u32::from(row % 4 > 0)).collect();
        let scores = row_scores("a", &vec![0; 400], 2, &[&codes]);
        let accuracies: Vec<f64> = scores[0].iter().map(|score| f64::from(score[0])).collect();
        assert_eq!(accuracies.len(), N_RESAMPLES);
        let mean = accuracies.iter().sum::<f64>() / 2000.0;
        let variance = accuracies.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / 2000.0;
        assert!((mean - 0.75).abs() < 0.002, "{mean}");
        assert!((variance.sqrt() - 0.02165).abs() < 0.001, "{variance}");
    }

    #[test]
    fn two_runs_of_the_same_predictions_score_the_same_in_every_resample() {
        let codes: Vec<u32> = (0..40).map(|row| row % 4).collect();
        let scores = row_scores("a", &[0; 40].map(|_| 1), 2, &[&codes, &codes]);
        assert_eq!(scores[0], scores[1]);
        assert_ne!(scores[0], row_scores("b", &[0; 40].map(|_| 1), 2, &[&codes])[0]);
    }

    #[test]
    fn seeds_are_drawn_the_same_each_time() {
        let draws = seed_draws("a", 3);
        assert_eq!((draws.len(), draws[0].len()), (N_RESAMPLES, 3));
        assert_eq!(draws, seed_draws("a", 3));
    }
}
