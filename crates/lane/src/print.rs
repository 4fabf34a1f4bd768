//! What the program says: data on stdout, talk on stderr.
//!
//! Neither can end a command: whoever reads may leave early, and files count for more than words. That
//! data could not be written is said when the command has come to its end.

/// A line of data, as `println!` writes it, which panics where it cannot.
macro_rules! say {
    ($($text:tt)*) => { $crate::print::write_line(format_args!($($text)*)) };
}

pub(crate) mod audited;
pub(crate) mod data_sets;

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::OnceLock;

use lane_few_shot::scores::{FewShotResult, Usage};
use lane_few_shot::{Estimate, FewShotError};
use lane_rescore::RescoreError;
use lane_review::ReviewError;
use lane_train::bench::{EmbedReport, Parts, StepReport};
use lane_train::record::RunResult;
use lane_train::scores::SplitScores;
use lane_train::{TrainError, shown};
use serde::Serialize;

use crate::stop::Stopped;

/// Why data did not reach stdout, the first time that it did not.
static UNWRITTEN: OnceLock<io::Error> = OnceLock::new();

fn write_line(line: fmt::Arguments<'_>) {
    if UNWRITTEN.get().is_none() {
        keep(writeln!(io::stdout(), "{line}"));
    }
}

fn keep(written: io::Result<()>) {
    if let Err(error) = written {
        // One that came first stays.
        let _ = UNWRITTEN.set(error);
    }
}

