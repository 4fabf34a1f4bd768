//! Grids over files of a few rows.

use std::fs;

use serde_json::json;

use super::*;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let row = |row: usize| format!("a {row} ball,{}", ["red", "green"][row % 2]);
    let lines = ["text,label".to_owned()].into_iter().chain((0..6).map(row));
    fs::write(folder.path().join("train.csv"), lines.collect::<Vec<_>>().join("\n")).unwrap();
    folder
}

fn grid(variants: &serde_json::Value) -> Grid {
    serde_json::from_value(json!({
        "data": [
            {"name": "balls", "noise": 0.2, "seed": 1, "train": "train.csv"},
            {"name": "balls", "noise": 0.2, "seed": 2, "train": "train.csv"},
        ],
        "variants": variants,
        "settings": {"training.epochs": 2, "device": "flex"},
    }))
    .unwrap()
}

#[test]
fn every_variant_meets_every_data_entry_with_its_seed() {
    let folder = folder();
    let cells = grid(&json!([
        {"method": "base"},
        {"label": "lane-two-views", "method": "lane", "settings": {"views.kinds": 2, "training.epochs": 3}},
    ]))
    .cells(folder.path())
    .unwrap();
    let places: Vec<_> = cells.iter().map(|cell| cell.out.display().to_string()).collect();
    assert_eq!(
        places,
        [
            "runs/balls/noise-0.2/base/seed-1",
            "runs/balls/noise-0.2/lane-two-views/seed-1",
            "runs/balls/noise-0.2/base/seed-2",
            "runs/balls/noise-0.2/lane-two-views/seed-2",
        ]
    );
    assert_eq!(cells[3].config.seed, 2);
    assert_eq!(cells[3].config.epochs(), 3);
    assert_eq!((cells[0].config.epochs(), cells[3].config.views.kinds.len()), (2, 2));
    let mut ids: Vec<_> = cells.iter().map(|cell| &cell.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

#[test]
fn cells_are_read_back_as_they_were_written() {
    let folder = folder();
    let grid = grid(&json!([{"method": "base", "settings": {"training.lr": 0.000_3}}]));
    let cells = grid.cells(folder.path()).unwrap();
    let list = folder.path().join("cells.jsonl");
    write_cells(&list, &cells).unwrap();
    for (index, cell) in cells.iter().enumerate() {
        assert_eq!(Cell::read(&list, index).unwrap(), *cell);
    }
}

#[test]
fn two_cells_of_one_folder_are_refused() {
    let folder = folder();
    let error = grid(&json!([{"method": "base"}, {"method": "base"}])).cells(folder.path());
    let error = error.unwrap_err();
    assert!(error.is_usage());
    assert!(error.to_string().contains("runs/balls/noise-0.2/base/seed-1"), "{error}");
}

#[test]
fn what_is_wrong_with_a_grid_is_said() {
    let folder = folder();
    let refused = |variants: serde_json::Value, answer: &str| {
        let error = grid(&variants).cells(folder.path()).unwrap_err();
        assert!(error.is_usage());
        assert!(error.to_string().contains(answer), "{error}");
    };
    refused(json!([{"method": "bert"}]), "bert");
    refused(json!([{"method": "base", "settings": {"training.epochs": 0}}]), "training.epochs");
    refused(json!([{"method": "base", "settings": {"training.speed": 1}}]), "speed");
    refused(json!([{"method": "base", "settings": {"data.test": "nowhere.csv"}}]), "nowhere.csv");
    let path = folder.path().join("grid.json");
    fs::write(&path, "{\"data\": [], \"variants\": [], \"methods\": []}").unwrap();
    let error = Grid::read(&path).unwrap_err();
    assert!(error.to_string().contains("unknown field `methods`"), "{error}");
}
