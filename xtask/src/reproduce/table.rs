//! The tables of what was run: grids for one data set and noise rate, CSV for everything.

use super::cell::{Cell, Outcome};
use super::contrast::{Contrasts, Difference, REFERENCES};
use super::document::Block;
use super::place::Place;
use super::result::{METRICS, ORIGINS};
use super::score::Score;
use super::summary::Summary;
use crate::csv::Table;

/// A column of a grid: its title, the number it shows and after how many digits.
type Column = (&'static str, &'static str, usize);
const SCORES: &[Column] = &[
    ("accuracy, best", "accuracy", 3),
    ("accuracy, final", "accuracy_final", 3),
    ("micro F1, best", "micro_f1", 3),
    ("micro F1, final", "micro_f1_final", 3),
    ("macro F1, best", "macro_f1", 3),
    ("macro F1, final", "macro_f1_final", 3),
    ("weighted F1, best", "weighted_f1", 3),
    ("weighted F1, final", "weighted_f1_final", 3),
];
const FOUND: &[Column] = &[
    ("AP", "average_precision", 3),
    ("AP by AUM", "average_precision_aum", 3),
    ("AP by ALM", "average_precision_alm", 3),
    ("seconds", "seconds", 0),
];
const DETECTION: &[Column] = &[
    ("confident learning: F1", "confident_learning_f1", 3),
    ("balanced accuracy", "confident_learning_balanced_accuracy", 3),
    ("AP", "confident_learning_average_precision", 3),
    ("own flags: F1", "detection_f1", 3),
    ("balanced accuracy", "detection_balanced_accuracy", 3),
    ("AP", "average_precision", 3),
    ("AUM: AP", "average_precision_aum", 3),
];
pub(super) const BLANK: &str = "–";

/// The section of one place: scores, then differences and what was found of the wrong labels.
pub(super) fn blocks(place: &Place<'_>, contrasts: &Contrasts) -> Vec<Block> {
    let references = || REFERENCES.into_iter().filter(|it| place.methods().any(|m| m == *it));
    let against = references().map(|reference| format!("accuracy − {reference} [95 %]"));
    let mut second = Table::new(&["method"]);
    second.columns.extend(against.chain(FOUND.iter().map(|(title, ..)| (*title).to_owned())));
    second.rows = place
        .methods()
        .map(|method| {
            let of = |reference| contrasts.difference(method, reference, Score::Accuracy);
            let against = references().map(|reference| shown_difference(of(reference), 1.0, 3));
            let name = std::iter::once(method.to_owned());
            name.chain(against).chain(values(place, method, FOUND)).collect()
        })
        .collect();
    vec![Block::heading(2, place.key()), Block::Grid(scores(place)), Block::Grid(second)]
}

fn scores(place: &Place<'_>) -> Table {
    let titles: Vec<&str> = SCORES.iter().map(|(title, ..)| *title).collect();
    let mut table = Table::new(&[&["method"], &titles[..]].concat());
    for method in place.methods() {
        let n_done = place.runs_of(method).count();
        let name = match (n_done, place.of_method(method).count()) {
            (0, _) => format!("{method} (missing)"),
            (done, all) if done < all => format!("{method} ({done} of {all} seeds)"),
            _ => method.to_owned(),
        };
        let row = std::iter::once(name).chain(values(place, method, SCORES));
        table.rows.push(row.collect());
    }
    table
}

fn values(place: &Place<'_>, method: &str, columns: &[Column]) -> Vec<String> {
    let value = |&(_, metric, digits): &Column| {
        let summary = place.summary(method, metric);
        summary.map_or_else(|| BLANK.to_owned(), |summary| format!("{summary:.digits$}"))
    };
    columns.iter().map(value).collect()
}

/// `+0.012 [+0.003, +0.020]`, times `scale`.
pub(super) fn shown_difference(
    difference: Option<Difference>,
    scale: f64,
    digits: usize,
) -> String {
    let Some(Difference { mean, interval, .. }) = difference else { return BLANK.to_owned() };
    let signed = |value: f64| signed(scale * value, digits);
    match interval {
        Some((low, high)) => format!("{} [{}, {}]", signed(mean), signed(low), signed(high)),
        None => signed(mean),
    }
}

/// With its sign, which zero does not have.
pub(super) fn signed(value: f64, digits: usize) -> String {
    let text = format!("{value:+.digits$}").replace('-', "−");
    if text.contains(|digit: char| digit.is_ascii_digit() && digit != '0') {
        text
    } else {
        text[text.char_indices().nth(1).map_or(0, |(at, _)| at)..].to_owned()
    }
}

