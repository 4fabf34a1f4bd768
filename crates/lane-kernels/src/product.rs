//! Matrix products, cut into tiles of fixed size that threads share.
//!
//! ```text
//! C = [C +] s · Σ_t A_t B_t          A_t [m, k_t], B_t [k_t, n], any strides
//! ```
//!
//! The arithmetic is the `gemm` crate's, which picks AVX-512, AVX2 or portable code at run time.
//! Its own way of sharing work among threads cuts by thread count; here tiles depend on the shape
//! alone, so a result has the same bits on any number of threads, and several products
//! ([`run`]) keep the threads busy without a pause between them. A tile can be finished (bias,
//! activation) by the thread that made it, while it is in the cache.
#![expect(unsafe_code, reason = "threads write tiles of one matrix, and `gemm` takes pointers")]

use rayon::prelude::*;

use crate::Real;
pub use crate::matrix::{Matrix, MatrixMut, Place};

/// Rows and columns of a tile at most: near the largest at which the operands of one stay in a
/// core's cache, and small enough to go round.
const TILE: usize = 384;
/// Tiles wanted of every product, so that a few threads share it evenly.
const TILES: usize = 8;
/// Below this many rows or columns a tile is not cut further.
const SMALLEST_TILE: usize = 96;

/// What is done with a finished tile: its place, the tile, and the same tile of the companion.
pub type Finish<'a, T> = &'a (dyn Fn(Place, MatrixMut<'_, T>, Option<MatrixMut<'_, T>>) + Sync);

/// One product to compute.
pub struct Job<'a, T> {
    out: MatrixMut<'a, T>,
    companion: Option<MatrixMut<'a, T>>,
    terms: Vec<(Matrix<'a, T>, Matrix<'a, T>)>,
    adds: bool,
    finish: Option<Finish<'a, T>>,
}

impl<'a, T: Real> Job<'a, T> {
    /// `out = a b`.
    pub fn new(out: MatrixMut<'a, T>, a: Matrix<'a, T>, b: Matrix<'a, T>) -> Self {
        Self { out, companion: None, terms: vec![(a, b)], adds: false, finish: None }
    }

    /// One more product added.
    #[must_use]
    pub fn and(mut self, a: Matrix<'a, T>, b: Matrix<'a, T>) -> Self {
        self.terms.push((a, b));
        self
    }

    /// Adds to what `out` holds.
    #[must_use]
    pub fn added(self) -> Self {
        Self { adds: true, ..self }
    }

    /// What is done with each tile once it is complete.
    #[must_use]
    pub fn then(self, finish: Finish<'a, T>) -> Self {
        Self { finish: Some(finish), ..self }
    }

    /// A second matrix of the same shape, whose tiles `finish` gets too.
    ///
    /// # Panics
    ///
    /// If the shape is another.
    #[must_use]
    pub fn beside(self, companion: MatrixMut<'a, T>) -> Self {
        assert!(companion.n_rows == self.out.n_rows && companion.n_columns == self.out.n_columns);
        Self { companion: Some(companion), ..self }
    }

    fn places(&self, spread: Spread) -> Vec<Place> {
        let (m, n) = (self.out.n_rows, self.out.n_columns);
        let (height, width) = match spread {
            Spread::Serial => (m.max(1), n.max(1)),
            Spread::Parallel => tile_size(m, n),
        };
        let mut places = Vec::new();
        for row in (0..m).step_by(height) {
            for column in (0..n).step_by(width) {
                let (n_rows, n_columns) = (height.min(m - row), width.min(n - column));
                places.push(Place { row, column, n_rows, n_columns });
            }
        }
        places
    }

