//! `lane data`.

use std::path::Path;

use anyhow::bail;
use lane_train::fetch::{FetchError, Fetched, fetch};
use lane_train::hub::{Hub, HubError};
use lane_train::manifest::{self, Manifest, Source};
use lane_train::{Existing, TrainError};
use serde::Serialize;

use crate::args::data::{DataArgs, DataCommand, FetchArgs, ShowArgs};
use crate::commands::Manner;
use crate::print;
use crate::print::data_sets;
use crate::progress::TransferBars;

pub(crate) fn run(args: DataArgs, manner: Manner) -> anyhow::Result<()> {
    match args.command.unwrap_or(DataCommand::List) {
        DataCommand::List => list(manner),
        DataCommand::Show(args) => show(&args, manner),
        DataCommand::Fetch(args) => fetch_all(&args, manner),
    }
}

fn list(manner: Manner) -> anyhow::Result<()> {
    let all = manifest::all().map_err(TrainError::from)?;
    if manner.json {
        return print::json(&all);
    }
    data_sets::list(&all);
    if !manner.quiet {
        print::talk("rows: as the authors give them, train/validation/test, before any reduction");
        print::talk("`lane data show NAME` tells more, `lane data fetch NAME` downloads");
    }
    Ok(())
}

fn show(args: &ShowArgs, manner: Manner) -> anyhow::Result<()> {
    let manifest = find(&args.name)?;
    if manner.json {
        return print::json(&manifest);
    }
    if args.toml {
        print::line(manifest.toml.trim_end());
    } else {
        data_sets::details(&manifest);
    }
    Ok(())
}

/// A set of the paper, or a manifest file.
fn find(name: &str) -> Result<Manifest, TrainError> {
    let is_file = Path::new(name).extension().is_some_and(|it| it.eq_ignore_ascii_case("toml"));
    Ok(if is_file { Manifest::open(Path::new(name))? } else { manifest::find(name)? })
}

/// What became of a set.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) name: String,
    pub(crate) status: Status,
    pub(crate) folder: Option<String>,
    /// Rows of train, validation and test.
    pub(crate) rows: Option<[usize; 3]>,
    /// Why it is not there.
    pub(crate) message: Option<String>,
}

/// One word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Status {
    /// It was downloaded or taken from the cache, and prepared.
    Fetched,
    /// It was there.
    Kept,
    /// Its owners have it.
    OnRequest,
    /// Something went wrong.
    Failed,
}

fn fetch_all(args: &FetchArgs, manner: Manner) -> anyhow::Result<()> {
    // A name that means nothing is told before anything is downloaded.
    let manifests =
        args.names.iter().map(|name| find(name)).collect::<Result<Vec<_>, TrainError>>()?;
    let existing = if args.force { Existing::Replace } else { Existing::Keep };
    let hub = Hub::from_env();
    let mut bars = TransferBars::new(manner.quiet);
    let mut outcomes = Vec::new();
    for manifest in &manifests {
        let fetched = open(&hub, manifest)
            .and_then(|hub| fetch(manifest, &args.out, existing, hub, &mut bars));
        report(manifest, &fetched, manner);
        outcomes.push(outcome(manifest, fetched));
    }
    if manner.json {
        print::json(&outcomes)?;
    } else {
        data_sets::outcomes(&outcomes);
    }
    let missing = outcomes.iter().filter(|it| it.folder.is_none()).count();
    if missing == 0 {
        return Ok(());
    }
    bail!("{missing} of {} data sets could not be had", outcomes.len())
}

/// The hub, or why there is none; a set that is not on the hub does not care.
fn open<'a>(hub: &'a Result<Hub, HubError>, manifest: &Manifest) -> Result<&'a Hub, FetchError> {
    match (hub, &manifest.source) {
        (Ok(hub), _) => Ok(hub),
        (Err(_), Source::Request(source)) => Err(FetchError::MustBeAsked(Box::new(source.clone()))),
        (Err(error), Source::Hub(_)) => Err(FetchError::NoHub(error.to_string())),
    }
}

/// What a reader should know at once, on stderr.
fn report(manifest: &Manifest, fetched: &Result<Fetched, FetchError>, manner: Manner) {
    match fetched {
        Ok(fetched) if !fetched.was_there && !manner.quiet => {
            for warning in fetched.warnings(manifest) {
                print::talk(&format!("warning: {}: {warning}", manifest.name));
            }
        }
        Ok(_) => {}
        Err(error) => {
            print::talk(&format!("{}: {}", manifest.name, print::chain(error)));
            if let Some(hint) = error.hint() {
                print::talk(&format!("hint: {hint}"));
            }
        }
    }
}

fn outcome(manifest: &Manifest, fetched: Result<Fetched, FetchError>) -> Outcome {
    let name = manifest.name.clone();
    match fetched {
        Ok(fetched) => {
            let rows = |split| fetched.record.rows.written.get(split).map_or(0, |it| it.rows);
            Outcome {
                name,
                status: if fetched.was_there { Status::Kept } else { Status::Fetched },
                folder: Some(fetched.folder.display().to_string()),
                rows: Some(["train", "validation", "test"].map(rows)),
                message: None,
            }
        }
        Err(error) => Outcome {
            name,
            status: match error {
                FetchError::MustBeAsked(_) => Status::OnRequest,
                _ => Status::Failed,
            },
            folder: None,
            rows: None,
            message: Some(print::chain(&error)),
        },
    }
}
