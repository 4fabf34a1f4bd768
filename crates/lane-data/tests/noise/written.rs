//! Noisy data on disk.

use std::fs;
use std::path::Path;

use lane_data::noise::{Injection, NoiseKind};
use lane_data::read::{self, LabelPolicy};
use lane_data::write::{self, Existing, NoiseRecord};
use lane_data::{Columns, Dataset};

use super::{inject, labels};

const SOURCE: &str = "id,text,label\nr1,\"x, \"\"y\"\"\",cat\nr2,z,dog\nr3,w,cat\nr4,v,dog\n";

fn source(folder: &Path, text: &str) -> Dataset {
    let path = folder.join("source.csv");
    fs::write(&path, text).unwrap();
    read::dataset(&path, &Columns::default(), LabelPolicy::Discover).unwrap()
}

fn half_flipped(dataset: &Dataset) -> Injection {
    let mut noisy = inject(NoiseKind::Uniform, 0.5, &dataset.given_labels(), 2, 7).unwrap();
    // Fixed by hand, so that the expected file can be written out below.
    noisy.labels = labels(&[1, 1, 0, 0]);
    noisy.flipped = vec![true, false, false, true];
    noisy
}

#[test]
fn csv_holds_both_labels_and_the_mask() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = source(folder.path(), SOURCE);
    let path = folder.path().join("noisy.csv");
    write::noisy_csv(&path, &dataset, &half_flipped(&dataset), Existing::Keep).unwrap();
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "id,text,label,gold,flipped\n\
         r1,\"x, \"\"y\"\"\",dog,cat,1\n\
         r2,z,dog,dog,0\n\
         r3,w,cat,cat,0\n\
         r4,v,cat,dog,1\n"
    );
}

#[test]
fn record_beside_it_says_which_noise_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = source(folder.path(), SOURCE);
    let path = folder.path().join("noisy.csv");
    let beside =
        write::noisy_csv(&path, &dataset, &half_flipped(&dataset), Existing::Keep).unwrap();
    assert_eq!(beside, folder.path().join("noisy.noise.json"));
    let record: NoiseRecord = serde_json::from_str(&fs::read_to_string(beside).unwrap()).unwrap();
    let expected = NoiseRecord {
        kind: NoiseKind::Uniform,
        requested_rate: 0.5,
        realised_rate: 0.5,
        seed: 7,
        n_rows: 4,
        n_flipped: 2,
        source_sha256: dataset.sha256,
    };
    assert_eq!(record, expected);
}

#[test]
fn gold_labels_of_the_source_stay_gold() {
    let folder = tempfile::tempdir().unwrap();
    let text = "text,label,gold\nx,a,b\ny,b,b\nz,a,a\n";
    let dataset = source(folder.path(), text);
    let noisy = inject(NoiseKind::Uniform, 0.0, &dataset.given_labels(), 2, 1).unwrap();
    let path = folder.path().join("noisy.csv");
    write::noisy_csv(&path, &dataset, &noisy, Existing::Keep).unwrap();
    let written = fs::read_to_string(&path).unwrap();
    assert_eq!(written, "id,text,label,gold,flipped\n0,x,a,b,0\n1,y,b,b,0\n2,z,a,a,0\n");
}

#[test]
fn file_that_is_there_is_kept_unless_replacing_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = source(folder.path(), SOURCE);
    let noisy = half_flipped(&dataset);
    for taken in ["noisy.csv", "noisy.noise.json"] {
        let path = folder.path().join("noisy.csv");
        fs::write(folder.path().join(taken), "precious").unwrap();
        let err = write::noisy_csv(&path, &dataset, &noisy, Existing::Keep).unwrap_err();
        assert!(err.to_string().ends_with(&format!("{taken} exists already")), "{err}");
        assert_eq!(err.hint().unwrap(), "choose another name, or give --force");
        assert_eq!(fs::read_to_string(folder.path().join(taken)).unwrap(), "precious");
        write::noisy_csv(&path, &dataset, &noisy, Existing::Replace).unwrap();
        assert_ne!(fs::read_to_string(folder.path().join(taken)).unwrap(), "precious");
        fs::remove_file(folder.path().join("noisy.csv")).unwrap();
        fs::remove_file(folder.path().join("noisy.noise.json")).unwrap();
    }
}

#[test]
fn no_temporary_file_is_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = source(folder.path(), SOURCE);
    let path = folder.path().join("noisy.csv");
    write::noisy_csv(&path, &dataset, &half_flipped(&dataset), Existing::Keep).unwrap();
    let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
    let failed = write::file(&path, Existing::Replace, |_| Err(full())).unwrap_err();
    assert!(failed.to_string().starts_with("cannot write ") && !failed.is_usage(), "{failed}");
    let mut names: Vec<String> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["noisy.csv", "noisy.noise.json", "source.csv"]);
    assert!(fs::read_to_string(&path).unwrap().starts_with("id,text,label"));
}

#[test]
fn noise_made_for_other_rows_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = source(folder.path(), SOURCE);
    let path = folder.path().join("noisy.csv");
    let short = inject(NoiseKind::Uniform, 0.5, &labels(&[0, 1]), 2, 1).unwrap();
    let err = write::noisy_csv(&path, &dataset, &short, Existing::Keep).unwrap_err();
    assert_eq!(err.to_string(), "the injected noise has 2 values, expected 4");
    let strange = inject(NoiseKind::Uniform, 0.0, &labels(&[0, 1, 2, 0]), 3, 1).unwrap();
    let err = write::noisy_csv(&path, &dataset, &strange, Existing::Keep).unwrap_err();
    assert_eq!(err.to_string(), "label 2 of row 2 is out of range: there are 2 classes");
    assert!(!path.exists());
}

#[test]
fn folder_that_is_not_there_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = source(folder.path(), SOURCE);
    let path = folder.path().join("missing/noisy.csv");
    let err =
        write::noisy_csv(&path, &dataset, &half_flipped(&dataset), Existing::Keep).unwrap_err();
    assert!(err.to_string().starts_with("cannot write ") && err.is_usage(), "{err}");
}

#[cfg(unix)]
#[test]
fn written_files_have_ordinary_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
    write::file(&ours, Existing::Keep, |out| out.write_all(b"x")).unwrap();
    fs::write(&plain, "x").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&ours), mode(&plain));
}
