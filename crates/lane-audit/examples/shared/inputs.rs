//! Labels and embeddings as the examples read them.

use std::collections::BTreeSet;
use std::error::Error;

use lane_audit::RankingError;
use lane_audit::features::{self, Features, Layer};
use lane_metrics::ClassId;

/// `last` and `three`.
pub(crate) fn features_of(
    embeddings: &[f32],
    n_layers: usize,
    width: usize,
) -> Result<[Features; 2], RankingError> {
    let layer = |at: usize| -> Vec<f32> {
        let rows = embeddings.chunks_exact(n_layers * width);
        rows.flat_map(|row| &row[at * width..][..width]).copied().collect()
    };
    let [last, middle, first] = [n_layers - 1, (n_layers - 1) / 2, 0].map(layer);
    let last = Layer::new(&last, width)?;
    let three = features::three([last, Layer::new(&middle, width)?, Layer::new(&first, width)?])?;
    Ok([features::last(last), three])
}

pub(crate) type Labels = (Vec<String>, Vec<ClassId>, Option<Vec<ClassId>>);

/// Names of the classes, in order, the labels and the gold labels of a CSV.
pub(crate) fn read_labels(path: &str) -> Result<Labels, Box<dyn Error>> {
    let mut reader = csv::Reader::from_path(path)?;
    let headers = reader.headers()?.clone();
    let column = |name: &str| headers.iter().position(|it| it == name);
    let label = column("label").ok_or("no column `label`")?;
    let gold = column("gold");
    let records = reader.records().collect::<Result<Vec<_>, _>>()?;
    let of = |at: usize| records.iter().map(|it| it[at].to_owned()).collect::<Vec<_>>();
    let (labels, gold) = (of(label), gold.map(of));
    let names: BTreeSet<_> = labels.iter().chain(gold.iter().flatten()).cloned().collect();
    let names: Vec<_> = names.into_iter().collect();
    let number = |name: &String| ClassId(names.binary_search(name).unwrap_or_default() as u16);
    let numbers = |of: &Vec<String>| of.iter().map(number).collect::<Vec<_>>();
    let (labels, gold) = (numbers(&labels), gold.as_ref().map(numbers));
    Ok((names, labels, gold))
}

/// Numbers as numpy's `tofile` writes them.
pub(crate) fn read_embeddings(path: &str) -> Result<Vec<f32>, Box<dyn Error>> {
    let bytes = std::fs::read(path)?;
    Ok(bytes.as_chunks::<4>().0.iter().map(|it| f32::from_le_bytes(*it)).collect())
}
