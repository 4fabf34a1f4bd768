//! A configuration with its data read, its examples drawn and every request known; nothing sent yet.

use std::collections::BTreeSet;
use std::path::Path;

use lane_data::read::{self, LabelPolicy};
use lane_data::{Dataset, LabelSet, sample};
use lane_metrics::{ClassId, RowId};
use serde::Serialize;

use crate::chat::ChatRequest;
use crate::config::Config;
use crate::error::FewShotError;
use crate::examples::{self, Shot};
use crate::parse::ReplyParser;
use crate::progress::Progress;
use crate::prompt::{Prompt, Question};
use crate::recorded::Replies;

/// Everything a run needs but a model.
#[derive(Debug)]
pub struct Experiment {
    pub(crate) config: Config,
    pub(crate) train: Dataset,
    /// The rows asked about.
    pub(crate) test: Dataset,
    /// Their numbers in the test file.
    pub(crate) test_rows: Vec<RowId>,
    /// Rows of the test file.
    pub(crate) n_test_file: usize,
    pub(crate) parser: ReplyParser,
    pub(crate) runs: Vec<Run>,
    /// A cell for each run and test row, run after run.
    pub(crate) cells: Vec<Cell>,
    /// The first cell of each distinct request; two rows of one text are asked about once.
    pub(crate) requests: Vec<usize>,
}

/// The examples of one run, and the prompt made of them.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) shots: Vec<Shot>,
    prompt: Prompt,
}

/// One question.
#[derive(Debug)]
pub(crate) struct Cell {
    /// Hash of the request.
    pub(crate) key: String,
    /// Examples that fit.
    pub(crate) n_examples: usize,
    n_tokens: usize,
}

/// What a run would take, before anything is sent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Distinct requests.
    pub n_requests: usize,
    /// Their prompts together, in estimated tokens.
    pub prompt_tokens: u64,
    /// The most tokens all replies together can have.
    pub completion_tokens: u64,
    /// What that would cost by the estimate, where prices are known.
    pub cost: Option<f64>,
    /// The instruction.
    pub system: String,
    /// The first question, examples and all.
    pub user: String,
}

impl Experiment {
    /// Reads the data, draws the examples of every run and makes sure that every text fits.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with configuration and data; all of it is [`FewShotError::is_usage`].
    pub fn prepare(config: Config, progress: &dyn Progress) -> Result<Self, FewShotError> {
        config.check()?;
        let columns = &config.data.columns;
        let train = read::dataset(&config.data.train, columns, LabelPolicy::Discover)?;
        let test = read::dataset(&config.data.test, columns, LabelPolicy::Known(&train.labels))?;
        let parser = ReplyParser::new(&train.labels)?;
        note_data(&train, &test, &config, progress);
        let n_test_file = test.n_rows();
        let most = config.data.max_test.unwrap_or(n_test_file);
        let test_rows = sample::rows(n_test_file, most, config.seed);
        let test = test.subset(&test_rows)?;
        let runs = (1..=config.runs)
            .map(|run| Run::draw(&train, &config, run))
            .collect::<Result<Vec<_>, _>>()?;
        let (cells, requests) = (Vec::new(), Vec::new());
        let mut experiment =
            Self { config, train, test, test_rows, n_test_file, parser, runs, cells, requests };
        experiment.ask_nothing_twice()?;
        experiment.note_dropped(progress);
        Ok(experiment)
    }

    /// The configuration it was made of.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Fills in cells and distinct requests.
    fn ask_nothing_twice(&mut self) -> Result<(), FewShotError> {
        let mut known = BTreeSet::new();
        for cell in 0..self.runs.len() * self.test.n_rows() {
            let question = self.question(cell)?;
            let (n_examples, n_tokens) = (question.n_examples, question.n_tokens);
            let key = self.request_of(cell, question).key();
            if known.insert(key.clone()) {
                self.requests.push(cell);
            }
            self.cells.push(Cell { key, n_examples, n_tokens });
        }
        Ok(())
    }

    fn question(&self, cell: usize) -> Result<Question, FewShotError> {
        let example = &self.test.examples[cell % self.test.n_rows()];
        let limits = &self.config.request;
        let window = limits.context_tokens.unwrap_or(usize::MAX);
        // The reply has to fit too.
        let room = window.saturating_sub(limits.max_tokens as usize);
        let prompt = &self.runs[cell / self.test.n_rows()].prompt;
        prompt.question(&example.text, Some(room)).map_err(|n_tokens| FewShotError::TooLong {
            id: example.id.clone(),
            n_tokens: n_tokens + limits.max_tokens as usize,
            window,
        })
    }

