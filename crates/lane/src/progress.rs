//! Progress bars with rate and remaining time; one line an epoch where there is no terminal.

use std::fmt::Write;
use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use lane_train::hub::Transfers;
use lane_train::progress::{Activity, EpochReport, Observer};

use crate::print;
use crate::stop::Stop;

/// Draws a run's progress on stderr.
pub(crate) struct Bars {
    bar: Option<ProgressBar>,
    terminal: bool,
    quiet: bool,
    stop: Stop,
}

impl Bars {
    /// Bars on a terminal, lines elsewhere, nothing but warnings when `quiet`.
    pub(crate) fn new(quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { bar: None, terminal, quiet, stop: Stop::default() }
    }

    /// The same bars, of a run that stops when told to.
    pub(crate) fn until(self, stop: &Stop) -> Self {
        Self { stop: stop.clone(), ..self }
    }

    fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| print::talk(text)),
            None => print::talk(text),
        }
    }
}

fn style() -> ProgressStyle {
    let template = "{msg:<24} {wide_bar} {pos}/{len} rows  {rate}  {eta} left";
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
            // A bar that cannot be drawn is not worth stopping for.
            let _ = write!(out, "{:.0} rows/s", state.per_sec());
        })
}

fn title(activity: &Activity) -> String {
    match activity {
        Activity::Embedding { split } => format!("embedding {split}"),
        Activity::Training { epoch, epochs, phase: "train" } => format!("epoch {epoch}/{epochs}"),
        Activity::Training { epoch, epochs, phase } => format!("{phase}, epoch {epoch}/{epochs}"),
        Activity::Judging => "judging the labels".into(),
        Activity::Translating { direction } => format!("translating {direction}"),
        Activity::Scoring { split } => format!("scoring {split}"),
    }
}

/// Draws the progress of requests on stderr.
pub(crate) struct Asking {
    bar: ProgressBar,
    quiet: bool,
}

impl Asking {
    /// A bar on a terminal, nothing but warnings when `quiet`.
    pub(crate) fn new(quiet: bool) -> Self {
        Self { bar: ProgressBar::hidden(), quiet }
    }
}

impl lane_few_shot::Progress for Asking {
    fn begin(&self, n_requests: usize) {
        self.bar.set_length(n_requests as u64);
        self.bar.set_style(style());
        self.bar.set_message("asking");
        if !self.quiet && std::io::stderr().is_terminal() {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    fn answered(&self) {
        self.bar.inc(1);
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }

    fn status(&self, text: &str) {
        if !self.quiet {
            self.bar.suspend(|| print::talk(text));
        }
    }

    fn note(&self, text: &str) {
        self.bar.suspend(|| print::talk(&format!("warning: {text}")));
    }
}

impl Observer for Bars {
    fn begin(&mut self, activity: &Activity, n_rows: u64) {
        if self.terminal && !self.quiet {
            let bar = ProgressBar::new(n_rows).with_style(style()).with_message(title(activity));
            self.bar = Some(bar);
        }
    }

    fn advance(&mut self, n_rows: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(n_rows);
        }
    }

    fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn fold(&mut self, fold: u32, folds: u32) {
        if !self.quiet {
            self.say(&format!("fold {fold} of {folds}"));
        }
    }

    fn epoch(&mut self, report: &EpochReport) {
        if self.quiet {
            return;
        }
        let score = |name: &str, scores: &Option<lane_train::scores::SplitScores>| {
            scores.map_or(String::new(), |scores| format!("  {name} {:.4}", scores.accuracy))
        };
        self.say(&format!(
            "epoch {}/{}  loss {:.4}{}{}",
            report.epoch,
            report.epochs,
            report.loss,
            score("validation", &report.validation),
            score("test", &report.test)
        ));
    }

    fn is_to_stop(&self) -> bool {
        self.stop.is_asked()
    }

    fn note(&mut self, text: &str) {
        self.say(&format!("warning: {text}"));
    }
}

/// Draws downloads on stderr, where that is a terminal.
pub(crate) struct TransferBars {
    bar: Option<ProgressBar>,
    is_shown: bool,
}

impl TransferBars {
    pub(crate) fn new(quiet: bool) -> Self {
        Self { bar: None, is_shown: !quiet && std::io::stderr().is_terminal() }
    }
}

impl Transfers for TransferBars {
    fn begin(&mut self, file: &str, bytes: u64) {
        if !self.is_shown {
            return;
        }
        // Begins once more when a transfer is taken up again.
        self.end();
        let template = "{msg} {wide_bar} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left";
        let style = ProgressStyle::with_template(template);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let name = file.rsplit('/').next().unwrap_or(file).to_owned();
        self.bar = Some(ProgressBar::new(bytes).with_style(style).with_message(name));
    }

    fn advance(&mut self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(bytes);
        }
    }

    fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
