//! An embedded DynamoDB server, a client for it, and the creation of the table that `template.yaml`
//! describes.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    self, AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement,
};
use aws_sdk_dynamodb::types::{
    KeyType, ProjectionType, TableDescription, TableStatus, TimeToLiveSpecification,
};
use clorp_sam::{AttributeSpec, IndexSpec, KeySpec, Projection, TableSpec};
use clorp_stand_in::server;
use dynoxide::Database;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::client::{http_client, retries};

/// Time that running requests get when the server stops.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// Time that a new table may take to become active.
const CREATION_TIMEOUT: Duration = Duration::from_secs(30);

/// A running embedded DynamoDB. Dropping it stops it; [`Dynamo::shutdown`] also waits until it has stopped.
#[derive(Debug)]
pub struct Dynamo {
    /// The base URL, such as `http://127.0.0.1:8000`.
    pub url: String,
    stop: oneshot::Sender<()>,
    server: JoinHandle<Result<(), String>>,
}

impl Dynamo {
    /// Starts a server on a free port that keeps its tables in memory.
    pub async fn in_memory() -> Result<Self> {
        let database =
            Database::memory().map_err(|error| anyhow!("opening a database in memory: {error}"))?;
        Self::serve(database, None).await
    }

    /// Starts a server that keeps its tables in the file at `path`. Creates the file and its folder if they
    /// are missing. `port` is `None` for a free port.
    pub async fn on_file(path: &Path, port: Option<u16>) -> Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        }
        let name = path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))?;
        let database =
            Database::new(name).map_err(|error| anyhow!("opening the database {name}: {error}"))?;
        Self::serve(database, port).await
    }

    async fn serve(database: Database, port: Option<u16>) -> Result<Self> {
        let listener = server::listen(port.unwrap_or(0), "DynamoDB").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (stop, stopped) = oneshot::channel();
        // Both a message and a dropped sender stop the server, so the result does not matter.
        let shutdown = async { drop(stopped.await) };
        let server = tokio::spawn(dynoxide::server::serve_with_shutdown(listener, database, shutdown));
        Ok(Self { url, stop, server })
    }

    /// Stops the server and waits at most five seconds for running requests.
    pub async fn shutdown(self) -> Result<()> {
        // Sending fails only if the server has already failed. Its own error says why.
        let _ = self.stop.send(());
        let abort = self.server.abort_handle();
        match tokio::time::timeout(SHUTDOWN_GRACE, self.server).await {
            Ok(outcome) => outcome?.map_err(|error| anyhow!("the embedded DynamoDB failed: {error}")),
            Err(_) => {
                abort.abort();
                Ok(())
            }
        }
    }
}

/// Creates a client for the embedded server at `url`, which accepts any credentials.
pub fn client(url: &str) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "local stack"))
        .http_client(http_client())
        .retry_config(retries())
        .endpoint_url(url);
    Client::from_conf(config.build())
}

/// Creates the table `name` with the keys, indexes and expiry of `spec`, and waits until it is active.
/// Returns false if the table existed. Fails if the existing table has other keys or indexes.
pub async fn create_table(client: &Client, spec: &TableSpec, name: &str) -> Result<bool> {
    let created = send_create(client, spec, name).await?;
    let table = active_table(client, name).await?;
    let difference = difference(spec, &table);
    ensure!(
        difference.is_none(),
        "the local table {name} differs from template.yaml ({}): start from nothing with `--fresh`",
        difference.unwrap_or_default()
    );
    set_ttl(client, spec, name).await?;
    Ok(created)
}

