//! L-BFGS: minimizes a smooth convex function from its values and gradients.
//!
//! ```text
//! d   = −H g,  H from the last 10 pairs (s, y) = (x' − x, g' − g) by the two-loop recursion
//! x'  = x + t d,  t by bisection between the weak Wolfe conditions, 1 tried first
//!         f(t) ≤ f(0) + 1e-4 t f'(0)      and      f'(t) ≥ 0.9 f'(0)
//! ```
//!
//! Near the optimum values of f differ by less than they are rounded by; there the first condition
//! is replaced by one on slopes, f'(t) ≤ −0.9998 f'(0) and f(t) ≤ f(0) + 1e-7 |f(0)|.
//!
//! Nocedal and Wright, *Numerical Optimization*, 2nd ed., algorithm 7.5; the line search is that
//! of Lewis and Overton, *Nonsmooth optimization via quasi-Newton methods*, 2013, and the slopes
//! near the optimum are those of Hager and Zhang, *A new conjugate gradient method*, 2005.
//!
//! Written here because the kept crates that have it ask for value and gradient separately, which
//! would multiply every matrix twice.

use std::collections::VecDeque;

/// Pairs of steps remembered.
const MEMORY: usize = 10;
/// Share of the promised decrease that is asked for.
const DECREASE: f64 = 1e-4;
/// Share of the slope that may be left.
const CURVATURE: f64 = 0.9;
/// Rounding of a value, relative to it.
const ROUNDING: f64 = 1e-7;
/// Steps tried along one direction.
const MAX_TRIALS: usize = 40;

/// When to stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stop {
    /// Largest entry of the gradient that counts as none.
    pub tolerance: f64,
    /// Iterations at most.
    pub max_iterations: usize,
}

/// Where it stopped.
#[derive(Clone, Debug, PartialEq)]
pub struct Minimum {
    /// The arguments.
    pub at: Vec<f64>,
    /// The value there.
    pub value: f64,
    /// Largest entry of the gradient there.
    pub slope: f64,
    /// Iterations taken.
    pub n_iterations: usize,
}

/// A point with its value and gradient.
struct Point {
    at: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
}

/// One step and what it did to the gradient.
struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    /// 1 / (step · change)
    scale: f64,
}

/// Minimizes `function` from `start`; it returns its value and fills in its gradient.
///
/// Ends at the tolerance, after the last iteration, or where no step improves any more.
pub fn minimize(
    mut function: impl FnMut(&[f64], &mut [f64]) -> f64,
    start: Vec<f64>,
    stop: Stop,
) -> Minimum {
    let mut gradient = vec![0.0; start.len()];
    let value = function(&start, &mut gradient);
    let mut point = Point { at: start, value, gradient };
    let mut pairs = VecDeque::with_capacity(MEMORY);
    let mut n_iterations = 0;
    while n_iterations < stop.max_iterations && largest(&point.gradient) > stop.tolerance {
        let direction = direction(&point.gradient, &pairs);
        // Before anything is known of the curvature, the step is of length 1.
        let first = if pairs.is_empty() { 1.0 / length(&point.gradient) } else { 1.0 };
        let Some(next) = search(&mut function, &point, &direction, first) else { break };
        remember(&mut pairs, &point, &next);
        point = next;
        n_iterations += 1;
    }
    let slope = largest(&point.gradient);
    Minimum { at: point.at, value: point.value, slope, n_iterations }
}

/// −H g.
fn direction(gradient: &[f64], pairs: &VecDeque<Pair>) -> Vec<f64> {
    let mut direction: Vec<_> = gradient.iter().map(|slope| -slope).collect();
    let mut shares = Vec::with_capacity(pairs.len());
    for pair in pairs.iter().rev() {
        let share = pair.scale * dot(&pair.step, &direction);
        add(&mut direction, -share, &pair.change);
        shares.push(share);
    }
    if let Some(pair) = pairs.back() {
        let curvature = 1.0 / (pair.scale * dot(&pair.change, &pair.change));
        for it in &mut direction {
            *it *= curvature;
        }
    }
    for (pair, share) in pairs.iter().zip(shares.into_iter().rev()) {
        let other = pair.scale * dot(&pair.change, &direction);
        add(&mut direction, share - other, &pair.step);
    }
    direction
}

