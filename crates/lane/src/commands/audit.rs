//! `lane audit`.

use lane_train::audit::{AuditRequest, Logged, LoggedRequest, audit, audit_logged};
use lane_train::{Audit, Config, TrainError, duplicates};

use crate::args::audit::AuditArgs;
use crate::commands::settings::{self, Files};
use crate::commands::{Manner, columns, invocation};
use crate::progress::Bars;
use crate::stop::Stop;
use crate::{print, print::audited};

pub(crate) fn run(args: AuditArgs, manner: Manner) -> anyhow::Result<()> {
    let stop = Stop::on_signals()?;
    let observer = &mut Bars::new(manner.quiet).until(&stop);
    let out = args.out.clone();
    let made = match logged(&args) {
        Some(from) => by_logged(args, from, observer),
        None => by_training(args, observer),
    };
    let audit =
        made.map_err(|error| stop.explain(error, "give the same `lane audit` command again"))?;
    if manner.json {
        print::json(&audit.summary)?;
    } else {
        audited::audit(&audit, &out);
    }
    Ok(())
}

fn logged(args: &AuditArgs) -> Option<Logged> {
    let dynamics = args.from_dynamics.clone().map(Logged::Dynamics);
    let logits = args.from_logits.clone().map(Logged::Logits);
    args.from_probs.clone().map(Logged::Probabilities).or(logits).or(dynamics)
}

fn by_logged(args: AuditArgs, from: Logged, observer: &mut Bars) -> Result<Audit, TrainError> {
    let duplicates = duplicates_of(&args);
    let request = LoggedRequest {
        data: args.data,
        columns: columns(args.columns),
        from,
        rank_by: args.rank_by,
        duplicates,
        force: args.force,
    };
    audit_logged(&request, &args.out, &invocation(), observer)
}

fn by_training(args: AuditArgs, observer: &mut Bars) -> Result<Audit, TrainError> {
    let files = Files { train: Some(&args.data), ..Files::default() };
    let settings = settings::of(files, &args.how, &args.columns)?;
    let request = AuditRequest {
        config: Config::resolve(args.how.config.as_deref(), &settings)?,
        train: !args.no_training,
        rank_by: args.rank_by,
        duplicates: duplicates_of(&args),
        force: args.force,
        every: args.how.checkpoint_every,
    };
    audit(&request, &args.out, &invocation(), observer)
}

fn duplicates_of(args: &AuditArgs) -> duplicates::Options {
    duplicates::Options { near: !args.exact_duplicates, ..duplicates::Options::default() }
}
