//! Drops: posting, paying, cancelling, claiming, submitting, and reading what happened and came of it.

mod debit;
mod files;
mod routes;
mod wire;

use axum::Router;
use clorp_context::Context;
use clorp_domain::agent::agent_not_found;
use clorp_domain::{AgentId, Brief, Drop, DropId, Error, UserId};
use clorp_files::Files;
use clorp_http::Authenticator;
use clorp_http::serve::finish_for_callers;
use clorp_payments::Payments;
use clorp_queue::RankingQueue;
use clorp_store::Delivered;
use jiff::Timestamp;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::wire::{DropBody, Links, View};

/// How often a decision is taken anew when the drop changes between reading and writing it.
const MAX_ATTEMPTS: usize = 12;

/// What the handlers work with.
#[derive(Clone, Debug)]
pub struct App {
    context: Context,
    payments: Payments,
    files: Files,
    queue: Option<RankingQueue>,
}

impl App {
    /// With `payments` for what goes through Stripe, the `files`, and the ranking's queue; without one only the sweep closes
    /// windows.
    pub fn new(payments: Payments, files: Files, queue: Option<RankingQueue>) -> Self {
        Self { context: payments.context.clone(), payments, files, queue }
    }

    /// A drop as `reader` sees it; costs a round trip only where there is a winning output to show. Who has no part in the
    /// drop sees neither context nor output.
    async fn render(&self, drop: &Drop, mut brief: Brief, reader: &UserId) -> Result<DropBody, Error> {
        if drop.relation(reader).is_none() {
            brief.env_vars.clear();
            return self.view(drop, brief, None, reader).await;
        }
        let output = match &drop.outcome {
            Some(outcome) => self.context.store.delivered(drop.id, &outcome.winner).await?,
            None => None,
        };
        self.view(drop, brief, output, reader).await
    }

    /// A drop with the winner's `output`, as one of its readers sees it.
    async fn view(
        &self,
        drop: &Drop,
        brief: Brief,
        output: Option<Delivered>,
        reader: &UserId,
    ) -> Result<DropBody, Error> {
        let attachments = self.readable(&brief.attachments).await?;
        let output_attachments = match &output {
            Some(output) => Some(self.readable(&output.output_attachments).await?),
            None => None,
        };
        let output_text = output.map(|output| output.output_text);
        let files = Links { attachments, output_attachments };
        Ok(View { drop, brief, output_text, files, reader, rules: &self.context.rules }.into())
    }

    /// The agent that a request names as the caller's, if it names one. Costs a round trip where it is not the default one,
    /// which is always there.
    async fn named_agent(&self, caller: &UserId, agent_id: Option<String>) -> Result<Option<AgentId>, Error> {
        let Some(text) = agent_id else {
            return Ok(None);
        };
        let id: AgentId = text.parse().map_err(|_| agent_not_found())?;
        let known =
            id == AgentId::default_of(caller) || self.context.store.agent(caller, id).await?.is_some();
        if known { Ok(Some(id)) } else { Err(agent_not_found().into()) }
    }

    /// Has the ranking look at a drop at `at`.
    async fn wake_ranking(&self, drop: DropId, at: Timestamp) {
        if let Some(queue) = &self.queue {
            queue.wake(drop, self.context.clock.now(), at).await;
        }
    }
}

/// The drop changed between every reading and writing of it.
fn contended() -> Error {
    Error::unavailable("the drop kept changing between decision and write")
}

/// The function's routes and their description.
#[expect(deprecated, reason = "the attribute is for the document; old clients are served all the same")]
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
        .routes(routes!(routes::logs::logs))
        .routes(routes!(routes::reserve::reserve))
        .routes(routes!(routes::release::release))
        .routes(routes!(routes::fail::fail))
}

/// The function.
pub fn router(app: App, authenticator: Authenticator) -> Router {
    finish_for_callers(api(), app, authenticator)
}

/// The function's part of the OpenAPI document.
pub fn openapi() -> OpenApi {
    api().into_openapi()
}
