//! Where the audit came from.

use maud::{Markup, html};

use super::format::{count, file_name};
use crate::model::Summary;

pub(super) fn section(summary: &Summary) -> Markup {
    let (data, from) = (&summary.data, &summary.provenance);
    let machine = from.machine.as_ref().map(|it| {
        let cores = it.cores.map(|n| format!("{n} cores"));
        let parts = [Some(it.system.clone()), it.processor.clone(), cores];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    });
    let memory = from.peak_memory_bytes.map(|bytes| format!("{} MiB", count(bytes as usize >> 20)));
    // The page may be mailed, and folders say more than the reader has to know.
    let facts = [
        ("File", Some(file_name(&data.path).to_owned())),
        ("SHA-256 of the file", Some(data.sha256.clone())),
        ("Text from column", Some(data.text_column.clone())),
        ("Labels from column", Some(data.label_column.clone())),
        ("Method", from.method.clone()),
        (
            "Encoder",
            from.encoder.as_deref().map(|it| file_name(it.trim_end_matches('/')).to_owned()),
        ),
        ("Judged by", from.judge.clone()),
        ("Seed", Some(from.seed.to_string())),
        ("Program", Some(from.program.version.clone())),
        ("Revision", from.program.revision.clone()),
        ("Machine", machine),
        ("Time", (from.seconds > 0.0).then(|| format!("{:.0} s", from.seconds))),
        ("Memory", memory),
    ];
    html! {
        section #source aria-labelledby="source-title" {
            h2 #source-title { "Source" }
            dl.facts {
                @for (name, value) in facts {
                    @if let Some(value) = value.filter(|it| !it.is_empty()) {
                        div { dt { (name) } dd { (value) } }
                    }
                }
            }
        }
    }
}
