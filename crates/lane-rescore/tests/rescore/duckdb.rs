//! Against DuckDB itself, where a Python with it is at hand (`LANE_PYTHON`, else `python3`).

use std::process::Command;

use lane_rescore::{Epochs, Score, rescore};

use crate::support::{Place, check_order, columns, ranking, scattered, write};

fn python() -> Option<String> {
    let python = std::env::var("LANE_PYTHON").unwrap_or_else(|_| "python3".into());
    let has_it = Command::new(&python).args(["-c", "import duckdb"]).output();
    has_it.is_ok_and(|said| said.status.success()).then_some(python)
}

/// Has the reference script rank the folder's log into `theirs.csv`; its lines, fields by name.
fn theirs(python: &str, place: &Place, forgetting: &str) -> Vec<Vec<String>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/reference/rescore.py");
    let said = Command::new(python)
        .args([script, "rank"])
        .args([place.path("a.parquet"), place.path("b.parquet")])
        .args(["--epochs", "2", "9", "--forgetting", forgetting, "--out"])
        .arg(place.path("theirs.csv"))
        .output()
        .unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let text = std::fs::read_to_string(place.path("theirs.csv")).unwrap();
    let header =
        "row,label,aum,alm,weight,loss,confidence,variability,correctness,forgetting,epochs";
    assert_eq!(text.lines().next(), Some(header));
    text.lines().skip(1).map(|line| line.split(',').map(Into::into).collect()).collect()
}

#[test]
fn a_log_in_two_files_is_ranked_as_duckdb_ranks_it() {
    let Some(python) = python() else {
        eprintln!("skipped: no Python with duckdb (LANE_PYTHON)");
        return;
    };
    let place = Place::new();
    let looks = scattered(3000, 9);
    write(&place.path("a.parquet"), columns(&looks[..9000]), None);
    write(&place.path("b.parquet"), columns(&looks[9000..]), None);
    let mut request = place.request(Score::Aum);
    request.epochs = Some(Epochs { first: 2, last: 9 });
    rescore(&request).unwrap();
    let ours = ranking(&request.out);
    check_order(&ours, Score::Aum);
    std::fs::remove_file(&request.out).unwrap();
    for forgetting in ["window", "bits"] {
        let theirs = theirs(&python, &place, forgetting);
        assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.iter().zip(theirs) {
            // Margins without a pattern do not tie, so the rows come in one order.
            assert_eq!(
                (ours.row.to_string(), ours.label.to_string()),
                (theirs[0].clone(), theirs[1].clone())
            );
            for (score, theirs) in Score::ALL.into_iter().zip(&theirs[2..]) {
                let theirs = theirs.parse::<f64>().ok();
                let close = match (ours.score(score), theirs) {
                    (Some(ours), Some(theirs)) => {
                        (ours - theirs).abs() <= 1e-6 * theirs.abs().max(1e-3)
                    }
                    (ours, theirs) => ours == theirs,
                };
                assert!(close, "{score}: {ours:?}, {theirs:?}");
            }
        }
    }
}
