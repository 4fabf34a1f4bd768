//! Reading a golden file and comparing with it.

use std::path::Path;

use lane_metrics::ClassId;
use serde_json::Value;

/// What is left of a value that went through f32 logits: their rounding (6e-8), stretched by
/// a division and an exponent.
pub(crate) const F32: Tolerance = Tolerance { absolute: 1e-6, relative: 1e-5 };

/// Two numbers agree when |ours − theirs| ≤ absolute + relative · |theirs|.
#[derive(Clone, Copy)]
pub(crate) struct Tolerance {
    pub(crate) absolute: f64,
    pub(crate) relative: f64,
}

pub(crate) fn read(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden").join(name);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The tolerance a file states for itself.
pub(crate) fn stated(file: &Value) -> Tolerance {
    Tolerance { absolute: number(&file["abs_tol"]), relative: number(&file["rel_tol"]) }
}

pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("expected a number, got {value}"))
}

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    list(value).iter().map(number).collect()
}

/// Class ids, which the files hold as plain numbers.
pub(crate) fn classes(value: &Value) -> Vec<ClassId> {
    indices(value).into_iter().map(|it| ClassId(it as u16)).collect()
}

pub(crate) fn indices(value: &Value) -> Vec<usize> {
    let index = |it: &Value| it.as_u64().unwrap_or_else(|| panic!("expected an index, got {it}"));
    list(value).iter().map(|it| index(it) as usize).collect()
}

pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("expected a list, got {value}"))
}

pub(crate) fn flags(value: &Value) -> Vec<bool> {
    list(value).iter().map(|it| it.as_bool().unwrap_or_else(|| number(it) > 0.0)).collect()
}

/// A matrix as the crate takes it: row-major f32.
pub(crate) fn matrix(value: &Value) -> Vec<f32> {
    list(value).iter().flat_map(numbers).map(|it| it as f32).collect()
}

#[track_caller]
pub(crate) fn check(what: &str, ours: f64, theirs: f64, tolerance: Tolerance) {
    let allowed = tolerance.absolute + tolerance.relative * theirs.abs();
    assert!((ours - theirs).abs() <= allowed, "{what}: ours {ours}, theirs {theirs}");
}

#[track_caller]
pub(crate) fn check_all(what: &str, ours: &[f64], theirs: &Value, tolerance: Tolerance) {
    let theirs = numbers(theirs);
    assert_eq!(ours.len(), theirs.len(), "{what}: lengths");
    for (row, (&ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        check(&format!("{what}, row {row}"), ours, theirs, tolerance);
    }
}
