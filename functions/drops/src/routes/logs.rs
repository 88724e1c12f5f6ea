//! `GET /api/jobs/{id}/logs`: what has happened to a drop, as server-sent events.

use axum::extract::State;
use clorp_domain::drops::Relation;
use clorp_domain::time::rfc3339;
use clorp_domain::timeline::{Event, EventId, EventKind};
use clorp_domain::{Drop, DropId, Error, SubmissionId, UserId};
use clorp_http::event_stream::{EventStream, LastEventId};
use clorp_http::openapi::{AnyErrors, AuthErrors, IdErrors};
use clorp_http::{Caller, NoParams, PathId, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// One event of a drop's timeline. In the stream, `id` and `event` are fields of the event, and `data` is the JSON in its
/// one line of data.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TimelineEvent {
    /// Opaque. Never changes, and is greater than that of every event before it, byte by byte.
    id: String,
    #[serde(flatten)]
    what: EventBody,
}

/// What happened, and what belongs to it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub(crate) enum EventBody {
    /// It was posted.
    Created(CreatedData),
    /// It was paid and went on the board.
    Opened(OpenedData),
    /// A slot was taken that is held still.
    Claimed(ClaimedData),
    /// A submission came in.
    Submitted(SubmittedData),
    /// It was closed to submissions, and is being judged.
    Ranking(RankingData),
    /// It was judged, and the winner paid.
    Completed(CompletedData),
    /// The sender called it off; what was paid went back.
    Cancelled(EndData),
    /// Its window closed without a submission; what was paid went back.
    Expired(EndData),
    /// Nothing more will happen.
    Done(DoneData),
}

/// Of `created`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreatedData {
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// What the sender pays, in cents.
    price_cents: i64,
}

/// Of `opened`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OpenedData {
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// When it stops taking claims and submissions.
    #[schema(format = DateTime)]
    window_closes_at: String,
    /// Slots there are.
    max_claims: u32,
}

/// Of `claimed`. Who it was only the sender sees.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClaimedData {
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// Until when nobody else can take the slot.
    #[schema(format = DateTime)]
    lease_expires_at: String,
    /// Which one this is of the claims that are held. One that was released or taken over is no longer among them.
    claims_count: u32,
    /// Whether it is the caller's.
    yours: bool,
    /// Whose it is: a user's id; `null` for anybody but the sender.
    worker: Option<String>,
}

/// Of `submitted`: that there is one, not what. Who it was only the sender sees.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SubmittedData {
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// How many are in with this one.
    submissions_count: u32,
    /// Whether it is the caller's.
    yours: bool,
    /// Whose it is: a user's id; `null` for anybody but the sender.
    worker: Option<String>,
}

/// Of `ranking`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RankingData {
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// Submissions that are judged.
    submissions_count: u32,
}

/// Of `completed`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CompletedData {
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// The winner's grade, S to F.
    grade: &'static str,
    /// The winner's submission.
    winning_submission_id: String,
}

/// Of `cancelled` and `expired`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EndData {
    /// When.
    #[schema(format = DateTime)]
    at: String,
}

/// Of `done`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DoneData {
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// How it ended.
    #[schema(pattern = "^(completed|cancelled|expired)$")]
    status: &'static str,
}

/// What has happened to a drop, for its sender and its claimants.
///
/// A stream for a browser's `EventSource`, complete and ended when there is nothing new; `retry` says when to ask again,
/// with the last event's id in `Last-Event-ID`, as `EventSource` does by itself. After `done` that is answered with 204,
/// which makes it stop. The body is described as the list of its events.
///
/// Each event comes once and in order. A claim that is released or taken over takes its event with it: who has not seen
/// it by then does not see it any more.
#[utoipa::path(
    get, path = "/api/jobs/{id}/logs", tag = "drops", security(("api_key" = [])),
    params(
        ("id" = String, Path, description = "The drop"),
        ("Last-Event-ID" = Option<String>, Header, description = "The last event that was seen, if one was")),
    responses(
        (status = 200, description = "What happened after that event, or from the beginning", body = Vec<TimelineEvent>,
            content_type = "text/event-stream"),
        (status = 204, description = "That event was the last one: there will be no more"),
        AuthErrors, IdErrors, AnyErrors)
)]
pub(crate) async fn logs(
    caller: Caller,
    PathId(id): PathId<DropId>,
    _: NoParams,
    LastEventId(seen): LastEventId<EventId>,
    State(app): State<App>,
) -> Result<EventStream<TimelineEvent>, Problem> {
    let drop = app.context.store.drop(id).await?.ok_or(Error::NotFound)?;
    let reader = Reader { id: &caller.id, relation: drop.relation(&caller.id).ok_or(Error::NotFound)? };
    let events = drop.timeline(seen);
    Ok(EventStream(events.map(|events| events.iter().map(|event| reader.sees(&drop, event)).collect())))
}

/// Who reads.
struct Reader<'a> {
    id: &'a UserId,
    relation: Relation,
}

impl Reader<'_> {
    fn sees(&self, drop: &Drop, event: &Event<'_>) -> TimelineEvent {
        let at = rfc3339(event.at);
        let what = match event.kind {
            EventKind::Created => EventBody::Created(CreatedData { at, price_cents: drop.price.get() }),
            EventKind::Opened => EventBody::Opened(OpenedData {
                at,
                window_closes_at: drop.window.map(|window| rfc3339(window.closes_at)).unwrap_or_default(),
                max_claims: drop.max_claims,
            }),
            EventKind::Claimed { worker, claim, nth } => EventBody::Claimed(ClaimedData {
                at,
                lease_expires_at: rfc3339(claim.lease_expires_at),
                claims_count: nth,
                yours: worker == self.id,
                worker: self.name(worker),
            }),
            EventKind::Submitted { worker, nth } => EventBody::Submitted(SubmittedData {
                at,
                submissions_count: nth,
                yours: worker == self.id,
                worker: self.name(worker),
            }),
            EventKind::Ranking => {
                EventBody::Ranking(RankingData { at, submissions_count: drop.submissions_count() })
            }
            EventKind::Completed(outcome) => EventBody::Completed(CompletedData {
                at,
                grade: outcome.grade.as_str(),
                winning_submission_id: SubmissionId::of(drop.id, &outcome.winner).to_string(),
            }),
            EventKind::Cancelled => EventBody::Cancelled(EndData { at }),
            EventKind::Expired => EventBody::Expired(EndData { at }),
            EventKind::Done => EventBody::Done(DoneData { at, status: drop.status.as_str() }),
        };
        TimelineEvent { id: event.id.to_string(), what }
    }

    /// Who somebody is, if that is for this reader to know.
    fn name(&self, worker: &UserId) -> Option<String> {
        match self.relation {
            Relation::Sender => Some(worker.to_string()),
            Relation::Claimant => None,
        }
    }
}
