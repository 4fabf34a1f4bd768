//! What the fuzz targets and the test of kept cases run: one function a door, bytes in.
//!
//! A case passes if the program gives an answer, an error or a value; what a door can know of the
//! value is held besides. The test in `crates/lane/tests/doors` includes the same modules by path.

pub mod apply;
pub mod doors;
#[cfg(feature = "burn")]
pub mod doors_on_burn;
#[cfg(feature = "burn")]
pub mod interrupted;
mod panics;
pub mod scratch;

pub use panics::leave_caught_panics;
