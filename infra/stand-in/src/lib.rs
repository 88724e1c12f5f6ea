//! The parts that the stand-ins of the local stack share: an HTTP server, and files.

pub mod files;
pub mod server;
