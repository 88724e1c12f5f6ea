//! DynamoDB and S3 inside this process.

mod client;
pub mod dynamo;
pub mod s3;
