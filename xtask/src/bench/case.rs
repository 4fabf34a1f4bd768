//! The pieces of work that are timed, each as a command of ours and one of the rival's.

use std::path::{Path, PathBuf};

use super::contender::{Contender, Reading};
use super::files::Files;
use super::options::{Group, Plan};
use crate::shell::Invocation;

const WARMUP_STEPS: u32 = 3;
/// Batches of real texts differ in width, so more of them are taken in each round.
const TEXT_STEPS: u32 = 20;
const STEP_BAR: f64 = 0.8;
const EMBED_BAR: f64 = 0.7;
const TRAIN_BAR: f64 = 0.8;
const LANE_BAR: f64 = 2.0;
const MEMORY_BAR: f64 = 1.0;
/// `(shape, rows, tokens of a row)`.
const SHAPES: [(&str, u32, u32); 3] =
    [("minilm", 32, 64), ("minilm", 256, 32), ("bert-base", 8, 64)];

/// One piece of work.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) group: Group,
    pub(super) ours: Contender,
    pub(super) rival: Option<Contender>,
    pub(super) rival_name: &'static str,
    /// Largest ratio of times that will do.
    pub(super) bar: Option<f64>,
    /// Largest ratio of peak memory that will do.
    pub(super) memory_bar: Option<f64>,
    /// Whether its steps differ in size, so that they are compared one by one.
    pub(super) varies: bool,
}

impl Case {
    pub(super) fn rounds(&self, plan: &Plan) -> u32 {
        if self.group == Group::Memory { 1 } else { plan.rounds }
    }
}

/// What the two sides are started with.
pub(super) struct Programs<'a> {
    pub(super) lane: String,
    pub(super) python: Option<String>,
    scripts: PathBuf,
    files: Files,
    plan: &'a Plan,
}

impl<'a> Programs<'a> {
    pub(super) fn new(root: &Path, plan: &'a Plan, lane: &Path, python: Option<&Path>) -> Self {
        Self {
            lane: lane.display().to_string(),
            python: python.map(|path| path.display().to_string()),
            scripts: root.join("fixtures").join("reference"),
            files: Files::of(plan),
            plan,
        }
    }

    fn ours(&self, what: &[&str], options: Vec<String>) -> Invocation {
        Invocation::new(&*self.lane, what).with(options)
    }

    fn theirs(&self, script: &str, options: Vec<String>) -> Option<Invocation> {
        let script = self.scripts.join(script).display().to_string();
        Some(Invocation::new(self.python.clone()?, &[&script]).with(options))
    }

    fn keep(&self, name: &str, threads: u32, side: &str) -> PathBuf {
        let name = name.replace([' ', ','], "-");
        self.plan.out.join("raw").join(format!("{name}-t{threads}-{side}.json"))
    }

    /// The same options for `lane bench` and for bench.py.
    fn measured_alike(&self, work: Work, threads: u32) -> Case {
        let Work { name, group, command, options, reading, bar, rows_of_ours } = work;
        let [keep, rival_keep] = ["lane", "pytorch"].map(|side| self.keep(&name, threads, side));
        let call = self.ours(&["bench", command, "--json", "--quiet"], options.clone());
        let first = words(&["--threads", &threads.to_string(), command]);
        let mut rival = self.theirs("bench.py", first).map(|call| call.with(options));
        if rows_of_ours {
            let rows = ["--rows".to_owned(), keep.display().to_string()];
            rival = rival.map(|call| call.with(rows));
        }
        let rival =
            rival.map(|call| Contender { call, reading: reading.clone(), keep: rival_keep });
        Case {
            name,
            group,
            ours: Contender { call, reading, keep },
            rival,
            rival_name: "PyTorch",
            bar,
            memory_bar: Some(MEMORY_BAR),
            varies: rows_of_ours,
        }
    }

    fn step(&self, name: String, options: Vec<String>, threads: u32, of_texts: bool) -> Case {
        let steps = match (self.plan.quick, of_texts) {
            (false, true) => TEXT_STEPS,
            _ => self.plan.steps,
        };
        let counted = ["--warmup", &WARMUP_STEPS.to_string(), "--steps", &steps.to_string()]
            .map(str::to_owned);
        let work = Work {
            name,
            group: Group::Step,
            command: "step",
            options: [options, counted.to_vec()].concat(),
            reading: Reading::Steps,
            bar: Some(STEP_BAR),
            rows_of_ours: of_texts,
        };
        self.measured_alike(work, threads)
    }

    fn steps_of_shapes(&self, threads: u32) -> Vec<Case> {
        let of = |(shape, rows, width): (&str, u32, u32)| {
            let (rows, width) = (rows.to_string(), width.to_string());
            let options = ["--shape", shape, "--batch-size", &rows, "--width", &width];
            let name = format!("step {shape} b{rows} w{width}");
            self.step(name, words(&[&options[..], &["--dropout", "0.1"]].concat()), threads, false)
        };
        SHAPES.into_iter().map(of).collect()
    }

