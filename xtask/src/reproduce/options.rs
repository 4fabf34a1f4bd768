//! What can be asked of `cargo xtask reproduce`, and the plan that comes of it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::{Args, Subcommand};
use serde_json::Value;

use super::cluster::{ClusterOptions, Engine};
use super::few_shot::LanguageModel;
use super::plan::{DataSet, Plan};
use super::profile::{Profile, Settings, Variant, encoder_from_anywhere, resolved};
use super::target::{self, Target};
use crate::corpus;
use crate::lane_binary::Lane;

/// The name of the built-in corpus in tables and folders.
const BUILT_IN: &str = "builtin";
/// Stands for all methods.
const ALL: &str = "all";
const EXAMPLES: &str = "\
Examples:
  cargo xtask reproduce
  cargo xtask reproduce table3 --profile frozen --seeds 3
  cargo xtask reproduce detection --methods base,blurry --noise 0.1
  cargo xtask reproduce status target/reproduce/table3-frozen";
const SPLITS: [&str; 3] = ["train", "validation", "test"];

/// Without options: the quick run on the built-in corpus
#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(super) action: Option<Action>,
    /// Which part of the paper: table1 to table8, figure1, detection, tables or all; more in xtask/targets
    #[arg(value_name = "TARGET")]
    target: Option<String>,
    /// What to run, by the name of a file in xtask/profiles; the options below change it
    #[arg(long, value_name = "NAME", default_value = BUILT_IN)]
    profile: String,
    /// Folder with NAME/{train,validation,test}.csv
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Data sets in the folder of the data
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    dataset: Vec<String>,
    /// A folder, `hub:ORG/NAME`, or `tiny`
    #[arg(long)]
    encoder: Option<String>,
    /// Shares of wrong labels to inject; at 0 a file with a `gold` column is used as it is
    #[arg(long, value_name = "RATE", value_delimiter = ',', value_parser = rate)]
    noise: Vec<f64>,
    /// How the wrong labels are drawn
    #[arg(long, value_name = "KIND")]
    noise_kind: Option<String>,
    /// Methods, as `lane methods` lists them; `all` for all of these
    #[arg(long, value_name = "METHOD", value_delimiter = ',')]
    methods: Vec<String>,
    /// A method under settings of its own, as in `lane-8=lane,views.kinds=8`; may be repeated
    #[arg(long, value_name = "LABEL=METHOD,KEY=VALUE", value_parser = variant)]
    variant: Vec<Variant>,
    /// How many seeds: 1 to N
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seeds: Option<u64>,
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
    /// A setting passed to `lane train`, may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = setting)]
    set: Vec<(String, Value)>,
    /// Ask a language model too: its name in the tables and the options of `lane few-shot`, as in
    /// "chatgpt=--endpoint URL --model NAME --runs 10"; may be repeated
    #[arg(long, value_name = "LABEL=OPTIONS", value_parser = LanguageModel::parse)]
    few_shot: Vec<LanguageModel>,
    /// Folder to write into [default: target/reproduce/PROFILE, or TARGET-PROFILE; `data` is the profile with --data-dir]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    pub(super) manner: Manner,
}

/// What to do with results that are there.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Action {
    /// Say which runs are finished, failed or missing, and how to run the rest
    Status {
        /// The folder of results
        folder: PathBuf,
    },
    /// Make the tables of what is finished
    Collect {
        /// The folder of results
        folder: PathBuf,
    },
    /// Run what is not finished
    Resume {
        /// The folder of results
        folder: PathBuf,
        #[command(flatten)]
        manner: Manner,
    },
}

