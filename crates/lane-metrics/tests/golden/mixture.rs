//! `dividemix.json`: the two mixtures over losses, fitted elsewhere by the same rounds and by
//! scikit-learn.

use lane_metrics::mixture::{self, MixtureConfig};

use crate::file::{check, check_all, flags, list, number, numbers, read, stated};

fn check_case(case: &str) {
    let file = read("dividemix.json");
    let tolerance = stated(&file);
    let expected = &file["expected"][case];
    let values = numbers(&expected["raw"]);
    let mixture = mixture::fit(&values, &MixtureConfig::default()).unwrap();

    check_all("means", &mixture.means, &expected["means"], tolerance);
    check_all("variances", &mixture.variances, &expected["variances"], tolerance);
    check_all("proportions", &mixture.proportions, &expected["weights"], tolerance);
    assert_eq!(Some(u64::from(mixture.iterations)), expected["iterations"].as_u64());
    for (max_iterations, bound) in (1..).zip(list(&expected["lower_bounds"])) {
        let stopped = MixtureConfig { max_iterations, ..MixtureConfig::default() };
        let so_far = mixture::fit(&values, &stopped).unwrap().log_likelihood;
        check("log-likelihood", so_far, number(bound), tolerance);
    }
    let last = list(&expected["lower_bounds"]).last().unwrap();
    check("log-likelihood in the end", mixture.log_likelihood, number(last), tolerance);
    assert!(mixture.converged);

    let lower: Vec<_> = values.iter().map(|&it| mixture.posterior_lower(it)).collect();
    check_all("posterior", &lower, &expected["prob_small_mean"], tolerance);
    let labeled: Vec<_> = lower.iter().map(|&it| it > 0.5).collect();
    assert_eq!(labeled, flags(&expected["labeled"]));
    for (lower, &value) in lower.iter().zip(&values) {
        check("the other posterior", mixture.posterior_upper(value), 1.0 - lower, tolerance);
    }
}

#[test]
fn two_kinds_far_apart_agree() {
    check_case("separated");
}

#[test]
fn two_kinds_that_overlap_agree() {
    check_case("overlap");
}
