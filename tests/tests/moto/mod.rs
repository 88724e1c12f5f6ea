//! The core of the marketplace on moto, whatever the other tests run on, and each difference between moto and
//! AWS. `cargo test-on-moto` runs more tests on moto.

mod differences;
mod exclusions;
mod life;