async fn send_create(client: &Client, spec: &TableSpec, name: &str) -> Result<bool> {
    let attributes: Result<Vec<_>, _> = spec.attributes.iter().map(attribute_definition).collect();
    let indexes: Result<Vec<_>, _> = spec.indexes.iter().map(secondary_index).collect();
    let indexes = Some(indexes?).filter(|indexes| !indexes.is_empty());
    let request = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(attributes?))
        .set_key_schema(Some(key_schema(&spec.key)?))
        .set_global_secondary_indexes(indexes);
    match request.send().await.map_err(aws_sdk_dynamodb::Error::from) {
        Ok(_) => Ok(true),
        Err(aws_sdk_dynamodb::Error::ResourceInUseException(_)) => Ok(false),
        Err(error) => Err(error).with_context(|| format!("creating the table {name}")),
    }
}

fn attribute_definition(spec: &AttributeSpec) -> Result<AttributeDefinition, BuildError> {
    AttributeDefinition::builder()
        .attribute_name(&spec.name)
        .attribute_type(spec.kind.as_str().into())
        .build()
}

fn key_schema(key: &KeySpec) -> Result<Vec<KeySchemaElement>, BuildError> {
    let hash = Some((&key.hash, KeyType::Hash));
    let range = key.range.as_ref().map(|range| (range, KeyType::Range));
    let element = |(name, kind): (&String, KeyType)| {
        KeySchemaElement::builder().attribute_name(name).key_type(kind).build()
    };
    hash.into_iter().chain(range).map(element).collect()
}

fn secondary_index(spec: &IndexSpec) -> Result<GlobalSecondaryIndex, BuildError> {
    let (kind, names) = match &spec.projection {
        Projection::All => (ProjectionType::All, None),
        Projection::KeysOnly => (ProjectionType::KeysOnly, None),
        Projection::Include(names) => (ProjectionType::Include, Some(names.clone())),
    };
    let projection = types::Projection::builder().projection_type(kind).set_non_key_attributes(names);
    GlobalSecondaryIndex::builder()
        .index_name(&spec.name)
        .set_key_schema(Some(key_schema(&spec.key)?))
        .projection(projection.build())
        .build()
}

