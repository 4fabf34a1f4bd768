//! Ranks the labels of a file by embeddings computed elsewhere.
//!
//! ```text
//! rank_labels FILE.csv EMBEDDINGS.f32 N_LAYERS WIDTH
//! ```
//!
//! The file has a column `label` and may have one `gold`; then it says how well the ranking finds
//! the rows where they differ. The embeddings are f32, little-endian, shape
//! `[rows, N_LAYERS, WIDTH]`, the embedding layer first: what numpy's `tofile` writes.

#![expect(clippy::print_stdout, reason = "it is what the example is for")]

use std::collections::BTreeSet;
use std::error::Error;
use std::time::Instant;

use lane_audit::RankingError;
use lane_audit::cut_off;
use lane_audit::features::{self, Features, Layer};
use lane_audit::noise_matrix::OutOfFold;
use lane_audit::regression::{ChoiceConfig, choose};
use lane_audit::suspicion::{Judge, ranking};
use lane_metrics::{ClassId, detection};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [file, embeddings, n_layers, width] = &arguments[..] else {
        return Err("usage: rank_labels FILE.csv EMBEDDINGS.f32 N_LAYERS WIDTH".into());
    };
    let (n_layers, width) = (n_layers.parse()?, width.parse()?);
    let (names, labels, gold) = read_labels(file)?;
    let embeddings = read_embeddings(embeddings)?;

    let start = Instant::now();
    let [last, three] = features_of(&embeddings, n_layers, width)?;
    let choice = choose(&[&last, &three], &labels, names.len(), &ChoiceConfig::default())?;
    let judge = Judge::new(OutOfFold::new(&choice.probabilities, &labels, names.len())?);
    let suspicions = judge.suspicions();
    let cut = cut_off::choose(&judge);
    let seconds = start.elapsed().as_secs_f64();
    println!("{seconds:.2} s, {} rows, {} classes", labels.len(), names.len());
    for cell in &choice.cells {
        println!("{cell:?}");
    }
    println!("chosen: {:?}, {} repeats", choice.chosen, choice.n_repeats);
    println!("u {:.4}, a {:.4}; {cut:#?}", judge.noise().uniform, judge.noise().directed);
    if let Some(gold) = gold {
        let wrong: Vec<_> = labels.iter().zip(&gold).map(|(label, gold)| label != gold).collect();
        let mut flagged = vec![false; labels.len()];
        ranking(&suspicions)[..cut.n_flagged].iter().for_each(|row| flagged[row.index()] = true);
        println!("{:?}", detection::of_scores(&suspicions, &wrong, &flagged)?);
    }
    Ok(())
}

/// `last` and `three`.
fn features_of(
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

type Labels = (Vec<String>, Vec<ClassId>, Option<Vec<ClassId>>);

/// Names of the classes, in order, the labels and the gold labels.
fn read_labels(path: &str) -> Result<Labels, Box<dyn Error>> {
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

fn read_embeddings(path: &str) -> Result<Vec<f32>, Box<dyn Error>> {
    let bytes = std::fs::read(path)?;
    Ok(bytes.as_chunks::<4>().0.iter().map(|it| f32::from_le_bytes(*it)).collect())
}
