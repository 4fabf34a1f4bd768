//! The loop, driven by methods made for the purpose.

use std::cell::RefCell;
use std::fmt::Write;
use std::rc::Rc;

use crate::dynamics::DynamicsConfig;
use lane_data::RowId;
use lane_metrics::ClassId;
use lane_metrics::weights::MarginWeights;
use lane_models::Network;

use super::{Sinks, Trainer};
use crate::config::Config;
use crate::divergence::Place;
use crate::dynamics::Dynamics;
use crate::error::TrainError;
use crate::evaluate::score_split;
use crate::experiment::Experiment;
use crate::history::History;
use crate::method::{
    EpochPlan, EpochStart, Loss, Method, Networked, Pass, Phase, Scorer, Start, Step, Stream,
    Verdict,
};
use crate::networks::Networks;
use crate::progress::Silent;
use crate::run_folder::RunFolder;

const N_ROWS: u32 = 6;

/// What the probe saw of one batch of one step.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    phase: usize,
    stream: usize,
    rows: Vec<u32>,
    labels: Vec<u16>,
    n_targets: usize,
    ran: Vec<bool>,
    n_classes: usize,
}

/// Plans one pass as told and writes down what it is shown.
#[derive(Clone)]
struct Probe {
    phases: Vec<Phase>,
    pass: Pass,
    seen: Rc<RefCell<Vec<Seen>>>,
    visits_at_start: Rc<RefCell<Vec<u32>>>,
    learns: bool,
}

impl Probe {
    fn new(phases: Vec<Phase>, pass: Pass) -> Self {
        Self { phases, pass, seen: Rc::default(), visits_at_start: Rc::default(), learns: true }
    }

    fn of_stream(&self, stream: usize) -> Vec<Seen> {
        self.seen.borrow().iter().filter(|seen| seen.stream == stream).cloned().collect()
    }
}

impl Method for Probe {
    fn phases(&self) -> Vec<Phase> {
        self.phases.clone()
    }

    fn plan(&mut self, at: &EpochStart<'_>) -> Result<EpochPlan, TrainError> {
        self.visits_at_start.borrow_mut().push(at.margins.averages().count(RowId(0)));
        Ok(EpochPlan { passes: vec![self.pass.clone()] })
    }

    fn loss(&mut self, step: &Step<'_>) -> Result<Loss, TrainError> {
        for (stream, batch) in step.batches.iter().enumerate() {
            self.seen.borrow_mut().push(Seen {
                phase: step.phase,
                stream,
                rows: batch.rows.iter().map(|row| row.0).collect(),
                labels: batch.labels.iter().map(|label| label.0).collect(),
                n_targets: batch.targets.dims()[0],
                ran: batch.outputs.iter().map(Option::is_some).collect(),
                n_classes: batch.output(0).map_or(0, |output| output.logits.dims()[1]),
            });
        }
        let batch = &step.batches[0];
        if !self.learns {
            return Ok(Loss::none(&batch.targets.device()));
        }
        let total = lane_losses::cross_entropy::mean(
            batch.output(0)?.logits.clone(),
            batch.targets.clone(),
        );
        Ok(Loss { terms: Vec::new(), total })
    }

    fn verdicts(&self, _margins: &MarginWeights) -> Vec<Verdict> {
        Vec::new()
    }
}

fn experiment(folder: &std::path::Path) -> Experiment {
    let words = ["red", "green"];
    let mut text = String::from("text,label\n");
    for row in 0..N_ROWS {
        writeln!(text, "a {} ball {row},{}", words[row as usize % 2], words[row as usize % 2])
            .unwrap();
    }
    let path = folder.join("train.csv");
    std::fs::write(&path, text).unwrap();
    let mut settings = vec![crate::Setting::new("data.train", path.display().to_string())];
    settings.extend(
        ["method=base", "training.batch_size=2", "model.max_length=8"]
            .map(|it| it.parse().unwrap()),
    );
    Experiment::prepare(Config::resolve(None, &settings).unwrap(), &mut Silent).unwrap()
}

