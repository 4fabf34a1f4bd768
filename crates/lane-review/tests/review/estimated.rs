//! How right the flags are, by decisions on rows drawn at random.

use lane_review::{ApplyRequest, Review, apply};
use serde_json::json;

use crate::folder::{Folder, KINDS};

#[test]
fn the_rows_drawn_come_first_in_their_own_order_and_are_kept() {
    let folder = Folder::new();
    let open = || {
        let review = Review::open(&folder.audit(), &KINDS).unwrap();
        review.beginning_with_sample(&folder.audit()).unwrap()
    };
    let review = open();
    // Of six rows all are drawn, the fine one too.
    assert_eq!((review.n_sampled(), review.n_shown()), (6, 6));
    let rows = |it: &Review| (0..6).map(|place| it.at(place).unwrap().row).collect::<Vec<_>>();
    let mut sorted = rows(&review);
    sorted.sort_unstable();
    assert_eq!(sorted, [0, 1, 2, 3, 4, 5]);
    assert!(rows(&review).iter().enumerate().all(|(at, row)| review.place_of(*row) == Some(at)));
    assert!(folder.audit().join("sample.json").exists());
    assert_eq!(rows(&open()), rows(&review));
}

#[test]
fn the_page_and_the_summary_say_how_right_the_flags_are() {
    let folder = Folder::new();
    let client = folder.serve_with_sample("ann");
    assert_eq!(client.get("/api/session").json()["progress"]["estimate"], json!(null));
    // Rows 0 and 1 are flagged. Both are seen, so nothing is left to chance.
    client.decide(0, "suggestion").json();
    client.decide(1, "keep").json();
    client.decide(4, "skip").json();
    let text = "of 2 flagged rows looked at, 1 wrong: precision 0.50 (0.50 to 0.50)";
    assert_eq!(client.decide(3, "skip").json()["progress"]["estimate"], text);
    let found = client.decide(2, "other person").json()["progress"]["estimate"].clone();
    assert!(found.as_str().unwrap().contains("; of 1 others, 1 wrong: recall 0.20 ("), "{found}");
    let request = ApplyRequest {
        folder: folder.audit(),
        data: None,
        min_agreement: 1.0,
        min_annotators: 1,
        accept_flagged: false,
        force: false,
        dry_run: true,
    };
    let estimate = apply(&request).unwrap().estimate.unwrap();
    assert_eq!(estimate.sentence(), found.as_str().unwrap());
    assert_eq!((estimate.unflagged.n_looked, estimate.unflagged.n_rows), (1, 4));
}

#[test]
fn without_a_sample_nothing_is_estimated() {
    let folder = Folder::new();
    let client = folder.serve("ann");
    let after = client.decide(0, "suggestion").json();
    assert_eq!(after["progress"]["estimate"], json!(null));
    assert!(!folder.audit().join("sample.json").exists());
}
