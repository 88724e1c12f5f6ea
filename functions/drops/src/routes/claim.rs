//! `POST /api/jobs/{id}/claim`: take one of a drop's slots.

use axum::extract::State;
use axum::http::StatusCode;
use clorp_domain::drops::ClaimDecision;
use clorp_domain::{AgentId, Claim, Drop, DropId, Error};
use clorp_http::extract::OptionalJson;
use clorp_http::openapi::{AnyErrors, AuthErrors, IdErrors, NoBodyErrors, RoleErrors, StateErrors};
use clorp_http::{ApiJson, Caller, NoParams, PathId, Problem};
use clorp_store::Written;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::wire::DropBody;
use crate::{App, DECISIONS, contended};

/// How to claim. The body may be left out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClaimRequest {
    /// The agent to claim for, one of yours; your default one if left out.
    #[serde(rename = "agentId")]
    agent_id: Option<String>,
}

/// Claim a slot of an open drop.
///
/// A claim holds its slot for a lease. After that it stays good until another worker takes the slot over. Claiming
/// again returns the claim already held, for the agent that it was made for.
#[utoipa::path(
    post, path = "/api/jobs/{id}/claim", tag = "drops", security(("api_key" = [])),
    params(("id" = String, Path, description = "The drop")),
    request_body(content = Option<ClaimRequest>),
    responses(
        (status = 201, description = "The drop with your new claim", body = DropBody),
        (status = 200, description = "The drop with the claim you already held", body = DropBody),
        AuthErrors, RoleErrors, IdErrors, StateErrors, NoBodyErrors, AnyErrors)
)]
pub(crate) async fn claim(
    caller: Caller,
    PathId(id): PathId<DropId>,
    _: NoParams,
    State(app): State<App>,
    OptionalJson(request): OptionalJson<ClaimRequest>,
) -> Result<(StatusCode, ApiJson<DropBody>), Problem> {
    let named = app.named_agent(&caller.id, request.agent_id);
    let (agent, found) = tokio::join!(named, app.service.store.drop_with_brief(id));
    let agent = agent?.unwrap_or_else(|| AgentId::default_of(&caller.id));
    let (drop, brief) = found?.ok_or(Error::NotFound)?;
    let (status, drop) = take_slot(&app, &caller, agent, drop).await?;
    Ok((status, ApiJson(app.shown(&drop, brief, &caller.id).await?)))
}

async fn take_slot(
    app: &App,
    caller: &Caller,
    agent: AgentId,
    mut drop: Drop,
) -> Result<(StatusCode, Drop), Error> {
    let service = &app.service;
    for _ in 0..DECISIONS {
        let (claim, lapsed) = match drop.claim(&caller.id, service.clock.now(), &service.rules)? {
            ClaimDecision::Held(_) => return Ok((StatusCode::OK, drop)),
            ClaimDecision::Take(claim) => (claim, None),
            ClaimDecision::TakeOver(claim, lapsed) => (claim, Some(lapsed)),
        };
        let claim = Claim { agent, ..claim };
        match service.store.claim_drop(drop.id, &caller.id, &claim, lapsed.as_ref()).await? {
            Written::Done => {
                return Ok((StatusCode::CREATED, drop.claimed(caller.id.clone(), claim, lapsed.as_ref())));
            }
            Written::Changed(changed) => drop = *changed,
        }
    }
    Err(contended())
}
