//! The numbers that matter, in plain words.

use maud::{Markup, html};

use super::format::{count, counted, interval, percent};
use crate::model::{CutOff, Estimate, Known, Summary};

pub(super) fn section(summary: &Summary) -> Markup {
    let n_rows = summary.data.n_rows;
    let share = summary.n_flagged as f64 / n_rows.max(1) as f64;
    html! {
        section #numbers aria-labelledby="numbers-title" {
            h2 #numbers-title { "Numbers" }
            dl.tiles {
                (tile(&count(n_rows), &format!("rows in {}", counted(summary.labels.len(), "class", "classes"))))
                (tile(&count(summary.n_flagged), &format!(
                    "{} wrong: {} of all", if summary.n_flagged == 1 { "label looks" } else { "labels look" }, percent(share)
                )))
                @if let Some(cut_off) = &summary.cut_off { (estimates(cut_off, summary)) }
                @if let Some(known) = &summary.known { (known_tiles(known)) }
            }
            @for note in &summary.notes { p.note { (note) } }
            @match &summary.cut_off {
                Some(cut_off) => p {
                    (cut_off.method) " The ranges hold at " (percent(cut_off.confidence))
                    " confidence; they are estimates, not counts."
                },
                None => p { "How many of the flagged labels are truly wrong was not estimated." },
            }
            p {
                "Rows are ranked by " strong { (summary.score.name) }
                @if !summary.score.meaning.is_empty() { ": " (summary.score.meaning) }
            }
        }
    }
}

fn estimates(cut_off: &CutOff, summary: &Summary) -> Markup {
    let n_flagged = summary.n_flagged as f64;
    let about = |share: f64| format!("{:.0}", share * n_flagged);
    let Estimate { low, high, .. } = cut_off.precision;
    html! {
        (tile(&percent(cut_off.precision.value), &format!(
            "of the flagged labels are truly wrong, by estimate ({}): {} to {} of {}",
            interval(cut_off.precision), about(low), about(high), count(summary.n_flagged)
        )))
        (tile(&percent(cut_off.recall.value), &format!(
            "of the wrong labels that can be told by the text are flagged, by estimate ({})", interval(cut_off.recall)
        )))
        (tile(&percent(cut_off.share_wrong.value), &format!(
            "of all labels are wrong in a way that can be told by the text, by estimate ({})", interval(cut_off.share_wrong)
        )))
    }
}

fn known_tiles(known: &Known) -> Markup {
    html! {
        (tile(&count(known.n_wrong), "labels are wrong by the true labels in the file"))
        (tile(&percent(known.precision), "of the flagged labels are wrong by the true labels"))
        (tile(&percent(known.recall), "of the labels wrong by the true ones are flagged"))
        @if let Some(average_precision) = known.average_precision {
            (tile(&format!("{average_precision:.3}"), "average precision of the ranking: 1 is a ranking with every wrong label on top"))
        }
    }
}

fn tile(number: &str, words: &str) -> Markup {
    // A list names before it gives; the style turns the two round, so that the eye meets the number first.
    html! { div { dt { (words) } dd { (number) } } }
}
