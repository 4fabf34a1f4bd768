//! Doors of crates that stand on burn.

use std::path::{Path, PathBuf};

use lane_audit::duplicates::Options;
use lane_data::Columns;
use lane_train::audit::{Logged, LoggedRequest, audit_logged};
use lane_train::cell::Cell;
use lane_train::config::ModelConfig;
use lane_train::device::DeviceName;
use lane_train::encoder::Encoder;
use lane_train::exchange::{ExportRequest, Format, ImportRequest, export, import};
use lane_train::grid::Grid;
use lane_train::noise_file::{NoiseRequest, noise_file};
use lane_train::saved::Classifier;
use lane_train::{Config, MapConfig, NoiseConfig, NoiseKind, Silent};

use crate::doors::{Door, NEXT_FILE, answered};
use crate::interrupted::{checkpoint, invocation};
use crate::scratch;

/// Every door of this file by the name of its target.
pub const DOORS: [(&str, Door); 7] = [
    ("config", config),
    ("grid", grid),
    ("similarity", similarity),
    ("exchange", exchange),
    ("dynamics", dynamics),
    ("encoder", encoder),
    ("checkpoint", checkpoint),
];

/// A small BERT of random weights.
const BERT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/golden/bert");

/// A vocabulary that fits it.
const VOCABULARY: &str =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\nd\ne\n##a\n##b\n##c\n##d\n##e\n";

/// Rows that are well.
pub(crate) const ROWS: &str = "id,text,label\na,so bad,bad\nb,so good,good\nc,who knows,none\n";

/// What a run lists of them.
const LISTED: &str = "row,id,text,label\n0,a,so bad,bad\n1,b,so good,good\n2,c,who knows,none\n";

/// A configuration; what it comes to must read as the same.
pub fn config(bytes: &[u8]) {
    let path = scratch::file("config.toml", bytes);
    let Some(config) = answered(Config::resolve(Some(&path), &[])) else { return };
    let text = toml::to_string(&config).expect("a configuration that was read can be written");
    let again = Config::resolve(Some(&scratch::file("again.toml", text.as_bytes())), &[]);
    assert_eq!(answered(again), Some(config), "{text}");
}

/// A grid, and the list of cells that is made of one.
pub fn grid(bytes: &[u8]) {
    let list = scratch::file("cells.jsonl", bytes);
    answered(Cell::read(&list, 0));
    let path = scratch::file("grid.json", bytes);
    if let Some(grid) = answered(Grid::read(&path)) {
        answered(grid.cells(&scratch::folder()));
    }
}

/// A table of similarities of the classes `bad`, `good` and `none`.
pub fn similarity(bytes: &[u8]) {
    answered(noise_file(
        &NoiseRequest {
            data: scratch::file("rows.csv", ROWS.as_bytes()),
            columns: Columns::default(),
            out: scratch::folder().join("noisy.csv"),
            noise: NoiseConfig {
                kind: NoiseKind::ClassConditional,
                rate: 0.5,
                instance_spread: 0.1,
            },
            seed: 1,
            max_rows: None,
            similarity: Some(scratch::file("similarity.csv", bytes)),
            model: ModelConfig::default(),
            device: DeviceName::Flex,
            force: true,
        },
        &mut Silent,
    ));
}

/// Epochs of dataset cartography where the case begins with `{`, one after the other with
/// [`NEXT_FILE`] between; else a table of aum.
pub fn exchange(bytes: &[u8]) {
    let from = scratch::empty("scores");
    if bytes.first() != Some(&b'{') {
        imported(scratch::put(&from, "aum_values.csv", bytes));
        return;
    }
    for (epoch, bytes) in bytes.split(|byte| *byte == NEXT_FILE).take(3).enumerate() {
        scratch::put(&from, &format!("dynamics_epoch_{epoch}.jsonl"), bytes);
    }
    imported(from);
}

fn imported(from: PathBuf) {
    let out = scratch::folder().join("imported");
    let rows = scratch::file("rows.csv", ROWS.as_bytes());
    for data in [None, Some(rows)] {
        let (from, out) = (from.clone(), out.clone());
        let (columns, map) = (Columns::default(), MapConfig::default());
        answered(import(&ImportRequest { from, out, data, columns, map, force: true }));
    }
}

/// What a run wrote of its epochs, the rest of its folder being well.
pub fn dynamics(bytes: &[u8]) {
    let run = scratch::empty("run");
    scratch::put(&run, "result.json", b"{}");
    scratch::put(&run, "labels.csv", LISTED.as_bytes());
    scratch::put(&run, "dynamics.parquet", bytes);
    let out = scratch::folder().join("exported");
    for format in [Format::Aum, Format::Cartography, Format::Csv] {
        let (run, out) = (run.clone(), out.clone());
        answered(export(&ExportRequest { run, format, out, force: true }));
    }
    let request = LoggedRequest {
        data: scratch::file("rows.csv", ROWS.as_bytes()),
        columns: Columns::default(),
        from: Logged::Dynamics(run),
        rank_by: None,
        duplicates: Options::default(),
        force: true,
    };
    let out = scratch::folder().join("audited");
    answered(audit_logged(&request, &out, &invocation(), &mut Silent));
}

/// One file of an encoder that is otherwise well: `config.json` where the case begins with `{`,
/// else the weights.
pub fn encoder(bytes: &[u8]) {
    let folder = scratch::empty("encoder");
    let bert = Path::new(BERT);
    for name in ["config.json", "model.safetensors"] {
        std::fs::copy(bert.join(name), folder.join(name)).expect("the fixtures are there");
    }
    scratch::put(&folder, "vocab.txt", VOCABULARY.as_bytes());
    let is_config = bytes.first() == Some(&b'{');
    let name = if is_config { "config.json" } else { "model.safetensors" };
    scratch::put(&folder, name, bytes);
    let encoder = folder.display().to_string();
    let settings = ModelConfig { encoder, max_length: 8, ..ModelConfig::default() };
    answered(Encoder::open(&settings, std::iter::empty()));
    if let Some(classifier) = answered(Classifier::open(&folder, DeviceName::Flex)) {
        assert!(!classifier.labels().is_empty());
    }
}