/// Confident learning, a method's own flags and AUM as detectors, where confident learning was run.
pub(super) fn detection(places: &[(Place<'_>, Contrasts)]) -> Vec<Block> {
    let titles: Vec<&str> = DETECTION.iter().map(|(title, ..)| *title).collect();
    let mut table = Table::new(&[&["data set, noise, method"], &titles[..]].concat());
    for (place, _) in places {
        let has = |method: &&str| {
            DETECTION[..3].iter().any(|(_, metric, _)| place.summary(method, metric).is_some())
        };
        for method in place.methods().filter(has) {
            let name = format!("{}, {method}", place.key());
            let row = std::iter::once(name).chain(values(place, method, DETECTION));
            table.rows.push(row.collect());
        }
    }
    if table.rows.is_empty() {
        return Vec::new();
    }
    let text = "Detectors of wrong labels. Confident learning flags the rows that both of its \
                filters would remove (`both`), by probabilities from models that did not train on \
                the row. AUM is the ranking by the average margin; where the method is `aum`, its \
                own flags are AUM's.";
    vec![Block::heading(2, "Detection"), Block::text(text), Block::Grid(table)]
}

/// One line a finished run, every number in full, and what made it.
pub(super) fn cells_csv(outcomes: &[(Cell, Outcome)]) -> Table {
    let names = METRICS.iter().map(|metric| metric.name).chain(ORIGINS.iter().map(|it| it.0));
    let columns: Vec<_> = ["dataset", "noise", "method", "seed"].into_iter().chain(names).collect();
    let mut table = Table::new(&columns);
    for (cell, outcome) in outcomes {
        let Ok(finished) = outcome else { continue };
        let Cell { data_set, noise, method, seed, .. } = cell;
        let own = [data_set.name.clone(), noise.to_string(), method.clone(), seed.to_string()];
        let values = finished.result.values.iter().copied().map(in_full);
        let origins = finished.result.origins.iter().cloned().map(Option::unwrap_or_default);
        table.rows.push(own.into_iter().chain(values).chain(origins).collect());
    }
    table
}

/// Mean, spread and number of seeds, one line a method and number.
pub(super) fn summary_csv(places: &[(Place<'_>, Contrasts)]) -> Table {
    let mut table = Table::new(&["dataset", "noise", "method", "metric", "mean", "std", "n"]);
    for (place, _) in places {
        for method in place.methods() {
            for metric in METRICS {
                let Some(summary) = place.summary(method, metric.name) else { continue };
                let noise = place.noise.to_string();
                let key = [&*place.data_set.name, &noise, method, metric.name];
                let Summary { mean, std, n } = summary;
                let values = [mean.to_string(), in_full(std), n.to_string()];
                table.rows.push(key.map(str::to_owned).into_iter().chain(values).collect());
            }
        }
    }
    table
}

/// Differences with their intervals, one line a pair of methods and score.
pub(super) fn contrasts_csv(places: &[(Place<'_>, Contrasts)]) -> Table {
    let key = ["dataset", "noise", "method", "reference", "score"];
    let mut table = Table::new(&[&key[..], &["difference", "low", "high", "resampled"]].concat());
    for (place, contrasts) in places {
        for method in place.methods() {
            for (reference, score) in REFERENCES.iter().flat_map(|it| Score::ALL.map(|s| (*it, s)))
            {
                let Some(contrast) = contrasts.get(method, reference) else { continue };
                let Some(it) = contrasts.difference(method, reference, score) else { continue };
                let noise = place.noise.to_string();
                let key = [&*place.data_set.name, &noise, method, reference, score.name()];
                let [low, high] = ends(Some(it));
                let values = [it.mean.to_string(), low, high, contrast.basis.name().to_owned()];
                table.rows.push(key.map(str::to_owned).into_iter().chain(values).collect());
            }
        }
    }
    table
}

/// The ends of an interval, in full.
pub(super) fn ends(difference: Option<Difference>) -> [String; 2] {
    let interval = difference.and_then(|it| it.interval);
    [interval.map(|it| it.0), interval.map(|it| it.1)].map(in_full)
}

pub(super) fn in_full(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shown_column_is_a_known_number() {
        for (_, metric, _) in [SCORES, FOUND, DETECTION].concat() {
            assert!(METRICS.iter().any(|known| known.name == metric), "{metric}");
        }
        for score in Score::ALL {
            for name in [score.name(), score.name_final()] {
                assert!(SCORES.iter().any(|(_, metric, _)| *metric == name), "{name}");
            }
        }
    }

    #[test]
    fn a_difference_is_shown_with_signs_and_interval() {
        let difference =
            Difference { mean: 0.0123, interval: Some((-0.004, 0.0301)), is_thin: false };
        assert_eq!(shown_difference(Some(difference), 1.0, 3), "+0.012 [−0.004, +0.030]");
        assert_eq!(shown_difference(Some(difference), 100.0, 1), "+1.2 [−0.4, +3.0]");
        assert_eq!(shown_difference(None, 1.0, 3), "–");
        assert_eq!((&*signed(0.00001, 3), &*signed(-0.00001, 3)), ("0.000", "0.000"));
    }
}
