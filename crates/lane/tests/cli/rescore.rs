//! `lane rescore`, on the log of a run.

use crate::support::Place;

const LINE: &str = "rescore --dynamics run --score aum --out ranking.csv";

#[cfg(not(feature = "datafusion"))]
#[test]
fn build_without_an_engine_says_how_to_get_one() {
    let place = Place::new();
    let said = place.lane(LINE);
    assert_eq!((said.code, said.stdout.as_str()), (2, ""));
    let hint = "this build of lane has no DataFusion\n\nhint: cargo build --release -p lane --features datafusion";
    assert!(said.stderr.contains(hint), "{}", said.stderr);
    assert!(place.names().is_empty());
}

#[test]
fn settings_that_cannot_be_are_refused_by_name() {
    let place = Place::new();
    for (more, answer) in [
        ("--epochs 5..2", "epochs is `5..2`, expected FROM..TO"),
        ("--memory 1gib", "memory is `1gib`, expected a whole number"),
        ("--threads 0", "--threads"),
    ] {
        let said = place.lane(&format!("{LINE} {more}"));
        assert_eq!(said.code, 2);
        assert!(said.stderr.contains(answer), "{}", said.stderr);
    }
    let said = place.lane(&LINE.replace("aum", "auc"));
    assert!(said.code == 2 && said.stderr.contains("possible values: aum, alm"), "{}", said.stderr);
}

#[cfg(feature = "datafusion")]
mod with_an_engine {
    use super::*;

    /// A run of two epochs without an auxiliary network.
    fn place() -> Place {
        let place = Place::new().with_noise();
        place.lane("train --train noisy.csv --method base --epochs 2 --out run").succeeded();
        place
    }

    fn fields<'a>(text: &'a str, names: &[&str]) -> Vec<Vec<&'a str>> {
        let header: Vec<_> = text.lines().next().unwrap().split(',').collect();
        let at = |name: &&str| header.iter().position(|it| it == name).unwrap();
        let places: Vec<_> = names.iter().map(at).collect();
        let line = |line: &'a str| {
            let fields: Vec<_> = line.split(',').collect();
            places.iter().map(|place| fields[*place]).collect()
        };
        text.lines().skip(1).map(line).collect()
    }

    #[test]
    fn the_scores_of_a_run_are_those_of_its_data_map() {
        let place = place();
        let said = place.lane(LINE).succeeded();
        assert_eq!(said.stdout, "80 rows by aum, of 160 looks in epochs 1..2: ranking.csv\n");
        let (map, ranking) = (place.read("run/data_map.csv"), place.read("ranking.csv"));
        let shared = ["row", "confidence", "variability", "correctness", "aum"];
        let forgetting = |name| [&shared[..], &[name]].concat();
        let ours = fields(&ranking, &forgetting("forgetting"));
        let theirs = fields(&map, &forgetting("forgetfulness"));
        let number = |text: &str| text.parse::<f64>().unwrap();
        for line in &ours {
            let other = theirs.iter().find(|it| it[0] == line[0]).unwrap();
            for (ours, theirs) in line.iter().zip(other) {
                assert_eq!(number(ours).to_bits(), number(theirs).to_bits(), "{line:?} {other:?}");
            }
        }
        assert!(ours.windows(2).all(|pair| number(pair[0][4]) <= number(pair[1][4])));
    }

    #[test]
    fn the_summary_is_json_and_a_ranking_is_replaced_only_with_force() {
        let place = place();
        let line = "rescore --dynamics run --score loss --epochs 2.. --memory 64MiB --out r.parquet --json";
        let summary = place.lane(line).succeeded().json();
        assert_eq!((&summary["n_rows"], &summary["n_looks"]), (&80.into(), &80.into()));
        assert_eq!((&summary["score"], &summary["epochs"]), (&"loss".into(), &"2..".into()));
        let said = place.lane(line);
        assert_eq!(said.code, 2);
        assert!(said.stderr.contains("r.parquet exists\n\nhint: `--force`"), "{}", said.stderr);
        place.lane(&format!("{line} --force")).succeeded();
    }
}
