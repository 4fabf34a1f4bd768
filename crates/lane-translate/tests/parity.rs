//! The model on candle against transformers, on a small Marian model and its tokenizer.
#![cfg(feature = "candle")]
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::path::{Path, PathBuf};

use lane_translate::model::Marian;
use lane_translate::{Decoder, EarlyStopping, MarianConfig, Output, TranslateError, Translator};
use serde::Deserialize;
use serde_json::Value;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden")
}

fn folder() -> PathBuf {
    golden().join("marian")
}

#[derive(Deserialize)]
struct Golden {
    abs_tol: f32,
    ids: Vec<Vec<u32>>,
    mask: Vec<Vec<usize>>,
    hidden_states: Vec<f32>,
    decoder_ids: Vec<Vec<u32>>,
    logits_at_the_last: Vec<f32>,
    generated_from: Vec<String>,
    generated: Vec<Generated>,
}

#[derive(Deserialize)]
struct Generated {
    settings: Value,
    ids: Vec<Vec<u32>>,
    texts: Vec<String>,
    scores: Vec<f32>,
}

fn read() -> Golden {
    serde_json::from_slice(&std::fs::read(golden().join("marian.json")).unwrap()).unwrap()
}

impl Golden {
    fn texts(&self) -> Vec<&[u32]> {
        let length = |mask: &Vec<usize>| mask.iter().sum::<usize>();
        self.ids.iter().zip(&self.mask).map(|(ids, mask)| &ids[..length(mask)]).collect()
    }
}