/// The exit code of a command that came to its end; where its data could not be written, that is said.
pub(crate) fn success() -> ExitCode {
    keep(io::stdout().flush());
    match UNWRITTEN.get() {
        Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            talk(&format!("error: cannot write to standard output: {error}"));
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

/// One line of data.
pub(crate) fn line(text: &str) {
    say!("{text}");
}

/// One line of talk, for whoever listens.
pub(crate) fn talk(text: &str) {
    let _ = writeln!(io::stderr(), "{}", shown::message(text));
}

/// A value as JSON, on stdout.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    say!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

/// The error, its causes, a hint where there is one; the exit code it stands for.
pub(crate) fn failure(error: &anyhow::Error) -> ExitCode {
    if let Some(stopped) = error.downcast_ref::<Stopped>() {
        talk(&stopped.to_string());
        return ExitCode::from(stopped.code);
    }
    talk(&format!("error: {}", causes(error)));
    let (hint, is_usage) = known(error);
    if let Some(hint) = hint {
        talk(&format!("\nhint: {hint}"));
    }
    ExitCode::from(if is_usage { 2 } else { 1 })
}

/// An error and its causes; some libraries repeat the cause in what they say.
fn causes(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// What an error advises, and whether it lies in what was given.
fn known(error: &anyhow::Error) -> (Option<String>, bool) {
    for cause in error.chain() {
        if let Some(cause) = cause.downcast_ref::<TrainError>() {
            return (cause.hint(), cause.is_usage());
        }
        if let Some(cause) = cause.downcast_ref::<FewShotError>() {
            return (cause.hint(), cause.is_usage());
        }
        if let Some(cause) = cause.downcast_ref::<ReviewError>() {
            return (cause.hint(), cause.is_usage());
        }
        if let Some(cause) = cause.downcast_ref::<RescoreError>() {
            return (cause.hint(), cause.is_usage());
        }
    }
    (None, false)
}

/// An error and its causes, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Files that were written, one a line.
pub(crate) fn files(files: &[std::path::PathBuf]) {
    for file in files {
        say!("{}", file.display());
    }
}

/// The scores of a split, one a line.
pub(crate) fn scores(scores: &SplitScores) {
    let rows = [
        ("accuracy", scores.accuracy),
        ("micro F1", scores.micro_f1),
        ("macro F1", scores.macro_f1),
        ("weighted F1", scores.weighted_f1),
        ("balanced accuracy", scores.balanced_accuracy),
    ];
    for (name, value) in rows {
        say!("{name:<18} {value:.4}");
    }
}

/// What a run came to, and where to look next.
pub(crate) fn result(result: &RunResult, out: &std::path::Path) {
    say!("method             {}", result.method);
    say!("best epoch         {} of {}", result.best.epoch, result.r#final.epoch);
    if let Some(validation) = &result.best.validation {
        say!("validation         {:.4} accuracy", validation.accuracy);
    }
    if let Some(test) = &result.test {
        say!(
            "test               {:.4} accuracy, {:.4} weighted F1",
            test.accuracy,
            test.weighted_f1
        );
    }
    if let Some(detection) = &result.detection {
        let share = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.4}"));
        say!("wrong labels       {} of {}", detection.n_wrong, result.n_train);
        say!(
            "  found            average precision {}, AUROC {}",
            share(detection.average_precision),
            share(detection.auroc)
        );
        say!(
            "  flagged          {} rows, precision {:.4}, recall {:.4}",
            detection.n_flagged,
            detection.precision,
            detection.recall
        );
        if let Some(found) = &detection.confident_learning {
            say!(
                "  out of fold      average precision {}; {} rows flagged, precision {:.4}, recall {:.4}",
                share(found.average_precision),
                found.both.n_flagged,
                found.both.precision,
                found.both.recall
            );
        }
    }
    say!("most suspicious    {}", out.join("labels.csv").display());
    let model = out.join("model");
    if model.exists() {
        say!("model              {}", model.display());
    }
}

/// What few-shot runs came to: mean ± deviation of each score, and what they took.
pub(crate) fn few_shot(result: &FewShotResult, out: &std::path::Path) {
    say!("model              {}", result.model);
    say!("runs               {} of {} rows", result.runs.len(), result.n_test);
    let summary = &result.summary;
    let rows = [
        ("accuracy", summary.accuracy),
        ("micro F1", summary.micro_f1),
        ("macro F1", summary.macro_f1),
        ("weighted F1", summary.weighted_f1),
        ("balanced accuracy", summary.balanced_accuracy),
    ];
    for (name, value) in rows {
        let Some(value) = value else { continue };
        let std = value.std.map_or(String::new(), |std| format!(" ± {std:.4}"));
        say!("{name:<18} {:.4}{std}", value.mean);
    }
    say!("unparsed           {} of {}", result.n_unparsed, result.n_test * result.runs.len());
    usage(&result.usage);
    say!("predictions        {}", out.join("predictions.csv").display());
}

fn usage(usage: &Usage) {
    say!("requests           {}, {} asked again", usage.n_requests, usage.n_retries);
    say!(
        "tokens             {} in, {} out{}",
        usage.prompt_tokens,
        usage.completion_tokens,
        match usage.n_without_counts {
            0 => String::new(),
            n => format!("; {n} replies came without a count"),
        }
    );
    if let Some(cost) = usage.cost {
        say!("cost               {cost:.4}");
    }
}

/// What few-shot runs would take, and the first question.
pub(crate) fn few_shot_estimate(estimate: &Estimate) {
    say!("requests           {}", estimate.n_requests);
    say!(
        "tokens             about {} in, at most {} out",
        estimate.prompt_tokens,
        estimate.completion_tokens
    );
    if let Some(cost) = estimate.cost {
        say!("cost               about {cost:.4}");
    }
    say!("\n--- system\n{}\n--- user, the first\n{}", estimate.system, estimate.user);
}

/// The timed steps, one a line, and what they come to.
pub(crate) fn timed_steps(report: &StepReport) {
    say!("network            {}, {} parameters", report.network, report.n_parameters);
    say!("device             {}, {} threads", report.device, report.threads);
    say!("batch              {} rows, dropout {}", report.batch_size, report.dropout);
    say!("\nstep   tokens  padding    loss       ms  forward  backward  optimizer");
    for (number, step) in report.steps.iter().enumerate() {
        say!(
            "{:>4} {:>8} {:>8} {:>7.4} {:>8.1} {:>8.1} {:>9.1} {:>10.1}",
            number + 1,
            step.n_tokens,
            step.n_padding,
            step.loss,
            step.ms,
            step.forward_ms,
            step.backward_ms,
            step.optimizer_ms
        );
    }
    say!(
        "\nmedian             {:.1} ms: forward {:.1}, backward {:.1}, optimizer {:.1}",
        report.median_ms,
        report.forward_ms,
        report.backward_ms,
        report.optimizer_ms
    );
    say!("fastest            {:.1} ms", report.min_ms);
    say!(
        "around the network {:.3} ms onto the device, {:.3} ms back to the host, {:.3} ms averages",
        report.gather_ms,
        report.host_ms,
        report.metrics_ms
    );
    if report.parts.total() > 0.0 {
        let Parts { product_ms, attention_ms, elementwise_ms, embedding_ms } = report.parts;
        say!(
            "kernels            {:.1} ms: products {product_ms:.1}, attention {attention_ms:.1}, \
             elementwise {elementwise_ms:.1}, embedding {embedding_ms:.1}",
            report.parts.total()
        );
    }
    peak_memory(report.peak_memory_bytes);
}

/// What embedding took.
pub(crate) fn timed_embedding(report: &EmbedReport) {
    say!("encoder            {}", report.encoder);
    say!("device             {}, {} threads", report.device, report.threads);
    say!("texts              {}, {} tokens", report.n_rows, report.n_tokens);
    say!("time               {:.0} ms", report.ms);
    say!("  tokenizing       {:.0} ms", report.tokenizing_ms);
    say!(
        "speed              {:.1} texts/s, {:.0} tokens/s",
        report.texts_per_second,
        report.tokens_per_second
    );
    let first: Vec<String> =
        report.checksum.first.iter().map(|entry| format!("{entry:.6}")).collect();
    say!("mean entry         {:.9}", report.checksum.mean);
    say!("first embedding    {} ...", first.join(" "));
    peak_memory(report.peak_memory_bytes);
}

fn peak_memory(bytes: Option<u64>) {
    if let Some(bytes) = bytes {
        say!("peak memory        {:.0} MB", bytes as f64 / 1e6);
    }
}
