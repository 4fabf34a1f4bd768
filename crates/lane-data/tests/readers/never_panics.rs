//! Whatever the bytes, a reader answers.

use lane_data::Columns;
use lane_data::noise::{self, NoiseConfig, NoiseInput, NoiseKind};
use lane_data::read::{self, LabelPolicy};
use lane_data::write::{self, Existing};
use proptest::prelude::*;

use super::parquet::{strings, table};
use super::{dataset, texts};

/// Bytes that make trouble more often than random ones.
fn troublesome() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        prop::sample::select(b"\",\t\r\n{}[]:x1 \xef\xbb\xbf\xff\0".to_vec()),
        any::<u8>(),
    ];
    prop::collection::vec(byte, 0..120)
}

proptest! {
    #[test]
    fn text_readers_answer_any_bytes(bytes in troublesome(), with_header: bool) {
        for (name, header) in [
            ("a.csv", "text,label\n"),
            ("a.tsv", "text\tlabel\n"),
            ("a.jsonl", "{\"text\":\"x\",\"label\":1}\n"),
        ] {
            let header = if with_header { header } else { "" };
            let all = [header.as_bytes(), &bytes].concat();
            let _ = dataset(name, &all).map(|it| it.n_rows());
            let _ = texts(name, &all).map(|it| it.texts.len());
        }
    }

    #[test]
    fn parquet_reader_answers_damaged_files(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let rows: Vec<String> = (0..50).map(|row| format!("some text {row}")).collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let mut bytes = table(vec![("text", strings(&rows)), ("label", strings(&rows))]);
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = dataset("a.parquet", &bytes).map(|it| it.n_rows());
    }

    #[test]
    fn what_is_written_is_read_back(
        rows in prop::collection::vec(("[ -~\\n\\r\"\u{e9}]{0,20}[a-z]", any::<bool>()), 2..20),
        seed: u64,
    ) {
        let line = |(row, (text, label)): (usize, &(String, bool))| {
            // One row of each class is sure.
            let label = if row < 2 { row == 0 } else { *label };
            serde_json::json!({ "text": text, "label": label.to_string() }).to_string()
        };
        let lines: Vec<String> = rows.iter().enumerate().map(line).collect();
        let before = dataset("a.jsonl", lines.join("\n")).unwrap();
        let config = NoiseConfig::new(NoiseKind::Shuffle, 0.5);
        let noisy = noise::inject(
            &before.given_labels(), 2, &config, seed, NoiseInput::default(),
        ).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("noisy.csv");
        write::noisy_csv(&path, &before, &noisy, Existing::Keep).unwrap();
        let after = read::dataset(&path, &Columns::default(), LabelPolicy::Discover).unwrap();
        prop_assert_eq!(after.texts(), before.texts());
        prop_assert_eq!(after.given_labels(), noisy.labels);
        prop_assert_eq!(after.gold_labels().unwrap(), before.given_labels());
    }
}
