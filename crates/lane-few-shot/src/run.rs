//! From an experiment and a model to a run folder.
//!
//! | file | what |
//! |---|---|
//! | `config.toml` | every setting |
//! | `replies.jsonl` | every reply, written as it comes |
//! | `examples.csv` | `run,position,row,id,label,shown,wrong`: what stood in the prompts |
//! | `predictions.csv` | `run,row,id,label,predicted,right,examples,reply` |
//! | `record.json`, `result.json` | where the result came from, and what it is |
//!
//! All but `replies.jsonl` are written under a temporary name and renamed, `result.json` last. Replies
//! are kept under the hash of their request: a run that was stopped, or is made again with more runs
//! or other prices, asks only what has no reply yet.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use lane_metrics::ClassId;

use crate::ask;
use crate::chat::{ChatModel, Reply};
use crate::config::Method;
use crate::error::FewShotError;
use crate::experiment::{Cell, Experiment};
use crate::folder::Folder;
use crate::progress::Progress;
use crate::record::{Invocation, Record};
use crate::recorded::{Replies, ReplyLog};
use crate::scores::{FewShotResult, RunResult, Scores, Usage, over_runs};

/// Where to write, and who asks.
#[derive(Clone, Debug)]
pub struct Target<'a> {
    /// The run folder.
    pub out: &'a Path,
    /// Make a finished run again, from the replies it has.
    pub force: bool,
    /// Who runs.
    pub invocation: &'a Invocation,
}

/// Asks `model` whatever has no reply yet, and leaves a run folder.
///
/// # Errors
///
/// [`FewShotError::OutputExists`], [`FewShotError::OtherRun`] and [`FewShotError::InUse`] before
/// anything is sent; [`FewShotError::Stopped`] when a request is not answered, replies kept.
pub fn run(
    experiment: &Experiment,
    model: &dyn ChatModel,
    target: &Target<'_>,
    progress: &dyn Progress,
) -> Result<FewShotResult, FewShotError> {
    let started = Instant::now();
    let folder = Folder::claim(target.out, &experiment.config, target.force)?;
    let (mut log, mut replies) = ReplyLog::open(&folder.file("replies.jsonl"))?;
    folder.write_config(&experiment.config)?;

    let unanswered = |cell: &usize| !replies.contains_key(&experiment.cells[*cell].key);
    let pending: Vec<usize> = experiment.requests.iter().copied().filter(unanswered).collect();
    let n_kept = experiment.requests.len() - pending.len();
    if n_kept > 0 {
        progress.status(&format!(
            "{n_kept} of {} replies are there already",
            experiment.requests.len()
        ));
    }
    progress.begin(pending.len());
    let concurrency = experiment.config.server.as_ref().map_or(1, |server| server.concurrency);
    let asked = ask::all(experiment, &pending, model, concurrency, &mut |cell, reply| {
        let key = &experiment.cells[cell].key;
        log.append(key, &reply)?;
        progress.answered();
        replies.insert(key.clone(), reply);
        Ok(())
    });
    progress.end();
    asked?;

    let result = score(experiment, &replies)?;
    folder.write("examples.csv", |out| write_examples(experiment, out))?;
    folder.write("predictions.csv", |out| write_predictions(experiment, &replies, out))?;
    let used = experiment.requests.iter().map(|cell| reply_to(experiment, &replies, *cell));
    let record = Record::new(experiment, target.invocation, used, (n_kept, pending.len()), started);
    folder.write_json("record.json", &record)?;
    folder.write_json("result.json", &result)?;
    Ok(result)
}

/// The reply of a cell; all are there when everything was asked.
fn reply_to<'a>(experiment: &Experiment, replies: &'a Replies, cell: usize) -> &'a Reply {
    static NONE: Reply = Reply {
        content: String::new(),
        finish_reason: None,
        prompt_tokens: None,
        completion_tokens: None,
        model: None,
        system_fingerprint: None,
        retries: 0,
    };
    replies.get(&experiment.cells[cell].key).unwrap_or(&NONE)
}

