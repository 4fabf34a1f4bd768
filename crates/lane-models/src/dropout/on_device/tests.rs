//! The masks of a device against plain integers, and what makes masks good ones.

#[path = "../../../tests/parity/devices.rs"]
mod devices;

use super::*;

const LEN: usize = 80_007;
const KEY: u64 = 0x1234_5678_9ABC_DEF0;

/// The same in plain integers, as the header has it.
fn expected(key: u64, len: usize, p: f64) -> Vec<f32> {
    let (a, b) = (key as u32, (key >> 32) as u32);
    let factor = |at: u32| {
        let x = at.wrapping_add(a);
        let x = (x ^ (x >> 16)).wrapping_mul(FIRST) ^ b;
        let x = (x ^ (x >> 15)).wrapping_mul(SECOND);
        let x = (x ^ (x >> 13)).wrapping_mul(FIRST);
        let kept = f64::from(x ^ (x >> 16)) / 2.0_f64.powi(32) >= p;
        if kept { (1.0 / (1.0 - p)) as f32 } else { 0.0 }
    };
    (0..len as u32).map(factor).collect()
}

#[test]
fn tensor_operations_and_plain_integers_make_the_same_mask() {
    for devices::Tested { name, device, .. } in devices::tested() {
        for key in [KEY, 0, u64::MAX, 0xFFFF_FFFF, 0xFFFF_FFFF_0000_0000] {
            for p in [0.05, 0.1, 0.5, 0.9] {
                let ours: Tensor<3> = mask(key, 0, Shape::new([7, 11, 13]), p, &device);
                let ours: Vec<f32> = ours.into_data().try_into_vec().unwrap();
                assert_eq!(ours, expected(key, 7 * 11 * 13, p), "{name}: {key:x}, {p}");
            }
        }
    }
}

#[test]
fn a_mask_counted_from_an_element_is_the_rest_of_the_mask() {
    let values = |tensor: TensorData| tensor.try_into_vec::<f32>().unwrap();
    let rest = mask::<2>(KEY, 18, Shape::new([5, 6]), 0.5, &Device::flex());
    assert_eq!(values(rest.into_data()), expected(KEY, 48, 0.5)[18..]);
}

#[test]
fn shapes_of_any_rank_are_counted_through_in_order() {
    let values = |tensor: TensorData| tensor.try_into_vec::<f32>().unwrap();
    let device = Device::flex();
    let line = values(mask::<1>(KEY, 0, Shape::new([5]), 0.5, &device).into_data());
    let four = values(mask::<4>(KEY, 0, Shape::new([2, 3, 1, 8]), 0.5, &device).into_data());
    assert_eq!((line, four), (expected(KEY, 5, 0.5), expected(KEY, 48, 0.5)));
}

#[test]
fn kept_share_is_one_minus_p() {
    for p in [0.05, 0.1, 0.5, 0.9] {
        let kept = expected(KEY, LEN, p).iter().filter(|&&factor| factor > 0.0).count();
        let share = kept as f64 / LEN as f64;
        // Five standard deviations of a binomial share.
        let tolerance = 5.0 * (p * (1.0 - p) / LEN as f64).sqrt();
        assert!((share - (1.0 - p)).abs() < tolerance, "p {p}: kept {share}");
    }
}

#[test]
fn masks_of_keys_that_differ_in_one_bit_agree_on_half() {
    let first = expected(KEY, LEN, 0.5);
    // A change in the low half only moves the counter; keys never differ there alone.
    for bit in 32..64 {
        let second = expected(KEY ^ (1 << bit), LEN, 0.5);
        for shift in 0..3 {
            let pairs = first.iter().zip(&second[shift..]);
            let same = pairs.filter(|(a, b)| a.total_cmp(b).is_eq()).count();
            let share = same as f64 / (LEN - shift) as f64;
            assert!((share - 0.5).abs() < 0.01, "bit {bit}, shifted by {shift}: {share}");
        }
    }
}

#[test]
fn neighbors_are_dropped_independently() {
    let kept: Vec<bool> = expected(KEY, LEN, 0.5).iter().map(|&it| it > 0.0).collect();
    for apart in [1, 2, 3, 64, 384, 768] {
        let pairs = kept.iter().zip(&kept[apart..]);
        let same = pairs.filter(|(a, b)| a == b).count();
        let share = same as f64 / (LEN - apart) as f64;
        assert!((share - 0.5).abs() < 0.01, "{apart} apart: {share}");
    }
}

#[test]
fn flex_keeps_the_masks_of_the_host() {
    assert!(!serves(&Device::flex()));
    assert!(!serves(&Device::flex().autodiff()));
}