    fn steps_of_texts(&self, threads: u32) -> Vec<Case> {
        let Some((encoder, [train, _])) = self.files.news() else { return Vec::new() };
        let of = |(name, more): (&str, &[&str])| {
            let options = ["--encoder", encoder, "--data", &train, "--batch-size", "32"];
            let options = [&options[..], &["--dropout", "0.1"], more].concat();
            self.step(name.to_owned(), words(&options), threads, true)
        };
        [("step AG News b32", &[][..]), ("step AG News b32 unbucketed", &["--no-bucketing"])]
            .into_iter()
            .map(of)
            .collect()
    }

    fn embedding(&self, threads: u32) -> Option<Case> {
        let (encoder, [train, validation]) = self.files.news()?;
        let options = ["--encoder", encoder, "--data", &train, "--data", &validation];
        let more = ["--max-rows", "10000", "--max-length", "128", "--pooling", "mean"];
        let work = Work {
            name: "embed AG News texts".to_owned(),
            group: Group::Embed,
            command: "embed",
            options: words(&[&options[..], &more].concat()),
            reading: Reading::Whole,
            bar: Some(EMBED_BAR),
            rows_of_ours: false,
        };
        Some(self.measured_alike(work, threads))
    }

    /// `lane train` on trec6; both sides evaluate every epoch and save what they trained.
    fn our_training(&self, case: &str, method: &str, threads: u32) -> Option<Contender> {
        let (encoder, files) = self.files.questions()?;
        let out = self.plan.out.join("runs").join(format!("{case}-{method}-t{threads}"));
        let folder = out.display().to_string();
        let own = ["--method", method, "--pooling", "cls", "--out", &folder, "--force", "--quiet"];
        let options = [files, trained_alike(encoder), words(&own)].concat();
        let reading = Reading::Process { record: out.join("record.json") };
        let keep = self.keep(&format!("{case} {method}"), threads, "lane");
        Some(Contender { call: self.ours(&["train"], options), reading, keep })
    }

    fn their_training(&self, threads: u32) -> Option<Contender> {
        let (encoder, files) = self.files.questions()?;
        let record = self.keep("train report", threads, "pytorch");
        let saved = self.plan.out.join("runs").join(format!("pytorch-t{threads}"));
        let (report, saved, n) =
            (record.display().to_string(), saved.display().to_string(), threads.to_string());
        let own = ["--threads", &n, "--nondeterministic", "--out", &report, "--save", &saved];
        let options = [files, trained_alike(encoder), words(&own)].concat();
        Some(Contender {
            call: self.theirs("train_base.py", options)?,
            reading: Reading::Process { record },
            keep: self.keep("train", threads, "pytorch"),
        })
    }

    fn training(&self, threads: u32) -> Option<Case> {
        Some(Case {
            name: "train base, trec6, 2 epochs".to_owned(),
            group: Group::Train,
            ours: self.our_training("train", "base", threads)?,
            rival: self.their_training(threads),
            rival_name: "PyTorch",
            bar: Some(TRAIN_BAR),
            memory_bar: Some(MEMORY_BAR),
            varies: false,
        })
    }

    fn lane_against_base(&self, threads: u32) -> Option<Case> {
        Some(Case {
            name: "train lane, trec6, 2 epochs".to_owned(),
            group: Group::Lane,
            ours: self.our_training("lane", "lane", threads)?,
            rival: Some(self.our_training("lane", "base", threads)?),
            rival_name: "our base",
            bar: Some(LANE_BAR),
            memory_bar: None,
            varies: false,
        })
    }
}

/// What is measured by `lane bench` and bench.py alike.
struct Work {
    name: String,
    group: Group,
    command: &'static str,
    options: Vec<String>,
    reading: Reading,
    bar: Option<f64>,
    /// Whether the rival takes the batches that ours drew.
    rows_of_ours: bool,
}

/// Options that `lane train` and `train_base.py` share.
fn trained_alike(encoder: &str) -> Vec<String> {
    let fixed = ["--epochs", "2", "--batch-size", "32", "--lr", "2e-5", "--max-length", "128"];
    words(&[&["--encoder", encoder, "--seed", "1"], &fixed[..]].concat())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// The cases of the plan at one number of threads.
pub(super) fn all(plan: &Plan, programs: &Programs<'_>, threads: u32) -> Vec<Case> {
    let steps = || [programs.steps_of_shapes(threads), programs.steps_of_texts(threads)].concat();
    let mut cases = Vec::new();
    for group in &plan.groups {
        match group {
            Group::Step => cases.extend(steps()),
            Group::Embed => cases.extend(programs.embedding(threads)),
            Group::Train => cases.extend(programs.training(threads)),
            Group::Lane => cases.extend(programs.lane_against_base(threads)),
            Group::Memory => cases.extend(steps().into_iter().map(for_memory)),
        }
    }
    cases
}

/// The same case, judged by its memory alone.
fn for_memory(case: Case) -> Case {
    let name = case.name.replacen("step", "memory", 1);
    Case { name, group: Group::Memory, bar: None, ..case }
}
