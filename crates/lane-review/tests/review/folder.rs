//! A small audit, on disk with the file it is of.

use std::path::PathBuf;

use lane_audit::model::{DataFile, DuplicateGroup};
use lane_audit::{Audit, AuditRow, RowKind, Summary};
use lane_data::read::hash_of_file;
use lane_review::{Review, Server, ServerOptions};
use tempfile::TempDir;

use crate::client::Client;

pub(crate) const KINDS: [RowKind; 3] = [RowKind::Wrong, RowKind::Hard, RowKind::Conflict];

/// Text, given label, suggested label and kind.
pub(crate) type Row = (&'static str, &'static str, &'static str, RowKind);

/// Most suspicious first; rows of the file in this order too.
pub(crate) const ROWS: [Row; 6] = [
    ("who wrote it", "place", "person", RowKind::Wrong),
    ("where is <b>it</b>", "person", "place", RowKind::Wrong),
    ("how many, \"about\"", "place", "number", RowKind::Conflict),
    ("how many, about", "number", "number", RowKind::Conflict),
    ("who or where", "person", "place", RowKind::Hard),
    ("how far", "number", "number", RowKind::Fine),
];

/// A folder with `data.EXT` and the audit of it in `audit`.
pub(crate) struct Folder {
    pub(crate) folder: TempDir,
    pub(crate) name: String,
}

impl Folder {
    /// With a CSV.
    pub(crate) fn new() -> Self {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(["text", "label"]).unwrap();
        for (text, label, ..) in ROWS {
            csv.write_record([text, label]).unwrap();
        }
        Self::with("data.csv", &csv.into_inner().unwrap())
    }

    /// With any file of the texts and labels of [`ROWS`].
    pub(crate) fn with(name: &str, bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(name), bytes).unwrap();
        let it = Self { folder, name: name.into() };
        lane_audit::write(&it.audit(), &it.make_audit()).unwrap();
        it
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn audit(&self) -> PathBuf {
        self.path("audit")
    }

    fn make_audit(&self) -> Audit {
        let path = self.path(&self.name);
        let rows = ROWS.iter().enumerate().map(|(row, (text, label, suggested, kind))| AuditRow {
            row: row as u32,
            id: format!("id{row}"),
            text: (*text).into(),
            label: (*label).into(),
            suggested: (*suggested).into(),
            score: 1.0 / (row + 1) as f64,
            flagged: *kind == RowKind::Wrong,
            reason: "The model expects another label.".into(),
            rank: row as u32 + 1,
            kind: *kind,
            p_label: Some(0.125),
            p_suggested: Some(0.75),
            duplicates: (*kind == RowKind::Conflict).then_some(0),
            ..AuditRow::default()
        });
        let data = DataFile {
            sha256: hash_of_file(&path).unwrap(),
            path: path.display().to_string(),
            n_rows: ROWS.len(),
            text_column: "text".into(),
            label_column: "label".into(),
            id_column: None,
        };
        let labels = ["number", "person", "place"].map(Into::into).to_vec();
        let group = DuplicateGroup {
            exact: false,
            similarity: 0.9,
            rows: vec![2, 3],
            labels: vec!["place".into(), "number".into()],
        };
        let summary = Summary { data, labels, duplicates: vec![group], ..Summary::default() };
        Audit { summary, rows: rows.collect() }
    }

    /// A server for this annotator, and who asks it.
    pub(crate) fn serve(&self, annotator: &str) -> Client {
        self.serve_review(Review::open(&self.audit(), &KINDS).unwrap(), annotator)
    }

    /// As [`Self::serve`], beginning with rows drawn at random.
    pub(crate) fn serve_with_sample(&self, annotator: &str) -> Client {
        let review = Review::open(&self.audit(), &KINDS).unwrap();
        self.serve_review(review.beginning_with_sample(&self.audit()).unwrap(), annotator)
    }

    fn serve_review(&self, review: Review, annotator: &str) -> Client {
        let options = ServerOptions { annotator: annotator.into(), port: 0 };
        let server = Server::bind(&self.audit(), review, &options).unwrap();
        let client = Client::new(&server.url());
        std::thread::spawn(|| server.run());
        client
    }
}
