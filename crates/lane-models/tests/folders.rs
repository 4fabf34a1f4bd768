//! Model folders: what is saved is read back, and what is wrong is refused by name.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use burn::tensor::Device;
use lane_models::{BertConfig, Mode, Network, NetworkInput, Pooling, TokenBatch, pretrained};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde_json::{Value, json};
use tempfile::TempDir;

fn fixture() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/golden/bert"))
}

/// A copy of the fixture that may be damaged.
fn copy() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in ["config.json", "model.safetensors"] {
        fs::copy(fixture().join(name), dir.path().join(name)).unwrap();
    }
    dir
}

type Named = (String, Dtype, Vec<usize>, Vec<u8>);

fn tensors(dir: &Path) -> Vec<Named> {
    let bytes = fs::read(dir.join("model.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors: Vec<Named> = file
        .tensors()
        .into_iter()
        .map(|(name, view)| (name, view.dtype(), view.shape().into(), view.data().into()))
        .collect();
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    tensors
}

/// Writes the tensors as changed; none leaves one out.
fn rewrite(dir: &Path, mut change: impl FnMut(Named) -> Option<Named>) {
    let changed: Vec<Named> = tensors(dir).into_iter().filter_map(&mut change).collect();
    let views = changed.iter().map(|(name, dtype, shape, bytes)| {
        (name.clone(), TensorView::new(*dtype, shape.clone(), bytes).unwrap())
    });
    fs::write(dir.join("model.safetensors"), safetensors::serialize(views, None).unwrap()).unwrap();
}

fn refusal(dir: &Path) -> String {
    let error = pretrained::load_classifier(dir, &Device::flex()).unwrap_err();
    error.to_string().replace(&dir.display().to_string(), "DIR")
}

fn logits(network: &Network) -> Vec<f32> {
    let device = Device::flex();
    let batch = TokenBatch::new(vec![5, 7, 9, 11, 2, 4, 0, 0], vec![4, 2], &device);
    let output = network.forward(NetworkInput::Tokens(&batch), Mode::Evaluate);
    output.logits.into_data().try_to_vec().unwrap()
}

fn names(n: usize) -> Vec<String> {
    (0..n).map(|id| format!("class {id}")).collect()
}

#[test]
fn what_upstream_saved_is_saved_again_byte_for_byte() {
    let loaded = pretrained::load_classifier(&fixture(), &Device::flex()).unwrap();
    assert_eq!(loaded.labels, ["sorrow", "joy", "anger"]);
    assert_eq!(loaded.max_length, 16);
    assert_eq!(loaded.report.unused, Vec::<String>::new());
    let dir = tempfile::tempdir().unwrap();
    let (network, config) = (&loaded.network, &loaded.config);
    pretrained::save_classifier(dir.path(), network, config, &loaded.labels, 12).unwrap();
    assert_eq!(tensors(dir.path()), tensors(&fixture()));
}

#[test]
fn a_saved_classifier_is_read_back_with_the_same_logits() {
    let config = BertConfig::tiny(20);
    for pooling in [Pooling::Cls, Pooling::Mean] {
        let network = Network::init(&config, 3, pooling, 9, &Device::flex());
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("made/on/the/way");
        pretrained::save_classifier(&dir, &network, &config, &names(3), 64).unwrap();
        let loaded = pretrained::load_classifier(&dir, &Device::flex()).unwrap();
        assert_eq!(logits(&loaded.network), logits(&network));
        assert_eq!(loaded.network.pooling(), pooling);
        assert_eq!((loaded.labels, loaded.max_length), (names(3), 64));
    }
}

#[test]
fn the_config_tells_upstream_which_class_to_open() {
    let read = |pooling| {
        let config = BertConfig::tiny(20);
        let network = Network::init(&config, 2, pooling, 9, &Device::flex());
        let dir = tempfile::tempdir().unwrap();
        pretrained::save_classifier(dir.path(), &network, &config, &names(2), 64).unwrap();
        let config = fs::read(dir.path().join("config.json")).unwrap();
        let has_class = dir.path().join("modeling_lane.py").exists();
        (serde_json::from_slice::<Value>(&config).unwrap(), has_class)
    };
    let (cls, has_class) = read(Pooling::Cls);
    assert!(!has_class);
    assert_eq!(cls["model_type"], "bert");
    assert_eq!(cls["architectures"], json!(["BertForSequenceClassification"]));
    assert_eq!(cls["id2label"], json!({"0": "class 0", "1": "class 1"}));
    assert_eq!(cls["label2id"], json!({"class 0": 0, "class 1": 1}));
    assert_eq!(cls["num_labels"], 2);
    assert_eq!(cls["problem_type"], "single_label_classification");
    assert_eq!(cls.get("auto_map"), None);
    let (mean, has_class) = read(Pooling::Mean);
    assert!(has_class);
    assert_eq!(mean["model_type"], "lane-bert");
    assert_eq!(mean["auto_map"]["AutoConfig"], "modeling_lane.LaneBertConfig");
}

#[test]
fn two_saves_of_one_network_are_the_same_bytes() {
    let config = BertConfig::tiny(20);
    let network = Network::init(&config, 2, Pooling::Mean, 9, &Device::flex());
    let save = || {
        let dir = tempfile::tempdir().unwrap();
        pretrained::save_classifier(dir.path(), &network, &config, &names(2), 64).unwrap();
        ["config.json", "model.safetensors"].map(|name| fs::read(dir.path().join(name)).unwrap())
    };
    assert_eq!(save(), save());
}

#[test]
fn a_head_alone_is_not_saved() {
    let config = BertConfig::tiny(20);
    let head = Network::init(&config, 2, Pooling::Cls, 9, &Device::flex()).head;
    let network = Network::new(None, head, Pooling::Cls);
    let dir = tempfile::tempdir().unwrap();
    let error = pretrained::save_classifier(dir.path(), &network, &config, &names(2), 64);
    assert_eq!(
        error.unwrap_err().to_string(),
        "the network has no encoder, so there is nothing to save beside its head"
    );
}

#[test]
fn names_and_outputs_must_pair_up() {
    let config = BertConfig::tiny(20);
    let network = Network::init(&config, 2, Pooling::Cls, 9, &Device::flex());
    let dir = tempfile::tempdir().unwrap();
    let error = pretrained::save_classifier(dir.path(), &network, &config, &names(3), 64);
    assert_eq!(error.unwrap_err().to_string(), "3 label names but 2 outputs");
}

#[test]
fn names_without_prefix_and_old_layer_norms_are_understood() {
    let dir = copy();
    rewrite(dir.path(), |(name, dtype, shape, bytes)| {
        let name = name.strip_prefix("bert.").unwrap_or(&name);
        let name = name
            .replace("LayerNorm.weight", "LayerNorm.gamma")
            .replace("LayerNorm.bias", "LayerNorm.beta");
        Some((name, dtype, shape, bytes))
    });
    let loaded = pretrained::load_encoder(dir.path(), &Device::flex()).unwrap();
    assert!(loaded.pooler.is_some());
    assert!(loaded.report.matched.contains(&"embeddings.LayerNorm.gamma".to_owned()));
    assert_eq!(loaded.report.unused, ["classifier.bias", "classifier.weight"]);
}

#[test]
fn a_file_without_a_pooler_says_so_in_the_report() {
    let dir = copy();
    rewrite(dir.path(), |it| (!it.0.contains("pooler")).then_some(it));
    let loaded = pretrained::load_encoder(dir.path(), &Device::flex()).unwrap();
    assert!(loaded.pooler.is_none());
    let missing = ["bert.pooler.dense.weight", "bert.pooler.dense.bias"];
    assert_eq!(loaded.report.missing, missing);
    assert!(refusal(dir.path()).contains("lacks 2 weights: bert.pooler.dense.weight"));
}

#[test]
fn everything_that_is_missing_is_named() {
    let dir = copy();
    rewrite(dir.path(), |it| (!it.0.contains("layer.1.attention.self.key")).then_some(it));
    assert_eq!(
        refusal(dir.path()),
        "`DIR/model.safetensors` lacks 2 weights: \
         bert.encoder.layer.1.attention.self.key.weight, \
         bert.encoder.layer.1.attention.self.key.bias"
    );
}

#[test]
fn half_precision_is_converted() {
    let dir = copy();
    rewrite(dir.path(), |(name, _, shape, bytes)| {
        let halves = bytes.as_chunks::<4>().0.iter();
        // bf16 is the upper half of f32.
        let halves = halves.flat_map(|it| [it[2], it[3]]).collect();
        Some((name, Dtype::BF16, shape, halves))
    });
    let loaded = pretrained::load_classifier(dir.path(), &Device::flex()).unwrap();
    let exact = pretrained::load_classifier(&fixture(), &Device::flex()).unwrap();
    for (half, exact) in logits(&loaded.network).iter().zip(logits(&exact.network)) {
        assert!((half - exact).abs() < 0.1, "{half} for {exact}");
    }
}

#[test]
fn integers_are_refused() {
    let dir = copy();
    rewrite(dir.path(), |(name, dtype, shape, bytes)| {
        let dtype = if name == "classifier.bias" { Dtype::I32 } else { dtype };
        Some((name, dtype, shape, bytes))
    });
    assert_eq!(
        refusal(dir.path()),
        "`classifier.bias` in `DIR/model.safetensors` is I32, expected F32, F16 or BF16"
    );
}

#[test]
fn a_weight_that_is_not_a_number_is_refused() {
    let dir = copy();
    rewrite(dir.path(), |(name, dtype, shape, mut bytes)| {
        if name == "classifier.bias" {
            bytes[..4].copy_from_slice(&f32::NAN.to_le_bytes());
        }
        Some((name, dtype, shape, bytes))
    });
    assert_eq!(refusal(dir.path()), "`classifier.bias` in `DIR/model.safetensors` holds NaN");
}

#[test]
fn shapes_that_config_and_weights_disagree_on_are_refused() {
    let dir = copy();
    let path = dir.path().join("config.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"vocab_size\": 41", "\"vocab_size\": 42")).unwrap();
    assert_eq!(
        refusal(dir.path()),
        "`bert.embeddings.word_embeddings.weight` in `DIR/model.safetensors` has shape [41, 12], \
         expected [42, 12] by config.json"
    );
}

#[test]
fn label_names_that_do_not_cover_the_outputs_are_refused() {
    let dir = copy();
    let path = dir.path().join("config.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"2\": \"anger\"", "\"3\": \"anger\"")).unwrap();
    assert_eq!(
        refusal(dir.path()),
        "`id2label` is without a name for 2, expected a name for each of 0 to 2"
    );
}

