//! DynamoDB and S3 inside this process.

pub mod client;
pub mod dynamo;
pub mod s3;
