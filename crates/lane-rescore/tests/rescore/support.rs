//! Logs as lane-train writes them, and rankings read back.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float32Array, RecordBatch, UInt16Array, UInt32Array};
use arrow::datatypes::{Float32Type, Float64Type, UInt16Type, UInt32Type, UInt64Type};
use lane_rescore::{ByteSize, RescoreRequest, Score};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

/// What one epoch said of one row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Look {
    pub(crate) row: u32,
    pub(crate) epoch: u32,
    pub(crate) label: u16,
    pub(crate) margin: f32,
    pub(crate) aware: Option<f32>,
    pub(crate) p_label: f32,
    pub(crate) predicted: u16,
    pub(crate) weight: f32,
}

impl Look {
    pub(crate) fn new(row: u32, epoch: u32) -> Self {
        let (margin, p_label) = (1.0, 0.5);
        Self { row, epoch, label: 0, margin, aware: None, p_label, predicted: 0, weight: 1.0 }
    }
}

/// A line of a ranking.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ranked {
    pub(crate) rank: u64,
    pub(crate) row: u32,
    pub(crate) label: u16,
    pub(crate) aum: f64,
    pub(crate) alm: Option<f64>,
    pub(crate) weight: f32,
    pub(crate) loss: f64,
    pub(crate) confidence: f64,
    pub(crate) variability: f64,
    pub(crate) correctness: u32,
    pub(crate) forgetting: u32,
    pub(crate) epochs: u32,
}

impl Ranked {
    /// What the row is ranked by; none comes last.
    pub(crate) fn score(&self, score: Score) -> Option<f64> {
        match score {
            Score::Aum => Some(self.aum),
            Score::Alm => self.alm,
            Score::Weight => Some(f64::from(self.weight)),
            Score::Loss => Some(self.loss),
            Score::Confidence => Some(self.confidence),
            Score::Variability => Some(self.variability),
            Score::Correctness => Some(f64::from(self.correctness)),
            Score::Forgetting => Some(f64::from(self.forgetting)),
        }
    }
}

/// A column of a log.
pub(crate) type Column = (&'static str, ArrayRef);

pub(crate) fn columns(looks: &[Look]) -> Vec<Column> {
    fn column<T, A: FromIterator<T> + Array + 'static>(
        looks: &[Look],
        pick: impl Fn(&Look) -> T,
    ) -> ArrayRef {
        Arc::new(looks.iter().map(pick).collect::<A>())
    }
    let float = |pick: fn(&Look) -> f32| column::<_, Float32Array>(looks, |it| Some(pick(it)));
    let class = |pick: fn(&Look) -> u16| column::<_, UInt16Array>(looks, |it| Some(pick(it)));
    let count = |pick: fn(&Look) -> u32| column::<_, UInt32Array>(looks, |it| Some(pick(it)));
    vec![
        ("row", count(|it| it.row)),
        ("epoch", count(|it| it.epoch)),
        ("label", class(|it| it.label)),
        ("margin", float(|it| it.margin)),
        ("label_aware_margin", column::<_, Float32Array>(looks, |it| it.aware)),
        ("p_label", float(|it| it.p_label)),
        ("predicted", class(|it| it.predicted)),
        ("weight", float(|it| it.weight)),
    ]
}

/// Writes a log; `map_epochs` goes where lane-train notes the epochs of the data map.
pub(crate) fn write(path: &Path, columns: Vec<Column>, map_epochs: Option<&str>) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    // Small groups, so that small files have several.
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(64)).build();
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    if let Some(epochs) = map_epochs {
        writer
            .append_key_value_metadata(KeyValue::new("lane.map_epochs".into(), epochs.to_owned()));
    }
    writer.close().unwrap();
}