/// Trains as `probe` says; the networks in the end, and the epochs the history kept.
fn train(probe: &Probe) -> Result<(Networks, Vec<u32>), TrainError> {
    let parent = tempfile::tempdir().unwrap();
    let experiment = experiment(parent.path());
    let folder = RunFolder::create(&parent.path().join("run"), false)?;
    let mut history = History::create(&folder, &experiment)?;
    let mut dynamics = Dynamics::create(
        &folder.file("dynamics.parquet"),
        N_ROWS as usize,
        2,
        DynamicsConfig::default(),
    )?;
    let trainer = Trainer::with_method(&experiment, Box::new(probe.clone()))?;
    let trained = trainer.run(&mut Sinks {
        history: &mut history,
        dynamics: &mut dynamics,
        checkpoints: None,
        observer: &mut Silent,
    })?;
    Ok((trained.networks, history.epochs.iter().map(|it| it.epoch).collect()))
}

fn stream(rows: impl IntoIterator<Item = u32>, label: u16) -> Stream {
    let rows: Vec<RowId> = rows.into_iter().map(RowId).collect();
    Stream {
        labels: vec![ClassId(label); rows.len()],
        rows,
        networks: Networked::All,
        recorded: false,
    }
}

fn all_rows() -> Stream {
    Stream::all(&(0..N_ROWS).map(|row| ClassId(row as u16 % 2)).collect::<Vec<_>>())
}

fn weights(network: &Network) -> Vec<f32> {
    network.head.classifier.weight.val().into_data().try_into_vec().unwrap()
}

#[test]
fn a_stream_without_rows_gives_an_empty_batch_at_its_place() {
    let pass =
        Pass { streams: vec![all_rows(), stream([], 0), stream([4, 5], 0)], trained: vec![0] };
    let probe = Probe::new(vec![Phase::only(1, 1)], pass);
    train(&probe).unwrap();
    let empty = Seen {
        phase: 0,
        stream: 1,
        rows: vec![],
        labels: vec![],
        n_targets: 0,
        ran: vec![false],
        n_classes: 0,
    };
    assert_eq!(probe.of_stream(1), vec![empty; 3]);
    assert_eq!(probe.of_stream(2).len(), 3);
}

#[test]
fn the_first_stream_sets_the_steps_and_shorter_ones_start_over() {
    let pass = Pass { streams: vec![all_rows(), stream([4, 5, 1], 0)], trained: vec![0] };
    let probe = Probe::new(vec![Phase::only(1, 1)], pass);
    train(&probe).unwrap();
    let mut first: Vec<u32> =
        probe.of_stream(0).iter().flat_map(|seen| seen.rows.clone()).collect();
    first.sort_unstable();
    assert_eq!(first, (0..N_ROWS).collect::<Vec<_>>());
    let second = probe.of_stream(1);
    assert_eq!(second.len(), 3);
    assert_eq!(second[0], second[2]);
    assert_ne!(second[0].rows, second[1].rows);
}

#[test]
fn a_stream_is_learnt_with_its_own_labels() {
    let pass = Pass { streams: vec![stream([0, 2, 4], 1)], trained: vec![0] };
    let probe = Probe::new(vec![Phase::only(1, 1)], pass);
    train(&probe).unwrap();
    let labels: Vec<u16> = probe.of_stream(0).iter().flat_map(|seen| seen.labels.clone()).collect();
    assert_eq!(labels, [1, 1, 1]);
}

#[test]
fn a_network_the_stream_does_not_name_does_not_run_and_one_not_trained_keeps_still() {
    let only = |networks, trained| {
        let stream = Stream { networks, ..all_rows() };
        let probe = Probe::new(vec![Phase::only(1, 2)], Pass { streams: vec![stream], trained });
        let (networks, _) = train(&probe).unwrap();
        let ran = probe.of_stream(0)[0].ran.clone();
        (ran, weights(&networks.members[0]), weights(&networks.members[1]))
    };
    let (ran, trained, still) = only(Networked::Only(vec![0]), vec![0]);
    assert_eq!(ran, [true, false]);
    let (ran, untouched, still_too) = only(Networked::All, vec![1]);
    assert_eq!(ran, [true, true]);
    // The loss reads network 0 alone, so that network 1 has no gradient either way.
    assert_eq!(still, still_too);
    assert_ne!(trained, untouched);
}

