//! `lane.json`: margins, label-aware margins, averages, statistics and every weight, over two
//! epochs of four rows.

use lane_metrics::averages::Visit;
use lane_metrics::weights::{
    self, MarginWeights, NegativeStatistics, Quantity, Sigma, Statistics, Threshold, VarianceOf,
    WeightConfig,
};
use lane_metrics::{
    ClassId, Logits, MetricsError, Probabilities, RowId, label_aware, margin, softmax,
};
use serde_json::Value;

use crate::file::{
    F32, Tolerance, check, check_all, classes, indices, list, matrix, number, numbers, read, stated,
};

const N_CLASSES: usize = 3;

struct Golden {
    file: Value,
    labels: Vec<ClassId>,
}

impl Golden {
    fn read() -> Self {
        let file = read("lane.json");
        Self { labels: classes(&file["inputs"]["y"]), file }
    }

    fn expected(&self, epoch: usize) -> &Value {
        &self.file["expected"]["per_epoch"][epoch]
    }

    fn classifier(&self, epoch: usize) -> Vec<f32> {
        matrix(&self.file["inputs"]["logits_theta"][epoch])
    }

    fn auxiliary(&self, epoch: usize) -> Vec<f32> {
        let logits = matrix(&self.file["inputs"]["logits_pi"][epoch]);
        softmax::of_logits(Logits::new(&logits, N_CLASSES).unwrap())
    }

    /// One batch of an epoch, rows as given.
    fn update(&self, weights: &mut MarginWeights, epoch: usize, rows: &[usize]) -> Vec<Visit> {
        let pick = |values: &[f32]| -> Vec<f32> {
            rows.iter().flat_map(|&row| values[row * N_CLASSES..][..N_CLASSES].to_vec()).collect()
        };
        let (z, w) = (pick(&self.classifier(epoch)), pick(&self.auxiliary(epoch)));
        let ids: Vec<_> = rows.iter().map(|&row| RowId(row as u32)).collect();
        let labels: Vec<_> = rows.iter().map(|&row| self.labels[row]).collect();
        let mut visits = Vec::new();
        weights
            .update_with(
                &ids,
                &labels,
                Logits::new(&z, N_CLASSES).unwrap(),
                Some(Probabilities::new(&w, N_CLASSES).unwrap()),
                |position, visit| {
                    assert_eq!(position, visits.len());
                    visits.push(*visit);
                },
            )
            .unwrap();
        visits
    }

    /// A store after whole epochs, each in one batch.
    fn after(&self, n_epochs: usize, config: &WeightConfig) -> MarginWeights {
        let mut weights = MarginWeights::new(4, config.clone()).unwrap();
        for epoch in 0..n_epochs {
            weights.start_epoch();
            self.update(&mut weights, epoch, &[0, 1, 2, 3]);
        }
        weights
    }
}

fn weights_of(weights: &MarginWeights, n_rows: u32) -> Vec<f64> {
    (0..n_rows).map(|row| weights.weight(RowId(row))).collect()
}

/// The weight variants of the file, each with the name of its expected values.
fn variants(quantity: Quantity) -> Vec<(&'static str, WeightConfig)> {
    let default = WeightConfig { quantity, ..WeightConfig::default() };
    let fixed = |mean| Threshold::Fixed { mean, sigma: 1.0 };
    vec![
        ("lambda_default", default.clone()),
        ("lambda_literal_eq4_eq6", WeightConfig { sigma: Sigma::Literal, ..default.clone() }),
        (
            "lambda_below_mean_var",
            WeightConfig { variance: VarianceOf::BelowMean, ..default.clone() },
        ),
        ("lambda_fixed_mu0_sigma1", WeightConfig { threshold: fixed(0.0), ..default.clone() }),
        ("lambda_fixed_mu-1_sigma1", WeightConfig { threshold: fixed(-1.0), ..default }),
    ]
}

const METHODS: [(&str, Quantity, &str); 2] =
    [("lane", Quantity::Alm, "ALM"), ("lane_sim", Quantity::Aum, "AUM")];

#[test]
fn margins_and_rivals_agree() {
    let golden = Golden::read();
    for epoch in 0..2 {
        let z = golden.classifier(epoch);
        let margins = margin::of_batch(Logits::new(&z, N_CLASSES).unwrap(), &golden.labels);
        let margins = margins.unwrap();
        let values: Vec<_> = margins.iter().map(|it| f64::from(it.value)).collect();
        let rivals: Vec<_> = margins.iter().map(|it| f64::from(it.rival.0)).collect();
        check_all("M", &values, &golden.expected(epoch)["M"], F32);
        check_all("j", &rivals, &golden.expected(epoch)["j"], F32);
    }
}

