//! What can be learned from a walk over all parameters: their ids, their device, a spoilt one.

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::tensor::{Bool, Device, Tensor};
use rayon::prelude::*;

use super::Form;
use crate::transfer;

/// The ids of all parameters of `module`.
pub fn parameter_ids<M: Module>(module: &M) -> Vec<ParamId> {
    let mut collect = Ids(Vec::new());
    module.visit(&mut collect);
    collect.0
}

struct Ids(Vec<ParamId>);

impl ModuleVisitor for Ids {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        self.0.push(parameter.id);
    }
}

/// The device of the first parameter, and so of all; `None` without parameters.
pub(super) fn device<M: Module>(module: &M) -> Option<Device> {
    let mut first = First(None);
    module.visit(&mut first);
    first.0
}

struct First(Option<Device>);

impl ModuleVisitor for First {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        if self.0.is_none() {
            self.0 = Some(parameter.lazy_device());
        }
    }
}

/// The path of the first parameter that holds a value that is no number.
///
/// One byte a parameter crosses to the host, and all of them at once.
pub fn spoilt_parameter<M: Module>(module: &M) -> Option<String> {
    let mut search = Finite { path: Vec::new(), paths: Vec::new(), verdicts: Vec::new() };
    module.visit(&mut search);
    if search.verdicts.is_empty() {
        return None;
    }
    let finite = transfer::read_bools(Tensor::cat(search.verdicts, 0));
    let spoilt = finite.iter().position(|finite| !finite)?;
    Some(search.paths.swap_remove(spoilt))
}

/// Whether all values of a parameter are numbers, `[1]`, for each.
struct Finite {
    path: Vec<String>,
    paths: Vec<String>,
    verdicts: Vec<Tensor<1, Bool>>,
}

impl ModuleVisitor for Finite {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let value = parameter.val().inner();
        self.paths.push(self.path.join("."));
        let device = value.device();
        // Host memory is scanned in parallel, and without a copy of whole truth tables.
        self.verdicts.push(if Form::of(&device) == Form::Host {
            let finite = transfer::read(value).par_iter().all(|value| value.is_finite());
            Tensor::from_data([finite], &device)
        } else {
            value.is_finite().all()
        });
    }
}
