//! Networks and moments as safetensors, streamed out one tensor at a time.

use std::borrow::Cow;
use std::io::{self, Read, Write};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Device, Tensor, TensorData};
use safetensors::tensor::{Metadata, TensorInfo};
use safetensors::{Dtype, SafeTensors};

use crate::method::Matrix;
use crate::networks::Networks;
use crate::optimizer::{Counts, Moment, Optimizer};
use crate::transfer;

/// Values turned into bytes at a time.
const CHUNK: usize = 1 << 14;
const F32: usize = size_of::<f32>();

/// A tensor that is read when its turn comes, so that no second copy of all of them is held.
struct Source<'a> {
    name: String,
    shape: Vec<usize>,
    read: Box<dyn Fn() -> Cow<'a, [f32]> + 'a>,
}

/// Writes every parameter of `module` under its path.
pub(super) fn write_module<M: Module>(module: &M, to: &mut dyn Write) -> io::Result<()> {
    let mut list = Parameters::default();
    module.visit(&mut list);
    write(list.found.into_iter().map(|(_, source)| source).collect(), to)
}

/// Writes both moments of every parameter of `module` that has some, under its path.
pub(super) fn write_moments<M: Module>(
    module: &M,
    optimizer: &Optimizer,
    to: &mut dyn Write,
) -> io::Result<()> {
    let mut list = Parameters::default();
    module.visit(&mut list);
    let mut sources = Vec::new();
    for (id, Source { name, shape, .. }) in list.found {
        for (moment, prefix) in [(Moment::First, "first"), (Moment::Second, "second")] {
            if optimizer.moment(id, moment).is_none() {
                continue;
            }
            let read = move || optimizer.moment(id, moment).unwrap_or_default();
            let (name, shape) = (format!("{prefix}.{name}"), shape.clone());
            sources.push(Source { name, shape, read: Box::new(read) });
        }
    }
    write(sources, to)
}

/// What the optimizer counts of each parameter of `module`, in the order of a walk over them.
pub(super) fn counts<M: Module>(module: &M, optimizer: &Optimizer) -> Vec<Option<Counts>> {
    let mut list = Parameters::default();
    module.visit(&mut list);
    list.found.iter().map(|(id, _)| optimizer.counts(*id)).collect()
}

fn write(sources: Vec<Source<'_>>, to: &mut dyn Write) -> io::Result<()> {
    let mut offset = 0;
    let info = |source: &Source<'_>| {
        let n = F32 * source.shape.iter().product::<usize>();
        let data_offsets = (offset, offset + n);
        offset += n;
        (
            source.name.clone(),
            TensorInfo { dtype: Dtype::F32, shape: source.shape.clone(), data_offsets },
        )
    };
    let infos = sources.iter().map(info).collect();
    let metadata = Metadata::new(None, infos).map_err(io::Error::other)?;
    let mut header = serde_json::to_vec(&metadata)?;
    header.resize(header.len().next_multiple_of(8), b' ');
    to.write_all(&(header.len() as u64).to_le_bytes())?;
    to.write_all(&header)?;
    let mut bytes = Vec::with_capacity(F32 * CHUNK);
    for source in sources {
        for values in (source.read)().chunks(CHUNK) {
            bytes.clear();
            bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            to.write_all(&bytes)?;
        }
    }
    Ok(())
}

/// The parameters of a module, in the order of a walk.
#[derive(Default)]
struct Parameters {
    path: Vec<String>,
    found: Vec<(ParamId, Source<'static>)>,
}

impl ModuleVisitor for Parameters {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let value = parameter.val();
        let source = Source {
            name: self.path.join("."),
            shape: value.dims().to_vec(),
            read: Box::new(move || Cow::Owned(transfer::read(value.clone().inner()))),
        };
        self.found.push((parameter.id, source));
    }
}

/// A file of tensors in memory.
pub(super) struct TensorFile(Vec<u8>);

impl TensorFile {
    pub(super) fn read(mut from: impl Read) -> io::Result<Self> {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes)?;
        Ok(Self(bytes))
    }

    fn tensors(&self) -> io::Result<SafeTensors<'_>> {
        SafeTensors::deserialize(&self.0).map_err(io::Error::other)
    }

    /// `networks` with the values of the file, a method's own parameters included.
    pub(super) fn fill(&self, networks: Networks, device: &Device) -> io::Result<Networks> {
        let tensors = self.tensors()?;
        let mut own = Vec::new();
        while let Ok(view) = tensors.tensor(&format!("own.{}", own.len())) {
            let [rows, columns] = *view.shape() else { break };
            own.push(Matrix { values: values(view.data()), shape: [rows, columns] });
        }
        let networks = networks.with_own(&own, device);
        let mut fill = Fill { tensors, path: Vec::new(), n_filled: 0, missing: None };
        let networks = networks.map(&mut fill);
        match fill.missing {
            Some(missing) => Err(io::Error::other(missing)),
            None if fill.n_filled == fill.tensors.len() => Ok(networks),
            None => {
                Err(io::Error::other("there are tensors of parameters that the run does not have"))
            }
        }
    }

    /// Puts the moments of `module` into `optimizer`.
    pub(super) fn fill_moments<M: Module>(
        &self,
        module: &M,
        counts: Vec<Option<Counts>>,
        optimizer: &mut Optimizer,
        device: &Device,
    ) -> io::Result<()> {
        let tensors = self.tensors()?;
        let mut list = Parameters::default();
        module.visit(&mut list);
        if list.found.len() != counts.len() {
            return Err(io::Error::other("there are moments of other parameters than the run has"));
        }
        for ((id, Source { name, shape, .. }), counts) in list.found.into_iter().zip(counts) {
            let Some(counts) = counts else { continue };
            let moment = |prefix: &str| taken(&tensors, &format!("{prefix}.{name}"), &shape);
            optimizer.restore(id, counts, [moment("first")?, moment("second")?], device);
        }
        Ok(())
    }
}

fn values(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|&value| f32::from_le_bytes(value)).collect()
}

fn taken(tensors: &SafeTensors<'_>, name: &str, shape: &[usize]) -> io::Result<Vec<f32>> {
    let view = tensors.tensor(name).map_err(io::Error::other)?;
    if view.shape() == shape && view.dtype() == Dtype::F32 {
        return Ok(values(view.data()));
    }
    let found = format!("`{name}` has shape {:?}, expected {shape:?}", view.shape());
    Err(io::Error::other(found))
}

struct Fill<'a> {
    tensors: SafeTensors<'a>,
    path: Vec<String>,
    n_filled: usize,
    missing: Option<String>,
}

impl ModuleMapper for Fill<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = parameter.consume();
        let tensor = match taken(&self.tensors, &self.path.join("."), &tensor.dims()) {
            Ok(values) => {
                self.n_filled += 1;
                let device = tensor.device();
                let learns = tensor.is_require_grad();
                Tensor::from_data(TensorData::new(values, tensor.shape()), &device)
                    .set_require_grad(learns)
            }
            Err(error) => {
                self.missing.get_or_insert(error.to_string());
                tensor
            }
        };
        Param::from_mapped_value(id, tensor, mapper)
    }
}
