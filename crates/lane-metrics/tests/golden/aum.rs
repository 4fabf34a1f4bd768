//! `aum.json`: margins and their averages over three epochs of four classes.

use lane_metrics::averages::{MarginAverages, Visit};
use lane_metrics::{Logits, RowId, margin};

use crate::file::{F32, check_all, classes, list, matrix, read};

fn averages_from(first_epoch: usize) -> Vec<f64> {
    let file = read("aum.json");
    let labels = classes(&file["inputs"]["y"]);
    let mut averages = MarginAverages::new(labels.len()).unwrap();
    for (epoch, logits) in list(&file["inputs"]["logits"]).iter().enumerate() {
        let logits = matrix(logits);
        let margins = margin::of_batch(Logits::new(&logits, 4).unwrap(), &labels).unwrap();
        let values: Vec<_> = margins.iter().map(|it| f64::from(it.value)).collect();
        check_all("M", &values, &file["expected"]["margins"][epoch], F32);
        for (row, it) in margins.iter().enumerate().filter(|_| epoch >= first_epoch) {
            let visit = Visit { row: RowId(row as u32), margin: it.value, ..Visit::default() };
            averages.record(&visit).unwrap();
        }
    }
    (0..4).map(|row| averages.aum(RowId(row)).unwrap()).collect()
}

#[test]
fn margins_and_their_averages_agree() {
    check_all("AUM", &averages_from(0), &read("aum.json")["expected"]["aum_all_epochs"], F32);
}

#[test]
fn averages_without_the_first_epoch_agree() {
    let file = read("aum.json");
    check_all("AUM", &averages_from(1), &file["expected"]["aum_skip_first_epoch"], F32);
}
