//! Says of a file whose true labels are known what the audit states of it, and what is so.
//!
//! ```text
//! calibration FILE.csv EMBEDDINGS.f32 N_LAYERS WIDTH PROBABILITIES.f64 [FEATURES C REPEATS] [plant]
//! ```
//!
//! File and embeddings as for `rank_labels`. Out-of-fold probabilities are kept in the file named,
//! and read from it where it exists. FEATURES (0 for the last layer, 1 for three), C and how often the
//! folds are dealt are taken as given where they are there, and chosen as by default elsewhere. `plant` also changes a twentieth of the
//! labels for real, fits again with other folds, and says what those flips would have stated.
//! Prints one line of JSON; `fixtures/reference/calibration.py` makes tables of such lines.

#![expect(clippy::print_stdout, reason = "it is what the example is for")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use lane_audit::cut_off::{self, Cut};
use lane_audit::features::Features;
use lane_audit::model::Estimate;
use lane_audit::noise_matrix::OutOfFold;
use lane_audit::planted_flips::PlantedFlips;
use lane_audit::regression::{self, ChoiceConfig, Folds, Labelled, RegressionConfig, out_of_fold};
use lane_audit::reviewed::{Sample, SampleSize};
use lane_audit::suspicion::Judge;
use lane_audit::{Audit, AuditRow};
use lane_data::sample::permutation;
use lane_data::seed::stream;
use lane_metrics::{ClassId, detection};
use serde_json::{Value, json};

#[path = "shared/inputs.rs"]
mod inputs;

use inputs::{features_of, read_embeddings, read_labels};

/// Times that rows are drawn at random to be looked at.
const N_LOOKS: u64 = 200;
/// Parts of the ranking in which stated and true shares are compared.
const N_BINS: usize = 15;
/// One label in so many is changed for real.
const ONE_PLANTED_IN: usize = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let mut words: Vec<_> = std::env::args().skip(1).collect();
    let is_to_plant = words.pop_if(|it| it == "plant").is_some();
    let [file, embeddings, n_layers, width, probabilities, given @ ..] = &words[..] else {
        return Err("usage: calibration FILE EMBEDDINGS N_LAYERS WIDTH PROBABILITIES".into());
    };
    let (names, labels, gold) = read_labels(file)?;
    let gold = gold.ok_or("no column `gold`")?;
    let embeddings = read_embeddings(embeddings)?;
    let features = features_of(&embeddings, n_layers.parse()?, width.parse()?)?;
    let file = File { n_classes: names.len(), labels, features };
    let cell = match given {
        [features, c, repeats] => Some((features.parse()?, c.parse()?, repeats.parse()?)),
        _ => None,
    };
    let probabilities = file.probabilities(Path::new(probabilities), cell)?;
    let judge = Judge::new(OutOfFold::new(&probabilities, &file.labels, file.n_classes)?);
    let wrong: Vec<_> = file.labels.iter().zip(&gold).map(|(label, gold)| label != gold).collect();
    let mut found = stated_and_true(&judge, &wrong)?;
    if let (true, Some((features, c, _))) = (is_to_plant, cell) {
        found["planted"] = json!({
            "on_paper": on_paper(&judge),
            "for_real": for_real(&file, &judge, &file.features[features], c)?,
        });
    }
    println!("{found}");
    Ok(())
}

/// Labels and features of them.
struct File {
    n_classes: usize,
    labels: Vec<ClassId>,
    features: [Features; 2],
}