fn largest_gap(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn marian() -> Marian {
    Marian::open(&folder(), &MarianConfig::read(&folder()).unwrap()).unwrap()
}

/// A translator with the settings of a case of the reference.
fn translator(case: &Generated) -> Translator {
    let number = |key: &str| case.settings[key].as_u64().map(|it| it as usize);
    let most = number("max_new_tokens").unwrap();
    let mut translator = Translator::open(&folder(), number("num_beams"), most).unwrap();
    let decoding = translator.decoding_mut();
    decoding.length_penalty = case.settings["length_penalty"].as_f64().unwrap_or(1.0);
    decoding.renormalize = case.settings["renormalize_logits"].as_bool().unwrap_or(true);
    decoding.early_stopping = match &case.settings["early_stopping"] {
        Value::Bool(true) => EarlyStopping::Yes,
        Value::String(_) => EarlyStopping::Never,
        _ => EarlyStopping::Heuristic,
    };
    translator
}

#[test]
fn hidden_states_of_a_padded_batch_are_those_of_transformers() {
    let golden = read();
    let texts = golden.texts();
    let states = marian().encode(&texts).unwrap().states;
    let width = states.dim(2).unwrap();
    let ours = states.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let shown = golden.mask.concat();
    let ours: Vec<f32> = ours
        .chunks(width)
        .zip(shown)
        .flat_map(|(state, shown)| state.iter().map(move |value| value * shown as f32))
        .collect();
    let gap = largest_gap(&ours, &golden.hidden_states);
    println!("hidden states: largest difference {gap:e}");
    assert!(gap < golden.abs_tol);
}

#[test]
fn hidden_states_of_a_text_do_not_depend_on_its_batch() {
    let golden = read();
    let (model, texts) = (marian(), golden.texts());
    let together = model.encode(&texts).unwrap().states;
    for (row, text) in texts.iter().enumerate() {
        let values = |states: candle_core::Result<candle_core::Tensor>| {
            states.unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        let alone = values(Ok(model.encode(&[text]).unwrap().states));
        let own = together.narrow(0, row, 1).and_then(|it| it.narrow(1, 0, text.len()));
        assert!(largest_gap(&values(own), &alone) < 1e-5);
    }
}

#[test]
fn logits_of_a_forced_decode_are_those_of_transformers() {
    let golden = read();
    let model = marian();
    let source = model.encode(&golden.texts()).unwrap();
    let mut decoder = model.decoder(&source).unwrap();
    let parents: Vec<u32> = (0..golden.ids.len() as u32).collect();
    let mut last = Vec::new();
    for step in 0..golden.decoder_ids[0].len() {
        let tokens: Vec<u32> = golden.decoder_ids.iter().map(|ids| ids[step]).collect();
        last = decoder.step(&parents, &tokens).unwrap();
    }
    let gap = largest_gap(&last, &golden.logits_at_the_last);
    println!("logits: largest difference {gap:e}");
    assert!(gap < 10.0 * golden.abs_tol);
}

#[test]
fn outputs_are_those_of_generate_whatever_the_batch() {
    let golden = read();
    let mut largest = 0.0_f32;
    for case in &golden.generated {
        let translator = translator(case);
        let encode = |text: &String| translator.encode(text).unwrap().ids;
        let texts: Vec<Vec<u32>> = golden.generated_from.iter().map(encode).collect();
        let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        for n in [1, 4, texts.len()] {
            let outputs: Vec<Output> =
                texts.chunks(n).flat_map(|batch| translator.generate(batch).unwrap()).collect();
            let ids: Vec<Vec<u32>> = outputs.iter().map(|it| it.ids.clone()).collect();
            assert_eq!(ids, case.ids, "{}, batches of {n}", case.settings);
            for (output, score) in outputs.iter().zip(&case.scores) {
                largest = largest.max((output.score - score).abs() / (1.0 + score.abs()));
            }
        }
        assert_eq!(translator.translate(&texts).unwrap(), case.texts, "{}", case.settings);
    }
    println!("scores of outputs: largest relative difference {largest:e}");
    assert!(largest < golden.abs_tol);
}

#[test]
fn rows_are_reordered_with_all_they_remember() {
    let golden = read();
    let (model, texts) = (marian(), golden.texts());
    let pad = MarianConfig::read(&folder()).unwrap().decoder_start_token_id;
    let mut decoder = model.decoder(&model.encode(&texts[..3]).unwrap()).unwrap();
    decoder.step(&[0, 1, 2], &[pad; 3]).unwrap();
    decoder.step(&[2, 0, 2, 2], &[7, 8, 9, 7]).unwrap();
    let mixed = decoder.step(&[3, 1, 0], &[5, 6, 5]).unwrap();
    let width = mixed.len() / 3;
    for (row, (text, tokens)) in [(2, [7, 5]), (0, [8, 6]), (2, [7, 5])].into_iter().enumerate() {
        let mut alone = model.decoder(&model.encode(&texts[text..=text]).unwrap()).unwrap();
        let mut last = alone.step(&[0], &[pad]).unwrap();
        for token in tokens {
            last = alone.step(&[0], &[token]).unwrap();
        }
        assert!(largest_gap(&mixed[row * width..][..width], &last) < 1e-4);
    }
}

/// A copy of the small folder.
fn copied() -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    copy
}

#[track_caller]
fn refused(folder: &Path, answers: &[&str]) -> TranslateError {
    let error = Translator::open(folder, None, 32).unwrap_err();
    assert!(error.is_usage());
    for answer in answers {
        assert!(error.to_string().contains(answer), "no {answer:?} in {error}");
    }
    error
}

#[test]
fn weights_that_are_missing_broken_or_of_another_shape_are_named() {
    let copy = copied();
    let edit = |name: &str, from: &str, to: &str| {
        let path = copy.path().join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from));
        std::fs::write(path, text.replace(from, to)).unwrap();
    };
    edit("config.json", "\"decoder_layers\": 2", "\"decoder_layers\": 3");
    refused(copy.path(), &["do not fit its config.json", "decoder.layers.2"]);
    edit("config.json", "\"decoder_layers\": 3", "\"decoder_layers\": 2");
    edit("config.json", "\"encoder_ffn_dim\": 32", "\"encoder_ffn_dim\": 48");
    refused(copy.path(), &["do not fit its config.json", "48"]);
    std::fs::write(copy.path().join("model.safetensors"), b"no").unwrap();
    refused(copy.path(), &["model.safetensors", "does not parse"]);
    std::fs::remove_file(copy.path().join("model.safetensors")).unwrap();
    std::fs::write(copy.path().join("pytorch_model.bin"), b"no").unwrap();
    refused(copy.path(), &["pytorch_model.bin", "does not parse"]);
    std::fs::remove_file(copy.path().join("pytorch_model.bin")).unwrap();
    refused(copy.path(), &["has no model.safetensors or pytorch_model.bin"]);
}
