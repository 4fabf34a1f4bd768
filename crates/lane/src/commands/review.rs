//! `lane review` and `lane apply`.

use lane_review::{ApplyRequest, ApplySummary, Review, RowKind, Server, ServerOptions};
use serde_json::json;

use crate::args::review::{ApplyArgs, ReviewArgs};
use crate::commands::Manner;
use crate::print;

/// More rows than these are read better in the JSON.
const MAX_LISTED: usize = 20;

pub(crate) fn review(args: ReviewArgs, manner: Manner) -> anyhow::Result<()> {
    let kinds: Vec<RowKind> = args.kinds.into_iter().map(Into::into).collect();
    let review = Review::open(&args.audit, &kinds)?;
    let review = if args.estimate { review.beginning_with_sample(&args.audit)? } else { review };
    let (n_shown, n_sampled) = (review.n_shown(), review.n_sampled());
    let annotator = args.annotator.unwrap_or_else(user);
    let options = ServerOptions { annotator: annotator.clone(), port: args.port };
    let server = Server::bind(&args.audit, review, &options)?;
    if manner.json {
        print::json(&json!({ "url": server.url(), "annotator": annotator, "rows": n_shown }))?;
    } else {
        print::line(&server.url());
    }
    if !manner.quiet && !manner.json {
        print::talk(&format!("{n_shown} rows for {annotator}; Ctrl-C ends, decisions are kept"));
        if 0 < n_sampled {
            print::talk(&format!(
                "the first {n_sampled} were drawn at random: decide them all and skip few, for by \
                 them the flags are judged"
            ));
        }
    }
    Ok(server.run()?)
}

/// Who is logged in, where the system tells.
fn user() -> String {
    let names = ["USER", "LOGNAME", "USERNAME"].into_iter().filter_map(|it| std::env::var(it).ok());
    names.into_iter().find(|it| !it.trim().is_empty()).unwrap_or_else(|| "annotator".into())
}

pub(crate) fn apply(args: ApplyArgs, manner: Manner) -> anyhow::Result<()> {
    let summary = lane_review::apply(&ApplyRequest {
        folder: args.audit,
        data: args.data,
        min_agreement: args.min_agreement,
        min_annotators: args.min_annotators,
        accept_flagged: args.accept_flagged,
        force: args.force,
        dry_run: args.dry_run,
    })?;
    if manner.json {
        return print::json(&summary);
    }
    say(&summary, manner);
    Ok(())
}

fn say(summary: &ApplySummary, manner: Manner) {
    let would = if summary.dry_run { "would change" } else { "changed" };
    print::line(&format!("{} of {} labels {would}", summary.n_changed, summary.n_rows));
    for (count, what) in [
        (summary.n_decided, "rows decided"),
        (summary.n_kept, "of them found right"),
        (summary.n_accepted, "suggestions taken that nobody looked at"),
        (summary.n_too_few, "rows left: too few annotators"),
        (summary.n_disagreements, "rows left: annotators disagree"),
    ] {
        if 0 < count {
            print::line(&format!("{count:>6} {what}"));
        }
    }
    for row in summary.disagreements.iter().take(MAX_LISTED) {
        let wanted: Vec<String> =
            row.wanted.iter().map(|(name, label)| format!("{name}: {label}")).collect();
        print::line(&format!("       row {}, now {}: {}", row.row, row.label, wanted.join(", ")));
    }
    if MAX_LISTED < summary.n_disagreements && !manner.quiet {
        print::talk("note: --json lists all of them");
    }
    if let Some(estimate) = &summary.estimate {
        print::line(&format!("{} (90 % intervals)", estimate.sentence()));
    }
    if !summary.dry_run {
        print::files(&[summary.corrected.clone(), summary.changes.clone()]);
    }
}
