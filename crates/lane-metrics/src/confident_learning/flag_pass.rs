//! Third pass: which rows a filter flags.
#![expect(clippy::inline_always, reason = "compiled for wide vectors only where it is inlined")]

use super::joint_pass::same_rows;
use super::lowest::Lowest;
use super::scores::{agrees, margin as margin_of};
use super::thresholds::{confident_class, same_classes};
use super::{ConfidentJoint, Filter, LabeledRows};
use crate::error::MetricsError;
use crate::id::ClassId;
use crate::vectors::{Loop, any_lead_below, widest};

/// Finds the rows to flag, block by block.
///
/// Keeps two flags a row and, at most, twice the candidates of each list a filter takes the lowest
/// of; the lists of one filter together are never longer than there are rows.
#[derive(Clone, Debug)]
pub struct FlagPass<'j> {
    joint: &'j ConfidentJoint,
    filter: Filter,
    by_class: Option<Lists>,
    by_noise_rate: Option<Lists>,
    by_score: Option<Lists>,
    /// Rows flagged on sight.
    flagged: Vec<bool>,
    /// Of the rows that a list took, those whose most probable class is their label.
    agreeing: Vec<bool>,
}

impl<'j> FlagPass<'j> {
    /// Starts looking for the rows `filter` flags.
    pub fn new(joint: &'j ConfidentJoint, filter: Filter) -> Self {
        let (class, rate) = match filter {
            Filter::PruneByClass => (true, false),
            Filter::PruneByNoiseRate => (false, true),
            Filter::Both => (true, true),
            _ => (false, false),
        };
        let counts = if class || rate { joint.prune_counts() } else { Vec::new() };
        let is_scored = matches!(filter, Filter::LowSelfConfidence | Filter::LowNormalizedMargin);
        Self {
            joint,
            filter,
            by_class: class.then(|| Lists::by_class(joint, &counts)),
            by_noise_rate: rate.then(|| Lists::by_noise_rate(joint, &counts)),
            by_score: is_scored.then(|| Lists::new([joint.n_issues()])),
            flagged: Vec::new(),
            agreeing: Vec::new(),
        }
    }

    /// Takes the next rows.
    ///
    /// # Errors
    ///
    /// [`MetricsError::CountMismatch`] when the block has another number of classes than the
    /// joint, [`MetricsError::TooManyRows`].
    pub fn take(&mut self, rows: LabeledRows<'_>) -> Result<(), MetricsError> {
        same_classes(rows, self.joint.n_classes())?;
        let n_rows = self.agreeing.len() + rows.n_rows();
        let first = match u32::try_from(n_rows) {
            Ok(_) => self.agreeing.len() as u32,
            Err(_) => return Err(MetricsError::TooManyRows { n_rows }),
        };
        self.agreeing.resize(n_rows, false);
        if self.by_class.is_some() || self.by_noise_rate.is_some() || self.by_score.is_some() {
            widest(Offer { pass: self, rows, first });
        }
        self.flag_on_sight(rows);
        Ok(())
    }

    /// Offers a row to the lists; whether one took it for now.
    #[inline(always)]
    fn offer(&mut self, row: &[f64], label: ClassId, id: u32) -> bool {
        let mut taken = false;
        if let Some(lists) = &mut self.by_class {
            taken |= lists.offer(label.index(), row[label.index()], id);
        }
        if let Some(lists) = &mut self.by_noise_rate {
            taken |= lists.offer_margins(row, label, id);
        }
        if let Some(lists) = &mut self.by_score {
            let margin = self.filter == Filter::LowNormalizedMargin;
            let score = if margin { margin_of(row, label) } else { row[label.index()] };
            taken |= lists.offer(0, score, id);
        }
        taken
    }

    fn flag_on_sight(&mut self, rows: LabeledRows<'_>) {
        let limits = self.joint.thresholds().limits();
        let flagged = &mut self.flagged;
        match self.filter {
            Filter::ConfidentLearning => widest(FlagCounted { rows, limits: &limits, flagged }),
            Filter::PredictedNeqGiven => widest(FlagOthers { rows, flagged }),
            _ => {}
        }
    }

