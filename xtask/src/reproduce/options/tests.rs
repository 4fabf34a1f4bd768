//! Options and the plans they make.

use super::*;
use crate::reproduce::profile::names_in;
use crate::reproduce::training_data::read_table;
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
fn a_title_names_the_encoder_and_not_where_it_lies() {
    let title = |encoder: &str| plan(&["--encoder", encoder]).unwrap().title;
    assert!(title("some/where/minilm").contains("encoder `minilm`"));
    assert!(title("hub:org/name").contains("encoder `hub:org/name`"));
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
fn every_target_goes_with_the_built_in_corpus() {
    let names = names_in(&root().join("xtask/targets")).unwrap();
    assert_eq!(names.len(), 12, "{names:?}");
    for name in names {
        let plans = Options::parsed(&[&name]).unwrap().plans(&root(), &lane()).unwrap();
        assert!(plans.iter().all(|(plan, _)| plan.n_cells() > 0), "{name}");
    }
}

/// Methods that train, rates and data sets of a table as the paper has it.
fn published(table: u8) -> [Vec<String>; 3] {
    let cells = read_table(&root().join("fixtures/paper/tables.csv")).unwrap();
    ["method", "noise_rate", "dataset"].map(|name| {
        let (at, of_table) = (cells.required(name).unwrap(), cells.required("table").unwrap());
        let in_table = cells.rows.iter().filter(|row| row[of_table] == table.to_string());
        let mut values: Vec<String> = in_table.map(|row| row[at].clone()).collect();
        values.retain(|value| !["chatgpt", "llama-2"].contains(&&**value));
        values.sort();
        values.dedup();
        values
    })
}

#[test]
fn the_target_of_a_table_covers_its_published_cells() {
    for table in 2..=8 {
        let target = Target::read(&root(), &format!("table{table}")).unwrap();
        assert_eq!(target.paper_tables, [table]);
        let rates = target.noise.iter().map(ToString::to_string).collect();
        let mut own = [target.methods, rates, target.data_sets];
        for values in &mut own {
            values.sort();
        }
        assert_eq!(own, published(table), "Table {table}");
    }
}

#[test]
fn a_target_says_what_and_a_profile_how() {
    let plan = plan(&["table8", "--seeds", "2"]).unwrap();
    assert_eq!(labels(&plan), ["lane-fixed-mu0", "lane-fixed-mu-1", "lane"]);
    assert_eq!((&*plan.noise, &*plan.paper_tables, plan.seeds), (&[0.2][..], &[8][..], 2));
    assert_eq!(plan.settings["model.pooling"], "mean");
    let out = Options::parsed(&["table8"]).unwrap().out(&root());
    assert!(out.ends_with("target/reproduce/table8-builtin"), "{}", out.display());
}

#[test]
fn options_narrow_a_target() {
    let plan = plan(&["table3", "--methods", "base", "--noise", "0.1"]).unwrap();
    assert_eq!((labels(&plan), &*plan.noise), (vec!["base"], &[0.1][..]));
}

#[test]
fn a_target_takes_those_of_its_data_sets_that_are_there_and_says_what_stands_in() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["goemotions27", "sst5", "trec6"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
        for split in SPLITS {
            std::fs::write(folder.path().join(name).join(format!("{split}.csv")), "").unwrap();
        }
    }
    let parent = folder.path().display().to_string();
    let plan = plan(&["table2", "--data-dir", &parent]).unwrap();
    let names: Vec<_> =
        plan.data_sets.iter().map(|it| (&*it.name, it.paper.as_deref().unwrap())).collect();
    assert_eq!(names, [("goemotions27", "goemotions"), ("sst5", "sst5")]);
    assert!(plan.departs.last().unwrap().starts_with("`goemotions27` is"), "{:?}", plan.departs);
}

#[test]
fn a_target_without_any_of_its_data_sets_says_where_to_get_one() {
    let folder = tempfile::tempdir().unwrap();
    let parent = folder.path().display().to_string();
    let message = plan(&["table5", "--data-dir", &parent]).unwrap_err().to_string();
    assert!(message.contains("ag_news") && message.contains("lane data fetch"), "{message}");
}

#[test]
fn each_kind_of_noise_is_a_data_set_of_its_own() {
    let plan = plan(&["detection"]).unwrap();
    let kinds: Vec<_> =
        plan.data_sets.iter().map(|it| (&*it.name, it.noise_kind.as_deref().unwrap())).collect();
    assert_eq!(kinds, [("builtin", "uniform"), ("builtin-pairwise", "pairwise")]);
    assert_eq!(plan.settings["cross_validation.folds"], 5);
}

#[test]
fn everything_is_several_plans_in_folders_of_their_own() {
    let plans = Options::parsed(&["all"]).unwrap().plans(&root(), &lane()).unwrap();
    let folders: Vec<_> = plans.iter().map(|(_, out)| out.file_name().unwrap()).collect();
    assert_eq!(folders, ["tables", "table1", "detection"]);
}

#[test]
fn a_target_that_is_not_there_is_answered_with_those_that_are() {
    let message = plan(&["table9"]).unwrap_err().to_string();
    assert!(message.starts_with("no target `table9`, expected one of all,"), "{message}");
}

#[test]
fn a_language_model_needs_a_name_in_the_tables_and_one_at_the_server() {
    let plan = plan(&["table7", "--few-shot", "chatgpt=--model m --runs 2"]).unwrap();
    assert_eq!(plan.methods().collect::<Vec<_>>(), ["lane", "chatgpt"]);
    assert_eq!(plan.language_models[0].arguments, ["--model", "m", "--runs", "2"]);
    let message = Options::parsed(&["--few-shot", "chatgpt=--runs 2"]).unwrap_err();
    assert!(message.contains("--model NAME"), "{message}");
}

#[test]
fn results_that_are_there_are_named_by_their_folder() {
    let options = Options::parsed(&["status", "results"]).unwrap();
    assert!(matches!(options.action, Some(Action::Status { .. })));
    assert!(Options::parsed(&["--seeds", "2", "status", "results"]).is_err());
}
