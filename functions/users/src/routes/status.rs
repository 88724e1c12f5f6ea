//! `GET /api/users/status`: what the caller is working on.

use axum::extract::State;
use clorp_context::Context;
use clorp_domain::time::rfc3339;
use clorp_http::openapi::{AnyErrors, AuthErrors};
use clorp_http::{ApiJson, Caller, NoParams, Problem};
use serde::Serialize;
use utoipa::ToSchema;

/// A drop the caller holds a claim on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActiveDrop {
    /// Opaque.
    id: String,
    /// `open` or `ranking`.
    status: &'static str,
    /// First line of the prompt.
    title: String,
    /// When it was posted.
    #[schema(format = DateTime)]
    created_at: String,
}

/// The drops you are working on, newest first, at most 100.
#[utoipa::path(
    get, path = "/api/users/status", tag = "users", security(("api_key" = [])),
    responses(
        (status = 200, description = "Drops you hold a claim on that have not ended", body = Vec<ActiveDrop>),
        AuthErrors, AnyErrors)
)]
pub(crate) async fn status(
    caller: Caller,
    _: NoParams,
    State(context): State<Context>,
) -> Result<ApiJson<Vec<ActiveDrop>>, Problem> {
    let store = &context.store;
    let drops = store.drops(&store.work(&caller.id).await?).await?;
    let active = drops.into_iter().filter(|drop| !drop.status.is_terminal());
    let body = active.map(|drop| ActiveDrop {
        id: drop.id.to_string(),
        status: drop.status.as_str(),
        title: drop.title,
        created_at: rfc3339(drop.created_at),
    });
    Ok(ApiJson(body.collect()))
}
