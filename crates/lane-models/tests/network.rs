//! What a network promises whatever its weights are.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use burn::tensor::{Device, Tensor};
use lane_models::{
    BertConfig, BertEncoder, Head, Mode, Network, NetworkInput, Pooling, TokenBatch, TrainingStep,
};

/// Wide weights, so that attention is uneven and a leak would show.
fn config() -> BertConfig {
    BertConfig { initializer_range: 0.3, ..BertConfig::tiny(50) }
}

fn network(pooling: Pooling) -> Network {
    Network::init(&config(), 3, pooling, 4, &Device::flex())
}

/// Rows of ids padded to `width` with `pad`.
fn batch(rows: &[&[i32]], width: usize, pad: i32) -> TokenBatch {
    let grid = rows.iter().flat_map(|row| (0..width).map(move |t| row.get(t).copied()));
    let lengths = rows.iter().map(|row| row.len() as u32).collect();
    TokenBatch::new(grid.map(|id| id.unwrap_or(pad)).collect(), lengths, &Device::flex())
}

fn logits(network: &Network, batch: &TokenBatch, mode: Mode<'_>) -> Vec<f32> {
    data(network.forward(NetworkInput::Tokens(batch), mode).logits)
}

fn data<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

#[track_caller]
fn close(ours: &[f32], theirs: &[f32]) {
    assert_eq!(ours.len(), theirs.len());
    for (our, their) in ours.iter().zip(theirs) {
        // Another shape is another order of summation, at a rounding of 1e-7 each.
        assert!((our - their).abs() <= 1e-5, "{our}, expected {their}");
    }
}

const ROWS: [&[i32]; 3] = [&[2, 8, 19, 33, 3], &[2, 3], &[2, 41, 7, 3]];

#[test]
fn what_stands_in_the_padding_has_no_influence_at_all() {
    for pooling in [Pooling::Cls, Pooling::Mean] {
        let network = network(pooling);
        let of = |pad| logits(&network, &batch(&ROWS, 9, pad), Mode::Evaluate);
        assert_eq!(of(0), of(49));
    }
}

#[test]
fn the_width_of_the_padding_does_not_matter() {
    for pooling in [Pooling::Cls, Pooling::Mean] {
        let network = network(pooling);
        let of = |width| logits(&network, &batch(&ROWS, width, 0), Mode::Evaluate);
        close(&of(5), &of(40));
    }
}

#[test]
fn a_row_has_the_same_logits_alone_and_in_a_batch() {
    let network = network(Pooling::Mean);
    let together = logits(&network, &batch(&ROWS, 5, 0), Mode::Evaluate);
    for (row, expected) in ROWS.iter().zip(together.chunks(3)) {
        close(&logits(&network, &batch(&[row], row.len(), 0), Mode::Evaluate), expected);
    }
}

#[test]
fn order_of_words_matters() {
    let network = network(Pooling::Mean);
    let of = |ids: &[i32]| logits(&network, &batch(&[ids], 4, 0), Mode::Evaluate);
    assert_ne!(of(&[2, 8, 9, 3]), of(&[2, 9, 8, 3]));
}

#[test]
fn logits_follow_from_the_embedding() {
    for pooling in [Pooling::Cls, Pooling::Mean] {
        let network = network(pooling);
        let output = network.forward(NetworkInput::Tokens(&batch(&ROWS, 9, 0)), Mode::Evaluate);
        let again = network.classify(output.embedding, Mode::Evaluate);
        assert_eq!(data(again), data(output.logits));
    }
}

#[test]
fn a_head_on_features_of_a_frozen_encoder_is_the_whole_network() {
    let whole = network(Pooling::Mean);
    let batch = batch(&ROWS, 9, 0);
    let features = whole.encoder.as_ref().unwrap().embed(&batch, Pooling::Mean);
    let head = Network::new(None, whole.head.clone(), Pooling::Mean);
    let output = head.forward(NetworkInput::Features(features), Mode::Evaluate);
    assert_eq!(data(output.logits.clone()), logits(&whole, &batch, Mode::Evaluate));
    assert_eq!(output.embedding.dims(), [3, 64]);
    // Here the embedding is the hidden layer, so that a loss on it can train something.
    assert!(data(output.embedding.clone()).iter().all(|x| x.abs() <= 1.0));
    assert_eq!(data(head.classify(output.embedding, Mode::Evaluate)), data(output.logits));
}

#[test]
fn embedding_without_dropout_is_what_the_classifier_sees() {
    let network = network(Pooling::Cls);
    let batch = batch(&ROWS, 9, 0);
    let output = network.forward(NetworkInput::Tokens(&batch), Mode::Evaluate);
    let embedded = network.encoder.as_ref().unwrap().embed(&batch, Pooling::Cls);
    assert_eq!(data(embedded), data(output.embedding));
}

#[test]
fn an_encoder_built_alone_is_the_encoder_of_a_network() {
    let alone = BertEncoder::init(&config(), 4, &Device::flex());
    let within = network(Pooling::Cls).encoder.unwrap();
    let batch = batch(&ROWS, 9, 0);
    assert_eq!(
        data(alone.forward(&batch, Mode::Evaluate)),
        data(within.forward(&batch, Mode::Evaluate))
    );
    assert_eq!(alone.hidden_size(), 64);
}

#[test]
fn training_is_a_function_of_the_seed_of_its_dropout() {
    let network = network(Pooling::Cls);
    let of = |seed| {
        let stream = TrainingStep::new(seed);
        logits(&network, &batch(&ROWS, 9, 0), Mode::Train(&stream))
    };
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
}

#[test]
fn dropout_leaves_the_mean_of_the_logits_in_place() {
    // Through the classifier alone the logits are linear in the mask, so their mean is exact.
    let head = Head::init(16, 3, 0.5, 0.3, 4, &Device::flex());
    let hidden = Tensor::<2>::ones([4000, 16], &Device::flex());
    let stream = TrainingStep::new(8);
    let dropped = head.classify(hidden.clone(), Mode::Train(&stream)).mean_dim(0);
    let whole = head.classify(hidden, Mode::Evaluate).mean_dim(0);
    for (ours, theirs) in data(dropped).iter().zip(data(whole)) {
        assert!((ours - theirs).abs() < 0.1, "{ours}, expected {theirs}");
    }
}

#[test]
fn a_text_as_long_as_the_positions_fits() {
    let config = BertConfig { max_position_embeddings: 6, ..config() };
    let network = Network::init(&config, 2, Pooling::Cls, 1, &Device::flex());
    let row: &[i32] = &[2, 5, 6, 7, 8, 3];
    let values = logits(&network, &batch(&[row], 6, 0), Mode::Evaluate);
    assert!(values.iter().all(|x| x.is_finite()));
}

#[test]
#[should_panic(expected = "token ids given to a network without an encoder")]
fn tokens_need_an_encoder() {
    let head = Head::init(64, 3, 0.0, 0.02, 4, &Device::flex());
    let network = Network::new(None, head, Pooling::Cls);
    logits(&network, &batch(&ROWS, 5, 0), Mode::Evaluate);
}
