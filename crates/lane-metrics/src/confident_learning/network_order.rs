//! The order a bitonic sorting network puts numbers into, for the sake of equal ones.
//!
//! Counts of few rows round with many equal remainders, and which of them is raised decides which
//! rows are flagged. cleanlab leaves it to numpy, whose `argsort` of up to 256 doubles is, on every
//! processor with AVX2 or AVX-512, such a network: no fixed rule like "lowest index", but the same
//! everywhere. (Without AVX2 numpy sorts by other means and cleanlab's counts differ.) Longer rows
//! are sorted stably here; numpy's order of equal numbers is then nobody's.
//!
//! The network over 2^m places: for each size 2, 4, …, 2^m, compare place i of a block with its
//! mirror image, then the halves, quarters and so on with each other; swap only if the later one
//! is smaller. Places beyond the last number hold infinity.

/// The longest row numpy sorts by a network.
const NETWORK_LIMIT: usize = 256;

/// Indices of `values` in ascending order of what stands there. No value is NaN.
pub(super) fn ascending(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    if values.len() > NETWORK_LIMIT {
        order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
        return order;
    }
    let n_places = values.len().next_power_of_two();
    let mut places: Vec<(f64, usize)> = values.iter().copied().zip(0..).collect();
    places.resize(n_places, (f64::INFINITY, usize::MAX));
    let mut size = 2;
    while size <= n_places {
        for block in places.chunks_exact_mut(size) {
            (0..size / 2).for_each(|at| exchange(block, at, size - 1 - at));
        }
        let mut half = size / 4;
        while half > 0 {
            for block in places.chunks_exact_mut(2 * half) {
                (0..half).for_each(|at| exchange(block, at, at + half));
            }
            half /= 2;
        }
        size *= 2;
    }
    order.clear();
    order.extend(places.into_iter().map(|(_, index)| index).filter(|it| *it < values.len()));
    order
}

fn exchange(places: &mut [(f64, usize)], a: usize, b: usize) {
    if places[b].0 < places[a].0 {
        places.swap(a, b);
    }
}

#[cfg(test)]
mod tests {
    use super::ascending;

    #[test]
    fn different_numbers_are_sorted() {
        for n in [0, 1, 2, 3, 7, 16, 17, 100, 256, 257, 300] {
            let values: Vec<f64> = (0..n).map(|it| f64::from((it * 37) % 1009)).collect();
            let order = ascending(&values);
            assert_eq!(order.len(), values.len());
            assert!(order.windows(2).all(|pair| values[pair[0]] < values[pair[1]]), "{n}");
        }
    }

    #[test]
    fn equal_numbers_come_in_the_order_numpy_gives_them() {
        // np.argsort of numpy 2.4.6 on a processor with AVX-512.
        let values = [1, 0, 2, 1, 0, 0, 2, 1, 1, 0, 0, 1, 2, 2, 0, 1, 1, 0, 2, 0].map(f64::from);
        let theirs = [1, 4, 5, 9, 10, 14, 19, 17, 11, 15, 3, 8, 7, 16, 0, 6, 12, 13, 2, 18];
        assert_eq!(ascending(&values), theirs);
    }
}
