//! Classes and pairs of classes: whose labels are in good health, which label is given for which,
//! and how far apart two labels are for the models.
//!
//! ```text
//! m_ab = mean of p_b over the rows labelled a that are not flagged  (p out of fold)
//! d(a, b) = 1 − min(1, (m_ab + m_ba) / (m_aa + m_bb))               distance of two labels
//! h_a = 1 − mean over the rows labelled a of P(label wrong)         health of a class
//! ```
//!
//! d is symmetric, 0 for a label and itself, 0 for labels that the models do not tell apart and 1
//! for labels that they never confuse. It is not a metric: the triangle inequality need not hold.
//! Classes without rows or probabilities add nothing to the sums; where both labels have none, d is
//! 1, for nothing speaks for confusion. Where a row has no P(label wrong), 1 stands for a flagged
//! row and 0 for any other; a class without rows has health 1.
//!
//! Flagged rows are left out of m: a label given for another by mistake would make the two look
//! confused, and with a fifth of all labels wrong any two would.
//!
//! m takes C² numbers, whatever the rows: they come one by one.

use lane_metrics::ClassId;

use crate::error::AuditError;
use crate::model::{ClassHealth, ClassPair};

/// A softmax in f32 may end this little above 1.
const ROUNDING: f64 = 1e-6;

/// What is known of a row.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The label it has.
    pub label: ClassId,
    /// The label suggested.
    pub suggested: ClassId,
    /// Whether the label is held to be wrong.
    pub flagged: bool,
    /// Probability that it is wrong, where that was estimated.
    pub p_wrong: Option<f64>,
    /// Probabilities out of fold, shape `[n_classes]`, where there are any.
    pub probabilities: Option<&'a [f32]>,
}

/// Sums over rows, class by class.
#[derive(Clone, Debug)]
pub struct Tally {
    n_classes: usize,
    n_rows: Vec<usize>,
    wrong: Vec<f64>,
    /// Flagged rows by given label and suggestion.
    flagged: Vec<usize>,
    /// Rows that have probabilities, and the sum of those of their own label.
    own: Vec<(usize, f64)>,
    n_in_sums: Vec<usize>,
    sums: Vec<f64>,
}

/// What holds of the classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Classes {
    /// Class by class, in the order of the names.
    pub health: Vec<ClassHealth>,
    /// Pairs with at least one flagged row, most rows first, then in the order of the classes.
    pub pairs: Vec<ClassPair>,
    /// How the models spread their probability.
    pub mean_probabilities: MeanProbabilities,
}

/// The matrix m: mean probability of each class over the rows of each label that are not flagged.
#[derive(Clone, Debug, PartialEq)]
pub struct MeanProbabilities {
    n_classes: usize,
    values: Vec<f64>,
}

impl Tally {
    /// No rows yet.
    pub fn new(n_classes: usize) -> Self {
        Self {
            n_classes,
            n_rows: vec![0; n_classes],
            wrong: vec![0.0; n_classes],
            flagged: vec![0; n_classes * n_classes],
            own: vec![(0, 0.0); n_classes],
            n_in_sums: vec![0; n_classes],
            sums: vec![0.0; n_classes * n_classes],
        }
    }

    /// Adds a row.
    ///
    /// # Errors
    ///
    /// [`AuditError::Classes`] where a label names no class, or a row has too few or too many
    /// probabilities or one outside 0 to 1; nothing is added then.
    pub fn add(&mut self, row: Row<'_>) -> Result<(), AuditError> {
        self.check(row)?;
        let (label, suggested) = (row.label.index(), row.suggested.index());
        self.n_rows[label] += 1;
        self.wrong[label] += row.p_wrong.unwrap_or(if row.flagged { 1.0 } else { 0.0 });
        self.flagged[label * self.n_classes + suggested] += usize::from(row.flagged);
        if let Some(probabilities) = row.probabilities {
            let (n_rows, sum) = &mut self.own[label];
            (*n_rows, *sum) = (*n_rows + 1, *sum + f64::from(probabilities[label]));
        }
        if let Some(probabilities) = row.probabilities.filter(|_| !row.flagged) {
            self.n_in_sums[label] += 1;
            let start = label * self.n_classes;
            let sums = &mut self.sums[start..start + self.n_classes];
            sums.iter_mut().zip(probabilities).for_each(|(sum, &p)| *sum += f64::from(p));
        }
        Ok(())
    }

    fn check(&self, row: Row<'_>) -> Result<(), AuditError> {
        let n_classes = self.n_classes;
        let refuse = |found: String| {
            let row = self.n_rows.iter().sum::<usize>();
            Err(AuditError::Classes { row, found })
        };
        if let Some(label) = [row.label, row.suggested].iter().find(|it| it.index() >= n_classes) {
            return refuse(format!("class {label}, expected one below {n_classes}"));
        }
        let in_range = |p: f64| (0.0..=1.0 + ROUNDING).contains(&p);
        if let Some(p) = row.p_wrong.filter(|&p| !in_range(p)) {
            return refuse(format!("a probability of {p} that the label is wrong"));
        }
        let Some(probabilities) = row.probabilities else { return Ok(()) };
        if probabilities.len() != n_classes {
            return refuse(format!("{} probabilities, expected {n_classes}", probabilities.len()));
        }
        match probabilities.iter().position(|&p| !in_range(f64::from(p))) {
            Some(class) => {
                refuse(format!("{} as the probability of class {class}", probabilities[class]))
            }
            None => Ok(()),
        }
    }

