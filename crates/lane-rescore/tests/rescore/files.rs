//! Which files are read, and which of their epochs count.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array};
use arrow::datatypes::{Float32Type, UInt16Type, UInt32Type};
use lane_rescore::{Epochs, Score, rescore};

use crate::support::{Look, Place, columns, ranking, scattered, write};

#[test]
fn of_a_run_folder_the_dynamics_are_read_and_no_other_parquet() {
    let place = Place::with(&scattered(40, 3));
    std::fs::write(place.path("other.parquet"), "not Parquet").unwrap();
    let summary = rescore(&place.request(Score::Aum)).unwrap();
    assert_eq!((summary.n_files, summary.n_rows), (1, 40));
}

#[test]
fn a_file_that_is_named_twice_counts_once_whatever_its_name() {
    let place = Place::new();
    // A star is no pattern here, and a space and a percent sign are themselves.
    let path = place.path("epoch *[1] 100%.log");
    write(&path, columns(&scattered(40, 3)), None);
    let mut request = place.request(Score::Aum);
    request.dynamics = vec![path.clone(), path];
    let summary = rescore(&request).unwrap();
    assert_eq!((summary.n_files, summary.n_rows), (1, 40));
}

#[test]
fn the_epochs_of_the_data_map_count_unless_others_are_asked_for() {
    let place = Place::new();
    write(&place.path("dynamics.parquet"), columns(&scattered(40, 6)), Some("3-5"));
    let mut request = place.request(Score::Aum);
    let default = rescore(&request).unwrap();
    assert_eq!(default.epochs, "3..5");
    assert!(ranking(&request.out).iter().all(|line| line.epochs <= 3));
    request.epochs = Some(Epochs::ALL);
    let all = rescore(&request).unwrap();
    assert!(all.epochs == ".." && default.n_looks < all.n_looks);
    let looks: u32 = ranking(&request.out).iter().map(|line| line.epochs).sum();
    assert_eq!(u64::from(looks), all.n_looks);
}

#[test]
fn numbers_of_other_widths_and_a_log_without_label_aware_margins_are_read() {
    let looks = [Look { margin: -2.5, ..Look::new(1, 1) }, Look::new(0, 1)];
    let mut wide = columns(&looks);
    wide.remove(4);
    for (_, column) in &mut wide {
        let wider: ArrayRef = if let Some(values) = column.as_primitive_opt::<Float32Type>() {
            Arc::new(values.iter().map(|it| it.map(f64::from)).collect::<Float64Array>())
        } else if let Some(values) = column.as_primitive_opt::<UInt16Type>() {
            Arc::new(values.iter().map(|it| it.map(i64::from)).collect::<Int64Array>())
        } else {
            let values = column.as_primitive::<UInt32Type>();
            Arc::new(values.iter().map(|it| it.map(i64::from)).collect::<Int64Array>())
        };
        *column = wider;
    }
    let place = Place::new();
    write(&place.path("dynamics.parquet"), wide, None);
    let request = place.request(Score::Aum);
    rescore(&request).unwrap();
    let ranked = ranking(&request.out);
    assert_eq!((ranked[0].row, ranked[0].aum, ranked[0].alm), (1, -2.5, None));
}

#[test]
fn a_probability_that_f32_made_0_has_a_finite_loss() {
    let place = Place::with(&[Look { p_label: 0.0, ..Look::new(0, 1) }]);
    let request = place.request(Score::Loss);
    rescore(&request).unwrap();
    assert!((ranking(&request.out)[0].loss - 149.0 * std::f64::consts::LN_2).abs() < 1e-12);
}

#[test]
fn csv_has_the_columns_of_parquet_and_nothing_for_a_missing_margin() {
    let place = Place::with(&[Look::new(3, 1), Look { predicted: 1, ..Look::new(3, 2) }]);
    let mut request = place.request(Score::Forgetting);
    request.out = place.path("ranking.csv");
    rescore(&request).unwrap();
    let text = std::fs::read_to_string(&request.out).unwrap();
    assert_eq!(
        text,
        "rank,row,label,aum,alm,weight,loss,confidence,variability,correctness,forgetting,epochs\n\
         1,3,0,1.0,,1.0,0.6931471805599453,0.5,0.0,1,1,2\n"
    );
}
