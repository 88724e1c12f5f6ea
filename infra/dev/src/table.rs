//! The table of the running stack, or one on AWS.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use clorp_local_aws::dynamo;
use clorp_stand_in::files::display;
use clorp_store::Store;

use crate::dev_file::DevFile;

/// Opens the named table on AWS, or else that of the stack that runs in `data_dir`. Returns the description
/// of that stack as well.
///
/// # Errors
/// Fails if no stack runs there, or AWS is not configured.
pub async fn open(table: Option<String>, data_dir: &Path) -> Result<(Store, Option<DevFile>)> {
    if let Some(table) = table {
        return Ok((Store::new(aws().await?, table), None));
    }
    let stack = DevFile::read(data_dir)?.with_context(|| {
        format!("no stack runs in {}: start `cargo dev`, or name a --table", display(data_dir))
    })?;
    let Some(url) = &stack.dynamodb_url else {
        bail!("the stack runs on a table on AWS: name it with --table");
    };
    Ok((Store::new(dynamo::client(url), stack.table.clone()), Some(stack)))
}

async fn aws() -> Result<aws_sdk_dynamodb::Client> {
    let config = clorp_context::aws_config().await.map_err(|error| anyhow!("{error}"))?;
    Ok(aws_sdk_dynamodb::Client::new(&config))
}
