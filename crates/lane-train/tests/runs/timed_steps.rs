//! What `lane bench` times is what training does.

use lane_train::bench::step::{NetworkRequest, TextRequest};
use lane_train::bench::{Kernels, StepRequest, step};
use lane_train::device::DeviceName;
use lane_train::{Bucketing, Columns, MethodName};

use crate::support::{Corpus, N_TRAIN};

#[test]
fn the_first_timed_step_has_the_loss_of_the_first_step_of_training() {
    let corpus = Corpus::new();
    let whole = format!("training.batch_size={N_TRAIN}");
    let config = corpus.config(MethodName::BASE, &["training.epochs=1", &whole]);
    let seed = config.seed;
    let trained = corpus.run("run", config).unwrap().metrics("train")[0]["loss"].clone();
    let bucketing = Bucketing::Length;
    let path = corpus.path("train.csv");
    let report = step::run(&StepRequest {
        network: NetworkRequest::Encoder("tiny".into()),
        text: Some(TextRequest { path, columns: Columns::default(), bucketing }),
        batch_size: N_TRAIN,
        width: Some(16),
        dropout: None,
        warmup: 0,
        steps: 1,
        device: DeviceName::Flex,
        kernels: Kernels::Fused,
        seed,
    });
    let timed = report.unwrap().steps[0];
    assert_eq!(serde_json::Value::from(timed.loss), trained);
}
