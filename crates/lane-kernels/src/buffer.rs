//! Memory that goes from step to step.
//!
//! A training step needs some hundred megabytes for what the backward pass reads. Asking the
//! allocator each time means fresh pages each time, which the system clears one fault at a time;
//! on a small batch that takes longer than the arithmetic.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use crate::Real;

/// Buffers that are not in use.
///
/// It holds no more of them than were in use at once: where only smaller ones are free, the largest
/// of those is given up for a new one.
#[derive(Debug)]
pub struct Pool<T> {
    free: Mutex<Vec<Vec<T>>>,
}

impl<T: Real> Pool<T> {
    pub(crate) const fn new() -> Self {
        Self { free: Mutex::new(Vec::new()) }
    }

    /// A buffer of `len` numbers: whatever was last in it.
    fn take(&self, len: usize) -> Vec<T> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let at = free.partition_point(|values| values.capacity() < len);
        let found = if at < free.len() {
            Some(free.remove(at))
        } else {
            drop(free.pop());
            None
        };
        drop(free);
        let mut values = found.unwrap_or_else(|| Vec::with_capacity(len));
        if values.len() > len {
            values.truncate(len);
        } else {
            values.resize(len, T::ZERO);
        }
        values
    }

    fn give(&self, values: Vec<T>) {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let at = free.partition_point(|other| other.capacity() < values.capacity());
        free.insert(at, values);
    }
}

/// Numbers on loan from the pool.
#[derive(Debug)]
pub struct Buffer<T: Real>(Vec<T>);

impl<T: Real> Buffer<T> {
    /// `len` numbers of no particular value.
    pub fn new(len: usize) -> Self {
        Self(T::pool().take(len))
    }

    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        let mut buffer = Self::new(len);
        buffer.fill(T::ZERO);
        buffer
    }
}

impl<T: Real> Drop for Buffer<T> {
    fn drop(&mut self) {
        T::pool().give(std::mem::take(&mut self.0));
    }
}

impl<T: Real> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Real> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_returned_buffer_is_lent_again() {
        let pool = Pool::<f64>::new();
        let values = pool.take(100);
        let address = values.as_ptr();
        pool.give(values);
        let again = pool.take(80);
        assert_eq!(again.as_ptr(), address);
    }

    #[test]
    fn the_smallest_that_is_large_enough_is_lent() {
        let pool = Pool::<f64>::new();
        let [large, small] = [pool.take(1000), pool.take(10)];
        let address = small.as_ptr();
        pool.give(large);
        pool.give(small);
        let again = pool.take(5);
        assert_eq!(again.as_ptr(), address);
    }

    #[test]
    fn growing_batches_leave_no_outgrown_buffers_behind() {
        let pool = Pool::<f64>::new();
        for len in 1..200 {
            let both = [pool.take(len), pool.take(2 * len)];
            both.into_iter().for_each(|values| pool.give(values));
        }
        assert_eq!(pool.free.lock().unwrap().len(), 2);
    }

    #[test]
    fn a_buffer_has_the_length_asked_for() {
        for len in [7, 3, 0, 12] {
            let mut buffer = Buffer::<f64>::new(len);
            assert_eq!(buffer.len(), len);
            buffer.fill(1.0);
            assert_eq!(*Buffer::<f64>::zeros(len), vec![0.0; len]);
        }
    }
}
