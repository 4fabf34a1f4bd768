//! AdamW: `fixtures/golden/adamw.json` from torch, and the same in f64 written out here; both forms.

use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use lane_train::optimizer::{Form, Optimizer};
use serde_json::Value;

#[derive(Module, Debug)]
struct Toy {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
    gamma: Param<Tensor<1>>,
    late: Param<Tensor<2>>,
}

const NAMES: [&str; 4] = ["weight", "bias", "gamma", "late"];

/// By parameter, in the order of [`NAMES`]; none where there is no gradient.
type Values = [Option<Vec<f64>>; 4];

fn tensor<const D: usize>(values: &[f64], shape: [usize; D], device: &Device) -> Tensor<D> {
    let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

impl Toy {
    fn new(values: &Values) -> Self {
        let device = Device::flex().autodiff();
        let of = |at: usize| values[at].clone().unwrap();
        Self {
            weight: Param::from_tensor(tensor(&of(0), [2, 3], &device)),
            bias: Param::from_tensor(tensor(&of(1), [3], &device)),
            gamma: Param::from_tensor(tensor(&of(2), [3], &device)),
            late: Param::from_tensor(tensor(&of(3), [2, 2], &device)),
        }
    }

    fn gradients(&self, values: &Values) -> GradientsParams {
        let device = Device::flex();
        let mut gradients = GradientsParams::new();
        for (at, values) in values.iter().enumerate() {
            let Some(values) = values else { continue };
            match at {
                0 => gradients.register(self.weight.id, tensor(values, [2, 3], &device)),
                1 => gradients.register(self.bias.id, tensor(values, [3], &device)),
                2 => gradients.register(self.gamma.id, tensor(values, [3], &device)),
                _ => gradients.register(self.late.id, tensor(values, [2, 2], &device)),
            }
        }
        gradients
    }

    fn values(&self) -> [Vec<f64>; 4] {
        let wide = |values: Vec<f32>| values.into_iter().map(f64::from).collect();
        [
            wide(self.weight.val().into_data().try_into_vec().unwrap()),
            wide(self.bias.val().into_data().try_into_vec().unwrap()),
            wide(self.gamma.val().into_data().try_into_vec().unwrap()),
            wide(self.late.val().into_data().try_into_vec().unwrap()),
        ]
    }
}

/// AdamW as the header of `optimizer.rs` states it, in f64.
struct Reference {
    values: [Vec<f64>; 4],
    first: [Vec<f64>; 4],
    second: [Vec<f64>; 4],
    n_steps: [i32; 4],
}

impl Reference {
    fn new(values: &Values) -> Self {
        let values = values.clone().map(Option::unwrap);
        let zeros = values.clone().map(|it| vec![0.0; it.len()]);
        Self { values, first: zeros.clone(), second: zeros, n_steps: [0; 4] }
    }

    fn step(&mut self, gradients: &Values, lr: f64, decay: f64, clip: f64) {
        let squares = gradients.iter().flatten().flatten().map(|it| it * it);
        let norm = squares.sum::<f64>().sqrt();
        let scale = if clip > 0.0 && norm > clip { clip / (norm + 1e-6) } else { 1.0 };
        for (at, gradient) in gradients.iter().enumerate() {
            let Some(gradient) = gradient else { continue };
            self.n_steps[at] += 1;
            let decayed = matches!(NAMES[at], "weight" | "late");
            for (i, g) in gradient.iter().map(|it| it * scale).enumerate() {
                let (m, v) = (&mut self.first[at][i], &mut self.second[at][i]);
                *m = 0.9 * *m + 0.1 * g;
                *v = 0.999 * *v + 0.001 * g * g;
                let m_hat = *m / (1.0 - 0.9_f64.powi(self.n_steps[at]));
                let v_hat = *v / (1.0 - 0.999_f64.powi(self.n_steps[at]));
                let p = &mut self.values[at][i];
                if decayed {
                    *p -= lr * decay * *p;
                }
                *p -= lr * m_hat / (v_hat.sqrt() + 1e-8);
            }
        }
    }
}

#[track_caller]
fn check(what: &str, ours: &[Vec<f64>; 4], theirs: &[Vec<f64>; 4]) {
    for ((name, ours), theirs) in NAMES.iter().zip(ours).zip(theirs) {
        assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert!((ours - theirs).abs() < 1e-6, "{what}, {name}: ours {ours}, theirs {theirs}");
        }
    }
}

fn start() -> Values {
    let spread = |n: i32| Some((0..n).map(|at| 0.5 - 0.3 * f64::from(at)).collect());
    [spread(6), spread(3), spread(3), spread(4)]
}

/// Gradients of a step, all entries of a size near `size`.
fn gradients(step: u32, size: f64) -> Values {
    let wave = |n: u32, phase: f64| {
        Some((0..n).map(|at| size * (f64::from(at + 3 * step) * 1.3 + phase).sin()).collect())
    };
    [wave(6, 0.1), wave(3, 0.7), wave(3, 1.9), wave(4, 2.6)]
}

const FORMS: [Form; 2] = [Form::Host, Form::Device];

fn optimizer(form: Form, decay: f64, clip: f64) -> Optimizer {
    Optimizer::new(decay, clip).unwrap().with_form(form)
}

