//! `lane bench`: what is timed is told whole, and a wrong bench would show.

use crate::support::Place;

const STEPS: &str = "bench step --encoder tiny --data {built-in}/train.csv --batch-size 8 --width 16 --warmup 1 --steps 3 --json";

#[test]
fn steps_on_real_texts_are_reported_one_by_one() {
    let place = Place::new();
    let report = place.lane(STEPS).succeeded().json();
    assert_eq!((&report["device"], &report["threads"]), (&"flex".into(), &2.into()));
    let steps = report["steps"].as_array().unwrap();
    assert_eq!((steps.len(), report["rows"].as_array().unwrap().len()), (3, 4));
    for step in steps {
        let part = |key: &str| step[key].as_f64().unwrap();
        let parts = part("forward_ms") + part("backward_ms") + part("optimizer_ms");
        assert!((parts - part("ms")).abs() < 1e-6 && part("loss").is_finite(), "{step}");
        let cells = step["n_tokens"].as_u64().unwrap() + step["n_padding"].as_u64().unwrap();
        assert!(cells % 8 == 0 && cells <= 8 * 16, "{step}");
    }
    assert_eq!(place.names(), [""; 0]);
}

#[test]
fn one_seed_gives_the_same_losses_and_another_seed_others() {
    let losses = |more: &str| -> Vec<serde_json::Value> {
        let report = Place::new().lane(&format!("{STEPS} {more}")).succeeded().json();
        report["steps"].as_array().unwrap().iter().map(|step| step["loss"].clone()).collect()
    };
    assert_eq!(losses(""), losses(""));
    assert_ne!(losses(""), losses("--seed 2"));
    assert_ne!(losses(""), losses("--dropout 0"));
    assert_ne!(losses(""), losses("--no-bucketing"));
}

#[test]
fn steps_on_random_ids_are_printed_with_what_they_come_to() {
    let said = Place::new().lane("bench step --encoder tiny --batch-size 4 --width 8 --steps 2");
    let said = said.succeeded();
    for part in ["step   tokens", "\n   2       32        0", "\nmedian ", "\nfastest "] {
        assert!(said.stdout.contains(part), "{part:?} in {}", said.stdout);
    }
}