    fn request_of(&self, cell: usize, question: Question) -> ChatRequest {
        let settings = &self.config.request;
        ChatRequest {
            model: self.config.model.clone(),
            system: self.runs[cell / self.test.n_rows()].prompt.system().into(),
            user: question.user,
            temperature: settings.temperature,
            max_tokens: settings.max_tokens,
            limit_field: settings.limit_field,
            seed: settings.send_seed.then_some(self.config.seed),
        }
    }

    /// The request of a cell; made when it is needed, since all of them would fill the memory.
    pub(crate) fn request(&self, cell: usize) -> Result<ChatRequest, FewShotError> {
        Ok(self.request_of(cell, self.question(cell)?))
    }

    /// What sending everything would take.
    ///
    /// # Errors
    ///
    /// None after [`prepare`](Self::prepare), which made every question once.
    pub fn estimate(&self) -> Result<Estimate, FewShotError> {
        let prompt_tokens =
            self.requests.iter().map(|cell| self.cells[*cell].n_tokens as u64).sum();
        let n_requests = self.requests.len();
        let completion_tokens = n_requests as u64 * u64::from(self.config.request.max_tokens);
        let first = self.request(0)?;
        Ok(Estimate {
            n_requests,
            prompt_tokens,
            completion_tokens,
            cost: self.config.price.map(|price| price.of(prompt_tokens, completion_tokens)),
            system: first.system,
            user: first.user,
        })
    }

    /// Refuses a recording that lacks replies to these requests.
    ///
    /// # Errors
    ///
    /// [`FewShotError::NotRecorded`] with their number.
    pub fn check_recorded(&self, replies: &Replies, path: &Path) -> Result<(), FewShotError> {
        let missing = |cell: &&usize| !replies.contains_key(&self.cells[**cell].key);
        match self.requests.iter().filter(missing).count() {
            0 => Ok(()),
            n_missing => Err(FewShotError::NotRecorded {
                path: path.into(),
                n_missing,
                n_requests: self.requests.len(),
            }),
        }
    }

    /// Labels of the data.
    pub(crate) fn labels(&self) -> &LabelSet {
        &self.train.labels
    }

    /// Gold labels of the test rows where there are any, else the given ones.
    pub(crate) fn truth(&self) -> Vec<ClassId> {
        self.test.gold_labels().unwrap_or_else(|| self.test.given_labels())
    }

    /// Cells of one run, by test row.
    pub(crate) fn cells_of(&self, run: usize) -> &[Cell] {
        let n_rows = self.test.n_rows();
        &self.cells[run * n_rows..][..n_rows]
    }

    fn note_dropped(&self, progress: &dyn Progress) {
        for run in 0..self.runs.len() {
            let kept = self.cells_of(run).iter().map(|cell| cell.n_examples);
            let (Some(least), Some(most)) = (kept.clone().min(), kept.max()) else { continue };
            let shots = self.config.examples.shots;
            if least < shots {
                progress.note(&format!(
                    "run {}: {least} to {most} of {shots} examples fit into the window",
                    run + 1
                ));
            }
        }
    }
}

impl Run {
    fn draw(train: &Dataset, config: &Config, run: u32) -> Result<Self, FewShotError> {
        let shots = examples::draw(train, &config.examples, config.seed, run)?;
        let shown = |shot: &Shot| (train.examples[shot.row.index()].text.as_str(), shot.shown);
        let prompt = Prompt::new(&train.labels, shots.iter().map(shown));
        Ok(Self { shots, prompt })
    }
}

fn note_data(train: &Dataset, test: &Dataset, config: &Config, progress: &dyn Progress) {
    for warning in train.warnings.iter().chain(&test.warnings) {
        progress.note(warning);
    }
    if train.labels.names().iter().all(|name| name.parse::<i64>().is_ok()) {
        progress
            .note("the labels are numbers, which tell a language model little; names do better");
    }
    if config.examples.wrong_share.is_some() && !train.has_gold {
        progress.note(
            "the training file has no gold labels: its given labels are taken as right before some are changed",
        );
    }
}
