//! Classes: whose labels are in good health, and which is given for which.

use maud::{Markup, html};

use super::format::{count, counted, percent};
use crate::model::{ClassHealth, Summary};

/// Classes of a table of classes; the least healthy ones.
const MOST_CLASSES: usize = 200;
/// Classes of a matrix; more do not fit a screen.
const MOST_COLUMNS: usize = 14;
/// Pairs of the list.
const MOST_PAIRS: usize = 12;

pub(super) fn sections(summary: &Summary) -> Markup {
    html! {
        @if !summary.classes.is_empty() { (health(&summary.classes)) }
        @if !summary.pairs.is_empty() { (pairs(summary)) }
    }
}

fn health(classes: &[ClassHealth]) -> Markup {
    let known = classes.iter().any(|class| class.self_confidence.is_some());
    let mut worst_first: Vec<_> = classes.iter().collect();
    worst_first.sort_by(|a, b| a.health.total_cmp(&b.health));
    html! {
        section #classes aria-labelledby="classes-title" {
            h2 #classes-title { "Classes" }
            p { "Health is the share of a class's labels that are right, by estimate. Least healthy first." }
            @if worst_first.len() > MOST_CLASSES {
                p.note { "The " (MOST_CLASSES) " least healthy of " (count(classes.len())) " classes; audit.json has all." }
            }
            div.wide tabindex="0" role="region" aria-labelledby="classes-title" { table.figures {
                thead { tr {
                    th scope="col" { "Class" } th scope="col" { "Health" } th scope="col" { "Rows" }
                    th scope="col" { "Flagged" } th scope="col" { "Suggested for others" }
                    @if known { th scope="col" { "Mean probability of its label" } }
                } }
                tbody { @for class in worst_first.iter().take(MOST_CLASSES) { tr {
                    th scope="row" dir="auto" { a href=(filter(&[("given", &class.label)])) { (class.label) } }
                    td { meter min="0" max="1" value=(class.health) aria-hidden="true" {} " " (percent(class.health)) }
                    td { (count(class.n_rows)) }
                    td { (count(class.n_flagged)) }
                    td { (count(class.n_suggested)) }
                    @if known { td { @if let Some(p) = class.self_confidence { (format!("{p:.2}")) } } }
                } } }
            } }
        }
    }
}

fn pairs(summary: &Summary) -> Markup {
    let listed = &summary.pairs[..summary.pairs.len().min(MOST_PAIRS)];
    html! {
        section #pairs aria-labelledby="pairs-title" {
            h2 #pairs-title { "Confused labels" }
            p { "Flagged rows by the label they have and the label that fits better." }
            ol.pairs { @for pair in listed { li {
                a href=(filter(&[("given", &pair.label), ("suggested", &pair.suggested), ("flagged", "1")])) {
                    span dir="auto" { (pair.label) } " → " span dir="auto" { (pair.suggested) }
                }
                ": " (counted(pair.n_rows, "row", "rows")) ", " (percent(pair.share)) " of "
                span dir="auto" { (pair.label) }
            } } }
            @if summary.pairs.len() > MOST_PAIRS {
                p.note { (count(summary.pairs.len() - MOST_PAIRS)) " rarer pairs are in audit.json." }
            }
            (count_matrix(summary))
            @if let Some(noise) = &summary.noise_matrix { (noise_matrix(summary, noise)) }
        }
    }
}

/// Places of the classes with most flagged rows on either side, in their own order.
fn most_confused(summary: &Summary) -> Vec<usize> {
    let involved = |label: &String| {
        let pairs = summary.pairs.iter();
        pairs.filter(|it| it.label == *label || it.suggested == *label).map(|it| it.n_rows).sum()
    };
    let counts: Vec<usize> = summary.labels.iter().map(involved).collect();
    let mut places: Vec<usize> = (0..counts.len()).filter(|&at| counts[at] > 0).collect();
    places.sort_by_key(|&at| std::cmp::Reverse(counts[at]));
    places.truncate(MOST_COLUMNS);
    places.sort_unstable();
    places
}

fn count_matrix(summary: &Summary) -> Markup {
    let places = most_confused(summary);
    let name = |at: usize| summary.labels[at].as_str();
    let count_of = |a: usize, b: usize| {
        let is = |it: &&crate::model::ClassPair| it.label == name(a) && it.suggested == name(b);
        summary.pairs.iter().find(is).map_or(0, |it| it.n_rows)
    };
    let most = summary.pairs.iter().map(|it| it.n_rows).max().unwrap_or(1);
    let cell = |a: usize, b: usize| match count_of(a, b) {
        0 => html! { td {} },
        n => {
            let (given, suggested) = (name(a), name(b));
            let link = filter(&[("given", given), ("suggested", suggested), ("flagged", "1")]);
            let heat = format!("--heat:{:.2}", n as f64 / most as f64);
            let label = format!("{n} rows given {given}, suggested {suggested}");
            html! { td.heat style=(heat) { a href=(link) aria-label=(label) { (count(n)) } } }
        }
    };
    matrix(summary, &places, "Given label by row, suggested label by column", &cell)
}

fn noise_matrix(summary: &Summary, noise: &[Vec<f64>]) -> Markup {
    let places = most_confused(summary);
    let at = |a: usize, b: usize| noise.get(a).and_then(|row| row.get(b)).copied().unwrap_or(0.0);
    let cell = |a: usize, b: usize| {
        let heat = if a == b { 0.0 } else { at(a, b).clamp(0.0, 1.0) };
        html! { td.heat style=(format!("--heat:{heat:.2}")) { (percent(at(a, b))) } }
    };
    let title = "Estimated: how often a true label (row) is given as another (column)";
    matrix(summary, &places, title, &cell)
}

fn matrix(
    summary: &Summary,
    places: &[usize],
    title: &str,
    cell: &dyn Fn(usize, usize) -> Markup,
) -> Markup {
    let n_more = summary.labels.len() - places.len();
    html! {
        div.wide tabindex="0" role="region" aria-label=(title) { table.matrix {
            caption {
                (title) "."
                @if n_more > 0 { " " (counted(n_more, "class", "classes")) " with fewer or no flagged rows left out." }
            }
            thead { tr {
                td {}
                @for &b in places { th scope="col" dir="auto" { (summary.labels[b]) } }
            } }
            tbody { @for &a in places { tr {
                th scope="row" dir="auto" { (summary.labels[a]) }
                @for &b in places { (cell(a, b)) }
            } } }
        } }
    }
}

/// A link that filters the ranking.
fn filter(parts: &[(&str, &str)]) -> String {
    let encoded = parts.iter().map(|(key, value)| format!("{key}={}", percent_encoded(value)));
    format!("#{}", encoded.collect::<Vec<_>>().join("&"))
}

fn percent_encoded(text: &str) -> String {
    let encoded = |byte: u8| match byte {
        b'-' | b'_' | b'.' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encoded).collect()
}
