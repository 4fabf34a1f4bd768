//! Which outputs a row's margins are taken from: of which views, in which pass.

use lane_data::RowId;
use serde::{Deserialize, Serialize};

/// Which outputs margins are taken from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MarginSource {
    /// Of which views.
    pub views: MarginViews,
    /// In which pass.
    pub mode: MarginMode,
}

/// Which views of a row give its margin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MarginViews {
    /// The text itself.
    #[default]
    Original,
    /// All: the average runs over views and visits.
    Mean,
    /// Each its own: every view has an average and a weight of its own. The row's verdict is that of
    /// the text itself.
    Independent,
}

impl MarginViews {
    /// Views of `n_views` that enter the averages.
    pub(crate) fn n(self, n_views: usize) -> usize {
        if self == Self::Original { n_views.min(1) } else { n_views }
    }

    /// How many averages a data set of `n_rows` needs.
    pub(crate) fn n_averages(self, n_rows: usize, n_views: usize) -> usize {
        if self == Self::Independent { n_rows * n_views } else { n_rows }
    }

    /// Which averages view `view` of `rows` belongs to; those of the text itself come first.
    pub(crate) fn averaged(self, rows: &[RowId], view: usize, n_rows: usize) -> Vec<RowId> {
        let first = if self == Self::Independent { view * n_rows } else { 0 };
        rows.iter().map(|row| RowId(row.0 + first as u32)).collect()
    }
}

/// The pass that margins are taken from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MarginMode {
    /// The training pass, dropout on; costs nothing.
    #[default]
    Train,
    /// A pass of its own before the step, dropout off.
    Eval,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_of_a_row_share_its_average_unless_each_has_its_own() {
        let rows = [RowId(2), RowId(0)];
        assert_eq!(MarginViews::Mean.averaged(&rows, 1, 3), rows);
        assert_eq!(MarginViews::Independent.averaged(&rows, 0, 3), rows);
        assert_eq!(MarginViews::Independent.averaged(&rows, 2, 3), [RowId(8), RowId(6)]);
        let counts = |views: MarginViews| (views.n(8), views.n_averages(3, 8));
        assert_eq!(counts(MarginViews::Original), (1, 3));
        assert_eq!(counts(MarginViews::Mean), (8, 3));
        assert_eq!(counts(MarginViews::Independent), (8, 24));
    }
}
