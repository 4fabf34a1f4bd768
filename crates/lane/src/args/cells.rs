//! `lane cells` and `lane run-cell`, declared.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use lane_train::Every;

/// `lane cells`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  lane cells --grid grid/grid.json

A grid names data, variants of methods, and settings:
  {\"data\": [{\"name\": \"trec6\", \"noise\": 0.4, \"seed\": 1, \"train\": \"train.csv\", \"test\": \"test.csv\"}],
   \"variants\": [{\"method\": \"base\"}, {\"label\": \"lane-2\", \"method\": \"lane\", \"settings\": {\"views.kinds\": 2}}],
   \"settings\": {\"training.epochs\": 10}}
Paths that are not absolute stand from the folder of the grid, as do those in cells.jsonl.")]
pub(crate) struct CellsArgs {
    /// The grid; `cells.jsonl` is written beside it.
    #[arg(long, value_name = "FILE")]
    pub(crate) grid: PathBuf,
}

/// `lane run-cell`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  lane run-cell --cells grid/cells.jsonl --index 0
  lane run-cell --cells grid/cells.jsonl --index $SLURM_ARRAY_TASK_ID

A finished cell is kept, a stopped one goes on from its last checkpoint. A folder that holds another cell, a changed input, or a line of another
version of lane is refused with exit code 2.")]
pub(crate) struct RunCellArgs {
    /// The list that `lane cells` wrote.
    #[arg(long, value_name = "FILE")]
    pub(crate) cells: PathBuf,
    /// Which line, from 0.
    #[arg(long, value_name = "I")]
    pub(crate) index: usize,
    /// How often to write a checkpoint: a time (90s, 10m, 2h), a number of steps (500), or never, which
    /// leaves the one that SIGINT and SIGTERM write [default: 10m].
    #[arg(long, value_name = "TIME|STEPS")]
    pub(crate) checkpoint_every: Option<Every>,
    /// Run a finished cell again, and begin a stopped one anew.
    #[arg(long)]
    pub(crate) force: bool,
}