#[test]
fn probabilities_and_label_aware_margins_agree() {
    let golden = Golden::read();
    for epoch in 0..2 {
        let expected = golden.expected(epoch);
        let w = golden.auxiliary(epoch);
        for (row, theirs) in list(&expected["w"]).iter().enumerate() {
            let ours: Vec<_> =
                w[row * N_CLASSES..][..N_CLASSES].iter().copied().map(f64::from).collect();
            check_all("w", &ours, theirs, F32);
        }
        let mut weights = golden.after(epoch, &WeightConfig::default());
        let visits = golden.update(&mut weights, epoch, &[0, 1, 2, 3]);
        let ours: Vec<_> =
            visits.iter().map(|it| f64::from(it.label_aware_margin.unwrap())).collect();
        check_all("LM", &ours, &expected["LM"], F32);
        let trailing: Vec<_> = visits.iter().map(|it| it.rival).collect();
        assert_eq!(trailing, [None, Some(ClassId(2)), Some(ClassId(0)), Some(ClassId(1))]);
    }
}

#[test]
fn label_aware_margins_from_logits_agree() {
    let golden = Golden::read();
    let expected = golden.expected(0);
    let auxiliary = matrix(&golden.file["inputs"]["logits_pi"][0]);
    let z = golden.classifier(0);
    let margins = margin::of_batch(Logits::new(&z, N_CLASSES).unwrap(), &golden.labels).unwrap();
    let rows = || margins.iter().zip(auxiliary.chunks(N_CLASSES));
    let inverse: Vec<_> =
        rows().map(|(margin, row)| label_aware::inverse_probability(row, margin.rival)).collect();
    check_all("1/w", &inverse, &golden.file["expected"]["inv_w_from_logits_epoch1"], F32);
    let ours: Vec<_> =
        rows().map(|(&margin, row)| f64::from(label_aware::of_logits(margin, row, 1e-6))).collect();
    check_all("LM", &ours, &expected["LM"], F32);
}

#[test]
fn averages_statistics_and_every_weight_agree_through_the_store() {
    let golden = Golden::read();
    for (n_epochs, (method, quantity, average)) in
        [1, 2].into_iter().flat_map(|n| METHODS.map(|method| (n, method)))
    {
        let expected = golden.expected(n_epochs - 1);
        for (variant, config) in variants(quantity) {
            let weights = golden.after(n_epochs, &config);
            let what = format!("{method}, epoch {n_epochs}, {variant}");
            check_all(&what, &weights_of(&weights, 4), &expected[method][variant], F32);

            let averages = weights.averages();
            let of_row = |row| match quantity {
                Quantity::Alm => averages.alm(RowId(row)).unwrap(),
                Quantity::Aum => averages.aum(RowId(row)).unwrap(),
            };
            let ours: Vec<_> = (0..4).map(of_row).collect();
            check_all(average, &ours, &expected[average], F32);
        }
    }
}

#[test]
fn statistics_and_every_weight_agree_in_f64() {
    let golden = Golden::read();
    let tolerance = stated(&golden.file);
    for (epoch, (method, quantity, average)) in
        [0, 1].into_iter().flat_map(|n| METHODS.map(|method| (n, method)))
    {
        let expected = golden.expected(epoch);
        let averages = numbers(&expected[average]);
        let all = NegativeStatistics::of_values(averages.iter().copied());
        let below = all.below_mean(averages.iter().copied());
        check_statistics(all, &expected[method]["stats_population"], tolerance);
        check_statistics(below, &expected[method]["stats_below_mean"], tolerance);
        for (variant, config) in variants(quantity) {
            let statistics = match config.variance {
                VarianceOf::Negatives => all,
                VarianceOf::BelowMean => below,
            };
            let ours: Vec<_> =
                averages.iter().map(|&it| weights::of_average(it, statistics, &config)).collect();
            check_all(variant, &ours, &expected[method][variant], tolerance);
        }
    }
}

#[track_caller]
fn check_statistics(ours: NegativeStatistics, theirs: &Value, tolerance: Tolerance) {
    assert_eq!(Some(ours.n), theirs["n"].as_u64());
    check("μ", ours.mean, theirs["mu"].as_f64().unwrap_or(0.0), tolerance);
    check("σ²", ours.variance, theirs["var"].as_f64().unwrap_or(0.0), tolerance);
}

