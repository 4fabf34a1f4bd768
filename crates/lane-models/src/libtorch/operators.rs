//! Embeddings and one layer, in libtorch's operators.
//!
//! Weights of linear layers are `[in, out]`, as burn has them. The equations are those of
//! [`Embeddings`](crate::Embeddings) and [`Layer`](crate::Layer).

use lane_kernels::Outputs;
use lane_kernels::dropout::Dropout;
use tch::Tensor;

use crate::{dropout, layer::Grid};

/// Word, position and segment tables, gamma and beta.
pub(super) type EmbeddingInputs<T> = [T; 5];

/// Rows; weight and bias of query, key, value and output; gamma and beta; weight and bias of both
/// feed-forward layers; gamma and beta.
pub(super) type LayerInputs<T> = [T; 17];

/// How rows are cut into heads, and which rows a layer is to give.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) grid: Grid,
    pub(super) heads: usize,
    pub(super) size: usize,
    pub(super) outputs: Outputs,
}

/// How a layer is computed besides its weights; a mask of `None` drops nothing.
pub(super) struct Plan {
    pub(super) shape: Shape,
    pub(super) probabilities: Option<Tensor>,
    pub(super) attended: Option<Tensor>,
    pub(super) output: Option<Tensor>,
}

/// Which rows of a mask are wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mask {
    n_rows: usize,
    every: usize,
    n_columns: usize,
}

impl Mask {
    /// Every row.
    pub(super) fn all(n_rows: usize, n_columns: usize) -> Self {
        Self { n_rows, every: 1, n_columns }
    }

    /// Its factors, `[rows, columns]`.
    pub(super) fn tensor(self, drawn: Dropout) -> Tensor {
        let factors = dropout::factors(drawn, self.n_rows, self.every, self.n_columns);
        Tensor::from_slice(&factors).view([signed(self.n_rows), signed(self.n_columns)])
    }
}

/// `[n * width, hidden]`; `ids`: `[n, width]`.
pub(super) fn embed(
    [word, position, segment, gamma, beta]: &EmbeddingInputs<Tensor>,
    ids: &Tensor,
    epsilon: f64,
    mask: Option<&Tensor>,
) -> Tensor {
    let words = Tensor::embedding(word, ids, -1, false, false); // [n, width, hidden]
    let places = position.narrow(0, 0, last_size(ids)) + segment.narrow(0, 0, 1); // [width, hidden]
    let rows = normalize(&(words + places).view([-1, last_size(gamma)]), gamma, beta, epsilon);
    match mask {
        Some(mask) => rows * mask,
        None => rows,
    }
}

/// `rows`: `[n * width, hidden]`, `bias`: `[n, 1, 1, width]`; as many rows, or the first of each text.
pub(super) fn layer(
    inputs: &LayerInputs<Tensor>,
    plan: &Plan,
    epsilon: f64,
    bias: Option<&Tensor>,
) -> Tensor {
    let [rows, wq, bq, wk, bk, wv, bv, wo, bo, gamma, beta, w1, b1, w2, b2, gamma_2, beta_2] =
        inputs;
    let Plan { shape, probabilities, attended: attended_mask, output: output_mask } = plan;
    let asking = shape.asking(rows);
    let query = shape.split(&bq.addmm(&asking, wq));
    let [key, value] = [(wk, bk), (wv, bv)].map(|(w, b)| shape.split(&b.addmm(rows, w)));
    let context = match probabilities {
        Some(mask) => attend_dropping([query, key, value], bias, mask),
        None => attend([query, key, value], bias),
    };
    let change = bo.addmm(&shape.join(&context), wo);
    let attended = normalize(&add(&asking, change, attended_mask.as_ref()), gamma, beta, epsilon);
    let inner = b1.addmm(&attended, w1).gelu("none"); // [.., intermediate]
    let change = b2.addmm(&inner, w2);
    normalize(&add(&attended, change, output_mask.as_ref()), gamma_2, beta_2, epsilon)
}

