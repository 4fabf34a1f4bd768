//! Decisions, one row after the other.

use serde_json::json;

use crate::folder::Folder;

#[test]
fn a_row_comes_with_everything_that_helps_to_decide() {
    let folder = Folder::new();
    let client = folder.serve("ann");
    let session = client.get("/api/session").json();
    assert_eq!(session["annotator"], "ann");
    assert_eq!(session["file"], "data.csv");
    assert_eq!(session["labels"], json!(["number", "person", "place"]));
    assert_eq!((&session["progress"]["n"], &session["next"]), (&json!(5), &json!(0)));
    let item = client.get("/api/items/2").json();
    for (key, value) in [
        ("place", json!(2)),
        ("row", json!(2)),
        ("id", json!("id2")),
        ("rank", json!(3)),
        ("kind", json!("conflict")),
        ("text", json!("how many, \"about\"")),
        ("label", json!("place")),
        ("suggested", json!("number")),
        ("p_label", json!(0.125)),
        ("p_suggested", json!(0.75)),
        ("reason", json!("The model expects another label.")),
        ("decided", json!(null)),
    ] {
        assert_eq!(item[key], value, "{key}");
    }
    let other = json!([{ "row": 3, "text": "how many, about", "label": "number" }]);
    let expected = json!({ "exact": false, "similarity": 0.9, "n_others": 1, "others": other });
    assert_eq!(item["duplicates_of"], expected);
    assert_eq!(client.get("/api/items/0").json()["duplicates_of"], json!(null));
}

#[test]
fn each_decision_leads_to_the_next_row_without_one() {
    let folder = Folder::new();
    let client = folder.serve("ann");
    let next = |row, what: &str| client.decide(row, what).json()["next"].clone();
    assert_eq!(next(0, "suggestion"), 1);
    assert_eq!(next(2, "other person"), 3);
    assert_eq!(next(4, "skip"), 1);
    assert_eq!(next(1, "keep"), 3);
    assert_eq!(next(3, "keep"), json!(null));
    // Row 5 is not shown: it can be decided, and counts for nothing here.
    let after = client.decide(5, "keep").json();
    assert_eq!(after["next"], json!(null));
    let progress = &after["progress"];
    let counts = ["n", "n_decided", "n_changed", "n_skipped"].map(|key| progress[key].clone());
    assert_eq!(counts, [json!(5), json!(4), json!(2), json!(1)]);
    assert_eq!(client.get("/api/skipped/0").json()["next"], 4);
    assert_eq!(client.get("/api/items/2").json()["decided"]["new_label"], "person");
}

#[test]
fn an_undo_leads_back_to_the_row_it_is_about() {
    let folder = Folder::new();
    let client = folder.serve("ann");
    client.decide(0, "keep").json();
    client.decide(1, "suggestion").json();
    let undone = client.post("/api/undo", "{}").json();
    assert_eq!(
        (&undone["place"], &undone["undone"]["decision"]),
        (&json!(1), &json!("suggestion"))
    );
    assert_eq!(undone["progress"]["n_decided"], 1);
    assert_eq!(client.get("/api/items/1").json()["decided"], json!(null));
    assert_eq!(client.get("/api/open/0").json()["next"], 1);
}

#[test]
fn each_annotator_has_a_queue_and_all_see_where_they_disagree() {
    let folder = Folder::new();
    let (ann, bob) = (folder.serve("ann"), folder.serve("bob"));
    ann.decide(0, "suggestion").json();
    ann.decide(1, "keep").json();
    assert_eq!(bob.get("/api/session").json()["next"], 0);
    bob.decide(0, "other person").json();
    let progress = bob.decide(1, "suggestion").json()["progress"].clone();
    let expected = json!({ "n_annotators": 2, "n_shared": 2, "n_agreeing": 1 });
    assert_eq!(progress["agreement"], expected);
    let rows = ann.get("/api/disagreements").json()["rows"].clone();
    assert_eq!(rows.as_array().unwrap().len(), 1);
    assert_eq!((&rows[0]["row"], &rows[0]["place"]), (&json!(1), &json!(1)));
    let wanted =
        |at: usize| (&rows[0]["opinions"][at]["annotator"], &rows[0]["opinions"][at]["new_label"]);
    assert_eq!(wanted(0), (&json!("ann"), &json!("person")));
    assert_eq!(wanted(1), (&json!("bob"), &json!("place")));
    // What one takes back is not undone for the other.
    bob.post("/api/undo", "{}").json();
    assert_eq!(ann.get("/api/disagreements").json()["rows"], json!([]));
    assert_eq!(ann.get("/api/session").json()["progress"]["n_decided"], 2);
}
