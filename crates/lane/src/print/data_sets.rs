//! What `lane data` says.

use lane_train::manifest::partition::Split;
use lane_train::manifest::{HubSource, Manifest, Sizes, Source, SourceFile, SplitRule};

use super::line;
use crate::commands::data::{Outcome, Status};

/// A table of sets.
pub(crate) fn list(all: &[Manifest]) {
    let header = ["name", "classes", "rows", "metric", "license", "how to get it"];
    let rows = all.iter().map(|it| {
        [
            it.name.clone(),
            it.classes.to_string(),
            sizes(it.sizes),
            it.metric.as_str().into(),
            first_words(&it.license),
            how(it),
        ]
    });
    table(&std::iter::once(header.map(Into::into)).chain(rows).collect::<Vec<_>>());
}

/// All that is known of a set.
pub(crate) fn details(manifest: &Manifest) {
    let mut fields = vec![
        ("name", manifest.name.clone()),
        ("title", manifest.title.clone()),
        ("task", manifest.task.clone()),
        ("classes", manifest.classes.to_string()),
        ("rows", sizes(manifest.sizes)),
        ("metric", manifest.metric.as_str().into()),
        ("the paper says", manifest.paper.clone()),
        ("one label a row", manifest.reduction.clone()),
    ];
    match &manifest.source {
        Source::Hub(source) => fields.extend(hub(source)),
        Source::Request(source) => {
            fields.push(("who has it", format!("{} ({})", source.owner, source.url)));
            fields.push(("how to get it", source.how.clone()));
        }
    }
    fields.push(("license", manifest.license.clone()));
    fields.push(("citation", manifest.citation.clone()));
    if !manifest.confirmed {
        fields.push(("not confirmed", "what is said of the source could not be checked".into()));
    }
    fields.extend(manifest.notes.iter().map(|note| ("note", note.clone())));
    for (name, value) in fields {
        line(&format!("{name:<16} {value}"));
    }
}

fn hub(source: &HubSource) -> Vec<(&'static str, String)> {
    let revision = source.revision.as_deref().unwrap_or("main");
    let labels = &source.labels;
    let names = labels.names.iter().filter(|name| !labels.left_out.contains(name));
    let mut fields = vec![("source", format!("hub: {} at {revision}", source.repository))];
    fields.extend(source.files.iter().map(|file| ("file", described(file))));
    fields.push(("text", source.columns.text.join(", ")));
    fields.push(("label", source.columns.label.clone()));
    fields.push(("split", split(source.split)));
    fields.push(("class names", names.cloned().collect::<Vec<_>>().join(", ")));
    fields
}

fn described(file: &SourceFile) -> String {
    match &file.sha256 {
        Some(hash) => format!("{} (sha256 {hash})", file.path),
        None => format!("{} (sha256 is recorded by the first fetch)", file.path),
    }
}

fn split(rule: SplitRule) -> String {
    match rule {
        SplitRule::Official => "official".into(),
        SplitRule::HoldOut { validation, seed } => {
            format!("official, with {validation} rows of train held out as validation, seed {seed}")
        }
        SplitRule::Fractions { train, validation, test, seed } => {
            format!("none official: {train}/{validation}/{test} of the rows, seed {seed}")
        }
    }
}

/// What became of each set.
pub(crate) fn outcomes(all: &[Outcome]) {
    let [train, validation, test] = Split::ALL.map(Split::as_str);
    let header = ["name", "", train, validation, test, "folder"].map(str::to_owned);
    let rows = all.iter().map(|it| {
        let rows = |at: usize| it.rows.map_or("-".to_owned(), |rows| rows[at].to_string());
        let folder = it.folder.clone().unwrap_or_else(|| "-".into());
        [it.name.clone(), word(it.status).into(), rows(0), rows(1), rows(2), folder]
    });
    table(&std::iter::once(header).chain(rows).collect::<Vec<_>>());
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Fetched => "fetched",
        Status::Kept => "was there",
        Status::OnRequest => "on request",
        Status::Failed => "failed",
    }
}

fn sizes(sizes: Sizes) -> String {
    let part = |rows: Option<usize>| rows.map_or("-".into(), |rows| rows.to_string());
    match sizes {
        Sizes { total, train: None, validation: None, test: None } => total.to_string(),
        Sizes { train, validation, test, .. } => {
            format!("{}/{}/{}", part(train), part(validation), part(test))
        }
    }
}

/// The beginning of a sentence, up to its first comma, semicolon or colon.
fn first_words(text: &str) -> String {
    text.split([',', ';', ':']).next().unwrap_or_default().into()
}

fn how(manifest: &Manifest) -> String {
    match &manifest.source {
        Source::Hub(source) if manifest.confirmed => format!("hub: {}", source.repository),
        Source::Hub(source) => format!("hub: {} (not confirmed)", source.repository),
        Source::Request(source) => format!("ask: {}", source.url),
    }
}

/// Columns as wide as their widest cell; nothing after the last.
fn table<const N: usize>(rows: &[[String; N]]) {
    let width =
        |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    for row in rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        line(cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}
