//! Sets that come down well.

use crate::place::Place;
use crate::server::{COMMIT, Manner};
use crate::tables::{lists, parquet, strings};

#[test]
fn parquet_and_csv_become_three_files_and_a_record() {
    let place = Place::with_reviews(Manner::Plain, Manner::Plain);
    let said = place.lane("data fetch reviews.toml").succeeded();
    assert!(
        said.stdout.contains("reviews  fetched  4      2           2     data/reviews"),
        "{}",
        said.stdout
    );
    assert_eq!(said.stderr, "");
    assert_eq!(place.names("data"), ["reviews"]);
    let files = ["source.json", "test.csv", "train.csv", "validation.csv"];
    assert_eq!(place.names("data/reviews"), files);
    assert_eq!(place.rows("data/reviews/test.csv"), ["\"so, so good\",good", "no,bad"]);
    let [train, validation] =
        ["train", "validation"].map(|it| place.rows(&format!("data/reviews/{it}.csv")));
    assert_eq!((train.len(), validation.len()), (4, 2));
    let mut all = [train, validation].concat();
    all.sort();
    assert_eq!(all, ["a,bad", "b,good", "c,bad", "d,good", "e,bad", "f,good"]);

    let record = place.json("data/reviews/source.json");
    assert_eq!(record["repository"], "org/reviews");
    assert_eq!(record["split"]["validation"], 2);
    assert_eq!(record["rows"]["read"]["train"]["rows"], 6);
    assert_eq!(record["rows"]["written"]["test"]["labels"]["good"], 1);
    let file = &record["files"][1];
    assert_eq!((&file["path"], &file["commit"]), (&"test.csv".into(), &COMMIT.into()));
    assert_eq!(file["checked_against"], "nothing");
    assert_eq!(file["sha256"].as_str().unwrap().len(), 64);
    assert!(record["prepared_at"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn prepared_files_train_a_classifier() {
    let place = Place::with_reviews(Manner::Plain, Manner::Plain);
    place.lane("data fetch reviews.toml").succeeded();
    let line = "train --train data/reviews/train.csv --validation data/reviews/validation.csv \
                --test data/reviews/test.csv --epochs 1 --device flex --out run --quiet";
    place.lane(line).succeeded();
}

#[test]
fn redirects_are_followed_within_the_server_and_away_from_it() {
    let place = Place::with_reviews(Manner::MovedAway, Manner::MovedHere);
    place.lane("data fetch reviews.toml").succeeded();
    assert_eq!(place.rows("data/reviews/test.csv").len(), 2);
    let log = place.server.log();
    assert!(log.iter().any(|it| it.starts_with("/cdn/datasets/org/reviews/")), "{log:?}");
    assert!(log.iter().any(|it| it.starts_with("/moved/datasets/org/reviews/")), "{log:?}");
    assert_eq!(place.json("data/reviews/source.json")["files"][0]["commit"], COMMIT);
}

#[test]
fn goemotions_keeps_rows_with_one_label_other_than_neutral() {
    let place = Place::new();
    let bytes = parquet(vec![
        ("text", strings(&["fine ", "both", "so so", "wow"])),
        ("labels", lists(&[&[0], &[0, 3], &[27], &[26]])),
        ("id", strings(&["a", "b", "c", "d"])),
    ]);
    for part in ["train", "validation", "test"] {
        let address = format!(
            "/datasets/google-research-datasets/go_emotions/resolve/\
             add492243ff905527e67aeb8b80c082af02207c3/simplified/{part}-00000-of-00001.parquet"
        );
        place.server.serve_at(&address, &bytes, Manner::Plain);
    }
    let said = place.lane("data fetch goemotions --out sets").succeeded();
    assert_eq!(place.rows("sets/goemotions/train.csv"), ["fine,admiration", "wow,surprise"]);
    let read = &place.json("sets/goemotions/source.json")["rows"]["read"]["test"];
    assert_eq!(read["dropped"]["several_labels"], 1);
    assert_eq!(read["dropped"]["left_out"], 1);
    let warning = "goemotions: train has 4 rows at the source, the official number is 43410";
    assert!(said.stderr.contains(warning), "{}", said.stderr);
}

#[test]
fn several_names_are_all_tried_and_a_table_says_what_became_of_each() {
    let place = Place::with_reviews(Manner::Plain, Manner::Plain);
    let said = place.lane("data fetch cancer_emo rcv1 reviews.toml sst5").failed(&[
        "cancer_emo: cannot be downloaded: it is with its authors",
        "tsosea2@uic.edu",
        "reuters-request@nist.gov",
        "sst5: failed to fetch `train.jsonl` of `SetFit/sst5`",
        "error: 3 of 4 data sets could not be had",
    ]);
    for line in [
        "cancer_emo  on request",
        "rcv1        on request",
        "reviews     fetched",
        "sst5        failed",
    ] {
        assert!(said.stdout.contains(line), "{line}: {}", said.stdout);
    }
    assert_eq!(place.names("data"), ["reviews"]);
    let said = place.lane("data fetch scihtc reviews.toml --json");
    let json: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!((&json[0]["status"], &json[1]["status"]), (&"on-request".into(), &"kept".into()));
    assert_eq!(json[1]["rows"], serde_json::json!([4, 2, 2]));
}

#[test]
fn a_name_that_means_nothing_is_wrong_usage_before_anything_is_asked() {
    let place = Place::with_reviews(Manner::Plain, Manner::Plain);
    let said = place.lane("data fetch reviews.toml sst6");
    assert_eq!(said.code, 2);
    assert!(said.stderr.contains("unknown data set `sst6`, expected one of: empathetic_dialogues"));
    place.write("broken.toml", "title = 3");
    assert_eq!(place.lane("data fetch broken.toml").code, 2);
    assert_eq!(place.lane("data fetch absent.toml").code, 2);
    assert_eq!(place.server.log(), [""; 0]);
}

#[test]
fn a_column_that_is_not_there_is_named_and_nothing_is_left_behind() {
    let place = Place::with_reviews(Manner::Plain, Manner::Plain);
    place.server.serve("org/reviews", "test.csv", b"stars,text\n1,x\n", Manner::Plain);
    place
        .lane("data fetch reviews.toml")
        .failed(&["no column `label`; the columns are `stars`, `text`"]);
    assert_eq!(place.names("data"), [""; 0]);
}

#[test]
fn an_encoder_of_the_hub_comes_the_same_way() {
    let place = Place::new();
    place.write("t.csv", "text,label\na,x\nb,y\nc,x\n");
    let line = "noise --data t.csv --kind instance --rate 0.3 --encoder hub:org/model --out n.csv";
    place.lane(line).failed(&["failed to fetch `config.json` of `org/model` at `main`", "(404)"]);
    place.server.serve_at("/org/model/resolve/main/config.json", b"{}", Manner::Gated("open"));
    place.lane(line).failed(&["refuses access (401)", "HF_TOKEN is not set"]);
    place.lane_with(line, &[("HF_TOKEN", "open")]).failed(&["`model.safetensors`", "(404)"]);
}
