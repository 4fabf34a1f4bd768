//! The corrected file and the list of changes.

use std::fs;

use lane_review::{ApplyRequest, ApplySummary, ReviewError, apply};

use crate::folder::Folder;

fn request(folder: &Folder) -> ApplyRequest {
    ApplyRequest {
        folder: folder.audit(),
        data: None,
        min_agreement: 1.0,
        min_annotators: 1,
        accept_flagged: false,
        force: false,
        dry_run: false,
    }
}

fn labels(folder: &Folder) -> Vec<String> {
    let mut csv = csv::Reader::from_path(folder.path("data.corrected.csv")).unwrap();
    csv.records().map(|it| it.unwrap()[1].to_owned()).collect()
}

fn counts(it: &ApplySummary) -> [usize; 6] {
    [it.n_decided, it.n_kept, it.n_changed, it.n_accepted, it.n_too_few, it.n_disagreements]
}

#[test]
fn only_what_was_decided_is_changed_and_the_source_never() {
    let folder = Folder::new();
    let before = fs::read(folder.path("data.csv")).unwrap();
    let client = folder.serve("ann");
    for (row, what) in [(0, "suggestion"), (1, "keep"), (2, "other person"), (3, "skip")] {
        client.decide(row, what).json();
    }
    let summary = apply(&request(&folder)).unwrap();
    assert_eq!(counts(&summary), [3, 1, 2, 0, 0, 0]);
    assert_eq!(labels(&folder), ["person", "person", "person", "number", "person", "number"]);
    assert_eq!(fs::read(folder.path("data.csv")).unwrap(), before);
    let text = fs::read_to_string(folder.path("data.changes.csv")).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("row,id,text,label,new_label,annotator,decided_at,reason"));
    let first = lines.next().unwrap();
    assert!(first.starts_with("0,id0,who wrote it,place,person,ann,20"), "{first}");
    assert!(first.ends_with("Z,The model expects another label."), "{first}");
    assert!(
        lines.next().unwrap().starts_with("2,id2,\"how many, \"\"about\"\"\",place,person,ann,")
    );
    assert_eq!(lines.next(), None);
}

#[test]
fn existing_files_are_kept_unless_forced_and_a_dry_run_leaves_none() {
    let folder = Folder::new();
    folder.serve("ann").decide(0, "suggestion").json();
    let names = || {
        let names = fs::read_dir(folder.folder.path()).unwrap();
        let mut names: Vec<_> = names.map(|it| it.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    let dry = apply(&ApplyRequest { dry_run: true, ..request(&folder) }).unwrap();
    assert_eq!((counts(&dry), dry.dry_run, names()), ([1, 0, 1, 0, 0, 0], true, before));
    fs::write(folder.path("data.changes.csv"), "mine").unwrap();
    let message = apply(&request(&folder)).unwrap_err().to_string();
    assert!(message.ends_with("data.changes.csv exists already"), "{message}");
    assert!(!folder.path("data.corrected.csv").exists());
    apply(&ApplyRequest { force: true, ..request(&folder) }).unwrap();
    let message = apply(&request(&folder)).unwrap_err().to_string();
    assert!(message.ends_with("data.corrected.csv exists already"), "{message}");
}

#[test]
fn a_file_that_changed_is_refused_and_a_copy_elsewhere_will_do() {
    let folder = Folder::new();
    folder.serve("ann").decide(0, "suggestion").json();
    fs::create_dir(folder.path("copy")).unwrap();
    fs::copy(folder.path("data.csv"), folder.path("copy/same.csv")).unwrap();
    fs::write(folder.path("data.csv"), "text,label\nx,a\ny,b\n").unwrap();
    let error = apply(&request(&folder)).unwrap_err();
    assert!(matches!(error, ReviewError::SourceChanged { .. }) && error.is_usage(), "{error}");
    let data = Some(folder.path("copy/same.csv"));
    let summary = apply(&ApplyRequest { data, ..request(&folder) }).unwrap();
    assert_eq!(summary.corrected, folder.path("copy/same.corrected.csv"));
    assert!(summary.corrected.exists() && folder.path("copy/same.changes.csv").exists());
}

#[test]
fn disagreements_are_left_as_they_are_and_listed_unless_a_majority_may_decide() {
    let folder = Folder::new();
    let people = ["ann", "bob", "cyn"].map(|name| folder.serve(name));
    for (client, what) in people.iter().zip(["suggestion", "other person", "keep"]) {
        client.decide(0, what).json();
    }
    people[0].decide(1, "suggestion").json();
    let dry = |min_agreement, min_annotators| {
        let request = request(&folder);
        apply(&ApplyRequest { min_agreement, min_annotators, dry_run: true, ..request }).unwrap()
    };
    let all = dry(1.0, 1);
    assert_eq!(counts(&all), [2, 0, 1, 0, 0, 1]);
    assert_eq!(
        (all.disagreements[0].row, all.disagreements[0].wanted["cyn"].as_str()),
        (0, "place")
    );
    assert_eq!(counts(&dry(0.66, 1)), [2, 0, 2, 0, 0, 0]);
    assert_eq!(counts(&dry(0.66, 2)), [2, 0, 1, 0, 1, 0]);
    apply(&ApplyRequest { min_agreement: 0.66, ..request(&folder) }).unwrap();
    let text = fs::read_to_string(folder.path("data.changes.csv")).unwrap();
    assert!(text.lines().nth(1).unwrap().contains(",place,person,ann; bob,20"), "{text}");
}

#[test]
fn suggestions_nobody_confirmed_are_taken_only_when_asked_and_never_against_a_person() {
    let folder = Folder::new();
    let error = apply(&request(&folder)).unwrap_err();
    assert!(matches!(error, ReviewError::NoDecisions { .. }), "{error}");
    let accept = ApplyRequest { accept_flagged: true, ..request(&folder) };
    let dry = ApplyRequest { dry_run: true, ..accept.clone() };
    // Both flagged rows; not the one in conflict, which is not flagged.
    assert_eq!(counts(&apply(&dry).unwrap()), [0, 0, 2, 2, 0, 0]);
    folder.serve("ann").decide(0, "skip").json();
    assert_eq!(counts(&apply(&accept).unwrap()), [0, 0, 1, 1, 0, 0]);
    assert_eq!(labels(&folder)[..2], ["place", "place"]);
    let text = fs::read_to_string(folder.path("data.changes.csv")).unwrap();
    assert!(text.contains(",person,place,--accept-flagged,,"), "{text}");
}