    /// # Safety
    ///
    /// No overlapping tile of this job may run at the same time.
    unsafe fn run_tile(&self, at: Place) {
        for (number, (a, b)) in self.terms.iter().enumerate() {
            // SAFETY: passed on to the caller.
            let out = unsafe { self.out.tile(at) };
            let a = a.rows(at.row, at.n_rows);
            let b = b.columns(at.column, at.n_columns);
            multiply(out, T::ONE, a, b, self.adds || number > 0);
        }
        if let Some(finish) = self.finish {
            // SAFETY: passed on to the caller.
            let (out, companion) = unsafe {
                (self.out.tile(at), self.companion.as_ref().map(|companion| companion.tile(at)))
            };
            finish(at, out, companion);
        }
    }
}

/// Height and width of the tiles of an `m × n` result: a function of the shape alone.
fn tile_size(m: usize, n: usize) -> (usize, usize) {
    let (mut height, mut width) = (m.clamp(1, TILE), n.clamp(1, TILE));
    while m.div_ceil(height) * n.div_ceil(width) < TILES {
        if height >= width && height >= 2 * SMALLEST_TILE {
            height = height.div_ceil(2);
        } else if width >= 2 * SMALLEST_TILE {
            width = width.div_ceil(2);
        } else {
            break;
        }
    }
    (height, width)
}

/// Whether a computation is shared among threads or stays on the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// Over the threads of the current rayon pool.
    Parallel,
    /// On this thread, because others do the same for other texts.
    Serial,
}

