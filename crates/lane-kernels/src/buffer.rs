//! Memory that goes from step to step.
//!
//! A training step needs some hundred megabytes for what the backward pass reads. Asking the
//! allocator each time means fresh pages each time, which the system clears one fault at a time;
//! on a small batch that takes longer than the arithmetic.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::Real;

/// How many times larger than asked for a buffer may be, so that small wishes leave large buffers
/// alone.
const MOST_TOO_LARGE: usize = 4;

/// Buffers that are lent out, and those that are not in use.
///
/// Where only somewhat smaller ones are free, the largest of those is given up for a new one, so
/// that growing batches do not leave outgrown buffers behind. What was never lent is not kept: the
/// gradients of a head come from elsewhere, and would be handed in step by step and asked for by
/// nobody.
#[derive(Debug)]
pub struct Pool<T> {
    buffers: Mutex<Buffers<T>>,
}

#[derive(Debug)]
struct Buffers<T> {
    /// By capacity, ascending.
    free: Vec<Vec<T>>,
    /// How many of each capacity are out.
    lent: BTreeMap<usize, usize>,
}

impl<T: Real> Pool<T> {
    pub(crate) const fn new() -> Self {
        Self { buffers: Mutex::new(Buffers { free: Vec::new(), lent: BTreeMap::new() }) }
    }

    /// A buffer of `len` numbers: whatever was last in it.
    fn take(&self, len: usize) -> Vec<T> {
        let found = self.buffers().find(len);
        let mut values = found.unwrap_or_else(|| Vec::with_capacity(len));
        if values.len() > len {
            values.truncate(len);
        } else {
            values.resize(len, T::ZERO);
        }
        *self.buffers().lent.entry(values.capacity()).or_default() += 1;
        values
    }

    fn give(&self, values: Vec<T>) {
        if values.capacity() > 0 {
            self.buffers().give(values);
        }
    }

    fn buffers(&self) -> MutexGuard<'_, Buffers<T>> {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Buffers<T> {
    fn find(&mut self, len: usize) -> Option<Vec<T>> {
        let free = &mut self.free;
        let at = free.partition_point(|values| values.capacity() < len);
        if free.get(at).is_some_and(|values| values.capacity() / MOST_TOO_LARGE <= len) {
            return Some(free.remove(at));
        }
        let is_outgrown = |values: &Vec<T>| len / MOST_TOO_LARGE <= values.capacity();
        let smaller = at.checked_sub(1).filter(|&below| is_outgrown(&free[below]));
        if let Some(below) = smaller {
            drop(free.remove(below));
        }
        None
    }

    fn give(&mut self, values: Vec<T>) {
        match self.lent.get_mut(&values.capacity()) {
            Some(n_lent) if *n_lent > 0 => *n_lent -= 1,
            _ => return,
        }
        let at = self.free.partition_point(|other| other.capacity() < values.capacity());
        self.free.insert(at, values);
    }
}

/// Hands memory that is not needed any more to the next step, such as a gradient once an optimizer
/// has used it; memory that the pool did not lend is let go.
pub fn recycle<T: Real>(values: Vec<T>) {
    T::pool().give(values);
}

/// Numbers on loan from the pool.
#[derive(Debug)]
pub struct Buffer<T: Real>(Vec<T>);

impl<T: Real> Buffer<T> {
    /// `len` numbers of no particular value.
    pub fn new(len: usize) -> Self {
        Self(T::pool().take(len))
    }

    /// The numbers, to keep or to [`recycle`].
    pub fn into_vec(mut self) -> Vec<T> {
        std::mem::take(&mut self.0)
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
        let small = pool.take(20);
        assert_ne!(small.as_ptr(), address, "far too large for so few");
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
    fn what_was_never_lent_is_not_kept() {
        let pool = Pool::<f64>::new();
        let own = pool.take(100);
        (0..50).for_each(|_| pool.give(vec![0.0; 70]));
        assert_eq!(pool.buffers().free.len(), 0);
        pool.give(own);
        pool.give(vec![0.0; 100]);
        assert_eq!(pool.buffers().free.len(), 1);
    }

    #[test]
    fn growing_batches_leave_no_outgrown_buffers_behind() {
        let pool = Pool::<f64>::new();
        for len in 1..if cfg!(miri) { 40 } else { 200 } {
            let both = [pool.take(len), pool.take(2 * len)];
            both.into_iter().for_each(|values| pool.give(values));
        }
        assert_eq!(pool.buffers().free.len(), 2);
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
