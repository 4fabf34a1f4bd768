//! Settings of the robust losses: names, defaults, and what is refused.

use lane_losses::LossError;
use lane_losses::active_negative::AnlFlConfig;
use lane_losses::blurry::BlurryConfig;
use lane_losses::focal::FocalConfig;
use lane_losses::generalized_cross_entropy::GceConfig;
use lane_losses::piecewise_zero::PiecewiseZeroConfig;
use lane_losses::robust::{RobustKind, RobustLoss};
use lane_losses::symmetric_cross_entropy::SceConfig;

#[test]
fn a_loss_is_written_and_read_by_its_name() {
    for kind in RobustKind::ALL {
        let loss = RobustLoss::for_classes(kind, 4);
        assert_eq!(loss.kind(), kind);
        let written = serde_json::to_value(&loss).unwrap();
        assert_eq!(written["kind"], kind.as_str());
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        assert_eq!(serde_json::from_value::<RobustLoss>(written).unwrap(), loss);
        let by_name = format!(r#"{{"kind": "{}"}}"#, kind.as_str());
        assert_eq!(serde_json::from_str::<RobustLoss>(&by_name).unwrap(), loss);
    }
}

#[test]
fn a_setting_of_another_loss_is_refused() {
    let refused = |text| serde_json::from_str::<RobustLoss>(text).unwrap_err().to_string();
    let message = refused(r#"{"kind": "gce", "gamma": 1.0}"#);
    assert!(message.starts_with("unknown field `gamma`, expected `q`"), "{message}");
    let message = refused(r#"{"kind": "gc"}"#);
    assert!(message.starts_with("unknown variant `gc`, expected one of"), "{message}");
}

#[test]
fn defaults_are_valid_and_alive_for_as_many_classes_as_they_are_for() {
    for kind in RobustKind::ALL {
        for n_classes in 2..200 {
            let loss = RobustLoss::for_classes(kind, n_classes);
            assert_eq!(loss.validate(n_classes), Ok(()));
            assert!(!loss.dead_at_start(n_classes), "{loss:?}, {n_classes} classes");
            assert!(!loss.reversed_at_start(n_classes), "{loss:?}, {n_classes} classes");
        }
    }
}

#[test]
fn a_single_class_is_refused() {
    for kind in RobustKind::ALL {
        let refused = RobustLoss::for_classes(kind, 1).validate(1).unwrap_err();
        assert_eq!(refused, LossError::TooFewClasses { found: 1 });
        assert_eq!(refused.to_string(), "a loss over 1 classes, expected at least 2");
    }
}

#[test]
fn settings_without_meaning_are_refused_by_name() {
    let anl = |alpha, beta, gamma| RobustLoss::AnlFl(AnlFlConfig { alpha, beta, gamma });
    let blurry = |gamma| RobustLoss::Blurry(BlurryConfig { gamma, detach_weight: false });
    let cases = [
        (blurry(-0.1), "`gamma` of loss `blurry` is -0.1, expected a finite number of at least 0"),
        (
            blurry(f64::NAN),
            "`gamma` of loss `blurry` is NaN, expected a finite number of at least 0",
        ),
        (
            RobustLoss::Focal(FocalConfig { gamma: f64::INFINITY, detach_weight: true }),
            "`gamma` of loss `focal` is inf, expected a finite number of at least 0",
        ),
        (
            RobustLoss::PiecewiseZero(PiecewiseZeroConfig { cutoff: 1.0 }),
            "`cutoff` of loss `piecewise-zero` is 1, expected 0 <= cutoff < 1",
        ),
        (RobustLoss::Gce(GceConfig { q: 1.5 }), "`q` of loss `gce` is 1.5, expected 0 <= q <= 1"),
        (
            RobustLoss::Sce(SceConfig { alpha: -1.0, beta: 1.0 }),
            "`alpha` of loss `sce` is -1, expected a finite number of at least 0",
        ),
        (
            anl(1.0, -1.0, 0.5),
            "`beta` of loss `anl-fl` is -1, expected a finite number of at least 0",
        ),
        (
            anl(1.0, 1.0, -0.5),
            "`gamma` of loss `anl-fl` is -0.5, expected a finite number of at least 0",
        ),
    ];
    for (loss, expected) in cases {
        assert_eq!(loss.validate(4).unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_cutoff_of_chance_or_more_is_dead_at_the_start() {
    let of = |cutoff| RobustLoss::PiecewiseZero(PiecewiseZeroConfig { cutoff });
    assert!(of(0.25).dead_at_start(4) && of(0.5).dead_at_start(4));
    assert!(!of(0.24).dead_at_start(4) && !of(0.0).dead_at_start(1_000_000));
    assert!(!RobustLoss::Mae.dead_at_start(1_000_000));
}

#[test]
fn a_blurry_loss_that_turns_above_chance_is_reversed_at_the_start() {
    let of = |gamma, detach_weight| RobustLoss::Blurry(BlurryConfig { gamma, detach_weight });
    // It turns at e^-2 = 0.135.
    assert!(of(0.5, false).reversed_at_start(8) && !of(0.5, false).reversed_at_start(7));
    assert!(!of(0.5, true).reversed_at_start(8) && !of(0.0, false).reversed_at_start(8));
}
