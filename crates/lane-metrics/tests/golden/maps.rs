//! `cartography.json`, the thresholds of `aum.json`, the weights of `hmw.json` and their annealing in
//! `schedules.json`.

use lane_metrics::RowId;
use lane_metrics::cartography::{DataMap, Look, MapConfig, MapPoint, Region, select};
use lane_metrics::hyperspherical_margin::{self, AnnealedWeights, Parts, SliceConfig};
use lane_metrics::threshold_samples::{self, Rule, SampleCount, ThresholdRun};
use serde_json::Value;

use crate::file::{check, check_all, classes, flags, indices, list, number, numbers, read, stated};

fn map(config: MapConfig) -> Vec<MapPoint> {
    let file = read("cartography.json");
    let (rows, correct) = (list(&file["inputs"]["p_assigned"]), &file["inputs"]["correct"]);
    let mut map = DataMap::new(rows.len(), config).unwrap();
    for (row, values) in rows.iter().enumerate() {
        let looks = numbers(values).into_iter().zip(flags(&correct[row]));
        for (epoch, (p_label, correct)) in (0..).zip(looks) {
            map.record(RowId(row as u32), epoch, Look { p_label, correct }).unwrap();
        }
    }
    map.points().unwrap()
}

fn of(points: &[MapPoint], pick: impl Fn(&MapPoint) -> f64) -> Vec<f64> {
    points.iter().map(pick).collect()
}

#[test]
fn the_quantities_of_a_data_map_agree() {
    let file = read("cartography.json");
    let (expected, tolerance) = (&file["expected"], stated(&file));
    let points = map(MapConfig::default());
    let agrees =
        |what: &str, values: Vec<f64>| check_all(what, &values, &expected[what], tolerance);
    agrees("confidence", of(&points, |it| it.confidence));
    agrees("variability_population_std", of(&points, |it| it.variability));
    agrees("correctness", of(&points, |it| it.correctness.into()));
    agrees("forgetfulness", of(&points, |it| it.forgetfulness.into()));
    agrees("threshold_closeness", of(&points, |it| it.threshold_closeness));
    let with_ci = map(MapConfig { include_ci: true, burn_out: None });
    agrees("variability_include_ci", of(&with_ci, |it| it.variability));
    let burnt_out = map(MapConfig { include_ci: false, burn_out: Some(2) });
    agrees("burn_out_2_confidence", of(&burnt_out, |it| it.confidence));
}

#[test]
fn the_rows_kept_of_a_data_map_agree() {
    let file = read("cartography.json");
    let points = map(MapConfig::default());
    let kept = |region, fraction| -> Vec<usize> {
        let rows = select(&points, region, fraction).unwrap();
        rows.into_iter().map(RowId::index).collect()
    };
    let regions = [
        (Region::Easy, "E2L_keep", "rank_confidence_desc"),
        (Region::Hard, "H2L_keep", "rank_confidence_asc"),
        (Region::Ambiguous, "AMG_keep", "rank_variability_desc"),
    ];
    for (region, third, ranking) in regions {
        let expected = &file["expected"];
        let fraction = number(&file["inputs"]["fraction"]);
        assert_eq!(kept(region, fraction), indices(&expected[third]), "{third}");
        assert_eq!(kept(region, 0.3319).len() as u64, expected["int(0.3319*6)"].as_u64().unwrap());
        let ranked = indices(&expected[ranking]);
        for n in 1..=ranked.len() {
            let mut first = ranked[..n].to_vec();
            first.sort_unstable();
            assert_eq!(kept(region, (n as f64 + 0.5).min(6.0) / 6.0), first, "{ranking}, {n}");
        }
    }
}

#[test]
fn thresholds_and_flags_agree() {
    let file = read("aum.json");
    let (inputs, expected) = (&file["inputs"], &file["expected"]);
    let (thresholds, aums) = (numbers(&inputs["threshold_aums"]), numbers(&inputs["sample_aums"]));
    let percentile = threshold_samples::percentile(&thresholds, 99.0).unwrap();
    let theirs = number(&expected["threshold_percentile99_linear"]);
    check("percentile", percentile, theirs, stated(&file));
    for (rule, key) in [
        (Rule::Percentile(99.0), "flag_percentile_rule_le"),
        (Rule::Count(0.01), "flag_author_rule_gt_1pct_of_threshold_samples_above"),
    ] {
        assert_eq!(rule.flags(&thresholds, &aums).unwrap(), flags(&expected[key]), "{key}");
    }
    let counts = &expected["n_threshold_samples_N=1000_C=10"];
    for (count, key) in
        [(SampleCount::Paper, "paper_N/(C+1)"), (SampleCount::Code, "author_code_N//C")]
    {
        assert_eq!(count.of(1000, 10) as u64, counts[key].as_u64().unwrap(), "{key}");
    }
}

