//! The local stack: what AWS provides in production, on a laptop.

pub mod audit;
pub mod cargo_lambda;
pub mod demo;
pub mod dev;
pub mod dev_file;
pub mod dynamo;
pub mod files;
pub mod s3;
pub mod sandbox;
pub mod seed;
pub mod template;
pub mod term;
pub mod tools;
