//! Weight files with lying headers, other shapes and types, and values that are no numbers.

use serde_json::{Value, json};

use crate::encoder;
use crate::place::{Place, root};

/// A weight file in its parts.
#[derive(Clone)]
struct Weights {
    header: Value,
    data: Vec<u8>,
}

impl Weights {
    fn small() -> Self {
        let bytes = std::fs::read(root().join("fixtures/golden/bert/model.safetensors")).unwrap();
        let (length, rest) = bytes.split_at(8);
        let length = u64::from_le_bytes(length.try_into().unwrap()) as usize;
        let header = serde_json::from_slice(&rest[..length]).unwrap();
        Self { header, data: rest[length..].to_vec() }
    }

    fn bytes(&self) -> Vec<u8> {
        let header = self.header.to_string();
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &self.data].concat()
    }

    /// With one field of the word embedding changed.
    fn with(&self, field: &str, value: Value) -> Vec<u8> {
        let mut changed = self.clone();
        changed.header[EMBEDDING][field] = value;
        changed.bytes()
    }

    /// With one value of the word embedding changed.
    fn holding(&self, value: f32) -> Vec<u8> {
        let mut changed = self.clone();
        let start = self.header[EMBEDDING]["data_offsets"][0].as_u64().unwrap() as usize + 40;
        changed.data[start..start + 4].copy_from_slice(&value.to_le_bytes());
        changed.bytes()
    }
}

const EMBEDDING: &str = "bert.embeddings.word_embeddings.weight";

fn stated(length: u64, rest: &[u8]) -> Vec<u8> {
    [&length.to_le_bytes()[..], rest].concat()
}

fn headers(weights: &Weights) -> Vec<(&'static str, Vec<u8>)> {
    let whole = weights.bytes();
    // Not the same offsets: the library would name now the one, now the other.
    let mut other = weights.header["bert.embeddings.LayerNorm.bias"]["data_offsets"].clone();
    other[0] = json!(other[0].as_u64().unwrap() + 4);
    let mut nameless = weights.clone();
    nameless.header = json!({});
    nameless.data.clear();
    let mut long = weights.clone();
    let moved = long.header.as_object_mut().unwrap().remove(EMBEDDING).unwrap();
    long.header["x".repeat(5_000_000)] = moved;
    vec![
        ("empty", Vec::new()),
        ("length_cut_off", vec![1, 0, 0]),
        ("header_of_2_to_the_63", stated(1 << 63, b"{}")),
        ("header_of_90_mb", stated(90_000_000, b"{}")),
        ("header_of_nothing", stated(0, b"")),
        ("header_no_text", stated(4, b"\xff\xff\xff\xff")),
        ("header_deep", stated(10_000, &b"[".repeat(10_000))),
        ("zip", [&b"PK\x03\x04"[..], &[0; 100]].concat()),
        ("data_cut_off", whole[..whole.len() - 100].to_vec()),
        ("data_too_long", [&whole[..], &[0; 100]].concat()),
        ("offsets_beyond", weights.with("data_offsets", json!([0, 1_000_000_000_000_000_u64]))),
        ("offsets_overlap", weights.with("data_offsets", other)),
        ("offsets_below_zero", weights.with("data_offsets", json!([-4, 4]))),
        ("offsets_reversed", weights.with("data_offsets", json!([8, 4]))),
        ("shape_overflows", weights.with("shape", json!([1_u64 << 40, 1_u64 << 40]))),
        ("no_tensors", nameless.bytes()),
        ("name_of_5_mb", long.bytes()),
    ]
}

fn contents(weights: &Weights) -> Vec<(&'static str, Vec<u8>)> {
    let mut escape = weights.clone();
    let moved = escape.header.as_object_mut().unwrap().remove(EMBEDDING).unwrap();
    escape.header["bert.\u{1b}[2J"] = moved;
    vec![
        ("integers", weights.with("dtype", json!("I32"))),
        ("type_unknown", weights.with("dtype", json!("F99"))),
        ("type_of_another_size", weights.with("dtype", json!("F64"))),
        ("shape_turned", weights.with("shape", json!([12, 41]))),
        ("shape_of_nothing", weights.with("shape", json!([]))),
        ("not_a_number", weights.holding(f32::NAN)),
        ("infinite", weights.holding(f32::NEG_INFINITY)),
        ("tensor_missing", escape.bytes()),
    ]
}

fn report(files: Vec<(&str, Vec<u8>)>) -> String {
    let place = Place::new();
    let mut cases = Vec::new();
    for (name, bytes) in files {
        encoder::write(&place, name);
        place.write(&format!("{name}/model.safetensors"), bytes);
        cases.push((name, encoder::line(name)));
    }
    place.report(cases)
}

#[test]
fn headers_that_lie() {
    insta::assert_snapshot!(report(headers(&Weights::small())));
}

#[test]
fn tensors_that_do_not_fit() {
    insta::assert_snapshot!(report(contents(&Weights::small())));
}
