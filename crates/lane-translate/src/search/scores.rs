//! Scores of next tokens.

use crate::generation::Decoding;

/// Logits to log-probabilities, in place.
pub(super) fn log_softmax(row: &mut [f32]) {
    let highest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f64 = row.iter().map(|score| f64::from(score - highest).exp()).sum();
    let shift = total.ln() as f32;
    for score in row {
        *score = *score - highest - shift;
    }
}

/// Takes away what may not come after `n_before` tokens.
pub(super) fn restrict(row: &mut [f32], n_before: usize, decoding: &Decoding) {
    for id in &decoding.barred {
        row[*id as usize] = f32::NEG_INFINITY;
    }
    if decoding.forced_end && n_before + 1 == decoding.max_tokens {
        row.fill(f32::NEG_INFINITY);
        row[decoding.end as usize] = 0.0;
    }
}

/// The token with the highest score, the lowest of equals; none where there is no number.
pub(super) fn likeliest(row: &[f32]) -> Option<u32> {
    let mut best: Option<(usize, f32)> = None;
    for (token, score) in row.iter().copied().enumerate() {
        if f32::NEG_INFINITY < score && best.is_none_or(|(_, highest)| highest < score) {
            best = Some((token, score));
        }
    }
    best.map(|(token, _)| token as u32)
}

/// The `n` highest of scores with their places, best first, the first of equals before the others;
/// fewer where fewer are numbers.
pub(super) fn highest(scores: impl Iterator<Item = f32>, n: usize) -> Vec<(usize, f32)> {
    let mut best: Vec<(usize, f32)> = Vec::with_capacity(n + 1);
    for (place, score) in scores.enumerate() {
        let beats_last = best.len() < n || best.last().is_some_and(|(_, last)| *last < score);
        if f32::NEG_INFINITY < score && beats_last {
            let at = best.partition_point(|(_, other)| score <= *other);
            best.insert(at, (place, score));
            best.truncate(n);
        }
    }
    best
}
