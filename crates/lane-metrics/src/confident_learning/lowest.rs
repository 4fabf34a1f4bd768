//! The n lowest of numbers that come one by one, in memory for 2n of them.

/// Keeps the lowest keys with their rows; of equal keys those that came first.
///
/// Rows must come in ascending order.
#[derive(Clone, Debug, Default)]
pub(super) struct Lowest {
    n_wanted: usize,
    kept: Vec<(f64, u32)>,
}

impl Lowest {
    pub(super) fn new(n_wanted: usize) -> Self {
        Self { n_wanted, kept: Vec::new() }
    }

    /// The limit before anything came: a key counts only if it lies below.
    pub(super) fn first_limit(&self) -> f64 {
        if self.n_wanted == 0 { f64::NEG_INFINITY } else { f64::INFINITY }
    }

    /// Takes a key that lies below the limit; says the new limit when there is one.
    pub(super) fn push(&mut self, key: f64, row: u32) -> Option<f64> {
        // + 0.0 makes the two zeros one, so that they tie.
        self.kept.push((key + 0.0, row));
        if self.kept.len() < self.n_wanted.saturating_mul(2).max(8) {
            return None;
        }
        self.cut();
        // As many as are wanted lie at or below; a later row with an equal key comes too late.
        self.kept.last().map(|last| last.0)
    }

    /// Leaves the wanted ones, the highest of them last.
    fn cut(&mut self) {
        if self.n_wanted < self.kept.len() {
            let order = |a: &(f64, u32), b: &(f64, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
            self.kept.select_nth_unstable_by(self.n_wanted.saturating_sub(1), order);
            self.kept.truncate(self.n_wanted);
        }
    }

    /// The rows of the lowest keys, in no order.
    pub(super) fn into_rows(mut self) -> impl Iterator<Item = u32> {
        self.cut();
        self.kept.into_iter().map(|(_, row)| row)
    }
}

#[cfg(test)]
mod tests {
    use super::Lowest;

    #[test]
    fn the_lowest_keys_stay_whatever_their_order_and_ties_go_to_the_first() {
        for n_wanted in 0..40 {
            let keys: Vec<f64> = (0..200).map(|it| f64::from((it * 31) % 17)).collect();
            let mut lowest = Lowest::new(n_wanted);
            let mut limit = lowest.first_limit();
            for (row, key) in (0..).zip(&keys).filter(|_| true) {
                if *key < limit {
                    limit = lowest.push(*key, row).unwrap_or(limit);
                }
            }
            let mut ours: Vec<u32> = lowest.into_rows().collect();
            ours.sort_unstable();
            let mut theirs: Vec<u32> = (0..200).collect();
            theirs.sort_by(|a, b| keys[*a as usize].total_cmp(&keys[*b as usize]));
            theirs.truncate(n_wanted);
            theirs.sort_unstable();
            assert_eq!(ours, theirs, "{n_wanted}");
        }
    }
}
