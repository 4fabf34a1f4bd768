//! The training files of a command: one for each data set, noise rate and seed, shared by all
//! methods, so that they learn from the same wrong labels.
//!
//! Wrong labels are injected by `lane noise`. At rate 0 a file that has a `gold` column holds real
//! noise and is used as it is; where it is cut to fewer rows, they are drawn here, since to pass it
//! through `lane noise` would take its labels for the true ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::cell::Failure;
use super::plan::{DataSet, Plan, Source};
use super::stamp::Stamp;
use crate::corpus::splitmix::SplitMix64;
use crate::csv::Table;
use crate::lane_binary::Lane;
use crate::shell::Invocation;
use crate::whole_file::write_whole;

/// Which file a cell learns from, or why there is none.
#[derive(Debug)]
pub(super) struct TrainingFiles {
    files: BTreeMap<PathBuf, Result<PathBuf, Failure>>,
}

impl TrainingFiles {
    pub(super) fn prepare(plan: &Plan, lane: &Lane, out: &Path, force: bool) -> Result<Self> {
        let folder = out.join("data");
        fs::create_dir_all(&folder)?;
        let files = plan.sources().into_iter().map(|source| {
            let key = key_of(&source);
            let request = Request { plan, lane, source, out: folder.join(&key), force };
            Ok((key, request.file()?))
        });
        let files = files.collect::<Result<_>>()?;
        Ok(Self { files })
    }

    pub(super) fn of(&self, source: &Source) -> Result<&Path, &Failure> {
        self.files[&key_of(source)].as_deref()
    }
}

fn key_of(source: &Source) -> PathBuf {
    let Source { data_set, noise, seed } = source;
    PathBuf::from(format!("{}-noise-{noise}-seed-{seed}.csv", data_set.name))
}

struct Request<'a> {
    plan: &'a Plan,
    lane: &'a Lane,
    source: Source,
    out: PathBuf,
    force: bool,
}

impl Request<'_> {
    fn file(&self) -> Result<Result<PathBuf, Failure>> {
        let source = self.source.data_set.file("train");
        if self.source.noise > 0.0 || !has_gold(&self.source.data_set)? {
            return self.injected(&source);
        }
        match self.plan.max_train {
            None => Ok(Ok(source)),
            Some(n_rows) => self.cut(&source, n_rows as usize).map(Ok),
        }
    }

    /// What `lane noise` makes of the source, or has made before.
    fn injected(&self, source: &Path) -> Result<Result<PathBuf, Failure>> {
        let settings = self.noise_settings();
        let stamp = Stamp::new(settings.clone(), &[("source", source)], &self.lane.fingerprint)?;
        let kept = self.out.with_extension("stamp.json");
        if self.out.is_file() && !self.force && stamp.kept_at(&kept).is_some() {
            return Ok(Ok(self.out.clone()));
        }
        for old in [&kept, &self.out, &self.out.with_extension("noise.json")] {
            if old.exists() {
                fs::remove_file(old)
                    .with_context(|| format!("failed to remove {}", old.display()))?;
            }
        }
        let (data, out) = (source.display().to_string(), self.out.display().to_string());
        let paths = ["--data".to_owned(), data, "--out".to_owned(), out];
        let invocation = Invocation::new(self.lane.path.display().to_string(), &["noise"])
            .with(paths.into_iter().chain(settings));
        if let Err(error) = invocation.stdout(Path::new(".")) {
            return Ok(Err(Failure { command: invocation.to_string(), stderr: error.to_string() }));
        }
        stamp.write(&kept)?;
        Ok(Ok(self.out.clone()))
    }

    fn noise_settings(&self) -> Vec<String> {
        let kind = self.source.data_set.noise_kind.as_ref().unwrap_or(&self.plan.noise_kind);
        let mut settings: Vec<String> =
            ["--kind", kind, "--rate", &self.source.noise.to_string(), "--seed"]
                .map(str::to_owned)
                .into();
        settings.push(self.source.seed.to_string());
        if let Some(n_rows) = self.plan.max_train {
            settings.extend(["--max-rows".to_owned(), n_rows.to_string()]);
        }
        settings
    }

    /// `n_rows` of the source's rows, drawn by the seed, in their order.
    fn cut(&self, source: &Path, n_rows: usize) -> Result<PathBuf> {
        let mut table = read_table(source)?;
        let mut order: Vec<usize> = (0..table.rows.len()).collect();
        SplitMix64::new(self.source.seed).shuffle(&mut order);
        order.truncate(n_rows);
        order.sort_unstable();
        table.rows = order.into_iter().map(|at| std::mem::take(&mut table.rows[at])).collect();
        write_whole(&self.out, &table.text())?;
        Ok(self.out.clone())
    }
}

fn has_gold(data_set: &DataSet) -> Result<bool> {
    Ok(read_table(&data_set.file("train"))?.column("gold").is_some())
}

pub(super) fn read_table(path: &Path) -> Result<Table> {
    let text =
        fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
    Table::parse(&text).with_context(|| format!("failed to parse {}", path.display()))
}
