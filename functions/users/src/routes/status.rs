//! `GET /api/users/status`: list the drops that the caller is working on.

use axum::extract::State;
use clorp_context::Context;
use clorp_domain::time::rfc3339;
use clorp_http::openapi::{AnyErrors, AuthErrors};
use clorp_http::{ApiJson, Caller, NoParams, Problem, words};
use serde::Serialize;
use utoipa::ToSchema;

/// A drop on which the caller holds a claim.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActiveDrop {
    /// Identifier of the drop.
    id: String,
    /// Status of the drop: `open` or `ranking`.
    #[schema(value_type = words::DropStatus)]
    status: &'static str,
    /// First line of the prompt, cut at a word to at most 80 characters.
    title: String,
    /// Time at which the drop was posted (RFC 3339, UTC).
    #[schema(format = DateTime)]
    created_at: String,
}

/// List the drops that you are working on, newest first, at most 100.
///
/// A drop leaves the list when it ends, or when you no longer hold a claim on it.
#[utoipa::path(
    get, path = "/api/users/status", tag = "users",
    responses(
        (status = 200, description = "The drops that have not ended and on which you hold a claim", body = Vec<ActiveDrop>),
        AuthErrors, AnyErrors)
)]
pub(crate) async fn status(
    caller: Caller,
    _: NoParams,
    State(context): State<Context>,
) -> Result<ApiJson<Vec<ActiveDrop>>, Problem> {
    let store = &context.store;
    let drops = store.drops().get_many(&store.work().active(&caller.id).await?).await?;
    let active =
        drops.into_iter().filter(|drop| !drop.status.is_terminal() && drop.claims.contains_key(&caller.id));
    let body = active.map(|drop| ActiveDrop {
        id: drop.id.to_string(),
        status: drop.status.as_str(),
        title: drop.title,
        created_at: rfc3339(drop.created_at),
    });
    Ok(ApiJson(body.collect()))
}
