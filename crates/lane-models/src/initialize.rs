//! Random initial weights, a function of a seed and the parameter's path.
//!
//! ```text
//! matrices and embeddings   N(0, initializer_range²)
//! biases, LayerNorm beta    0
//! LayerNorm gamma           1
//! ```
//!
//! as upstream, except that the row of the padding token is random like the others: the
//! attention mask keeps it out of every result. Each parameter has its own stream of random numbers, so
//! that the classifier of a seed is the same over a large encoder, a small one and none.

use std::convert::Infallible;

use burn::{module::Module, tensor::Device};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::parameters::{self, Place};

/// Gives every parameter of a blank module its initial values.
pub(crate) fn fill<M: Module>(module: M, range: f64, seed: u64, device: &Device) -> M {
    let source = |place: &Place| Ok::<_, Infallible>(initial(place, range, seed));
    match parameters::fill(module, device, source) {
        Ok(module) => module,
    }
}

fn initial(place: &Place, range: f64, seed: u64) -> Vec<f32> {
    let len = place.shape.iter().product();
    let leaf = place.path.rsplit('.').next().unwrap_or_default();
    match leaf {
        "gamma" => vec![1.0; len],
        "bias" | "beta" => vec![0.0; len],
        _ => normal(len, range as f32, seed, &place.path),
    }
}

fn normal(len: usize, deviation: f32, seed: u64, path: &str) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream(path));
    (0..len)
        .map(|_| {
            deviation * <StandardNormal as Distribution<f32>>::sample(&StandardNormal, &mut rng)
        })
        .collect()
}

/// FNV-1a of the path below `encoder` or `head`, so that a part built alone draws as it does
/// within a network.
fn stream(path: &str) -> u64 {
    let path = path.strip_prefix("encoder.").or_else(|| path.strip_prefix("head.")).unwrap_or(path);
    path.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BertConfig, Head, Network, Pooling};

    fn weights(network: &Network) -> Vec<(String, Vec<f32>)> {
        parameters::values(network)
            .into_iter()
            .map(|(place, data)| (place.path, data.try_to_vec().unwrap()))
            .collect()
    }

    fn network(seed: u64) -> Network {
        let config = BertConfig::tiny(500);
        Network::init(&config, 3, Pooling::Cls, seed, &Device::flex())
    }

    #[test]
    fn one_seed_gives_one_network() {
        assert_eq!(weights(&network(1)), weights(&network(1)));
        assert_ne!(weights(&network(1)), weights(&network(2)));
    }

    #[test]
    fn no_two_matrices_start_alike() {
        let starts: Vec<Vec<f32>> = weights(&network(1))
            .into_iter()
            .filter(|(path, _)| path.ends_with("weight"))
            .map(|(_, values)| values[..8].to_vec())
            .collect();
        for (at, start) in starts.iter().enumerate() {
            assert!(!starts[..at].contains(start));
        }
    }

    #[test]
    fn a_head_built_alone_is_the_head_of_a_network() {
        let config = BertConfig::tiny(500);
        let alone = Head::init(64, 3, 0.1, config.initializer_range, 1, &Device::flex());
        let within = network(1).head;
        assert_eq!(
            alone.classifier.weight.val().into_data().try_to_vec::<f32>().unwrap(),
            within.classifier.weight.val().into_data().try_to_vec::<f32>().unwrap()
        );
    }

    #[test]
    fn spread_is_that_of_the_config_and_norms_start_neutral() {
        let expected = BertConfig::tiny(500).initializer_range;
        for (path, values) in weights(&network(1)) {
            let n = values.len() as f64;
            let mean = values.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
            let square = values.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / n;
            if path.ends_with("word_embeddings.weight") {
                assert!(
                    mean.abs() < 0.05 * expected && (square.sqrt() / expected - 1.0).abs() < 0.02,
                    "{mean} {square}"
                );
            } else if path.ends_with("gamma") {
                assert!(values.iter().all(|x| x.total_cmp(&1.0).is_eq()));
            } else if path.ends_with("bias") || path.ends_with("beta") {
                assert!(values.iter().all(|x| x.total_cmp(&0.0).is_eq()));
            }
        }
    }
}
