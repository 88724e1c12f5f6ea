//! The demands of a prompt, and whether an answer meets them.
//!
//! [`extract`] finds what a prompt states, such as a number of items, a length, a form, a language, and terms
//! to mention or to leave out. It prefers to miss a demand over finding a false one. [`Constraint::check`]
//! compares an answer with one demand, and reads the answer in its favour: a greeting, a title and a closing
//! remark need not count.

mod amounts;
mod bounds;
mod cjk;
mod code;
mod format;
mod language;
pub(crate) mod layout;
mod lexicon;
mod prompt;
mod quantity;
mod terms;
