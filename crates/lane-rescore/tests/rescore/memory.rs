//! Limits of memory, threads and places to spill change no byte of the ranking.

use lane_rescore::{ByteSize, LEAST_MEMORY, Score, rescore};

use crate::support::{Place, scattered};

#[test]
fn the_ranking_is_the_same_to_the_byte_when_it_spills() {
    let place = Place::with(&scattered(150_000, 8));
    let bytes = |memory, threads, name: &str| {
        let mut request = place.request(Score::Alm);
        (request.memory, request.threads) = (memory, threads);
        request.out = place.path(name);
        let summary = rescore(&request).unwrap();
        assert_eq!(summary.n_rows, 150_000);
        (std::fs::read(&request.out).unwrap(), summary.spilled_bytes)
    };
    let (roomy, none_spilled) = bytes(ByteSize(1 << 30), Some(1), "roomy.csv");
    let (tight, spilled) = bytes(LEAST_MEMORY, None, "tight.csv");
    assert!(none_spilled == 0 && spilled > 10 << 20, "{none_spilled} and {spilled} bytes spilled");
    assert!(roomy == tight);
    let (two, _) = bytes(ByteSize(128 << 20), Some(2), "two.parquet");
    let (three, _) = bytes(ByteSize(512 << 20), Some(3), "three.parquet");
    assert!(two == three);
    let left = ["dynamics.parquet", "roomy.csv", "three.parquet", "tight.csv", "two.parquet"];
    assert_eq!(place.names(), left);
}

#[test]
fn a_folder_to_spill_into_is_left_as_it_was() {
    let place = Place::with(&scattered(100, 3));
    std::fs::create_dir(place.path("scratch")).unwrap();
    let mut request = place.request(Score::Loss);
    request.spill = Some(place.path("scratch"));
    rescore(&request).unwrap();
    assert_eq!(std::fs::read_dir(place.path("scratch")).unwrap().count(), 0);
    request.spill = Some(place.path("nowhere"));
    request.out = place.path("other.csv");
    assert!(rescore(&request).unwrap_err().to_string().starts_with("cannot spill beside"));
}