    /// The flags, shape `[n_rows]`.
    ///
    /// # Errors
    ///
    /// [`MetricsError::CountMismatch`] unless as many rows were taken as the joint comes from.
    pub fn finish(self) -> Result<Vec<bool>, MetricsError> {
        let n_rows = self.agreeing.len();
        same_rows(n_rows as u64, self.joint.n_rows())?;
        let listed = [self.by_class, self.by_noise_rate, self.by_score].into_iter().flatten();
        let both = |a: Vec<bool>, b: Vec<bool>| a.iter().zip(b).map(|(a, b)| *a && b).collect();
        let mut flagged =
            listed.map(|lists| lists.flags(n_rows)).reduce(both).unwrap_or(self.flagged);
        if self.filter.spares_agreement() {
            for (flagged, agrees) in flagged.iter_mut().zip(self.agreeing) {
                *flagged &= !agrees;
            }
        }
        Ok(flagged)
    }
}

/// Offers rows to the lists of a pass.
struct Offer<'a, 'j> {
    pass: &'a mut FlagPass<'j>,
    rows: LabeledRows<'a>,
    first: u32,
}

impl Loop for Offer<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (id, (row, label)) in (self.first..).zip(self.rows.iter()) {
            if self.pass.offer(row, label, id) {
                self.pass.agreeing[id as usize] = agrees(row, label);
            }
        }
    }
}

/// Flags rows counted off the diagonal.
struct FlagCounted<'a> {
    rows: LabeledRows<'a>,
    limits: &'a [f64],
    flagged: &'a mut Vec<bool>,
}

impl Loop for FlagCounted<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (row, label) in self.rows.iter() {
            let class = confident_class(row, self.limits);
            let is_other = class.is_some_and(|it| it != label.index());
            self.flagged.push(is_other && !agrees(row, label));
        }
    }
}

/// Flags rows whose most probable class is not their label.
struct FlagOthers<'a> {
    rows: LabeledRows<'a>,
    flagged: &'a mut Vec<bool>,
}

impl Loop for FlagOthers<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (row, label) in self.rows.iter() {
            self.flagged.push(!agrees(row, label));
        }
    }
}

/// Lists that each take the lowest keys offered, and the limits below which they do.
#[derive(Clone, Debug)]
struct Lists {
    lists: Vec<Lowest>,
    limits: Vec<f64>,
}

impl Lists {
    fn new(n_wanted: impl IntoIterator<Item = u64>) -> Self {
        let lists: Vec<_> = n_wanted.into_iter().map(|it| Lowest::new(it as usize)).collect();
        let limits = lists.iter().map(Lowest::first_limit).collect();
        Self { lists, limits }
    }

    /// One list a class: its rows but those to leave. A class of one row loses none.
    fn by_class(joint: &ConfidentJoint, prune_counts: &[u64]) -> Self {
        let n_classes = joint.n_classes();
        let label_counts = joint.thresholds().label_counts().iter();
        Self::new(label_counts.enumerate().map(|(class, n_given)| {
            let n_left = prune_counts[class * n_classes + class];
            if *n_given > 1 { n_given.saturating_sub(n_left) } else { 0 }
        }))
    }

    /// One list a pair of given and true label; none on the diagonal or in a class of one row.
    fn by_noise_rate(joint: &ConfidentJoint, prune_counts: &[u64]) -> Self {
        let n_classes = joint.n_classes();
        let label_counts = joint.thresholds().label_counts();
        Self::new(prune_counts.iter().enumerate().map(|(pair, count)| {
            let (given, truth) = (pair / n_classes, pair % n_classes);
            if given != truth && label_counts[given] > 1 { *count } else { 0 }
        }))
    }

    /// Whether the list took the key for now.
    #[inline(always)]
    fn offer(&mut self, list: usize, key: f64, row: u32) -> bool {
        let enters = key < self.limits[list];
        if enters && let Some(limit) = self.lists[list].push(key, row) {
            self.limits[list] = limit;
        }
        enters
    }

    /// Offers `p_y` − `p_k` to the list of the label y and each class k.
    #[inline(always)]
    fn offer_margins(&mut self, row: &[f64], label: ClassId, id: u32) -> bool {
        let own = row[label.index()];
        let first = label.index() * row.len();
        let limits = &self.limits[first..][..row.len()];
        // Most rows enter no list; this passes over them in vectors.
        let enters = any_lead_below(own, row, limits);
        if enters {
            for (class, p) in row.iter().enumerate() {
                self.offer(first + class, own - p, id);
            }
        }
        enters
    }

    fn flags(self, n_rows: usize) -> Vec<bool> {
        let mut flagged = vec![false; n_rows];
        for row in self.lists.into_iter().flat_map(Lowest::into_rows) {
            flagged[row as usize] = true;
        }
        flagged
    }
}