impl File {
    /// Out-of-fold probabilities, read or computed.
    fn probabilities(
        &self,
        path: &Path,
        cell: Option<(usize, f64, u64)>,
    ) -> Result<Vec<f64>, Box<dyn Error>> {
        if path.exists() {
            let bytes = std::fs::read(path)?;
            return Ok(bytes.as_chunks::<8>().0.iter().map(|it| f64::from_le_bytes(*it)).collect());
        }
        let [last, three] = &self.features;
        let choice = match cell {
            None => {
                let config = ChoiceConfig::default();
                regression::choose(&[last, three], &self.labels, self.n_classes, &config)?
            }
            Some((features, c, n_repeats)) => {
                let inverse_penalties = vec![c];
                let config =
                    ChoiceConfig { inverse_penalties, n_repeats, ..ChoiceConfig::default() };
                let features = &self.features[features];
                regression::choose(&[features], &self.labels, self.n_classes, &config)?
            }
        };
        let bytes: Vec<_> = choice.probabilities.iter().flat_map(|it| it.to_le_bytes()).collect();
        std::fs::write(path, bytes)?;
        Ok(choice.probabilities)
    }
}

fn stated_and_true(judge: &Judge<'_>, wrong: &[bool]) -> Result<Value, Box<dyn Error>> {
    let suspicions = judge.suspicions();
    let cut = cut_off::choose(judge);
    let flagged: Vec<_> = suspicions.iter().map(|it| *it >= cut.cut_off.threshold).collect();
    let detected = detection::of_scores(&suspicions, wrong, &flagged)?;
    let count = |it: &mut dyn Iterator<Item = bool>| it.filter(|it| *it).count() as f64;
    let n_wrong = count(&mut wrong.iter().copied());
    let n_flagged = count(&mut flagged.iter().copied());
    let n_found = count(&mut wrong.iter().zip(&flagged).map(|(wrong, flag)| *wrong && *flag));
    let n_rows = wrong.len() as f64;
    let truth = [n_found / n_flagged, n_found / n_wrong.max(1.0), n_wrong / n_rows];
    let worth = looks(&flagged, wrong, truth)?;
    Ok(json!({
        "n_rows": wrong.len(),
        "n_classes": judge.rows().n_classes(),
        "n_flagged": n_flagged,
        "n_worth_a_look": cut.n_worth_a_look,
        "average_precision": detected.average_precision,
        "truth": { "precision": truth[0], "recall": truth[1], "share_wrong": truth[2] },
        "stated": {
            "precision": cut.cut_off.precision,
            "recall": cut.cut_off.recall,
            "share_wrong": cut.cut_off.share_wrong,
        },
        "calibration_error": calibration_error(&suspicions, &cut, wrong),
        "brier": brier(&cut, wrong),
        "brier_of_share": truth[2] * (1.0 - truth[2]),
        "reviewed": worth,
    }))
}

/// Mean distance of stated and true shares, in parts of the ranking of one size.
fn calibration_error(suspicions: &[f64], cut: &Cut, wrong: &[bool]) -> f64 {
    let ranked = lane_audit::suspicion::ranking(suspicions);
    let n_rows = ranked.len();
    let parts = (0..N_BINS).map(|bin| &ranked[bin * n_rows / N_BINS..(bin + 1) * n_rows / N_BINS]);
    let off = |part: &[lane_metrics::RowId]| {
        let off = |row: &lane_metrics::RowId| {
            cut.p_wrong[row.index()] - f64::from(u8::from(wrong[row.index()]))
        };
        part.iter().map(off).sum::<f64>().abs()
    };
    parts.map(off).sum::<f64>() / n_rows as f64
}

/// Mean squared distance of stated probabilities to what is so.
fn brier(cut: &Cut, wrong: &[bool]) -> f64 {
    let square = |(p, wrong): (&f64, &bool)| (p - f64::from(u8::from(*wrong))).powi(2);
    cut.p_wrong.iter().zip(wrong).map(square).sum::<f64>() / wrong.len() as f64
}