/// Runs both forms and the reference over `sizes`, one step each, and compares after each.
fn agrees(sizes: &[f64], decay: f64, clip: f64, has_late: impl Fn(u32) -> bool) {
    let mut reference = Reference::new(&start());
    let mut forms = FORMS.map(|form| (Toy::new(&start()), optimizer(form, decay, clip)));
    for (step, &size) in (0..).zip(sizes) {
        let lr = 0.05 / f64::from(step + 1);
        let mut all = gradients(step, size);
        if !has_late(step) {
            all[3] = None;
        }
        reference.step(&all, lr, decay, clip);
        forms = forms.map(|(toy, mut optimizer)| {
            let of_toy = toy.gradients(&all);
            (optimizer.step(toy, of_toy, lr), optimizer)
        });
        let [host, device] = forms.each_ref().map(|(toy, _)| toy.values());
        check(&format!("step {step}, on the host"), &host, &reference.values);
        check(&format!("step {step}, on the device"), &device, &reference.values);
        check(&format!("step {step}, one form against the other"), &host, &device);
    }
}

#[test]
fn several_steps_agree_with_the_equations_in_f64() {
    agrees(&[0.1, 0.2, 0.05, 0.3, 0.1, 0.2], 0.1, 0.0, |_| true);
}

#[test]
fn gradients_above_the_limit_are_scaled_and_those_below_are_not() {
    agrees(&[5.0, 0.01, 9.0, 0.02, 0.5], 0.1, 1.0, |_| true);
}

#[test]
fn a_parameter_counts_only_the_steps_in_which_it_had_a_gradient() {
    agrees(&[0.1, 0.2, 0.05, 0.3, 0.1, 0.2], 0.1, 1.0, |step| step >= 3);
    agrees(&[0.1, 0.2, 0.05, 0.3, 0.1, 0.2], 0.1, 1.0, |step| step.is_multiple_of(2));
}

#[test]
fn a_parameter_without_a_gradient_keeps_still_and_is_not_decayed() {
    for form in FORMS {
        let toy = Toy::new(&start());
        let mut all = gradients(0, 0.1);
        all[3] = None;
        let of_toy = toy.gradients(&all);
        let before = toy.values();
        let after = optimizer(form, 0.5, 1.0).step(toy, of_toy, 0.1).values();
        assert_eq!(after[3], before[3], "{form:?}");
        assert_ne!(after[0], before[0], "{form:?}");
    }
}

#[test]
fn parameters_can_still_learn_after_a_step() {
    for form in FORMS {
        let toy = Toy::new(&start());
        let of_toy = toy.gradients(&gradients(0, 0.1));
        let toy = optimizer(form, 0.1, 1.0).step(toy, of_toy, 0.1);
        let gradients = toy.weight.val().powi_scalar(2).sum().backward();
        let gradient = toy.weight.val().grad(&gradients);
        assert!(gradient.is_some(), "{form:?}: the value has left the graph");
    }
}

#[test]
fn without_a_form_named_the_device_decides_and_on_flex_it_is_the_host() {
    let step = |mut optimizer: Optimizer| {
        let toy = Toy::new(&start());
        let of_toy = toy.gradients(&gradients(0, 3.0));
        optimizer.step(toy, of_toy, 0.1).values()
    };
    let by_device = step(Optimizer::new(0.5, 1.0).unwrap());
    assert_eq!(by_device, step(optimizer(Form::Host, 0.5, 1.0)));
}

#[test]
fn with_a_gradient_of_zero_matrices_shrink_and_biases_and_norms_stay() {
    for form in FORMS {
        let toy = Toy::new(&start());
        let of_toy = toy.gradients(&gradients(0, 0.0));
        let before = toy.values();
        let after = optimizer(form, 0.5, 1.0).step(toy, of_toy, 0.1).values();
        assert_eq!((&after[1], &after[2]), (&before[1], &before[2]));
        for (after, before) in after[0].iter().zip(&before[0]) {
            assert!((after - before * 0.95).abs() < 1e-7, "{form:?}: {after} from {before}");
        }
    }
}

#[test]
fn a_limit_of_zero_means_no_clipping() {
    let step = |form, clip| {
        let toy = Toy::new(&start());
        // After a large gradient only the ratio to the next, small one shows whether it was clipped.
        let mut optimizer = optimizer(form, 0.0, clip);
        let (large, small) = (gradients(0, 50.0), gradients(1, 0.05));
        let of_toy = toy.gradients(&large);
        let toy = optimizer.step(toy, of_toy, 0.1);
        let of_toy = toy.gradients(&small);
        optimizer.step(toy, of_toy, 0.1).values()
    };
    for form in FORMS {
        check("0 against a limit never reached", &step(form, 0.0), &step(form, 1e9));
        assert_ne!(step(form, 0.0), step(form, 1.0), "{form:?}");
    }
}

#[test]
fn every_step_agrees_with_torch() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/golden/adamw.json");
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let number = |key: &str| golden[key].as_f64().unwrap();
    let numbers = |value: &Value| -> Option<Vec<f64>> {
        Some(value.as_array()?.iter().map(|it| it.as_f64().unwrap()).collect())
    };
    let by_name = |value: &Value| NAMES.map(|name| numbers(&value[name]));
    let rates = numbers(&golden["rates"]).unwrap();
    assert_eq!(rates.len(), 5);
    for form in FORMS {
        let mut toy = Toy::new(&by_name(&golden["start"]));
        let mut optimizer = optimizer(form, number("weight_decay"), number("clip_norm"));
        for (step, &rate) in rates.iter().enumerate() {
            let of_toy = toy.gradients(&by_name(&golden["gradients"][step]));
            toy = optimizer.step(toy, of_toy, rate);
            let theirs = by_name(&golden["after"][step]).map(Option::unwrap);
            check(&format!("{form:?}, step {step}"), &toy.values(), &theirs);
        }
    }
}
