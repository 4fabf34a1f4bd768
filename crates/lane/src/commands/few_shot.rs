//! `lane few-shot`.

use std::path::Path;
use std::time::Duration;

use lane_few_shot::chat::ChatError;
use lane_few_shot::config::{Config, DataConfig, Method, Price, RequestConfig, ServerConfig};
use lane_few_shot::examples::ExampleConfig;
use lane_few_shot::http::{ApiKey, HttpModel};
use lane_few_shot::record::Invocation;
use lane_few_shot::recorded::{self, Recording, Replayed, ReplyLog};
use lane_few_shot::retry::{RetryPolicy, Retrying};
use lane_few_shot::scores::FewShotResult;
use lane_few_shot::{Experiment, FewShotError, Progress, Target, run as run_experiment};

use crate::args::few_shot::{FewShotArgs, OptionalField, RequestArgs, ServerArgs};
use crate::commands::{Manner, columns, program};
use crate::print;
use crate::progress::Asking;

const USUAL_KEY: &str = "OPENAI_API_KEY";

pub(crate) fn run(args: FewShotArgs, manner: Manner) -> anyhow::Result<()> {
    let progress = Asking::new(manner.quiet);
    let (force, record, replay) =
        (args.force, args.server.record.clone(), args.server.replay.clone());
    let named_key = args.server.api_key_env.is_some();
    let out = args.out.clone().filter(|_| !args.dry_run);
    let experiment = Experiment::prepare(config(args), &progress)?;
    let Some(out) = out else {
        let estimate = experiment.estimate()?;
        if manner.json {
            return print::json(&estimate);
        }
        print::few_shot_estimate(&estimate);
        return Ok(());
    };
    let invocation = Invocation { program: program(), command: std::env::args().collect() };
    let target = Target { out: &out, force, invocation: &invocation };
    let result = match replay {
        Some(recording) => {
            let replies = recorded::read(&recording)?;
            experiment.check_recorded(&replies, &recording)?;
            run_experiment(&experiment, &Replayed(replies), &target, &progress)?
        }
        None => ask(&experiment, (record.as_deref(), named_key), &target, &progress)?,
    };
    if manner.json {
        print::json(&result)
    } else {
        print::few_shot(&result, &out);
        Ok(())
    }
}

/// Asks the server of the configuration, and keeps a copy of what it says if asked to.
fn ask(
    experiment: &Experiment,
    (record, named_key): (Option<&Path>, bool),
    target: &Target<'_>,
    progress: &Asking,
) -> Result<FewShotResult, FewShotError> {
    let Some(server) = &experiment.config().server else {
        let (key, found) = ("--endpoint", "absent".to_owned());
        return Err(FewShotError::Setting { key, found, expected: "an address".into() });
    };
    let key = ApiKey::from_environment(&server.api_key_env)?;
    if named_key && !key.is_set() {
        return Err(FewShotError::Setting {
            key: "--api-key-env",
            found: server.api_key_env.clone(),
            expected: "the name of a variable that is set".into(),
        });
    }
    let timeout = Duration::from_secs(server.timeout_seconds);
    let http = HttpModel::new(&server.endpoint, key, timeout)?;
    if http.shows_key() {
        progress.note("the key goes over http, readable by whoever carries it");
    }
    let policy = RetryPolicy::new(server.retries, experiment.config().seed);
    let model = Retrying::new(http, policy, |error: &ChatError, pause: Duration| {
        progress.note(&format!("{error}; asking again in {:.1} s", pause.as_secs_f64()));
        std::thread::sleep(pause);
    });
    match record {
        Some(path) => {
            let model = Recording::new(model, ReplyLog::open(path)?.0);
            run_experiment(experiment, &model, target, progress)
        }
        None => run_experiment(experiment, &model, target, progress),
    }
}

fn config(args: FewShotArgs) -> Config {
    let wrong_share = (!args.given_labels).then_some(args.wrong_share);
    Config {
        method: Method::LlmFewShot,
        model: args.model,
        seed: args.seed,
        runs: args.runs,
        data: DataConfig {
            train: args.train,
            test: args.test,
            max_test: args.max_test,
            columns: columns(args.columns),
        },
        examples: ExampleConfig { shots: args.shots, sampling: args.sampling.into(), wrong_share },
        request: request(&args.request),
        server: server(args.server),
        price: args
            .price_in
            .zip(args.price_out)
            .map(|(prompt, completion)| Price { prompt, completion }),
    }
}

fn request(args: &RequestArgs) -> RequestConfig {
    let sent = |field| !args.omit.contains(&field);
    RequestConfig {
        temperature: sent(OptionalField::Temperature).then_some(args.temperature),
        max_tokens: args.max_tokens,
        limit_field: args.limit_field(),
        send_seed: sent(OptionalField::Seed),
        context_tokens: args.context_tokens,
    }
}

fn server(args: ServerArgs) -> Option<ServerConfig> {
    let ServerArgs { api_key_env, retries, timeout, concurrency, .. } = args;
    args.endpoint.map(|endpoint| ServerConfig {
        endpoint,
        api_key_env: api_key_env.unwrap_or_else(|| USUAL_KEY.into()),
        retries,
        timeout_seconds: timeout,
        concurrency,
    })
}
