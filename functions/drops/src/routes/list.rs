//! `GET /api/jobs`: the caller's posted drops.

use axum::extract::{OriginalUri, State};
use axum::response::Response;
use clorp_http::openapi::{AnyErrors, AuthErrors};
use clorp_http::paging::list as page_of;
use clorp_http::{ApiQuery, Caller, Paging, Problem};

use crate::App;
use crate::wire::{DropBody, View};

/// The drops you posted, newest first.
#[utoipa::path(
    get, path = "/api/jobs", tag = "drops", security(("api_key" = [])), params(Paging),
    responses(
        (status = 200, description = "A page of drops", body = Vec<DropBody>, headers(
            ("Link" = String, description = "The next page, `rel=\"next\"`, if there is one"),
            ("X-Next-Cursor" = String, description = "Cursor of the next page, if there is one"))),
        AuthErrors, AnyErrors)
)]
pub(crate) async fn list(
    caller: Caller,
    ApiQuery(paging): ApiQuery<Paging>,
    OriginalUri(uri): OriginalUri,
    State(app): State<App>,
) -> Result<Response, Problem> {
    let limit = paging.limit()?;
    let page = app.service.store.drops_by_sender(&caller.id, limit, paging.cursor.as_deref()).await?;
    let rules = &app.service.rules;
    let reader = &caller.id;
    Ok(page_of(
        &uri,
        page.map(|(drop, brief, output_text)| {
            DropBody::from(View { drop: &drop, brief, output_text, reader, rules })
        }),
    ))
}
