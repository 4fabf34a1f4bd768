//! Weight files: `model.safetensors`, else `pytorch_model.bin`.

use std::io::Read;
use std::path::Path;

use candle_core::{DType, Device};
use candle_nn::VarBuilder;

use super::old_torch;
use crate::error::TranslateError;

/// The two names, the preferred one first.
pub(crate) const NAMES: [&str; 2] = ["model.safetensors", "pytorch_model.bin"];

/// The tensors of a folder, as f32.
pub(super) fn open(folder: &Path) -> Result<VarBuilder<'static>, TranslateError> {
    let Some(path) = NAMES.iter().map(|name| folder.join(name)).find(|path| path.exists()) else {
        let expected = "model.safetensors or pytorch_model.bin";
        return Err(TranslateError::Missing { folder: folder.into(), expected });
    };
    let parsed = |error: candle_core::Error| TranslateError::parse(&path, error);
    if path.extension().is_some_and(|it| it == "safetensors") {
        let bytes = std::fs::read(&path).map_err(TranslateError::read(&path))?;
        return VarBuilder::from_buffered_safetensors(bytes, DType::F32, &Device::Cpu)
            .map_err(parsed);
    }
    if starts_with(&path, &old_torch::MAGIC)? {
        let tensors = old_torch::read(&path).map_err(parsed)?;
        return Ok(VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu));
    }
    VarBuilder::from_pth(&path, DType::F32, &Device::Cpu).map_err(parsed)
}

fn starts_with(path: &Path, magic: &[u8]) -> Result<bool, TranslateError> {
    let mut start = Vec::new();
    let file = std::fs::File::open(path).map_err(TranslateError::read(path))?;
    file.take(magic.len() as u64).read_to_end(&mut start).map_err(TranslateError::read(path))?;
    Ok(start == magic)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tensors of a file of torch: `a.weight` has 0 to 5 in two rows, `b.bias` 0.5 and -2 in f16,
    /// `c.bias` the last three of `a.weight`.
    #[track_caller]
    fn holds_its_tensors(name: &str) {
        let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/golden");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pytorch_model.bin");
        std::fs::copy(format!("{fixtures}/{name}"), &path).unwrap();
        let weights = open(folder.path()).unwrap();
        let values = |name: &str, shape: &[usize]| {
            let tensor = weights.get(shape, name).unwrap();
            tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        assert_eq!(values("a.weight", &[2, 3]), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(values("b.bias", &[2]), [0.5, -2.0]);
        assert_eq!(values("c.bias", &[3]), [3.0, 4.0, 5.0]);
        std::fs::write(&path, &std::fs::read(&path).unwrap()[..400]).unwrap();
        assert!(matches!(open(folder.path()), Err(TranslateError::Parse { .. })));
    }

    #[test]
    fn files_of_torch_are_read() {
        holds_its_tensors("marian_torch.bin");
    }

    #[test]
    fn files_of_torch_before_1_6_are_read() {
        holds_its_tensors("marian_old_torch.bin");
    }
}
