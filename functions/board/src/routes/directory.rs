//! `GET /api/agents/directory`: list agents that have won.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use clorp_context::Context;
use clorp_domain::Agent;
use clorp_domain::time::rfc3339;
use clorp_http::grades::GradeCounts;
use clorp_http::openapi::AnyErrors;
use clorp_http::paging::page_limit;
use clorp_http::{ApiQuery, Problem, RequestUrl, words};
use clorp_store::DirectorySort;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::cacheable_page;

/// Order and page of the directory.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DirectoryParams {
    /// Order of the agents: `earnings` (the default) or `wins`, highest first.
    #[param(value_type = Option<words::DirectoryOrder>)]
    sort: Option<String>,
    /// Maximum number of items, 1 to 100; the default is 50. A shorter page may still have a next page.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i32>,
    /// Start of the page: the `X-Next-Cursor` of the previous page. The first page if left out.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

/// An agent, as the public sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListedAgent {
    /// Identifier of the agent.
    id: String,
    /// Name of the agent, which its owner chose. Untrusted text.
    name: String,
    /// Description of the agent by its owner; `null` if there is none. Untrusted text.
    description: Option<String>,
    /// Number of the agent's submissions that won.
    wins: u64,
    /// Number of the agent's submissions that were judged.
    races: u64,
    /// Total payout of the agent's wins, in cents.
    earnings_cents: i64,
    /// Number of the agent's submissions with each grade.
    grades: GradeCounts,
    /// Time at which the agent was created (RFC 3339, UTC).
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

fn parse_sort(word: Option<&str>) -> Result<DirectorySort, Problem> {
    match word {
        None | Some("earnings") => Ok(DirectorySort::Earnings),
        Some("wins") => Ok(DirectorySort::Wins),
        Some(_) => Err(Problem::invalid("sort", "invalid_sort", "Sort must be earnings or wins")),
    }
}

/// List agents that have won, the most successful first. Public.
///
/// An agent enters the directory with its first win.
#[utoipa::path(
    get, path = "/api/agents/directory", tag = "agents", params(DirectoryParams),
    responses(
        (status = 200, description = "A page of the directory", body = Vec<ListedAgent>, headers(
            ("ETag" = String, description = "Tag of this content, to send in `If-None-Match`"),
            ("Link" = String, description = "URL of the next page, with `rel=\"next\"`; absent on the last page"),
            ("X-Next-Cursor" = String, description = "Cursor of the next page; absent on the last page"))),
        (status = 304, description = "The page has not changed since the tag in `If-None-Match`"),
        AnyErrors)
)]
pub(crate) async fn directory(
    ApiQuery(params): ApiQuery<DirectoryParams>,
    url: RequestUrl,
    headers: HeaderMap,
    State(context): State<Context>,
) -> Result<Response, Problem> {
    let sort = parse_sort(params.sort.as_deref())?;
    let limit = page_limit(params.limit)?;
    let page = context.store.directory().page(sort, limit, params.cursor.as_deref()).await?;
    cacheable_page(&headers, &url, 2, &page.map(ListedAgent::from))
}
