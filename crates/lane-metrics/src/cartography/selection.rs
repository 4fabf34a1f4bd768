//! Which part of a data map to keep.

use serde::{Deserialize, Serialize};

use super::MapPoint;
use crate::error::MetricsError;
use crate::id::RowId;

/// A part of the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Region {
    /// Highest confidence: easy to learn.
    Easy,
    /// Lowest confidence: hard to learn, and where wrong labels gather.
    Hard,
    /// Highest variability: ambiguous.
    Ambiguous,
}

impl Region {
    /// What the rows of the region have least of.
    fn key(self, point: &MapPoint) -> f64 {
        match self {
            Self::Easy => -point.confidence,
            Self::Hard => point.confidence,
            Self::Ambiguous => -point.variability,
        }
    }
}

/// The `int(fraction · n)` rows furthest into a region, at least one, in row order.
///
/// Among equals the lower row comes first, so one epoch (every variability 0) gives the first
/// rows of the data set as the ambiguous ones.
///
/// ```
/// use lane_metrics::cartography::{MapPoint, Region, select};
/// use lane_metrics::RowId;
///
/// let points = [0.9, 0.2, 0.9, 0.4].map(|confidence| MapPoint {
///     confidence, variability: 0.0, correctness: 0, forgetfulness: 0,
///     threshold_closeness: 0.0, n_epochs: 1,
/// });
/// assert_eq!(select(&points, Region::Hard, 0.5)?, [RowId(1), RowId(3)]);
/// assert_eq!(select(&points, Region::Easy, 0.25)?, [RowId(0)]);
/// # Ok::<(), lane_metrics::MetricsError>(())
/// ```
///
/// # Errors
///
/// [`MetricsError::SettingOutOfRange`] for a fraction outside 0..=1,
/// [`MetricsError::TooFewValues`] without rows, [`MetricsError::ValueNotFinite`] on a point that
/// cannot be ordered.
pub fn select(
    points: &[MapPoint],
    region: Region,
    fraction: f64,
) -> Result<Vec<RowId>, MetricsError> {
    if !(0.0..=1.0).contains(&fraction) {
        let (field, expected) = ("fraction", "a number in 0..=1");
        return Err(MetricsError::SettingOutOfRange { field, value: fraction, expected });
    }
    if points.is_empty() {
        return Err(MetricsError::TooFewValues { at_least: 1, n_values: 0 });
    }
    let keys: Vec<f64> = points.iter().map(|point| region.key(point)).collect();
    if let Some(position) = keys.iter().position(|key| !key.is_finite()) {
        return Err(MetricsError::ValueNotFinite { position, value: keys[position] });
    }
    // In 0..=n by the checks above.
    #[expect(clippy::cast_sign_loss, reason = "both factors are at least 0")]
    let n_kept = ((fraction * points.len() as f64) as usize).max(1);
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|&left, &right| keys[left].total_cmp(&keys[right]));
    order.truncate(n_kept);
    order.sort_unstable();
    Ok(order.into_iter().map(|row| RowId(row as u32)).collect())
}
