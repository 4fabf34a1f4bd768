//! A training that goes beyond all numbers, as its user sees it.

use crate::support::Place;

#[test]
fn a_run_that_diverges_says_where_what_is_left_and_how_to_go_on_with_a_smaller_rate() {
    let place = Place::new();
    let said = place.lane(
        "train --train {built-in}/train.csv --validation {built-in}/validation.csv --method lane \
         --lr 1e8 --epochs 30 --checkpoint-every 1 --out run --quiet",
    );
    assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{}", said.stderr);
    let start = said.stderr.split_once("training diverged in epoch ").unwrap().1;
    assert!(start.contains(" became NaN or infinite for rows "), "{}", said.stderr);
    assert!(start.contains("the last good checkpoint is `run/checkpoint/0000000"), "{start}");
    let hint = "`lane train --config run/config.toml --lr 1.0e7 --out OTHER`";
    assert!(start.contains(hint), "{start}");
    assert_eq!(place.names(), ["run"]);
    assert!(!place.path("run/result.json").exists() && !place.path("run/model").exists());

    // What the hint says works, with a rate that does.
    place.lane("train --config run/config.toml --lr 1e-4 --epochs 1 --out other").succeeded();
    let again = place.lane("train --resume run --quiet");
    assert_eq!((again.code, again.stderr), (1, said.stderr));
}
