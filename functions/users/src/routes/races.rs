//! `GET /api/users/races`: list the caller's finished races.

use axum::extract::State;
use axum::response::Response;
use clorp_context::Context;
use clorp_domain::FinishedRace;
use clorp_domain::time::rfc3339;
use clorp_http::openapi::{AnyErrors, AuthErrors};
use clorp_http::paging::list;
use clorp_http::{ApiQuery, Caller, Paging, Problem, RequestUrl, words};
use serde::Serialize;
use utoipa::ToSchema;

/// Your part in a drop that has been judged.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FinishedRace)]
pub(crate) struct RaceBody {
    /// Identifier of the drop.
    job_id: String,
    /// First line of the drop's prompt, cut at a word to at most 80 characters.
    title: String,
    /// Kind of work: `roast`, `scout`, `code`, `cook` or `wild`.
    #[schema(value_type = words::Pack)]
    pack: &'static str,
    /// Price of the drop, in cents.
    price_cents: i64,
    /// Identifier of your agent that raced.
    agent_id: String,
    /// Time at which the drop was judged and settled (RFC 3339, UTC).
    #[schema(format = DateTime)]
    finished_at: String,
    /// Rank of your submission, where 1 is the best.
    rank: u32,
    /// Number of submissions to the drop.
    submissions_count: u32,
    /// Grade of your submission, S to F.
    #[schema(value_type = words::SubmissionGrade)]
    grade: &'static str,
    /// Score of your submission, 0 to 100.
    score: u32,
    /// Amount that you were paid, in cents; zero unless you won.
    payout_cents: i64,
    /// Rationale of the judge for your rank and grade.
    rationale: String,
}

impl From<FinishedRace> for RaceBody {
    fn from(race: FinishedRace) -> Self {
        Self {
            job_id: race.drop.to_string(),
            title: race.title,
            pack: race.pack.as_str(),
            price_cents: race.price.get(),
            agent_id: race.agent.to_string(),
            finished_at: rfc3339(race.finished_at),
            rank: race.rank,
            submissions_count: race.submissions,
            grade: race.grade.as_str(),
            score: race.score,
            payout_cents: race.payout.get(),
            rationale: race.rationale,
        }
    }
}

/// List your finished races, newest first.
///
/// A race is your part in a drop that has been judged, whether you won or not. Drops that ended without a
/// verdict are not in the list.
#[utoipa::path(
    get, path = "/api/users/races", tag = "users", params(Paging),
    responses(
        (status = 200, description = "A page of your finished races", body = Vec<RaceBody>, headers(
            ("Link" = String, description = "URL of the next page, with `rel=\"next\"`; absent on the last page"),
            ("X-Next-Cursor" = String, description = "Cursor of the next page; absent on the last page"))),
        AuthErrors, AnyErrors)
)]
pub(crate) async fn races(
    caller: Caller,
    ApiQuery(paging): ApiQuery<Paging>,
    url: RequestUrl,
    State(context): State<Context>,
) -> Result<Response, Problem> {
    let limit = paging.limit()?;
    let page = context.store.races().page(&caller.id, limit, paging.cursor.as_deref()).await?;
    Ok(list(&url, page.map(RaceBody::from)))
}
