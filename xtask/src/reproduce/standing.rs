//! Where methods stand: ranks averaged over places.

use std::collections::BTreeMap;

/// The rank of each value among all, the highest first; equal values share the mean of their ranks.
fn ranks(values: &[f64]) -> Vec<f64> {
    let rank = |value: &f64| {
        let n_above = values.iter().filter(|other| *other > value).count() as f64;
        let n_equal = values.iter().filter(|other| other.total_cmp(value).is_eq()).count() as f64;
        n_above + f64::midpoint(1.0, n_equal)
    };
    values.iter().map(rank).collect()
}

/// Ranks averaged over places, of the methods that have a value at all of them; best first.
///
/// `values[method]` holds one value for each place.
pub(super) fn average_ranks<'a>(values: &[(&'a str, Vec<Option<f64>>)]) -> Vec<(&'a str, f64)> {
    let complete: Vec<(&str, Vec<f64>)> = (values.iter())
        .filter_map(|(method, values)| {
            Some((*method, values.iter().copied().collect::<Option<_>>()?))
        })
        .collect();
    let n_places = complete.first().map_or(0, |(_, values)| values.len());
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    for place in 0..n_places {
        let column: Vec<f64> = complete.iter().map(|(_, values)| values[place]).collect();
        for ((method, _), rank) in complete.iter().zip(ranks(&column)) {
            *sums.entry(method).or_default() += rank;
        }
    }
    let mut averages: Vec<(&str, f64)> =
        sums.into_iter().map(|(method, sum)| (method, sum / n_places as f64)).collect();
    averages.sort_by(|(_, one), (_, other)| one.total_cmp(other));
    averages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_their_ranks() {
        assert_eq!(ranks(&[0.5, 0.9, 0.5, 0.1]), [2.5, 1.0, 2.5, 4.0]);
        assert_eq!(ranks(&[]), Vec::<f64>::new());
    }

    #[test]
    fn ranks_are_averaged_over_places_for_methods_that_have_all() {
        let values = [
            ("a", vec![Some(0.9), Some(0.2)]),
            ("b", vec![Some(0.8), Some(0.8)]),
            ("c", vec![Some(1.0), None]),
            ("d", vec![Some(0.7), Some(0.1)]),
        ];
        assert_eq!(average_ranks(&values), [("a", 1.5), ("b", 1.5), ("d", 3.0)]);
        assert_eq!(average_ranks(&[]), []);
    }
}