/// A folder with one log in it.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn with(looks: &[Look]) -> Self {
        let place = Self::new();
        write(&place.path("dynamics.parquet"), columns(looks), None);
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// A request for `ranking.parquet`, of everything in the folder.
    pub(crate) fn request(&self, score: Score) -> RescoreRequest {
        RescoreRequest {
            dynamics: vec![self.folder.path().into()],
            score,
            out: self.path("ranking.parquet"),
            memory: ByteSize(256 << 20),
            epochs: None,
            include_ci: false,
            threads: Some(2),
            spill: None,
            force: true,
        }
    }
}

/// Reads a ranking in Parquet.
pub(crate) fn ranking(path: &Path) -> Vec<Ranked> {
    let file = File::open(path).unwrap();
    let batches = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    batches.flat_map(|batch| rows(&batch.unwrap())).collect()
}

fn rows(batch: &RecordBatch) -> Vec<Ranked> {
    let count = |name, row| batch[name].as_primitive::<UInt32Type>().value(row);
    let number = |name, row| batch[name].as_primitive::<Float64Type>().value(row);
    let line = |row| Ranked {
        rank: batch["rank"].as_primitive::<UInt64Type>().value(row),
        row: count("row", row),
        label: batch["label"].as_primitive::<UInt16Type>().value(row),
        aum: number("aum", row),
        alm: batch["alm"].is_valid(row).then(|| number("alm", row)),
        weight: batch["weight"].as_primitive::<Float32Type>().value(row),
        loss: number("loss", row),
        confidence: number("confidence", row),
        variability: number("variability", row),
        correctness: count("correctness", row),
        forgetting: count("forgetting", row),
        epochs: count("epochs", row),
    };
    (0..batch.num_rows()).map(line).collect()
}

/// Checks ranks from 1, the suspicious end first, rows without the score last, ties by row.
#[track_caller]
#[expect(clippy::float_cmp, reason = "rows tie where their scores are the same to the bit")]
pub(crate) fn check_order(ranking: &[Ranked], score: Score) {
    assert!(ranking.iter().zip(1..).all(|(line, rank)| line.rank == rank));
    for pair in ranking.windows(2) {
        let values = [pair[0].score(score), pair[1].score(score)];
        let in_order = match values {
            [Some(first), Some(second)] if first == second => pair[0].row < pair[1].row,
            [Some(first), Some(second)] => (second < first) == score.high_is_suspicious(),
            [first, None] => first.is_some() || pair[0].row < pair[1].row,
            [None, Some(_)] => false,
        };
        assert!(in_order, "by {score}: {pair:?}");
    }
}

/// Looks without a pattern: `n_rows` of `n_epochs` in shuffled order, some left out.
pub(crate) fn scattered(n_rows: u32, n_epochs: u32) -> Vec<Look> {
    let mut looks: Vec<_> = (0..n_rows)
        .flat_map(|row| (1..=n_epochs).map(move |epoch| Look::new(row, epoch)))
        .map(|look| Look {
            label: (look.row % 4) as u16,
            margin: share(look, 1) * 20.0 - 10.0,
            aware: (share(look, 2) < 0.8).then(|| share(look, 3) * 30.0 - 15.0),
            p_label: share(look, 4),
            predicted: ((look.row + u32::from(share(look, 5) < 0.4)) % 4) as u16,
            weight: share(look, 6),
            ..look
        })
        .filter(|look| share(*look, 7) < 0.9)
        .collect();
    looks.sort_by(|left, right| share(*left, 8).total_cmp(&share(*right, 8)));
    looks
}

/// A number in 0..1 that row, epoch and use decide.
fn share(look: Look, uses: u64) -> f32 {
    let mut mixed = (u64::from(look.row) << 32 | u64::from(look.epoch)) ^ (uses << 56);
    for factor in [0xbf58_476d_1ce4_e5b9_u64, 0x94d0_49bb_1331_11eb] {
        mixed = (mixed ^ (mixed >> 31)).wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(factor);
    }
    ((mixed >> 40) as f32) / (1_u32 << 24) as f32
}
