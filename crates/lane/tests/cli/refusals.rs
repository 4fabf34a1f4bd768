//! What is wrong in what the user gave: exit code 2, said plainly, nothing written.

use crate::support::Place;

#[track_caller]
fn refused(place: &Place, line: &str, answers: &[&str]) {
    let before = place.names();
    let said = place.lane(line);
    assert_eq!(said.code, 2, "{line}: {}", said.stderr);
    assert!(said.stdout.is_empty(), "{line}: {}", said.stdout);
    for answer in answers {
        assert!(said.stderr.contains(answer), "{line}: no {answer:?} in {}", said.stderr);
    }
    assert_eq!(place.names(), before, "{line}");
}

#[test]
fn an_unknown_column_is_answered_with_those_there_are_and_the_nearest() {
    let place = Place::new().with_noise();
    refused(
        &place,
        "train --train noisy.csv --out run --text-column texts",
        &[
            "no column `texts`; the columns are `id`, `text`, `label`, `gold`, `flipped`",
            "did you mean column `text`?",
        ],
    );
    refused(
        &place,
        "train --train noisy.csv --out run --gold-column truth",
        &["no column `truth`"],
    );
}

#[test]
fn unknown_names_are_answered_with_the_known_ones() {
    let place = Place::new().with_noise();
    for (rest, answers) in [
        ("--method lame", ["lame", "margin-mixture"]),
        ("--device gpu", ["gpu", "flex, tch, wgpu, cuda"]),
        ("--pooling max", ["max", "mean"]),
        ("--set training.epoch=3", ["unknown field `epoch`", "epochs"]),
        ("--set trainig.epochs=3", ["unknown field `trainig`", "training"]),
        ("--set training.epochs", ["--set", "key=value"]),
        ("--set weights.sigma=wide", ["wide", "literal"]),
        ("--epoch 3", ["--epoch", "--epochs"]),
    ] {
        refused(&place, &format!("train --train noisy.csv --out run {rest}"), &answers);
    }
}

#[test]
fn a_device_that_is_not_built_or_not_there_is_refused_before_anything_is_written() {
    let place = Place::new().with_noise();
    let built = [cfg!(feature = "tch"), cfg!(feature = "wgpu"), cfg!(feature = "cuda")];
    for (device, built) in ["tch", "wgpu:77", "cuda:77"].into_iter().zip(built) {
        let train = format!("train --train noisy.csv --out run --device {device}");
        let feature = format!("--features {}", device.split(':').next().unwrap());
        match (device, built) {
            (_, false) => refused(&place, &train, &[&feature, "`lane devices`"]),
            ("tch", true) => {}
            (_, true) => refused(&place, &train, &[device, "on this machine", "`lane devices`"]),
        }
    }
}

#[test]
fn values_out_of_range_are_answered_with_the_range() {
    let place = Place::new().with_noise();
    for (rest, key) in [
        ("--epochs 0", "`training.epochs` is 0, expected a number above 0"),
        ("--batch-size 0", "`training.batch_size` is 0"),
        ("--lr=-1", "`training.lr` is -1"),
        ("--max-length 2", "`model.max_length` is 2"),
        (
            "--set lane.alm_skip_epochs=15",
            "`lane.alm_skip_epochs` is 15, expected fewer than the 15 epochs",
        ),
        ("--freeze-encoder", "`model.freeze_encoder` is true, expected a pretrained encoder"),
    ] {
        refused(&place, &format!("train --train noisy.csv --out run {rest}"), &[key]);
    }
}

#[test]
fn missing_files_are_named() {
    let place = Place::new().with_noise();
    refused(&place, "train --train no.csv --out run", &["no.csv"]);
    refused(&place, "train --train noisy.csv --test no.csv --out run", &["no.csv"]);
    refused(&place, "train --train noisy.csv --encoder nowhere --out run", &["nowhere"]);
    refused(&place, "train --config no.toml --out run", &["no.toml"]);
    refused(&place, "evaluate --model nowhere --data noisy.csv", &["nowhere"]);
    refused(&place, "predict --model nowhere --data noisy.csv --out p.csv", &["nowhere"]);
    refused(&place, "noise --data no.csv --rate 0.2 --out n.csv", &["no.csv"]);
    refused(&place, "train --out run", &["--train <FILE>"]);
}

#[test]
fn a_bench_that_cannot_be_meant_is_refused() {
    let place = Place::new().with_noise();
    for (rest, answer) in [
        ("step", "--shape <SHAPE>"),
        ("step --shape bert-huge", "`--shape` is bert-huge, expected one of minilm, bert-base"),
        ("step --shape minilm --encoder tiny", "--encoder"),
        ("step --shape minilm --data noisy.csv", "a shape has no tokenizer"),
        ("step --shape minilm --width 513", "`--width` is 513, expected at most 512"),
        ("step --shape minilm --width 2", "`--width` is 2"),
        ("step --encoder tiny --batch-size 0", "`--batch-size` is 0"),
        ("step --encoder tiny --steps 0", "`--steps` is 0"),
        ("step --encoder tiny --dropout -1", "`--dropout` is -1"),
        ("step --encoder tiny --device abacus", "abacus"),
        ("step --encoder tiny --no-bucketing", "--data <FILE>"),
        ("step --encoder tiny --data no.csv", "no.csv"),
        ("step --encoder nowhere", "nowhere"),
        ("embed --encoder tiny --data noisy.csv", "a pretrained encoder"),
        ("embed --encoder nowhere --data noisy.csv", "nowhere"),
        ("embed --encoder nowhere --data noisy.csv --pooling max", "`--pooling` is max"),
        ("embed --encoder nowhere --data noisy.csv --max-rows 0", "`--max-rows` is 0"),
    ] {
        refused(&place, &format!("bench {rest}"), &[answer]);
    }
}

#[test]
fn a_label_that_training_does_not_know_is_refused_before_training() {
    let place = Place::new();
    place.write("train.csv", "text,label\none fine day,good\na bad day,poor\n");
    place.write("test.csv", "text,label\na fine evening,good\nso so,middling\n");
    for split in ["test", "validation"] {
        refused(
            &place,
            &format!("train --train train.csv --{split} test.csv --out run"),
            &[
                "test.csv, line 3, column `label`: label `middling` does not occur in the training data",
            ],
        );
    }
}

#[test]
fn data_that_cannot_be_learnt_from_is_refused() {
    let place = Place::new();
    place.write("lone.csv", "text,label\none,same\ntwo,same\n");
    place.write("empty.csv", "text,label\n");
    place.write("ragged.csv", "text,label\none,a,b\n");
    for (file, answer) in [
        ("lone.csv", "every row has the label `same`"),
        ("empty.csv", "the file has no rows"),
        ("ragged.csv", "line 2: the number of fields is 3, expected 2"),
    ] {
        refused(&place, &format!("train --train {file} --out run"), &[answer]);
    }
}