/// Waits until the table is active, and returns its description.
async fn active_table(client: &Client, name: &str) -> Result<TableDescription> {
    let active = async {
        loop {
            let answer = client.describe_table().table_name(name).send().await?;
            let table = answer.table.context("a description without a table")?;
            if table.table_status == Some(TableStatus::Active) {
                return Ok(table);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let timeout = tokio::time::timeout(CREATION_TIMEOUT, active).await;
    timeout
        .with_context(|| format!("the table {name} is not ready after {CREATION_TIMEOUT:?}"))?
        .map_err(|error: anyhow::Error| error.context(format!("describing the table {name}")))
}

/// The first difference between `table` and `spec`, as a phrase; `None` if they agree.
fn difference(spec: &TableSpec, table: &TableDescription) -> Option<String> {
    if read_key(table.key_schema()) != Some(spec.key.clone()) {
        return Some("its key differs".to_string());
    }
    let actual: Vec<_> = table.global_secondary_indexes().iter().map(read_index).collect();
    let missing = spec.indexes.iter().find(|index| !actual.contains(&Some((*index).clone())));
    if let Some(index) = missing {
        return Some(format!("index {} is missing or differs", index.name));
    }
    (actual.len() > spec.indexes.len()).then(|| "it has an index too many".to_string())
}

fn read_index(description: &types::GlobalSecondaryIndexDescription) -> Option<IndexSpec> {
    let projection = description.projection.as_ref()?;
    let projection = match projection.projection_type.as_ref()? {
        ProjectionType::All => Projection::All,
        ProjectionType::KeysOnly => Projection::KeysOnly,
        _ => {
            let mut names = projection.non_key_attributes().to_vec();
            names.sort();
            Projection::Include(names)
        }
    };
    let name = description.index_name.clone()?;
    Some(IndexSpec { name, key: read_key(description.key_schema())?, projection })
}

fn read_key(schema: &[KeySchemaElement]) -> Option<KeySpec> {
    let name = |kind: KeyType| {
        schema.iter().find(|element| element.key_type == kind).map(|element| element.attribute_name.clone())
    };
    Some(KeySpec { hash: name(KeyType::Hash)?, range: name(KeyType::Range) })
}

/// Enables the expiry of items if it is not enabled. DynamoDB rejects enabling it twice.
async fn set_ttl(client: &Client, spec: &TableSpec, name: &str) -> Result<()> {
    let Some(attribute) = &spec.ttl_attribute else { return Ok(()) };
    let answer = client.describe_time_to_live().table_name(name).send().await?;
    let current = answer.time_to_live_description.and_then(|ttl| ttl.attribute_name);
    if current.as_ref() == Some(attribute) {
        return Ok(());
    }
    let ttl = TimeToLiveSpecification::builder().attribute_name(attribute).enabled(true).build()?;
    let request = client.update_time_to_live().table_name(name).time_to_live_specification(ttl);
    request.send().await.with_context(|| format!("setting the expiry of the table {name}"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clorp_sam::Template;

    fn spec() -> TableSpec {
        Template::from_repo().unwrap().table().unwrap()
    }

    #[tokio::test]
    async fn the_templates_table_is_created_once() {
        let dynamo = Dynamo::in_memory().await.unwrap();
        let client = client(&dynamo.url);
        assert!(create_table(&client, &spec(), "clorp").await.unwrap());
        assert!(!create_table(&client, &spec(), "clorp").await.unwrap());
        let ttl = client.describe_time_to_live().table_name("clorp").send().await.unwrap();
        let ttl = ttl.time_to_live_description.unwrap();
        assert_eq!(ttl.attribute_name.as_deref(), Some("expires_at"));
        dynamo.shutdown().await.unwrap();
    }

    #[tokio::test]
    async fn an_outdated_table_is_rejected_with_a_hint_at_fresh() {
        let dynamo = Dynamo::in_memory().await.unwrap();
        let client = client(&dynamo.url);
        let change = |name: &str, change: fn(&mut TableSpec)| {
            let mut old = spec();
            change(&mut old);
            (name.to_string(), old)
        };
        for (name, old) in [
            change("no-index", |old| drop(old.indexes.remove(0))),
            change("other-projection", |old| old.indexes[0].projection = Projection::All),
            change("other-key", |old| old.key.range = Some("board".to_string())),
        ] {
            // DynamoDB accepts only attribute definitions that a key uses.
            let mut old = old;
            let used: Vec<_> =
                old.indexes.iter().map(|index| &index.key).chain([&old.key]).cloned().collect();
            let uses = |name: &String| used.iter().any(|k| k.hash == *name || k.range.as_ref() == Some(name));
            old.attributes.retain(|attribute| uses(&attribute.name));
            assert!(create_table(&client, &old, &name).await.unwrap(), "{name}");
            let error = create_table(&client, &spec(), &name).await.unwrap_err().to_string();
            assert!(error.contains("--fresh"), "{name}: {error}");
        }
        dynamo.shutdown().await.unwrap();
    }

    #[tokio::test]
    async fn a_table_on_file_survives_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/dynamo.db");
        for first in [true, false] {
            let dynamo = Dynamo::on_file(&path, None).await.unwrap();
            assert_eq!(create_table(&client(&dynamo.url), &spec(), "clorp").await.unwrap(), first);
            dynamo.shutdown().await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_taken_port_is_reported_and_a_stopped_server_frees_it() {
        let folder = tempfile::tempdir().unwrap();
        let first = Dynamo::on_file(&folder.path().join("one.db"), None).await.unwrap();
        let port: u16 = first.url.rsplit(':').next().unwrap().parse().unwrap();
        let path = folder.path().join("other.db");
        let error = Dynamo::on_file(&path, Some(port)).await.unwrap_err().to_string();
        assert!(error.contains(&port.to_string()) && error.contains("taken"), "{error}");
        first.shutdown().await.unwrap();
        Dynamo::on_file(&path, Some(port)).await.unwrap().shutdown().await.unwrap();
    }
}
