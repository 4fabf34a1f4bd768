//! The exact GELU, `x Φ(x)`, with the bias before it.
//!
//! ```text
//! forward:   h = product + bias,  y = h Φ(h)
//! backward:  dh = dy (Φ(h) + h φ(h))
//! ```
//!
//! The backward pass makes `y` again from `h`, so that only one of the two is kept between the
//! passes; both need `Φ(h)`, which is what costs. Hendrycks, Gimpel: *Gaussian Error Linear Units*,
//! arXiv:1606.08415.

use crate::simd::kernel;

kernel! {
    /// One row: `product` in, `h` out; `y` out. `bias`: as long.
    pub fn forward<T, FUSED>(h: &mut [T], bias: &[T], y: &mut [T]) {
        let n = h.len();
        let (bias, y) = (&bias[..n], &mut y[..n]);
        for i in 0..n {
            let x = h[i] + bias[i];
            h[i] = x;
            y[i] = x * x.normal::<FUSED>().0;
        }
    }
}

kernel! {
    /// One row, when `h` is not needed again: `product` in, `y` out.
    pub fn forward_in_place<T, FUSED>(y: &mut [T], bias: &[T]) {
        let n = y.len();
        let bias = &bias[..n];
        for i in 0..n {
            let x = y[i] + bias[i];
            y[i] = x * x.normal::<FUSED>().0;
        }
    }
}

kernel! {
    /// One row: `dy` in, `dh` out; `h` in, `y` out.
    pub fn backward<T, FUSED>(d: &mut [T], h: &mut [T]) {
        let n = d.len();
        let h = &mut h[..n];
        for i in 0..n {
            let x = h[i];
            let (cdf, density) = x.normal::<FUSED>();
            d[i] *= x.mul_add::<FUSED>(density, cdf);
            h[i] = x * cdf;
        }
    }
}
