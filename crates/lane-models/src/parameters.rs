//! Building blocks without values, and the two ways to walk them.
//!
//! A blank layer knows its shapes and allocates nothing; [`fill`] then gives every parameter
//! its values, so that random and stored weights take one road and none can be forgotten.

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    nn::{
        Embedding, EmbeddingConfig, Initializer, LayerNorm, LayerNormConfig, Linear, LinearConfig,
    },
    tensor::{Device, Tensor, TensorData},
};

use crate::BertConfig;

/// Which axis order a parameter has in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// As here.
    Same,
    /// A matrix of a linear layer: `[in, out]` here, `[out, in]` upstream.
    Transposed,
}

/// A parameter met on the way.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Field names joined by dots, from the module the walk began at.
    pub(crate) path: String,
    /// Its shape here.
    pub(crate) shape: Vec<usize>,
    /// Its axis order in files.
    pub(crate) layout: Layout,
}

pub(crate) fn blank_linear(d_input: usize, d_output: usize) -> Linear {
    LinearConfig::new(d_input, d_output).with_initializer(Initializer::Zeros).init(&blank_device())
}

pub(crate) fn blank_embedding(rows: usize, width: usize) -> Embedding {
    EmbeddingConfig::new(rows, width).with_initializer(Initializer::Zeros).init(&blank_device())
}

pub(crate) fn blank_layer_norm(config: &BertConfig) -> LayerNorm {
    LayerNormConfig::new(config.hidden_size)
        .with_epsilon(config.layer_norm_eps)
        .init(&blank_device())
}

/// Named in every blank parameter, and never used: [`fill`] replaces them all.
fn blank_device() -> Device {
    Device::flex()
}

/// Gives every parameter the values `source` has for it; the first error ends it.
pub(crate) fn fill<M: Module, E>(
    module: M,
    device: &Device,
    source: impl FnMut(&Place) -> Result<Vec<f32>, E>,
) -> Result<M, E> {
    let mut mapper = Fill { trail: Trail::default(), device, source, error: None };
    let module = module.map(&mut mapper);
    match mapper.error {
        Some(error) => Err(error),
        None => Ok(module),
    }
}

/// Every parameter of a blank or filled module, in the order of the fields.
pub(crate) fn places<M: Module>(module: &M) -> Vec<Place> {
    let mut visitor = List::default();
    module.visit(&mut visitor);
    visitor.places
}

/// The value of every parameter, in the order of [`places`].
pub(crate) fn values<M: Module>(module: &M) -> Vec<(Place, TensorData)> {
    let mut visitor = Export::default();
    module.visit(&mut visitor);
    visitor.values
}

/// The way from the root to the present parameter.
#[derive(Debug, Default)]
struct Trail(Vec<(String, bool)>);

impl Trail {
    fn enter(&mut self, name: &str, container: &str) {
        self.0.push((name.into(), container == "Struct:Linear"));
    }

    fn exit(&mut self) {
        self.0.pop();
    }

    fn place<const D: usize>(&self, param: &Param<Tensor<D>>) -> Place {
        let names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        let in_linear = self.0.last().is_some_and(|(name, linear)| *linear && name == "weight");
        Place {
            path: names.join("."),
            shape: param.lazy_shape().to_vec(),
            layout: if in_linear { Layout::Transposed } else { Layout::Same },
        }
    }
}

struct Fill<'a, S, E> {
    trail: Trail,
    device: &'a Device,
    source: S,
    error: Option<E>,
}

impl<S: FnMut(&Place) -> Result<Vec<f32>, E>, E> ModuleMapper for Fill<'_, S, E> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.trail.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.trail.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.error.is_some() {
            return param;
        }
        let place = self.trail.place(&param);
        match (self.source)(&place) {
            Ok(values) => Param::from_data(TensorData::new(values, place.shape), self.device),
            Err(error) => {
                self.error = Some(error);
                param
            }
        }
    }
}

#[derive(Default)]
struct List {
    trail: Trail,
    places: Vec<Place>,
}

impl ModuleVisitor for List {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.trail.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.trail.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.places.push(self.trail.place(param));
    }
}

#[derive(Default)]
struct Export {
    trail: Trail,
    values: Vec<(Place, TensorData)>,
}

impl ModuleVisitor for Export {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.trail.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.trail.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.values.push((self.trail.place(param), param.val().into_data().convert::<f32>()));
    }
}
