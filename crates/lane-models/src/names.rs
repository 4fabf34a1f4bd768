//! Names of parameters, here and upstream.
//!
//! ```text
//! encoder.embeddings.layer_norm.gamma        bert.embeddings.LayerNorm.weight
//! encoder.layers.3.attention.query.weight    bert.encoder.layer.3.attention.self.query.weight
//! encoder.layers.3.attention.output.bias     bert.encoder.layer.3.attention.output.dense.bias
//! encoder.layers.3.intermediate.weight       bert.encoder.layer.3.intermediate.dense.weight
//! head.dense.weight                          bert.pooler.dense.weight
//! head.classifier.bias                       classifier.bias
//! ```

use crate::Pooling;

/// Regular expression over parameter paths: what weight decay leaves alone, namely the biases
/// and both parameters of every layer norm.
pub const NO_DECAY: &str = r"(^|\.)(bias|gamma|beta)$";

/// Name of an encoder's parameter upstream, without the prefix `bert.`; `path` starts at the
/// encoder.
pub(crate) fn of_encoder(path: &str) -> String {
    let parts: Vec<&str> = path.split('.').collect();
    match parts.as_slice() {
        ["layers", layer, rest @ ..] => format!("encoder.layer.{layer}.{}", of_layer(rest)),
        ["embeddings", table, leaf] => format!("embeddings.{}.{}", norm(table), leaf_name(leaf)),
        _ => path.into(),
    }
}

/// Name of a head's parameter upstream; `path` starts at the head. With mean pooling the dense
/// layer is no pooler upstream, but a layer of its own.
pub(crate) fn of_head(path: &str, pooling: Pooling) -> String {
    match (path.split_once('.'), pooling) {
        (Some(("dense", leaf)), Pooling::Cls) => format!("bert.pooler.dense.{leaf}"),
        _ => path.into(),
    }
}

/// Name of a [`Network`](crate::Network)'s parameter upstream, from its path here.
pub fn upstream_name(path: &str, pooling: Pooling) -> String {
    match path.split_once('.') {
        Some(("encoder", rest)) => format!("bert.{}", of_encoder(rest)),
        Some(("head", rest)) => of_head(rest, pooling),
        _ => path.into(),
    }
}

/// The present form of a name in a file: checkpoints converted from the first release call the
/// parameters of a layer norm gamma and beta.
pub(crate) fn modern(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((stem, leaf)) if stem.ends_with("LayerNorm") => format!("{stem}.{}", leaf_name(leaf)),
        _ => name.into(),
    }
}

fn of_layer(parts: &[&str]) -> String {
    match parts {
        ["attention", "output", leaf] => format!("attention.output.dense.{leaf}"),
        ["attention", "layer_norm", leaf] => {
            format!("attention.output.LayerNorm.{}", leaf_name(leaf))
        }
        ["attention", projection, leaf] => format!("attention.self.{projection}.{leaf}"),
        ["layer_norm", leaf] => format!("output.LayerNorm.{}", leaf_name(leaf)),
        [linear, leaf] => format!("{linear}.dense.{leaf}"),
        _ => parts.join("."),
    }
}

fn norm(table: &str) -> &str {
    if table == "layer_norm" { "LayerNorm" } else { table }
}

fn leaf_name(leaf: &str) -> &str {
    match leaf {
        "gamma" => "weight",
        "beta" => "bias",
        leaf => leaf,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BertConfig, Network, parameters};
    use burn::module::{ParamGroup, ParamId};

    #[test]
    fn every_parameter_has_its_upstream_name() {
        for (here, upstream) in [
            ("encoder.embeddings.layer_norm.gamma", "bert.embeddings.LayerNorm.weight"),
            ("encoder.embeddings.word_embeddings.weight", "bert.embeddings.word_embeddings.weight"),
            (
                "encoder.layers.3.attention.query.weight",
                "bert.encoder.layer.3.attention.self.query.weight",
            ),
            (
                "encoder.layers.3.attention.output.bias",
                "bert.encoder.layer.3.attention.output.dense.bias",
            ),
            (
                "encoder.layers.3.attention.layer_norm.beta",
                "bert.encoder.layer.3.attention.output.LayerNorm.bias",
            ),
            (
                "encoder.layers.3.intermediate.weight",
                "bert.encoder.layer.3.intermediate.dense.weight",
            ),
            ("encoder.layers.3.layer_norm.gamma", "bert.encoder.layer.3.output.LayerNorm.weight"),
            ("head.dense.weight", "bert.pooler.dense.weight"),
            ("head.classifier.bias", "classifier.bias"),
        ] {
            assert_eq!(upstream_name(here, Pooling::Cls), upstream);
        }
        assert_eq!(upstream_name("head.dense.weight", Pooling::Mean), "dense.weight");
    }

    #[test]
    fn names_of_the_first_release_are_understood() {
        assert_eq!(modern("bert.embeddings.LayerNorm.gamma"), "bert.embeddings.LayerNorm.weight");
        assert_eq!(modern("bert.pooler.dense.bias"), "bert.pooler.dense.bias");
    }

    fn two_layers() -> Network {
        let config = BertConfig { num_hidden_layers: 2, ..BertConfig::tiny(10) };
        Network::blank(&config, 3, Pooling::Cls)
    }

    #[test]
    fn weight_decay_spares_exactly_biases_and_layer_norms() {
        let group = ParamGroup::from_regex(NO_DECAY).unwrap();
        let network = two_layers();
        let places = parameters::places(&network);
        assert_eq!(places.len(), 3 + 2 + 2 * 16 + 4);
        for place in &places {
            let spared = group.matches(&ParamId::new(), Some(&place.path));
            // Matrices decay, vectors do not: biases and layer norms are all the vectors there are.
            assert_eq!(spared, place.shape.len() == 1, "{}", place.path);
        }
    }

    #[test]
    fn paths_are_those_the_crate_documents() {
        let network = two_layers();
        let paths: Vec<String> =
            parameters::places(&network).into_iter().map(|place| place.path).collect();
        for path in [
            "encoder.embeddings.word_embeddings.weight",
            "encoder.layers.0.attention.query.bias",
            "encoder.layers.1.attention.layer_norm.gamma",
            "encoder.layers.1.intermediate.weight",
            "head.dense.weight",
            "head.classifier.bias",
        ] {
            assert!(paths.iter().any(|it| it == path), "{path} is not among {paths:?}");
        }
    }
}
