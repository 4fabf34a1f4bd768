//! The cache, offline mode, folders that are there already, files that changed.

use crate::place::Place;
use crate::server::{COMMIT, Manner};
use crate::tables::{REVIEWS, TEST};

const OFFLINE: &[(&str, &str)] = &[("HF_HUB_OFFLINE", "1")];

#[test]
fn a_second_fetch_needs_no_server() {
    let place = Place::with_reviews(Manner::Plain, Manner::Plain);
    place.lane("data fetch reviews.toml").succeeded();
    let asked = place.server.log().len();
    place.lane("data fetch reviews.toml --out again").succeeded();
    assert_eq!(place.server.log().len(), asked);
    place.lane_with("data fetch reviews.toml --out offline", OFFLINE).succeeded();
    assert_eq!(place.server.log().len(), asked);
    for file in ["train.csv", "validation.csv", "test.csv"] {
        let first = place.read(&format!("data/reviews/{file}"));
        assert_eq!(place.read(&format!("again/reviews/{file}")), first);
        assert_eq!(place.read(&format!("offline/reviews/{file}")), first);
    }
}

#[test]
fn offline_without_the_file_is_an_error_and_no_server_is_asked() {
    let place = Place::with_reviews(Manner::Plain, Manner::Plain);
    for value in ["1", "TRUE", "on"] {
        let said = place.lane_with("data fetch reviews.toml", &[("HF_HUB_OFFLINE", value)]);
        said.failed(&["`data/train.parquet`", "not in the cache", "HF_HUB_OFFLINE is set"]);
    }
    assert_eq!(place.server.log(), [""; 0]);
    place.lane_with("data fetch reviews.toml", &[("HF_HUB_OFFLINE", "0")]).succeeded();
}

#[test]
fn a_cache_that_is_named_by_itself_is_used_and_the_token_stays_where_it_is() {
    let place = Place::with_reviews(Manner::Gated("sesame"), Manner::Plain);
    std::fs::create_dir(place.path("hf")).unwrap();
    place.write("hf/token", "sesame");
    let elsewhere = place.path("elsewhere").display().to_string();
    place.lane_with("data fetch reviews.toml", &[("HF_HUB_CACHE", &elsewhere)]).succeeded();
    assert_eq!(place.names("elsewhere"), ["datasets--org--reviews"]);
    assert_eq!(place.names("hf/hub"), [""; 0]);
    let asked = place.server.log().len();
    let again = [("HF_HUB_CACHE", elsewhere.as_str()), OFFLINE[0]];
    place.lane_with("data fetch reviews.toml --out again", &again).succeeded();
    assert_eq!(place.server.log().len(), asked);
}

#[test]
fn a_commit_that_the_python_library_cached_is_found() {
    let place = Place::new();
    let at_commit = format!("repository = \"org/reviews\"\nrevision = \"{COMMIT}\"");
    place.write("reviews.toml", &REVIEWS.replace("repository = \"org/reviews\"", &at_commit));
    let snapshot = place.path(&format!("hf/hub/datasets--org--reviews/snapshots/{COMMIT}"));
    std::fs::create_dir_all(snapshot.join("data")).unwrap();
    std::fs::write(snapshot.join("data/train.parquet"), crate::tables::train()).unwrap();
    std::fs::write(snapshot.join("test.csv"), TEST).unwrap();
    place.lane_with("data fetch reviews.toml", OFFLINE).succeeded();
    assert_eq!(place.json("data/reviews/source.json")["files"][0]["commit"], COMMIT);
}

#[test]
fn a_finished_folder_is_kept_unless_forced() {
    let place = Place::with_reviews(Manner::Plain, Manner::Plain);
    place.lane("data fetch reviews.toml").succeeded();
    let record = place.read("data/reviews/source.json");
    place.write("data/reviews/note.txt", "mine");
    let said = place.lane("data fetch reviews.toml").succeeded();
    assert!(said.stdout.contains("reviews  was there  4"), "{}", said.stdout);
    assert_eq!(place.read("data/reviews/source.json"), record);

    place.write("reviews.toml", &REVIEWS.replace("seed = 1", "seed = 2"));
    place.lane("data fetch reviews.toml").failed(&["was prepared by another manifest", "--force"]);
    assert_eq!(place.read("data/reviews/note.txt"), "mine");

    place.lane("data fetch reviews.toml --force").succeeded();
    assert_eq!(place.json("data/reviews/source.json")["split"]["seed"], 2);
    assert_eq!(place.names("data"), ["reviews"]);
    assert!(!place.path("data/reviews/note.txt").exists());
}

#[test]
fn a_folder_of_other_files_is_never_replaced() {
    let place = Place::with_reviews(Manner::Plain, Manner::Plain);
    std::fs::create_dir_all(place.path("data/reviews")).unwrap();
    place.write("data/reviews/train.csv", "text,label\n");
    for line in ["data fetch reviews.toml", "data fetch reviews.toml --force"] {
        place.lane(line).failed(&["`data/reviews` holds files that are no prepared set"]);
    }
    assert_eq!(place.names("data/reviews"), ["train.csv"]);
    assert_eq!(place.server.log(), [""; 0]);
}

#[test]
fn the_first_fetch_records_hashes_and_the_next_one_checks_them() {
    let place = Place::with_reviews(Manner::Plain, Manner::Plain);
    place.lane("data fetch reviews.toml").succeeded();
    place.lane("data fetch reviews.toml --force").succeeded();
    let record = place.json("data/reviews/source.json");
    assert_eq!(record["files"][1]["checked_against"], "earlier-fetch");

    std::fs::remove_dir_all(place.path("hf")).unwrap();
    place.server.serve("org/reviews", "test.csv", b"label,text\n1,other\n", Manner::Plain);
    place.lane("data fetch reviews.toml --force").failed(&[
        "`test.csv` of `org/reviews` has changed: SHA-256",
        "from the first fetch",
        "hint: if the change is meant, remove the folder",
    ]);
    assert_eq!(place.json("data/reviews/source.json"), record);
    assert_eq!(place.rows("data/reviews/test.csv").len(), 2);
}

#[test]
fn a_file_other_than_the_manifest_says_is_refused() {
    let place = Place::new();
    let commit = "e51bdcd8cd3a30da231967c1a249ba59361279a3";
    let address = format!("/datasets/SetFit/sst5/resolve/{commit}/train.jsonl");
    let row = br#"{"text":"x","label":0,"label_text":"negative"}"#;
    place.server.serve_at(&address, row, Manner::Plain);
    place.lane("data fetch sst5").failed(&[
        "`train.jsonl` of `SetFit/sst5` has changed",
        "expected 46bde4fb5abc93ffbadfa9a9f67de17c08a2f535cfb5756c59188d070434f433 by the manifest",
    ]);
    assert_eq!(place.names("data"), [""; 0]);
}
