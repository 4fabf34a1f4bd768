//! A head on a frozen encoder, with embeddings kept on disk.

use crate::support::Place;

#[test]
fn a_frozen_run_keeps_its_embeddings_and_its_model_scores_as_the_run_did() {
    let Ok(encoder) = std::env::var("LANE_ENCODER") else {
        println!("skipped: LANE_ENCODER names no encoder");
        return;
    };
    let place = Place::new().with_noise();
    place
        .lane("noise --data {built-in}/test.csv --max-rows 60 --rate 0 --out test.csv")
        .succeeded();
    let line = format!(
        "train --train noisy.csv --test test.csv --encoder {encoder} --freeze-encoder --epochs 10 --json"
    );
    let first = place.lane(&format!("{line} --out first")).succeeded().json();
    let kept = || std::fs::read_dir(place.path("cache")).unwrap().count();
    assert_eq!(kept(), 2);
    let second = place.lane(&format!("{line} --out second")).succeeded().json();
    assert_eq!((kept(), &first), (2, &second));
    assert!(first["accuracy"].as_f64().unwrap() > 0.15, "{first}");
    let scores = place.lane("evaluate --model first --data test.csv --json").succeeded().json();
    assert_eq!((&scores["n_rows"], &scores["accuracy"]), (&60.into(), &first["accuracy"]));
}
