//! Text files that are long, wide or deep, and things that are no files; made here.

use crate::place::Place;

const MEGABYTE: usize = 1_000_000;

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

fn wide(name: impl Fn(usize) -> String) -> String {
    (0..100_000).map(name).collect::<Vec<_>>().join(",")
}

fn noise(name: &str) -> (&str, String) {
    (name, format!("noise --data {name} --rate 0.5 --out noisy.csv"))
}

#[test]
fn data_that_is_long_wide_or_deep() {
    let place = Place::new();
    let long = "a ".repeat(5 * MEGABYTE);
    place.write("line_of_10_mb.csv", format!("text,label\n{long},good\nb,bad,more\n"));
    place.write("header_of_10_mb.csv", format!("{}\na\n", "x".repeat(10 * MEGABYTE)));
    place.write("columns_100000.csv", format!("{}\n", wide(|i| format!("c{i}"))));
    place.write("one_column_100000_times.csv", format!("{}\n", wide(|_| "text".into())));
    place.write("quotes_1000001.csv", format!("text,label\n{}\n", "\"".repeat(MEGABYTE + 1)));
    let name = "q".repeat(3 * MEGABYTE);
    place.write("label_of_3_mb.csv", format!("text,label\na,{name}\nb,{name}\n"));
    place.write("id_of_3_mb.csv", format!("id,text,label\n{name},a,x\n{name},b,y\n"));
    let classes: Vec<String> = (0..70_000).map(|i| format!("t,{i}")).collect();
    place.write("classes_70000.csv", format!("text,label\n{}\n", classes.join("\n")));
    let deep = nested(10_000);
    place.write("deep_text.jsonl", format!("{{\"text\":{deep},\"label\":\"x\"}}\n"));
    let objects = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    place.write("deep_objects.jsonl", format!("{objects}\n"));
    place.write("line_of_10_mb.jsonl", format!("{{\"text\":\"{long}\",\"label\":\"x\"\n"));
    place.write("keys_100000.jsonl", format!("{{{}}}\n", wide(|i| format!("\"k{i}\":1"))));
    let digits = "9".repeat(5 * MEGABYTE);
    place.write("number_of_5_mb.jsonl", format!("{{\"text\":\"a\",\"label\":{digits}}}\n"));
    insta::assert_snapshot!(
        place.report(
            [
                "line_of_10_mb.csv",
                "header_of_10_mb.csv",
                "columns_100000.csv",
                "one_column_100000_times.csv",
                "quotes_1000001.csv",
                "label_of_3_mb.csv",
                "id_of_3_mb.csv",
                "classes_70000.csv",
                "deep_text.jsonl",
                "deep_objects.jsonl",
                "line_of_10_mb.jsonl",
                "keys_100000.jsonl",
                "number_of_5_mb.jsonl",
            ]
            .map(noise)
        )
    );
}

#[test]
fn settings_that_are_long_or_deep() {
    let place = Place::new();
    place.write("deep_list.toml", format!("a = {}\n", nested(10_000)));
    place.write("deep_tables.toml", format!("[{}]\n", vec!["a"; 10_000].join(".")));
    let inline = format!("{}1{}", "{a=".repeat(10_000), "}".repeat(10_000));
    place.write("deep_inline.toml", format!("a = {inline}\n"));
    place.write("string_of_10_mb.toml", format!("x = \"{}\n", "a".repeat(10 * MEGABYTE)));
    place.write("deep.json", "[".repeat(10_000));
    let settings =
        format!("{{\"data\":[],\"variants\":[],\"settings\":{{\"a\":{}}}}}", nested(10_000));
    place.write("deep_setting.json", settings);
    let key = vec!["a"; 100_000].join(".");
    let data = "{\"name\":\"g\",\"noise\":0,\"seed\":1,\"train\":\"good.csv\"}";
    let variants = "[{\"method\":\"base\"}]";
    let dotted =
        format!("{{\"data\":[{data}],\"variants\":{variants},\"settings\":{{\"{key}\":1}}}}");
    place.write("long_key.json", dotted);
    place.write("deep.jsonl", format!("{}\n", "[".repeat(10_000)));
    place.write("long.jsonl", "{".repeat(10 * MEGABYTE));
    let train = |name: &'static str| (name, format!("train --config {name} --out run --quiet"));
    let cells = |name: &'static str| (name, format!("cells --grid {name}"));
    let cell = |name: &'static str| (name, format!("run-cell --cells {name} --index 0"));
    let flag = format!("train --train good.csv --out run --set {}=1", vec!["a"; 20_000].join("."));
    insta::assert_snapshot!(place.report([
        train("deep_list.toml"),
        train("deep_tables.toml"),
        train("deep_inline.toml"),
        train("string_of_10_mb.toml"),
        cells("deep.json"),
        cells("deep_setting.json"),
        ("`--set` with a long key, in a grid", "cells --grid long_key.json".into()),
        ("`--set` with a long key", flag),
        cell("deep.jsonl"),
        cell("long.jsonl"),
    ]));
}

