//! `lane translate`, with the small model of the fixtures both ways.

use crate::support::Place;

const LINE: &str = "translate --data rows.csv --forward {marian} --back {marian} --max-tokens 24 \
                    --out back.tsv";

fn place() -> Place {
    let place = Place::new();
    place.write("rows.csv", "id,text\na,the cat sees the river.\nb,my sister likes music!\n");
    place
}

#[cfg(not(feature = "translate"))]
#[test]
fn build_without_models_says_how_to_get_one() {
    let place = place();
    let said = place.lane(LINE);
    assert_eq!((said.code, said.stdout.as_str()), (2, ""));
    assert!(
        said.stderr.contains("cargo build --release -p lane --features translate"),
        "{}",
        said.stderr
    );
    assert_eq!(place.names(), ["rows.csv"]);
}

#[cfg(feature = "translate")]
mod with_models {
    use super::*;

    /// The cache of a run that must not meet another's.
    fn run(place: &Place, line: &str) -> crate::support::Said {
        let cache = place.path("cache").display().to_string();
        place.lane_with(line, &[("LANE_CACHE", &cache)])
    }

    #[test]
    fn file_is_written_that_train_reads() {
        let place = place();
        let said = run(&place, LINE).succeeded();
        assert_eq!(said.stdout, "2 of 2 rows translated there and back: back.tsv\n");
        assert_eq!(place.read("back.tsv").lines().count(), 2);
        place.write(
            "train.csv",
            "id,text,label\na,the cat sees the river.,x\nb,my sister likes music!,y\n",
        );
        let train = "train --train train.csv --method base --epochs 1 --views 8 --wordnet built-in \
                     --back-translation back.tsv --out run";
        let said = run(&place, train).succeeded();
        assert!(!said.stderr.contains("keep their text"), "{}", said.stderr);
    }

    #[test]
    fn counts_are_in_the_json_and_what_keeps_its_text_is_said() {
        let place = place();
        let said = run(&place, &LINE.replace("24", "1 --json")).succeeded();
        let summary = said.json();
        assert_eq!((&summary["n_rows"], &summary["n_empty"]), (&2.into(), &2.into()));
        assert!(
            said.stderr.contains("2 of 2 rows keep their text (2 came back empty, 0 unchanged)")
        );
        assert_eq!(
            place.read("back.tsv"),
            "a\tthe cat sees the river.\nb\tmy sister likes music!\n"
        );
    }

    #[test]
    fn models_of_the_hub_come_from_its_cache() {
        let place = place();
        let model = place.path("hf/hub/models--org--small");
        let snapshot = model.join("snapshots/abc");
        std::fs::create_dir_all(&snapshot).unwrap();
        std::fs::create_dir(model.join("refs")).unwrap();
        std::fs::write(model.join("refs/main"), "abc").unwrap();
        let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/golden/marian");
        for entry in std::fs::read_dir(fixtures).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, snapshot.join(path.file_name().unwrap())).unwrap();
        }
        let home = place.path("hf").display().to_string();
        let offline = [("HF_HUB_OFFLINE", "1"), ("HF_HOME", &home), ("LANE_CACHE", &home)];
        let line = LINE.replace("{marian}", "hub:org/small");
        place.lane_with(&line, &offline).succeeded();
        let said =
            place.lane_with(&(line.replace("org/small", "org/other") + " --force"), &offline);
        assert!(said.stderr.contains("`org/other` from the hub"), "{}", said.stderr);
    }

    #[test]
    fn whatever_is_wrong_is_usage_and_leaves_nothing() {
        let place = place();
        for (from, to, answer) in [
            ("--back {marian}", "--back nowhere", "`nowhere` has no config.json"),
            ("rows.csv", "others.csv", "others.csv"),
            ("--out", "--beams 0 --out", "--beams"),
            ("24", "500", "is 500, expected 1 to 96"),
            ("--back {marian}", "--back {built-in}", "has no config.json"),
        ] {
            let said = run(&place, &LINE.replacen(from, to, 1));
            assert_eq!(said.code, 2, "{}", said.stderr);
            assert!(said.stdout.is_empty() && said.stderr.contains(answer), "{}", said.stderr);
            assert_eq!(place.names(), ["rows.csv"]);
        }
    }
}
