//! Noise that cannot be made.

use lane_data::ClassId;
use lane_data::noise::{self, NoiseConfig, NoiseInput, NoiseKind, Transition};

use super::{inject, labels};

#[track_caller]
fn refused(kind: NoiseKind, input: NoiseInput<'_>, message: &str) {
    let config = NoiseConfig::new(kind, 0.2);
    let err = noise::inject(&labels(&[0, 1, 2]), 3, &config, 1, input).unwrap_err();
    assert_eq!(err.to_string(), message);
}

#[test]
fn rate_outside_zero_to_one_is_refused() {
    for (rate, shown) in [(-0.1, "-0.1"), (1.5, "1.5"), (20.0, "20"), (f64::NAN, "NaN")] {
        for kind in NoiseKind::ALL {
            let err = inject(kind, rate, &labels(&[0, 1]), 2, 1).unwrap_err();
            assert_eq!(
                err.to_string(),
                format!("noise rate is {shown}, expected a fraction in 0.0..=1.0")
            );
        }
    }
}

#[test]
fn one_class_is_refused_even_at_rate_zero() {
    for kind in NoiseKind::ALL {
        let err = inject(kind, 0.0, &[ClassId(0)], 1, 1).unwrap_err();
        assert_eq!(err.to_string(), "noise needs at least 2 classes, got 1");
    }
}

#[test]
fn more_classes_than_ids_can_number_are_refused() {
    let err = inject(NoiseKind::Uniform, 0.5, &[ClassId(0)], 65_537, 1).unwrap_err();
    assert_eq!(err.to_string(), "65537 classes, expected at most 65536");
}

#[test]
fn label_outside_the_classes_is_refused() {
    let err = inject(NoiseKind::Uniform, 0.2, &labels(&[0, 3]), 3, 1).unwrap_err();
    assert_eq!(err.to_string(), "label 3 of row 1 is out of range: there are 3 classes");
}

#[test]
fn kinds_that_need_more_say_what() {
    refused(
        NoiseKind::ClassConditional,
        NoiseInput::default(),
        "noise kind `class-conditional` needs a matrix, but none was given",
    );
    refused(
        NoiseKind::Instance,
        NoiseInput::default(),
        "noise kind `instance` needs features of every row, but none was given",
    );
}

#[test]
fn matrix_for_other_classes_is_refused() {
    let matrix = Transition::uniform(0.2, 2).unwrap();
    refused(
        NoiseKind::ClassConditional,
        NoiseInput { transition: Some(&matrix), features: None },
        "the transition matrix has 4 values, expected 9",
    );
}

#[test]
fn features_that_do_not_fit_the_rows_are_refused() {
    let with = |features| NoiseInput { transition: None, features: Some(features) };
    refused(
        NoiseKind::Instance,
        with((&[0.0; 5], 2)),
        "the feature table has 5 values, expected 6",
    );
    refused(NoiseKind::Instance, with((&[], 0)), "the feature table has 0 values, expected 3");
    refused(
        NoiseKind::Instance,
        with((&[0.0, 0.0, 0.0, f32::INFINITY, 0.0, 0.0], 2)),
        "the feature at row 1, column 1 is inf, expected a finite number",
    );
}

#[test]
fn spread_of_instance_noise_must_be_a_number_from_zero_up() {
    let config =
        NoiseConfig { instance_spread: -1.0, ..NoiseConfig::new(NoiseKind::Instance, 0.2) };
    let input = NoiseInput { transition: None, features: Some((&[0.0, 0.0], 1)) };
    let err = noise::inject(&labels(&[0, 1]), 2, &config, 1, input).unwrap_err();
    assert_eq!(err.to_string(), "spread of the instance noise is -1, expected a number from 0 up");
}

#[test]
fn config_refuses_keys_it_does_not_know() {
    let read = serde_json::from_str::<NoiseConfig>(r#"{"kind":"pairwise","rate":0.2}"#).unwrap();
    assert_eq!(read, NoiseConfig::new(NoiseKind::Pairwise, 0.2));
    let err = serde_json::from_str::<NoiseConfig>(r#"{"kind":"pairwise","rat":0.2}"#).unwrap_err();
    assert!(err.to_string().starts_with("unknown field `rat`"), "{err}");
}
