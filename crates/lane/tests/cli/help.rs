//! What `lane` says of itself.

use crate::support::Place;

#[test]
fn every_command_has_help() {
    let place = Place::new();
    let all = place.lane("--help").succeeded();
    for command in [
        "train",
        "evaluate",
        "predict",
        "audit",
        "noise",
        "review",
        "apply",
        "translate",
        "few-shot",
        "rescore",
        "cells",
        "run-cell",
        "import",
        "export",
        "bench",
        "data",
        "methods",
        "devices",
    ] {
        assert!(all.stdout.contains(&format!("\n  {command} ")), "{command}: {}", all.stdout);
        let one = place.lane(&format!("{command} --help")).succeeded();
        assert!(one.stdout.contains(&format!("Usage: lane {command}")) && one.stderr.is_empty());
    }
    for what in ["bench step", "bench embed", "data show", "data fetch"] {
        let one = place.lane(&format!("{what} --help")).succeeded();
        assert!(one.stdout.contains("Examples:") && one.stderr.is_empty());
    }
    assert_eq!(place.names(), [""; 0]);
}

#[test]
fn the_methods_are_listed_by_the_names_that_train_takes() {
    let said = Place::new().lane("methods").succeeded();
    insta::assert_snapshot!(said.stdout, @r"
    base                   plain cross-entropy on the given labels
    lane                   Gaussian weights from averaged label-aware margins, with a label-aware contrastive loss
    lane-sim               lane with the plain margin (AUM) in place of the label-aware one
    lane-alm               lane without weights: both auxiliary terms only
    lane-fixed-mu0         lane with the threshold fixed at mean 0, deviation 1
    lane-fixed-mu-1        lane with the threshold fixed at mean -1, deviation 1
    margin-mixture         weights from a two-component mixture over averaged margins (not in the paper)
    cartography-easy       train twice: the second time on the third that was easiest to learn
    cartography-hard       train twice: the second time on the third that was hardest to learn
    cartography-ambiguous  train twice: the second time on the third whose label was believed most on and off
    noise-layer            a learnt matrix of label confusions on top of the classifier
    peer-loss              cross-entropy less that of texts and labels paired at random
    aum                    two runs with threshold samples, then a third without the rows below the threshold
    scl                    cross-entropy beside a supervised contrastive loss
    lcl                    cross-entropy beside a contrastive loss weighted by a helper network
    hmw                    weights from the history of angles between a text and the classes
    co-teaching            two networks, each trained on the rows the other finds easiest
    dividemix              two networks that split the rows by loss and mix labelled with unlabelled ones
    disc                   sorts rows into clean, hard and corrected by two views and thresholds of their own
    unicon                 two networks, as many clean rows from every class, mixing and a contrastive loss
    blurry                 Blurry Loss: cross-entropy times a power of the label's probability
    piecewise-zero         Piecewise-zero Loss: no loss on labels below a probability
    focal                  focal loss: less on labels already believed
    gce                    generalized cross-entropy, between cross-entropy and MAE
    mae                    mean absolute error of the label's probability
    sce                    symmetric cross-entropy: cross-entropy and its reverse
    nce-rce                normalized and reverse cross-entropy, an active and a passive loss
    anl-ce                 normalized cross-entropy with its negative counterpart
    anl-fl                 normalized focal loss with its negative counterpart
    ");
}

#[test]
fn lists_as_json_hold_name_and_description() {
    let place = Place::new();
    for command in ["methods", "devices"] {
        let list = place.lane(&format!("{command} --json")).succeeded().json();
        for entry in list.as_array().unwrap() {
            assert!(entry["name"].is_string() && entry["description"].is_string(), "{entry}");
        }
    }
}

#[test]
fn the_devices_are_listed_with_what_this_build_and_this_machine_have_of_them() {
    let place = Place::new();
    let devices = place.lane("devices --json").json();
    let flex = &devices[0];
    assert_eq!((&flex["name"], &flex["in_build"]), (&"flex".into(), &true.into()));
    assert_eq!((&flex["present"], &flex["exact"]), (&true.into(), &true.into()));
    assert!(flex["cpu"]["simd"].is_string() && 0 < flex["cpu"]["threads"].as_u64().unwrap());
    let recommended = |entry: &&serde_json::Value| entry["recommended"] == true;
    let recommended = devices.as_array().unwrap().iter().find(recommended).unwrap();

    let said = place.lane("devices").succeeded().stdout;
    let marked = said.lines().find(|line| line.contains(" * ")).unwrap();
    assert!(marked.starts_with(recommended["name"].as_str().unwrap()), "{said}");
    for backend in ["flex", "tch", "wgpu", "cuda"] {
        assert!(said.lines().any(|line| line.starts_with(backend)), "{backend}: {said}");
    }
}

#[test]
fn no_command_at_all_is_wrong_usage() {
    let said = Place::new().lane("");
    assert_eq!(said.code, 2);
    assert!(said.stdout.is_empty() && said.stderr.contains("Usage: lane"));
}
