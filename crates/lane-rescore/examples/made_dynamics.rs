//! Writes a log as a run would leave it, of made numbers: `made_dynamics OUT ROWS EPOCHS`.
//!
//! An epoch's rows stand together in row order and row groups of a million, as lane-train writes
//! them. One row in ten is mislabelled: its margin falls from epoch to epoch where others' rise.

use std::error::Error;
use std::fs::File;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, RecordBatch, UInt16Array, UInt32Array};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

const BATCH: u32 = 1 << 16;
const CLASSES: u32 = 10;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [out, n_rows, n_epochs] = &words[..] else {
        return Err("expected OUT ROWS EPOCHS".into());
    };
    let (n_rows, n_epochs): (u32, u32) = (n_rows.parse()?, n_epochs.parse()?);
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let schema = batch(0..0, 1)?.schema();
    let mut writer = ArrowWriter::try_new(File::create(out)?, schema, Some(properties))?;
    for epoch in 1..=n_epochs {
        for first in (0..n_rows).step_by(BATCH as usize) {
            writer.write(&batch(first..n_rows.min(first + BATCH), epoch)?)?;
        }
        writer.flush()?;
    }
    writer.close()?;
    Ok(())
}

fn batch(rows: std::ops::Range<u32>, epoch: u32) -> Result<RecordBatch, Box<dyn Error>> {
    let float = |pick: &dyn Fn(u32) -> f32| -> ArrayRef {
        Arc::new(Float32Array::from_iter_values(rows.clone().map(pick)))
    };
    let class = |pick: &dyn Fn(u32) -> u32| -> ArrayRef {
        Arc::new(UInt16Array::from_iter_values(rows.clone().map(|row| pick(row) as u16)))
    };
    let margin = |row| {
        let slope = if share(row, 0, 1) < 0.1 { -0.4 } else { 0.8 };
        slope * epoch as f32 + share(row, 0, 2) * 4.0 - 2.0 + share(row, epoch, 3) * 3.0 - 1.5
    };
    #[expect(clippy::cast_sign_loss, reason = "a share is not negative")]
    let label = |row| (share(row, 0, 4) * CLASSES as f32) as u32;
    let predicted = |row| if margin(row) < 0.0 { (label(row) + 1) % CLASSES } else { label(row) };
    Ok(RecordBatch::try_from_iter([
        ("row", Arc::new(UInt32Array::from_iter_values(rows.clone())) as ArrayRef),
        ("epoch", Arc::new(UInt32Array::from(vec![epoch; rows.len()]))),
        ("label", class(&label)),
        ("margin", float(&margin)),
        ("label_aware_margin", float(&|row| margin(row) * (1.0 + share(row, epoch, 5)))),
        ("p_label", float(&|row| 1.0 / (1.0 + (-margin(row)).exp()))),
        ("predicted", class(&predicted)),
        ("weight", float(&|row| (margin(row).min(0.0) / 2.0).exp())),
    ])?)
}

/// A number in 0..1 that row, epoch and use decide.
fn share(row: u32, epoch: u32, uses: u64) -> f32 {
    let mut mixed = (u64::from(row) << 32 | u64::from(epoch)) ^ (uses << 56);
    for factor in [0xbf58_476d_1ce4_e5b9_u64, 0x94d0_49bb_1331_11eb] {
        mixed = (mixed ^ (mixed >> 31)).wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(factor);
    }
    ((mixed >> 40) as f32) / (1_u32 << 24) as f32
}
