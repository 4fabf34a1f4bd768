//! Decisions on disk.

use tempfile::TempDir;

use super::*;

fn data(sha256: &str) -> DataFile {
    DataFile { sha256: sha256.into(), ..DataFile::default() }
}

fn store(folder: &TempDir) -> Store {
    Store::open(folder.path(), &data("abc")).unwrap()
}

fn decide(store: &mut Store, row: u32, annotator: &str, new_label: Option<&str>) {
    let decision = if new_label.is_some() { Decision::Other } else { Decision::Skip };
    store.record(Entry { row, label: "x", decision, new_label, annotator }).unwrap();
}

#[track_caller]
fn check(store: &Store, expected: &[&str]) {
    let shown = |it: &Standing| {
        format!("{} {} {}", it.row, it.annotator, it.new_label.as_deref().unwrap_or("-"))
    };
    let found: Vec<String> = store.standing().unwrap().iter().map(shown).collect();
    assert_eq!(found, expected);
}

#[test]
fn the_newest_decision_of_each_annotator_counts() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = store(&folder);
    decide(&mut store, 1, "ann", Some("a"));
    decide(&mut store, 0, "bob", Some("b"));
    decide(&mut store, 1, "bob", None);
    decide(&mut store, 1, "ann", Some("c"));
    check(&store, &["0 bob b", "1 bob -", "1 ann c"]);
}

#[test]
fn an_undo_brings_back_what_was_before_and_touches_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = store(&folder);
    decide(&mut store, 1, "ann", Some("a"));
    decide(&mut store, 1, "ann", Some("b"));
    decide(&mut store, 2, "bob", Some("c"));
    let undone = store.undo("ann").unwrap().unwrap();
    assert_eq!((undone.row, undone.new_label.as_deref()), (1, Some("b")));
    check(&store, &["1 ann a", "2 bob c"]);
    assert!(store.undo("ann").unwrap().is_some());
    assert_eq!(store.undo("ann").unwrap(), None);
    check(&store, &["2 bob c"]);
    decide(&mut store, 1, "ann", Some("d"));
    check(&store, &["1 ann d", "2 bob c"]);
}

#[test]
fn entries_are_only_added() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = store(&folder);
    decide(&mut store, 1, "ann", Some("a"));
    store.undo("ann").unwrap();
    let count = |filter: &str| {
        let select = format!("SELECT count(*) FROM decisions WHERE {filter}");
        store.connection.query_row(&select, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!((count("true"), count("undone = 1")), (2, 1));
    for change in ["UPDATE decisions SET new_label = 'z'", "DELETE FROM decisions"] {
        let error = store.connection.execute(change, []).unwrap_err().to_string();
        assert!(error.contains("decisions are only added"), "{error}");
    }
}

#[test]
fn decisions_are_found_again_and_carry_a_time() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Store::open_existing(folder.path(), &data("abc")).unwrap().is_none());
    decide(&mut store(&folder), 3, "ann", Some("é\n\"'"));
    let found = Store::open_existing(folder.path(), &data("abc")).unwrap().unwrap();
    check(&found, &["3 ann é\n\"'"]);
    let time = found.standing().unwrap()[0].decided_at.clone();
    assert!(time.starts_with("20") && time.ends_with('Z') && time.len() == 20, "{time}");
}

#[test]
fn decisions_on_other_data_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(store(&folder));
    for found in [
        Store::open(folder.path(), &data("def")).unwrap_err(),
        Store::open_existing(folder.path(), &data("def")).unwrap_err(),
    ] {
        let message = found.to_string();
        assert!(message.ends_with("found decisions on data abc, expected def"), "{message}");
    }
}

#[test]
fn a_file_of_another_program_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = Store::path_in(folder.path());
    Connection::open(&path).unwrap().execute("CREATE TABLE decisions (x)", []).unwrap();
    let before = std::fs::read(&path).unwrap();
    let message = Store::open(folder.path(), &data("abc")).unwrap_err().to_string();
    assert!(message.ends_with("found format none, expected 1"), "{message}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    std::fs::write(&path, "no database at all, but long enough").unwrap();
    assert!(Store::open(folder.path(), &data("abc")).is_err());
}

#[test]
fn two_processes_can_write_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str| {
        let mut store = store(&folder);
        for row in 0..20 {
            decide(&mut store, row, name, Some("a"));
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| write("ann"));
        scope.spawn(|| write("bob"));
    });
    assert_eq!(store(&folder).standing().unwrap().len(), 40);
}
