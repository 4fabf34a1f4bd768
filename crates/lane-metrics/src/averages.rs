//! Running averages of margins over the visits of a row: AUM and ALM.
//!
//! ```text
//! AUM_i = (1/t_i) Σ_r M_i^(r)                                             (LANE, Eq. 2)
//! ALM_i = (1/t_i) Σ_r LM_i^(r)                               (LANE, Algorithm 1, line 9)
//! ```
//!
//! M: [margin](crate::margin); LM: [label-aware margin](crate::label_aware); `t_i`: how often row
//! i was visited, once an epoch where each row is drawn once. In logit units; the lower, the
//! more likely the label is wrong. Shapes: one value for each of the `n_rows` rows of the data
//! set. Sums are f64, so the order of batches does not show beyond rounding.
//!
//! Departure: the paper writes 1/t with t the epoch; here it is the count of the row's own
//! visits, which is the same thing until a row is skipped. Rows are addressed by
//! [`RowId`], never by their place in a batch.

use serde::{Deserialize, Serialize};

use crate::error::MetricsError;
use crate::id::{ClassId, RowId};

/// What one look at one row gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Visit {
    /// Which row of the data set.
    pub row: RowId,
    /// M, in logit units.
    pub margin: f32,
    /// j where M < 0, the class the classifier prefers to the label; none where the label leads
    /// or ties, because nothing needs it there and it is not looked for.
    pub rival: Option<ClassId>,
    /// LM, in logit units; none without an auxiliary network.
    pub label_aware_margin: Option<f32>,
}

/// Means of one row. Laid out so that a row takes 24 bytes: a data set of a million rows, 24 MB.
///
/// Means rather than sums: the statistics need the mean before a visit as well as after it, and
/// so neither asks for a division of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct RowMeans {
    /// AUM; 0, which is in no N, before the first visit.
    pub(crate) margin: f64,
    /// ALM; 0 before the first visit with an auxiliary network.
    pub(crate) label_aware: f64,
    pub(crate) n_margins: u32,
    pub(crate) n_label_aware: u32,
}

impl RowMeans {
    /// Adds a visit without an auxiliary network. Counts stop at `u32::MAX` and do not wrap.
    #[inline]
    pub(crate) fn add(&mut self, margin: f32) {
        self.n_margins = self.n_margins.saturating_add(1);
        self.margin += (f64::from(margin) - self.margin) / f64::from(self.n_margins);
    }

    /// Adds a visit with an auxiliary network.
    #[inline]
    pub(crate) fn add_both(&mut self, margin: f32, label_aware: f32) {
        self.add(margin);
        self.n_label_aware = self.n_label_aware.saturating_add(1);
        let difference = f64::from(label_aware) - self.label_aware;
        self.label_aware += difference / f64::from(self.n_label_aware);
    }
}

/// AUM and ALM of every row of a data set, 24 bytes a row.
///
/// ```
/// use lane_metrics::averages::{MarginAverages, Visit};
/// use lane_metrics::{ClassId, RowId};
///
/// let mut averages = MarginAverages::new(3)?;
/// for margin in [-1.0, -2.0] {
///     let rival = Some(ClassId(1));
///     let label_aware_margin = Some(2.0 * margin);
///     averages.record(&Visit { row: RowId(2), margin, rival, label_aware_margin })?;
/// }
/// assert_eq!(averages.aum(RowId(2)), Some(-1.5));
/// assert_eq!(averages.alm(RowId(2)), Some(-3.0));
/// assert_eq!(averages.aum(RowId(0)), None); // never visited
/// # Ok::<(), lane_metrics::MetricsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MarginAverages {
    rows: Vec<RowMeans>,
}

impl MarginAverages {
    /// Averages for rows `0..n_rows`, none visited yet.
    ///
    /// # Errors
    ///
    /// [`MetricsError::TooManyRows`] when a [`RowId`] cannot name every row.
    pub fn new(n_rows: usize) -> Result<Self, MetricsError> {
        if u32::try_from(n_rows).is_err() {
            return Err(MetricsError::TooManyRows { n_rows });
        }
        Ok(Self { rows: vec![RowMeans::default(); n_rows] })
    }

    /// Adds one visit to its row.
    ///
    /// # Errors
    ///
    /// [`MetricsError::RowOutOfRange`] for a row beyond the data set,
    /// [`MetricsError::MarginNotFinite`] for a margin that is no number; nothing is added then.
    pub fn record(&mut self, visit: &Visit) -> Result<(), MetricsError> {
        check_rows(&[visit.row], self.n_rows())?;
        let margins = [Some(visit.margin), visit.label_aware_margin];
        if let Some(value) = margins.into_iter().flatten().find(|value| !value.is_finite()) {
            return Err(MetricsError::MarginNotFinite { row: visit.row.0, value });
        }
        let means = &mut self.rows[visit.row.index()];
        match visit.label_aware_margin {
            Some(label_aware) => means.add_both(visit.margin, label_aware),
            None => means.add(visit.margin),
        }
        Ok(())
    }

