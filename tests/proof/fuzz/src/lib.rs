//! Fuzzing of everything that reads what others wrote: credentials, signatures, events, bodies, cursors and
//! texts.
//!
//! A [`Target`] takes any bytes. Its check reads them in several ways, and compares the parser with an
//! independent statement of what it may accept. [`input`] builds the bytes: valid inputs with a few edits,
//! words of the format in any order, and noise. [`corpus`] keeps inputs that are worth reading again.
//!
//! Three programs use the targets: `cargo test` for seconds, `cargo fuzz-inputs` for minutes, and
//! `cargo fuzz-growth`, which measures the time that inputs of growing size take.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test bench fails by panicking")]

pub mod corpus;
pub mod growth;
pub mod input;
pub mod runner;
mod support;
mod targets;

pub use targets::TARGETS;

/// A parser, or a group of parsers that read the same kind of text.
#[derive(Clone, Copy)]
pub struct Target {
    /// Name of the target, and of the folder of its corpus.
    pub name: &'static str,
    /// The subject in a few words.
    pub subject: &'static str,
    /// Valid inputs, from which others are made by edits.
    pub valid: fn() -> Vec<Vec<u8>>,
    /// Words of the format, from which inputs are joined.
    pub words: &'static [&'static str],
    /// Reads an input. Returns the property that does not hold; a panic is a fault too.
    pub check: fn(&[u8]) -> Result<(), String>,
    /// Inputs of any size that are hostile to this parser.
    pub shapes: &'static [Shape],
}

/// A family of hostile inputs, one for each size.
#[derive(Clone, Copy)]
pub struct Shape {
    /// Name of the shape, unique within its target.
    pub name: &'static str,
    /// Makes the input of about so many bytes.
    pub make: fn(usize) -> Vec<u8>,
    /// Largest size of interest, in bytes: what the parser may be given, or more.
    pub most: usize,
}

/// The target with this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// Fails with a message unless a property holds.
fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}
