//! `pytorch_model.bin` as torch wrote it before version 1.6, which many models of 2020 still have.
//!
//! ```text
//! pickle of a magic number | of the version, 1001 | of the machine's sizes
//! pickle of the state: names to (storage, offset, shape, strides)
//! pickle of the list of storages; then of each, in that order, u64 number of values | the values
//! ```

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use candle_core::pickle::{Object, Stack, TensorInfo};
use candle_core::{Device, Error, Result, Tensor};

/// What such a file begins with: the pickle of 0x1950a86a20f9469cfc6c.
pub(super) const MAGIC: [u8; 15] = *b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";

/// The tensors of a file, less the tied copies of the embeddings and the positions.
pub(super) fn read(path: &Path) -> Result<HashMap<String, Tensor>> {
    let mut file = BufReader::new(File::open(path)?);
    let mut magic = [0; MAGIC.len()];
    file.read_exact(&mut magic)?;
    let version = unpickle(&mut file)?.int_or_long();
    if magic != MAGIC || !version.is_ok_and(|version| version == 1001) {
        return refused("not a file of torch, or of a version that is not known".into());
    }
    unpickle(&mut file)?;
    let state = unpickle(&mut file)?.dict().or_else(|_| refused("no table of tensors".into()))?;
    let mut by_storage = tensors_by_storage(state)?;
    let Object::List(storages) = unpickle(&mut file)? else {
        return refused("no list of storages".into());
    };
    let mut tensors = HashMap::new();
    for storage in storages {
        let storage = storage.unicode().or_else(|_| refused("a storage without name".into()))?;
        let stored = by_storage.remove(&storage).unwrap_or_default();
        read_storage(&mut file, &stored, &mut tensors)?;
    }
    Ok(tensors)
}

fn unpickle(file: &mut impl BufRead) -> Result<Object> {
    let mut stack = Stack::empty();
    stack.read_loop(file)?;
    stack.finalize()
}

/// All tensors by the storage that holds their values.
fn tensors_by_storage(state: Vec<(Object, Object)>) -> Result<HashMap<String, Vec<TensorInfo>>> {
    let mut by_storage: HashMap<String, Vec<TensorInfo>> = HashMap::new();
    for (name, value) in state {
        if let Some(info) = value.into_tensor_info(name, Path::new(""))? {
            let storage = info.path.trim_start_matches('/').to_owned();
            by_storage.entry(storage).or_default().push(info);
        }
    }
    Ok(by_storage)
}

fn read_storage(
    file: &mut impl Read,
    stored: &[TensorInfo],
    tensors: &mut HashMap<String, Tensor>,
) -> Result<()> {
    let Some(first) = stored.first() else {
        return refused("a storage that no tensor uses".into());
    };
    let mut n_values = [0; 8];
    file.read_exact(&mut n_values)?;
    if u64::from_le_bytes(n_values) != first.storage_size as u64 {
        return refused(format!("`{}` has another size than the table says", first.name));
    }
    let size = first.dtype.size_in_bytes();
    let mut bytes = Vec::new();
    file.take((first.storage_size * size) as u64).read_to_end(&mut bytes)?;
    for info in stored.iter().filter(|info| is_wanted(&info.name)) {
        let shape = info.layout.shape();
        let start = info.layout.start_offset();
        let values = bytes.get(start..).and_then(|rest| rest.get(..shape.elem_count() * size));
        let Some(values) = values.filter(|_| info.layout.is_contiguous()) else {
            return refused(format!("`{}` is cut short, or not stored row by row", info.name));
        };
        let tensor = Tensor::from_raw_buffer(values, info.dtype, shape.dims(), &Device::Cpu)?;
        tensors.insert(info.name.clone(), tensor);
    }
    Ok(())
}

fn is_wanted(name: &str) -> bool {
    !name.contains(".embed_") && name != "lm_head.weight"
}

fn refused<T>(message: String) -> Result<T> {
    Err(Error::Msg(message))
}
