//! Numbers and names as a reader wants them.

use crate::model::Estimate;

/// `12,345`.
pub(super) fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut shown = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if 0 < at && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// `1 row`, `12,345 rows`.
pub(super) fn counted(n: usize, one: &str, more: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { more })
}

/// `8.3%`, `42%`; never 0 or 100 for what is not.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent.is_nan() {
        "unknown".to_owned()
    } else if 0.0 < percent && percent < 0.1 {
        "under 0.1%".to_owned()
    } else if (99.5..100.0).contains(&percent) {
        "over 99%".to_owned()
    } else if percent < 9.95 && percent != 0.0 {
        format!("{percent:.1}%")
    } else {
        format!("{percent:.0}%")
    }
}

/// `85% to 94%`.
pub(super) fn interval(estimate: Estimate) -> String {
    format!("{} to {}", percent(estimate.low), percent(estimate.high))
}

/// Four significant digits.
pub(super) fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let scale = 10_f64.powf(3.0 - value.abs().log10().floor());
    if scale.is_finite() { (value * scale).round() / scale } else { 0.0 }
}

/// A score in a cell: as many digits as tell rows apart.
pub(super) fn score(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || (0.001..1000.0).contains(&size) {
        format!("{value:.3}")
    } else {
        format!("{value:.2e}")
    }
}

/// The last part of a path of any system.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().filter(|it| !it.is_empty()).unwrap_or("an unnamed file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_do_not_round_to_none_or_all() {
        let shown = [0.0, 0.0001, 0.083, 0.42, 0.9996, 1.0].map(percent);
        assert_eq!(shown, ["0%", "under 0.1%", "8.3%", "42%", "over 99%", "100%"]);
    }

    #[test]
    fn counts_have_a_comma_at_each_thousand() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([counted(1, "row", "rows"), counted(2, "row", "rows")], ["1 row", "2 rows"]);
    }

    #[test]
    fn four_digits_are_kept_of_any_size() {
        for (value, expected) in [(0.123_456_7, 0.1235), (-123_456.7, -123_500.0), (0.0, 0.0)] {
            assert!((rounded(value) - expected).abs() <= 1e-12, "{value}");
        }
        assert!((rounded(1.234_567e-12) - 1.235e-12).abs() < 1e-24);
        assert!(rounded(f64::NAN).is_nan() && rounded(5e-324).abs() < 1e-300);
    }

    #[test]
    fn names_of_files_are_found_on_any_system() {
        let paths = ["/home/me/mine.csv", "C:\\data\\mine.csv", "mine.csv"];
        assert!(paths.iter().all(|path| file_name(path) == "mine.csv"));
        assert_eq!(file_name(""), "an unnamed file");
    }
}
