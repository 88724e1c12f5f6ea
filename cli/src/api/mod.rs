//! The client of the API.

mod call;
pub mod calls;
#[cfg(test)]
mod contract;
mod text;
pub mod types;

pub use call::{Call, Request};
pub use text::Text;