/// Computes several products at once; none may read what another writes.
pub fn run<T: Real>(jobs: &[Job<'_, T>], spread: Spread) {
    let tiles: Vec<(&Job<'_, T>, Place)> = jobs
        .iter()
        .flat_map(|job| job.places(spread).into_iter().map(move |place| (job, place)))
        .collect();
    match spread {
        // SAFETY: one tile at a time.
        Spread::Serial => tiles.iter().for_each(|(job, place)| unsafe { job.run_tile(*place) }),
        // SAFETY: the tiles of a job do not overlap, and two jobs hold two `&mut`.
        Spread::Parallel => tiles
            .par_iter()
            .with_max_len(1)
            .for_each(|(job, place)| unsafe { job.run_tile(*place) }),
    }
}

/// `out = [out +] scale · a b` on this thread.
///
/// # Panics
///
/// If the shapes do not fit each other.
#[expect(clippy::cast_possible_wrap, reason = "strides are below the length of a slice")]
pub fn multiply<T: Real>(
    out: MatrixMut<'_, T>,
    scale: T,
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    adds: bool,
) {
    let (m, n, k) = (out.n_rows, out.n_columns, a.n_columns);
    assert!(
        a.n_rows == m && b.n_columns == n && b.n_rows == k,
        "shapes [{}, {k}] · [{}, {}] into [{m}, {n}]",
        a.n_rows,
        b.n_rows,
        b.n_columns
    );
    assert!(a.is_within() && b.is_within());
    // SAFETY: `is_within` and the making of `out` keep every address the strides lead to inside
    // the slices; `out` is held mutably, so neither operand overlaps it.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.first,
            1,
            out.row_stride as isize,
            adds,
            a.values.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.values.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            T::ONE,
            scale,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What Miri can compute: two tiles side by side, so that their rows lie in turn in memory.
    const FEW: (usize, usize, usize) = (4, 200, 3);

    fn numbers(n: usize, seed: usize) -> Vec<f64> {
        (0..n).map(|at| ((at * 37 + seed * 11) % 101) as f64 / 50.0 - 1.0).collect()
    }

    fn by_hand(a: &[f64], b: &[f64], [m, n, k]: [usize; 3]) -> Vec<f64> {
        let entry = |i: usize, j: usize| (0..k).map(|l| a[i * k + l] * b[l * n + j]).sum();
        (0..m * n).map(|at| entry(at / n, at % n)).collect()
    }

    fn transposed(values: &[f64], n_columns: usize) -> Vec<f64> {
        let n_rows = values.len() / n_columns;
        (0..values.len()).map(|at| values[at % n_rows * n_columns + at / n_rows]).collect()
    }

    #[track_caller]
    fn close(ours: &[f64], theirs: &[f64]) {
        assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert!((ours - theirs).abs() < 1e-9, "{ours}, expected {theirs}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        #[cfg_attr(miri, ignore = "too much for Miri; the tests below run there, with fewer rows")]
        fn tiles_make_up_the_product(m in 1_usize..500, n in 1_usize..500, k in 1_usize..40) {
            let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
            let expected = by_hand(&a, &b, [m, n, k]);
            let mut out = vec![f64::NAN; m * n];
            run(&[Job::new(MatrixMut::new(&mut out, n), Matrix::new(&a, k), Matrix::new(&b, n))], Spread::Parallel);
            close(&out, &expected);

            let (a, b) = (transposed(&a, k), transposed(&b, n));
            let mut out = vec![f64::NAN; m * n];
            let (a, b) = (Matrix::new(&a, m).transposed(), Matrix::new(&b, k).transposed());
            run(&[Job::new(MatrixMut::new(&mut out, n), a, b)], Spread::Serial);
            close(&out, &expected);
        }
    }

    #[test]
    fn terms_are_added_to_what_is_there_and_every_tile_is_finished_once() {
        let (m, n, k) = if cfg!(miri) { FEW } else { (400, 390, 5) };
        let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
        let expected: Vec<f64> =
            by_hand(&a, &b, [m, n, k]).iter().map(|it| 2.0 * it + 1.5).collect();
        let (mut out, mut beside) = (vec![0.5; m * n], vec![0.0; m * n]);
        let (left, right) = (Matrix::new(&a, k), Matrix::new(&b, n));
        let finish = |_: Place, mut out: MatrixMut<'_, f64>, beside: Option<MatrixMut<'_, f64>>| {
            let mut beside = beside.unwrap();
            for row in 0..out.n_rows() {
                out.row(row).iter_mut().for_each(|it| *it += 1.0);
                beside.row(row).iter_mut().for_each(|it| *it += 1.0);
            }
        };
        let job = Job::new(MatrixMut::new(&mut out, n), left, right).and(left, right).added();
        run(&[job.beside(MatrixMut::new(&mut beside, n)).then(&finish)], Spread::Parallel);
        close(&out, &expected);
        assert!(beside.iter().all(|it| (it - 1.0).abs() < 1e-12));
    }

    #[test]
    fn a_column_range_leaves_the_rest_alone() {
        let (a, b) = (numbers(6, 1), numbers(6, 2));
        let mut out = vec![7.0; 10];
        multiply(
            MatrixMut::new(&mut out, 5).columns(1, 2),
            2.0,
            Matrix::new(&a, 3),
            Matrix::new(&b, 2),
            false,
        );
        let product = by_hand(&a, &b, [2, 2, 3]);
        close(
            &out,
            &[
                7.0,
                2.0 * product[0],
                2.0 * product[1],
                7.0,
                7.0,
                7.0,
                2.0 * product[2],
                2.0 * product[3],
                7.0,
                7.0,
            ],
        );
    }

    #[test]
    fn thread_count_does_not_change_a_bit() {
        let (m, n, k) = if cfg!(miri) { FEW } else { (700, 384, 384) };
        let of = |values: Vec<f64>| values.into_iter().map(|it| it as f32).collect::<Vec<_>>();
        let (a, b) = (of(numbers(m * k, 1)), of(numbers(k * n, 2)));
        let product = |n_threads| {
            let mut out = vec![0.0; m * n];
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            let job = Job::new(MatrixMut::new(&mut out, n), Matrix::new(&a, k), Matrix::new(&b, n));
            pool.install(|| run(&[job], Spread::Parallel));
            out.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        assert!(product(1) == product(3));
    }

    #[test]
    #[should_panic(expected = "shapes [2, 3] · [2, 2] into [2, 2]")]
    fn shapes_that_do_not_fit_are_refused() {
        let (a, b, mut out) = (numbers(6, 1), numbers(4, 2), vec![0.0; 4]);
        multiply(MatrixMut::new(&mut out, 2), 1.0, Matrix::new(&a, 3), Matrix::new(&b, 2), false);
    }
}
