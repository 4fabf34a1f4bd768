//! What a method gathers, as bytes that a checkpoint keeps.

use std::io::{Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value that a checkpoint writes down and reads back, down to the last bit.
///
/// Anything that serde knows is one.
pub trait Remembered {
    /// Writes the value.
    ///
    /// # Errors
    ///
    /// The writer's.
    fn write(&self, to: &mut dyn Write) -> std::io::Result<()>;

    /// Puts what was written in the value's place.
    ///
    /// # Errors
    ///
    /// The reader's, or bytes of another kind of value.
    fn read(&mut self, from: &mut dyn Read) -> std::io::Result<()>;
}

impl<T: Serialize + DeserializeOwned> Remembered for T {
    fn write(&self, to: &mut dyn Write) -> std::io::Result<()> {
        ciborium::into_writer(self, to).map_err(std::io::Error::other)
    }

    fn read(&mut self, from: &mut dyn Read) -> std::io::Result<()> {
        *self = ciborium::from_reader(from).map_err(std::io::Error::other)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_to_the_bit_and_one_after_the_other() {
        let numbers = vec![0.1_f64, -0.0, f64::MIN_POSITIVE / 2.0, 1.0 / 3.0, f64::INFINITY, 1e300];
        let singles = [vec![0.1_f32, f32::MIN_POSITIVE / 4.0], vec![]];
        let mut bytes = Vec::new();
        numbers.write(&mut bytes).unwrap();
        singles.write(&mut bytes).unwrap();
        let (mut read, mut read_singles) = (Vec::<f64>::new(), [vec![1.0_f32], vec![]]);
        let from = &mut bytes.as_slice();
        read.read(from).unwrap();
        read_singles.read(from).unwrap();
        let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!((bits(&read), read_singles), (bits(&numbers), singles));
        assert!(from.is_empty() && read.read(from).is_err());
    }
}
