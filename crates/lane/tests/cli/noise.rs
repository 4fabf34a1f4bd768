//! `lane noise`.

use std::fmt::Write;

use crate::support::Place;

fn flags(csv: &str) -> Vec<&str> {
    csv.lines().skip(1).map(|line| line.rsplit_once(',').unwrap().1).collect()
}

#[test]
fn uniform_noise_changes_exactly_that_share_of_the_labels_rounded_down() {
    let place = Place::new();
    for (rate, n_flipped) in [("0.2", 16), ("0.33", 26), ("0", 0), ("0.999", 79)] {
        let line = format!(
            "noise --data {{built-in}}/train.csv --max-rows 80 --rate {rate} --seed 4 --out n.csv --force"
        );
        place.lane(&line).succeeded();
        let csv = place.read("n.csv");
        assert!(csv.starts_with("id,text,label,gold,flipped\n"));
        let flags = flags(&csv);
        assert_eq!(
            (flags.len(), flags.iter().filter(|it| **it == "1").count()),
            (80, n_flipped),
            "{rate}"
        );
        for line in csv.lines().skip(1) {
            let mut fields = line.rsplit(',');
            let (flipped, gold, label) = (fields.next(), fields.next(), fields.next());
            assert_eq!(flipped == Some("1"), gold != label, "{line}");
        }
        let record: serde_json::Value = serde_json::from_str(&place.read("n.noise.json")).unwrap();
        assert_eq!((&record["kind"], &record["seed"]), (&"uniform".into(), &4.into()));
        assert_eq!((&record["n_rows"], &record["n_flipped"]), (&80.into(), &n_flipped.into()));
        assert_eq!(record["source_sha256"].as_str().unwrap().len(), 64);
    }
}

#[test]
fn the_same_seed_gives_the_same_file_and_another_seed_another() {
    let place = Place::new();
    for (name, seed) in [("a", 1), ("b", 1), ("c", 2)] {
        let line = format!(
            "noise --data {{built-in}}/validation.csv --rate 0.3 --seed {seed} --out {name}.csv"
        );
        place.lane(&line).succeeded();
    }
    assert_eq!(place.read("a.csv"), place.read("b.csv"));
    assert_ne!(place.read("a.csv"), place.read("c.csv"));
}

#[test]
fn an_existing_file_is_kept_unless_forced() {
    let place = Place::new().with_noise();
    let before = place.read("noisy.csv");
    let line = "noise --data {built-in}/train.csv --max-rows 80 --rate 0.4 --out noisy.csv";
    let said = place.lane(line);
    assert_eq!(said.code, 2);
    assert!(
        said.stdout.is_empty() && said.stderr.contains("noisy.csv exists already"),
        "{}",
        said.stderr
    );
    assert_eq!(place.read("noisy.csv"), before);
    place.lane(&format!("{line} --force")).succeeded();
    assert_ne!(place.read("noisy.csv"), before);
}

#[test]
fn what_cannot_be_done_is_refused_and_nothing_is_written() {
    let place = Place::new();
    for (rest, answer) in [
        ("--rate 2", "noise rate is 2, expected a fraction in 0.0..=1.0"),
        ("--rate 0.2 --kind unifrom", "unknown noise kind `unifrom`, expected one of: uniform,"),
        ("--rate 0.2 --kind instance", "expected a pretrained encoder"),
        ("--rate 0.2 --kind class-conditional", "`--similarity` is absent"),
        ("--rate 0.2 --kind class-conditional --similarity no.csv", "no.csv"),
        (
            "--rate 0.2 --device gpu",
            "device `gpu` is not known, expected one of flex, tch, wgpu, cuda",
        ),
    ] {
        let said =
            place.lane(&format!("noise --data {{built-in}}/validation.csv --out n.csv {rest}"));
        assert_eq!(said.code, 2, "{rest}: {}", said.stderr);
        assert!(said.stdout.is_empty() && said.stderr.contains(answer), "{rest}: {}", said.stderr);
        assert_eq!(place.names(), [""; 0], "{rest}");
    }
}

#[test]
fn class_conditional_noise_follows_the_similarities() {
    let place = Place::new();
    let mut rows = String::from("text,label\n");
    for row in 0..60 {
        writeln!(rows, "row number {row},{}", ["a", "b", "c"][row % 3]).unwrap();
    }
    place.write("rows.csv", &rows);
    // A class turns only into the one it resembles: a and b trade places, c becomes a.
    place.write("classes.csv", "a,b,c\n1,1,0\n1,1,0\n1,0,1\n");
    let line = "noise --data rows.csv --kind class-conditional --similarity classes.csv --rate 0.5 --out n.csv --json";
    let summary = place.lane(line).succeeded().json();
    assert!(summary["n_flipped"].as_u64().unwrap() > 10, "{summary}");
    for line in place.read("n.csv").lines().skip(1).filter(|line| line.ends_with(",1")) {
        assert!(["b,a,1", "a,b,1", "a,c,1"].iter().any(|end| line.ends_with(end)), "{line}");
    }
}
