//! Weight files: `model.safetensors`, else `pytorch_model.bin`.

use std::path::Path;

use candle_core::{DType, Device};
use candle_nn::VarBuilder;

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
    if !is_zip(&path)? {
        return Err(TranslateError::OldWeights { path });
    }
    VarBuilder::from_pth(&path, DType::F32, &Device::Cpu).map_err(parsed)
}

/// Since torch 1.6 its files are zip archives.
fn is_zip(path: &Path) -> Result<bool, TranslateError> {
    use std::io::Read;
    let mut start = Vec::new();
    let file = std::fs::File::open(path).map_err(TranslateError::read(path))?;
    file.take(2).read_to_end(&mut start).map_err(TranslateError::read(path))?;
    Ok(start == *b"PK")
}