#[test]
fn a_classifier_without_outputs_is_refused() {
    let dir = copy();
    rewrite(dir.path(), |(name, dtype, shape, bytes)| match name.as_str() {
        "classifier.weight" => Some((name, dtype, vec![0, 12], Vec::new())),
        "classifier.bias" => Some((name, dtype, vec![0], Vec::new())),
        _ => Some((name, dtype, shape, bytes)),
    });
    assert_eq!(refusal(dir.path()), "3 label names but 0 outputs");
}

#[test]
fn a_damaged_file_is_an_error_wherever_it_is_cut() {
    let bytes = fs::read(fixture().join("model.safetensors")).unwrap();
    let dir = copy();
    let path = dir.path().join("model.safetensors");
    for len in [0, 4, 8, 100, 2000, bytes.len() - 1] {
        fs::write(&path, &bytes[..len]).unwrap();
        assert_eq!(refusal(dir.path()), "cannot understand `DIR/model.safetensors`");
    }
}

#[test]
fn a_header_that_lies_about_its_length_is_an_error() {
    let dir = copy();
    let path = dir.path().join("model.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    for length in [u64::MAX, 1 << 40, 3] {
        bytes[..8].copy_from_slice(&length.to_le_bytes());
        fs::write(&path, &bytes).unwrap();
        assert_eq!(refusal(dir.path()), "cannot understand `DIR/model.safetensors`");
    }
}

#[test]
fn a_header_with_an_impossible_shape_is_an_error() {
    let dir = copy();
    let header = r#"{"classifier.weight":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,4]}}"#;
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend([0; 4]);
    fs::write(dir.path().join("model.safetensors"), bytes).unwrap();
    assert_eq!(refusal(dir.path()), "cannot understand `DIR/model.safetensors`");
}

#[test]
fn another_weight_format_is_named() {
    let dir = copy();
    fs::rename(dir.path().join("model.safetensors"), dir.path().join("pytorch_model.bin")).unwrap();
    assert_eq!(
        refusal(dir.path()),
        "`DIR` has no `model.safetensors` but `pytorch_model.bin`; \
         save the model again as one safetensors file"
    );
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let error = pretrained::load_encoder(Path::new("/no/such/folder"), &Device::flex());
    assert_eq!(error.unwrap_err().to_string(), "cannot read `/no/such/folder/config.json`");
}
