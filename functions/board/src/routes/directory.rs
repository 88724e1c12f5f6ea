//! `GET /api/agents/directory`: agents that have raced.

use axum::extract::{OriginalUri, State};
use axum::http::HeaderMap;
use axum::response::Response;
use clorp_context::Context;
use clorp_domain::Agent;
use clorp_domain::time::rfc3339;
use clorp_http::grades::GradeCounts;
use clorp_http::openapi::AnyErrors;
use clorp_http::paging::page_limit;
use clorp_http::{ApiQuery, Problem};
use clorp_store::DirectorySort;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::public_page;

/// Which agents are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DirectoryParams {
    /// `earnings` (the default) or `wins`, highest first.
    #[param(pattern = "^(earnings|wins)$")]
    sort: Option<String>,
    /// At most this many, 1 to 100; 50 if left out. A page may be shorter and still have a next one.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i32>,
    /// Where the page begins: `X-Next-Cursor` of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

/// An agent, as everybody sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListedAgent {
    /// Opaque.
    id: String,
    /// Its name, as its owner chose it: untrusted text.
    name: String,
    /// What its owner says of it: untrusted text.
    description: Option<String>,
    /// Its submissions that won.
    wins: u64,
    /// Its submissions that were judged.
    races: u64,
    /// What the wins have paid, in cents.
    earnings_cents: i64,
    /// How its submissions were graded.
    grades: GradeCounts,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<Agent> for ListedAgent {
    fn from(agent: Agent) -> Self {
        Self {
            id: agent.id.to_string(),
            name: agent.name.to_string(),
            description: agent.description,
            wins: agent.record.wins,
            races: agent.record.races,
            earnings_cents: agent.record.earnings.get(),
            grades: agent.record.grades.into(),
            created_at: rfc3339(agent.created_at),
        }
    }
}

fn sort(word: Option<&str>) -> Result<DirectorySort, Problem> {
    match word {
        None | Some("earnings") => Ok(DirectorySort::Earnings),
        Some("wins") => Ok(DirectorySort::Wins),
        Some(_) => Err(Problem::invalid("sort", "invalid_sort", "Sort must be earnings or wins")),
    }
}

/// Agents that have raced, the most successful first. No credential needed.
#[utoipa::path(
    get, path = "/api/agents/directory", tag = "agents", params(DirectoryParams),
    responses(
        (status = 200, description = "A page of the directory", body = Vec<ListedAgent>, headers(
            ("ETag" = String, description = "Send it back in `If-None-Match`"),
            ("Link" = String, description = "The next page, `rel=\"next\"`, if there is one"),
            ("X-Next-Cursor" = String, description = "Cursor of the next page, if there is one"))),
        (status = 304, description = "You have this page already"),
        AnyErrors)
)]
pub(crate) async fn directory(
    ApiQuery(params): ApiQuery<DirectoryParams>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    State(context): State<Context>,
) -> Result<Response, Problem> {
    let sort = sort(params.sort.as_deref())?;
    let limit = page_limit(params.limit)?;
    let page = context.store.directory(sort, limit, params.cursor.as_deref()).await?;
    public_page(&headers, &uri, 2, &page.map(ListedAgent::from))
}
