//! Drops: posting, paying, cancelling, claiming, submitting, and reading their timeline and results.

mod debit;
mod files;
mod routes;
mod wire;

use axum::Router;
use clorp_context::Context;
use clorp_context::metrics::{self, Metric};
use clorp_domain::agent::agent_not_found;
use clorp_domain::{AgentId, Brief, Drop, Error, RankingTask, UserId};
use clorp_files::Files;
use clorp_http::serve::finish_for_callers;
use clorp_http::{Access, Authenticator, RateClass, Right, Routes, route};
use clorp_payments::Payments;
use clorp_queue::RankingQueue;
use clorp_store::Delivered;
use jiff::Timestamp;
use utoipa::openapi::OpenApi;

use crate::wire::{DropBody, Links, View};

/// State of the handlers.
#[derive(Clone, Debug)]
pub struct App {
    context: Context,
    payments: Payments,
    files: Files,
    queue: Option<RankingQueue>,
}

impl App {
    /// The state with its dependencies. Without a `queue`, only the ranking's scheduled sweep closes windows.
    pub fn new(payments: Payments, files: Files, queue: Option<RankingQueue>) -> Self {
        Self { context: payments.context.clone(), payments, files, queue }
    }

    /// The drop as `reader` sees it: only its sender and its claimants see its context, and only its sender
    /// and the workers who submitted see its winning output. Costs a round trip if there is one to show.
    async fn render(&self, drop: &Drop, mut brief: Brief, reader: &UserId) -> Result<DropBody, Error> {
        if drop.relation(reader).is_none() {
            brief.env_vars.clear();
            return self.view(drop, brief, None, reader).await;
        }
        let output = match &drop.outcome {
            Some(outcome) if drop.shows_results_to(reader) => {
                self.context.store.submissions().content(drop.id, &outcome.winner).await?
            }
            Some(_) | None => None,
        };
        self.view(drop, brief, output, reader).await
    }

    /// The drop with the winner's `output`, as `reader` sees it.
    async fn view(
        &self,
        drop: &Drop,
        brief: Brief,
        output: Option<Delivered>,
        reader: &UserId,
    ) -> Result<DropBody, Error> {
        // The files of a drop are kept when it is paid, and then it has a window.
        let attachments = self.readable(&brief.attachments, drop.window.is_some()).await?;
        let output_attachments = match &output {
            Some(output) => Some(self.readable(&output.output_attachments, true).await?),
            None => None,
        };
        let output_text = output.map(|output| output.output_text);
        let files = Links { attachments, output_attachments };
        Ok(View { drop, brief, output_text, files, reader, rules: &self.context.rules }.into())
    }

    /// The caller's agent that a request names, if it names one. Costs a round trip unless it is the default
    /// agent, which always exists.
    async fn named_agent(&self, caller: &UserId, agent_id: Option<String>) -> Result<Option<AgentId>, Error> {
        let Some(text) = agent_id else {
            return Ok(None);
        };
        let id: AgentId = text.parse().map_err(|_| agent_not_found())?;
        let known =
            id == AgentId::default_of(caller) || self.context.store.agents().get(caller, id).await?.is_some();
        if known { Ok(Some(id)) } else { Err(agent_not_found().into()) }
    }

    /// Counts an opened drop, and schedules a wake-up of the ranking at the end of its window. A drop that is
    /// not open has no window.
    async fn announce_opening(&self, drop: &Drop) {
        if let Some(window) = drop.window {
            self.wake_ranking(drop.id, window.closes_at).await;
            metrics::record(Metric::DropsOpened, 1);
        }
    }

    /// Schedules a wake-up of the ranking for a task at `at`.
    async fn wake_ranking(&self, task: impl Into<RankingTask>, at: Timestamp) {
        if let Some(queue) = &self.queue {
            queue.wake(task, self.context.clock.now(), at).await;
        }
    }
}

/// The function's routes, with their policies and descriptions.
#[expect(deprecated, reason = "deprecated for clients, but still served")]
pub fn api() -> Routes<App> {
    Routes::new()
        .with_caller(RateClass::Create, Access::ByRequest(Right::Spend), route!(routes::run::run))
        .with_caller(RateClass::Read, Right::Read, route!(routes::list::list))
        .with_caller(RateClass::Read, Right::Read, route!(routes::get::get))
        .with_caller(RateClass::Money, Right::Spend, route!(routes::pay::pay))
        .with_caller(RateClass::Create, Right::Spend, route!(routes::cancel::cancel))
        .with_caller(RateClass::Claim, Right::Work, route!(routes::claim::claim))
        .with_caller(RateClass::Submit, Right::Work, route!(routes::submit::submit))
        .with_caller(RateClass::Read, Right::Read, route!(routes::submissions::submissions))
        .with_caller(RateClass::Read, Right::Read, route!(routes::verdict::verdict))
        .with_caller(RateClass::Create, Right::Spend, route!(routes::appeal::appeal))
        .with_caller(RateClass::Read, Right::Read, route!(routes::logs::logs))
        .with_caller(RateClass::Claim, Right::Work, route!(routes::reserve::reserve))
        .with_caller(RateClass::Claim, Right::Work, route!(routes::release::release))
        .with_caller(RateClass::Claim, Right::Work, route!(routes::fail::fail))
}

/// The function's router.
pub fn router(app: App, authenticator: Authenticator) -> Router {
    finish_for_callers(api(), app, authenticator)
}

/// The function's part of the OpenAPI document.
pub fn openapi() -> OpenApi {
    api().into_openapi()
}
