//! Memory does not grow with rows × classes when probabilities come from a file.
//!
//! Alone in its binary, because the system counts the peak of the whole process.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use lane_data::ClassId;
use lane_data::matrix::{self, LabeledMatrix};
use lane_metrics::confident_learning::{self, Filter, scores};

/// Resident bytes at most so far, where the system tells.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|it| it.starts_with("VmHWM:"))?;
    Some(1024 * line.split_whitespace().nth(1)?.parse::<u64>().ok()?)
}

/// Rows of which one in eleven favors another class than the label; returns the labels.
fn write(path: &Path, n_rows: usize, n_classes: usize) -> Vec<ClassId> {
    let mut file = BufWriter::new(File::create(path).unwrap());
    let header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({n_rows}, {n_classes}), }}");
    file.write_all(b"\x93NUMPY\x01\x00").unwrap();
    file.write_all(&(header.len() as u16).to_le_bytes()).unwrap();
    file.write_all(header.as_bytes()).unwrap();
    let mut labels = Vec::with_capacity(n_rows);
    for row in 0..n_rows {
        let favored = (row * 7919) % n_classes;
        for class in 0..n_classes {
            let rest = 0.4 / (n_classes - 1) as f32;
            let value: f32 = if class == favored { 0.6 } else { rest };
            file.write_all(&value.to_le_bytes()).unwrap();
        }
        labels.push(ClassId(((favored + usize::from(row.is_multiple_of(11))) % n_classes) as u16));
    }
    file.flush().unwrap();
    labels
}

/// The peak beyond what was there before, with flags and a score a row as the result.
fn audit(n_rows: usize, n_classes: usize) -> Option<u64> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("probabilities.npy");
    let labels = write(&path, n_rows, n_classes);
    let before = peak()?;
    let matrix = matrix::open(&path).unwrap();
    let mut rows = LabeledMatrix::new(&matrix, &labels, n_classes).unwrap();
    let (joint, flagged) = confident_learning::find(&mut rows, Filter::Both).unwrap();
    let scores = scores::over(&mut rows, scores::normalized_margin).unwrap();
    assert_eq!((joint.n_rows(), scores.len()), (n_rows as u64, n_rows));
    assert!(flagged.iter().filter(|it| **it).count() > n_rows / 20);
    Some(peak()? - before)
}

#[test]
fn a_file_of_eighty_megabytes_takes_a_few() {
    let Some(beyond) = audit(200_000, 100) else { return };
    println!("{} MB beyond", beyond / 1_000_000);
    assert!(beyond < 24_000_000, "{beyond} bytes");
}

#[test]
#[ignore = "writes 400 MB"]
fn a_million_rows_of_a_hundred_classes_take_tens_of_megabytes() {
    let Some(beyond) = audit(1_000_000, 100) else { return };
    println!("{} MB beyond", beyond / 1_000_000);
    assert!(beyond < 80_000_000, "{beyond} bytes");
}
