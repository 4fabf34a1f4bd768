//! Places that cannot be written to, and text that must stay what it is.

use crate::place::{GOOD, Place};

/// What stands where a file is to be written is replaced if it is a file, and never otherwise.
#[cfg(unix)]
#[test]
fn only_files_are_replaced() {
    use std::os::unix::fs::symlink;
    let place = Place::new();
    place.write("precious.txt", "precious");
    place.write("folder.csv/inside", "precious");
    place.write("taken.noise.json/inside", "precious");
    place.write("aum.csv", "sample_id,aum\na,1\n");
    let pipe = std::process::Command::new("mkfifo").arg(place.path("pipe.csv")).status().unwrap();
    assert!(pipe.success());
    symlink("precious.txt", place.path("link.csv")).unwrap();
    symlink("nowhere", place.path("link_to_nothing.csv")).unwrap();
    symlink("/dev/null", place.path("link_to_a_device.csv")).unwrap();
    let long = format!("{}.csv", "o".repeat(300));
    let noise = |name: &'static str, rest: &str| {
        (name, format!("noise --data good.csv --rate 0.5 --quiet --out {rest}"))
    };
    let train = |name: &'static str, rest: &str| {
        (name, format!("train --train good.csv --epochs 1 --quiet --out {rest}"))
    };
    insta::assert_snapshot!(place.report([
        noise("link.csv", "link.csv"),
        noise("link.csv by force", "link.csv --force"),
        noise("link_to_nothing.csv", "link_to_nothing.csv"),
        noise("link_to_nothing.csv by force", "link_to_nothing.csv --force"),
        noise("link_to_a_device.csv by force", "link_to_a_device.csv --force"),
        noise("pipe.csv", "pipe.csv"),
        noise("pipe.csv by force", "pipe.csv --force"),
        noise("folder.csv", "folder.csv"),
        noise("folder.csv by force", "folder.csv --force"),
        noise("taken.noise.json where the record goes, by force", "taken.csv --force"),
        noise("nowhere/noisy.csv", "nowhere/noisy.csv"),
        noise("good.csv/noisy.csv", "good.csv/noisy.csv"),
        noise("oooo with a name of 300", &long),
        train("precious.txt", "precious.txt"),
        train("precious.txt by force", "precious.txt --force"),
        train("precious.txt/run", "precious.txt/run"),
        train("link_to_nothing.csv as a run", "link_to_nothing.csv"),
        train("pipe.csv as a run", "pipe.csv"),
        ("precious.txt for scores", "import aum.csv --out precious.txt".into()),
    ]));
}

#[test]
fn text_for_a_browser_stays_as_it_is() {
    let place = Place::new();
    let evil =
        r#"<script>alert(1)</script> <img src=x onerror="alert(2)"> =HYPERLINK('x') ]]> --> &lt;"#;
    let quoted = evil.replace('"', "\"\"");
    let row = |at: usize| {
        let label = ["<b onclick=x>", "\"\"'&amp;"][at % 2];
        format!("<i{at}>,\"{at} {quoted}\",\"{label}\"\n")
    };
    let rows: Vec<String> = (0..8).map(row).collect();
    place.write("evil.csv", format!("id,text,label\n{}", rows.concat()));
    let run = |line: &str| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_lane"))
            .args(line.split_whitespace())
            .current_dir(place.path(""))
            .env("RAYON_NUM_THREADS", "2")
            .env("LANE_CACHE", place.path("cache"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    run("noise --data evil.csv --rate 0.25 --out noisy.csv");
    run("train --train noisy.csv --test evil.csv --epochs 1 --method base --out run");
    run("predict --model run --data evil.csv --out predicted.csv");
    for file in ["noisy.csv", "run/labels.csv", "predicted.csv"] {
        let text = std::fs::read_to_string(place.path(file)).unwrap();
        for at in 0..8 {
            assert!(text.contains(&format!("<i{at}>,\"{at} {quoted}\"")), "{file}: {text}");
        }
        assert!(text.contains("<b onclick=x>"), "{file}: {text}");
    }
    assert_eq!(std::fs::read_to_string(place.path("good.csv")).unwrap(), GOOD);
}
