//! What can be asked of `cargo xtask reproduce`, and the plan that comes of it.

use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

use anyhow::{Result, ensure};
use clap::Args;

use super::cell::Cell;
use crate::corpus;

/// The name of the built-in corpus in tables and folders.
const BUILT_IN: &str = "builtin";
const SPLITS: [&str; 3] = ["train", "validation", "test"];

/// Without options: the quick run on the built-in corpus
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Folder with NAME/{train,validation,test}.csv
    #[arg(long, value_name = "DIR", requires = "dataset")]
    data_dir: Option<PathBuf>,
    /// Data sets in --data-dir
    #[arg(long, value_name = "NAME", value_delimiter = ',', requires = "data_dir")]
    dataset: Vec<String>,
    /// A folder, `hub:ORG/NAME`, or `tiny`
    #[arg(long, default_value = "tiny")]
    encoder: String,
    /// Shares of wrong labels to inject; at 0 a file with a `gold` column is used as it is
    #[arg(long, value_name = "RATE", value_delimiter = ',', default_value = "0.2", value_parser = rate)]
    noise: Vec<f64>,
    /// How the wrong labels are drawn
    #[arg(long, value_name = "KIND", default_value = "uniform")]
    noise_kind: String,
    /// Methods, as `lane methods` lists them
    #[arg(
        long,
        value_name = "METHOD",
        value_delimiter = ',',
        default_value = "base,lane,lane-sim,lane-alm,lane-fixed-mu0,lane-fixed-mu-1,margin-mixture"
    )]
    methods: Vec<String>,
    /// How many seeds: 1 to N
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// At most this many training rows, drawn anew for each seed
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_train: Option<u64>,
    /// Epochs of each run, instead of the default of `lane train`
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    epochs: Option<u64>,
    /// Compute the embeddings once and train a two-layer head
    #[arg(long)]
    freeze_encoder: bool,
    /// Where to compute, as `lane devices` lists it
    #[arg(long)]
    device: Option<String>,
    /// Runs at a time; each gets its share of the cores [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    jobs: Option<u64>,
    /// A setting passed to `lane train`, may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Folder to write into [default: target/reproduce/builtin, or .../data with --data-dir]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Run finished cells again
    #[arg(long)]
    force: bool,
    /// Use this binary instead of building `lane`
    #[arg(long, value_name = "FILE")]
    pub(super) lane: Option<PathBuf>,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..1.0).contains(&rate) { Ok(rate) } else { Err("not within 0 to 1".to_owned()) }
}

/// A data set: its name and the folder of its three files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DataSet {
    pub(super) name: String,
    pub(super) folder: PathBuf,
}

impl DataSet {
    pub(super) fn file(&self, split: &str) -> PathBuf {
        self.folder.join(format!("{split}.csv"))
    }
}

/// Checked options with every default filled in.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    pub(super) title: String,
    pub(super) data_sets: Vec<DataSet>,
    pub(super) noise: Vec<f64>,
    pub(super) noise_kind: String,
    pub(super) methods: Vec<String>,
    pub(super) seeds: u64,
    pub(super) max_train: Option<u64>,
    /// What every run of `lane train` is given besides files, method and seed.
    pub(super) settings: Vec<String>,
    pub(super) freeze_encoder: bool,
    pub(super) jobs: usize,
    pub(super) threads_per_job: usize,
    pub(super) out: PathBuf,
    pub(super) force: bool,
}

impl Options {
    /// The plan, once all files it needs are seen to be there.
    pub(super) fn plan(&self, root: &Path) -> Result<Plan> {
        let data_sets = self.data_sets(root);
        for data_set in &data_sets {
            for split in SPLITS {
                let file = data_set.file(split);
                ensure!(file.is_file(), "no file {} of `{}`", file.display(), data_set.name);
            }
        }
        let profile = if self.data_dir.is_some() { "data" } else { BUILT_IN };
        let default_out = || root.join("target").join("reproduce").join(profile);
        let n_cores = available_parallelism().map_or(1, usize::from);
        let mut plan = Plan {
            title: format!("encoder `{}`, {} noise", self.encoder, self.noise_kind),
            data_sets,
            noise: self.noise.clone(),
            noise_kind: self.noise_kind.clone(),
            methods: self.methods.clone(),
            seeds: self.seeds,
            max_train: self.max_train,
            settings: self.settings(),
            freeze_encoder: self.freeze_encoder,
            jobs: 1,
            threads_per_job: 1,
            out: absolute(&self.out.clone().unwrap_or_else(default_out)),
            force: self.force,
        };
        let wanted = self.jobs.map_or(n_cores, |jobs| jobs as usize);
        plan.jobs = wanted.min(plan.cells().len()).max(1);
        plan.threads_per_job = (n_cores / plan.jobs).max(1);
        Ok(plan)
    }

