//! The ranking: the rows as JSON for the script, the first of them as plain HTML, and the controls.
//!
//! The JSON stands in a `<script type="application/json">`. There, a text could only do harm by
//! `</script` or `<!--`; so no `<`, `>` or `&` is in it, nor U+2028 and U+2029, which some parsers
//! take for ends of lines: all are `\u` escapes. Rows are kept column by column, labels as numbers,
//! and numbers at four digits.

mod json;

use std::borrow::Cow;

use maud::{Markup, html};

use super::Limits;
use super::format::{count, percent, score};
use super::left_out::LeftOut;
use crate::model::{Audit, AuditRow, RowKind};
pub(super) use json::data;

/// Kinds in the order of [`RowKind`], as the page calls them.
const KINDS: [&str; 4] = ["fine", "hard", "same text, other label", "likely wrong"];
/// Headings: key for sorting, name.
const COLUMNS: [(&str, &str); 8] = [
    ("rank", "Rank"),
    ("text", "Text"),
    ("label", "Given"),
    ("suggested", "Suggested"),
    ("reason", "Why"),
    ("score", "Score"),
    ("p_wrong", "P(wrong)"),
    ("kind", "Kind"),
];

pub(super) fn section(audit: &Audit, limits: &Limits, left_out: &LeftOut) -> Markup {
    let rows = &audit.rows[..left_out.n_rows];
    let plain = &rows[..rows.len().min(limits.plain_rows)];
    html! {
        section #ranking aria-labelledby="ranking-title" tabindex="-1" {
            h2 #ranking-title { "Ranking" }
            p { "Most suspicious first." span.print { " The rows that the screen showed are printed." } }
            (left_out.notes(limits))
            noscript {
                p.note {
                    "Without a script, only the first " (count(plain.len()))
                    " rows are shown; labels.csv has all."
                }
            }
            (controls())
            p #status role="status" { "Rows 1 to " (count(plain.len())) " of " (count(rows.len())) "." }
            table #rows role="table" aria-describedby="keys" {
                thead role="rowgroup" {
                    tr role="row" {
                        @for (key, name) in COLUMNS {
                            th role="columnheader" scope="col" data-key=(key)
                                aria-sort=[(key == "rank").then_some("ascending")] { (name) }
                        }
                    }
                }
                tbody role="rowgroup" {
                    @for row in plain { (plain_row(row, limits)) }
                }
            }
            (pager())
        }
    }
}

fn controls() -> Markup {
    html! {
        form #controls hidden autocomplete="off" role="search" aria-label="Filter the ranking" {
            label { span { "Text, id or reason" } input #query type="search" spellcheck="false"; }
            label { span { "Given label" } select #given { option value="" { "any" } } }
            label { span { "Suggested label" } select #suggested { option value="" { "any" } } }
            label { span { "Kind" } select #kind { option value="" { "any" } } }
            label { span { "Sort by" } select #sort {
                @for (key, name) in COLUMNS { option value=(key) { (name) } }
            } }
            label.check { input #flagged type="checkbox"; span { "flagged only" } }
            button #reset type="button" { "Show all rows" }
        }
        p #keys.keys hidden {
            "In the table: " kbd { "j" } " " kbd { "k" } " or arrows move, " kbd { "Enter" }
            " opens a row, " kbd { "n" } " " kbd { "p" } " turn pages, " kbd { "/" } " searches."
        }
    }
}

fn pager() -> Markup {
    html! {
        nav #pager hidden aria-label="Pages of the ranking" {
            button #first type="button" { "First" }
            button #earlier type="button" { "Earlier" }
            span #page {}
            button #later type="button" { "Later" }
            label { "Rows a page " select #size {
                @for size in [25, 100, 500] { option value=(size) selected[size == 100] { (size) } }
            } }
        }
    }
}

fn plain_row(row: &AuditRow, limits: &Limits) -> Markup {
    let cells = [
        ("label", "Given", &row.label),
        ("suggested", "Suggested", &row.suggested),
        ("reason", "Why", &row.reason),
    ];
    html! {
        tr role="row" class=(class(row)) {
            td.rank role="cell" { (row.rank) }
            td.text role="cell" dir="auto" { (shown(&row.text, limits.characters)) }
            @for (class, name, text) in cells {
                td class=(class) role="cell" data-name=(name) dir="auto" { (text) }
            }
            td.score role="cell" data-name="Score" { (score(row.score)) }
            td.p_wrong role="cell" data-name="P(wrong)" {
                @if let Some(p) = row.p_wrong { (percent(p)) }
            }
            td.kind role="cell" data-name="Kind" { (KINDS[place(row.kind)]) }
        }
    }
}

fn class(row: &AuditRow) -> &'static str {
    if row.flagged { "flagged" } else { "" }
}

fn place(kind: RowKind) -> usize {
    match kind {
        RowKind::Fine => 0,
        RowKind::Hard => 1,
        RowKind::Conflict => 2,
        RowKind::Wrong => 3,
    }
}

/// The text, cut where it is too long.
pub(super) fn shown(text: &str, n_characters: usize) -> Cow<'_, str> {
    match text.char_indices().nth(n_characters) {
        Some((end, _)) => Cow::Owned(format!("{} …", &text[..end])),
        None => Cow::Borrowed(text),
    }
}
