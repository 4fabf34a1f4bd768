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

use std::error::Error;
use std::time::Instant;

use lane_audit::cut_off;
use lane_audit::noise_matrix::OutOfFold;
use lane_audit::regression::{ChoiceConfig, choose};
use lane_audit::suspicion::{Judge, ranking};
use lane_metrics::detection;

#[path = "shared/inputs.rs"]
mod inputs;

use inputs::{features_of, read_embeddings, read_labels};

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
    println!("u {:.4}, a {:.4}", judge.noise().uniform, judge.noise().directed);
    println!("{} flagged, {} worth a look", cut.n_flagged, cut.n_worth_a_look);
    println!("{:#?}", cut.cut_off);
    if let Some(gold) = gold {
        let wrong: Vec<_> = labels.iter().zip(&gold).map(|(label, gold)| label != gold).collect();
        let mut flagged = vec![false; labels.len()];
        ranking(&suspicions)[..cut.n_flagged].iter().for_each(|row| flagged[row.index()] = true);
        println!("{:?}", detection::of_scores(&suspicions, &wrong, &flagged)?);
    }
    Ok(())
}
