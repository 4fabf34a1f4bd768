//! Options and the plans they make.

use super::*;
use crate::whole_file::fingerprint;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn lane() -> Lane {
    let path = root().join("xtask/src/reproduce/fake_lane.sh");
    Lane { fingerprint: fingerprint(&path).unwrap(), path }
}

fn plan(arguments: &[&str]) -> Result<Plan> {
    let plans = Options::parsed(arguments).unwrap().plans(&root(), &lane())?;
    Ok(plans.into_iter().next().unwrap().0)
}

fn labels(plan: &Plan) -> Vec<&str> {
    plan.variants.iter().map(|variant| &*variant.label).collect()
}

#[test]
fn without_options_it_is_seven_methods_by_three_seeds_on_the_built_in_corpus() {
    let plan = plan(&[]).unwrap();
    assert_eq!(plan.n_cells(), 21);
    let settings: Vec<_> =
        plan.settings.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(settings, ["model.encoder=\"tiny\"", "model.pooling=\"mean\"", "save_model=false"]);
    let out = Options::parsed(&[]).unwrap().out(&root());
    assert!(out.ends_with("target/reproduce/builtin"), "{}", out.display());
}

#[test]
fn settings_reach_the_runs_as_they_were_given() {
    let plan = plan(&[
        "--encoder",
        "dir",
        "--epochs",
        "3",
        "--freeze-encoder",
        "--set",
        "training.lr=0.1",
        "--set",
        "views.kinds=[\"original\", \"repeat\"]",
        "--set",
        "weights.sigma=literal",
    ])
    .unwrap();
    let value = |key: &str| plan.settings[key].clone();
    assert!(value("model.encoder").as_str().unwrap().ends_with("/dir"));
    assert_eq!(value("training.epochs"), 3);
    assert_eq!(value("model.freeze_encoder"), true);
    assert_eq!(value("training.lr"), 0.1);
    assert_eq!(value("views.kinds")[1], "repeat");
    assert_eq!(value("weights.sigma"), "literal");
    assert!(!plan.settings.contains_key("model.pooling") && plan.is_frozen());
}

#[test]
fn variants_are_methods_under_settings_of_their_own() {
    let plan = plan(&["--methods", "base", "--variant", "lane-8=lane,views.kinds=8"]).unwrap();
    assert_eq!(labels(&plan), ["base", "lane-8"]);
    assert_eq!(
        (&*plan.variants[1].method, &plan.variants[1].settings["views.kinds"]),
        ("lane", &8.into())
    );
}

#[test]
fn all_stands_for_the_methods_that_lane_lists() {
    assert_eq!(labels(&plan(&["--methods", "all"]).unwrap()), ["base", "lane", "broken"]);
}

#[test]
fn a_rate_outside_zero_to_one_is_refused() {
    assert!(Options::parsed(&["--noise", "20"]).unwrap_err().contains("not within 0 to 1"));
    assert!(Options::parsed(&["--noise", "0,x"]).unwrap_err().contains("not a number"));
}

#[test]
fn a_data_set_needs_a_folder_and_its_files_must_be_there() {
    let message = |arguments: &[&str]| plan(arguments).unwrap_err().to_string();
    assert!(message(&["--dataset", "trec6"]).contains("--data-dir"));
    assert!(message(&["--data-dir", "nowhere"]).contains("--dataset"));
    let missing = message(&["--data-dir", "nowhere", "--dataset", "trec6"]);
    assert!(missing.ends_with("nowhere/trec6/train.csv of `trec6`"), "{missing}");
}

#[test]
fn results_that_are_there_are_named_by_their_folder() {
    let options = Options::parsed(&["status", "results"]).unwrap();
    assert!(matches!(options.action, Some(Action::Status { .. })));
    assert!(Options::parsed(&["--seeds", "2", "status", "results"]).is_err());
}