/// The class a reply names; what was withheld names none.
fn predicted(experiment: &Experiment, reply: &Reply) -> Option<ClassId> {
    if reply.is_filtered() { None } else { experiment.parser.parse(&reply.content) }
}

fn score(experiment: &Experiment, replies: &Replies) -> Result<FewShotResult, FewShotError> {
    let config = &experiment.config;
    let runs: Vec<RunResult> = (0..experiment.runs.len())
        .map(|run| score_run(experiment, replies, run))
        .collect::<Result<_, _>>()?;
    let mut usage = Usage::default();
    for cell in &experiment.requests {
        usage.add(reply_to(experiment, replies, *cell));
    }
    let (mean, summary) = over_runs(&runs);
    Ok(FewShotResult {
        method: Method::LlmFewShot,
        model: config.model.clone(),
        seed: config.seed,
        n_train: experiment.train.n_rows(),
        n_test: experiment.test.n_rows(),
        shots: config.examples.shots,
        mean,
        summary,
        n_unparsed: runs.iter().map(|run| run.n_unparsed).sum(),
        usage: usage.with_cost(config.price),
        runs,
    })
}

fn score_run(
    experiment: &Experiment,
    replies: &Replies,
    run: usize,
) -> Result<RunResult, FewShotError> {
    let n_rows = experiment.test.n_rows();
    let cells = run * n_rows..(run + 1) * n_rows;
    let answers: Vec<&Reply> =
        cells.clone().map(|cell| reply_to(experiment, replies, cell)).collect();
    let classes: Vec<_> = answers.iter().map(|reply| predicted(experiment, reply)).collect();
    let mut usage = Usage::default();
    for cell in experiment.requests.iter().filter(|cell| cells.contains(cell)) {
        usage.add(reply_to(experiment, replies, *cell));
    }
    let n_examples = experiment.cells_of(run).iter().map(|cell| cell.n_examples);
    Ok(RunResult {
        run: run + 1,
        scores: Scores::of(&experiment.truth(), &classes, experiment.labels().len())?,
        n_unparsed: classes.iter().filter(|class| class.is_none()).count(),
        n_filtered: answers.iter().filter(|reply| reply.is_filtered()).count(),
        n_wrong_examples: experiment.runs[run].shots.iter().filter(|it| it.is_wrong()).count(),
        n_examples: (
            n_examples.clone().min().unwrap_or_default(),
            n_examples.max().unwrap_or_default(),
        ),
        usage: usage.with_cost(experiment.config.price),
    })
}

fn write_examples(experiment: &Experiment, out: &mut dyn Write) -> std::io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(["run", "position", "row", "id", "label", "shown", "wrong"])?;
    for (number, run) in experiment.runs.iter().enumerate() {
        for (position, shot) in run.shots.iter().enumerate() {
            csv.write_record([
                (number + 1).to_string().as_str(),
                &(position + 1).to_string(),
                &shot.row.0.to_string(),
                &experiment.train.examples[shot.row.index()].id,
                experiment.labels().name(shot.truth),
                experiment.labels().name(shot.shown),
                if shot.is_wrong() { "1" } else { "0" },
            ])?;
        }
    }
    csv.flush()
}

fn write_predictions(
    experiment: &Experiment,
    replies: &Replies,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(["run", "row", "id", "label", "predicted", "right", "examples", "reply"])?;
    let (labels, truth) = (experiment.labels(), experiment.truth());
    for (cell, Cell { n_examples, .. }) in experiment.cells.iter().enumerate() {
        let (run, row) = (cell / truth.len(), cell % truth.len());
        let reply = reply_to(experiment, replies, cell);
        let class = predicted(experiment, reply);
        csv.write_record([
            (run + 1).to_string().as_str(),
            &experiment.test_rows[row].0.to_string(),
            &experiment.test.examples[row].id,
            labels.name(truth[row]),
            class.map_or("", |class| labels.name(class)),
            if class == Some(truth[row]) { "1" } else { "0" },
            &n_examples.to_string(),
            &reply.content,
        ])?;
    }
    csv.flush()
}
