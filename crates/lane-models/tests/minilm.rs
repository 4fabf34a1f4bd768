//! all-MiniLM-L6-v2 on twenty sentences against PyTorch, where `LANE_ENCODER` names its folder;
//! `fixtures/golden/bert.py` made the numbers.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use burn::tensor::Device;
use lane_models::{Pooling, TokenBatch, pretrained};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    abs_tol: f32,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    ids: Vec<i32>,
    cls: Vec<f32>,
    cls_norm: f32,
    mean: Vec<f32>,
    mean_norm: f32,
}

fn batch(rows: &[Row], device: &Device) -> TokenBatch {
    let width = rows.iter().map(|row| row.ids.len()).max().unwrap();
    let at = |row: &Row, t: usize| row.ids.get(t).copied();
    let grid = rows.iter().flat_map(|row| (0..width).map(move |t| at(row, t)));
    let lengths = rows.iter().map(|row| row.ids.len() as u32).collect();
    TokenBatch::new(grid.map(Option::unwrap_or_default).collect(), lengths, device)
}

#[track_caller]
fn close(what: &str, row: usize, ours: &[f32], theirs: &[f32], tolerance: f32) {
    for (our, their) in ours.iter().zip(theirs) {
        let gap = (our - their).abs();
        assert!(gap <= tolerance, "{what} of sentence {row}: {our}, expected {their}");
    }
}

#[test]
fn embeddings_of_a_real_encoder_are_those_of_pytorch() {
    let Some(dir) = std::env::var_os("LANE_ENCODER").map(PathBuf::from) else {
        println!("skipped: LANE_ENCODER is not set");
        return;
    };
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/golden/minilm.json");
    let golden: Golden = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let device = Device::flex();
    let loaded = pretrained::load_encoder(&dir, &device).unwrap();
    assert!(loaded.pooler.is_some());
    assert_eq!(loaded.report.unused, ["embeddings.position_ids"]);
    assert_eq!(golden.rows.len(), 20);
    let batch = batch(&golden.rows, &device);
    for pooling in [Pooling::Cls, Pooling::Mean] {
        let pooled = loaded.encoder.embed(&batch, pooling).into_data();
        let pooled = pooled.try_to_vec::<f32>().unwrap();
        for (at, (ours, row)) in pooled.chunks(384).zip(&golden.rows).enumerate() {
            let (theirs, norm) = match pooling {
                Pooling::Cls => (&row.cls, row.cls_norm),
                Pooling::Mean => (&row.mean, row.mean_norm),
            };
            close(&pooling.to_string(), at, &ours[..8], theirs, golden.abs_tol);
            let length = ours.iter().map(|x| x * x).sum::<f32>().sqrt();
            // A sum over 384 entries, so relative.
            close("length", at, &[length], &[norm], golden.abs_tol * norm.max(1.0));
        }
    }
}
