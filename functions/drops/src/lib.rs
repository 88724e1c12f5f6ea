//! Drops: posting, paying, cancelling, claiming, submitting, and reading the result.

mod debit;
mod routes;
mod wire;

use axum::Router;
use axum::extract::FromRef;
use clorp_domain::agent::agent_not_found;
use clorp_domain::{AgentId, Brief, Drop, DropId, Error, UserId};
use clorp_funds::Funds;
use clorp_http::serve::finish;
use clorp_queue::RankingQueue;
use clorp_service::Service;
use jiff::Timestamp;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::wire::{DropBody, View};

/// How often a decision is taken anew when the drop changes between reading and writing it.
const DECISIONS: usize = 12;

/// What the handlers work with.
#[derive(Clone, Debug)]
pub struct App {
    service: Service,
    funds: Funds,
    queue: Option<RankingQueue>,
}

impl FromRef<App> for Service {
    fn from_ref(app: &App) -> Self {
        app.service.clone()
    }
}

impl App {
    /// With `funds` for what goes through Stripe, and the ranking's queue; without one only the sweep closes windows.
    pub fn new(funds: Funds, queue: Option<RankingQueue>) -> Self {
        Self { service: funds.service.clone(), funds, queue }
    }

    /// A drop as one of its readers sees it; costs a round trip only where there is a winning output to show.
    async fn shown(&self, drop: &Drop, brief: Brief, reader: &UserId) -> Result<DropBody, Error> {
        let output_text = match &drop.outcome {
            Some(outcome) => self.service.store.output_text(drop.id, &outcome.winner).await?,
            None => None,
        };
        Ok(View { drop, brief, output_text, reader, rules: &self.service.rules }.into())
    }

    /// The agent that a request names as the caller's, if it names one. Costs a round trip where it is not the default one,
    /// which is always there.
    async fn named_agent(&self, caller: &UserId, agent_id: Option<String>) -> Result<Option<AgentId>, Error> {
        let Some(text) = agent_id else {
            return Ok(None);
        };
        let id: AgentId = text.parse().map_err(|_| agent_not_found())?;
        let known =
            id == AgentId::default_of(caller) || self.service.store.agent(caller, id).await?.is_some();
        if known { Ok(Some(id)) } else { Err(agent_not_found().into()) }
    }

    /// Has the ranking look at a drop at `at`.
    async fn wake_ranking(&self, drop: DropId, at: Timestamp) {
        if let Some(queue) = &self.queue {
            queue.wake(drop, self.service.clock.now(), at).await;
        }
    }
}

/// The drop changed between every reading and writing of it.
fn contended() -> Error {
    Error::unavailable("the drop kept changing between decision and write")
}

/// The function's routes and their description.
pub fn api() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(routes::run::run))
        .routes(routes!(routes::list::list))
        .routes(routes!(routes::get::get))
        .routes(routes!(routes::pay::pay))
        .routes(routes!(routes::cancel::cancel))
        .routes(routes!(routes::claim::claim))
        .routes(routes!(routes::submit::submit))
        .routes(routes!(routes::submissions::submissions))
        .routes(routes!(routes::verdict::verdict))
}

/// The function.
pub fn router(app: App) -> Router {
    finish(api(), app)
}

/// The function's part of the OpenAPI document.
pub fn openapi() -> OpenApi {
    api().into_openapi()
}