#[test]
fn batch_level_weights_agree() {
    let config = WeightConfig { statistics: Statistics::Batch, ..WeightConfig::default() };
    by_batches(&config, "batch_level_epoch2");
}

#[test]
fn running_data_set_level_weights_agree() {
    by_batches(&WeightConfig::default(), "running_dataset_level_epoch2");
}

/// The first epoch whole, the second in batches of two, statistics and weights after each.
fn by_batches(config: &WeightConfig, case: &str) {
    let golden = Golden::read();
    let mut weights = golden.after(1, config);
    weights.start_epoch();
    for expected in list(&golden.file["expected"][case]) {
        let rows = indices(&expected["batch"]);
        golden.update(&mut weights, 1, &rows);
        check_statistics(weights.statistics(), expected, F32);
        let ids: Vec<_> = rows.iter().map(|&row| RowId(row as u32)).collect();
        let mut ours = vec![7.0; 9];
        weights.weights_of(&ids, &mut ours);
        let ours: Vec<_> = ours.into_iter().map(f64::from).collect();
        check_all(case, &ours, &expected["lambda"], F32);
        if !expected["alm_store"].is_null() {
            let store: Vec<_> =
                (0..4).map(|row| weights.averages().alm(RowId(row)).unwrap()).collect();
            check_all("ALM", &store, &expected["alm_store"], F32);
        }
    }
}

#[test]
fn edge_cases_agree() {
    let golden = Golden::read();
    let tolerance = stated(&golden.file);
    for (case, expected) in golden.file["expected"]["edge_cases"].as_object().unwrap() {
        let averages = numbers(&expected["alm"]);
        let statistics = NegativeStatistics::of_values(averages.iter().copied());
        check_statistics(statistics, expected, tolerance);
        let config = WeightConfig::default();
        let ours: Vec<_> =
            averages.iter().map(|&it| weights::of_average(it, statistics, &config)).collect();
        check_all(case, &ours, &expected["lambda"], tolerance);

        let through_the_store = store_of(&averages).unwrap();
        check_statistics(through_the_store.statistics(), expected, F32);
        let ours = weights_of(&through_the_store, averages.len() as u32);
        check_all(case, &ours, &expected["lambda"], F32);
    }
}

/// A store whose rows have these averages after one visit.
fn store_of(averages: &[f64]) -> Result<MarginWeights, MetricsError> {
    let logits: Vec<_> = averages.iter().flat_map(|&it| [it as f32, 0.0]).collect();
    let rows: Vec<_> = (0..averages.len() as u32).map(RowId).collect();
    let config = WeightConfig { quantity: Quantity::Aum, ..WeightConfig::default() };
    let mut weights = MarginWeights::new(averages.len(), config)?;
    let labels = vec![ClassId(0); averages.len()];
    weights.update(&rows, &labels, Logits::new(&logits, 2)?, None)?;
    Ok(weights)
}

#[test]
fn the_floor_binds_as_stated() {
    let golden = Golden::read();
    let case = &golden.file["expected"]["floor"];
    for (floor, expected) in
        [(1e-6, &case["LM_floor_1e-6"]), (1.0 / 3.0, &case["LM_floor_1_over_C"])]
    {
        let pairs = numbers(&case["M"]).into_iter().zip(numbers(&case["w_j"]));
        let ours: Vec<_> = pairs
            .map(|(value, w)| {
                let margin = margin::Margin { value: value as f32, rival: ClassId(1) };
                f64::from(label_aware::of_margin(margin, w as f32, floor))
            })
            .collect();
        check_all("LM", &ours, expected, F32);
    }
}

#[test]
fn table_1_of_the_paper_agrees() {
    let golden = Golden::read();
    let case = &golden.file["expected"]["paper_table1"];
    let margin = margin::Margin { value: number(&case["M"]) as f32, rival: ClassId(1) };
    let ours: Vec<_> = numbers(&case["implied_w_j"])
        .into_iter()
        .map(|w| f64::from(label_aware::of_margin(margin, w as f32, 1e-6)))
        .collect();
    check_all("LM", &ours, &case["LM"], F32);
    for (w, printed) in [(0.8955, -0.67), (0.5217, -1.15)] {
        assert!((label_aware::of_margin(margin, w, 1e-6) - printed).abs() < 0.005);
    }
}