#[test]
fn files_of_others_that_are_long_wide_or_deep() {
    let place = Place::new();
    let long = "x".repeat(10 * MEGABYTE);
    place.write("similarity_of_10_mb.csv", format!("{long}\n"));
    place.write("classes_100000.csv", format!("{}\n", wide(|i| format!("c{i}"))));
    place.write("id_of_10_mb.tsv", format!("{long}\ta\n{long}\tb\n"));
    place.write("number_of_10_mb.csv", format!("sample_id,aum\na,{}\n", "9".repeat(10 * MEGABYTE)));
    place.write("columns_100000.csv", format!("{}\n", wide(|i| format!("c{i}"))));
    let epoch = |name: &str, text: String| {
        place.write(&format!("{name}/dynamics_epoch_0.jsonl"), text);
    };
    let deep = nested(10_000);
    epoch("deep_logits", format!("{{\"guid\":\"a\",\"logits_epoch_0\":{deep},\"gold\":0}}\n"));
    let logits = vec!["0.5"; 70_000].join(",");
    let line = format!("{{\"guid\":\"a\",\"logits_epoch_0\":[{logits}],\"gold\":65536}}\n");
    epoch("logits_70000", line);
    epoch("keys_100000", format!("{{{}}}\n", wide(|i| format!("\"k{i}\":1"))));
    let line = format!("{{\"guid\":\"{long}\",\"logits_epoch_0\":[1,2],\"gold\":0}}\n");
    epoch("guid_of_10_mb", line.repeat(2));
    place.write("line_of_10_mb.jsonl", format!("{{\"key\":\"{long}\n"));
    place.write("deep.jsonl", format!("{}\n", "[".repeat(10_000)));
    let similarity = |name: &'static str| {
        let kind = "--kind class-conditional --similarity";
        (name, format!("noise --data good.csv {kind} {name} --rate 0.3 --out noisy.csv"))
    };
    let import = |name: &'static str| (name, format!("import {name} --out scores"));
    let translated = "train --train good.csv --views 8 --out run --back-translation";
    let replay = "few-shot --train good.csv --test good.csv --model m --shots 2 --runs 1 --out run --quiet --replay";
    insta::assert_snapshot!(place.report([
        similarity("similarity_of_10_mb.csv"),
        similarity("classes_100000.csv"),
        ("id_of_10_mb.tsv", format!("{translated} id_of_10_mb.tsv")),
        import("number_of_10_mb.csv"),
        import("columns_100000.csv"),
        import("deep_logits"),
        import("logits_70000"),
        import("keys_100000"),
        import("guid_of_10_mb"),
        ("line_of_10_mb.jsonl", format!("{replay} line_of_10_mb.jsonl")),
        ("deep.jsonl", format!("{replay} deep.jsonl")),
    ]));
}

/// A pipe that nobody writes to, a device without end, a folder, a link to itself: by every reader.
#[cfg(unix)]
#[test]
fn what_is_no_file_is_not_read() {
    let place = Place::new();
    let kinds = ["pipe", "zero", "folder", "loop"];
    for suffix in ["csv", "jsonl", "parquet", "toml", "tsv"] {
        let path = |kind: &str| place.path(&format!("{kind}.{suffix}"));
        let made = std::process::Command::new("mkfifo").arg(path("pipe")).status().unwrap();
        assert!(made.success());
        std::os::unix::fs::symlink("/dev/zero", path("zero")).unwrap();
        std::fs::create_dir(path("folder")).unwrap();
        std::os::unix::fs::symlink(path("loop"), path("loop")).unwrap();
    }
    let lines = [
        ("csv", "noise --data {} --rate 0.5 --out noisy.csv"),
        ("jsonl", "noise --data {} --rate 0.5 --out noisy.csv"),
        ("parquet", "noise --data {} --rate 0.5 --out noisy.csv"),
        ("csv", "train --train good.csv --test {} --out run --quiet"),
        ("toml", "train --config {} --out run --quiet"),
        ("tsv", "train --train good.csv --back-translation {} --views 8 --out run --quiet"),
        (
            "csv",
            "noise --data good.csv --kind class-conditional --similarity {} --rate 0.3 --out noisy.csv",
        ),
        ("csv", "cells --grid {}"),
        ("jsonl", "run-cell --cells {} --index 0"),
        ("csv", "train --train good.csv --encoder {} --out run --quiet"),
        (
            "jsonl",
            "few-shot --train good.csv --test good.csv --model m --shots 2 --runs 1 --replay {} --out run --quiet",
        ),
    ];
    let mut cases: Vec<(String, String)> = Vec::new();
    for (suffix, line) in lines {
        for kind in kinds {
            let name = format!("{kind}.{suffix}");
            cases.push((name.clone(), line.replace("{}", &name)));
        }
    }
    // A folder is what `import` expects.
    for kind in ["pipe", "zero", "loop"] {
        let name = format!("{kind}.csv");
        cases.push((name.clone(), format!("import {name} --out scores")));
    }
    let report = place.report(cases.iter().map(|(name, line)| (name.as_str(), line.clone())));
    insta::assert_snapshot!(report);
}
