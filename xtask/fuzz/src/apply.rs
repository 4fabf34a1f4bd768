//! Labels put into a copy of a file, whatever the file.

use lane_audit::model::{Audit, AuditRow, DataFile, Summary};
use lane_data::read::hash_of_file;
use lane_data::{ClassId, Dataset};
use lane_review::{ApplyRequest, ReviewError};

use crate::doors::{answered, data_file};
use crate::scratch;

/// Labels that need care in a file.
const LABELS: [&str; 4] = ["new", "a \"b\", c", "\u{e9}\t\\", "0"];

/// Every row of the case gets another label, and the copy must say so and nothing else.
pub fn apply(bytes: &[u8]) {
    let names: &[&str] = if bytes.starts_with(b"PAR1") {
        &["case.parquet"]
    } else {
        &["case.csv", "case.tsv", "case.jsonl"]
    };
    for name in names {
        let path = scratch::file(name, bytes);
        let Some(dataset) = data_file(&path) else { continue };
        let folder = scratch::empty("audited");
        let Some(sha256) = answered(hash_of_file(&path)) else { continue };
        let path = path.display().to_string();
        answered(lane_audit::write(&folder, &audit_of(&dataset, path, sha256)));
        let request = ApplyRequest {
            folder,
            data: None,
            min_agreement: 0.6,
            min_annotators: 1,
            accept_flagged: true,
            force: false,
            dry_run: true,
        };
        match lane_review::apply(&request) {
            Err(error @ ReviewError::NotAsMeant { .. }) => panic!("{error}"),
            answer => drop(answered(answer)),
        }
    }
}

fn audit_of(dataset: &Dataset, path: String, sha256: String) -> Audit {
    let label = |class: ClassId| dataset.labels.name(class).to_owned();
    let row = |(row, example): (u32, &lane_data::Example)| AuditRow {
        row,
        rank: row + 1,
        id: example.id.clone(),
        text: example.text.clone(),
        label: label(example.label),
        suggested: LABELS[row as usize % LABELS.len()].into(),
        // Every third row stays as it is.
        flagged: row % 3 != 2,
        ..AuditRow::default()
    };
    let data = DataFile {
        path,
        sha256,
        n_rows: dataset.n_rows(),
        text_column: "text".into(),
        label_column: "label".into(),
        id_column: None,
    };
    let labels = dataset.labels.names().to_vec();
    let rows = (0..).zip(&dataset.examples).map(row).collect();
    Audit { summary: Summary { data, labels, ..Summary::default() }, rows }
}