    /// Mean margin of a row; none before its first visit or beyond the data set.
    pub fn aum(&self, row: RowId) -> Option<f64> {
        let means = self.rows.get(row.index())?;
        (means.n_margins > 0).then_some(means.margin)
    }

    /// Mean label-aware margin of a row; none before its first visit with an auxiliary network.
    pub fn alm(&self, row: RowId) -> Option<f64> {
        let means = self.rows.get(row.index())?;
        (means.n_label_aware > 0).then_some(means.label_aware)
    }

    /// How often a row was visited; 0 beyond the data set.
    pub fn count(&self, row: RowId) -> u32 {
        self.rows.get(row.index()).map_or(0, |means| means.n_margins)
    }

    /// How many rows were visited at all.
    pub fn n_visited(&self) -> usize {
        self.rows.iter().filter(|means| means.n_margins > 0).count()
    }

    /// Rows of the data set.
    pub fn n_rows(&self) -> usize {
        self.rows.len()
    }

    /// Forgets every visit.
    pub fn reset(&mut self) {
        self.rows.fill(RowMeans::default());
    }

    pub(crate) fn rows(&self) -> &[RowMeans] {
        &self.rows
    }

    pub(crate) fn rows_mut(&mut self) -> &mut [RowMeans] {
        &mut self.rows
    }
}

/// Every row id names a row of the data set.
pub(crate) fn check_rows(rows: &[RowId], n_rows: usize) -> Result<(), MetricsError> {
    // The largest first: a loop that never stops early vectorizes.
    let largest = rows.iter().map(|row| row.0).fold(0, u32::max);
    if rows.is_empty() || RowId(largest).index() < n_rows {
        return Ok(());
    }
    let position = rows.iter().position(|row| row.index() >= n_rows).unwrap_or_default();
    Err(MetricsError::RowOutOfRange { position, row: rows[position].0, n_rows })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit(row: u32, margin: f32, label_aware_margin: Option<f32>) -> Visit {
        Visit { row: RowId(row), margin, rival: None, label_aware_margin }
    }

    #[test]
    fn a_row_takes_24_bytes() {
        assert_eq!(size_of::<RowMeans>(), 24);
    }

    #[test]
    fn averages_divide_by_the_visits_of_that_row() {
        let mut averages = MarginAverages::new(2).unwrap();
        averages.record(&visit(0, 1.0, Some(1.0))).unwrap();
        averages.record(&visit(1, -1.0, Some(-4.0))).unwrap();
        averages.record(&visit(1, -2.0, Some(-8.0))).unwrap();
        assert_eq!((averages.aum(RowId(0)), averages.alm(RowId(0))), (Some(1.0), Some(1.0)));
        assert_eq!((averages.aum(RowId(1)), averages.alm(RowId(1))), (Some(-1.5), Some(-6.0)));
        assert_eq!((averages.count(RowId(0)), averages.count(RowId(1))), (1, 2));
    }

    #[test]
    fn without_an_auxiliary_network_there_is_no_alm() {
        let mut averages = MarginAverages::new(1).unwrap();
        averages.record(&visit(0, -1.0, None)).unwrap();
        assert_eq!((averages.aum(RowId(0)), averages.alm(RowId(0))), (Some(-1.0), None));
    }

    #[test]
    fn an_unknown_row_has_no_average_and_no_visits() {
        let averages = MarginAverages::new(1).unwrap();
        assert_eq!((averages.aum(RowId(5)), averages.count(RowId(5))), (None, 0));
    }

    #[test]
    fn a_visit_that_is_refused_leaves_no_trace() {
        let mut averages = MarginAverages::new(1).unwrap();
        let shown = |result: Result<(), MetricsError>| result.unwrap_err().to_string();
        assert_eq!(
            shown(averages.record(&visit(1, 0.0, None))),
            "the row id at position 0 is 1, expected one under 1"
        );
        assert_eq!(
            shown(averages.record(&visit(0, 1.0, Some(f32::NAN)))),
            "the margin of row 0 is NaN, expected a finite number"
        );
        assert_eq!(averages, MarginAverages::new(1).unwrap());
    }

    #[test]
    fn a_reset_forgets_every_visit() {
        let mut averages = MarginAverages::new(1).unwrap();
        averages.record(&visit(0, 1.0, None)).unwrap();
        averages.reset();
        assert_eq!(averages, MarginAverages::new(1).unwrap());
    }
}
