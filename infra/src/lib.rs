//! The local stack: local replacements for the AWS, Stripe and Supabase services that production uses.

pub mod audit;
pub mod cargo_lambda;
pub mod demo;
pub mod dev;
pub mod dev_file;
pub mod dynamo;
pub mod files;
pub mod issuer;
pub mod s3;
pub mod sandbox;
pub mod seed;
mod server;
pub mod template;
pub mod term;
pub mod tools;