fn two_phases(start: Start) -> Probe {
    let second = Phase { name: "second", start, ..Phase::only(1, 1) };
    let pass = Pass { streams: vec![all_rows()], trained: vec![0] };
    Probe::new(vec![Phase::only(2, 1), second], pass)
}

#[test]
fn a_fresh_phase_starts_the_averages_over_and_the_last_phase_alone_is_history() {
    let probe = two_phases(Start::Fresh);
    let (_, epochs) = train(&probe).unwrap();
    assert_eq!(epochs, [3]);
    assert_eq!(*probe.visits_at_start.borrow(), [0, 1, 0]);
    let phases: Vec<usize> = probe.of_stream(0).iter().map(|seen| seen.phase).collect();
    assert_eq!(phases, [0, 0, 0, 0, 0, 0, 1, 1, 1]);
}

#[test]
fn a_phase_that_continues_keeps_networks_and_averages() {
    let (carried_on, afresh) = (two_phases(Start::Continue), two_phases(Start::Fresh));
    let (continued, _) = train(&carried_on).unwrap();
    let (begun_again, _) = train(&afresh).unwrap();
    assert_eq!(*carried_on.visits_at_start.borrow(), [0, 1, 2]);
    assert_ne!(weights(&continued.members[0]), weights(&begun_again.members[0]));
}

#[test]
fn extra_classes_widen_the_networks_of_their_phase() {
    let phase = Phase { extra_classes: 1, ..Phase::only(1, 1) };
    let probe =
        Probe::new(vec![phase], Pass { streams: vec![stream(0..N_ROWS, 2)], trained: vec![0] });
    train(&probe).unwrap();
    assert!(
        probe
            .of_stream(0)
            .iter()
            .all(|seen| seen.n_classes == 3 && seen.labels.iter().all(|it| *it == 2))
    );
}

#[test]
fn a_method_without_phases_is_refused() {
    let probe = Probe::new(Vec::new(), Pass { streams: vec![all_rows()], trained: vec![0] });
    let Err(error) = train(&probe) else { panic!("it ran") };
    assert_eq!(error.to_string(), "a method without phases; expected at least one");
}

#[test]
fn a_step_without_rows_to_learn_from_moves_nothing_not_even_by_decay() {
    let pass = Pass { streams: vec![all_rows()], trained: vec![0] };
    let of = |epochs, learns| {
        let probe = Probe { learns, ..Probe::new(vec![Phase::only(epochs, 1)], pass.clone()) };
        weights(&train(&probe).unwrap().0.members[0])
    };
    assert_eq!(of(2, false), of(0, true));
    assert_ne!(of(2, true), of(0, true));
}

#[test]
fn rows_of_a_split_whose_logits_are_no_numbers_are_named_and_never_scored() {
    let parent = tempfile::tempdir().unwrap();
    let experiment = experiment(parent.path());
    let mut networks =
        Networks::fresh(&experiment.encoder, &Phase::only(1, 1), 2, 1, &experiment.device).unwrap();
    let classifier = &mut networks.members[0].head.classifier;
    // Each weight is a number; no sum of two of them is.
    classifier.weight = classifier.weight.clone().map(|it| it.zeros_like().add_scalar(3e38));
    let (split, config, device) = (&experiment.train, &experiment.config, &experiment.device);
    let error = score_split(&networks, 1, split, config, device, &mut Silent).unwrap_err();
    assert!(!error.is_usage());
    let message = error.to_string();
    let ids: Vec<_> = split.dataset.examples.iter().map(|it| it.id.as_str()).collect();
    let rows = message.strip_prefix("the logits of the classifier are NaN or infinite for rows ");
    let rows = rows.and_then(|it| it.strip_suffix(" of split `train`")).unwrap();
    assert!(rows.split(", ").all(|id| ids.contains(&id)), "{message}");

    let scorer = experiment.scorer(networks);
    let error = scorer.logits(0, &[RowId(3)]).unwrap_err();
    let error = error.in_training(Place { epoch: 4, step: 3 });
    assert_eq!(
        error.to_string(),
        format!(
            "training diverged in epoch 4, step 3: the logits of the classifier on split `train` \
             became NaN or infinite for rows {}",
            ids[3]
        )
    );
}