/// How runs are run; nothing of it can be seen in a result.
#[derive(Args, Clone, Debug)]
pub(super) struct Manner {
    /// Where to run; on a cluster the jobs are written, and submitted with --submit
    #[arg(long, value_enum, default_value_t)]
    pub(super) engine: Engine,
    #[command(flatten, next_help_heading = "On a cluster")]
    pub(super) cluster: ClusterOptions,
    /// Runs at a time; each gets its share of the cores [default: as many as cores and memory bear]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) jobs: Option<u64>,
    /// Run finished cells again
    #[arg(long)]
    pub(super) force: bool,
    /// Use this binary instead of building `lane`
    #[arg(long, value_name = "FILE")]
    pub(super) lane: Option<PathBuf>,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..1.0).contains(&rate) { Ok(rate) } else { Err("not within 0 to 1".to_owned()) }
}

/// A dotted key and a TOML value, a bare word standing for itself.
fn setting(text: &str) -> Result<(String, Value), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    let (key, value) = (key.trim(), value.trim());
    let parsed: Option<toml::Table> = format!("value = {value}").parse().ok();
    let parsed = parsed.and_then(|mut table| table.remove("value"));
    let value = parsed.map_or_else(|| Ok(Value::from(value)), serde_json::to_value);
    Ok((key.to_owned(), value.map_err(|error| error.to_string())?))
}

fn variant(text: &str) -> Result<Variant, String> {
    let (label, rest) = text.split_once('=').ok_or("expected LABEL=METHOD,KEY=VALUE")?;
    let mut parts = rest.split(',');
    let method = parts.next().filter(|method| !method.is_empty()).ok_or("no method")?;
    let settings = parts.map(setting).collect::<Result<Settings, String>>()?;
    Ok(Variant { label: label.to_owned(), method: method.to_owned(), settings })
}

impl Options {
    /// What is to be run and where its results go, once all files needed are seen to be there; several
    /// plans where the target is made of others.
    pub(super) fn plans(&self, root: &Path, lane: &Lane) -> Result<Vec<(Plan, PathBuf)>> {
        let (profile, out) = (Profile::read(root, &self.profile)?, self.out(root));
        let parts = match &self.target {
            Some(name) => target::parts(root, name, &out)?,
            None => vec![(Target::default(), out)],
        };
        let plan = |(target, out)| Ok((self.plan(root, lane, &profile, &target)?, out));
        parts.into_iter().map(plan).collect()
    }

    fn plan(&self, root: &Path, lane: &Lane, profile: &Profile, target: &Target) -> Result<Plan> {
        let data_sets = self.data_sets(root, profile, target)?;
        for data_set in &data_sets {
            for split in SPLITS {
                let file = data_set.file(split);
                ensure!(file.is_file(), "no file {} of `{}`", file.display(), data_set.name);
            }
        }
        let encoder = match &self.encoder {
            Some(encoder) => encoder.clone(),
            None => resolved(&profile.encoder)?,
        };
        let own_kind = self.noise_kind.clone();
        let noise_kind = own_kind.unwrap_or_else(|| profile.noise_kind.clone());
        let heading = if target.title.is_empty() { "" } else { ": " };
        let title = format!(
            "{}{heading}{}, encoder `{}`, {noise_kind} noise",
            target.title,
            profile.title,
            shown_encoder(&encoder)
        );
        let noise = [&self.noise, &target.noise, &profile.noise];
        Ok(Plan {
            title,
            variants: self.variants(profile, target, lane)?,
            settings: self.settings(profile, target, &encoder),
            departs: [profile.departs.clone(), target::departures(&data_sets)].concat(),
            data_sets,
            noise: noise.into_iter().find(|it| !it.is_empty()).cloned().unwrap_or_default(),
            noise_kind,
            seeds: self.seeds.unwrap_or(profile.seeds),
            max_train: self.max_train.or(profile.max_train),
            memory_gib: profile.memory_gib,
            paper_tables: target.paper_tables.clone(),
            shows_rows: target.shows_rows,
            language_models: self.few_shot.clone(),
        })
    }