/// The first point along `direction` that meets the conditions; none where rounding hides them.
fn search(
    function: &mut impl FnMut(&[f64], &mut [f64]) -> f64,
    from: &Point,
    direction: &[f64],
    first: f64,
) -> Option<Point> {
    let slope = dot(&from.gradient, direction);
    let (mut low, mut high, mut step) = (0.0, f64::INFINITY, first);
    if slope >= 0.0 || !slope.is_finite() {
        return None;
    }
    for _ in 0..MAX_TRIALS {
        let mut at = from.at.clone();
        add(&mut at, step, direction);
        let mut gradient = vec![0.0; at.len()];
        let value = function(&at, &mut gradient);
        let slope_there = dot(&gradient, direction);
        let decreases = value <= from.value + DECREASE * step * slope;
        let flat = value <= from.value + ROUNDING * from.value.abs()
            && slope_there <= (2.0 * DECREASE - 1.0) * slope;
        if !(decreases || flat) {
            high = step;
        } else if slope_there < CURVATURE * slope {
            low = step;
        } else {
            return Some(Point { at, value, gradient });
        }
        step = if high.is_finite() { 0.5 * (low + high) } else { 2.0 * low };
    }
    None
}

/// Keeps the pair of the step from one point to the next, and the last ones before it.
fn remember(pairs: &mut VecDeque<Pair>, from: &Point, to: &Point) {
    let minus = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>();
    let (step, change) = (minus(&to.at, &from.at), minus(&to.gradient, &from.gradient));
    let product = dot(&step, &change);
    if product <= 0.0 {
        return;
    }
    if pairs.len() == MEMORY {
        pairs.pop_front();
    }
    pairs.push_back(Pair { step, change, scale: 1.0 / product });
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(to: &mut [f64], times: f64, what: &[f64]) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += times * what);
}

fn length(vector: &[f64]) -> f64 {
    dot(vector, vector).sqrt()
}

fn largest(vector: &[f64]) -> f64 {
    vector.iter().fold(0.0, |largest, it| it.abs().max(largest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STOP: Stop = Stop { tolerance: 1e-9, max_iterations: 200 };

    #[test]
    fn a_long_valley_is_followed_to_its_end() {
        // ½ Σ 10^k (x_k − k)², curvatures from 1 to 100,000.
        let curvatures: Vec<_> = (0..6).map(|k| 10.0_f64.powi(k)).collect();
        let function = |at: &[f64], gradient: &mut [f64]| {
            let mut value = 0.0;
            for (k, curvature) in curvatures.iter().enumerate() {
                let gap = at[k] - k as f64;
                gradient[k] = curvature * gap;
                value += 0.5 * curvature * gap * gap;
            }
            value
        };
        let minimum = minimize(function, vec![0.0; 6], STOP);
        assert!(minimum.slope <= 1e-9, "{minimum:?}");
        for (k, x) in minimum.at.iter().enumerate() {
            assert!((x - k as f64).abs() < 1e-8, "{minimum:?}");
        }
    }

    #[test]
    fn a_step_far_too_short_or_long_is_mended() {
        // √(1 + (x/s)²) is flat far out and steep near 0, at any scale.
        for scale in [1e-6_f64, 1.0, 1e6] {
            let function = |at: &[f64], gradient: &mut [f64]| {
                let value = (at[0] / scale).hypot(1.0);
                gradient[0] = at[0] / scale / scale / value;
                value
            };
            let stop = Stop { tolerance: 1e-9 / scale, max_iterations: 200 };
            let minimum = minimize(function, vec![3.0 * scale], stop);
            assert!((minimum.at[0] / scale).abs() < 1e-8, "{scale}: {minimum:?}");
        }
    }

    #[test]
    fn every_accepted_step_meets_the_wolfe_conditions() {
        // A quartic, whose curvature is not constant.
        let mut function = |at: &[f64], gradient: &mut [f64]| {
            gradient[0] = 4.0 * at[0].powi(3);
            at[0].powi(4)
        };
        for step in [1e-6, 1e-2, 1.0, 1e3] {
            let from = Point { at: vec![2.0], value: 16.0, gradient: vec![32.0] };
            let next = search(&mut function, &from, &[-1.0], step).unwrap();
            let taken = 2.0 - next.at[0];
            assert!(next.value <= 16.0 - DECREASE * taken * 32.0, "from {step}: {taken}");
            assert!(-next.gradient[0] >= CURVATURE * -32.0, "from {step}: {taken}");
        }
    }

    #[test]
    fn a_direction_that_climbs_is_not_taken() {
        let mut function = |_: &[f64], _: &mut [f64]| 0.0;
        let from = Point { at: vec![0.0], value: 0.0, gradient: vec![1.0] };
        assert!(search(&mut function, &from, &[1.0], 1.0).is_none());
    }

    #[test]
    fn a_start_at_the_minimum_stays_there() {
        let minimum = minimize(|_, _| 7.0, vec![1.0, 2.0], STOP);
        assert_eq!((minimum.at, minimum.n_iterations), (vec![1.0, 2.0], 0));
    }
}