/// How often, and how closely, looks at rows drawn at random hold precision, recall and share.
fn looks(flagged: &[bool], wrong: &[bool], truth: [f64; 3]) -> Result<Value, Box<dyn Error>> {
    let row = |(row, flagged): (usize, &bool)| AuditRow {
        row: row as u32,
        flagged: *flagged,
        ..AuditRow::default()
    };
    let audit = Audit { rows: flagged.iter().enumerate().map(row).collect(), ..Audit::default() };
    let (mut held, mut width, mut n) = ([0.0; 3], [0.0; 3], [0.0; 3]);
    // Few counts are possible, and each takes a while to estimate.
    let mut known = BTreeMap::<_, [Option<Estimate>; 3]>::new();
    for seed in 0..N_LOOKS {
        let sample = Sample { seed: 0, ..Sample::draw(&audit, SampleSize::default(), seed) };
        let count = |flagged| {
            let of_kind = sample.rows.iter().filter(|it| it.flagged == flagged);
            of_kind.filter(|it| wrong[it.row as usize]).count()
        };
        let counts = (count(true), count(false));
        if let std::collections::btree_map::Entry::Vacant(entry) = known.entry(counts) {
            let it = sample.estimate(|row| Some(wrong[row as usize]))?;
            entry.insert([it.precision, it.recall, it.share_wrong]);
        }
        for (at, estimate) in known[&counts].into_iter().enumerate() {
            let Some(it) = estimate else { continue };
            n[at] += 1.0;
            held[at] += f64::from(u8::from((it.low..=it.high).contains(&truth[at])));
            width[at] += it.high - it.low;
        }
    }
    let names = ["precision", "recall", "share_wrong"];
    let of = |at: usize| json!({ "n": n[at], "held": held[at], "width": width[at] / n[at] });
    Ok(names.iter().enumerate().map(|(at, name)| ((*name).to_owned(), of(at))).collect())
}

/// What flips planted on paper state, with nothing corrected.
fn on_paper(judge: &Judge<'_>) -> Value {
    of_flips(&cut_off::plant(judge), cut_off::choose(judge).n_flagged)
}

/// What flips planted for real state, of as many flagged rows.
fn for_real(
    file: &File,
    judge: &Judge<'_>,
    features: &Features,
    inverse_penalty: f64,
) -> Result<Value, Box<dyn Error>> {
    let n_rows = file.labels.len();
    let mut labels = file.labels.clone();
    let order = permutation(n_rows, stream(1, "calibration/rows", &[]));
    let planted = &order[..n_rows / ONE_PLANTED_IN];
    for row in planted {
        let others = file.n_classes as u64 - 1;
        let step = 1 + stream(1, "calibration/class", &[u64::from(row.0)]) % others;
        let label = &mut labels[row.index()];
        *label = ClassId(((u64::from(label.0) + step) % file.n_classes as u64) as u16);
    }
    let folds = Folds::deal(&labels, 5, 11)?;
    let config = RegressionConfig { inverse_penalty, ..RegressionConfig::default() };
    let log = out_of_fold(Labelled::new(features, &labels, file.n_classes)?, &folds, config)?;
    let probabilities: Vec<_> = log.into_iter().map(f64::exp).collect();
    let again = Judge::new(OutOfFold::new(&probabilities, &labels, file.n_classes)?);
    let mut suspicions: Vec<_> = again.suspicions().into_iter().map(Some).collect();
    let of_planted: Vec<_> =
        planted.iter().filter_map(|row| suspicions[row.index()].take()).collect();
    let mut flips = PlantedFlips::new(suspicions.into_iter().flatten().collect());
    for suspicion in of_planted {
        flips.plant(suspicion, 1.0);
    }
    let n_flagged = cut_off::choose(judge).n_flagged;
    Ok(of_flips(&flips, (n_flagged - n_flagged / ONE_PLANTED_IN).max(1)))
}

fn of_flips(flips: &PlantedFlips, n_flagged: usize) -> Value {
    let (share, recall) = (flips.share_wrong(), flips.recalls()[n_flagged - 1]);
    let flagged = n_flagged as f64 / flips.thresholds().len() as f64;
    let precision = (share * recall / flagged).min(1.0);
    json!({ "precision": precision, "recall": recall, "share_wrong": share })
}