/// Softmax attention; query and result `[n, heads, asking, size]`, key and value
/// `[n, heads, width, size]`.
fn attend([query, key, value]: [Tensor; 3], bias: Option<&Tensor>) -> Tensor {
    Tensor::scaled_dot_product_attention(&query, &key, &value, bias, 0.0, false, None, false)
}

/// The same with `mask`, `[n * heads * asking, width]`, on the probabilities: libtorch's own
/// operator would draw a mask of its own, and on a CPU it takes these very steps where there is one.
fn attend_dropping(projected: [Tensor; 3], bias: Option<&Tensor>, mask: &Tensor) -> Tensor {
    let (n, heads, asking, size) = sizes(&projected[0]);
    let (_, _, width, _) = sizes(&projected[1]);
    let [query, key, value] = projected.map(|it| it.reshape([n * heads, -1, size]));
    let (start, weight) = match bias {
        Some(bias) => (bias.expand([n, heads, 1, width], false).reshape([-1, 1, width]), 1.0),
        None => (Tensor::zeros([1, 1, 1], (query.kind(), query.device())), 0.0),
    };
    let start = start.expand([n * heads, asking, width], false);
    let scale = 1.0 / (size as f64).sqrt();
    let scores = start.baddbmm(&query, &key.transpose(1, 2), weight, scale);
    let probabilities = scores.softmax(-1, None) * mask.view([n * heads, asking, width]);
    probabilities.bmm(&value).view([n, heads, asking, size])
}

/// `x + change`, the change under dropout.
fn add(x: &Tensor, change: Tensor, mask: Option<&Tensor>) -> Tensor {
    match mask {
        Some(mask) => x.addcmul(&change, mask),
        None => x + change,
    }
}

fn normalize(x: &Tensor, gamma: &Tensor, beta: &Tensor, epsilon: f64) -> Tensor {
    x.layer_norm([last_size(gamma)], Some(gamma), Some(beta), epsilon, false)
}

impl Shape {
    /// The rows that the layer is to give.
    fn asking(self, rows: &Tensor) -> Tensor {
        match self.outputs {
            Outputs::All => rows.shallow_clone(),
            Outputs::First => {
                let [n, width] = [self.grid.n, self.grid.width].map(signed);
                rows.view([n, width, -1]).select(1, 0)
            }
        }
    }

    /// The mask of what [`Shape::asking`] gives.
    pub(super) fn states(self) -> Mask {
        self.mask(self.grid.n, self.heads * self.size)
    }

    /// The mask of its attention probabilities.
    pub(super) fn probabilities(self) -> Mask {
        self.mask(self.grid.n * self.heads, self.grid.width)
    }

    /// Of `n_blocks` times `width` rows.
    fn mask(self, n_blocks: usize, n_columns: usize) -> Mask {
        match self.outputs {
            Outputs::All => Mask::all(n_blocks * self.grid.width, n_columns),
            Outputs::First => Mask { n_rows: n_blocks, every: self.grid.width, n_columns },
        }
    }

    /// `[n * rows, hidden]` → `[n, heads, rows, size]`
    fn split(self, rows: &Tensor) -> Tensor {
        let [n, heads, size] = [self.grid.n, self.heads, self.size].map(signed);
        rows.view([n, -1, heads, size]).transpose(1, 2)
    }

    /// `[n, heads, rows, size]` → `[n * rows, hidden]`
    fn join(self, by_head: &Tensor) -> Tensor {
        by_head.transpose(1, 2).reshape([-1, signed(self.heads * self.size)])
    }
}

/// Of a tensor of four axes.
fn sizes(tensor: &Tensor) -> (i64, i64, i64, i64) {
    let size = |axis: usize| tensor.size().get(axis).copied().unwrap_or_default();
    (size(0), size(1), size(2), size(3))
}

fn last_size(tensor: &Tensor) -> i64 {
    tensor.size().last().copied().unwrap_or_default()
}

/// As libtorch counts.
#[expect(clippy::cast_possible_wrap, reason = "no tensor is half as large as the address space")]
fn signed(size: usize) -> i64 {
    size as i64
}