    /// What the rows say, with the names of the classes.
    ///
    /// # Errors
    ///
    /// [`AuditError::ClassNames`] where there are fewer or more names than classes.
    pub fn finish(self, names: &[String]) -> Result<Classes, AuditError> {
        if names.len() != self.n_classes {
            return Err(AuditError::ClassNames { found: names.len(), expected: self.n_classes });
        }
        let mean_probabilities = self.mean_probabilities();
        let health = names.iter().enumerate().map(|(at, name)| {
            let n_rows = self.n_rows[at];
            let (n_known, own) = self.own[at];
            ClassHealth {
                label: name.clone(),
                n_rows,
                n_flagged: self.flagged_of(at).iter().sum(),
                n_suggested: self.n_suggested(at),
                health: 1.0 - self.wrong[at] / n_rows.max(1) as f64,
                self_confidence: (0 < n_known).then(|| own / n_known as f64),
            }
        });
        Ok(Classes { health: health.collect(), pairs: self.pairs(names), mean_probabilities })
    }

    fn flagged_of(&self, label: usize) -> &[usize] {
        &self.flagged[label * self.n_classes..][..self.n_classes]
    }

    fn n_suggested(&self, class: usize) -> usize {
        (0..self.n_classes).filter(|&it| it != class).map(|it| self.flagged_of(it)[class]).sum()
    }

    fn pairs(&self, names: &[String]) -> Vec<ClassPair> {
        let places = (0..self.n_classes).flat_map(|a| (0..self.n_classes).map(move |b| (a, b)));
        let pair = |(a, b): (usize, usize)| ClassPair {
            label: names[a].clone(),
            suggested: names[b].clone(),
            n_rows: self.flagged_of(a)[b],
            share: self.flagged_of(a)[b] as f64 / self.n_rows[a].max(1) as f64,
        };
        let mut pairs: Vec<_> =
            places.filter(|(a, b)| a != b).map(pair).filter(|it| it.n_rows > 0).collect();
        pairs.sort_by_key(|it| std::cmp::Reverse(it.n_rows));
        pairs
    }

    fn mean_probabilities(&self) -> MeanProbabilities {
        let mut values = self.sums.clone();
        for (row, &n_rows) in values.chunks_mut(self.n_classes.max(1)).zip(&self.n_in_sums) {
            for sum in row {
                *sum /= n_rows.max(1) as f64;
            }
        }
        MeanProbabilities { n_classes: self.n_classes, values }
    }
}

impl MeanProbabilities {
    /// Mean probability of `class` over the rows labelled `label` that are not flagged; 0 where there are none, or
    /// where either is no class.
    pub fn of(&self, label: ClassId, class: ClassId) -> f64 {
        if label.index().max(class.index()) < self.n_classes {
            self.at(label.index(), class.index())
        } else {
            0.0
        }
    }

    /// The rows of the matrix, one for each label.
    pub fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks(self.n_classes.max(1))
    }

    /// How far apart two labels are, from 0 (never told apart) to 1 (never confused); d above.
    ///
    /// # Examples
    ///
    /// Rows of `a` have 0.75 for `a` and 0.25 for `b`, those of `b` 0.125 for `a`:
    /// d = 1 − 0.375 / 1.625.
    ///
    /// ```
    /// use lane_audit::classes::{Row, Tally};
    /// use lane_metrics::ClassId;
    ///
    /// let [a, b] = [ClassId(0), ClassId(1)];
    /// let mut tally = Tally::new(2);
    /// for (label, p) in [(a, [0.75_f32, 0.25]), (b, [0.125, 0.875])] {
    ///     let probabilities = Some(&p[..]);
    ///     tally.add(Row { label, suggested: label, flagged: false, p_wrong: None, probabilities })?;
    /// }
    /// let classes = tally.finish(&["a".to_owned(), "b".to_owned()])?;
    /// let distance = classes.mean_probabilities.label_distance(a, b);
    /// assert!((distance - (1.0 - 0.375 / 1.625)).abs() < 1e-12);
    /// # Ok::<(), lane_audit::AuditError>(())
    /// ```
    pub fn label_distance(&self, a: ClassId, b: ClassId) -> f64 {
        // One order of the sums for (a, b) and (b, a), so that both give the same bits.
        let (a, b) = (a.min(b), a.max(b));
        let confused = self.of(a, b) + self.of(b, a);
        let right = self.of(a, a) + self.of(b, b);
        if a == b {
            0.0
        } else if confused <= 0.0 {
            1.0
        } else {
            1.0 - (confused / right).min(1.0)
        }
    }

    fn at(&self, label: usize, class: usize) -> f64 {
        self.values[label * self.n_classes + class]
    }
}

#[cfg(test)]
mod tests;