    /// The folder of results.
    pub(super) fn out(&self, root: &Path) -> PathBuf {
        let of_profile = if self.data_dir.is_some() { "data" } else { &self.profile };
        let name = match &self.target {
            Some(target) => format!("{target}-{of_profile}"),
            None => of_profile.to_owned(),
        };
        let usual = || root.join("target").join("reproduce").join(name);
        absolute(&self.out.clone().unwrap_or_else(usual))
    }

    fn data_sets(&self, root: &Path, profile: &Profile, target: &Target) -> Result<Vec<DataSet>> {
        let found = self.found_data_sets(root, profile, target)?;
        let is_own = self.noise_kind.is_some();
        Ok(target::under_each_kind(found, if is_own { &[] } else { &target.noise_kinds }))
    }

    fn found_data_sets(
        &self,
        root: &Path,
        profile: &Profile,
        target: &Target,
    ) -> Result<Vec<DataSet>> {
        let folder = match (&self.data_dir, &profile.data) {
            (Some(folder), _) => folder.clone(),
            (None, Some(folder)) => resolved(folder)?.into(),
            (None, None) => {
                ensure!(
                    self.dataset.is_empty(),
                    "--dataset needs --data-dir, or a profile with data"
                );
                return Ok(vec![DataSet::new(BUILT_IN, root.join(corpus::FOLDER))]);
            }
        };
        if self.dataset.is_empty() && !target.data_sets.is_empty() {
            return target.data_sets_in(&folder);
        }
        let names = if self.dataset.is_empty() { &profile.data_sets } else { &self.dataset };
        ensure!(!names.is_empty(), "--data-dir needs --dataset, the data sets in it");
        Ok(names.iter().map(|name| target::data_set(name, &folder)).collect())
    }

    fn variants(&self, profile: &Profile, target: &Target, lane: &Lane) -> Result<Vec<Variant>> {
        let is_own = !self.methods.is_empty() || !self.variant.is_empty();
        let (methods, variants) = if is_own {
            (&self.methods, &*self.variant)
        } else if target.methods.is_empty() {
            (&profile.methods, &*profile.variants)
        } else {
            (&target.methods, &[][..])
        };
        let mut all = Vec::new();
        for method in methods {
            if method == ALL {
                all.extend(lane.methods()?.iter().map(|method| Variant::plain(method)));
            } else {
                all.push(Variant::plain(method));
            }
        }
        all.extend(variants.iter().cloned());
        Ok(all)
    }

    fn settings(&self, profile: &Profile, target: &Target, encoder: &str) -> Settings {
        let mut settings = profile.settings.clone();
        settings.extend(target.settings.clone());
        if encoder != profile.encoder && self.encoder.is_some() && encoder != "tiny" {
            // How `tiny` reads a text says nothing of another encoder.
            settings.remove("model.pooling");
        }
        let mut put = |key: &str, value: Option<Value>| {
            settings.extend(value.map(|value| (key.to_owned(), value)));
        };
        put("model.encoder", Some(encoder_from_anywhere(encoder).into()));
        put("training.epochs", self.epochs.map(Value::from));
        put("device", self.device.clone().map(Value::from));
        put("model.freeze_encoder", self.freeze_encoder.then_some(true.into()));
        // A grid over a frozen encoder would fill a disk with copies of it.
        put("save_model", Some(false.into()));
        settings.extend(self.set.iter().cloned());
        settings
    }
}

/// An encoder as a reader elsewhere knows it: where its folder lies says nothing.
fn shown_encoder(name: &str) -> &str {
    if name.starts_with("hub:") {
        return name;
    }
    Path::new(name).file_name().and_then(|name| name.to_str()).unwrap_or(name)
}

/// Commands are shown to be repeated from anywhere.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// A folder of results as it was typed.
pub(super) fn results(folder: &Path) -> Result<PathBuf> {
    let folder = absolute(folder);
    ensure!(folder.is_dir(), "no folder {}", folder.display());
    folder.canonicalize().with_context(|| format!("failed to open {}", folder.display()))
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
mod tests;
