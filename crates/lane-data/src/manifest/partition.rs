//! Which row goes where, drawn from a seed.
//!
//! The draws are functions of the number of rows and the seed, by named streams
//! ([`seed`]): `data/hold-out` for a validation part held out of train,
//! `data/fractions` for a set that has no parts.

use super::SplitRule;
use crate::error::DataError;
use crate::sample::choose;
use crate::seed;

/// A part of a prepared set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Split {
    /// Rows to learn from.
    Train,
    /// Rows that choose the epoch.
    Validation,
    /// Rows that are only scored.
    Test,
}

impl Split {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// The stem of its file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

/// Where each of the `n_rows` rows goes that `rule` divides: those of train for a hold-out, all for
/// fractions. `None` if it divides none.
///
/// # Errors
///
/// [`DataError::EmptyPart`] if a part would be empty.
pub fn partition(rule: SplitRule, n_rows: usize) -> Result<Option<Vec<Split>>, DataError> {
    match rule {
        SplitRule::Official => Ok(None),
        SplitRule::HoldOut { validation, seed } => hold_out(n_rows, validation, seed).map(Some),
        SplitRule::Fractions { validation, test, seed, .. } => {
            fractions(n_rows, validation, test, seed).map(Some)
        }
    }
}

fn hold_out(n_rows: usize, n_validation: usize, seed: u64) -> Result<Vec<Split>, DataError> {
    if n_validation == 0 || n_rows <= n_validation {
        return Err(DataError::EmptyPart { n_rows });
    }
    let mut parts = vec![Split::Train; n_rows];
    let mut generator = seed::generator(seed, "data/hold-out", &[]);
    for row in choose(n_rows, n_validation, &mut generator) {
        parts[row as usize] = Split::Validation;
    }
    Ok(parts)
}

/// Rounded as scikit-learn's `train_test_split` does, applied twice: what is not train, and test
/// out of that, are rounded up.
#[expect(clippy::cast_sign_loss, reason = "a positive share of a count")]
fn fractions(
    n_rows: usize,
    validation: f64,
    test: f64,
    seed: u64,
) -> Result<Vec<Split>, DataError> {
    let rest = (n_rows as f64 * (validation + test)).ceil() as usize;
    let n_test = (rest as f64 * (test / (validation + test))).ceil() as usize;
    if rest <= n_test || n_rows <= rest {
        return Err(DataError::EmptyPart { n_rows });
    }
    let mut parts = vec![Split::Train; n_rows];
    let mut generator = seed::generator(seed, "data/fractions", &[]);
    for (at, row) in choose(n_rows, rest, &mut generator).into_iter().enumerate() {
        parts[row as usize] = if at < n_test { Split::Test } else { Split::Validation };
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(parts: &[Split], split: Split) -> usize {
        parts.iter().filter(|part| **part == split).count()
    }

    #[test]
    fn a_held_out_part_has_the_size_asked_for_and_depends_on_the_seed_alone() {
        let draw = |seed| hold_out(1000, 120, seed).unwrap();
        assert_eq!(count(&draw(1), Split::Validation), 120);
        assert_eq!(count(&draw(1), Split::Train), 880);
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert!(hold_out(120, 120, 1).is_err() && hold_out(10, 0, 1).is_err());
    }

    #[test]
    fn a_draw_once_made_stays() {
        let held: Vec<usize> = hold_out(20, 4, 1)
            .unwrap()
            .iter()
            .enumerate()
            .filter_map(|(row, part)| (*part == Split::Validation).then_some(row))
            .collect();
        assert_eq!(held, HELD);
    }

    // Recorded from the first run; another list means that prepared sets changed.
    const HELD: [usize; 4] = [1, 6, 7, 8];

    #[test]
    fn fractions_are_rounded_as_scikit_learn_rounds_them() {
        // train_test_split(test_size=0.4), then (test_size=0.5) of the rest.
        for (n_rows, expected) in
            [(7666, [4599, 1533, 1534]), (10, [6, 2, 2]), (7516, [4509, 1503, 1504])]
        {
            let parts = fractions(n_rows, 0.2, 0.2, 0).unwrap();
            assert_eq!(Split::ALL.map(|split| count(&parts, split)), expected, "{n_rows}");
        }
        assert!(fractions(2, 0.2, 0.2, 0).is_err());
    }

    #[test]
    fn official_parts_are_left_alone() {
        assert_eq!(partition(SplitRule::Official, 5).unwrap(), None);
    }
}
