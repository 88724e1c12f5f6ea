//! Integrity: finds submissions that try to steer their judge instead of doing the work.

#![cfg_attr(not(test), expect(dead_code, reason = "the rules over these concepts follow"))]

mod lexicon;
mod tokens;