#[test]
fn rows_kept_after_two_runs_agree() {
    let file = read("aum.json");
    let inputs = &file["expected"]["two_run_inputs"];
    let run = |number: u8| ThresholdRun {
        flagged: flags(&inputs[format!("flag{number}")]),
        ordinary: flags(&inputs[format!("nonthreshold{number}")]),
    };
    let kept = threshold_samples::keep(&[run(1), run(2)]).unwrap();
    assert_eq!(kept, flags(&file["expected"]["two_run_keep"]));
}

/// Distances of every row of an epoch from every class.
fn distances(inputs: &Value, epoch: usize) -> Vec<Vec<f64>> {
    let classes: Vec<Vec<f64>> = list(&inputs["class_weight_rows"]).iter().map(numbers).collect();
    let of_row = |row: &Value| {
        let features = numbers(row);
        let to = |class: &Vec<f64>| hyperspherical_margin::distance(&features, class).unwrap();
        classes.iter().map(to).collect()
    };
    list(&inputs["features"][epoch]).iter().map(of_row).collect()
}

fn hyperspherical_weights_agree(case: &str, alpha: f64, beta: f64) {
    let file = read("hmw.json");
    let (inputs, expected, tolerance) = (&file["inputs"], &file["expected"][case], stated(&file));
    let labels = classes(&inputs["y"]);
    let n_epochs = inputs["train_epochs"].as_u64().unwrap() as u32;
    let mut weights = AnnealedWeights::new(labels.len(), n_epochs).unwrap();
    for epoch in 0..2 {
        let distances = distances(inputs, epoch);
        let slices = |parts| -> Vec<f64> {
            let config = SliceConfig { alpha, beta, top_rate: number(&inputs["top_rate"]), parts };
            let rows = distances.iter().zip(&labels);
            rows.map(|(row, &label)| hyperspherical_margin::of_row(row, label, &config).unwrap())
                .collect()
        };
        let (both, margin, rivals) =
            (slices(Parts::Both), slices(Parts::Margin), slices(Parts::Rivals));
        check_all("slice", &both, &expected["slice_weight"][epoch], tolerance);
        for (row, parts) in list(&expected["parts_aum_tkum"][epoch]).iter().enumerate() {
            check_all("parts", &[margin[row], rivals[row]], parts, tolerance);
            weights.record(RowId(row as u32), epoch as u32, both[row]).unwrap();
        }
        match epoch {
            0 => check_all(
                "distance",
                &distances.concat(),
                &flat(&expected["distance_epoch0"]),
                tolerance,
            ),
            _ => check_all("rivals", &rivals, &expected["tkum_only_epoch1"], tolerance),
        }
    }
    let ours: Vec<f64> = (0..4).map(|row| weights.weight(RowId(row)).unwrap()).collect();
    check_all("annealed", &ours, &expected["final_weight_epoch1"], tolerance);
}

fn flat(rows: &Value) -> Value {
    list(rows).iter().flat_map(|row| list(row).to_vec()).collect()
}

#[test]
fn hyperspherical_margin_weights_agree() {
    hyperspherical_weights_agree("alpha=100.0,beta=100.0", 100.0, 100.0);
    hyperspherical_weights_agree("alpha=10.0,beta=2.0", 10.0, 2.0);
}

#[test]
fn shares_of_the_first_five_of_ten_epochs_agree() {
    let file = read("schedules.json");
    let share_of = |epoch: u32| {
        let mut weights = AnnealedWeights::new(1, 10).unwrap();
        // A weight of 1 in one epoch and 0 in the others leaves that epoch's share.
        for seen in 0..5 {
            weights.record(RowId(0), seen, f64::from(u8::from(seen == epoch))).unwrap();
        }
        weights.weight(RowId(0)).unwrap()
    };
    let ours: Vec<f64> = (0..5).map(share_of).collect();
    check_all("share", &ours, &file["expected"]["hmw_anneal_T10_at_epoch4"], stated(&file));
}