    fn data_sets(&self, root: &Path) -> Vec<DataSet> {
        let Some(folder) = &self.data_dir else {
            let folder = root.join(corpus::FOLDER);
            return vec![DataSet { name: BUILT_IN.to_owned(), folder }];
        };
        let data_set =
            |name: &String| DataSet { name: name.clone(), folder: absolute(&folder.join(name)) };
        self.dataset.iter().map(data_set).collect()
    }

    fn settings(&self) -> Vec<String> {
        let mut settings = vec!["--encoder".to_owned(), self.encoder.clone()];
        let mut add = |name: &str, value: Option<String>| {
            settings.extend(value.into_iter().flat_map(|value| [name.to_owned(), value]));
        };
        // From scratch, on a thousand rows, an average of the tokens learns sooner than [CLS].
        let pooling = (self.encoder == "tiny").then(|| "mean".to_owned());
        add("--pooling", pooling);
        add("--epochs", self.epochs.map(|epochs| epochs.to_string()));
        add("--device", self.device.clone());
        self.set.iter().for_each(|setting| add("--set", Some(setting.clone())));
        // A grid over a frozen encoder would fill a disk with copies of it.
        add("--set", Some("save_model=false".to_owned()));
        settings.extend(self.freeze_encoder.then(|| "--freeze-encoder".to_owned()));
        settings
    }
}

/// Commands are shown to be repeated from anywhere.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

impl Plan {
    /// Every cell, those of one table together.
    pub(super) fn cells(&self) -> Vec<Cell> {
        let mut cells = Vec::new();
        for (data_set, noise) in self.tables() {
            for method in &self.methods {
                for seed in 1..=self.seeds {
                    let (data_set, method) = (data_set.clone(), method.clone());
                    cells.push(Cell { data_set, noise, method, seed });
                }
            }
        }
        cells
    }

    /// `(data set, noise rate)` of each table.
    pub(super) fn tables(&self) -> Vec<(&DataSet, f64)> {
        let rates = |data_set| self.noise.iter().map(move |&noise| (data_set, noise));
        self.data_sets.iter().flat_map(rates).collect()
    }
}

#[cfg(test)]
impl Options {
    /// As typed after `cargo xtask reproduce`.
    pub(super) fn parsed(arguments: &[&str]) -> Result<Self, String> {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            options: Options,
        }
        let line: Result<Line, _> =
            clap::Parser::try_parse_from(["reproduce"].iter().chain(arguments));
        line.map(|line| line.options).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
    }

    #[test]
    fn without_options_it_is_seven_methods_by_three_seeds_on_the_built_in_corpus() {
        let plan = Options::parsed(&[]).unwrap().plan(&root()).unwrap();
        assert_eq!(plan.cells().len(), 21);
        assert_eq!(
            plan.settings,
            ["--encoder", "tiny", "--pooling", "mean", "--set", "save_model=false"]
        );
        assert!(plan.out.ends_with("target/reproduce/builtin"), "{}", plan.out.display());
    }

    #[test]
    fn settings_reach_the_runs_as_they_were_given() {
        let given =
            ["--encoder", "dir", "--epochs", "3", "--freeze-encoder", "--set", "training.lr=0.1"];
        let plan = Options::parsed(&given).unwrap().plan(&root()).unwrap();
        let expected = ["--encoder", "dir", "--epochs", "3", "--set", "training.lr=0.1"]
            .into_iter()
            .chain(["--set", "save_model=false", "--freeze-encoder"])
            .collect::<Vec<_>>();
        assert_eq!(plan.settings, expected);
    }

    #[test]
    fn cores_are_shared_among_the_jobs_and_no_job_is_idle() {
        let plan = Options::parsed(&["--methods", "base", "--seeds", "1", "--jobs", "8"]).unwrap();
        let plan = plan.plan(&root()).unwrap();
        assert_eq!(plan.jobs, 1);
        assert_eq!(plan.threads_per_job, available_parallelism().unwrap().get());
    }

    #[test]
    fn a_rate_outside_zero_to_one_is_refused() {
        assert!(Options::parsed(&["--noise", "20"]).unwrap_err().contains("not within 0 to 1"));
        assert!(Options::parsed(&["--noise", "0,x"]).unwrap_err().contains("not a number"));
    }

    #[test]
    fn a_data_set_needs_a_folder_and_its_files_must_be_there() {
        assert!(Options::parsed(&["--dataset", "trec6"]).unwrap_err().contains("--data-dir"));
        let missing = Options::parsed(&["--data-dir", "nowhere", "--dataset", "trec6"]).unwrap();
        let message = missing.plan(&root()).unwrap_err().to_string();
        assert!(message.ends_with("nowhere/trec6/train.csv of `trec6`"), "{message}");
    }
}
