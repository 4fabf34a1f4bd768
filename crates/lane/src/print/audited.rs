//! What an audit found, in a few lines.

use std::path::Path;

use lane_train::shown::shown;
use lane_train::{Audit, Estimate};

/// Pairs of labels that are listed.
const MAX_PAIRS: usize = 5;

/// What was found, and where to look next.
pub(crate) fn audit(audit: &Audit, out: &Path) {
    let summary = &audit.summary;
    let n_rows = summary.data.n_rows;
    say!("rows               {n_rows}, {} classes", summary.labels.len());
    say!("ranked by          {}", summary.score.name);
    if let Some(judge) = &summary.provenance.judge {
        say!("judged by          {}", shown(judge));
    }
    say!("flagged            {} labels look wrong", summary.n_flagged);
    for note in &summary.notes {
        say!("  {note}");
    }
    if let Some(cut_off) = &summary.cut_off {
        say!("  wrong of these   {}", estimate(cut_off.precision));
        say!("  found of wrong   {}", estimate(cut_off.recall));
        say!("  wrong of all     {}", estimate(cut_off.share_wrong));
        say!("                   by estimate, at {:.0} % confidence;", 100.0 * cut_off.confidence);
        say!("                   mistakes that the text cannot show are not counted");
    }
    if let Some(known) = &summary.known {
        let precision = known.average_precision.map_or("-".into(), |it| format!("{it:.4}"));
        say!("wrong by `gold`    {}", known.n_wrong);
        say!("  found            average precision {precision}");
        say!("  flagged          precision {:.4}, recall {:.4}", known.precision, known.recall);
    }
    for pair in summary.pairs.iter().take(MAX_PAIRS) {
        let (label, suggested) = (shown(&pair.label), shown(&pair.suggested));
        say!("  {:>6} rows       `{label}` may be `{suggested}`", pair.n_rows);
    }
    if !summary.duplicates.is_empty() {
        say!("same text twice    {} groups under different labels", summary.duplicates.len());
    }
    say!("report             {}", out.join("report.html").display());
    say!("ranking            {}", out.join("labels.csv").display());
    say!("next               lane review {}", out.display());
}

fn estimate(it: Estimate) -> String {
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    format!("{:>5}   ({} to {})", percent(it.value), percent(it.low), percent(it.high))
}
