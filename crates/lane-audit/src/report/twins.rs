//! Texts that say the same under different labels.

use std::collections::HashMap;

use maud::{Markup, html};

use super::format::{count, counted};
use super::rows::shown;
use crate::model::{Audit, AuditRow, DuplicateGroup};

const MOST_GROUPS: usize = 50;
const MOST_ROWS: usize = 8;
const MOST_CHARACTERS: usize = 300;

pub(super) fn section(audit: &Audit) -> Markup {
    let groups = &audit.summary.duplicates;
    if groups.is_empty() {
        return html! {};
    }
    let places: HashMap<u32, &AuditRow> = audit.rows.iter().map(|row| (row.row, row)).collect();
    let n_exact = groups.iter().filter(|group| group.exact).count();
    html! {
        section #twins aria-labelledby="twins-title" {
            h2 #twins-title { "Duplicates under different labels" }
            p {
                (counted(n_exact, "text stands", "texts stand")) " under more than one label; "
                (counted(groups.len() - n_exact, "group", "groups")) " of nearly the same texts "
                @if groups.len() - n_exact == 1 { "does" } @else { "do" } "."
            }
            @if groups.len() > MOST_GROUPS {
                p.note { "The first " (MOST_GROUPS) " groups; audit.json has all." }
            }
            @for (at, group) in groups.iter().take(MOST_GROUPS).enumerate() {
                (one(at, group, &places))
            }
        }
    }
}

fn one(at: usize, group: &DuplicateGroup, places: &HashMap<u32, &AuditRow>) -> Markup {
    let n_more = group.rows.len().saturating_sub(MOST_ROWS);
    html! {
        details.twins open[at < 3] {
            summary {
                "Group " (at + 1) ": " (counted(group.rows.len(), "row", "rows")) ", "
                @if group.exact { "the same text" }
                @else { "nearly the same text (likeness " (format!("{:.2}", group.similarity)) ")" }
                ", " (count(group.labels.len())) " labels"
            }
            ul { @for row in group.rows.iter().take(MOST_ROWS) { li {
                @match places.get(row) {
                    Some(it) => {
                        span.label dir="auto" { (it.label) } " row " (row) ": "
                        span dir="auto" { (shown(&it.text, MOST_CHARACTERS)) }
                    },
                    None => { "row " (row) },
                }
            } } }
            @if n_more > 0 { p.note { (counted(n_more, "more row", "more rows")) } }
        }
    }
}
