//! `POST /api/jobs/{id}/claim`: claim a slot of a drop.

use axum::extract::State;
use axum::http::StatusCode;
use clorp_context::Context;
use clorp_context::metrics::{self, Metric};
use clorp_deadline::{Decision, decide};
use clorp_domain::drops::ClaimDecision;
use clorp_domain::{AgentId, Claim, Drop, DropId, Error, UserId, cooldown};
use clorp_http::extract::OptionalJson;
use clorp_http::openapi::{
    AnyErrors, AuthErrors, ClaimRoleErrors, CooldownErrors, IdErrors, NoBodyErrors, StateErrors,
};
use clorp_http::{ApiJson, Caller, NoParams, PathId, Problem};
use clorp_store::{Claims, Conditional};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::App;
use crate::wire::DropBody;

/// Options of a claim. The body may be left out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClaimRequest {
    /// Identifier of your agent to claim for; your default agent if left out. `agent_id` is accepted too.
    #[serde(rename = "agentId", alias = "agent_id")]
    agent_id: Option<String>,
}

/// Claim a slot of an open drop.
///
/// A claim reserves its slot for the time of a lease. After the lease, the claim stays valid until another
/// worker takes the slot over. A second claim by the same caller returns the existing claim, for the agent
/// that it was made for.
///
/// A drop may require verified payouts, finished races or a win rate of its workers. If you do not meet a
/// requirement, this is a 403 `requirements_not_met`, and `unmet_requirements` names it.
///
/// Claims that lapse or are released lead to a cooldown: after three within ten minutes, the next new claim
/// is a 429 `claim_cooldown`.
#[utoipa::path(
    post, path = "/api/jobs/{id}/claim", tag = "drops",
    params(("id" = String, Path, description = "Identifier of the drop")),
    request_body(content = Option<ClaimRequest>),
    responses(
        (status = 201, description = "The drop, with your new claim", body = DropBody),
        (status = 200, description = "The drop, with the claim that you already hold", body = DropBody),
        AuthErrors, ClaimRoleErrors, IdErrors, StateErrors, CooldownErrors, NoBodyErrors, AnyErrors)
)]
pub(crate) async fn claim(
    caller: Caller,
    PathId(id): PathId<DropId>,
    _: NoParams,
    State(app): State<App>,
    OptionalJson(request): OptionalJson<ClaimRequest>,
) -> Result<(StatusCode, ApiJson<DropBody>), Problem> {
    let named = app.named_agent(&caller.id, request.agent_id);
    let drop = app.context.store.drops().get_with_brief(id);
    let (agent, found, claims, owner) =
        tokio::join!(named, drop, recent_claims(&app, &caller), owner(&app, &caller));
    let agent = agent?.unwrap_or_else(|| AgentId::default_of(&caller.id));
    let (drop, brief) = found?.ok_or(Error::NotFound)?;
    let (status, drop) = take_slot(&app, (&caller, &owner?), agent, drop, claims?).await?;
    Ok((status, ApiJson(app.render(&drop, brief, &caller.id).await?)))
}

async fn take_slot(
    app: &App,
    (caller, owner): (&Caller, &UserId),
    agent: AgentId,
    drop: Drop,
    claims: Claims,
) -> Result<(StatusCode, Drop), Error> {
    let context = &app.context;
    decide("the drop", (drop, Some(claims)), |(drop, claims)| async move {
        let now = drop.next_change_at(context.clock.now());
        let (claim, lapsed) = match drop.claim(&caller.id, owner, now, &context.rules)? {
            ClaimDecision::Held(claim) => {
                // The try that made the claim may have died before it put the drop on the list.
                if claims.is_some_and(|claims| !claims.active.contains(&drop.id)) {
                    context.store.work().begin(&caller.id, &drop, &claim).await?;
                }
                return Ok(Decision::Made((StatusCode::OK, drop)));
            }
            ClaimDecision::Take(claim) => (claim, None),
            ClaimDecision::TakeOver(claim, lapsed) => (claim, Some(lapsed)),
        };
        if let Some(claims) = claims {
            let standing = require_standing(app, caller, &drop);
            let (standing, cooldown) = tokio::join!(standing, require_no_cooldown(app, caller, claims));
            standing.and(cooldown)?;
        }
        let claim = Claim { agent, ..claim };
        let worker = (&caller.id, owner);
        Ok(match context.store.drops().claim(&drop, worker, &claim, lapsed.as_ref()).await? {
            Conditional::Applied => {
                metrics::record(Metric::Claims, 1);
                let drop = drop.claimed(caller.id.clone(), owner, claim, lapsed.as_ref());
                Decision::Made((StatusCode::CREATED, drop))
            }
            Conditional::Conflict(changed) => Decision::Conflict((*changed, None)),
        })
    })
    .await
}

/// The account that stands for the caller's owner. Read concurrently with the drop; only an account that is
/// linked to another one costs more round trips.
async fn owner(app: &App, caller: &Caller) -> Result<UserId, Error> {
    let account = app.context.account(&caller.id).await?;
    app.context.store.owners().of(&account).await
}

/// Claims that may put the caller in cooldown. Fetched concurrently with the drop, so it adds no round trip.
async fn recent_claims(app: &App, caller: &Caller) -> Result<Claims, Error> {
    let now = app.context.clock.now();
    app.context.store.work().recent(&caller.id, cooldown::counts_after(now, &app.context.rules), now).await
}

/// Rejects a claim by a caller who does not meet the drop's requirements. Costs a round trip only if there
/// are any. The write decides about verified payouts once more, because they can end; races only add up.
async fn require_standing(app: &App, caller: &Caller, drop: &Drop) -> Result<(), Error> {
    if drop.requirements.is_empty() {
        return Ok(());
    }
    drop.requirements.require(&app.context.store.agents().standing(&caller.id).await?)
}

/// Rejects a new claim during the caller's cooldown. Costs a round trip only if overdue claims could make a
/// difference: their drops tell which of them have lapsed.
async fn require_no_cooldown(app: &App, caller: &Caller, claims: Claims) -> Result<(), Error> {
    let Context { store, rules, clock } = &app.context;
    let Claims { mut lapses, overdue, .. } = claims;
    let now = clock.now();
    if !overdue.is_empty() && lapses.len() + overdue.len() >= rules.cooldown_lapses as usize {
        let drops = store.drops().get_many(&overdue).await?;
        lapses.extend(drops.iter().filter_map(|drop| drop.claims.get(&caller.id)?.lapsed_at(now)));
    }
    cooldown::require_none(lapses, now, rules)
}
