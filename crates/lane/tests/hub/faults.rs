//! What a server can do wrong: never a crash, never half a file that counts as whole.

use crate::place::Place;
use crate::server::Manner;
use crate::tables::TEST;

/// Names in the cache of `org/reviews` that count as files: blobs without parts and locks, and links.
fn cached(place: &Place) -> (Vec<String>, Vec<String>) {
    let root = "hf/hub/datasets--org--reviews";
    let mut blobs = place.names(&format!("{root}/blobs"));
    blobs.retain(|name| !name.contains('.'));
    let snapshot = format!("{root}/snapshots/{}", crate::server::COMMIT);
    (blobs, place.names(&snapshot))
}

#[test]
fn a_transfer_that_breaks_is_taken_up_where_it_broke() {
    let place = Place::with_reviews(Manner::Breaks(1), Manner::Breaks(2));
    place.lane("data fetch reviews.toml").succeeded();
    assert_eq!(place.rows("data/reviews/test.csv"), ["\"so, so good\",good", "no,bad"]);
    let log = place.server.log();
    let resumed = log.iter().filter(|it| it.contains("test.csv") && it.ends_with('-'));
    let starts: Vec<&str> = resumed.map(|it| it.rsplit_once(' ').unwrap().1).collect();
    assert_eq!(starts, ["0-", "18-", "27-"], "{log:?}");
}

#[test]
fn a_transfer_that_keeps_breaking_is_an_error_and_goes_on_next_time() {
    let place = Place::with_reviews(Manner::Plain, Manner::Breaks(4));
    place.lane("data fetch reviews.toml").failed(&[
        "failed to fetch `test.csv` of `org/reviews` at `main` from http://127.0.0.1",
        "the transfer broke off",
        "hint: run the command once more",
    ]);
    let (blobs, links) = cached(&place);
    assert_eq!((blobs.len(), links), (1, vec!["data".to_owned()]));
    assert_eq!(place.names("data"), [""; 0]);
    place.lane("data fetch reviews.toml").succeeded();
    assert_eq!(place.rows("data/reviews/test.csv").len(), 2);
}

#[test]
fn a_file_that_ends_early_without_a_word_does_not_count() {
    let place = Place::with_reviews(Manner::Plain, Manner::EndsEarly);
    place.lane("data fetch reviews.toml").failed(&["18 bytes arrived, the server announced 36"]);
    let (blobs, links) = cached(&place);
    assert_eq!((blobs.len(), links), (1, vec!["data".to_owned()]));
}

#[test]
fn a_server_without_ranges_cannot_make_a_file_of_two_halves() {
    let place = Place::with_reviews(Manner::Plain, Manner::IgnoresRanges(1));
    place.lane("data fetch reviews.toml").succeeded();
    assert_eq!(place.rows("data/reviews/test.csv"), ["\"so, so good\",good", "no,bad"]);
}

#[test]
fn a_file_that_is_not_what_its_hash_announces_does_not_count() {
    let place = Place::with_reviews(Manner::Plain, Manner::Plain);
    let address = "/datasets/org/reviews/resolve/main/test.csv";
    place.server.serve_as(address, TEST, &"ab".repeat(32), Manner::MovedAway);
    place.lane("data fetch reviews.toml").failed(&["arrived with SHA-256", &"ab".repeat(32)]);
    assert_eq!(cached(&place).0.len(), 1);
}

#[test]
fn a_server_in_trouble_is_asked_again_and_then_believed() {
    let place = Place::with_reviews(Manner::Status(503, 1), Manner::Status(429, 2));
    place.lane("data fetch reviews.toml").succeeded();
    let place = Place::with_reviews(Manner::Status(500, 9), Manner::Plain);
    place.lane("data fetch reviews.toml").failed(&["the server answers with status 500"]);
    assert_eq!(place.server.log().len(), 3);
}

#[test]
fn what_is_not_there_is_404_and_is_not_asked_for_twice() {
    let place = Place::with_reviews(Manner::Status(404, 1), Manner::Plain);
    place.lane("data fetch reviews.toml").failed(&[
        "failed to fetch `data/train.parquet` of `org/reviews`",
        "no such file, revision or repository (404)",
    ]);
    assert_eq!(place.server.log().len(), 1);
}

#[test]
fn what_is_gated_names_the_token() {
    let place = Place::with_reviews(Manner::Gated("sesame"), Manner::Gated("sesame"));
    let words = [
        "refuses access (401); no token was sent, HF_TOKEN is not set",
        "hint: make an access token",
    ];
    place.lane("data fetch reviews.toml").failed(&words);
    let wrong = place.lane_with("data fetch reviews.toml", &[("HF_TOKEN", "abracadabra")]);
    let wrong = wrong.failed(&["refuses access (401); a token was sent", "hint: accept the terms"]);
    assert!(!wrong.stderr.contains("abracadabra"));
    place.lane_with("data fetch reviews.toml", &[("HF_TOKEN", "sesame")]).succeeded();
}

#[test]
fn a_server_that_is_not_there_is_told() {
    let place = Place::with_reviews(Manner::Plain, Manner::Plain);
    let nowhere = [("HF_ENDPOINT", "http://127.0.0.1:9/")];
    let said = place.lane_with("data fetch reviews.toml", &nowhere);
    said.failed(&[
        "from http://127.0.0.1:9: the server cannot be reached",
        "HF_ENDPOINT names a mirror",
    ]);
    let said = place.lane_with("data fetch reviews.toml", &[("HF_ENDPOINT", "no address")]);
    said.failed(&["from no address"]);
}
