//! `POST /api/jobs/{id}/claim`: take one of a drop's slots.

use axum::extract::State;
use axum::http::StatusCode;
use clorp_context::Context;
use clorp_domain::drops::ClaimDecision;
use clorp_domain::{AgentId, Claim, Drop, DropId, Error, cooldown};
use clorp_http::extract::OptionalJson;
use clorp_http::openapi::{
    AnyErrors, AuthErrors, CooldownErrors, IdErrors, NoBodyErrors, RoleErrors, StateErrors,
};
use clorp_http::{ApiJson, Caller, NoParams, PathId, Problem};
use clorp_store::{Claims, Written};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::wire::DropBody;
use crate::{App, MAX_ATTEMPTS, contended};

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
/// again returns the claim already held, for the agent that it was made for. Claims that lapse, or are released, lead to a
/// cooldown: three in ten minutes, and the next new claim has to wait.
#[utoipa::path(
    post, path = "/api/jobs/{id}/claim", tag = "drops", security(("api_key" = [])),
    extensions(("x-rate-limit-class" = json!("claim"))),
    params(("id" = String, Path, description = "The drop")),
    request_body(content = Option<ClaimRequest>),
    responses(
        (status = 201, description = "The drop with your new claim", body = DropBody),
        (status = 200, description = "The drop with the claim you already held", body = DropBody),
        AuthErrors, RoleErrors, IdErrors, StateErrors, CooldownErrors, NoBodyErrors, AnyErrors)
)]
pub(crate) async fn claim(
    caller: Caller,
    PathId(id): PathId<DropId>,
    _: NoParams,
    State(app): State<App>,
    OptionalJson(request): OptionalJson<ClaimRequest>,
) -> Result<(StatusCode, ApiJson<DropBody>), Problem> {
    let named = app.named_agent(&caller.id, request.agent_id);
    let (agent, found, claims) =
        tokio::join!(named, app.context.store.drop_with_brief(id), recent_claims(&app, &caller));
    let agent = agent?.unwrap_or_else(|| AgentId::default_of(&caller.id));
    let (drop, brief) = found?.ok_or(Error::NotFound)?;
    let (status, drop) = take_slot(&app, &caller, agent, drop, claims?).await?;
    Ok((status, ApiJson(app.render(&drop, brief, &caller.id).await?)))
}

async fn take_slot(
    app: &App,
    caller: &Caller,
    agent: AgentId,
    mut drop: Drop,
    claims: Claims,
) -> Result<(StatusCode, Drop), Error> {
    let context = &app.context;
    let mut claims = Some(claims);
    for _ in 0..MAX_ATTEMPTS {
        let now = drop.next_change_at(context.clock.now());
        let (claim, lapsed) = match drop.claim(&caller.id, now, &context.rules)? {
            ClaimDecision::Held(_) => return Ok((StatusCode::OK, drop)),
            ClaimDecision::Take(claim) => (claim, None),
            ClaimDecision::TakeOver(claim, lapsed) => (claim, Some(lapsed)),
        };
        if let Some(claims) = claims.take() {
            require_no_cooldown(app, caller, claims).await?;
        }
        let claim = Claim { agent, ..claim };
        match context.store.claim_drop(&drop, &caller.id, &claim, lapsed.as_ref()).await? {
            Written::Done => {
                return Ok((StatusCode::CREATED, drop.claimed(caller.id.clone(), claim, lapsed.as_ref())));
            }
            Written::Changed(changed) => drop = *changed,
        }
    }
    Err(contended())
}

/// What of the caller's claims may keep them from another. Read beside the drop, so that nobody waits for it.
async fn recent_claims(app: &App, caller: &Caller) -> Result<Claims, Error> {
    let now = app.context.clock.now();
    app.context.store.claims(&caller.id, cooldown::counts_after(now, &app.context.rules), now).await
}

/// Lets the caller make a new claim. Which of the claims they hold have lapsed costs a round trip, and is asked only
/// where it can matter.
async fn require_no_cooldown(app: &App, caller: &Caller, claims: Claims) -> Result<(), Error> {
    let Context { store, rules, clock } = &app.context;
    let Claims { mut lapses, overdue } = claims;
    let now = clock.now();
    if !overdue.is_empty() && lapses.len() + overdue.len() >= rules.cooldown_lapses as usize {
        let drops = store.drops(&overdue).await?;
        lapses.extend(drops.iter().filter_map(|drop| drop.claims.get(&caller.id)?.lapsed_at(now)));
    }
    cooldown::require_none(lapses, now, rules)
}
