//! Frozen embeddings and their cache, on a real encoder.

use std::path::Path;

use burn::tensor::Device;
use lane_data::Columns;
use lane_data::read::{self, LabelPolicy};
use lane_train::config::ModelConfig;
use lane_train::embeddings::Embedder;
use lane_train::encoder::Encoder;
use lane_train::inputs::Inputs;
use lane_train::progress::{Activity, Observer, Silent};
use lane_train::views::{ViewConfig, Views};

use crate::support::names;

const TEXTS: [&str; 3] =
    ["the ferry leaves at noon", "a kettle", "rain over the hills, then sun again"];

/// Counts what had to be computed.
#[derive(Default)]
struct Counting {
    n_embedded: u64,
}

impl Observer for Counting {
    fn begin(&mut self, activity: &Activity, n_rows: u64) {
        assert!(matches!(activity, Activity::Embedding { split: "train" }));
        self.n_embedded += n_rows;
    }
}

fn settings(folder: &str) -> ModelConfig {
    ModelConfig { encoder: folder.into(), freeze_encoder: true, ..ModelConfig::default() }
}

/// Embeddings of `texts`, and how many rows were computed rather than read.
fn embed(
    encoder: &Encoder,
    settings: &ModelConfig,
    texts: &[&str],
    cache: &Path,
) -> (Vec<f32>, u64) {
    let device = Device::flex();
    let cache = Some(cache.into());
    let embedder = Embedder { encoder, settings, batch_size: 2, device: &device, cache };
    let mut counting = Counting::default();
    let inputs = embedder.embed(texts, &Views::plain(), "train", &mut counting).unwrap();
    let Inputs::Features { mut views, width } = inputs else { panic!("token ids") };
    assert_eq!(views[0].len(), texts.len() * width);
    (views.swap_remove(0), counting.n_embedded)
}

#[test]
fn embeddings_are_computed_once_and_a_damaged_file_anew() {
    let Ok(folder) = std::env::var("LANE_ENCODER") else {
        println!("skipped: LANE_ENCODER names no encoder");
        return;
    };
    let settings = settings(&folder);
    let encoder = Encoder::open(&settings, std::iter::empty()).unwrap();
    let cache = tempfile::tempdir().unwrap();
    let (first, n_first) = embed(&encoder, &settings, &TEXTS, cache.path());
    let (second, n_second) = embed(&encoder, &settings, &TEXTS, cache.path());
    assert_eq!((n_first, n_second), (3, 0));
    assert_eq!(first, second);

    let entries = names(cache.path());
    assert_eq!(entries.len(), 1, "{entries:?}");
    let entry = cache.path().join(&entries[0]);
    let whole = std::fs::read(&entry).unwrap();
    std::fs::write(&entry, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(embed(&encoder, &settings, &TEXTS, cache.path()), (first.clone(), 3));
    assert_eq!(std::fs::read(&entry).unwrap(), whole);

    let mut spoilt = whole.clone();
    let end = spoilt.len();
    spoilt[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(&entry, &spoilt).unwrap();
    assert_eq!(embed(&encoder, &settings, &TEXTS, cache.path()), (first.clone(), 3));

    let other_order = [TEXTS[1], TEXTS[0], TEXTS[2]];
    let (moved, n_moved) = embed(&encoder, &settings, &other_order, cache.path());
    assert_eq!((n_moved, names(cache.path()).len()), (3, 2));
    let width = encoder.config.hidden_size;
    for (ours, theirs) in moved[..width].iter().zip(&first[width..2 * width]) {
        assert!((ours - theirs).abs() < 1e-5, "{ours} against {theirs}");
    }
    let shorter = ModelConfig { max_length: 4, ..settings };
    assert_eq!(embed(&encoder, &shorter, &TEXTS, cache.path()).1, 3);
}

#[test]
fn the_built_in_encoder_cannot_be_frozen() {
    let error = Encoder::open(&settings("tiny"), TEXTS.into_iter()).unwrap_err();
    assert!(error.is_usage() && error.to_string().contains("`tiny` knows nothing yet"), "{error}");
}

/// Rows computed rather than read, for the text and its SwitchOut under a temperature.
fn n_computed(encoder: &Encoder, seed: u64, temperature: f64, cache: &Path) -> u64 {
    let settings = settings(&encoder_folder().unwrap());
    let train = cache.parent().unwrap().join("train.csv");
    let rows = TEXTS.iter().zip(["a", "b", "a"]).map(|(text, label)| format!("\"{text}\",{label}"));
    let lines: Vec<String> = ["text,label".to_owned()].into_iter().chain(rows).collect();
    std::fs::write(&train, lines.join("\n")).unwrap();
    let dataset = read::dataset(&train, &Columns::default(), LabelPolicy::Discover).unwrap();
    let mut config = ViewConfig {
        kinds: ["original", "switchout"].map(|kind| kind.parse().unwrap()).into(),
        ..ViewConfig::default()
    };
    config.switchout.temperature = temperature;
    let views = Views::open(&config, seed, &dataset, None, &mut Silent).unwrap();
    let (device, cache) = (Device::flex(), Some(cache.into()));
    let embedder = Embedder { encoder, settings: &settings, batch_size: 2, device: &device, cache };
    let mut counting = Counting::default();
    let inputs = embedder.embed(&TEXTS, &views, "train", &mut counting).unwrap();
    let Inputs::Features { views, .. } = inputs else { panic!("token ids") };
    assert_ne!(views[0], views[1]);
    counting.n_embedded
}

fn encoder_folder() -> Option<String> {
    std::env::var("LANE_ENCODER").ok()
}

#[test]
fn embeddings_of_switched_pieces_are_kept_by_seed_and_strength() {
    let Some(folder) = encoder_folder() else {
        println!("skipped: LANE_ENCODER names no encoder");
        return;
    };
    let encoder = Encoder::open(&settings(&folder), std::iter::empty()).unwrap();
    let parent = tempfile::tempdir().unwrap();
    let cache = parent.path().join("cache");
    let computed = |seed, temperature| n_computed(&encoder, seed, temperature, &cache);
    assert_eq!([computed(1, 0.01), computed(1, 0.01)], [6, 0]);
    assert_eq!([computed(2, 0.01), computed(1, 0.02)], [3, 3]);
    assert_eq!(names(&cache).len(), 4);
}
